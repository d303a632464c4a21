//! What `gzip` and `zlib` share: DEFLATE (RFC 1951) of whole buffers.
//!
//! Decoding is libdeflate's, which is about twice as fast as any other and cannot write beyond the output.
//! Its functions are called directly, because the safe crate does not tell how much of the input was used,
//! without which neither a second gzip member nor trailing junk can be told from a clean end.
//!
//! Encoding is zlib's: what numcodecs writes comes out byte for byte, at every level but 0.
//! zlib-rs was tried and is no faster for what it gives: at level 6 it made a rising wave of 1 MiB with noise in
//! its last byte 718 KB where zlib made it 384 KB, and at level 1 longer than it was.

#![expect(unsafe_code, reason = "libdeflate is a C library")]

use std::{cell::RefCell, ptr::NonNull};

use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflate_sys::{
    libdeflate_alloc_decompressor, libdeflate_decompressor, libdeflate_free_decompressor,
    libdeflate_gzip_decompress_ex, libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE,
    libdeflate_result_LIBDEFLATE_SUCCESS, libdeflate_zlib_decompress_ex,
};

use crate::{CodecError, Result, encoder_setting};

/// What is around the compressed data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
}

/// How much of the input was used, and how much output it made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decompressed {
    pub(super) used: usize,
    pub(super) made: usize,
}

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor>> = const { RefCell::new(None) };
    static COMPRESSOR: RefCell<Option<Compressor>> = const { RefCell::new(None) };
}

/// Decompresses one stream or member, checksum verified, into the beginning of `out`.
pub(super) fn decompress(
    codec: &'static str,
    container: Container,
    encoded: &[u8],
    out: &mut [u8],
) -> Result<Decompressed> {
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.run(codec, container, encoded, out)
    })
}

/// Compresses to the end of `out`: raw DEFLATE for gzip, whose frame the caller writes, a stream for zlib.
pub(super) fn compress(
    codec: &'static str,
    container: Container,
    level: i64,
    decoded: &[u8],
    out: &mut Vec<u8>,
) -> Result<()> {
    if u32::try_from(decoded.len()).is_err() {
        let reason = format!("{} bytes, the most is 2^32 - 1", decoded.len());
        return Err(CodecError::mismatch(codec, reason));
    }
    // zlib's name for its default is -1.
    let level = match encoder_setting(codec, "level", level, -1..=9)? {
        -1 => 6,
        level => level as u32,
    };
    COMPRESSOR.with_borrow_mut(|slot| {
        if !slot.as_ref().is_some_and(|kept| kept.is_for(level, container)) {
            *slot = None;
        }
        let Compressor { compress, .. } = slot.get_or_insert_with(|| Compressor::new(level, container));
        compress.reset();
        let mut rest = decoded;
        loop {
            out.reserve(rest.len() / 2 + 4096);
            let before = compress.total_in();
            let status = compress
                .compress_vec(rest, out, FlushCompress::Finish)
                .map_err(|error| CodecError::mismatch(codec, error.to_string()))?;
            if status == Status::StreamEnd {
                return Ok(());
            }
            rest = &rest[(compress.total_in() - before) as usize..];
        }
    })
}

/// The most bytes that so many bytes compress to.
pub(super) const fn compressed_size_max(decoded: usize) -> usize {
    // Fixed codes take at most 9 bits a byte; the rest is for frames and the headers of small blocks.
    decoded.saturating_add(decoded / 8).saturating_add(1024)
}

struct Compressor {
    level: u32,
    container: Container,
    compress: Compress,
}

impl Compressor {
    fn new(level: u32, container: Container) -> Self {
        let compress = Compress::new(Compression::new(level), container == Container::Zlib);
        Self {
            level,
            container,
            compress,
        }
    }

    fn is_for(&self, level: u32, container: Container) -> bool {
        (self.level, self.container) == (level, container)
    }
}

/// A libdeflate decompressor, of which there is one a thread.
struct Decompressor(NonNull<libdeflate_decompressor>);

impl Decompressor {
    fn new() -> Result<Self> {
        // SAFETY: the function takes nothing and gives a decompressor or null.
        let pointer = unsafe { libdeflate_alloc_decompressor() };
        let pointer = NonNull::new(pointer);
        pointer
            .map(Self)
            .ok_or_else(|| CodecError::value("memory", "no room for a decompressor"))
    }

    fn run(
        &mut self,
        codec: &'static str,
        container: Container,
        encoded: &[u8],
        out: &mut [u8],
    ) -> Result<Decompressed> {
        let decompress = match container {
            Container::Gzip => libdeflate_gzip_decompress_ex,
            Container::Zlib => libdeflate_zlib_decompress_ex,
        };
        let (mut used, mut made) = (0, 0);
        // SAFETY: the decompressor lives as long as `self`, which is borrowed mutably; both buffers are given
        // with their lengths, beyond which the function neither reads nor writes; it writes both counts or
        // leaves them.
        let result = unsafe {
            decompress(
                self.0.as_ptr(),
                encoded.as_ptr().cast(),
                encoded.len(),
                out.as_mut_ptr().cast(),
                out.len(),
                &raw mut used,
                &raw mut made,
            )
        };
        #[expect(non_upper_case_globals, reason = "the names are those of the C library")]
        match result {
            libdeflate_result_LIBDEFLATE_SUCCESS => Ok(Decompressed { used, made }),
            libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE => Err(CodecError::too_large(codec, out.len())),
            _ => Err(CodecError::corrupt(
                codec,
                "the compressed data are cut or damaged, or their checksum is wrong",
            )),
        }
    }
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: the decompressor came from `libdeflate_alloc_decompressor` and is not used after this.
        unsafe { libdeflate_free_decompressor(self.0.as_ptr()) };
    }
}
