//! Values that are set piece by piece, and keys that nobody else sets meanwhile.

use std::{fmt::Debug, fs, os::unix::fs::MetadataExt, path::PathBuf};

use crate::Result;

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
    /// The file that is locked, and removed in the end; none where there are no other processes.
    file: Option<(fs::File, PathBuf)>,
}

impl KeyLock {
    pub(crate) const fn of_file(file: fs::File, path: PathBuf) -> Self {
        Self {
            file: Some((file, path)),
        }
    }
}

impl Drop for KeyLock {
    fn drop(&mut self) {
        if let Some((file, path)) = self.file.take() {
            // Removed while it is locked: whoever waits for it finds it gone, and makes another one. Should somebody
            // have removed it already, what has the name now is another's lock.
            let is_ours = |found: &fs::Metadata| file.metadata().is_ok_and(|own| own.ino() == found.ino());
            if fs::symlink_metadata(&path).is_ok_and(|found| is_ours(&found)) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}
