//! How much a chunk may ask for.

/// Bounds on what metadata and data may make a reader allocate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes that a chunk may decode to.
    pub chunk_size_max: u64,
    /// The most bytes that a shard may hold or decode to whose inner chunks are read alone.
    pub shard_size_max: u64,
    /// The most codecs that an array may have.
    pub codecs_max: usize,
}

impl Limits {
    /// The most bytes that an element of fixed size may have: 64 MiB, twice the image of a camera.
    ///
    /// Types are named before anybody says what may be read, so this holds wherever a type is read.
    pub const ELEMENT_SIZE_MAX: u64 = 64 << 20;

    /// The most bytes that are read of a chunk, or of a shard, that cannot be decoded, so that nothing says how large
    /// it may be.
    pub const fn encoded_size_max(&self, is_shard: bool) -> u64 {
        if is_shard {
            self.shard_size_max
        } else {
            self.chunk_size_max.saturating_mul(2)
        }
    }

    /// Those of a program that reads what it did not write: 2 GiB - 1 a chunk, 64 GiB a shard, 32
    /// codecs.
    pub const DEFAULT: Self = Self {
        chunk_size_max: (1 << 31) - 1,
        shard_size_max: 64 << 30,
        codecs_max: 32,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
