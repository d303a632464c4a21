//! Locks of keys, shared by all handles of a process, and by other processes where the store can lock.
//!
//! A value that is read, changed and set again is locked meanwhile, so that no writer undoes another's change.
//! Keys share a fixed number of locks; a thread never holds two.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use zarr_store::{KeyLock, Store, StoreError, StoreKey};

use crate::Array;

static LOCKS: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];

/// The locks of the keys of a store, which is known by its description.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreLocks<'s> {
    store: &'s dyn Store,
    hash: u64,
    is_alone: bool,
}

/// Keeps others from setting a key.
#[derive(Debug)]
pub(crate) struct KeyGuard<'s> {
    store: &'s dyn Store,
    // Given back in this order: other threads of the process are the last to be let in.
    processes: KeyLock,
    _threads: MutexGuard<'static, ()>,
}

impl KeyGuard<'_> {
    /// Sets the key and lets others in.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn set(self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        self.store.set_locked(key, value, self.processes)
    }
}

impl<'s> StoreLocks<'s> {
    pub(crate) fn of(store: &'s dyn Store) -> Self {
        let mut hasher = DefaultHasher::new();
        store.describe("").hash(&mut hasher);
        Self {
            store,
            hash: hasher.finish(),
            is_alone: false,
        }
    }

    /// The locks of the chunks of an array.
    pub(crate) fn of_chunks(array: &'s Array) -> Self {
        Self {
            is_alone: array.options().is_sole_writer,
            ..Self::of(array.store().as_ref())
        }
    }

    /// Keeps others from setting a key between our reading and our setting it.
    ///
    /// # Errors
    /// When the store cannot lock the key, and could.
    pub(crate) fn lock(self, key: &StoreKey) -> Result<KeyGuard<'s>, StoreError> {
        let mut hasher = DefaultHasher::new();
        (self.hash, key).hash(&mut hasher);
        let place = hasher.finish() as usize % LOCKS.len();
        let threads = LOCKS[place].lock().unwrap_or_else(PoisonError::into_inner);
        let processes = if self.is_alone {
            KeyLock::default()
        } else {
            self.store.lock(key)?
        };
        Ok(KeyGuard {
            store: self.store,
            processes,
            _threads: threads,
        })
    }

    /// Erases a key, unless it is not there: then whoever is about to set it comes later.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) fn erase(self, key: &StoreKey) -> Result<(), StoreError> {
        if self.store.size(key)?.is_none() {
            return Ok(());
        }
        let _guard = self.lock(key)?;
        self.store.erase(key)
    }
}
