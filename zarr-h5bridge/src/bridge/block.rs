//! Datasets in one piece, read without the HDF5 library and its lock: in parts that lie together in the file.

use std::sync::Arc;

use zarr_convenience::core::ChunkSource;
use zarr_convenience::core::codecs::{ChunkCodec, CodecError};
use zarr_convenience::{Error, Result};

use super::{
    chunks::{describe, piece_codec, reason_of},
    datatype::Elements,
    source::source_error,
};
use crate::hdf5::Dataset;

/// The bytes of a part, about.
const PIECE_SIZE: u64 = 256 << 10;

/// The values of a dataset, cut into parts as if these were chunks.
pub(super) struct Block<'a> {
    dataset: &'a Dataset,
    shape: &'a [u64],
    piece_shape: Vec<u64>,
    item_size: u64,
    codec: Arc<ChunkCodec>,
}

impl<'a> Block<'a> {
    /// Finds the values; `None` if they are not in one piece, or not there.
    pub(super) fn new(dataset: &'a Dataset, shape: &'a [u64], elements: &Elements) -> Result<Option<Self>> {
        if dataset.block_size_bytes().map_err(source_error)?.is_none() {
            return Ok(None);
        }
        let item_size = elements.file_size().max(1) as u64;
        let mut piece_shape = vec![1; shape.len()];
        let mut size = item_size;
        for (piece, length) in piece_shape.iter_mut().zip(shape).rev() {
            *piece = (PIECE_SIZE / size).clamp(1, (*length).max(1));
            size = size.saturating_mul(*piece);
            // Only what is whole lies together with its neighbour.
            if *piece < *length {
                break;
            }
        }
        let codec = piece_codec(dataset, &piece_shape, elements)?;
        Ok(codec.map(|codec| Self {
            dataset,
            shape,
            piece_shape,
            item_size,
            codec: Arc::new(codec),
        }))
    }

    /// The shape of a part.
    pub(super) fn piece_shape(&self) -> &[u64] {
        &self.piece_shape
    }

    /// Where a part begins, counted in elements, and how many elements it has.
    fn place(&self, position: &[u64]) -> Option<(u64, u64)> {
        let (mut first, mut count) = (0_u64, 1_u64);
        let lengths = self.shape.iter().zip(&self.piece_shape);
        for (at, (length, piece)) in position.iter().zip(lengths) {
            let start = at.checked_mul(*piece)?;
            first = first.checked_mul(*length)?.checked_add(start)?;
            count = count.checked_mul((*piece).min(length.checked_sub(start)?))?;
        }
        Some((first, count))
    }

    fn error(&self, position: &[u64], reason: &str) -> Error {
        Error::Source {
            what: format!("{}, part {position:?}", describe(self.dataset)),
            reason: reason.to_owned(),
        }
    }
}

impl ChunkSource for Block<'_> {
    type Error = Error;

    fn fetch(&self, position: &[u64], encoded: &mut Vec<u8>) -> Result<Option<Arc<ChunkCodec>>> {
        let place = self.place(position).and_then(|(first, count)| {
            let first = first.checked_mul(self.item_size)?;
            Some((first, count.checked_mul(self.item_size)?))
        });
        let (first, size) = place.ok_or_else(|| self.error(position, "it lies nowhere"))?;
        let read = self.dataset.read_block(first, size, encoded);
        read.map_err(|error| self.error(position, &reason_of(error)))?;
        // A part at the end is shorter than the others.
        encoded.resize(self.codec.decoded_size(), 0);
        Ok(Some(Arc::clone(&self.codec)))
    }

    fn undecodable(&self, position: &[u64], error: CodecError) -> Error {
        self.error(position, &error.to_string())
    }
}
