//! Taking a selection out of a box of elements that was read as a whole.

use std::sync::Arc;

use zarr_convenience::core::codecs::{
    ChunkCodec, ChunkSpec, CodecChain, CodecConfig, CodecError, DataType, FillValue, Limits,
};
use zarr_convenience::core::{ChunkSource, ChunkedShape, Selection, Workers, gather};
use zarr_convenience::{Error, Result, core};

/// Takes a selection out of a box of elements, or of the slots in their place.
pub(super) fn pick(
    elements: Vec<u8>,
    shape: &[u64],
    item_size: usize,
    selection: &Selection,
) -> Result<Vec<u8>> {
    let limits = Limits {
        chunk_size_max: u64::MAX,
        ..Limits::DEFAULT
    };
    let data_type = DataType::Raw(u32::try_from(item_size).unwrap_or(u32::MAX));
    let spec = ChunkSpec {
        shape: shape.to_vec(),
        fill_value: FillValue::zero(&data_type),
        data_type,
    };
    let codec = CodecChain::new(
        &[CodecConfig::new("bytes", <_>::default())],
        &<_>::default(),
        &limits,
    )
    .and_then(|chain| chain.for_chunk(spec, &limits))
    .map_err(|error| unpickable(&error))?;
    let only = OneChunk {
        elements,
        codec: Arc::new(codec),
    };
    let array = ChunkedShape {
        shape,
        chunk_shape: shape,
        fill: &vec![0; item_size],
    };
    gather(&only, array, selection, Workers::ONE)
}

/// A box of elements as the only chunk of an array.
struct OneChunk {
    elements: Vec<u8>,
    codec: Arc<ChunkCodec>,
}

impl ChunkSource for OneChunk {
    type Error = Error;

    fn fetch(&self, _: &[u64], encoded: &mut Vec<u8>) -> Result<Option<Arc<ChunkCodec>>> {
        encoded.extend_from_slice(&self.elements);
        Ok(Some(Arc::clone(&self.codec)))
    }

    fn undecodable(&self, _: &[u64], error: CodecError) -> Error {
        unpickable(&error)
    }
}

fn unpickable(error: &CodecError) -> Error {
    core::Error::Selection {
        reason: error.to_string(),
    }
    .into()
}
