//! Codecs that make another chunk of a chunk.

pub mod transpose;
