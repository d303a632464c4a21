//! Parts of a frame of Blosc as frames of their own, so that the rest of it need not be read.
//!
//! The table of blocks says where each begins, and the next one in the frame where it ends. So a header, a table of
//! the blocks that hold the part, and their bytes make a frame, which is checked and decoded as any other.

use std::ops::Range;

use super::blosc_frame::{FORMAT, HEADER_SIZE, STORED, u32_at};
use crate::Excerpt;

/// The smallest blocks that the library chooses for large chunks.
const BLOCK_SIZE_MIN: usize = 32 << 10;

/// The bytes of the header and the table of a frame that decodes to so many bytes, whose blocks are not smaller than
/// the library makes them.
pub(super) const fn head_size(decoded: usize) -> usize {
    HEADER_SIZE + 4 * decoded.div_ceil(BLOCK_SIZE_MIN)
}

/// The frame that decodes to the blocks with a part, if `head` has all of the table.
///
/// What does not hold together is left to who decodes the whole frame.
pub(super) fn excerpt(
    head: &[u8],
    (encoded_size, decoded_size): (u64, usize),
    part: Range<usize>,
) -> Option<Excerpt> {
    let [of_decoded, block_size, of_frame] = [4, 8, 12].map(|at| u32_at(head, at));
    let (of_decoded, block_size) = (of_decoded? as usize, block_size? as usize);
    let is_whole = of_decoded == decoded_size && u64::from(of_frame?) == encoded_size;
    if head[0] != FORMAT || !is_whole || part.is_empty() || part.end > decoded_size {
        return None;
    }
    if head[2] & STORED != 0 {
        let start = HEADER_SIZE as u64;
        let range = start + part.start as u64..start + part.end as u64;
        let ranges = vec![range];
        return framed(
            head,
            block_size,
            &[],
            Excerpt {
                head: Vec::new(),
                ranges,
                part,
            },
        );
    }
    if block_size == 0 {
        return None;
    }
    let n_blocks = decoded_size.div_ceil(block_size);
    let table = head.get(HEADER_SIZE..HEADER_SIZE + 4 * n_blocks)?;
    let table: Vec<_> = table
        .as_chunks::<4>()
        .0
        .iter()
        .map(|offset| u32::from_le_bytes(*offset))
        .collect();
    let (mut first, last) = (part.start / block_size, part.end.div_ceil(block_size));
    // A short block cannot be the only one of a frame.
    if first + 1 == n_blocks && !decoded_size.is_multiple_of(block_size) {
        first = first.checked_sub(1)?;
    }
    // Blocks that threads have written stand in any order.
    let mut ends = table.clone();
    ends.sort_unstable();
    let ends = |offset: u32| match ends.partition_point(|start| *start <= offset) {
        next if next < ends.len() => u64::from(ends[next]),
        _ => encoded_size,
    };
    let (mut ranges, mut offsets) = (Vec::<Range<u64>>::new(), Vec::new());
    let mut size = 0;
    for &offset in &table[first..last] {
        let range = u64::from(offset)..ends(offset);
        offsets.push(size);
        size += range.end.checked_sub(range.start).filter(|size| *size > 0)?;
        match ranges.last_mut() {
            Some(before) if before.end == range.start => before.end = range.end,
            _ => ranges.push(range),
        }
    }
    let part = first * block_size..(last * block_size).min(decoded_size);
    framed(
        head,
        block_size,
        &offsets,
        Excerpt {
            head: Vec::new(),
            ranges,
            part,
        },
    )
}

