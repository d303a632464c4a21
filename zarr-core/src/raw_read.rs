//! Large uncompressed chunks, read a piece after the other to where they are wanted.
//!
//! Then there is never more than a piece of a chunk in memory twice, and it is copied while the processor's cache has it.
//! A chunk that is replaced meanwhile must not be read in part from either: so this is only for values that a store
//! can tell from all that come after them.

use zarr_store::{ByteRange, ReadBuffer, Store, StoreError, StoreKey};

use crate::{Result, Workers};

/// The bytes of a piece, which fit the cache of a processor.
const PIECE_SIZE: usize = 1 << 20;
/// A smaller chunk is read as a whole: what is saved is not worth more requests than one.
const CHUNK_SIZE_MIN: usize = 4 << 20;

/// What came of reading a chunk in pieces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was read.
    Done,
    /// It is not there.
    Missing,
    /// It must be read as a whole: the store cannot tell its values apart, it was replaced meanwhile, or its size is not
    /// the right one.
    Unfit,
}

/// Whether a chunk of so many bytes is read in pieces from a store.
pub(crate) fn is_worth_it(store: &dyn Store, workers: Workers, size: usize) -> bool {
    size >= CHUNK_SIZE_MIN && !workers.is_far(store) && store.capabilities().generations
}

/// Reads a chunk to memory of its size, which is all zero afterwards where it was before, or if the chunk is unfit.
///
/// # Errors
/// When the store fails.
pub(crate) fn read(
    value: (&dyn Store, &StoreKey),
    chunk: &mut [u8],
    buffer: &mut ReadBuffer,
) -> Result<Outcome> {
    let mut done = 0;
    let outcome = read_pieces(value, chunk, buffer, &mut done)?;
    if outcome != Outcome::Done {
        chunk[..done].fill(0);
    }
    Ok(outcome)
}

/// Reads pieces as long as they are of one value; `done` is the number of bytes that were written.
fn read_pieces(
    (store, key): (&dyn Store, &StoreKey),
    chunk: &mut [u8],
    buffer: &mut ReadBuffer,
    done: &mut usize,
) -> Result<Outcome> {
    let size = chunk.len() as u64;
    let mut generation = None;
    for piece in chunk.chunks_mut(PIECE_SIZE) {
        let length = piece.len() as u64;
        let range = ByteRange::Part {
            offset: *done as u64,
            length,
        };
        buffer.set_limit(length);
        match store.get_ranges(key, &[range], buffer) {
            Ok(true) => {}
            Ok(false) if *done == 0 => return Ok(Outcome::Missing),
            Ok(false) | Err(StoreError::OutOfRange { .. }) => return Ok(Outcome::Unfit),
            Err(error) => return Err(error.into()),
        }
        let now = buffer.generation().filter(|_| buffer.is_settled());
        let is_same = now.is_some() && *generation.get_or_insert(now) == now;
        if !is_same || buffer.value_size() != Some(size) {
            return Ok(Outcome::Unfit);
        }
        piece.copy_from_slice(buffer.part(0));
        *done += piece.len();
    }
    Ok(Outcome::Done)
}
