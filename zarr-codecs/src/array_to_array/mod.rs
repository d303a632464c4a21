//! Codecs that make another chunk of a chunk.

