//! The blocks of a frame of Blosc, of which only those are decoded that hold what is wanted, as far as it is wanted.
//!
//! ```text
//! block:   as many streams as the frame has, each
//!          length u32 | what the inner codec made, or the bytes themselves if they are as many as decoded
//! decoded: the bytes of all elements by their weight (byte shuffle), or their bits (bit shuffle);
//!          what is no whole element stands at the end as it is
//! ```
//!
//! So a decoded block is a number of planes of the same size, then what is left over. Of a stream that holds planes
//! it is enough to decode the bytes up to the last one that is wanted of its last plane.

use std::{cell::RefCell, ops::Range};

use super::{
    blosc_frame::{Frame, SPLITS_MAX, block_offset, corrupt, u32_at},
    blosc_streams::decode_stream,
    byte_planes,
};
use crate::Result;

/// The most memory that a thread keeps for the blocks to come.
const KEPT_MAX: usize = 4 << 20;

/// How many bytes of bits are brought into their places at once.
const TILE: usize = 8 * 1024;

thread_local! {
    /// The planes of a block.
    static PLANES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// How the elements of a block are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrangement {
    Plain,
    Bytes,
    Bits,
}

impl Arrangement {
    fn of(frame: &Frame<'_>) -> Self {
        if frame.is_byte_shuffled && frame.element_size > 1 {
            Self::Bytes
        } else if frame.is_bit_shuffled && !frame.is_byte_shuffled && frame.block_size >= frame.element_size {
            Self::Bits
        } else {
            Self::Plain
        }
    }
}

/// Decodes the bytes `wanted` of a checked frame that is not stored to their place in `out`, which is as long as what
/// the frame decodes to; others may be changed to anything.
pub(super) fn decode(encoded: &[u8], frame: &Frame<'_>, wanted: Range<usize>, out: &mut [u8]) -> Result<()> {
    PLANES.with_borrow_mut(|planes| {
        let done = decode_with(encoded, frame, wanted, out, planes);
        if planes.capacity() > KEPT_MAX {
            *planes = Vec::new();
        }
        done
    })
}

fn decode_with(
    encoded: &[u8],
    frame: &Frame<'_>,
    wanted: Range<usize>,
    out: &mut [u8],
    planes: &mut Vec<u8>,
) -> Result<()> {
    let first = wanted.start / frame.block_size;
    let last = wanted.end.div_ceil(frame.block_size);
    for (index, out) in out
        .chunks_mut(frame.block_size)
        .enumerate()
        .take(last)
        .skip(first)
    {
        let block = Block::new(encoded, frame, index, out.len())?;
        let start = index * frame.block_size;
        let wanted = wanted.start.saturating_sub(start)..(wanted.end - start).min(out.len());
        block.decode(wanted, out, planes)?;
    }
    Ok(())
}

/// A block of a frame.
struct Block<'f> {
    encoded: &'f [u8],
    frame: &'f Frame<'f>,
    /// Where its streams begin.
    start: usize,
    arrangement: Arrangement,
    streams: usize,
    stream_size: usize,
    /// The bytes of whole elements that are arranged; the others stand behind them.
    whole: usize,
}

impl<'f> Block<'f> {
    fn new(encoded: &'f [u8], frame: &'f Frame<'f>, index: usize, size: usize) -> Result<Self> {
        let streams = if size < frame.block_size { 1 } else { frame.streams };
        if !size.is_multiple_of(streams) {
            return Err(corrupt("a block has no whole streams".into()));
        }
        let n_elements = size / frame.element_size;
        let mut arrangement = Arrangement::of(frame);
        // The library shuffles the bits of whole groups of eight elements only, and else none.
        if arrangement == Arrangement::Bits && !n_elements.is_multiple_of(8) {
            arrangement = Arrangement::Plain;
        }
        Ok(Self {
            encoded,
            frame,
            start: block_offset(encoded, index)?,
            arrangement,
            streams,
            stream_size: size / streams,
            whole: n_elements * frame.element_size,
        })
    }

