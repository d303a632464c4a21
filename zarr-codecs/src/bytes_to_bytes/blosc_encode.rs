//! Frames of Blosc made here, byte for byte as its library makes them, where the inner codec is LZ4 or Zstandard and
//! bits are not shuffled.
//!
//! The library takes new memory and a new context of Zstandard for each block, and is built without AVX2.
//!
//! A frame is made of blocks, whose size follows from level, inner codec and size of elements, so that a block fits the
//! caches. Blocks of LZ4 are split into as many streams as an element has bytes, those of Zstandard are one stream.
//! A stream that does not get smaller is kept as it is, and so is the whole where that would be larger than the header
//! and what is encoded.

#![expect(unsafe_code, reason = "LZ4 is a C library")]

use std::{cell::RefCell, ffi::c_int};

use lz4_sys::LZ4_compress_fast;
use zstd::zstd_safe;

use super::{
    blosc_frame::{BYTE_SHUFFLED, FORMAT, HEADER_SIZE, INNER_FORMAT, InnerCodec, STORED, UNSPLIT, can_split},
    byte_planes, zstd_contexts,
};

/// What a block begins from: the size of the first-level cache, as the library takes it.
const CACHE_SIZE: usize = 32 << 10;
/// What fewer bytes are not worth to encode, and the least that a block has.
const BLOCK_MIN: usize = 128;
/// The most bytes of a block, given or not.
const BLOCK_MAX: usize = (i32::MAX as usize - 255 * 4) / 3;
/// Blocks that are split grow with the elements, between these bounds.
const SPLIT_STREAM_MAX: usize = 1 << 18;
const SPLIT_BLOCK_MIN: usize = 1 << 16;
const SPLIT_BLOCK_MAX: usize = 1 << 20;
/// The most memory that a thread keeps for the blocks to come.
const KEPT_MAX: usize = 4 << 20;

