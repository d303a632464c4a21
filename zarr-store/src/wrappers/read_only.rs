//! A store that nobody may change.

use std::sync::Arc;

use crate::{
    ByteRange, Capabilities, IoHints, KeyLock, Lasting, Listing, PendingValue, ReadBuffer, Result, Staged,
    Store, StoreError, StoreKey, StorePrefix,
};

/// Another store, whose changes are refused before any I/O.
#[derive(Debug, Clone)]
pub struct ReadOnlyStore {
    inner: Arc<dyn Store>,
}

impl ReadOnlyStore {
    /// Protects `inner` from changes made through this.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }

    fn refuse<T>(&self, operation: &'static str, key: &str) -> Result<T> {
        Err(StoreError::NotSupported {
            operation,
            store: self.describe(key),
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for ReadOnlyStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        self.inner.get_ranges(key, ranges, buffer)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.size(key)
    }

    fn set(&self, key: &StoreKey, _value: &[u8]) -> Result<()> {
        self.refuse("setting a key of a read-only store", key.as_str())
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        self.inner.check_set(keys)
    }

    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        self.refuse("setting a key of a read-only store", key.as_str())
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        self.refuse("setting a key of a read-only store", key.as_str())
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.refuse("erasing a key of a read-only store", key.as_str())
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        self.inner.list_dir(prefix)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            writes: false,
            erases: false,
            ..self.inner.capabilities()
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.refuse("erasing a prefix of a read-only store", prefix.as_str())
    }

    /// Does nothing: through this, nothing was set.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        // Setting is what is refused.
        let _ = (folder, values, ready);
        Ok(false)
    }

    fn rename_prefix(&self, from: &StorePrefix, _to: &StorePrefix) -> Result<bool> {
        self.refuse("renaming a prefix of a read-only store", from.as_str())
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        self.refuse("replacing a tree of a read-only store", target.as_str())
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.generation(key)
    }

    fn sweep(&self, folder: &StorePrefix, _deep: bool) -> Result<()> {
        self.refuse("sweeping a read-only store", folder.as_str())
    }

    /// Nothing is written.
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
