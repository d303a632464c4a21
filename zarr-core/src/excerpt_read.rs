//! Large encoded chunks of which a part is read and decoded alone, where the codec tells where it is.
//!
//! The beginning of the value tells which of its bytes are needed, and a second request reads these.

use std::ops::Range;

use zarr_codecs::{ChunkCodec, CodecError, Excerpt, Scratch};
use zarr_store::{ByteRange, ReadBuffer, Store, StoreKey};

use crate::{
    Result, Workers,
    partial_read::{self, CHUNK_SIZE_MIN, Parts},
};

/// The bytes of a chunk, decoded, from which on it is worth it where a request takes as long as some MiB do to come.
const CHUNK_SIZE_MIN_FAR: usize = 16 << 20;
/// The most requests that are worth it there.
const RANGES_MAX_FAR: usize = 4;

/// What of a chunk was read.
#[derive(Debug)]
pub(crate) struct Piece {
    excerpt: Excerpt,
    value: Vec<u8>,
}

/// How many bytes of a chunk tell where a part is, if to read it alone is worth it.
pub(crate) fn head_size(
    store: &dyn Store,
    workers: Workers,
    codec: &ChunkCodec,
    part: &Range<usize>,
) -> Option<usize> {
    let size_min = if workers.is_far(store) {
        CHUNK_SIZE_MIN_FAR
    } else {
        CHUNK_SIZE_MIN
    };
    let is_worth_it = codec.decoded_size() >= size_min && part.len() <= codec.decoded_size() / 2;
    codec
        .head_size()
        .filter(|_| is_worth_it && store.capabilities().generations)
}

/// Reads what a part needs; `None` if the chunk must be read as a whole: it is not there or too short, the store cannot
/// tell its values apart, it was replaced meanwhile, the codec does not find the part, or finds it in too many places.
///
/// # Errors
/// When the store fails.
pub(crate) fn read(
    (store, key): (&dyn Store, &StoreKey),
    workers: Workers,
    codec: &ChunkCodec,
    part: Range<usize>,
    head_size: usize,
    buffer: &mut ReadBuffer,
) -> Result<Option<Piece>> {
    let head = ByteRange::Part {
        offset: 0,
        length: head_size as u64,
    };
    let Parts::Of(version) = partial_read::read((store, key), &[head], buffer)? else {
        return Ok(None);
    };
    let Some(excerpt) = codec.excerpt(buffer.part(0), version.size, part) else {
        return Ok(None);
    };
    let ranges = excerpt.ranges.iter().map(|range| ByteRange::Part {
        offset: range.start,
        length: range.end - range.start,
    });
    let ranges: Vec<_> = ranges.collect();
    if ranges.len() > RANGES_MAX_FAR && workers.is_far(store) {
        return Ok(None);
    }
    let rest = partial_read::read((store, key), &ranges, buffer)?;
    if !matches!(rest, Parts::Of(now) if now == version) {
        return Ok(None);
    }
    let parts = (0..buffer.len()).map(|index| buffer.part(index));
    let value = std::iter::once(&excerpt.head[..])
        .chain(parts)
        .collect::<Vec<_>>()
        .concat();
    Ok(Some(Piece { excerpt, value }))
}

impl Piece {
    /// Decodes the elements that were read; those around `wanted` may be anything.
    pub(crate) fn decode<'a>(
        &self,
        codec: &ChunkCodec,
        wanted: Range<usize>,
        scratch: &'a mut Scratch,
    ) -> Result<&'a [u8], CodecError> {
        codec.decode_excerpt(&self.excerpt, &self.value, wanted, scratch)
    }

    /// Where in the chunk, decoded, the elements begin, in bytes.
    pub(crate) fn origin(&self) -> usize {
        self.excerpt.part.start
    }
}
