//! Values written piece by piece, and locks of keys.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::PathBuf,
};

use super::{lock_file::LockFile, store::DirectoryStore, trees, write::check_written};
use crate::{KeyLock, PendingValue, Result, StoreError, StoreKey, stores::temporary::Temporary};

/// How often a write begins again because another process removed the folder meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// Pieces smaller than this are written together.
const BUFFER_SIZE: usize = 64 << 10;

/// A file that grows until it takes the place of the value.
#[derive(Debug)]
pub(super) struct PendingFile<'s> {
    store: &'s DirectoryStore,
    key: StoreKey,
    target: PathBuf,
    /// None where nobody looks, and the file has its name already.
    temporary: Option<Temporary>,
    file: BufWriter<File>,
    size: u64,
    has_made_folders: bool,
    is_published: bool,
}

impl<'s> PendingFile<'s> {
    pub(super) fn new(store: &'s DirectoryStore, key: &StoreKey) -> Result<Self> {
        let target = store.root.join(key.as_str());
        let (begun, has_made_folders) = in_folder(store, key, || {
            if store.hidden.is_some() {
                return Ok((None, File::create(&target)?));
            }
            let (temporary, file) = Temporary::file_beside(&target)?;
            Ok((Some(temporary), file))
        })?;
        let (temporary, file) = begun;
        Ok(Self {
            store,
            key: key.clone(),
            target,
            temporary,
            file: BufWriter::with_capacity(BUFFER_SIZE, file),
            size: 0,
            has_made_folders,
            is_published: false,
        })
    }

    fn failed(&self) -> impl Fn(io::Error) -> StoreError + use<'s> {
        let (store, key) = (self.store, self.key.clone());
        move |error| store.refused("writing", key.as_str(), error)
    }
}

impl PendingValue for PendingFile<'_> {
    fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.size += bytes.len() as u64;
        let failed = self.failed();
        self.file.write_all(bytes).map_err(failed)
    }

    fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let failed = self.failed();
        self.file.flush().map_err(&failed)?;
        self.file.get_ref().write_all_at(bytes, offset).map_err(failed)
    }

    fn publish(mut self: Box<Self>) -> Result<()> {
        let failed = self.failed();
        self.file.flush().map_err(&failed)?;
        let file = self.file.get_ref();
        if self.store.syncs(file) {
            file.sync_data().map_err(&failed)?;
            check_written(file, self.size).map_err(&failed)?;
        }
        // Locked until it has its name, so that it is not swept away.
        if let Some(temporary) = self.temporary.take() {
            temporary.replace(&self.target).map_err(&failed)?;
        }
        self.is_published = true;
        self.store
            .sync_names(self.key.as_str(), self.has_made_folders)
            .map_err(failed)
    }
}

impl Drop for PendingFile<'_> {
    fn drop(&mut self) {
        if self.store.hidden.is_some() && !self.is_published {
            let _ = fs::remove_file(&self.target);
        }
    }
}

/// Makes a file in the folder of a key, and the folder if it is not there; tells whether it did.
pub(super) fn in_folder<T>(
    store: &DirectoryStore,
    key: &StoreKey,
    make: impl Fn() -> io::Result<T>,
) -> Result<(T, bool)> {
    let mut has_made_folders = false;
    for _ in 0..ATTEMPTS_MAX {
        match make() {
            Ok(made) => return Ok((made, has_made_folders)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                trees::make_folder(store, key)?;
                has_made_folders = true;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(store.refused("writing", key.as_str(), error)),
        }
    }
    Err(store.refused("writing", key.as_str(), io::ErrorKind::ResourceBusy.into()))
}

/// Waits until no other process has the lock of a key, and takes it.
pub(super) fn lock(store: &DirectoryStore, key: &StoreKey) -> Result<KeyLock> {
    let folder = store.root.join(key.folder());
    let (mut file, has_made_folders) = in_folder(store, key, || LockFile::lock(&folder, key.name()))?;
    file.has_made_folders = has_made_folders;
    Ok(KeyLock { file: Some(file) })
}
