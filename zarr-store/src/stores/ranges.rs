//! From the ranges of a request to the parts of a buffer; shared by the stores.

use std::ops::Range;

use bytes::Bytes;

use crate::{ByteRange, ReadBuffer, Result, StoreError};

/// Hands out shares of a value that is in memory as a whole.
pub(crate) fn push_shared_ranges(
    value: &Bytes,
    ranges: &[ByteRange],
    buffer: &mut ReadBuffer,
    what: impl Fn() -> String,
) -> Result<()> {
    let size = value.len() as u64;
    check_ranges(ranges, size, buffer.limit(), &what)?;
    buffer.set_value_size(Some(size));
    for found in ranges.iter().filter_map(|range| range.resolve(size)) {
        buffer.push_shared(value.slice(found.start as usize..found.end as usize));
    }
    Ok(())
}

/// Hands out shares of parts that are in memory.
pub(crate) fn push_shared_parts(
    parts: Vec<Bytes>,
    buffer: &mut ReadBuffer,
    what: impl Fn() -> String,
) -> Result<()> {
    let total = parts.iter().map(|part| part.len() as u64).sum();
    check_limit(total, buffer.limit(), &what)?;
    for part in parts {
        buffer.push_shared(part);
    }
    Ok(())
}

/// Reads the ranges of a value of `size` bytes into the memory of the buffer, each by `fill`.
///
/// Nothing is read before all ranges and the limit were checked, and nothing is kept after an error.
pub(crate) fn push_filled_ranges(
    size: u64,
    ranges: &[ByteRange],
    buffer: &mut ReadBuffer,
    what: impl Fn() -> String,
    mut fill: impl FnMut(Range<u64>, &mut [u8]) -> Result<()>,
) -> Result<()> {
    let total = check_ranges(ranges, size, buffer.limit(), &what)?;
    buffer
        .reserve(total)
        .map_err(|error| StoreError::io("reading", what(), error))?;
    let result = ranges
        .iter()
        .filter_map(|range| range.resolve(size))
        .try_for_each(|range| {
            let length = (range.end - range.start) as usize;
            buffer.push_with(length, |memory| fill(range, memory))
        });
    match result {
        Ok(()) => buffer.set_value_size(Some(size)),
        Err(_) => buffer.clear(),
    }
    result
}

/// The sum of the lengths of the ranges, once each is found to lie in the value.
fn check_ranges(ranges: &[ByteRange], size: u64, limit: u64, what: &impl Fn() -> String) -> Result<u64> {
    let mut total = 0_u64;
    for &range in ranges {
        let found = range.resolve(size).ok_or_else(|| StoreError::OutOfRange {
            what: what(),
            range,
            size,
        })?;
        total = total.saturating_add(found.end - found.start);
    }
    check_limit(total, limit, what)?;
    Ok(total)
}

/// Refuses more bytes than the reader allows.
pub(crate) fn check_limit(size: u64, limit: u64, what: &impl Fn() -> String) -> Result<()> {
    if size > limit {
        return Err(StoreError::TooLarge {
            what: what(),
            size,
            limit,
        });
    }
    Ok(())
}