/// Gives an excerpt its head: that of a frame with blocks at offsets from the end of its table.
fn framed(head: &[u8], block_size: usize, offsets: &[u64], mut excerpt: Excerpt) -> Option<Excerpt> {
    let table_end = (HEADER_SIZE + 4 * offsets.len()) as u64;
    let size = excerpt
        .ranges
        .iter()
        .map(|range| range.end - range.start)
        .sum::<u64>();
    let numbers = [excerpt.part.len() as u64, block_size as u64, table_end + size];
    let offsets = offsets.iter().map(|offset| table_end + offset);
    excerpt.head.extend_from_slice(&head[..4]);
    for number in numbers.into_iter().chain(offsets) {
        excerpt.head.extend(u32::try_from(number).ok()?.to_le_bytes());
    }
    Some(excerpt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        BytesToBytes, Codec, CodecRegistry,
        testing::{noise, smooth},
    };
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn blosc(configuration: &Value) -> Arc<dyn BytesToBytes> {
        let entry = super::super::blosc::ENTRY;
        let configuration = configuration.as_object().unwrap();
        match (entry.build)(configuration, &CodecRegistry::default()).unwrap() {
            Codec::BytesToBytes(codec) => codec,
            other => panic!("{other:?}"),
        }
    }

    /// The value of an excerpt.
    fn value(frame: &[u8], excerpt: &Excerpt) -> Vec<u8> {
        let parts = excerpt.ranges.iter();
        let parts = parts.flat_map(|range| &frame[range.start as usize..range.end as usize]);
        excerpt.head.iter().chain(parts).copied().collect()
    }

    fn check(codec: &dyn BytesToBytes, frame: &[u8], decoded: &[u8]) {
        let size = decoded.len();
        let places = [0, 1, 4095, size / 2, size - 513, size - 2, size - 1];
        for start in places {
            for end in places.into_iter().chain([size]).filter(|end| *end > start) {
                let excerpt = codec
                    .excerpt(frame, (frame.len() as u64, size), start..end)
                    .unwrap();
                assert!(excerpt.part.start <= start && excerpt.part.end >= end);
                let mut out = vec![0; excerpt.part.len()];
                let got = codec.decode(&value(frame, &excerpt), &mut out).unwrap();
                assert_eq!(got, out.len());
                assert_eq!(out, decoded[excerpt.part.clone()], "{start}..{end}");
            }
        }
    }

    #[test]
    fn parts_are_frames_of_their_own() {
        for cname in ["blosclz", "lz4", "zstd", "zlib"] {
            for shuffle in 0..3 {
                for (typesize, blocksize) in [(1, 512), (2, 512), (4, 1024), (7, 700), (8, 4096), (4, 0)] {
                    let codec = blosc(&json!({
                        "cname": cname, "clevel": 5, "shuffle": shuffle, "typesize": typesize,
                        "blocksize": blocksize,
                    }));
                    for size in [8192, 8195, 300_001] {
                        for decoded in [smooth(size), noise(size), vec![0; size]] {
                            let mut frame = Vec::new();
                            codec.encode(&decoded, &mut frame).unwrap();
                            check(codec.as_ref(), &frame, &decoded);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn blocks_may_stand_in_any_order() {
        let codec = blosc(&json!({"clevel": 5, "shuffle": 1, "typesize": 4, "blocksize": 1024}));
        let decoded = smooth(1_000_012);
        let mut frame = Vec::new();
        codec.encode(&decoded, &mut frame).unwrap();
        let n_blocks = decoded.len().div_ceil(u32_at(&frame, 8).unwrap() as usize);
        assert!(n_blocks >= 6, "{n_blocks}");
        let offset = |block: usize| match block {
            block if block == n_blocks => frame.len(),
            block => u32_at(&frame, HEADER_SIZE + 4 * block).unwrap() as usize,
        };
        let mut mixed = frame[..HEADER_SIZE + 4 * n_blocks].to_vec();
        for block in [3, 5, 0, 4, 2, 1].into_iter().chain((6..n_blocks).rev()) {
            let at = (mixed.len() as u32).to_le_bytes();
            mixed[HEADER_SIZE + 4 * block..][..4].copy_from_slice(&at);
            mixed.extend_from_slice(&frame[offset(block)..offset(block + 1)]);
        }
        check(codec.as_ref(), &mixed, &decoded);
    }

    #[test]
    fn what_is_wrong_is_left_to_the_whole_frame() {
        let codec = blosc(&json!({"clevel": 5, "shuffle": 1, "typesize": 4, "blocksize": 1024}));
        let mut frame = Vec::new();
        codec.encode(&smooth(50_000), &mut frame).unwrap();
        let size = frame.len() as u64;
        let head_size = HEADER_SIZE + 4 * 50_000_usize.div_ceil(u32_at(&frame, 8).unwrap() as usize);
        let found = |frame: &[u8], size| codec.excerpt(frame, (size, 50_000), 0..100).is_some();
        assert!(found(&frame, size));
        assert!(found(&frame[..head_size], size));
        assert!(!found(&frame[..head_size - 1], size));
        assert!(!found(&frame[..3], size));
        assert!(!found(&[], size));
        assert!(!found(&frame, size + 1));
        assert!(codec.excerpt(&frame, (size, 50_000), 0..50_001).is_none());
        assert!(codec.excerpt(&frame, (size, 50_001), 0..5).is_none());
        assert!(codec.excerpt(&frame, (size, 50_000), 5..5).is_none());
        for at in 0..head_size {
            for change in [1, 0x80, 0xff] {
                let mut damaged = frame.clone();
                damaged[at] ^= change;
                // Whatever comes of it is within the value, and decoded without harm.
                if let Some(excerpt) = codec.excerpt(&damaged, (size, 50_000), 1000..1100) {
                    let is_inside = |range: &Range<u64>| range.start < range.end && range.end <= size;
                    if excerpt.ranges.iter().all(is_inside) {
                        let mut out = vec![0; excerpt.part.len()];
                        let _ = codec.decode(&value(&damaged, &excerpt), &mut out);
                    }
                }
            }
        }
    }
}
