//! Codecs of arrays behind one that makes bytes, as Zarr V2 allows them.
//!
//! numcodecs has one kind of codec: each views what it is given as whatever it takes. Where a V2 document puts
//! a codec of arrays behind bytes, it becomes one of bytes here.

use std::sync::Arc;

use crate::{
    ArrayToBytes, ByteOrder, BytesToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecError, FillValue,
    Result, StoredType,
};

/// A codec as it works on bytes that hold elements of a type, and what its bytes hold.
///
/// `size` is the number of bytes it is given, where that is known.
///
/// # Errors
/// `Mismatch` for a codec that has no such form.
pub(crate) fn on_bytes(
    codec: &Codec,
    given: &StoredType,
    size: Option<usize>,
) -> Result<(Arc<dyn BytesToBytes>, StoredType)> {
    match codec {
        Codec::BytesToBytes(codec) => Ok((Arc::clone(codec), StoredType::bytes())),
        Codec::ArrayToArray(codec) => {
            let form = codec.on_bytes(given);
            let form = form.ok_or_else(|| CodecError::mismatch(format!("{codec:?}"), "takes no bytes"))?;
            Ok((form, codec.stored_as(given)))
        }
        Codec::ArrayToBytes(codec) => {
            let viewed = codec.viewed_as().unwrap_or(given);
            let form = Elements::new(Arc::clone(codec), viewed.clone(), size)?;
            Ok((Arc::new(form), codec.stored_as(viewed)))
        }
    }
}

/// A codec that makes bytes of the elements that are in bytes already.
#[derive(Debug)]
struct Elements {
    codec: Arc<dyn ArrayToBytes>,
    stored: StoredType,
    spec: ChunkSpec,
    size: usize,
    encoded_size: Option<usize>,
}

impl Elements {
    fn new(codec: Arc<dyn ArrayToBytes>, stored: StoredType, size: Option<usize>) -> Result<Self> {
        let mismatch = |reason| Err(CodecError::mismatch(format!("{codec:?}"), reason));
        let Some(size) = size else {
            return mismatch("takes elements, of which a codec before it makes now more, now less");
        };
        if codec.viewed_as().is_none() && stored.byte_order != ByteOrder::Little {
            return mismatch("takes no elements in big-endian order");
        }
        let item_size = stored.data_type.size().unwrap_or(0).max(1);
        if stored.data_type.is_variable() || !size.is_multiple_of(item_size) {
            return mismatch("takes whole elements, and the codec before it makes none");
        }
        let spec = ChunkSpec {
            shape: vec![(size / item_size) as u64],
            fill_value: FillValue::zero(&stored.data_type),
            data_type: stored.data_type.clone(),
        };
        Ok(Self {
            encoded_size: codec.encoded_size(&spec)?,
            codec,
            stored,
            spec,
            size,
        })
    }
}

impl BytesToBytes for Elements {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let mut elements = decoded.to_vec();
        self.stored
            .data_type
            .reorder(&mut elements, self.stored.byte_order);
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        self.codec.encode(chunk, &self.spec, out)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let mut chunk = ChunkBuffer::default();
        self.codec.decode(encoded, &self.spec, &mut chunk)?;
        let (size, room) = (chunk.elements.len(), out.len());
        if size != self.size {
            return Err(CodecError::Size {
                expected: self.size as u64,
                got: size as u64,
            });
        }
        let out = out
            .get_mut(..size)
            .ok_or(CodecError::too_large("elements", room))?;
        out.copy_from_slice(&chunk.elements);
        self.stored.data_type.reorder(out, self.stored.byte_order);
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        // Codecs of elements make at most some texts of numbers of them.
        self.encoded_size
            .unwrap_or_else(|| decoded.saturating_mul(32).saturating_add(1024))
    }

    fn encoded_size(&self, _: usize) -> Option<usize> {
        self.encoded_size
    }
}
