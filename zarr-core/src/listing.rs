//! Listings of many folders, as many at once as a store wants requests.

use std::sync::{Mutex, PoisonError};

use zarr_store::{Listing, Store, StoreError, StoreKey, StorePrefix};

use crate::Workers;

/// Calls `visit` with the listing of a folder and of those below it, each before those below it.
///
/// Where a store wants several requests in flight, so many folders of a level are listed at once, and `visit` is called
/// from one thread after the other, in no order. Folders that it takes out of a listing are not listed.
///
/// # Errors
/// Those of [`Store::list_dir`] and of `visit`, the first of which ends the walk.
pub fn walk_folders<E: From<StoreError> + Send>(
    store: &dyn Store,
    prefix: &StorePrefix,
    workers: Workers,
    visit: &mut (dyn FnMut(&mut Listing) -> Result<(), E> + Send),
) -> Result<(), E> {
    let mut level = vec![prefix.clone()];
    let workers = workers.for_answers(store);
    if workers.threads() == 1 {
        // Depth first: fewer are remembered.
        while let Some(folder) = level.pop() {
            let mut listing = store.list_dir(&folder)?;
            visit(&mut listing)?;
            level.extend(listing.prefixes.into_iter().rev());
        }
        return Ok(());
    }
    while !level.is_empty() {
        let seen = Mutex::new((&mut *visit, Vec::new()));
        workers.for_each(level.len(), &|index| {
            let mut listing = store.list_dir(&level[index])?;
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            (seen.0)(&mut listing)?;
            seen.1.append(&mut listing.prefixes);
            Ok::<_, E>(())
        })?;
        level = seen.into_inner().unwrap_or_else(PoisonError::into_inner).1;
    }
    Ok(())
}

/// All keys below a prefix, by code point; folders are listed as [`walk_folders`] does it.
///
/// # Errors
/// Those of [`Store::list_dir`].
///
/// ```
/// use zarr_core::{Workers, list_keys, store::{MemoryStore, Store, StoreKey, StorePrefix}};
/// let store = MemoryStore::new();
/// store.set(&StoreKey::new("a/b/c")?, b"")?;
/// store.set(&StoreKey::new("a/b.c")?, b"")?;
/// let keys = list_keys(&store, &StorePrefix::root(), Workers::new(2))?;
/// assert_eq!(keys, [StoreKey::new("a/b.c")?, StoreKey::new("a/b/c")?]);
/// # Ok::<(), zarr_core::store::StoreError>(())
/// ```
pub fn list_keys(
    store: &dyn Store,
    prefix: &StorePrefix,
    workers: Workers,
) -> Result<Vec<StoreKey>, StoreError> {
    let mut keys = Vec::new();
    walk_folders::<StoreError>(store, prefix, workers, &mut |listing| {
        keys.append(&mut listing.keys);
        Ok(())
    })?;
    keys.sort();
    Ok(keys)
}
