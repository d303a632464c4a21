//! What a call to write is given, and how chunks get their part of it.
//!
//! Items of variable size stay where the caller has them: a chunk gets slots that say which items are its own, and a
//! heap of these alone. That is work on each item, so it is left to the thread that encodes the chunk.
//! Until the heap is made, slots point into one line of places:
//!
//! ```text
//! what is given | fill value | what the chunk had before
//! ```

use std::{
    fmt::{self, Debug, Formatter},
    sync::OnceLock,
};

use zarr_codecs::{ChunkBuffer, ChunkRef, SLOT_SIZE, Slot};

use crate::chunk_copy::ChunkCopy;

/// Values in C order, on their way into an array.
#[derive(Clone, Copy)]
pub enum Values<'a> {
    /// Elements as they lie in a chunk.
    Elements(ChunkRef<'a>),
    /// Values of variable size that lie anywhere.
    Items {
        /// How many there are.
        count: usize,
        /// Adds the bytes of the one with an index to a heap.
        add: &'a (dyn Fn(usize, &mut Vec<u8>) + Sync),
    },
}

impl Debug for Values<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of values", self.size())
    }
}

impl<'a> Values<'a> {
    /// Elements of fixed size.
    pub const fn fixed(elements: &'a [u8]) -> Self {
        Self::Elements(ChunkRef { elements, heap: &[] })
    }

    /// The elements, or their slots, if they lie as in a chunk.
    pub(crate) const fn elements(self) -> Option<&'a [u8]> {
        match self {
            Self::Elements(chunk) => Some(chunk.elements),
            Self::Items { .. } => None,
        }
    }

    /// The size in memory, in bytes, slots included and heap not.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Elements(chunk) => chunk.elements.len(),
            Self::Items { count, .. } => count * SLOT_SIZE,
        }
    }

    /// Puts values together in memory of their own.
    pub(crate) fn to_buffer(self) -> ChunkBuffer {
        match self {
            Self::Elements(chunk) => ChunkBuffer {
                elements: chunk.elements.to_vec(),
                heap: chunk.heap.to_vec(),
            },
            Self::Items { count, add } => {
                let mut buffer = ChunkBuffer::default();
                buffer.elements.reserve_exact(count * SLOT_SIZE);
                for index in 0..count {
                    let offset = buffer.heap.len();
                    add(index, &mut buffer.heap);
                    buffer
                        .elements
                        .extend(slot(offset, buffer.heap.len() - offset).to_bytes());
                }
                buffer
            }
        }
    }

    /// How many places for slots to point to there are.
    const fn n_places(self) -> usize {
        match self {
            Self::Elements(chunk) => chunk.heap.len(),
            Self::Items { count, .. } => count,
        }
    }
}

/// What a call to write is given, as its threads see it.
pub(crate) struct Given<'a> {
    values: Values<'a>,
    /// The fill value, if it is of variable size.
    fill: Vec<u8>,
    /// Slots of all items that lie anywhere, made when a chunk has others of them than a row.
    slots: OnceLock<Vec<u8>>,
}

impl<'a> Given<'a> {
    pub(crate) const fn new(values: Values<'a>, fill: Vec<u8>) -> Self {
        Self {
            values,
            fill,
            slots: OnceLock::new(),
        }
    }

    /// The slot of the fill value.
    pub(crate) fn fill_slot(&self) -> Slot {
        slot(self.values.n_places(), self.fill.len())
    }

    /// The place from which on slots point to what the chunk had before.
    pub(crate) fn old_places(&self) -> u64 {
        (self.values.n_places() + self.fill.len()) as u64
    }

    /// The elements, or their slots, if they lie as in a chunk.
    pub(crate) const fn elements(&self) -> Option<&'a [u8]> {
        self.values.elements()
    }

    /// Copies elements into a chunk; slots point to places then.
    pub(crate) fn copy(&self, copy: &ChunkCopy<'_>, chunk: &mut [u8]) {
        match (self.values, copy.single_run()) {
            (Values::Elements(given), _) => copy.copy_to(given.elements, chunk),
            (Values::Items { .. }, Some(size)) => {
                point_to(copy.source / SLOT_SIZE, &mut chunk[copy.target..][..size]);
            }
            (Values::Items { .. }, None) => {
                let all = || {
                    let mut slots = vec![0; self.values.size()];
                    point_to(0, &mut slots);
                    slots
                };
                copy.copy_to(self.slots.get_or_init(all), chunk);
            }
        }
    }

    /// Makes the heap of a chunk of which slots point to places; `old` is the heap it had before.
    pub(crate) fn gather(&self, slots: &mut [u8], old: &[u8], heap: &mut Vec<u8>) {
        heap.clear();
        let n_given = self.values.n_places();
        let mut last = None;
        for bytes in slots.as_chunks_mut::<SLOT_SIZE>().0 {
            let from = Slot::from_bytes(bytes);
            // What is written everywhere is there once.
            if let Some((last, own)) = last
                && last == from
            {
                *bytes = own;
                continue;
            }
            let start = heap.len();
            match ((from.offset as usize).checked_sub(n_given), self.values) {
                (None, Values::Items { add, .. }) => add(from.offset as usize, heap),
                (None, Values::Elements(given)) => heap.extend_from_slice(from.of(given.heap)),
                (Some(place), _) => {
                    let (heap_of, place) = match place.checked_sub(self.fill.len()) {
                        Some(place) => (old, place),
                        None => (&self.fill[..], place),
                    };
                    heap.extend_from_slice(&heap_of[place..place + from.length as usize]);
                }
            }
            *bytes = slot(start, heap.len() - start).to_bytes();
            last = Some((from, *bytes));
        }
    }
}

const fn slot(offset: usize, length: usize) -> Slot {
    Slot {
        offset: offset as u64,
        length: length as u64,
    }
}

/// Makes slots that point to one place after the other.
fn point_to(first: usize, slots: &mut [u8]) {
    for (index, bytes) in slots.as_chunks_mut::<SLOT_SIZE>().0.iter_mut().enumerate() {
        *bytes = slot(first + index, 0).to_bytes();
    }
}
