//! A file beside the keys of a store in which a long piece of work notes what is done.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::{Result, StoreError};

/// How often opening begins again because another process removed the file meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// A file to which lines are added, locked as long as it is open.
///
/// It is never listed, read or counted as a key. It stays when it is dropped, until it is
/// [erased](Self::erase).
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    shown: String,
}

impl Journal {
    /// Opens the file at a path, or makes it.
    pub(crate) fn open(path: &Path, shown: &str) -> Result<Self> {
        let failed = |error| StoreError::io("opening the journal of", shown, error);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        for _ in 0..ATTEMPTS_MAX {
            let mut options = OpenOptions::new();
            let file = options
                .read(true)
                .append(true)
                .create(true)
                .open(path)
                .map_err(failed)?;
            // Where nothing can be locked, nobody else can be noticed.
            if flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK) {
                return Err(StoreError::Conflict {
                    what: shown.to_owned(),
                    reason: "another process is doing the same".to_owned(),
                });
            }
            let number = file.metadata().map_err(failed)?.ino();
            if fs::metadata(path).is_ok_and(|found| found.ino() == number) {
                return Ok(Self {
                    file,
                    path: path.to_owned(),
                    shown: shown.to_owned(),
                });
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }

    fn failed(&self, error: io::Error) -> StoreError {
        StoreError::io("writing the journal of", &self.shown, error)
    }

    /// All that was added so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = &self.file;
        file.rewind()
            .and_then(|()| file.read_to_end(&mut bytes))
            .map_err(|error| StoreError::io("reading the journal of", &self.shown, error))?;
        Ok(bytes)
    }

    /// The bytes that were added so far.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn size(&self) -> Result<u64> {
        let found = self.file.metadata().map_err(|error| self.failed(error))?;
        Ok(found.len())
    }

    /// Adds bytes, which survive the end of this process.
    ///
    /// # Errors
    /// A part may have been added then.
    pub fn append(&self, bytes: &[u8]) -> Result<()> {
        let mut file = &self.file;
        file.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// Waits until all that was added is safe from a loss of power.
    ///
    /// # Errors
    /// When it may not be.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.failed(error))
    }

    /// Forgets all that was added.
    ///
    /// # Errors
    /// When it is still there.
    pub fn clear(&self) -> Result<()> {
        self.file.set_len(0).map_err(|error| self.failed(error))
    }

    /// Removes the file; it may have gone already with the folder it was in, which something else took the place of.
    ///
    /// # Errors
    /// When it is still there.
    pub fn erase(self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other.map_err(|error| self.failed(error)),
        }
    }
}
