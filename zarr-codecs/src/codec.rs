//! The three kinds of codec.
//!
//! Zarr V3 specification, *Codecs*: a chunk goes through any number of array-to-array codecs, exactly one
//! array-to-bytes codec, and any number of bytes-to-bytes codecs.

use std::{fmt::Debug, ops::Range, sync::Arc};

use crate::{
    ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, Excerpt, Result, StoredType,
    array_to_bytes::sharding_indexed::Sharding,
};

/// Changes a chunk into another chunk.
pub trait ArrayToArray: Debug + Send + Sync {
    /// What a chunk is after encoding.
    ///
    /// # Errors
    /// `Mismatch` when the codec does not take such a chunk.
    fn encoded_spec(&self, decoded: &ChunkSpec) -> Result<ChunkSpec>;

    /// Encodes the elements of a chunk (C order, native byte order) to the end of `out`, in the same form.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn encode(&self, decoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()>;

    /// Decodes to the end of `out`; `spec` is that of the decoded chunk.
    ///
    /// # Errors
    /// `Corrupt` when the elements cannot be decoded.
    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()>;

    /// For a codec that only permutes dimensions: encoded dimension `i` is decoded dimension `order[i]`.
    ///
    /// Such a codec at the head of a chain costs nothing: the copy in or out of the chunk does its work.
    fn order(&self, ndim: usize) -> Option<Vec<usize>> {
        let _ = ndim;
        None
    }

    /// For a filter of Zarr V2 that views whatever it is given as elements of a type of its own: that type.
    fn viewed_as(&self) -> Option<&StoredType> {
        None
    }

    /// The type and byte order of what the codec gives, where it is given elements of this one.
    ///
    /// Only V2 asks: there, codecs say in which byte order they give elements.
    fn stored_as(&self, given: &StoredType) -> StoredType {
        given.clone()
    }

    /// Whether numcodecs gives what the codec makes in one dimension, whatever the dimensions before.
    fn flattens(&self) -> bool {
        false
    }

    /// The codec as one of bytes, for a place behind the codec that makes bytes, which V2 allows.
    ///
    /// `given` is what the bytes are known to hold.
    fn on_bytes(&self, given: &StoredType) -> Option<Arc<dyn BytesToBytes>> {
        let _ = given;
        None
    }
}

/// Changes a chunk into bytes.
pub trait ArrayToBytes: Debug + Send + Sync {
    /// Whether such a chunk can be encoded, and to how many bytes if that is known beforehand.
    ///
    /// # Errors
    /// `Mismatch` when the codec does not take such a chunk.
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>>;

    /// Encodes a chunk (C order, native byte order) to the end of `out`.
    ///
    /// # Errors
    /// When a value cannot be encoded.
    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()>;

    /// Decodes to the end of both parts of `out`.
    ///
    /// # Errors
    /// `Corrupt` when the bytes are not those of such a chunk.
    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()>;

    /// Whether chunks can be encoded whose dimensions were put into another order before.
    ///
    /// # Errors
    /// `Mismatch` of a codec that takes chunks only as they lie in their array.
    fn check_transposed(&self) -> Result<()> {
        Ok(())
    }

    /// For a codec whose bytes are the elements themselves: their byte order.
    ///
    /// Such a codec costs nothing: the copy in or out of the chunk swaps bytes where it must.
    fn byte_order(&self) -> Option<ByteOrder> {
        None
    }

    /// For a codec of Zarr V2 that views whatever it is given as elements of a type of its own: that type.
    fn viewed_as(&self) -> Option<&StoredType> {
        None
    }

    /// What the bytes hold, where that is known: elements of this type and byte order.
    fn stored_as(&self, given: &StoredType) -> StoredType {
        self.byte_order().map_or_else(StoredType::bytes, |order| {
            StoredType::new(given.data_type.clone(), order)
        })
    }

    /// Whether the bytes tell the shape of the chunk.
    ///
    /// Behind codecs that [flatten](ArrayToArray::flattens), such a codec is given one dimension.
    fn tells_shape(&self) -> bool {
        false
    }

    /// The codec as the one whose chunks hold smaller chunks, if it is that.
    fn sharding(&self) -> Option<&Sharding> {
        None
    }
}

/// Changes bytes into other bytes.
pub trait BytesToBytes: Debug + Send + Sync {
    /// Encodes to the end of `out`.
    ///
    /// # Errors
    /// When the codec does not take so many bytes.
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()>;

    /// Decodes into the beginning of `out` and tells how many bytes that made.
    ///
    /// The caller makes `out` as large as the decoded bytes may be at most, and checks the number.
    ///
    /// # Errors
    /// `TooLarge` when `out` is too small (it is then filled with whatever), `Corrupt` or `Checksum` when
    /// the bytes are damaged.
    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize>;

    /// As [`BytesToBytes::decode`], where only some of the decoded bytes are wanted: at their place in `out`.
    ///
    /// The others may be changed to anything. Damage that has nothing to do with what is wanted need not be found.
    /// A part that does not lie within the decoded bytes is cut off.
    ///
    /// # Errors
    /// Those of [`BytesToBytes::decode`].
    fn decode_part(&self, encoded: &[u8], part: Range<usize>, out: &mut [u8]) -> Result<usize> {
        let _ = part;
        self.decode(encoded, out)
    }

    /// How many bytes at the beginning of what `decoded` bytes encode to say where parts of them are, as far as most
    /// encoders go; `None` if parts cannot be found.
    fn head_size(&self, decoded: usize) -> Option<usize> {
        let _ = decoded;
        None
    }

    /// Finds a part in bytes that begin with `head`, as many as the sizes say that are encoded and decoded; `None` where
    /// it cannot be found from that alone, or the sizes are not right.
    ///
    /// Nothing need be checked that is checked when the excerpt is decoded.
    fn excerpt(&self, head: &[u8], sizes: (u64, usize), part: Range<usize>) -> Option<Excerpt> {
        let _ = (head, sizes, part);
        None
    }

    /// The most bytes that `decoded` bytes encode to, by this encoder or any other.
    fn encoded_size_max(&self, decoded: usize) -> usize;

    /// How many bytes `decoded` bytes encode to, where that is known beforehand.
    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        let _ = decoded;
        None
    }

    /// Whether a change of a bit is detected.
    fn is_checksum(&self) -> bool {
        false
    }
}

/// A codec of any kind.
#[derive(Debug, Clone)]
pub enum Codec {
    /// Changes a chunk into another chunk.
    ArrayToArray(Arc<dyn ArrayToArray>),
    /// Changes a chunk into bytes.
    ArrayToBytes(Arc<dyn ArrayToBytes>),
    /// Changes bytes into other bytes.
    BytesToBytes(Arc<dyn BytesToBytes>),
}

/// The kind of a codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodecKind {
    /// Changes a chunk into another chunk.
    ArrayToArray,
    /// Changes a chunk into bytes.
    ArrayToBytes,
    /// Changes bytes into other bytes.
    BytesToBytes,
}

impl Codec {
    /// The kind of the codec.
    pub const fn kind(&self) -> CodecKind {
        match self {
            Self::ArrayToArray(_) => CodecKind::ArrayToArray,
            Self::ArrayToBytes(_) => CodecKind::ArrayToBytes,
            Self::BytesToBytes(_) => CodecKind::BytesToBytes,
        }
    }
}
