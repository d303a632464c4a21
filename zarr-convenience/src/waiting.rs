//! What was set and waits for its turn.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use zarr_core::store::{
    ByteRange, Capabilities, Listing, ReadBuffer, Store, StoreError, StoreKey, StorePrefix,
};

/// A store that keeps what is set in its order, to be set elsewhere; nothing is read from it.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Vec<(StoreKey, Vec<u8>)>>);

impl Waiting {
    /// Takes out what was set.
    pub(crate) fn take(&self) -> Vec<(StoreKey, Vec<u8>)> {
        mem::take(&mut *self.kept())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<(StoreKey, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Waiting {
    fn get_ranges(
        &self,
        _key: &StoreKey,
        _ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        buffer.clear();
        Ok(false)
    }

    fn size(&self, _key: &StoreKey) -> Result<Option<u64>, StoreError> {
        Ok(None)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        self.kept().push((key.clone(), value.to_vec()));
        Ok(())
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.kept().retain(|(kept, _)| kept != key);
        Ok(())
    }

    fn list_dir(&self, _prefix: &StorePrefix) -> Result<Listing, StoreError> {
        Ok(Listing::default())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn describe(&self, key: &str) -> String {
        format!("waiting: {key}")
    }
}
