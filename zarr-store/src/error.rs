//! What can go wrong in a store.

use std::io;

/// An error of a store; each names the key in the words of [`Store::describe`](crate::Store::describe).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused or failed.
    #[error("{what}: {action} failed")]
    Io {
        /// What was being done: `reading`, `writing`, `listing`.
        action: &'static str,
        /// The key or the store.
        what: String,
        /// The reason given by the system.
        source: io::Error,
    },
    /// A byte range lies outside the value.
    #[error("{what}: byte range {range:?} lies outside a value of {size} bytes")]
    OutOfRange {
        /// The key.
        what: String,
        /// The range that was asked for.
        range: crate::ByteRange,
        /// The size of the value in bytes.
        size: u64,
    },
    /// The value is larger than the reader allows.
    #[error("{what}: value of {size} bytes is too large, limit {limit}")]
    TooLarge {
        /// The key.
        what: String,
        /// The size of the value in bytes.
        size: u64,
        /// The largest size allowed.
        limit: u64,
    },
    /// The store cannot do this at all.
    #[error("{store}: {operation} is not supported")]
    NotSupported {
        /// The operation.
        operation: &'static str,
        /// The store.
        store: String,
    },
    /// A text is no valid key.
    #[error("{key:?} is not a valid store key ({reason})")]
    InvalidKey {
        /// The text, shortened.
        key: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// Something stands in the way.
    #[error("{what}: {reason}")]
    Conflict {
        /// The key or the store.
        what: String,
        /// What stands in the way.
        reason: String,
    },
    /// A policy forbids it.
    #[error("{what}: refused: {reason}")]
    Refused {
        /// The key or the store.
        what: String,
        /// What the policy says.
        reason: String,
    },
    /// The bytes that make up the store are damaged.
    #[error("{what}: data is corrupt: {reason}")]
    Corrupt {
        /// The key or the store.
        what: String,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    /// Makes an [`StoreError::Io`].
    pub fn io(action: &'static str, what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            action,
            what: what.into(),
            source,
        }
    }

    /// The [`StoreError::Conflict`] of a value that never stays the same for long enough to be read in parts.
    pub fn restless(what: impl Into<String>) -> Self {
        Self::Conflict {
            what: what.into(),
            reason: "it is replaced again and again while it is read".to_owned(),
        }
    }
}
