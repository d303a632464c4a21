//! Nodes in the place of what is there.

use std::sync::Arc;

use zarr_store::{Store, StoreError};

use crate::{
    Array, ArrayBuilder, Error, Group, Node, NodePath, Options, Result, ZarrFormat, create_parents,
    erase_node, outdate,
};

impl Group {
    /// Makes a group where nothing is, with everything that `fill` puts into it, in one step where the store has one.
    ///
    /// Readers, and those who look after a crash, then see nothing of it or all of it, and nothing if `fill` fails; it
    /// is also the quickest way to make many nodes. The paths of what is made begin at the group that `fill` gets, and
    /// no handle may be used after it. A store without such a step, and a folder with something in it already, are
    /// filled node by node.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, Error, Group, NodePath, Options, ZarrFormat, codecs::DataType, store::MemoryStore};
    /// let (store, options) = (Arc::new(MemoryStore::new()), Options::default());
    /// let root = Group::create_filled(store, &NodePath::root(), ZarrFormat::V3, &options, |root| {
    ///     for year in 2000..2010 {
    ///         let array = ArrayBuilder::new(vec![365, 10], DataType::Float32);
    ///         root.create_group(&year.to_string())?.create_array("rain", array, false)?;
    ///     }
    ///     Ok::<_, Error>(())
    /// })?;
    /// assert_eq!(root.members()?.len(), 10);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Group::create`] and of `fill`.
    pub fn create_filled<E: From<Error> + From<StoreError>>(
        store: Arc<dyn Store>,
        path: &NodePath,
        format: ZarrFormat,
        options: &Options,
        fill: impl FnOnce(&Self) -> Result<(), E>,
    ) -> Result<Self, E> {
        check_free(&store, path, options)?;
        if let Some(above) = array_above(&store, path, options)? {
            return Err(exists(&above, "an array").into());
        }
        if !is_empty(store.as_ref(), path)? {
            let group = Self::create(store, path, format, options)?;
            return fill(&group).map(|()| group);
        }
        put_tree(&store, path, format, options, |place, below| {
            fill(&Self::create(Arc::clone(place), below, format, options)?)?;
            // Somebody may have been quicker while a tree was filled that nobody saw.
            let is_hidden = !Arc::ptr_eq(place, &store);
            if is_hidden && !is_empty(store.as_ref(), path)? {
                check_free(&store, path, options)?;
                return Err(E::from(exists(path, "a folder that is not empty")));
            }
            Ok(())
        })?;
        Ok(Self::open(store, path, options)?)
    }

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

/// Whether it is known that nothing is at or below a path.
fn is_empty(store: &dyn Store, path: &NodePath) -> Result<bool> {
    if !store.capabilities().lists {
        return Ok(false);
    }
    let listing = store.list_dir(path.prefix())?;
    Ok(listing.keys.is_empty() && listing.prefixes.is_empty())
}

/// Refuses a path where a node is.
pub(crate) fn check_free(store: &Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<()> {
    options.check_writable(path)?;
    match Node::find(store, path, options, None)? {
        None => Ok(()),
        Some(node) => Err(exists(path, node.kind())),
    }
}

fn exists(path: &NodePath, found: &'static str) -> Error {
    let path = path.as_str().to_owned();
    Error::Exists { path, found }
}

/// Erases what is at a path and the arrays above it, and makes groups above it.
fn make_way(store: &Arc<dyn Store>, path: &NodePath, format: ZarrFormat, options: &Options) -> Result<()> {
    options.check_writable(path)?;
    clear_arrays_above(store, path, options)?;
    create_parents(store, path, format, options)?;
    clear(store.as_ref(), path)
}

/// Lets `write` make a tree at a path, and puts it in the place of whatever is there, and of arrays above it.
///
/// Where the store has such a step ([`Store::stage`]), that is one: readers, and those who look after a crash, see the
/// old tree or the new one. `write` gets the store and the path in it that it is to use: those of a tree that nobody
/// sees, where there is one.
///
/// # Errors
/// Those of `write`, after which what was there is there still if the store has such a step; when the store fails.
pub fn put_tree<E: From<Error> + From<StoreError>>(
    store: &Arc<dyn Store>,
    path: &NodePath,
    format: ZarrFormat,
    options: &Options,
    write: impl FnOnce(&Arc<dyn Store>, &NodePath) -> Result<(), E>,
) -> Result<(), E> {
    // An array above gives way to a group with all that is in it (`v2-semantics` 2.5), in the same step.
    let top = array_above(store, path, options)?.unwrap_or_else(|| path.clone());
    let Some(staged) = store.stage(top.prefix())? else {
        make_way(store, path, format, options)?;
        return write(store, path);
    };
    let below = path.as_str().strip_prefix(top.as_str()).unwrap_or_default();
    write(&staged.store(), &NodePath::new(below)?)?;
    staged.store().flush()?;
    // Groups above come before, so that the node is never without them.
    create_parents(store, &top, format, options)?;
    if !top.is_root() {
        outdate(store.as_ref(), &top)?;
    }
    Ok(staged.publish()?)
}

/// The topmost array above a path.
fn array_above(store: &Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Option<NodePath>> {
    let mut found = None;
    let mut parent = path.parent();
    while let Some(path) = parent {
        if let Some(Node::Array(_)) = Node::find(store, &path, options, None)? {
            found = Some(path.clone());
        }
        parent = path.parent();
    }
    Ok(found)
}

/// Erases an array that is where a group above a new node has to be (`v2-semantics` 2.5).
///
/// # Errors
/// [`Error::Metadata`] for a damaged document; when the store fails.
fn clear_arrays_above(store: &Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<()> {
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
