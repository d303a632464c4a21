//! Codecs that make bytes of a chunk.

pub mod bytes;
#[cfg(feature = "pcodec")]
pub mod pcodec;
pub mod vlen;
mod zfp;
pub mod zfpy;
