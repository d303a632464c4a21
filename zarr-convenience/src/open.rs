//! `open` and the making of nodes (`v2-semantics` 2).

use std::sync::Arc;

use serde_json::Value;
use zarr_core::{
    Array, Error as CoreError, Group, Node, NodePath, Options, ZarrFormat, create_parents, erase_node,
    store::Store,
};

use crate::{Creation, Error, Result};

/// What may be there already, and what may be done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenMode {
    /// `r`: read what is there.
    Read,
    /// `r+`: read and write what is there.
    Update,
    /// `a`: read and write, and create what is not there.
    #[default]
    Append,
    /// `w`: create, and erase what is there.
    Write,
    /// `w-` or `x`: create what is not there.
    Exclusive,
}

impl OpenMode {
    /// Reads Python's word for a mode.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "r" => Ok(Self::Read),
            "r+" => Ok(Self::Update),
            "a" => Ok(Self::Append),
            "w" => Ok(Self::Write),
            "w-" | "x" => Ok(Self::Exclusive),
            _ => Err(Error::Argument(format!(
                "mode must be one of r, r+, a, w, w-, x; found '{text}'"
            ))),
        }
    }
}

/// What to create where nothing is, or where it is to be replaced.
#[derive(Debug, Clone, Copy)]
enum New<'a> {
    Group,
    Array { shape: &'a [u64], dtype: &'a Value },
}

/// Opens a node, or creates it as the mode says: an array if there is a shape, else a group.
///
/// # Errors
/// [`CoreError::NotFound`] or [`CoreError::Exists`] as the mode says, and what may be wrong with the node.
pub fn open(
    store: &Arc<dyn Store>,
    path: &NodePath,
    mode: OpenMode,
    array: Option<(&[u64], &Value)>,
    (creation, options): (&Creation, &Options),
) -> Result<Node> {
    let found = Node::find(store, path, options, None)?;
    match (mode, found) {
        (OpenMode::Read | OpenMode::Update, None) => Err(CoreError::NotFound {
            path: path.as_str().to_owned(),
            store: store.describe(""),
        }
        .into()),
        (OpenMode::Exclusive, Some(node)) => Err(CoreError::Exists {
            path: path.as_str().to_owned(),
            found: node.kind(),
        }
        .into()),
        (OpenMode::Append, Some(Node::Group(_))) if array.is_some() => Err(CoreError::Exists {
            path: path.as_str().to_owned(),
            found: "a group",
        }
        .into()),
        (OpenMode::Read, Some(node)) => Ok(read_only(node)),
        (OpenMode::Update | OpenMode::Append, Some(node)) => Ok(node),
        (OpenMode::Append | OpenMode::Write | OpenMode::Exclusive, _) => {
            let new = array.map_or(New::Group, |(shape, dtype)| New::Array { shape, dtype });
            create(store, path, new, creation, options)
        }
    }
}

/// Creates an array; whatever is at its path is erased first if `overwrite` says so.
///
/// # Errors
/// [`CoreError::Exists`] when something is there that may not be erased; [`Error::Argument`].
pub fn create_array(
    store: &Arc<dyn Store>,
    path: &NodePath,
    (shape, dtype): (&[u64], &Value),
    overwrite: bool,
    (creation, options): (&Creation, &Options),
) -> Result<Array> {
    let mode = if overwrite {
        OpenMode::Write
    } else {
        OpenMode::Exclusive
    };
    match open(store, path, mode, Some((shape, dtype)), (creation, options))? {
        Node::Array(array) => Ok(array),
        Node::Group(_) => unreachable!("an array was asked for"),
    }
}

/// Creates a group; whatever is at its path is erased first if `overwrite` says so.
///
/// # Errors
/// [`CoreError::Exists`] when something is there that may not be erased.
pub fn create_group(
    store: &Arc<dyn Store>,
    path: &NodePath,
    overwrite: bool,
    (creation, options): (&Creation, &Options),
) -> Result<Group> {
    let mode = if overwrite {
        OpenMode::Write
    } else {
        OpenMode::Exclusive
    };
    match open(store, path, mode, None, (creation, options))? {
        Node::Group(group) => Ok(group),
        Node::Array(_) => unreachable!("a group was asked for"),
    }
}

/// Creates a node in the place of whatever is there.
fn create(
    store: &Arc<dyn Store>,
    path: &NodePath,
    new: New<'_>,
    creation: &Creation,
    options: &Options,
) -> Result<Node> {
    // What makes no sense is found before anything is erased.
    let builder = match new {
        New::Group => None,
        New::Array { shape, dtype } => Some(creation.builder(shape.to_vec(), dtype)?),
    };
    if let Some(builder) = &builder {
        builder.clone().prepare(Arc::clone(store), path, options)?;
    }
    let format = creation.zarr_format.unwrap_or(ZarrFormat::V2);
    replace_array_parents(store, path, options)?;
    create_parents(store, path, format, options)?;
    clear(store.as_ref(), path)?;
    match builder {
        Some(builder) => Ok(Node::Array(builder.create(Arc::clone(store), path, options)?)),
        None => Ok(Node::Group(Group::create(
            Arc::clone(store),
            path,
            format,
            options,
        )?)),
    }
}

/// Erases an array that is where a group above a new node has to be.
fn replace_array_parents(store: &Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<()> {
    let mut parent = path.parent();
    while let Some(path) = parent {
        if let Some(Node::Array(_)) = Node::find(store, &path, options, None)? {
            return Err(CoreError::Exists {
                path: path.as_str().to_owned(),
                found: "an array",
            }
            .into());
        }
        parent = path.parent();
    }
    Ok(())
}

/// Erases everything at and below a path, the root included.
pub(crate) fn clear(store: &dyn Store, path: &NodePath) -> Result<()> {
    if !path.is_root() {
        return Ok(erase_node(store, path)?);
    }
    let listing = store.list_dir(path.prefix())?;
    listing.keys.iter().try_for_each(|key| store.erase(key))?;
    listing
        .prefixes
        .iter()
        .try_for_each(|prefix| store.erase_prefix(prefix))?;
    Ok(())
}

pub(crate) fn read_only(node: Node) -> Node {
    match node {
        Node::Array(array) => Node::Array(array.with_options(|options| options.read_only = true)),
        Node::Group(group) => Node::Group(group.with_options(|options| options.read_only = true)),
    }
}
