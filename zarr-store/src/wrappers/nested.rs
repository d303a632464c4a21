//! A store whose chunks lie in folders, though their keys do not say so.

use std::sync::Arc;

use crate::{Listing, Result, Staged, Store, StoreExt, StoreKey, StorePrefix, forward_to_store};

/// The document that makes a folder an array of V2.
const ARRAY_DOCUMENT: &str = ".zarray";

/// Another store, in which the chunk `a/1.2` is kept as `a/1/2`.
///
/// `NestedDirectoryStore` of zarr-python wrote trees like that, and whole archives of images exist, whose
/// documents do not name a separator; read through this they are as they were meant.
/// Arrays whose documents say `"dimension_separator": "/"` need no such help.
/// Only names made of numbers and dots change; in folders with a document `.zarray`, listings show the
/// chunks under the names that they are read by.
///
/// ```
/// use std::sync::Arc;
/// use zarr_store::{MemoryStore, NestedStore, Store, StoreExt, StoreKey};
/// let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let store = NestedStore::new(Arc::clone(&inner));
/// store.set(&StoreKey::new("foo/1.2")?, b"chunk")?;
/// assert!(inner.exists(&StoreKey::new("foo/1/2")?)?);
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NestedStore {
    inner: Arc<dyn Store>,
}

impl NestedStore {
    /// Keeps the chunks of `inner` in folders.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner }
    }

    /// The key under which the inner store has a value.
    #[expect(clippy::unused_self, reason = "`forward_to_store!` asks the store")]
    fn kept(&self, key: &StoreKey) -> Result<StoreKey> {
        let name = key.name();
        if name.contains('.') && name.split('.').all(is_number) {
            key.parent().key(&name.replace('.', "/"))
        } else {
            Ok(key.clone())
        }
    }

    /// Adds the chunks in the numbered folder `part` of an array.
    fn list_chunks(&self, folder: &StorePrefix, part: &StorePrefix, listing: &mut Listing) -> Result<()> {
        let mut pending = vec![part.clone()];
        while let Some(part) = pending.pop() {
            let found = self.inner.list_dir(&part)?;
            for key in found.keys {
                let name = folder.strip(&key).unwrap_or_default();
                if name.split('/').all(is_number) {
                    listing.keys.push(folder.key(&name.replace('/', "."))?);
                } else {
                    listing.keys.push(key);
                }
            }
            pending.extend(found.prefixes);
        }
        Ok(())
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[deny(clippy::missing_trait_methods)]
impl Store for NestedStore {
    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        let keys = keys.iter().map(|key| self.kept(key));
        self.inner.check_set(&keys.collect::<Result<Vec<_>>>()?)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let mut listing = self.inner.list_dir(prefix)?;
        let (numbered, others): (Vec<_>, Vec<_>) = listing
            .prefixes
            .into_iter()
            .partition(|part| is_number(part.name()));
        listing.prefixes = others;
        if numbered.is_empty() {
            return Ok(listing);
        }
        if !self.inner.exists(&prefix.key(ARRAY_DOCUMENT)?)? {
            listing.prefixes.extend(numbered);
            listing.prefixes.sort();
            return Ok(listing);
        }
        for part in &numbered {
            self.list_chunks(prefix, part, &mut listing)?;
        }
        listing.keys.sort();
        Ok(listing)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        let staged = self.inner.stage(target)?;
        Ok(staged.map(|tree| tree.with_store(Self::new)))
    }

    forward_to_store! {
        to inner by kept: get_ranges, size, set, begin_set, lock, set_locked, erase, generation;
        to inner: capabilities, erase_prefix, flush, rename_prefix, set_new, sweep, io_hints, node_format, describe;
        // The trees of the inner store do not have the keys of this one.
        without: changes, lasting;
    }
}
