#![doc = include_str!("../README.md")]

pub mod array_to_array;
pub mod array_to_bytes;
pub mod bytes_to_bytes;
mod chain;
mod chunk;
mod codec;
mod config;
mod data_type;
mod error;
mod excerpt;
mod fill_value;
pub mod json;
mod layout;
mod limits;
mod long_double;
mod narrow;
mod numeric;
mod numpy_type;
mod object;
mod on_bytes;
mod padded;
mod registry;
mod shard;
pub mod strided;
mod struct_type;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod text_encoding;
pub mod time;
mod v3_data_type;

pub use chain::{ChunkCodec, CodecChain, DecodedChunk, Layout, Scratch};
pub use chunk::{ChunkBuffer, ChunkRef, ChunkSpec, SLOT_SIZE, Slot};
pub use codec::{ArrayToArray, ArrayToBytes, BytesToBytes, Codec, CodecKind};
pub use config::{CodecConfig, Configuration, encoder_setting, may_be_ignored, unknown_member};
pub use data_type::{ByteOrder, DataType, TimeUnit};
pub use error::CodecError;
pub use excerpt::Excerpt;
pub use fill_value::FillValue;
pub use limits::Limits;
pub use long_double::{LongDouble, ParseLongDoubleError};
pub use narrow::NarrowType;
pub use numpy_type::StoredType;
pub use object::Object;
pub use padded::{utf32_text, without_padding};
pub use registry::{BUILT_IN, CodecEntry, CodecRegistry, FromV2, V2Codec};
pub use shard::{IndexLocation, Shard, ShardIndex};
pub use struct_type::{Field, StructType};

/// The result of a codec.
pub type Result<T> = std::result::Result<T, CodecError>;
