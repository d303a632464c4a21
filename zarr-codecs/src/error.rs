//! What can go wrong in a codec.

/// An error of a codec; the array and the chunk are added by whoever knows them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No codec of this name is known.
    #[error("codec `{name}` is not known")]
    Unknown {
        /// The name in the metadata.
        name: String,
    },
    /// The codec is known, and left out of this build.
    #[error("codec `{name}` is not part of this build (feature `{feature}`)")]
    NotBuilt {
        /// The name in the metadata.
        name: &'static str,
        /// The feature of `zarr-codecs` that brings it.
        feature: &'static str,
    },
    /// The codec is known, and refused because decoding it would run code.
    #[error("codec `{name}` is refused: {reason}")]
    Refused {
        /// The name in the metadata.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// The configuration of a codec does not make sense.
    #[error("codec `{codec}`: configuration: {reason}")]
    Config {
        /// The codec.
        codec: String,
        /// The member and what is wrong with it.
        reason: String,
    },
    /// The codec does not take what it is given.
    #[error("codec `{codec}`: {reason}")]
    Mismatch {
        /// The codec.
        codec: String,
        /// What was expected and what came.
        reason: String,
    },
    /// The encoded bytes are damaged.
    #[error("codec `{codec}`: data is corrupt: {reason}")]
    Corrupt {
        /// The codec.
        codec: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The stored checksum is not that of the data.
    #[error("codec `{codec}`: checksum is {computed:#010x}, stored is {stored:#010x}")]
    Checksum {
        /// The codec.
        codec: &'static str,
        /// What the data say of themselves.
        stored: u32,
        /// What they are.
        computed: u32,
    },
    /// The data decode to more than they may.
    #[error("codec `{codec}`: data decode to more than {limit} bytes")]
    TooLarge {
        /// The codec.
        codec: &'static str,
        /// The most bytes allowed.
        limit: u64,
    },
    /// The chunk decodes to another size than its shape and data type demand.
    #[error("chunk decodes to {got} bytes, its shape and data type demand {expected}")]
    Size {
        /// What the shape and the data type demand.
        expected: u64,
        /// What came.
        got: u64,
    },
    /// What went wrong, in which inner chunk of a shard.
    #[error("inner chunk {chunk:?}")]
    InnerChunk {
        /// The position of the inner chunk in the grid of all inner chunks of the array.
        chunk: Vec<u64>,
        /// What went wrong.
        source: Box<CodecError>,
    },
    /// The data type cannot be read or written, only carried along.
    #[error("data type {name} cannot be decoded")]
    DataType {
        /// The name in the metadata.
        name: String,
    },
    /// A text or number of the metadata or the data has no such value.
    #[error("{what}: {reason}")]
    Value {
        /// What was being read.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
}

impl CodecError {
    /// Makes a [`CodecError::Corrupt`].
    pub fn corrupt(codec: &'static str, reason: impl Into<String>) -> Self {
        Self::Corrupt {
            codec,
            reason: reason.into(),
        }
    }

    /// Makes a [`CodecError::TooLarge`]; `limit` is the room there was.
    pub const fn too_large(codec: &'static str, limit: usize) -> Self {
        Self::TooLarge {
            codec,
            limit: limit as u64,
        }
    }

    /// Makes a [`CodecError::Config`].
    pub fn config(codec: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Config {
            codec: codec.into(),
            reason: reason.into(),
        }
    }

    /// Makes a [`CodecError::Mismatch`].
    pub fn mismatch(codec: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Mismatch {
            codec: codec.into(),
            reason: reason.into(),
        }
    }

    /// Makes a [`CodecError::Value`].
    pub fn value(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Value {
            what,
            reason: reason.into(),
        }
    }
}
