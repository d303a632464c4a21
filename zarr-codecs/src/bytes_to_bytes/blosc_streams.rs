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

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::testing::noise;

    /// Literals, and matches of 24 bytes each, of which the second has an offset of 0: the C library takes that, and
    /// `lz4_block` does not, which tells them apart.
    fn with_offset_of_zero(n_literals: usize, n_matches: usize) -> (Vec<u8>, usize) {
        let mut stream = vec![0xFF];
        stream.extend(vec![255; (n_literals - 15) / 255]);
        stream.push(((n_literals - 15) % 255) as u8);
        stream.extend(noise(n_literals));
        for number in 0..n_matches {
            let offset = if number == 1 { 0 } else { 8_u16 };
            stream.extend(offset.to_le_bytes());
            // The rest of the length, and the token of the next sequence.
            stream.extend([24 - 19, if number + 1 < n_matches { 0x0F } else { 0xC0 }]);
        }
        stream.extend(noise(12));
        (stream, n_literals + 24 * n_matches + 12)
    }

    #[test]
    fn streams_of_matches_are_not_left_to_the_library() {
        if !is_x86_feature_detected!("avx2") {
            return;
        }
        let decode = |(stream, size): (Vec<u8>, usize), needed: fn(usize) -> usize| {
            decode_stream(InnerCodec::Lz4, &stream, &mut vec![0; size], needed(size))
        };
        for needed in [|size| size, |size| size - 20] {
            assert!(decode(with_offset_of_zero(100, 2000), needed).is_err());
            assert!(decode(with_offset_of_zero(1000, 10), needed).is_err());
            let nearly_literals = with_offset_of_zero(10_000, 10);
            assert!(decode(nearly_literals, needed).is_ok(), "in the library");
        }
    }
}
