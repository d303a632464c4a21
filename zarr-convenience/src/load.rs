//! `load` (`v2-semantics` 4).

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use zarr_core::{ArrayData, Error as CoreError, Group, Node, NodePath, Options, Selection, store::Store};

use crate::{Result, open::read_only};

/// What was loaded.
#[derive(Debug)]
pub enum Loaded {
    /// All of an array.
    Array(Arc<ArrayData>),
    /// A group, whose arrays are read when they are asked for.
    Group(LazyLoader),
}

/// Loads an array into memory, or a group as a [`LazyLoader`]; `None` when nothing is there.
///
/// # Errors
/// When the node cannot be opened or read; an array larger than `options` allow is refused.
pub fn load(store: &Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Option<Loaded>> {
    Node::find(store, path, options, None)?
        .map(|node| loaded(read_only(node)))
        .transpose()
}

fn loaded(node: Node) -> Result<Loaded> {
    Ok(match node {
        Node::Array(array) => Loaded::Array(Arc::new(array.read_data(&Selection::all())?)),
        Node::Group(group) => Loaded::Group(LazyLoader::new(group)),
    })
}

/// The members of a group; an array is read once, when it is asked for.
pub struct LazyLoader {
    group: Group,
    /// By the names they were asked for.
    cache: Mutex<HashMap<String, Arc<ArrayData>>>,
}

impl LazyLoader {
    fn new(group: Group) -> Self {
        Self {
            group,
            cache: Mutex::default(),
        }
    }

    /// Reads a member: an array in full, a group as a loader of its own.
    ///
    /// An array that was read is kept, and later changes of the store are not seen.
    ///
    /// # Errors
    /// [`CoreError::NotFound`], and what may go wrong when it is read.
    pub fn get(&self, name: &str) -> Result<Loaded> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(array) = cache.get(name) {
            return Ok(Loaded::Array(Arc::clone(array)));
        }
        let loaded = loaded(self.group.get(name)?)?;
        if let Loaded::Array(array) = &loaded {
            cache.insert(name.to_owned(), Arc::clone(array));
        }
        Ok(loaded)
    }

    /// The names of the members, groups included, by code point.
    ///
    /// # Errors
    /// When the group cannot be listed.
    pub fn names(&self) -> Result<Vec<String>> {
        Ok(self
            .group
            .members()?
            .iter()
            .map(|node| node.path().name().to_owned())
            .collect())
    }

    /// Whether there is a member of a name, which may have several parts; an empty one is the group itself.
    ///
    /// # Errors
    /// When the member cannot be opened.
    pub fn contains(&self, name: &str) -> Result<bool, CoreError> {
        Ok(self.group.find(name)?.is_some())
    }
}

impl fmt::Display for LazyLoader {
    /// zarr-python's text: the names of the arrays.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.group.members().map_err(|_| fmt::Error)?;
        let arrays = members.iter().filter(|node| matches!(node, Node::Array(_)));
        let names: Vec<_> = arrays.map(|node| node.path().name()).collect();
        write!(f, "<LazyLoader: {}>", names.join(", "))
    }
}

impl fmt::Debug for LazyLoader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyLoader")
            .field("group", self.group.path())
            .finish_non_exhaustive()
    }
}
