//! Locks of keys, shared by all handles of a process.
//!
//! A value that is read, changed and set again is locked meanwhile, so that no writer undoes another's change.
//! Keys share a fixed number of locks; a thread never holds two.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use zarr_store::{Store, StoreKey};

static LOCKS: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];

/// The locks of the keys of a store, which is known by its description.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreLocks(u64);

impl StoreLocks {
    pub(crate) fn of(store: &dyn Store) -> Self {
        let mut hasher = DefaultHasher::new();
        store.describe("").hash(&mut hasher);
        Self(hasher.finish())
    }

    /// Keeps others in this process from setting a key between our reading and our setting it.
    pub(crate) fn lock(self, key: &StoreKey) -> MutexGuard<'static, ()> {
        let mut hasher = DefaultHasher::new();
        (self.0, key).hash(&mut hasher);
        let place = hasher.finish() as usize % LOCKS.len();
        LOCKS[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
