//! Shards: chunks that hold smaller chunks, and an index that says where (Zarr V3 specification, *sharding*).
//!
//! ```text
//! index at the end    | inner chunk | inner chunk | ... | index |
//! index at the start  | index | inner chunk | inner chunk | ... |
//! index, decoded      | offset u64 | length u64 | offset u64 | length u64 | ...
//! ```
//!
//! The index has an entry for each inner chunk, in C order; both numbers are 2^64 - 1 where there is none, which
//! reads as the fill value. Offsets count from the beginning of the shard.

use std::ops::Range;

use crate::{
    ChunkCodec, CodecError, Result, Scratch, array_to_bytes::sharding_indexed::NAME, chain::reserve,
};

/// Where in a shard its index is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexLocation {
    /// Before the inner chunks.
    Start,
    /// Behind the inner chunks.
    End,
}

/// What a shard of one shape holds.
#[derive(Debug, Clone)]
pub struct Shard {
    pub(crate) grid_shape: Vec<u64>,
    pub(crate) inner: ChunkCodec,
    pub(crate) index: ChunkCodec,
    pub(crate) index_size: usize,
    pub(crate) location: IndexLocation,
}

impl Shard {
    /// The number of inner chunks in each dimension.
    pub fn grid_shape(&self) -> &[u64] {
        &self.grid_shape
    }

    /// The number of inner chunks.
    pub fn n_chunks(&self) -> usize {
        self.grid_shape.iter().product::<u64>() as usize
    }

    /// The codecs of an inner chunk.
    pub const fn inner(&self) -> &ChunkCodec {
        &self.inner
    }

    /// Where the index is.
    pub const fn location(&self) -> IndexLocation {
        self.location
    }

    /// The size of the encoded index in bytes, which is the same whatever it says.
    pub const fn index_size(&self) -> usize {
        self.index_size
    }

    /// Where inner chunks may be in a shard of `size` bytes; `None` if that is too small for the index.
    fn data_range(&self, size: u64) -> Option<Range<u64>> {
        let index_size = self.index_size as u64;
        let rest = size.checked_sub(index_size)?;
        Some(match self.location {
            IndexLocation::Start => index_size..size,
            IndexLocation::End => 0..rest,
        })
    }

    /// Decodes and checks the index of a shard of `size` bytes.
    ///
    /// # Errors
    /// `Corrupt` for an entry that is missing by half, that does not lie within the part of the shard which is
    /// for inner chunks, or that is longer than any inner chunk; those of the codecs of the index.
    pub fn decode_index(&self, encoded: &[u8], size: u64, scratch: &mut Scratch) -> Result<ShardIndex> {
        let data = self.data_range(size).ok_or_else(|| {
            let reason = format!("{size} bytes are too few for an index of {}", self.index_size);
            CodecError::corrupt(NAME, reason)
        })?;
        let decoded = self.index.decode(encoded, scratch)?;
        let mut numbers = Vec::new();
        let elements = if self.index.layout().is_plain() {
            decoded.elements
        } else {
            reserve(&mut numbers, self.index.decoded_size())?;
            self.index
                .take_out(decoded.elements, &mut numbers, &self.index.c_strides());
            &numbers
        };
        let entries = elements.as_chunks::<16>().0.iter().map(|entry| {
            let (numbers, _) = entry.as_chunks::<8>();
            let [offset, length] = [0, 1].map(|place| u64::from_ne_bytes(numbers[place]));
            Entry { offset, length }
        });
        let mut index = ShardIndex { entries: Vec::new() };
        index.entries.try_reserve_exact(entries.len()).map_err(|_| {
            let reason = format!("no room for an index of {} inner chunks", entries.len());
            CodecError::value("memory", reason)
        })?;
        index.entries.extend(entries);
        let length_max = self.inner.encoded_size_max();
        for (number, entry) in index.entries.iter().enumerate() {
            entry
                .check(&data, length_max)
                .map_err(|reason| CodecError::corrupt(NAME, format!("index entry {number}: {reason}")))?;
        }
        Ok(index)
    }

    /// Encodes an index.
    ///
    /// # Errors
    /// Those of the codecs of the index.
    pub fn encode_index<'a>(&self, index: &ShardIndex, scratch: &'a mut Scratch) -> Result<&'a [u8]> {
        let numbers = index
            .entries
            .iter()
            .flat_map(|entry| [entry.offset, entry.length]);
        let plain: Vec<u8> = numbers.flat_map(u64::to_ne_bytes).collect();
        let encoded = if self.index.layout().is_plain() {
            self.index.encode_owned(&plain, scratch)?
        } else {
            let mut laid_out = vec![0; plain.len()];
            self.index.lay_out(&plain, &self.index.c_strides(), &mut laid_out);
            self.index.encode_owned(&laid_out, scratch)?
        };
        if encoded.len() != self.index_size {
            return Err(CodecError::Size {
                expected: self.index_size as u64,
                got: encoded.len() as u64,
            });
        }
        Ok(encoded)
    }
}

/// Where in a shard an inner chunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    offset: u64,
    length: u64,
}

impl Entry {
    const MISSING: Self = Self {
        offset: u64::MAX,
        length: u64::MAX,
    };

    /// Says what is wrong with the entry.
    fn check(self, data: &Range<u64>, length_max: u64) -> std::result::Result<(), String> {
        let Self { offset, length } = self;
        if self == Self::MISSING {
            return Ok(());
        }
        if offset == u64::MAX || length == u64::MAX {
            return Err("missing by half".to_owned());
        }
        let Some(end) = offset.checked_add(length) else {
            return Err(format!(
                "{length} bytes from {offset} on end behind the largest number"
            ));
        };
        if offset < data.start || end > data.end {
            return Err(format!(
                "range {offset}..{end} does not lie within {}..{}, where inner chunks are",
                data.start, data.end
            ));
        }
        if length > length_max {
            return Err(format!("{length} bytes, an inner chunk has at most {length_max}"));
        }
        Ok(())
    }
}

/// Where in a shard its inner chunks are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardIndex {
    entries: Vec<Entry>,
}

impl ShardIndex {
    /// The index of a shard of so many inner chunks, none of which is there.
    pub fn empty(n_chunks: usize) -> Self {
        Self {
            entries: vec![Entry::MISSING; n_chunks],
        }
    }

    /// The bytes of an inner chunk, by its number in C order, counted from the beginning of the shard; `None` if
    /// it is not there.
    ///
    /// # Panics
    /// When there is no such number.
    pub fn get(&self, number: usize) -> Option<Range<u64>> {
        let entry = self.entries[number];
        (entry != Entry::MISSING).then(|| entry.offset..entry.offset + entry.length)
    }

    /// Says where an inner chunk is.
    ///
    /// # Panics
    /// When there is no such number.
    pub fn set(&mut self, number: usize, bytes: Range<u64>) {
        self.entries[number] = Entry {
            offset: bytes.start,
            length: bytes.end - bytes.start,
        };
    }

    /// Whether no inner chunk is there.
    pub fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| *entry == Entry::MISSING)
    }

    /// The numbers of the inner chunks that are there.
    pub fn present(&self) -> impl Iterator<Item = usize> {
        let all = self.entries.iter().enumerate();
        all.filter(|(_, entry)| **entry != Entry::MISSING)
            .map(|(number, _)| number)
    }
}
