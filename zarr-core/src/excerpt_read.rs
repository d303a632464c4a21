//! Large encoded chunks of which a part is read and decoded alone, where the codec tells where it is.
//!
//! The beginning of the value tells which of its bytes are needed, and a second request reads these. A chunk that is
//! replaced in between must not be read in part from either value: so this is only for values that a store can tell
//! from all that come after them.

use std::ops::Range;

use zarr_codecs::{ChunkCodec, CodecError, Excerpt, Scratch};
use zarr_store::{ByteRange, ReadBuffer, Store, StoreError, StoreKey};

use crate::{Result, Workers};

/// Of a smaller chunk, decoded, what is saved is not worth another request.
const CHUNK_SIZE_MIN: usize = 4 << 20;
/// The same where a request takes as long as some MiB do to come.
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
    let Some((generation, size)) = get((store, key), &[head], buffer)? else {
        return Ok(None);
    };
    let Some(excerpt) = codec.excerpt(buffer.part(0), size, part) else {
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
    if get((store, key), &ranges, buffer)? != Some((generation, size)) {
        return Ok(None);
    }
    let parts = (0..buffer.len()).map(|index| buffer.part(index));
    let value = std::iter::once(&excerpt.head[..])
        .chain(parts)
        .collect::<Vec<_>>()
        .concat();
    Ok(Some(Piece { excerpt, value }))
}

/// Reads ranges of a value; its generation and size, if no other can have the same.
fn get(
    (store, key): (&dyn Store, &StoreKey),
    ranges: &[ByteRange],
    buffer: &mut ReadBuffer,
) -> Result<Option<(u64, u64)>> {
    let length = |range: &ByteRange| match range {
        ByteRange::Part { length, .. } => *length,
        _ => 0,
    };
    buffer.set_limit(ranges.iter().map(length).sum());
    match store.get_ranges(key, ranges, buffer) {
        Ok(true) => {}
        Ok(false) | Err(StoreError::OutOfRange { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let generation = buffer.generation().filter(|_| buffer.is_settled());
    Ok(generation.zip(buffer.value_size()))
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
