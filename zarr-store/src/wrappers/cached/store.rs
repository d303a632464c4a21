//! The cache as a store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::memory::Memory;
use crate::{
    ByteRange, Capabilities, KeyLock, Listing, ReadBuffer, Result, Staged, Store, StoreKey, StorePrefix,
    forward_to_store,
    stores::ranges::{push_shared_parts, push_shared_ranges},
};

/// Another store, of which values that were read or set last are kept in memory.
///
/// Values and parts of values are kept up to a number of bytes in all, and the one that was used least recently
/// goes first; sizes, absent keys and listings are kept as well, in a few bytes each.
/// What is set or erased through this is seen at once; what others change in the inner store is seen after
/// [`invalidate`](CachedStore::invalidate).
/// No lock is held while the inner store works.
///
/// ```
/// use std::sync::Arc;
/// use zarr_store::{CachedStore, CountingStore, MemoryStore, Store, StoreExt, StoreKey};
/// let inner = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
/// let store = CachedStore::new(Arc::<CountingStore>::clone(&inner), Some(1 << 20));
/// let key = StoreKey::new("foo/0.0")?;
/// store.set(&key, b"chunk")?;
/// assert_eq!(store.get(&key, 100)?.as_deref(), Some(&b"chunk"[..]));
/// assert_eq!(inner.counts().gets, 0);
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct CachedStore {
    inner: Arc<dyn Store>,
    memory: Arc<Mutex<Memory>>,
}

/// What a cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheState {
    /// How many reads were answered from memory.
    pub hits: u64,
    /// How many reads were not, and found their key.
    pub misses: u64,
    /// The keys of values held whole, the one to go first at the front.
    pub keys: Vec<StoreKey>,
    /// The size of all values and parts held, in bytes.
    pub size: u64,
}

impl CachedStore {
    /// Keeps at most `size_max` bytes of values of `inner`; without a limit for `None`.
    ///
    /// Values that are larger than that are not kept.
    pub fn new(inner: Arc<dyn Store>, size_max: Option<u64>) -> Self {
        Self {
            inner,
            memory: Arc::new(Mutex::new(Memory::new(size_max))),
        }
    }

    /// What is held, and how often that helped.
    pub fn state(&self) -> CacheState {
        let memory = self.memory();
        CacheState {
            hits: memory.hits,
            misses: memory.misses,
            keys: memory.keys(),
            size: memory.size(),
        }
    }

    /// Forgets everything.
    pub fn invalidate(&self) {
        forget_all(&self.memory);
    }

    /// Forgets all values; what keys there are stays known.
    pub fn invalidate_values(&self) {
        let mut memory = self.memory();
        memory.count_change_of_all();
        memory.forget_values();
    }

    /// Forgets what keys there are; values stay known.
    pub fn invalidate_keys(&self) {
        let mut memory = self.memory();
        memory.count_change_of_all();
        memory.forget_keys();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        lock(&self.memory)
    }

    /// Changes a key of the inner store; what is read meanwhile is not kept.
    ///
    /// Keeps the new value, unless others changed the key at the same time or it was not taken.
    fn change(
        &self,
        key: &StoreKey,
        value: Option<&[u8]>,
        change: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let version = self.memory().count_change(key.as_str());
        let result = change();
        let mut memory = self.memory();
        let is_alone = memory.version(key.as_str()) == version;
        memory.count_change(key.as_str());
        memory.forget(key);
        if let (Some(value), true, Ok(())) = (value, is_alone, &result)
            && memory.takes(value.len() as u64)
        {
            memory.hold(key, ByteRange::All, value.to_vec().into());
        }
        result
    }

    /// Answers a read from memory, if all of it is there.
    fn recall(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        let what = || self.describe(key.as_str());
        let mut memory = self.memory();
        if let Some(whole) = memory.find(key, ByteRange::All) {
            memory.hits += 1;
            drop(memory);
            push_shared_ranges(&whole, ranges, buffer, what)?;
            return Ok(true);
        }
        if ranges.is_empty() {
            return Ok(false);
        }
        let parts: Option<Vec<_>> = ranges.iter().map(|range| memory.find(key, *range)).collect();
        let Some(parts) = parts else {
            return Ok(false);
        };
        memory.hits += 1;
        drop(memory);
        push_shared_parts(parts, buffer, what)?;
        Ok(true)
    }
}

