//! A store in memory: the reference for all tests.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bytes::Bytes;

use crate::{ByteRange, Capabilities, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix};

type Values = BTreeMap<StoreKey, Bytes>;

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
    values: RwLock<Values>,
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
        push_ranges(&value, ranges, buffer, || self.describe(key.as_str()))?;
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(self.read().get(key).map(|value| value.len() as u64))
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        let value = Bytes::copy_from_slice(value);
        self.write().insert(key.clone(), value);
        Ok(())
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.write().remove(key);
        Ok(())
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let values = self.read();
        let mut listing = Listing::default();
        let mut from = Bound::Included(prefix.as_str().to_owned());
        while let Some((key, _)) = values
            .range::<str, _>((from.as_ref().map(String::as_str), Bound::Unbounded))
            .next()
        {
            let Some(rest) = prefix.strip(key) else { break };
            from = if let Some((part, _)) = rest.split_once('/') {
                let below = prefix.child(part)?;
                // `0` follows `/`: the first text after all keys below the folder.
                let after = format!("{}{part}0", prefix.as_str());
                listing.prefixes.push(below);
                Bound::Included(after)
            } else {
                listing.keys.push(key.clone());
                Bound::Excluded(key.as_str().to_owned())
            };
        }
        listing.prefixes.sort();
        Ok(listing)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.write().retain(|key, _| prefix.strip(key).is_none());
        Ok(())
    }

    fn describe(&self, key: &str) -> String {
        format!("memory: {key}")
    }
}

/// Hands out shares of a value that is in memory as a whole.
pub(crate) fn push_ranges(
    value: &Bytes,
    ranges: &[ByteRange],
    buffer: &mut ReadBuffer,
    what: impl Fn() -> String,
) -> Result<()> {
    let size = value.len() as u64;
    let mut total = 0_u64;
    for &range in ranges {
        let found = range.resolve(size).ok_or_else(|| StoreError::OutOfRange {
            what: what(),
            range,
            size,
        })?;
        total = total.saturating_add(found.end - found.start);
        if total > buffer.limit() {
            return Err(StoreError::TooLarge {
                what: what(),
                size: total,
                limit: buffer.limit(),
            });
        }
        buffer.push_shared(value.slice(found.start as usize..found.end as usize));
    }
    Ok(())
}
