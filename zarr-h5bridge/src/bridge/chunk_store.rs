//! The chunks of a dataset that is being written, as a store of its twin.

use zarr_convenience::core::store::{
    ByteRange, Capabilities, Listing, ReadBuffer, Store, StoreError, StoreKey, StorePrefix,
};

use super::twin::SEPARATOR;
use crate::hdf5::ChunkWriter;

/// A store whose keys are the places of chunks; each is set once, and nothing is read.
///
/// The library has one lock, and puts chunks into the file in the order in which they come. So they have turns, and the
/// same values make the same file.
#[derive(Debug)]
pub(super) struct ChunkStore {
    chunks: ChunkWriter,
    /// Of the dataset's own dimensions.
    chunk_shape: Vec<u64>,
}

impl ChunkStore {
    pub(super) fn new(chunks: ChunkWriter, chunk_shape: &[u64]) -> Self {
        Self {
            chunks,
            chunk_shape: chunk_shape.to_vec(),
        }
    }

    /// The first element of the chunk of a key.
    fn offset(&self, key: &StoreKey) -> Option<Vec<u64>> {
        // Behind them are the dimensions that elements have themselves, along which there is one chunk.
        let mut numbers = key.as_str().split(SEPARATOR);
        let offset = self.chunk_shape.iter().map(|length| {
            let number: u64 = numbers.next()?.parse().ok()?;
            number.checked_mul(*length)
        });
        offset.collect()
    }
}

impl Store for ChunkStore {
    fn get_ranges(&self, _: &StoreKey, _: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool, StoreError> {
        buffer.clear();
        Ok(false)
    }

    fn size(&self, _: &StoreKey) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        let offset = self.offset(key).ok_or_else(|| StoreError::InvalidKey {
            key: key.to_string(),
            reason: "it is no chunk of the dataset",
        })?;
        self.chunks.write(&offset, value).map_err(|error| {
            let what = self.describe(key.as_str());
            StoreError::io("writing", what, std::io::Error::other(error.to_string()))
        })
    }

    fn erase(&self, _: &StoreKey) -> Result<(), StoreError> {
        Ok(())
    }

    fn list_dir(&self, _: &StorePrefix) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            lists: false,
            lists_chunks: false,
            deferred: true,
            ..Capabilities::ALL
        }
    }

    fn describe(&self, key: &str) -> String {
        format!("{}, chunk {key}", self.chunks.describe())
    }
}
