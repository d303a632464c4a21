//! Codecs that make bytes of a chunk.

pub mod bytes;
pub mod categorize;
pub mod json2;
pub mod msgpack2;
pub mod n5_wrapper;
pub mod packbits;
#[cfg(feature = "pcodec")]
pub mod pcodec;
#[cfg(feature = "pcodec")]
mod pcodec_claims;
pub mod sharding_indexed;
mod values;
pub mod vlen;
pub(crate) mod whole_shard;
mod zfp;
pub mod zfp_bare;
pub mod zfpy;
