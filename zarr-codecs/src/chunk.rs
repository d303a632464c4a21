//! A chunk in memory.
//!
//! Elements of fixed size lie one after the other, in C order and native byte order.
//! Elements of variable size (texts, byte strings) have a [`Slot`] of 16 bytes each in their place, which
//! says where in a second buffer, the heap, their bytes are:
//!
//! ```text
//! elements  | offset u64 | length u64 | offset u64 | length u64 | ...
//! heap      | bytes of one | bytes of another | ...
//! ```
//!
//! So whatever moves elements about (selections, transposition, copies into an output) need not know which
//! sort it moves.

use std::ops::Range;

use crate::{DataType, FillValue};

/// The size in bytes of what stands for an element of variable size.
pub const SLOT_SIZE: usize = 16;

/// Where in the heap an element of variable size is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// First byte in the heap.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

impl Slot {
    /// The slot as it lies among the elements.
    pub fn to_bytes(self) -> [u8; SLOT_SIZE] {
        let mut bytes = [0; SLOT_SIZE];
        bytes[..8].copy_from_slice(&self.offset.to_ne_bytes());
        bytes[8..].copy_from_slice(&self.length.to_ne_bytes());
        bytes
    }

    /// Reads a slot from its place among the elements.
    ///
    /// # Panics
    /// When `bytes` is not as long as a slot.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().expect("half a slot is 8 bytes"));
        Self {
            offset: number(&bytes[..8]),
            length: number(&bytes[8..SLOT_SIZE]),
        }
    }

    /// Moves what slots point to, when their heap comes to lie `base` bytes into another one.
    pub fn shift(slots: &mut [u8], base: u64) {
        for bytes in slots.chunks_exact_mut(SLOT_SIZE) {
            let slot = Self::from_bytes(bytes);
            let offset = slot.offset + base;
            bytes.copy_from_slice(&Self { offset, ..slot }.to_bytes());
        }
    }

    /// Adds what slots point to in one heap to another, to which they point then.
    ///
    /// # Panics
    /// When a slot is not one of the heap.
    pub fn gather(slots: &mut [u8], from: &[u8], to: &mut Vec<u8>) {
        for bytes in slots.chunks_exact_mut(SLOT_SIZE) {
            let slot = Self::from_bytes(bytes);
            let offset = to.len() as u64;
            to.extend_from_slice(slot.of(from));
            bytes.copy_from_slice(&Self { offset, ..slot }.to_bytes());
        }
    }

    /// The bytes of the element.
    ///
    /// # Panics
    /// When the slot is not one of this heap.
    pub fn of(self, heap: &[u8]) -> &[u8] {
        &heap[self.range()]
    }

    /// The place in the heap.
    pub const fn range(self) -> Range<usize> {
        self.offset as usize..(self.offset + self.length) as usize
    }
}

/// All that a codec may know of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct ChunkSpec {
    /// The number of elements in each dimension.
    pub shape: Vec<u64>,
    /// The type of the elements.
    pub data_type: DataType,
    /// What an element is that was never written.
    pub fill_value: FillValue,
}

impl ChunkSpec {
    /// The number of elements; `None` when it does not fit 64 bits.
    pub fn n_elements(&self) -> Option<u64> {
        self.shape
            .iter()
            .try_fold(1_u64, |product, &length| product.checked_mul(length))
    }

    /// The size in memory, in bytes, slots included and the heap not.
    ///
    /// `None` when it does not fit the address space or the data type is unknown.
    pub fn size(&self) -> Option<usize> {
        let size = self.n_elements()?.checked_mul(self.data_type.size()? as u64)?;
        usize::try_from(size).ok()
    }
}

/// A chunk that somebody else owns.
#[derive(Debug, Clone, Copy)]
pub struct ChunkRef<'a> {
    /// The elements, or their slots.
    pub elements: &'a [u8],
    /// What the slots point into; empty for elements of fixed size.
    pub heap: &'a [u8],
}

impl<'a> ChunkRef<'a> {
    /// The slots of elements of variable size.
    pub fn slots(self) -> impl Iterator<Item = Slot> + 'a {
        self.elements.chunks_exact(SLOT_SIZE).map(Slot::from_bytes)
    }

    /// The bytes of each element of variable size.
    pub fn items(self) -> impl Iterator<Item = &'a [u8]> {
        self.slots().map(move |slot| slot.of(self.heap))
    }
}

/// A chunk with memory of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkBuffer {
    /// The elements, or their slots.
    pub elements: Vec<u8>,
    /// What the slots point into; empty for elements of fixed size.
    pub heap: Vec<u8>,
}

impl ChunkBuffer {
    /// Forgets the chunk and keeps the memory.
    pub fn clear(&mut self) {
        self.elements.clear();
        self.heap.clear();
    }

    /// Adds an element of variable size.
    pub fn push_item(&mut self, item: &[u8]) {
        let slot = Slot {
            offset: self.heap.len() as u64,
            length: item.len() as u64,
        };
        self.heap.extend_from_slice(item);
        self.elements.extend_from_slice(&slot.to_bytes());
    }

    /// The chunk as others see it.
    pub fn as_ref(&self) -> ChunkRef<'_> {
        ChunkRef {
            elements: &self.elements,
            heap: &self.heap,
        }
    }
}
