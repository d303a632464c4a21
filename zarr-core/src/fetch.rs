//! Which bytes of a chunk's value are needed: a decision, without any I/O.
//!
//! | the chunk is | asked for | fetched |
//! |---|---|---|
//! | encoded | anything | the whole value |
//! | uncompressed | most of it | the whole value |
//! | uncompressed | a part | the bytes from the first element to the last |

use zarr_codecs::ChunkCodec;
use zarr_store::ByteRange;

use crate::projection::Part;

/// What to fetch of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkFetch {
    /// The range of the value.
    pub(crate) range: ByteRange,
    /// Where the first element asked for is in the chunk, in bytes.
    first: usize,
}

impl ChunkFetch {
    /// Decides; `strides` are those of the chunk's elements in memory, in bytes.
    pub(crate) fn new(codec: &ChunkCodec, parts: &[Part], strides: &[usize]) -> Self {
        let first = offset(parts, strides);
        let reach: usize = parts
            .iter()
            .zip(strides)
            .map(|(part, stride)| (part.count - 1) as usize * part.step as usize * stride)
            .sum();
        let item_size = codec.spec().data_type.size().unwrap_or(0);
        let length = reach + item_size;
        // Below a half, the bytes that are saved outweigh the check of the value's size that is lost.
        let range = if codec.is_uncompressed() && length <= codec.decoded_size() / 2 {
            ByteRange::Part {
                offset: first as u64,
                length: length as u64,
            }
        } else {
            ByteRange::All
        };
        Self { range, first }
    }

    /// Whether the fetched bytes are elements, and not an encoded chunk.
    pub(crate) const fn is_part(self) -> bool {
        matches!(self.range, ByteRange::Part { .. })
    }

    /// Where the first element asked for is in what was fetched and decoded, in bytes.
    pub(crate) const fn first(self) -> usize {
        if self.is_part() { 0 } else { self.first }
    }
}

/// Where the first element of a part is in its chunk, in bytes.
pub(crate) fn offset(parts: &[Part], strides: &[usize]) -> usize {
    parts
        .iter()
        .zip(strides)
        .map(|(part, stride)| part.start as usize * stride)
        .sum()
}
