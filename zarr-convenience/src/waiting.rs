//! What was set and waits for its turn.

use std::sync::{Mutex, MutexGuard, PoisonError};

use zarr_core::store::{
    ByteRange, Capabilities, Listing, ReadBuffer, Store, StoreError, StoreKey, StorePrefix,
};

/// A store that keeps what is set in its order, to be set elsewhere; nothing is read from it.
#[derive(Debug, Default)]
pub(crate) struct Waiting(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// The keys, and where their values begin and end in `values`.
    keys: Vec<(StoreKey, usize, usize)>,
    values: Vec<u8>,
    /// The bytes of all values that were passed on.
    passed: u64,
}

impl Waiting {
    /// The bytes that wait.
    pub(crate) fn size(&self) -> u64 {
        self.kept().values.len() as u64
    }

    /// Sets what waits in another store, in its order.
    pub(crate) fn pass_on(&self, dest: &dyn Store) -> Result<(), StoreError> {
        let mut kept = self.kept();
        for (key, start, end) in &kept.keys {
            dest.set(key, &kept.values[*start..*end])?;
        }
        kept.passed += kept.values.len() as u64;
        kept.keys.clear();
        kept.values.clear();
        Ok(())
    }

    /// Begins anew with the memory that there is, unless it is more than `memory_max`; gives the bytes of the values
    /// that were passed on.
    pub(crate) fn restart(&self, memory_max: u64) -> u64 {
        let mut kept = self.kept();
        let passed = kept.passed;
        if kept.values.capacity() as u64 > memory_max {
            *kept = Kept::default();
        }
        kept.passed = 0;
        passed
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
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
        let mut kept = self.kept();
        let start = kept.values.len();
        kept.values.extend_from_slice(value);
        kept.keys.push((key.clone(), start, start + value.len()));
        Ok(())
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StoreError> {
        self.kept().keys.retain(|(kept, _, _)| kept != key);
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
