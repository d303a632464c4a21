//! Codecs that make other bytes of bytes.

pub mod checksum;
pub mod shuffle;
