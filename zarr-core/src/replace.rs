//! Nodes in the place of what is there.

use std::sync::Arc;

use zarr_store::Store;

use crate::{
    Array, ArrayBuilder, Error, Group, Node, NodePath, Options, Result, ZarrFormat, create_parents,
    erase_node,
};

impl Group {
    /// Makes a group in the place of whatever is at a path, and of arrays above it (`v2-semantics` 2.5).
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; when the store fails, after which what was there may be gone.
    pub fn replace(
        store: Arc<dyn Store>,
        path: &NodePath,
        format: ZarrFormat,
        options: &Options,
    ) -> Result<Self> {
        make_way(&store, path, format, options)?;
        Self::create(store, path, format, options)
    }
}

impl ArrayBuilder {
    /// Stores the array in the place of whatever is at a path, and of arrays above it.
    ///
    /// # Errors
    /// Those of [`ArrayBuilder::create`]; parameters that make no sense are found before anything is erased.
    pub fn replace(self, store: Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Array> {
        let array = self.clone().prepare(Arc::clone(&store), path, options)?;
        array.chunk_codec()?;
        array.check_metadata()?;
        make_way(&store, path, self.current_format(), options)?;
        self.create(store, path, options)
    }
}

/// Erases what is at a path and the arrays above it, and makes groups above it.
fn make_way(store: &Arc<dyn Store>, path: &NodePath, format: ZarrFormat, options: &Options) -> Result<()> {
    if options.read_only {
        return Err(Error::ReadOnly {
            path: path.to_string(),
        });
    }
    clear_arrays_above(store, path, options)?;
    create_parents(store, path, format, options)?;
    clear(store.as_ref(), path)
}

/// Erases an array that is where a group above a new node has to be (`v2-semantics` 2.5).
///
/// # Errors
/// [`Error::Metadata`] for a damaged document; when the store fails.
pub fn clear_arrays_above(store: &Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<()> {
    let mut parent = path.parent();
    while let Some(path) = parent {
        if let Some(Node::Array(_)) = Node::find(store, &path, options, None)? {
            clear(store.as_ref(), &path)?;
        }
        parent = path.parent();
    }
    Ok(())
}

/// Erases everything at and below a path, the root included.
///
/// # Errors
/// When the store fails; a part may be gone then.
pub fn clear(store: &dyn Store, path: &NodePath) -> Result<()> {
    if !path.is_root() {
        return erase_node(store, path);
    }
    let listing = store.list_dir(path.prefix())?;
    listing.keys.iter().try_for_each(|key| store.erase(key))?;
    listing
        .prefixes
        .iter()
        .try_for_each(|prefix| store.erase_prefix(prefix))?;
    Ok(())
}
