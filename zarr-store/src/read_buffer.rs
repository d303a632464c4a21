//! Where a store puts what it reads.

use std::{io, ops::Range};

use bytes::Bytes;

use crate::{ByteRange, stores::ranges::push_shared_ranges};

/// What the address of a large part is a multiple of.
///
/// Some processors copy several times slower to an address that lies a few bytes further into its page than the address
/// they copy from does, and so does fresh memory of the allocator, compared with a file, which starts with its page.
const PAGE: usize = 4096;
/// The size in bytes from which on a part is large.
const LARGE: usize = 4 * PAGE;

/// Takes the parts that a store read, and is used again for the next read.
///
/// A store that already owns the bytes hands out a share of them ([`ReadBuffer::push_shared`]); one that
/// has to fetch them writes into the buffer's own memory ([`ReadBuffer::push_with`]), which is kept from
/// read to read, so that reading chunk after chunk allocates nothing.
///
/// ```
/// # use zarr_store::{ByteRange, MemoryStore, ReadBuffer, Store, StoreKey};
/// let store = MemoryStore::new();
/// let key = StoreKey::new("a/0.0")?;
/// store.set(&key, b"chunk")?;
/// let mut buffer = ReadBuffer::new();
/// assert!(store.get_ranges(&key, &[ByteRange::All], &mut buffer)?);
/// assert_eq!(buffer.part(0), b"chunk");
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct ReadBuffer {
    memory: Vec<u8>,
    used: usize,
    parts: Vec<Part>,
    size_max: u64,
    value_size: Option<u64>,
    generation: Option<u64>,
    is_settled: bool,
    wants_generation: bool,
}

