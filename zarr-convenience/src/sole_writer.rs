//! A store in which nobody else writes meanwhile.

use std::sync::Arc;

use zarr_core::store::{
    ByteRange, Capabilities, IoHints, KeyLock, Lasting, Listing, PendingValue, ReadBuffer, Staged, Store,
    StoreError, StoreKey, StorePrefix,
};

/// Another store, whose keys are set without being locked.
///
/// For chunks of an array that is not there before they are: nobody knows of it, and no two threads set the same key.
/// A lock costs a directory as much as setting a small value does.
#[derive(Debug)]
pub(crate) struct SoleWriter(pub(crate) Arc<dyn Store>);

#[deny(clippy::missing_trait_methods)]
impl Store for SoleWriter {
    fn get_ranges(
        &self,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        self.0.get_ranges(key, ranges, buffer)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        self.0.size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        self.0.set(key, value)
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<(), StoreError> {
        self.0.check_set(keys)
    }

    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>, StoreError> {
        self.0.begin_set(key)
    }

    fn lock(&self, _: &StoreKey) -> Result<KeyLock, StoreError> {
        Ok(KeyLock::default())
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.0.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing, StoreError> {
        self.0.list_dir(prefix)
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<(), StoreError> {
        self.0.erase_prefix(prefix)
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.0.flush()
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool, StoreError> {
        self.0.rename_prefix(from, to)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>, StoreError> {
        self.0.stage(target)
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        self.0.generation(key)
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<(), StoreError> {
        self.0.sweep(folder, deep)
    }

    fn lasting(&self) -> Option<&dyn Lasting> {
        self.0.lasting()
    }

    fn io_hints(&self) -> IoHints {
        self.0.io_hints()
    }

    fn node_format(&self) -> Option<&'static str> {
        self.0.node_format()
    }

    fn describe(&self, key: &str) -> String {
        self.0.describe(key)
    }
}
