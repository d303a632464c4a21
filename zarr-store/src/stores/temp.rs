//! A directory that goes when nobody uses it any more.

use std::{
    env, fs,
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{DirectoryStore, Result, Store, StoreError, forward_to_store};

/// How often another name is tried when somebody has the one that was thought of.
const ATTEMPTS_MAX: u64 = 100;

/// A directory under a name of its own in the system's place for temporary files, removed when it is dropped.
///
/// Its name is `zarr` and 8 random characters, unless told otherwise, and only its owner may enter it.
/// A process that is killed leaves it behind.
///
/// ```
/// use zarr_store::{Store, StoreKey, TempStore};
/// let store = TempStore::new()?;
/// let path = store.path().to_owned();
/// store.set(&StoreKey::new("foo/.zgroup")?, b"{}")?;
/// assert!(path.join("foo/.zgroup").is_file());
/// drop(store);
/// assert!(!path.exists());
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct TempStore {
    inner: DirectoryStore,
}

impl TempStore {
    /// Makes an empty directory `zarr????????`.
    ///
    /// # Errors
    /// `Io` when it cannot be made.
    pub fn new() -> Result<Self> {
        Self::named("zarr", "", &env::temp_dir())
    }

    /// Makes an empty directory whose name begins and ends as told, in the directory `above`.
    ///
    /// # Errors
    /// `Io` when it cannot be made.
    pub fn named(prefix: &str, suffix: &str, above: &Path) -> Result<Self> {
        let path = make(prefix, suffix, above)
            .map_err(|error| StoreError::io("creating", above.display().to_string(), error))?;
        Ok(Self {
            inner: DirectoryStore::open(path)?,
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.inner.path()
    }
}

fn make(prefix: &str, suffix: &str, above: &Path) -> io::Result<PathBuf> {
    let random = RandomState::new();
    let mut result = Err(io::ErrorKind::AlreadyExists.into());
    for attempt in 0..ATTEMPTS_MAX {
        let name = format!("{prefix}{:08x}{suffix}", random.hash_one(attempt) as u32);
        let path = above.join(name);
        result = fs::DirBuilder::new().mode(0o700).create(&path).map(|()| path);
        if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::AlreadyExists) {
            break;
        }
    }
    result
}

impl Drop for TempStore {
    fn drop(&mut self) {
        // What cannot be removed is left to the system; there is nobody to tell.
        let _ = fs::remove_dir_all(self.inner.path());
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for TempStore {
    /// Does nothing: what goes with the process need not survive it.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    forward_to_store! {
        to inner: get_ranges, size, set, check_set, begin_set, lock, set_locked, erase, list_dir, capabilities, erase_prefix;
        to inner: rename_prefix, stage, set_new, generation, sweep, io_hints, node_format, describe;
        // Nothing lasts in a directory that goes with its process.
        without: changes, lasting;
    }
}