    /// Decodes some bytes of the block to their place in it.
    fn decode(&self, wanted: Range<usize>, out: &mut [u8], planes: &mut Vec<u8>) -> Result<()> {
        if self.arrangement == Arrangement::Plain {
            let needed = |stream| {
                let start = stream * self.stream_size;
                wanted.end.saturating_sub(start).min(self.stream_size)
            };
            return self.streams(out, needed, |_, _| false);
        }
        let element_size = self.frame.element_size;
        let (group, n_planes) = match self.arrangement {
            Arrangement::Bits => (8, element_size * 8),
            _ => (1, element_size),
        };
        let group_size = element_size * group;
        let groups =
            wanted.start.min(self.whole) / group_size..wanted.end.min(self.whole).div_ceil(group_size);
        let stride = self.whole / n_planes;
        let needed = if wanted.end > self.whole || !n_planes.is_multiple_of(self.streams) {
            self.stream_size
        } else {
            (n_planes / self.streams - 1) * stride + groups.end
        };
        if planes.len() < out.len() {
            planes.resize(out.len(), 0);
        }
        let planes = &mut planes[..out.len()];
        // Planes that are stored as they are need not be copied, where each has its own stream.
        let mut stored: [Option<&[u8]>; SPLITS_MAX] = [None; SPLITS_MAX];
        let is_kept = self.arrangement == Arrangement::Bytes && n_planes == self.streams;
        self.streams(
            planes,
            |_| needed,
            |number, stream| {
                let place = stored.get_mut(number).filter(|_| is_kept);
                place.map(|place| *place = Some(stream)).is_some()
            },
        )?;

        let (elements, rest) = out.split_at_mut(self.whole);
        rest.copy_from_slice(&planes[self.whole..]);
        let elements = &mut elements[groups.start * group_size..groups.end * group_size];
        if self.arrangement == Arrangement::Bits {
            let rows = &planes[groups.start..self.whole];
            unshuffle_bits(element_size, rows, stride, elements);
        } else {
            let plane = |byte: usize| match stored.get(byte) {
                Some(Some(stored)) => &stored[groups.start..],
                _ => &planes[byte * stride + groups.start..self.whole],
            };
            byte_planes::unshuffle(element_size, plane, elements);
        }
        Ok(())
    }

    /// Decodes the beginning of each stream, as many bytes as are needed of it; one that is stored as it is may be taken
    /// by `keep` instead.
    fn streams(
        &self,
        out: &mut [u8],
        needed: impl Fn(usize) -> usize,
        mut keep: impl FnMut(usize, &'f [u8]) -> bool,
    ) -> Result<()> {
        let mut at = self.start;
        for (number, out) in out.chunks_exact_mut(self.stream_size).enumerate() {
            let length = u32_at(self.encoded, at);
            let stream = length.and_then(|length| self.encoded.get(at + 4..)?.get(..length as usize));
            let stream = stream.ok_or_else(|| corrupt("a stream is cut".into()))?;
            at += 4 + stream.len();
            let needed = needed(number);
            if stream.len() == out.len() {
                if keep(number, stream) {
                    continue;
                }
                out[..needed].copy_from_slice(&stream[..needed]);
            } else if needed > 0 {
                decode_stream(self.frame.inner, stream, out, needed)?;
            }
        }
        Ok(())
    }
}

/// Rows of bits to elements: bit `e` of row `8 b + k` is bit `k` of byte `b` of element `e`.
///
/// Rows lie `stride` bytes apart.
fn unshuffle_bits(element_size: usize, rows: &[u8], stride: usize, elements: &mut [u8]) {
    // Eight rows make a plane of bytes, and the planes make elements; both stay in the innermost cache.
    let mut planes = [0; TILE];
    let groups = TILE / element_size / 8;
    for (tile, elements) in elements.chunks_mut(groups * element_size * 8).enumerate() {
        let count = elements.len() / element_size;
        for byte in 0..element_size {
            let plane = &mut planes[byte * count..][..count];
            let row = |row| &rows[(byte * 8 + row) * stride + tile * groups..];
            byte_planes::unshuffle(8, row, plane);
        }
        let planes = &mut planes[..elements.len()];
        byte_planes::transpose_bits(planes);
        byte_planes::unshuffle(element_size, |byte| &planes[byte * count..], elements);
    }
}
