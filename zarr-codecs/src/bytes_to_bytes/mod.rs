//! Codecs that make other bytes of bytes.

pub mod base64;
#[cfg(feature = "blosc")]
pub mod blosc;
#[cfg(feature = "blosc")]
mod blosc_blocks;
#[cfg(feature = "blosc")]
mod blosc_encode;
#[cfg(feature = "blosc")]
mod blosc_excerpt;
#[cfg(feature = "blosc")]
mod blosc_frame;
#[cfg(feature = "blosc")]
mod blosc_streams;
mod byte_planes;
#[cfg(feature = "bz2")]
pub mod bz2;
pub mod checksum;
#[cfg(feature = "gzip")]
mod deflate;
#[cfg(feature = "gzip")]
pub mod gzip;
pub mod jenkins_lookup3;
#[cfg(feature = "lz4")]
pub mod lz4;
#[cfg(all(feature = "blosc", target_arch = "x86_64"))]
mod lz4_block;
#[cfg(feature = "lzma")]
pub mod lzma;
#[cfg(feature = "lzma")]
mod lzma_filters;
pub mod rewrap;
pub mod shuffle;
#[cfg(feature = "gzip")]
pub mod zlib;
#[cfg(feature = "zstd")]
pub mod zstd;
#[cfg(any(feature = "blosc", feature = "zstd"))]
mod zstd_contexts;
