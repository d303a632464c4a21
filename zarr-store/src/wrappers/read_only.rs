//! A store that nobody may change.

use std::sync::Arc;

use crate::{
    Capabilities, KeyLock, PendingValue, Result, Staged, Store, StoreError, StoreKey, StorePrefix,
    forward_to_store,
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
    fn set(&self, key: &StoreKey, _value: &[u8]) -> Result<()> {
        self.refuse("setting a key of a read-only store", key.as_str())
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

    fn rename_prefix(&self, from: &StorePrefix, _to: &StorePrefix) -> Result<bool> {
        self.refuse("renaming a prefix of a read-only store", from.as_str())
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        self.refuse("replacing a tree of a read-only store", target.as_str())
    }

    fn sweep(&self, folder: &StorePrefix, _deep: bool) -> Result<()> {
        self.refuse("sweeping a read-only store", folder.as_str())
    }

    forward_to_store! {
        to inner: get_ranges, size, check_set, list_dir, generation, io_hints, node_format, describe;
        // Setting is what is refused, and nothing is written.
        without: set_new, set_locked, changes, lasting;
    }
}
