//! The codecs as others use them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(all(
    feature = "blosc",
    feature = "bz2",
    feature = "gzip",
    feature = "lz4",
    feature = "lzma",
    feature = "zstd"
))]
mod casts;
mod chain;
mod filters;
mod fixtures;
#[cfg(all(
    feature = "blosc",
    feature = "bz2",
    feature = "gzip",
    feature = "lz4",
    feature = "lzma",
    feature = "zstd"
))]
mod hostile;
mod memory;
mod objects;
mod registry;
mod v3_codecs;
mod zfpy;
