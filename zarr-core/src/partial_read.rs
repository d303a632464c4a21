//! What reads of large chunks in parts have in common.
//!
//! A chunk that is replaced between two requests must not be read in part from either value: so this is only for values
//! that a store can tell from all that come after them.

use zarr_store::{ByteRange, ReadBuffer, Store, StoreError, StoreKey};

use crate::Result;

/// The bytes of a chunk, decoded; of a smaller one, what is saved is not worth more requests than one.
pub(crate) const CHUNK_SIZE_MIN: usize = 4 << 20;

/// What came of a request for parts of a value.
#[derive(Debug)]
pub(crate) enum Parts {
    /// They were read.
    Of(Version),
    /// There is no value.
    Missing,
    /// Nothing tells whether another request would bring parts of the same value, or this one is too short.
    Unfit,
}

/// Which value parts are of: no other has the same generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version {
    generation: u64,
    /// The size of the whole value.
    pub(crate) size: u64,
}

/// Reads parts of a value.
///
/// # Errors
/// When the store fails.
pub(crate) fn read(
    (store, key): (&dyn Store, &StoreKey),
    parts: &[ByteRange],
    buffer: &mut ReadBuffer,
) -> Result<Parts> {
    let length = |part: &ByteRange| match part {
        ByteRange::Part { length, .. } => *length,
        _ => 0,
    };
    buffer.set_limit(parts.iter().map(length).sum());
    match store.get_ranges(key, parts, buffer) {
        Ok(true) => {}
        Ok(false) => return Ok(Parts::Missing),
        Err(StoreError::OutOfRange { .. }) => return Ok(Parts::Unfit),
        Err(error) => return Err(error.into()),
    }
    let generation = buffer.generation().filter(|_| buffer.is_settled());
    let version = generation.zip(buffer.value_size());
    Ok(version.map_or(Parts::Unfit, |(generation, size)| {
        Parts::Of(Version { generation, size })
    }))
}
