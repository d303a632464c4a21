//! A store in memory: the reference for all tests.

use std::{
    collections::BTreeMap,
    mem,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{ranges::push_shared_ranges, sorted::list_map};
use crate::{
    ByteRange, Capabilities, Listing, ReadBuffer, Result, Staged, Store, StoreError, StoreKey, StorePrefix,
};

type Values = BTreeMap<StoreKey, Value>;

/// A value, and what tells it from those that its key had before.
#[derive(Debug, Clone)]
struct Value {
    bytes: Bytes,
    generation: u64,
}

impl Value {
    fn new(bytes: &[u8]) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            bytes: Bytes::copy_from_slice(bytes),
            generation: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}

/// Keys and values in a sorted map behind a lock.
///
/// ```
/// use zarr_store::{MemoryStore, Store, StoreExt, StoreKey};
/// let store = MemoryStore::new();
/// let key = StoreKey::new("foo/.zgroup")?;
/// store.set(&key, b"{}")?;
/// assert_eq!(store.get(&key, 100)?.as_deref(), Some(&b"{}"[..]));
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    values: Arc<RwLock<Values>>,
    /// Where the keys will be once this store is published in another; for errors only.
    place: StorePrefix,
}

impl MemoryStore {
    /// Makes an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // A panic elsewhere cannot leave the map half changed, so a poisoned lock is as good as any.
    fn read(&self) -> RwLockReadGuard<'_, Values> {
        self.values.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Values> {
        self.values.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        let Some(value) = self.read().get(key).cloned() else {
            return Ok(false);
        };
        push_shared_ranges(&value.bytes, ranges, buffer, || self.describe(key.as_str()))?;
        buffer.set_generation(Some(value.generation));
        buffer.set_settled(true);
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(self.read().get(key).map(|value| value.bytes.len() as u64))
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.write().insert(key.clone(), Value::new(value));
        Ok(())
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.write().remove(key);
        Ok(())
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        list_map(&self.read(), prefix)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            generations: true,
            ..Capabilities::ALL
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.write().retain(|key, _| prefix.strip(key).is_none());
        Ok(())
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        let mut values = self.write();
        if values.keys().any(|key| to.strip(key).is_some()) {
            return Err(StoreError::Conflict {
                what: self.describe(to.as_str()),
                reason: "there are keys below it already".to_owned(),
            });
        }
        let names = values
            .keys()
            .filter_map(|key| Some((key.clone(), from.strip(key)?)));
        let moves = names
            .map(|(key, name)| Ok((to.key(name)?, key)))
            .collect::<Result<Vec<_>>>()?;
        for (target, key) in &moves {
            let value = values.remove(key);
            values.extend(value.map(|value| (target.clone(), value)));
        }
        Ok(!moves.is_empty())
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        let place = if target.is_root() {
            self.place.clone()
        } else {
            self.place.child(target.as_str())?
        };
        Ok(Some(Box::new(MemoryStaged {
            staged: Arc::new(MemoryStore {
                values: Arc::default(),
                place,
            }),
            values: Arc::clone(&self.values),
            target: target.clone(),
        })))
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(self.read().get(key).map(|value| value.generation))
    }

    fn describe(&self, key: &str) -> String {
        format!("memory: {}{key}", self.place)
    }
}

/// A tree that is moved into the map of another store, under its lock.
#[derive(Debug)]
struct MemoryStaged {
    staged: Arc<MemoryStore>,
    values: Arc<RwLock<Values>>,
    target: StorePrefix,
}

impl Staged for MemoryStaged {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<MemoryStore>::clone(&self.staged)
    }

    fn publish(self: Box<Self>) -> Result<()> {
        let staged = mem::take(&mut *self.staged.write())
            .into_iter()
            .map(|(key, value)| Ok((self.target.key(key.as_str())?, value)))
            .collect::<Result<Vec<_>>>()?;
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        values.retain(|key, _| self.target.strip(key).is_none());
        values.extend(staged);
        Ok(())
    }
}
