//! What `gzip` and `zlib` share: DEFLATE (RFC 1951) of whole buffers.
//!
//! Decoding is libdeflate's, which is about twice as fast as any other and cannot write beyond the output.
//! Its functions are called directly, because the safe crate does not tell how much of the input was used,
//! without which neither a second gzip member nor trailing junk can be told from a clean end.
//!
//! Encoding gzip is libdeflate's too: about three times as fast as zlib, and as small at the same level.
//! Its bytes are not zlib's, which nobody can ask for: files of others hold the time of day.
//! Encoding zlib is the business of `zlib`, where they are, but for who wants it fast and not byte for byte.

#![expect(unsafe_code, reason = "libdeflate is a C library")]

use std::{cell::RefCell, ptr::NonNull};

use libdeflate_sys::{
    libdeflate_alloc_compressor, libdeflate_alloc_decompressor, libdeflate_compressor,
    libdeflate_decompressor, libdeflate_free_compressor, libdeflate_free_decompressor,
    libdeflate_gzip_compress, libdeflate_gzip_compress_bound, libdeflate_gzip_decompress_ex,
    libdeflate_result_LIBDEFLATE_INSUFFICIENT_SPACE, libdeflate_result_LIBDEFLATE_SUCCESS,
    libdeflate_zlib_compress, libdeflate_zlib_compress_bound, libdeflate_zlib_decompress_ex,
};

use crate::{CodecError, Result, encoder_setting};

/// What is around the compressed data.
#[derive(Debug, Clone, Copy)]
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

/// What the level means: zlib's name for its default is -1.
pub(super) fn level(codec: &'static str, configured: i64) -> Result<i32> {
    encoder_setting(codec, "level", configured, -1..=9).map(|level| if level == -1 { 6 } else { level })
}

/// Compresses to the end of `out`, as one stream, or as one gzip member without a time stamp.
pub(super) fn compress(container: Container, level: i32, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
    COMPRESSOR.with_borrow_mut(|slot| {
        if slot.as_ref().is_some_and(|kept| kept.level != level) {
            *slot = None;
        }
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(Compressor::new(level)?),
        };
        compressor.run(container, decoded, out);
        Ok(())
    })
}

/// The most bytes that so many bytes compress to.
pub(super) const fn compressed_size_max(decoded: usize) -> usize {
    // Fixed codes take at most 9 bits a byte; the rest is for frames and the headers of small blocks.
    decoded.saturating_add(decoded / 8).saturating_add(1024)
}

/// A libdeflate compressor, of which there is one a thread, for one level.
struct Compressor {
    level: i32,
    pointer: NonNull<libdeflate_compressor>,
}

impl Compressor {
    fn new(level: i32) -> Result<Self> {
        // SAFETY: the function takes any level and gives a compressor or null.
        let pointer = unsafe { libdeflate_alloc_compressor(level) };
        let pointer =
            NonNull::new(pointer).ok_or_else(|| CodecError::value("memory", "no room for a compressor"))?;
        Ok(Self { level, pointer })
    }

    fn run(&mut self, container: Container, decoded: &[u8], out: &mut Vec<u8>) {
        // Functions of the same form for each of the two.
        let compress = match container {
            Container::Gzip => libdeflate_gzip_compress,
            Container::Zlib => libdeflate_zlib_compress,
        };
        let compress_bound = match container {
            Container::Gzip => libdeflate_gzip_compress_bound,
            Container::Zlib => libdeflate_zlib_compress_bound,
        };
        // SAFETY: the compressor lives as long as `self`, which is borrowed mutably.
        let bound = unsafe { compress_bound(self.pointer.as_ptr(), decoded.len()) };
        out.reserve(bound);
        let room = out.spare_capacity_mut();
        // SAFETY: as above; both buffers are given with their lengths, beyond which the function neither reads
        // nor writes. There is room for the bound, so that it does not fail.
        let size = unsafe {
            compress(
                self.pointer.as_ptr(),
                decoded.as_ptr().cast(),
                decoded.len(),
                room.as_mut_ptr().cast(),
                room.len(),
            )
        };
        // SAFETY: the function has written `size` bytes from the end of `out`, where there was room for them.
        unsafe { out.set_len(out.len() + size) };
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: the compressor came from `libdeflate_alloc_compressor` and is not used after this.
        unsafe { libdeflate_free_compressor(self.pointer.as_ptr()) };
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
