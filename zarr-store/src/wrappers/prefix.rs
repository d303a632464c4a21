//! A part of a store as a store of its own.

use std::sync::Arc;

use crate::{
    ByteRange, Capabilities, IoHints, KeyLock, Lasting, Listing, PendingValue, ReadBuffer, Result, Staged,
    Store, StoreKey, StorePrefix,
};

/// The keys below a prefix of another store, without the prefix.
///
/// Errors name the key as the other store knows it.
///
/// ```
/// use std::sync::Arc;
/// use zarr_store::{MemoryStore, PrefixStore, Store, StoreExt, StoreKey, StorePrefix};
/// let whole: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let part = PrefixStore::new(Arc::clone(&whole), StorePrefix::new("foo")?);
/// part.set(&StoreKey::new("bar")?, b"1")?;
/// assert!(whole.exists(&StoreKey::new("foo/bar")?)?);
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PrefixStore {
    inner: Arc<dyn Store>,
    prefix: StorePrefix,
}

impl PrefixStore {
    /// Sees the part of `inner` below `prefix`.
    pub fn new(inner: Arc<dyn Store>, prefix: StorePrefix) -> Self {
        Self { inner, prefix }
    }

    fn key(&self, key: &StoreKey) -> Result<StoreKey> {
        self.prefix.key(key.as_str())
    }

    fn below(&self, prefix: &StorePrefix) -> Result<StorePrefix> {
        if prefix.is_root() {
            Ok(self.prefix.clone())
        } else {
            self.prefix.child(prefix.as_str())
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for PrefixStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        self.inner.get_ranges(&self.key(key)?, ranges, buffer)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.size(&self.key(key)?)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.inner.set(&self.key(key)?, value)
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        let keys = keys.iter().map(|key| self.key(key));
        self.inner.check_set(&keys.collect::<Result<Vec<_>>>()?)
    }

    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        self.inner.begin_set(&self.key(key)?)
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        self.inner.lock(&self.key(key)?)
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.inner.erase(&self.key(key)?)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let listing = self.inner.list_dir(&self.below(prefix)?)?;
        let at = self.prefix.as_str().len();
        let keys = listing.keys.iter().map(|key| StoreKey::new(&key.as_str()[at..]));
        let prefixes = listing
            .prefixes
            .iter()
            .map(|prefix| StorePrefix::new(&prefix.as_str()[at..]));
        Ok(Listing {
            keys: keys.collect::<Result<_>>()?,
            prefixes: prefixes.collect::<Result<_>>()?,
        })
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.inner.erase_prefix(&self.below(prefix)?)
    }

    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.inner.rename_prefix(&self.below(from)?, &self.below(to)?)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        self.inner.stage(&self.below(target)?)
    }

    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        self.inner.set_new(&self.below(folder)?, values, ready)
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.generation(&self.key(key)?)
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<()> {
        self.inner.sweep(&self.below(folder)?, deep)
    }

    /// Work on a part of a store begins anew.
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
        self.inner.describe(&format!("{}{key}", self.prefix))
    }
}