// A panic elsewhere cannot leave the cache half changed: nothing between two changes of it can panic.
fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget_all(memory: &Mutex<Memory>) {
    let mut memory = lock(memory);
    memory.count_change_of_all();
    memory.forget_values();
    memory.forget_keys();
}

#[deny(clippy::missing_trait_methods)]
impl Store for CachedStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        if self.recall(key, ranges, buffer)? {
            return Ok(true);
        }
        let version = self.memory().version(key.as_str());
        if !self.inner.get_ranges(key, ranges, buffer)? {
            return Ok(false);
        }
        let mut memory = self.memory();
        memory.misses += 1;
        if memory.version(key.as_str()) == version {
            for (index, range) in ranges.iter().enumerate() {
                if memory.takes(buffer.part(index).len() as u64) {
                    memory.hold(key, *range, buffer.to_bytes(index));
                }
            }
        }
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        let version = {
            let mut memory = self.memory();
            if let Some(size) = memory.find_size(key) {
                return Ok(size);
            }
            if let Some(whole) = memory.find(key, ByteRange::All) {
                return Ok(Some(whole.len() as u64));
            }
            memory.version(key.as_str())
        };
        let size = self.inner.size(key)?;
        let mut memory = self.memory();
        if memory.version(key.as_str()) == version {
            memory.hold_size(key, size);
        }
        Ok(size)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.change(key, Some(value), || self.inner.set(key, value))
    }

    fn set_locked(&self, key: &StoreKey, value: &[u8], lock: KeyLock) -> Result<()> {
        self.change(key, Some(value), || self.inner.set_locked(key, value, lock))
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.change(key, None, || self.inner.erase(key))
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let before = {
            let memory = self.memory();
            if let Some(listing) = memory.find_listing(prefix) {
                return Ok(listing);
            }
            memory.n_changes()
        };
        let listing = self.inner.list_dir(prefix)?;
        let mut memory = self.memory();
        // Any change may be one of a key below the prefix.
        if memory.n_changes() == before {
            memory.hold_listing(prefix, &listing);
        }
        Ok(listing)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // What is in memory is told without.
            generations: false,
            ..self.inner.capabilities().at_once()
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.memory().count_change_of_all();
        let result = self.inner.erase_prefix(prefix);
        let mut memory = self.memory();
        memory.count_change_of_all();
        memory.forget_below(prefix);
        result
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.memory().count_change_of_all();
        let result = self.inner.rename_prefix(from, to);
        forget_all(&self.memory);
        result
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        let staged = self.inner.stage(target)?;
        Ok(staged.map(|inner| {
            Box::new(CachedStaged {
                inner,
                memory: Arc::clone(&self.memory),
            }) as Box<dyn Staged>
        }))
    }

    forward_to_store! {
        to inner: check_set, lock, flush, generation, sweep, io_hints, node_format, describe;
        // Values are set as a whole and one by one, so that they can be kept, and trees that last are not seen.
        without: begin_set, set_new, changes, lasting;
    }
}

/// A new tree of the inner store, at whose publication the cache forgets.
#[derive(Debug)]
struct CachedStaged {
    inner: Box<dyn Staged>,
    memory: Arc<Mutex<Memory>>,
}

#[deny(clippy::missing_trait_methods)]
impl Staged for CachedStaged {
    fn store(&self) -> Arc<dyn Store> {
        self.inner.store()
    }

    fn publish(self: Box<Self>) -> Result<()> {
        lock(&self.memory).count_change_of_all();
        let result = self.inner.publish();
        forget_all(&self.memory);
        result
    }

    fn token(&self) -> Option<u64> {
        self.inner.token()
    }

    fn discard(self: Box<Self>) {
        self.inner.discard();
    }
}
