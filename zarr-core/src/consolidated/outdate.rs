//! What happens to consolidated metadata when the documents of a node change: they go.

use zarr_store::{Store, StoreExt, StoreKey};

use super::CONSOLIDATED_KEY;
use crate::{
    NodePath, Result,
    hierarchy::{self, V3_NODE},
    locks::StoreLocks,
    metadata::json::{self, Style},
};

/// Removes the consolidated metadata that a change of a node's documents makes wrong, before the change.
///
/// They are those of the node and of the groups above it; a reader then finds none, and goes by the documents
/// themselves. It is what every function of this crate does that changes a document, so that no reader, and none that
/// looks after a crash, finds consolidated metadata that are older than what we wrote. Those of V2 under a key of
/// their own are left alone: nobody finds them who is not told.
///
/// # Errors
/// When the store fails; then the documents must not be changed.
pub fn outdate(store: &dyn Store, path: &NodePath) -> Result<()> {
    outdate_v2(store, path)?;
    outdate_v3(store, path)
}

/// As [`outdate`], but for consolidated metadata that are the node's own.
///
/// # Errors
/// Those of [`outdate`].
pub fn outdate_above(store: &dyn Store, path: &NodePath) -> Result<()> {
    if let Some(above) = path.parent() {
        outdate_v2(store, &above)?;
    }
    outdate_v3(store, path)
}

/// As [`outdate`], but only of one group.
///
/// # Errors
/// Those of [`outdate`].
pub fn outdate_group(store: &dyn Store, path: &NodePath) -> Result<()> {
    if store.capabilities().erases {
        store.erase(&path.key(CONSOLIDATED_KEY)?)?;
    }
    drop_inline(store, &path.key(V3_NODE)?)
}

/// The document of a V3 group without its consolidated metadata; `None` if it has none.
///
/// # Errors
/// When the store fails.
pub fn without_inline(store: &dyn Store, key: &StoreKey) -> Result<Option<Vec<u8>>> {
    let document = hierarchy::read_outdated(store, key)?;
    Ok(document.map(|document| json::write(&document, Style::V3)))
}

/// The groups at and above a path that have consolidated metadata, the lowest first.
///
/// # Errors
/// When the store fails.
pub fn consolidated_groups(store: &dyn Store, path: &NodePath) -> Result<Vec<NodePath>> {
    let mut groups = Vec::new();
    let mut above = Some(path.clone());
    while let Some(path) = above {
        above = path.parent();
        let is_consolidated = store.exists(&path.key(CONSOLIDATED_KEY)?)?
            || without_inline(store, &path.key(V3_NODE)?)?.is_some();
        if is_consolidated {
            groups.push(path);
        }
    }
    Ok(groups)
}

/// As [`outdate`], of a hierarchy of V2.
pub(crate) fn outdate_v2(store: &dyn Store, path: &NodePath) -> Result<()> {
    if !store.capabilities().erases {
        return Ok(());
    }
    let mut above = Some(path.clone());
    while let Some(path) = above {
        let key = path.key(CONSOLIDATED_KEY)?;
        // Nearly always there are none, and to look for them costs less.
        if store.exists(&key)? {
            store.erase(&key)?;
        }
        above = path.parent();
    }
    Ok(())
}

/// As [`outdate`], of a hierarchy of V3, where a group has nothing of itself in its consolidated metadata.
pub(crate) fn outdate_v3(store: &dyn Store, path: &NodePath) -> Result<()> {
    path.parent().map_or(Ok(()), |above| outdate_v3_at(store, &above))
}

/// As [`outdate_v3`], of a node below a group.
pub(crate) fn outdate_v3_at(store: &dyn Store, group: &NodePath) -> Result<()> {
    let mut above = Some(group.clone());
    while let Some(path) = above {
        drop_inline(store, &path.key(V3_NODE)?)?;
        above = path.parent();
    }
    Ok(())
}

/// Removes the consolidated metadata from the document of a V3 group, if it has any.
fn drop_inline(store: &dyn Store, key: &StoreKey) -> Result<()> {
    // Nearly always there is none. A lock is a file in many stores, and costs more than to look twice where there is one.
    if without_inline(store, key)?.is_none() {
        return Ok(());
    }
    let guard = StoreLocks::of(store).lock(key)?;
    if let Some(document) = without_inline(store, key)? {
        guard.set(key, &document)?;
    }
    Ok(())
}
