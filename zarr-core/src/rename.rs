//! Moving nodes within a hierarchy.

use zarr_store::{Store, StoreExt, StoreKey};

use crate::{
    Error, Group, Node, NodePath, Result, create_parents, erase_node,
    hierarchy::{V2_ARRAY, V2_GROUP, V3_NODE},
    outdate,
    replace::clear,
};

impl Group {
    /// Gives a node below this group another name: zarr-python's `move`.
    ///
    /// Names may be paths, absolute if they begin with a slash; groups above the new name are made where there are
    /// none. A store that can rename a folder does so in one step. In others everything is copied, documents
    /// last, before the old node is erased: whoever is killed leaves the old node, or both, never less.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such node; [`Error::Exists`] when something has the new name, or an
    /// array is above it; [`Error::Path`] when the new name lies in the node itself, or the old one is this group
    /// or one above it; [`Error::ReadOnly`]; when the store fails.
    pub fn rename(&self, source: &str, dest: &str) -> Result<()> {
        let (from, to) = (self.path().join(source)?, self.path().join(dest)?);
        let store = self.store();
        if self.find(source)?.is_none() {
            return Err(Error::NotFound {
                path: from.as_str().to_owned(),
                store: store.describe(""),
            });
        }
        if let Some(node) = Node::find(store, &to, self.options(), None)? {
            return Err(exists(&to, node.kind()));
        }
        self.check_writable()?;
        self.check_other(source, &from)?;
        if to.is_within(&from) {
            return Err(Error::Path {
                path: dest.to_owned(),
                reason: "lies in the node that is to be moved",
            });
        }
        let listing = store.list_dir(to.prefix())?;
        if !listing.keys.is_empty() || !listing.prefixes.is_empty() {
            return Err(exists(&to, "keys of no node"));
        }
        create_parents(store, &to, self.metadata().format, self.options())?;
        outdate(store.as_ref(), &from)?;
        outdate(store.as_ref(), &to)?;
        if store.rename_prefix(from.prefix(), to.prefix())? {
            return Ok(());
        }
        if let Err(error) = copy(store.as_ref(), &from, &to, self.options().read_size_max) {
            // What failed is the error to report; what remains is no node, its document being last.
            let _ = clear(store.as_ref(), &to);
            return Err(error);
        }
        erase_node(store.as_ref(), &from)
    }
}

fn exists(path: &NodePath, found: &'static str) -> Error {
    Error::Exists {
        path: path.as_str().to_owned(),
        found,
    }
}

/// Copies all keys below a path, documents behind all others and those of nodes above behind those below.
fn copy(store: &dyn Store, from: &NodePath, to: &NodePath, size_max: u64) -> Result<()> {
    let keys = store.list_prefix(from.prefix())?;
    let is_document = |key: &StoreKey| [V2_ARRAY, V2_GROUP, V3_NODE].contains(&key.name());
    let (mut documents, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(is_document);
    documents.sort_by_key(|key| std::cmp::Reverse(key.as_str().split('/').count()));
    for key in others.iter().chain(&documents) {
        let name = from.prefix().strip(key).unwrap_or_default();
        if let Some(value) = store.get(key, size_max)? {
            store.set(&to.prefix().key(name)?, &value)?;
        }
    }
    Ok(())
}
