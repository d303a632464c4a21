//! Large uncompressed chunks, read a piece after the other to where they are wanted.
//!
//! Then there is never more than a piece of a chunk in memory twice, and it is copied while the processor's cache has it.

use zarr_store::{ByteRange, ReadBuffer, Store, StoreKey};

use crate::{
    Result, Workers,
    partial_read::{self, CHUNK_SIZE_MIN, Parts},
};

/// The bytes of a piece, which fit the cache of a processor.
const PIECE_SIZE: usize = 1 << 20;

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
    value: (&dyn Store, &StoreKey),
    chunk: &mut [u8],
    buffer: &mut ReadBuffer,
    done: &mut usize,
) -> Result<Outcome> {
    let size = chunk.len() as u64;
    let mut version = None;
    for piece in chunk.chunks_mut(PIECE_SIZE) {
        let part = ByteRange::Part {
            offset: *done as u64,
            length: piece.len() as u64,
        };
        match partial_read::read(value, &[part], buffer)? {
            Parts::Of(now) if now.size == size && *version.get_or_insert(now) == now => {}
            Parts::Missing if *done == 0 => return Ok(Outcome::Missing),
            _ => return Ok(Outcome::Unfit),
        }
        piece.copy_from_slice(buffer.part(0));
        *done += piece.len();
    }
    Ok(Outcome::Done)
}
