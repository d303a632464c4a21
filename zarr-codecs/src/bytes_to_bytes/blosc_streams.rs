//! The streams in the blocks of a frame of Blosc, each made by the inner codec.
//!
//! Zstandard is decoded by its C library, with contexts that a thread keeps, and LZ4 by its own where `lz4_block` is no
//! quicker; Snappy in Rust, as its C++ library needs a compiler for that. Frames with other inner codecs are left to
//! Blosc's own library.

#![expect(unsafe_code, reason = "LZ4 is a C library")]

use std::ffi::{c_char, c_int};

use lz4_sys::LZ4_decompress_safe;
use snap::raw::{Decoder, decompress_len};

#[cfg(target_arch = "x86_64")]
use super::lz4_block;
use super::{
    blosc_frame::{InnerCodec, corrupt},
    zstd_contexts,
};
use crate::Result;

unsafe extern "C" {
    /// As `LZ4_decompress_safe`, but stops once `target_size` bytes are made.
    fn LZ4_decompress_safe_partial(
        source: *const c_char,
        target: *mut c_char,
        source_size: c_int,
        target_size: c_int,
        capacity: c_int,
    ) -> c_int;
}

/// Decodes at least the first `needed` bytes of a stream that decodes to as many as `out` has.
pub(super) fn decode_stream(inner: InnerCodec, stream: &[u8], out: &mut [u8], needed: usize) -> Result<()> {
    let made = match inner {
        InnerCodec::Lz4 => decode_lz4(stream, out, needed),
        InnerCodec::Snappy => decode_snappy(stream, out)?,
        InnerCodec::Zstd => zstd_contexts::decode(out, stream).ok(),
        InnerCodec::Other => None,
    };
    match made {
        Some(made) if made == out.len() || (needed < out.len() && made >= needed) => Ok(()),
        Some(_) => Err(corrupt("a stream ends early".into())),
        None => Err(corrupt("a stream does not decode".into())),
    }
}

fn decode_lz4(stream: &[u8], out: &mut [u8], needed: usize) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if lz4_block::is_quicker(stream, out.len()) {
        return lz4_block::decode(stream, out, needed);
    }
    let size = |length: usize| c_int::try_from(length).ok();
    let (from, to) = (stream.as_ptr().cast(), out.as_mut_ptr().cast());
    let (stream_size, room, needed) = (size(stream.len())?, size(out.len())?, size(needed)?);
    // What stops within a match copies it byte by byte: where matches are long, the whole is made in less time.
    let has_long_matches = stream.len() < out.len() / 8;
    // SAFETY: the library reads no more than the bytes of the stream and writes no more than there is room for, and
    // is told both; the two do not overlap.
    let made = unsafe {
        if needed < room && !has_long_matches {
            LZ4_decompress_safe_partial(from, to, stream_size, needed, room)
        } else {
            LZ4_decompress_safe(from, to, stream_size, room)
        }
    };
    usize::try_from(made).ok()
}

fn decode_snappy(stream: &[u8], out: &mut [u8]) -> Result<Option<usize>> {
    if decompress_len(stream).ok() != Some(out.len()) {
        return Err(corrupt(
            "a stream of Snappy is not of the size of its block".into(),
        ));
    }
    let made = Decoder::new().decompress(stream, out);
    made.map(Some)
        .map_err(|error| corrupt(format!("a stream of Snappy does not decode: {error}")))
}
