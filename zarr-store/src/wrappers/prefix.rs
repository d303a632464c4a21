//! A part of a store as a store of its own.

use std::sync::Arc;

use crate::{Listing, Result, Store, StoreKey, StorePrefix, forward_to_store};

/// The keys below a prefix of another store, without the prefix.
///
/// Errors name the key as the other store knows it.
///
/// ```
/// use std::sync::Arc;
/// use zarr_store::{MemoryStore, PrefixStore, Store, StoreExt, StoreKey, StorePrefix};
/// let whole: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let part = PrefixStore::new(Arc::clone(&whole), StorePrefix::new("foo")?);
/// part.set(&StoreKey::new("bar")?, b"1")?;
/// assert!(whole.exists(&StoreKey::new("foo/bar")?)?);
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct PrefixStore {
    inner: Arc<dyn Store>,
    prefix: StorePrefix,
}

impl PrefixStore {
    /// Sees the part of `inner` below `prefix`.
    pub fn new(inner: Arc<dyn Store>, prefix: StorePrefix) -> Self {
        Self { inner, prefix }
    }

    fn key(&self, key: &StoreKey) -> Result<StoreKey> {
        self.prefix.key(key.as_str())
    }

    fn below(&self, prefix: &StorePrefix) -> Result<StorePrefix> {
        if prefix.is_root() {
            Ok(self.prefix.clone())
        } else {
            self.prefix.child(prefix.as_str())
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for PrefixStore {
    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        let keys = keys.iter().map(|key| self.key(key));
        self.inner.check_set(&keys.collect::<Result<Vec<_>>>()?)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let listing = self.inner.list_dir(&self.below(prefix)?)?;
        let at = self.prefix.as_str().len();
        let keys = listing.keys.iter().map(|key| StoreKey::new(&key.as_str()[at..]));
        let prefixes = listing
            .prefixes
            .iter()
            .map(|prefix| StorePrefix::new(&prefix.as_str()[at..]));
        Ok(Listing {
            keys: keys.collect::<Result<_>>()?,
            prefixes: prefixes.collect::<Result<_>>()?,
        })
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.inner.rename_prefix(&self.below(from)?, &self.below(to)?)
    }

    fn describe(&self, key: &str) -> String {
        self.inner.describe(&format!("{}{key}", self.prefix))
    }

    forward_to_store! {
        to inner by key: get_ranges, size, set, begin_set, lock, set_locked, erase, generation;
        to inner by below: erase_prefix, stage, set_new, sweep;
        to inner: capabilities, flush, io_hints, node_format;
        // Work on a part of a store begins anew.
        without: changes, lasting;
    }
}
