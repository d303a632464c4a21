//! Which chunks of a dataset exist, and where.

/// One chunk in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// The first element of the chunk, in elements from the origin of the dataset.
    pub offset: &'a [u64],
    /// Bit n is set if the n-th filter was not applied to this chunk.
    pub filter_mask: u32,
    /// Where the encoded bytes start, in bytes from the start of the file.
    pub address: u64,
    /// How many encoded bytes there are.
    pub size_bytes: u64,
}

/// All chunks of a dataset that exist in the file; the others hold the fill value.
///
/// Each lies within the file and within the grid of chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkIndex {
    /// The offsets of all chunks, one after the other.
    pub(super) offsets: Vec<u64>,
    pub(super) stored: Vec<Stored>,
    pub(super) ndim: usize,
}

/// What [`Chunk`] has beside the offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) filter_mask: u32,
    pub(super) address: u64,
    pub(super) size_bytes: u64,
}

impl ChunkIndex {
    /// How many chunks exist.
    pub fn len(&self) -> usize {
        self.stored.len()
    }

    /// Whether none exists.
    pub fn is_empty(&self) -> bool {
        self.stored.is_empty()
    }

    /// The n-th chunk, in the order of the file's own index.
    pub fn get(&self, n: usize) -> Option<Chunk<'_>> {
        let stored = self.stored.get(n)?;
        let start = n.checked_mul(self.ndim)?;
        Some(Chunk {
            offset: self.offsets.get(start..start.checked_add(self.ndim)?)?,
            filter_mask: stored.filter_mask,
            address: stored.address,
            size_bytes: stored.size_bytes,
        })
    }

    /// All chunks, in the order of the file's own index.
    pub fn iter(&self) -> impl Iterator<Item = Chunk<'_>> {
        (0..self.len()).filter_map(|n| self.get(n))
    }
}
