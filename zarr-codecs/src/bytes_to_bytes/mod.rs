//! Codecs that make other bytes of bytes.

pub mod shuffle;
