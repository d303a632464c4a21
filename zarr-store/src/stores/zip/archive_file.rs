//! The file of an archive, and what tells it from other files.

use std::{fs::File, io, ops::Deref, os::unix::fs::MetadataExt, sync::OnceLock};

use crate::stores::temporary::mixed;

/// A file whose members share what tells it from others, so that the system is asked once for all of them.
#[derive(Debug)]
pub(super) struct ArchiveFile {
    file: File,
    generation: OnceLock<u64>,
}

impl ArchiveFile {
    /// What tells the archive from those that were in its place, as it was when this was asked first: what is added to
    /// it later lies behind the members that it had.
    pub(super) fn generation(&self) -> io::Result<u64> {
        if let Some(generation) = self.generation.get() {
            return Ok(*generation);
        }
        let status = self.metadata()?;
        let generation = mixed([
            status.dev(),
            status.ino(),
            status.len(),
            status.mtime() as u64,
            status.mtime_nsec() as u64,
        ]);
        Ok(*self.generation.get_or_init(|| generation))
    }
}

impl From<File> for ArchiveFile {
    fn from(file: File) -> Self {
        Self {
            file,
            generation: OnceLock::new(),
        }
    }
}

impl Deref for ArchiveFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.file
    }
}
