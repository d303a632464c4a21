//! The frame of Blosc 1, checked before the C library sees it (c-blosc, `README_CHUNK_FORMAT.rst`).
//!
//! ```text
//! 0 format 2 | 1 format of the inner codec | 2 flags | 3 element size |
//! 4 decoded size u32 | 8 block size u32 | 12 frame size u32                   (little endian)
//! stored:      data
//! otherwise:   offset u32 of each block | blocks, each of one stream or as many as an element has bytes:
//!              length u32 | bytes
//! ```
//!
//! The library believes these numbers as far as the sizes it is told, and it is not told that of the frame.

use std::ops::Range;

use crate::{CodecError, Result};

pub(super) const NAME: &str = "blosc";
pub(super) const HEADER_SIZE: usize = 16;

pub(super) const FORMAT: u8 = 2;
/// Formats of Blosc 2, whose frames have a longer header.
const FORMATS_OF_BLOSC2: Range<u8> = 3..7;
/// The most streams of a block, and the fewest elements of a block that has streams.
pub(super) const SPLITS_MAX: usize = 16;
const SPLIT_ELEMENTS_MIN: usize = 128;
/// The version of the formats of all inner codecs.
pub(super) const INNER_FORMAT: u8 = 1;

pub(super) const BYTE_SHUFFLED: u8 = 0x01;
pub(super) const STORED: u8 = 0x02;
const BIT_SHUFFLED: u8 = 0x04;
const RESERVED: u8 = 0x08;
pub(super) const UNSPLIT: u8 = 0x10;

/// What made the streams of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InnerCodec {
    Lz4,
    Snappy,
    Zstd,
    /// One that is left to the C library: blosclz or zlib.
    Other,
}

impl InnerCodec {
    /// By the number in the flags.
    fn new(number: u8) -> Option<Self> {
        [Self::Other, Self::Lz4, Self::Snappy, Self::Other, Self::Zstd]
            .get(usize::from(number))
            .copied()
    }
}

/// What a checked frame holds.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) decoded_size: usize,
    /// The decoded bytes themselves, if they are stored as they are.
    pub(super) stored: Option<&'a [u8]>,
    pub(super) element_size: usize,
    pub(super) block_size: usize,
    /// How many streams a block has, but for a short last one, which has one.
    pub(super) streams: usize,
    pub(super) is_byte_shuffled: bool,
    pub(super) is_bit_shuffled: bool,
    pub(super) inner: InnerCodec,
}

impl<'a> Frame<'a> {
    /// Checks all sizes and offsets of a frame that is exactly `frame`, down to those of the streams.
    pub(super) fn new(frame: &'a [u8]) -> Result<Self> {
        if frame.len() < HEADER_SIZE {
            return Err(corrupt(format!("{} bytes are no header", frame.len())));
        }
        let [format, inner_format, flags, element_size] = [frame[0], frame[1], frame[2], frame[3]];
        if FORMATS_OF_BLOSC2.contains(&format) {
            return Err(unsupported("frames of Blosc 2 are not supported"));
        }
        if format != FORMAT {
            return Err(corrupt(format!("format {format} is not known")));
        }
        if flags & RESERVED != 0 {
            return Err(unsupported("a flag of a later version is set"));
        }
        let [decoded_size, block_size, frame_size] =
            [4, 8, 12].map(|at| u32_at(frame, at).unwrap_or(0) as usize);
        if frame_size != frame.len() {
            let reason = format!("it says it has {frame_size} bytes and has {}", frame.len());
            return Err(corrupt(reason));
        }
        let streams = if flags & UNSPLIT == 0 && element_size != 0 {
            n_streams(element_size.into(), block_size)
        } else {
            1
        };
        let checked = |stored, inner| {
            Ok(Self {
                decoded_size,
                stored,
                element_size: element_size.into(),
                block_size,
                streams,
                is_byte_shuffled: flags & BYTE_SHUFFLED != 0,
                is_bit_shuffled: flags & BIT_SHUFFLED != 0,
                inner,
            })
        };
        if flags & STORED != 0 || decoded_size == 0 {
            let data = &frame[HEADER_SIZE..];
            if data.len() != decoded_size {
                let reason = format!("{} bytes are stored, not {decoded_size} as it says", data.len());
                return Err(corrupt(reason));
            }
            return checked(Some(data), InnerCodec::Other);
        }
        if element_size == 0 || block_size == 0 || block_size > decoded_size {
            let reason = format!(
                "elements of {element_size} bytes in blocks of {block_size}, {decoded_size} bytes in all"
            );
            return Err(corrupt(reason));
        }
        let Some(inner) = InnerCodec::new(flags >> 5).filter(|_| inner_format == INNER_FORMAT) else {
            let reason = format!("format {inner_format} of inner codec {} is not known", flags >> 5);
            return Err(unsupported(&reason));
        };
        check_blocks(frame, decoded_size, block_size, streams)?;
        checked(None, inner)
    }
}

/// Where a block of a checked frame begins.
pub(super) fn block_offset(frame: &[u8], index: usize) -> Result<usize> {
    let offset = u32_at(frame, HEADER_SIZE + 4 * index);
    offset
        .map(|offset| offset as usize)
        .ok_or_else(|| corrupt("its table of blocks is cut".into()))
}

/// How many streams a block has that may be split.
fn n_streams(element_size: usize, block_size: usize) -> usize {
    if can_split(element_size, block_size) {
        element_size
    } else {
        1
    }
}

/// Whether a block is large enough, and its elements small enough, to be split.
pub(super) fn can_split(element_size: usize, block_size: usize) -> bool {
    element_size <= SPLITS_MAX && block_size / element_size >= SPLIT_ELEMENTS_MIN
}

/// Walks the table of blocks and their streams: each lies within the frame, behind the table, and no two
/// overlap.
fn check_blocks(frame: &[u8], decoded_size: usize, block_size: usize, streams: usize) -> Result<()> {
    let n_blocks = decoded_size.div_ceil(block_size);
    let table = n_blocks
        .checked_mul(4)
        .and_then(|size| frame[HEADER_SIZE..].get(..size))
        .ok_or_else(|| corrupt("its table of blocks is cut".into()))?;
    let table_end = HEADER_SIZE + table.len();
    let has_short_block = !decoded_size.is_multiple_of(block_size);

    let mut spans = Vec::with_capacity(n_blocks);
    for (index, offset) in table.as_chunks::<4>().0.iter().enumerate() {
        let start = u32::from_le_bytes(*offset) as usize;
        let is_short = has_short_block && index + 1 == n_blocks;
        let end = if is_short { 1 } else { streams };
        let end = (0..end).try_fold(start, |at, _| {
            let length = u32_at(frame, at)? as usize;
            let end = at.checked_add(4)?.checked_add(length)?;
            (end <= frame.len()).then_some(end)
        });
        let end = end.filter(|_| start >= table_end).ok_or_else(|| {
            let reason = format!("block {index} at {start} is not within the frame");
            corrupt(reason)
        })?;
        spans.push(start..end);
    }
    // Blocks that threads have written stand in any order.
    if !spans.is_sorted_by_key(|span| span.start) {
        spans.sort_unstable_by_key(|span| span.start);
    }
    if spans.windows(2).any(|pair| pair[0].end > pair[1].start) {
        return Err(corrupt("two blocks overlap".into()));
    }
    Ok(())
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let number = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*number))
}

pub(super) fn corrupt(reason: String) -> CodecError {
    CodecError::corrupt(NAME, reason)
}

fn unsupported(reason: &str) -> CodecError {
    CodecError::mismatch(NAME, reason)
}