#[derive(Debug)]
enum Part {
    Own(Range<usize>),
    Shared(Bytes),
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl ReadBuffer {
    /// Makes an empty buffer without a limit.
    pub const fn new() -> Self {
        Self::with_limit(u64::MAX)
    }

    /// Makes an empty buffer that takes at most `size_max` bytes in one read.
    ///
    /// Stores compare the sizes they know before they read, so a huge value costs an error, not memory.
    pub const fn with_limit(size_max: u64) -> Self {
        Self {
            memory: Vec::new(),
            used: 0,
            parts: Vec::new(),
            size_max,
            value_size: None,
            generation: None,
            is_settled: false,
            wants_generation: true,
        }
    }

    /// Changes the limit in bytes of the reads to come.
    pub const fn set_limit(&mut self, size_max: u64) {
        self.size_max = size_max;
    }

    /// The most bytes that one read may bring.
    pub const fn limit(&self) -> u64 {
        self.size_max
    }

    /// Forgets the parts and keeps the memory.
    pub fn clear(&mut self) {
        self.parts.clear();
        self.used = 0;
        self.value_size = None;
        self.generation = None;
        self.is_settled = false;
    }

    /// The size in bytes of the whole value of which ranges were read, where the store has seen it.
    pub const fn value_size(&self) -> Option<u64> {
        self.value_size
    }

    /// Says how large the whole value is.
    pub const fn set_value_size(&mut self, size: Option<u64>) {
        self.value_size = size;
    }

    /// The [`Store::generation`](crate::Store::generation) of the value that was read, where the store has seen it.
    pub const fn generation(&self) -> Option<u64> {
        self.generation
    }

    /// Says which of the values of a key was read.
    pub const fn set_generation(&mut self, generation: Option<u64>) {
        self.generation = generation;
    }

    /// Says whether the reads to come ask for the generation, as they do at first.
    ///
    /// Where it costs more than the bytes, a store may leave it out for who does not need it.
    pub const fn want_generation(&mut self, wants: bool) {
        self.wants_generation = wants;
    }

    /// Whether the generation is asked for.
    pub const fn wants_generation(&self) -> bool {
        self.wants_generation
    }

    /// Whether every value that takes the place of the one that was read is sure to have another generation.
    ///
    /// Only then may what was learnt of the value be kept from one read to another. A value that was only just set
    /// is not settled where times are what tells values apart: the next one may be set at the same tick of the clock.
    pub const fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// Says whether the generation is sure to tell the value from all that come after it.
    pub const fn set_settled(&mut self, is_settled: bool) {
        self.is_settled = is_settled;
    }

    /// The bytes of memory that are kept for the next read.
    pub const fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    /// The number of parts read.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The bytes of the part at `index`, in the order of the ranges asked for.
    ///
    /// # Panics
    /// When there is no such part.
    pub fn part(&self, index: usize) -> &[u8] {
        match &self.parts[index] {
            Part::Own(range) => &self.memory[range.clone()],
            Part::Shared(bytes) => bytes,
        }
    }

    /// The part at `index` as an owned value; a copy only if the store had to fetch it.
    ///
    /// # Panics
    /// When there is no such part.
    pub fn to_bytes(&self, index: usize) -> Bytes {
        match &self.parts[index] {
            Part::Own(range) => Bytes::copy_from_slice(&self.memory[range.clone()]),
            Part::Shared(bytes) => bytes.clone(),
        }
    }

    /// The part at `index` as an owned value; a copy only where it shares the buffer's memory with others.
    ///
    /// # Panics
    /// When there is no such part.
    pub fn into_bytes(mut self, index: usize) -> Bytes {
        match &self.parts[index] {
            Part::Own(range) if self.parts.len() == 1 => {
                self.memory.truncate(range.end);
                Bytes::from(self.memory).slice(range.clone())
            }
            _ => self.to_bytes(index),
        }
    }

    /// Adds a part that the store owns already.
    pub fn push_shared(&mut self, bytes: Bytes) {
        self.parts.push(Part::Shared(bytes));
    }

    /// Adds ranges of a value that is in memory as a whole, sharing it.
    ///
    /// # Errors
    /// As a store's [`get_ranges`](crate::Store::get_ranges) has them; `what` describes the value.
    pub fn push_ranges(
        &mut self,
        value: &Bytes,
        ranges: &[ByteRange],
        what: impl Fn() -> String,
    ) -> crate::Result<()> {
        push_shared_ranges(value, ranges, self, what)
    }

    /// Makes room for parts of `size` bytes in all, so that adding them cannot fail.
    ///
    /// # Errors
    /// When there is not so much memory.
    pub fn reserve(&mut self, size: u64) -> Result<(), io::Error> {
        let end = usize::try_from(size)
            .ok()
            .and_then(|size| self.used.checked_add(size)?.checked_add(room_to_align(size)));
        let end = end.ok_or(io::ErrorKind::OutOfMemory)?;
        if end <= self.memory.len() {
            return Ok(());
        }
        if self.used > 0 {
            let more = end - self.memory.len();
            return Ok(self.memory.try_reserve(more)?);
        }
        // Nothing is kept. Fresh memory is zero from the start, and is touched by what is read into it alone; a little more
        // of it is taken where this is not the first time.
        let end = if self.memory.is_empty() {
            end
        } else {
            end.saturating_add(end / 4)
        };
        self.memory = Vec::new();
        self.memory = bytemuck::try_zeroed_vec(end).map_err(|()| io::ErrorKind::OutOfMemory)?;
        Ok(())
    }

    /// Adds a part of `size` bytes, which `fill` writes.
    ///
    /// # Errors
    /// What `fill` returns; the part is not added then.
    pub fn push_with<E>(
        &mut self,
        size: usize,
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let room = room_to_align(size);
        self.grow(self.used + size + room);
        let start = if self.used == 0 {
            self.memory.as_ptr().align_offset(PAGE).min(room)
        } else {
            self.used
        };
        let range = start..start + size;
        fill(&mut self.memory[range.clone()])?;
        self.used = range.end;
        self.parts.push(Part::Own(range));
        Ok(())
    }

    fn grow(&mut self, size: usize) {
        if self.memory.len() < size {
            self.memory.resize(size, 0);
        }
    }
}

/// What a part may need beyond its own size to begin with a page.
const fn room_to_align(size: usize) -> usize {
    if size < LARGE { 0 } else { PAGE - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(parts: &[&[u8]]) -> ReadBuffer {
        let mut buffer = ReadBuffer::new();
        // Longer than what is read next, as after another read.
        buffer.push_with(100, |_| Ok::<_, ()>(())).unwrap();
        buffer.clear();
        for part in parts {
            let fill = |memory: &mut [u8]| -> Result<(), ()> {
                memory.copy_from_slice(part);
                Ok(())
            };
            buffer.push_with(part.len(), fill).unwrap();
        }
        buffer
    }

    #[test]
    fn parts_are_owned_as_they_were_read() {
        assert_eq!(filled(&[b"one"]).into_bytes(0), &b"one"[..]);
        assert_eq!(filled(&[b""]).into_bytes(0), &b""[..]);
        assert_eq!(filled(&[b"one", b"two"]).into_bytes(1), &b"two"[..]);
        let mut shared = filled(&[b"one"]);
        shared.push_shared(Bytes::from_static(b"two"));
        assert_eq!(shared.into_bytes(1), &b"two"[..]);
    }

    #[test]
    fn a_large_part_begins_with_a_page() {
        let mut buffer = ReadBuffer::new();
        for size in [LARGE, 100 * PAGE + 1, 2 * LARGE] {
            buffer.clear();
            buffer.reserve(size as u64).unwrap();
            let fill = |memory: &mut [u8]| -> Result<(), ()> {
                memory.fill(size as u8);
                Ok(())
            };
            buffer.push_with(size, fill).unwrap();
            buffer.push_with(3, fill).unwrap();
            assert_eq!(buffer.part(0).as_ptr().align_offset(PAGE), 0);
            assert_eq!(buffer.part(0), vec![size as u8; size]);
            assert_eq!(buffer.part(1), [size as u8; 3]);
        }
    }

    #[test]
    fn a_single_part_is_not_copied() {
        let buffer = filled(&[b"one"]);
        let at = buffer.part(0).as_ptr();
        assert_eq!(buffer.into_bytes(0).as_ptr(), at);
    }
}
