//! A directory that goes when nobody uses it any more.

use std::{
    env, fs,
    hash::{BuildHasher, RandomState},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use crate::{
    ByteRange, Capabilities, DirectoryStore, IoHints, KeyLock, Lasting, Listing, PendingValue, ReadBuffer,
    Result, Staged, Store, StoreError, StoreKey, StorePrefix,
};

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
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        self.inner.get_ranges(key, ranges, buffer)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.inner.set(key, value)
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        self.inner.check_set(keys)
    }

    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        self.inner.begin_set(key)
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        self.inner.lock(key)
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.inner.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        self.inner.list_dir(prefix)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.inner.erase_prefix(prefix)
    }

    /// Does nothing: what goes with the process need not survive it.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        self.inner.set_new(folder, values, ready)
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.inner.rename_prefix(from, to)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        self.inner.stage(target)
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.generation(key)
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<()> {
        self.inner.sweep(folder, deep)
    }

    /// Nothing lasts in a directory that goes with its process.
    fn lasting(&self) -> Option<&dyn Lasting> {
        None
    }

    fn io_hints(&self) -> IoHints {
        self.inner.io_hints()
    }

    fn node_format(&self) -> Option<&'static str> {
        self.inner.node_format()
    }

    fn describe(&self, key: &str) -> String {
        self.inner.describe(key)
    }
}