thread_local! {
    /// The planes of a block.
    static PLANES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How a frame is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoder {
    inner: InnerCodec,
    /// From 1 to 9.
    level: usize,
    element_size: usize,
    shuffles: bool,
    block_size: usize,
}

impl Encoder {
    /// An encoder of as many bytes; `None` for what is left to the library. A block size of 0 is chosen here.
    pub(super) fn new(
        inner: &str,
        level: i32,
        element_size: usize,
        shuffle: i32,
        block_size: usize,
        size: usize,
    ) -> Option<Self> {
        let inner = match inner {
            "lz4" => InnerCodec::Lz4,
            "zstd" => InnerCodec::Zstd,
            _ => return None,
        };
        // The library takes larger elements for bytes.
        let element_size = if element_size > 255 { 1 } else { element_size };
        let level = usize::try_from(level)
            .ok()
            .filter(|level| (1..=9).contains(level))?;
        if shuffle > 1 || element_size == 0 || size < BLOCK_MIN.max(element_size) {
            return None;
        }
        let mut encoder = Self {
            inner,
            level,
            element_size,
            shuffles: shuffle == 1,
            block_size: 0,
        };
        encoder.block_size = encoder.block_size_for(size, block_size);
        Some(encoder)
    }

    fn block_size_for(&self, size: usize, given: usize) -> usize {
        let mut block_size = if given > 0 {
            given.clamp(BLOCK_MIN, BLOCK_MAX)
        } else if size < CACHE_SIZE {
            size
        } else {
            let is_slow = self.inner == InnerCodec::Zstd;
            let base = if is_slow { 2 * CACHE_SIZE } else { CACHE_SIZE };
            match self.level {
                1 => base / 2,
                2 => base,
                3 => base * 2,
                4 | 5 => base * 4,
                9 if is_slow => base * 16,
                _ => base * 8,
            }
        };
        if self.is_split(block_size) {
            block_size = (block_size.min(SPLIT_STREAM_MAX) * self.element_size)
                .clamp(SPLIT_BLOCK_MIN, SPLIT_BLOCK_MAX);
        }
        let block_size = block_size.min(size);
        if block_size > self.element_size {
            block_size - block_size % self.element_size
        } else {
            block_size
        }
    }

    /// Whether blocks of a size are split into as many streams as an element has bytes.
    fn is_split(&self, block_size: usize) -> bool {
        self.inner == InnerCodec::Lz4 && can_split(self.element_size, block_size)
    }

    /// Adds the frame of some bytes to `out`.
    pub(super) fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.reserve(HEADER_SIZE + decoded.len());
        self.push_header(decoded.len(), out);
        let is_smaller = PLANES.with_borrow_mut(|planes| {
            let is_smaller = self.push_blocks(decoded, start, out, planes);
            if planes.capacity() > KEPT_MAX {
                *planes = Vec::new();
            }
            is_smaller
        });
        if !is_smaller {
            out.truncate(start + HEADER_SIZE);
            out[start + 2] |= STORED;
            out.extend_from_slice(decoded);
        }
        let size = (out.len() - start) as u32;
        out[start + 12..start + HEADER_SIZE].copy_from_slice(&size.to_le_bytes());
    }

    fn push_header(&self, size: usize, out: &mut Vec<u8>) {
        let mut flags = match self.inner {
            InnerCodec::Zstd => 4 << 5,
            _ => 1 << 5,
        };
        if self.shuffles {
            flags |= BYTE_SHUFFLED;
        }
        if !self.is_split(self.block_size) {
            flags |= UNSPLIT;
        }
        out.extend([FORMAT, INNER_FORMAT, flags, self.element_size as u8]);
        out.extend((size as u32).to_le_bytes());
        out.extend((self.block_size as u32).to_le_bytes());
        out.extend([0; 4]);
    }

    /// Adds the table of blocks, and the blocks; `false` when they would take more bytes than they are made of.
    fn push_blocks(&self, decoded: &[u8], start: usize, out: &mut Vec<u8>, planes: &mut Vec<u8>) -> bool {
        let table = out.len();
        let end = start + HEADER_SIZE + decoded.len();
        let n_blocks = decoded.len().div_ceil(self.block_size);
        if table + 4 * n_blocks > end {
            return false;
        }
        out.resize(table + 4 * n_blocks, 0);
        for (index, block) in decoded.chunks(self.block_size).enumerate() {
            let offset = (out.len() - start) as u32;
            out[table + 4 * index..][..4].copy_from_slice(&offset.to_le_bytes());
            let is_split = block.len() == self.block_size && self.is_split(self.block_size);
            let streams = if is_split { self.element_size } else { 1 };
            let block = self.shuffled(block, planes);
            let mut streams = block.chunks_exact(block.len() / streams);
            if !streams.all(|stream| self.push_stream(stream, end, out)) {
                return false;
            }
        }
        true
    }

    /// A block as it is encoded.
    fn shuffled<'a>(&self, block: &'a [u8], planes: &'a mut Vec<u8>) -> &'a [u8] {
        if !self.shuffles || self.element_size == 1 {
            return block;
        }
        if planes.len() < block.len() {
            planes.resize(block.len(), 0);
        }
        let planes = &mut planes[..block.len()];
        let whole = block.len() - block.len() % self.element_size;
        byte_planes::shuffle(self.element_size, &block[..whole], &mut planes[..whole]);
        planes[whole..].copy_from_slice(&block[whole..]);
        planes
    }

    /// Adds a stream with its length, within the first `end` bytes of `out`; `false` if there is no room.
    fn push_stream(&self, stream: &[u8], end: usize, out: &mut Vec<u8>) -> bool {
        let at = out.len() + 4;
        let Some(room) = end.checked_sub(at).filter(|room| *room > 0) else {
            return false;
        };
        let size_max = stream.len().min(room);
        out.extend([0; 4]);
        let made = match self.inner {
            InnerCodec::Zstd => self.push_zstd(stream, size_max, out),
            _ => self.push_lz4(stream, size_max, out),
        };
        if !made || out.len() - at == stream.len() {
            out.truncate(at);
            if stream.len() > room {
                return false;
            }
            out.extend_from_slice(stream);
        }
        let length = (out.len() - at) as u32;
        out[at - 4..at].copy_from_slice(&length.to_le_bytes());
        true
    }

    /// Adds what Zstandard makes of a stream, if it is not too much.
    fn push_zstd(&self, stream: &[u8], size_max: usize, out: &mut Vec<u8>) -> bool {
        let level = if self.level < 9 {
            2 * self.level as i32 - 1
        } else {
            zstd_safe::max_c_level()
        };
        let at = out.len();
        out.resize(at + size_max, 0);
        let made = zstd_contexts::with_encoder(|encoder| encoder.compress(&mut out[at..], stream, level));
        out.truncate(at + made.unwrap_or(0));
        made.is_ok()
    }

    /// Adds what LZ4 makes of a stream, if it is not too much.
    fn push_lz4(&self, stream: &[u8], size_max: usize, out: &mut Vec<u8>) -> bool {
        let size = |length: usize| c_int::try_from(length).unwrap_or(0);
        let room = &mut out.spare_capacity_mut()[..size_max];
        // SAFETY: the library reads no more than the bytes of the stream and writes no more than there is room for, and
        // is told both; the two do not overlap.
        let made = unsafe {
            LZ4_compress_fast(
                stream.as_ptr().cast(),
                room.as_mut_ptr().cast(),
                size(stream.len()),
                size(room.len()),
                10 - self.level as c_int,
            )
        };
        let made = usize::try_from(made).unwrap_or(0).min(size_max);
        // SAFETY: the library has written so many bytes behind the end of `out`, where there was room for them.
        unsafe { out.set_len(out.len() + made) };
        made > 0
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use super::*;
    use crate::bytes_to_bytes::blosc::encode_by_library;
    use crate::testing::{noise, smooth};

    /// Values that compress, values that do not, and some of either.
    fn data(size: usize) -> [Vec<u8>; 4] {
        let mixed = smooth(size / 2)
            .into_iter()
            .chain(noise(size - size / 2))
            .take(size);
        let letters = noise(size).iter().map(|byte| byte % 7 + 1).collect();
        [smooth(size), noise(size), mixed.collect(), letters].map(|mut data: Vec<u8>| {
            data.resize(size, 0);
            data
        })
    }

    /// Compares with the library; says whether there was anything to compare.
    fn check(
        inner: &str,
        level: i32,
        element_size: usize,
        shuffle: i32,
        block_size: usize,
        data: &[u8],
    ) -> bool {
        let what = format!(
            "{inner} {level} {element_size} {shuffle} {block_size}, {} bytes",
            data.len()
        );
        let Some(encoder) = Encoder::new(inner, level, element_size, shuffle, block_size, data.len()) else {
            return false;
        };
        // Behind something else, as codecs add to what is there.
        let mut ours = b"before".to_vec();
        encoder.encode(data, &mut ours);
        let name = CString::new(inner).unwrap();
        let mut library = Vec::new();
        encode_by_library(
            &name,
            (level, shuffle),
            (element_size, block_size),
            data,
            &mut library,
        )
        .unwrap();
        assert_eq!(&ours[..6], b"before");
        assert!(
            ours[6..] == library[..],
            "{what}: {} and {} bytes",
            ours.len() - 6,
            library.len()
        );
        true
    }

    #[test]
    fn frames_are_those_of_the_library() {
        for inner in ["lz4", "zstd"] {
            for level in 1..10 {
                for size in [128, 1000, 4096, 32_767, 32_768, 70_001, 300_000] {
                    // The highest level of Zstandard takes long.
                    if level == 9 && inner == "zstd" && size > 40_000 {
                        continue;
                    }
                    for data in data(size) {
                        assert!(check(inner, level, 4, 1, 0, &data));
                    }
                }
            }
        }
    }

    #[test]
    fn elements_and_blocks_may_have_any_size() {
        for inner in ["lz4", "zstd"] {
            for element_size in [1, 2, 3, 7, 8, 16, 17, 128, 255, 256, 1000] {
                for shuffle in [0, 1] {
                    for block_size in [0, 1, 100, 1024, 5000, 1 << 20] {
                        for data in data(9_999) {
                            assert!(check(inner, 3, element_size, shuffle, block_size, &data));
                        }
                    }
                }
            }
        }
        let large = smooth(3 << 20);
        for element_size in [1, 2, 8, 16] {
            assert!(check("lz4", 5, element_size, 1, 0, &large));
            assert!(check("zstd", 1, element_size, 1, 0, &large));
        }
    }

    #[test]
    fn frames_that_hardly_get_smaller_are_those_of_the_library() {
        // Some bytes of each stream repeat, so that single streams or the whole just do or do not get smaller.
        for repeated in 0..120 {
            let mut data = noise(2048);
            for stream in data.chunks_mut(512) {
                let end = stream.len();
                stream[end - repeated..].fill(7);
            }
            for inner in ["lz4", "zstd"] {
                assert!(check(inner, 5, 4, 0, 0, &data));
                assert!(check(inner, 5, 4, 0, 512, &data));
            }
        }
    }

    #[test]
    fn what_is_left_to_the_library() {
        let made = |inner, level, shuffle, size| Encoder::new(inner, level, 4, shuffle, 0, size).is_some();
        assert!(made("lz4", 5, 1, 128));
        assert!(!made("lz4", 0, 1, 128));
        assert!(!made("lz4", 5, 2, 128));
        assert!(!made("lz4", 5, 1, 127));
        assert!(!made("lz4hc", 5, 1, 128));
    }
}
