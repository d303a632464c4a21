//! Codecs that make bytes of a chunk.

pub mod bytes;
pub mod vlen;
