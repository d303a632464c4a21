//! Locks of keys that are files, and become the value that is set under them.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, openat, renameat, statat, unlinkat},
    io::{Errno, retry_on_intr},
};

use super::write::write_value;
use crate::key::PARTIAL_SUFFIX;
#[cfg(any(feature = "lmdb", feature = "sqlite"))]
use crate::{StoreKey, stores::temporary::mixed_bytes};

/// The locked file of a key: it lies beside the value, under a name that is never listed.
///
/// Who has locked it, and finds it under its name still, is the only one who may rename or remove it, or write to it.
/// So a value that is set under the lock is written into this file, which then gets the name of the value: that costs
/// neither a second file nor the removal of the first. Whoever waits for it meanwhile finds that it has another name,
/// and makes a new one. When the owner is killed, the file stays with what is in it, and is the next one's.
///
/// It is looked up from the folder that it was made in, since another tree may take the place of that.
#[derive(Debug)]
pub(crate) struct LockFile {
    folder: OwnedFd,
    name: String,
    file: File,
    /// The number that tells it from other files of its name.
    number: u64,
    /// The bytes that a killed owner left.
    size: u64,
    /// Whether others are kept out; where nothing can be locked, processes must keep out of each other's way.
    is_locked: bool,
    is_renamed: bool,
    /// Whether folders were made for it, which may have to be synced with the value.
    pub(super) has_made_folders: bool,
}

impl LockFile {
    /// Waits until no other process has the lock of a name in a folder, and takes it.
    pub(crate) fn lock(folder: &Path, of: &str) -> io::Result<Self> {
        let name = lock_name(of);
        loop {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let folder = openat(CWD, folder, flags, Mode::empty())?;
            let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = File::from(openat(&folder, &*name, flags, Mode::from(0o666))?);
            let is_locked = match retry_on_intr(|| flock(&file, FlockOperation::LockExclusive)) {
                Ok(()) => true,
                Err(Errno::NOLCK | Errno::NOTSUP | Errno::NOSYS | Errno::INVAL) => false,
                Err(error) => return Err(error.into()),
            };
            let found = file.metadata()?;
            // Who had it before may have removed it meanwhile, or given it the name of the value.
            if has_number(&folder, &name, found.ino()) {
                return Ok(Self {
                    number: found.ino(),
                    size: found.len(),
                    folder,
                    name,
                    file,
                    is_locked,
                    is_renamed: false,
                    has_made_folders: false,
                });
            }
        }
    }

    /// The same of a key of a database: the file lies in a folder of the database or beside it, and never becomes a value.
    ///
    /// Keys share locks where their numbers are the same, which is rare and does no harm, as nobody holds two.
    #[cfg(any(feature = "lmdb", feature = "sqlite"))]
    pub(crate) fn lock_in_database(folder: &Path, database: &str, key: &StoreKey) -> io::Result<Self> {
        let bytes = database.bytes().chain([0]).chain(key.as_str().bytes());
        Self::lock(folder, &format!("key-{:016x}", mixed_bytes(bytes)))
    }

    /// Makes the file the value of the name that it locks, and syncs it before if `syncs` says so.
    ///
    /// `false` when it locks another name, or locks nothing: then nothing has changed.
    pub(crate) fn publish(
        &mut self,
        of: &str,
        value: &[u8],
        syncs: impl FnOnce(&File) -> bool,
    ) -> io::Result<bool> {
        if !self.is_locked || self.is_renamed || locked_name(&self.name) != Some(of) {
            return Ok(false);
        }
        if self.size > 0 {
            self.file.set_len(0)?;
        }
        let syncs = syncs(&self.file);
        write_value(&mut self.file, value, syncs)?;
        renameat(&self.folder, &*self.name, &self.folder, of)?;
        self.is_renamed = true;
        Ok(true)
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Should somebody have removed it, what has the name now is another's lock.
        if !self.is_renamed && has_number(&self.folder, &self.name, self.number) {
            let _ = unlinkat(self.folder.as_fd(), &*self.name, AtFlags::empty());
        }
    }
}

fn lock_name(of: &str) -> String {
    format!(".{of}.lock{PARTIAL_SUFFIX}")
}

/// What a name locks.
fn locked_name(name: &str) -> Option<&str> {
    let stem = name.strip_prefix('.')?.strip_suffix(PARTIAL_SUFFIX)?;
    stem.strip_suffix(".lock")
}

/// Whether the file of a name in a folder is the one of that number.
fn has_number(folder: &OwnedFd, name: &str, number: u64) -> bool {
    let found = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| found.st_ino == number)
}
