//! Values that are set piece by piece, and keys that nobody else sets meanwhile.

use std::fmt::Debug;

use crate::{Result, stores::directory::lock_file::LockFile};

/// A value that is put together piece by piece, begun by [`Store::begin_set`](crate::Store::begin_set).
///
/// Nobody sees it before it is published; dropping it changes nothing.
pub trait PendingValue: Debug + Send {
    /// Adds bytes at the end.
    ///
    /// # Errors
    /// `Io` when they cannot be written; the value cannot be published then.
    fn append(&mut self, bytes: &[u8]) -> Result<()>;

    /// Replaces bytes that were added already.
    ///
    /// # Errors
    /// As [`PendingValue::append`].
    fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Replaces the value of the key at once, as [`Store::set`](crate::Store::set) does.
    ///
    /// # Errors
    /// The value is then what it was before.
    fn publish(self: Box<Self>) -> Result<()>;
}

/// Keeps other processes from setting a key, until it is dropped.
#[derive(Debug, Default)]
pub struct KeyLock {
    /// None where there are no other processes.
    pub(crate) file: Option<LockFile>,
}
