//! What the answers of a server tell of the value that they are parts of; shared by the stores that ask servers.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;

use super::ranges::check_limit;
use crate::{ByteRange, ReadBuffer, Result, StoreError, may_be_same};

/// How often a value that is replaced between two parts of it is read again.
const ATTEMPTS_MAX: usize = 16;

/// What is known of a value of which a part was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    size: Option<u64>,
    generation: Option<u64>,
    is_settled: bool,
}

impl Seen {
    /// Of a value that has an entity tag; `is_settled` says whether the server would give every value
    /// that comes after it another one.
    ///
    /// A weak tag (RFC 9110, section 8.8.1) is shared by values with different bytes, and tells nothing.
    pub(super) fn new(tag: Option<&str>, is_settled: bool) -> Self {
        let tag = tag.filter(|tag| !tag.starts_with("W/"));
        let generation = tag.map(|tag| {
            let mut hasher = DefaultHasher::new();
            tag.hash(&mut hasher);
            hasher.finish()
        });
        Self {
            size: None,
            generation,
            is_settled: is_settled && generation.is_some(),
        }
    }

    /// The same of a value of so many bytes.
    pub(super) const fn of_size(self, size: Option<u64>) -> Self {
        Self { size, ..self }
    }

    /// What tells the value from others, if anything does.
    pub(super) const fn generation(self) -> Option<u64> {
        self.generation
    }

    /// Tells the buffer that the value is read into.
    pub(super) const fn tell(self, buffer: &mut ReadBuffer) {
        buffer.set_value_size(self.size);
        buffer.set_generation(self.generation);
        buffer.set_settled(self.is_settled);
    }

    /// Adds what is known from another part; says whether both may be parts of one value.
    fn join(&mut self, other: Self) -> bool {
        if !may_be_same(self.size, other.size) || !may_be_same(self.generation, other.generation) {
            return false;
        }
        self.size = self.size.or(other.size);
        // What only one of the parts is known to be of says nothing of the other.
        if self.generation.is_none() || other.generation.is_none() {
            self.generation = None;
        }
        self.is_settled &= other.is_settled;
        true
    }
}

/// Whether a server tells which value it gives, as far as its answers have shown.
#[derive(Debug, Default)]
pub(super) struct Telling {
    is_silent: AtomicBool,
}

impl Telling {
    /// Takes notice of an answer.
    pub(super) fn note(&self, seen: Seen) {
        if seen.generation.is_none() {
            self.is_silent.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there is sense in asking: no value came without a generation.
    pub(super) fn is_expected(&self) -> bool {
        !self.is_silent.load(Ordering::Relaxed)
    }
}

/// Reads parts of a value by a request each, all of one value.
///
/// # Errors
/// What `read` returns, which gives `None` where there is no value, and `Conflict` if it is replaced again and again.
pub(super) fn read_parts(
    ranges: &[ByteRange],
    buffer: &mut ReadBuffer,
    what: impl Fn() -> String,
    mut read: impl FnMut(ByteRange) -> Result<Option<(Bytes, Seen)>>,
) -> Result<bool> {
    let mut parts = Vec::with_capacity(ranges.len());
    'attempts: for _ in 0..ATTEMPTS_MAX {
        parts.clear();
        let (mut known, mut total): (Option<Seen>, u64) = (None, 0);
        for range in ranges {
            let Some((bytes, seen)) = read(*range)? else {
                return Ok(false);
            };
            if !known.get_or_insert(seen).join(seen) {
                continue 'attempts;
            }
            total += bytes.len() as u64;
            check_limit(total, buffer.limit(), &what)?;
            parts.push(bytes);
        }
        parts.drain(..).for_each(|part| buffer.push_shared(part));
        known.unwrap_or_default().tell(buffer);
        return Ok(true);
    }
    Err(StoreError::restless(what()))
}
