//! A numeric filter in its two forms: of arrays and of bytes.

use std::{fmt::Debug, sync::Arc};

use crate::{
    ArrayToArray, ByteOrder, BytesToBytes, ChunkSpec, CodecError, DataType, FillValue, Result, StoredType,
    chain::lengthen,
};

/// The types between which a filter changes elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Types<'a> {
    /// The type of decoded elements.
    pub(crate) decoded: &'a DataType,
    /// The type of encoded elements.
    pub(crate) encoded: &'a DataType,
}

impl Types<'_> {
    fn size(data_type: &DataType) -> usize {
        data_type.size().unwrap_or(1).max(1)
    }
}

/// What a filter does to elements in native byte order.
///
/// Buffers have the sizes that `encoded_size` and `decoded_size` say.
pub(crate) trait Kernel: Debug + Clone + Send + Sync + 'static {
    /// The name in messages.
    const NAME: &'static str;
    /// Whether numcodecs gives the encoded elements in one dimension.
    const FLATTENS: bool;

    /// # Errors
    /// When the elements cannot be encoded.
    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()>;

    /// # Errors
    /// When the elements cannot be decoded.
    fn decode(&self, types: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()>;

    /// How many bytes so many decoded bytes, being whole elements, encode to.
    fn encoded_size(&self, types: Types<'_>, decoded: usize) -> usize {
        (decoded / Types::size(types.decoded)).saturating_mul(Types::size(types.encoded))
    }

    /// How many bytes encoded ones, being whole elements, decode to.
    ///
    /// # Errors
    /// When they tell it and are damaged.
    fn decoded_size(&self, types: Types<'_>, encoded: &[u8]) -> Result<usize> {
        Ok((encoded.len() / Types::size(types.encoded)).saturating_mul(Types::size(types.decoded)))
    }

    /// The shape of what a chunk encodes to.
    fn encoded_shape(&self, decoded: &[u64]) -> Vec<u64> {
        decoded.to_vec()
    }
}

/// A filter as a codec of arrays.
#[derive(Debug)]
pub(crate) struct Filter<K> {
    pub(crate) kernel: K,
    /// As what it views what it is given; `None` for whatever that is.
    pub(crate) decoded: Option<StoredType>,
    /// What it gives; `None` for what it is given.
    pub(crate) encoded: Option<StoredType>,
}

impl<K: Kernel> Filter<K> {
    fn types<'a>(&'a self, given: &'a DataType) -> Types<'a> {
        let decoded = self.decoded.as_ref().map_or(given, |stored| &stored.data_type);
        Types {
            decoded,
            encoded: self.encoded.as_ref().map_or(decoded, |stored| &stored.data_type),
        }
    }

    fn check(&self, given: &DataType) -> Result<()> {
        let Some(viewed) = &self.decoded else {
            return Ok(());
        };
        let native = |data_type: &DataType| StoredType::native(data_type.clone());
        if viewed.data_type == *given || native(&viewed.data_type).lies_as(&native(given)) {
            return Ok(());
        }
        let reason = format!("it takes elements of {}, and is given {given}", viewed.data_type);
        Err(CodecError::mismatch(K::NAME, reason))
    }
}

impl<K: Kernel> ArrayToArray for Filter<K> {
    fn encoded_spec(&self, decoded: &ChunkSpec) -> Result<ChunkSpec> {
        self.check(&decoded.data_type)?;
        let types = self.types(&decoded.data_type);
        Ok(ChunkSpec {
            shape: self.kernel.encoded_shape(&decoded.shape),
            data_type: types.encoded.clone(),
            fill_value: FillValue::zero(types.encoded),
        })
    }

    fn encode(&self, decoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let types = self.types(&spec.data_type);
        let start = out.len();
        out.resize(start + self.kernel.encoded_size(types, decoded.len()), 0);
        self.kernel.encode(types, decoded, &mut out[start..])
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let types = self.types(&spec.data_type);
        let decoded_size = spec.size().unwrap_or(0);
        let expected = self.kernel.encoded_size(types, decoded_size);
        if encoded.len() != expected || self.kernel.decoded_size(types, encoded)? != decoded_size {
            let reason = format!("{} bytes are not the {expected} of such a chunk", encoded.len());
            return Err(CodecError::corrupt(K::NAME, reason));
        }
        let start = out.len();
        lengthen(out, decoded_size)?;
        self.kernel.decode(types, encoded, &mut out[start..])
    }

    fn viewed_as(&self) -> Option<&StoredType> {
        self.decoded.as_ref()
    }

    fn stored_as(&self, given: &StoredType) -> StoredType {
        let decoded = self.decoded.as_ref().unwrap_or(given);
        self.encoded.as_ref().unwrap_or(decoded).clone()
    }

    fn flattens(&self) -> bool {
        K::FLATTENS
    }

    fn on_bytes(&self, given: &StoredType) -> Option<Arc<dyn BytesToBytes>> {
        Some(Arc::new(OnBytes {
            kernel: self.kernel.clone(),
            decoded: self.decoded.as_ref().unwrap_or(given).clone(),
            encoded: self.stored_as(given),
        }))
    }
}

/// A filter as a codec of bytes: it takes them for elements of its type, as numcodecs does.
#[derive(Debug)]
struct OnBytes<K> {
    kernel: K,
    decoded: StoredType,
    encoded: StoredType,
}

impl<K: Kernel> OnBytes<K> {
    const fn types(&self) -> Types<'_> {
        Types {
            decoded: &self.decoded.data_type,
            encoded: &self.encoded.data_type,
        }
    }
}

/// Hands on elements in native byte order.
fn in_native_order<T>(stored: &StoredType, bytes: &[u8], then: impl FnOnce(&[u8]) -> T) -> T {
    if stored.byte_order == ByteOrder::NATIVE || !stored.data_type.has_byte_order() {
        return then(bytes);
    }
    let mut elements = bytes.to_vec();
    stored.data_type.swap_bytes(&mut elements);
    then(&elements)
}

/// Says what is wrong with bytes that are no whole number of elements.
fn ragged(bytes: &[u8], data_type: &DataType) -> Option<String> {
    let is_ragged = !bytes.len().is_multiple_of(Types::size(data_type));
    is_ragged.then(|| {
        format!(
            "{} bytes are no whole number of elements of {data_type}",
            bytes.len()
        )
    })
}

impl<K: Kernel> BytesToBytes for OnBytes<K> {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if let Some(reason) = ragged(decoded, &self.decoded.data_type) {
            return Err(CodecError::mismatch(K::NAME, reason));
        }
        let start = out.len();
        out.resize(start + self.kernel.encoded_size(self.types(), decoded.len()), 0);
        in_native_order(&self.decoded, decoded, |elements| {
            self.kernel.encode(self.types(), elements, &mut out[start..])
        })?;
        let stored = &self.encoded;
        stored.data_type.reorder(&mut out[start..], stored.byte_order);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        if let Some(reason) = ragged(encoded, &self.encoded.data_type) {
            return Err(CodecError::corrupt(K::NAME, reason));
        }
        let size = self.kernel.decoded_size(self.types(), encoded)?;
        let room = out.len();
        let out = out.get_mut(..size).ok_or(CodecError::too_large(K::NAME, room))?;
        in_native_order(&self.encoded, encoded, |elements| {
            self.kernel.decode(self.types(), elements, out)
        })?;
        self.decoded.data_type.reorder(out, self.decoded.byte_order);
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        self.kernel.encoded_size(self.types(), decoded)
    }

    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        Some(self.kernel.encoded_size(self.types(), decoded))
    }
}
