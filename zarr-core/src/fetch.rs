//! Which bytes of a chunk's value are needed: a decision, without any I/O.
//!
//! | the chunk is | asked for | fetched |
//! |---|---|---|
//! | encoded | anything | the whole value |
//! | uncompressed | most of it | the whole value |
//! | uncompressed | a part | the bytes from the first element to the last |

use zarr_codecs::ChunkCodec;
use zarr_store::ByteRange;

use crate::projection::ChunkShare;

/// What to fetch of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkFetch {
    /// The range of the value.
    pub(crate) range: ByteRange,
    /// Where in the chunk, decoded, begins what was fetched, in bytes.
    pub(crate) origin: usize,
}

impl ChunkFetch {
    /// Decides.
    pub(crate) fn new(codec: &ChunkCodec, share: ChunkShare<'_>) -> Self {
        let all = Self {
            range: ByteRange::All,
            origin: 0,
        };
        if !codec.is_uncompressed() {
            return all;
        }
        let (first, last) = share.span();
        let length = last - first + codec.spec().data_type.size().unwrap_or(0);
        // Below a half, the bytes that are saved outweigh the check of the value's size that is lost.
        if length > codec.decoded_size() / 2 {
            return all;
        }
        Self {
            range: ByteRange::Part {
                offset: first as u64,
                length: length as u64,
            },
            origin: first,
        }
    }

    /// Whether the fetched bytes are elements, and not an encoded chunk.
    pub(crate) const fn is_part(self) -> bool {
        matches!(self.range, ByteRange::Part { .. })
    }
}
