//! `open` and the making of nodes (`v2-semantics` 2).

use std::sync::Arc;

use serde_json::Value;
use zarr_core::{
    Array, ArrayBuilder, Error as CoreError, Group, Node, NodePath, Options, ZarrFormat,
    codecs::{CodecError, DataType},
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

/// Opens a node, or creates it as the mode says: an array if there is a shape, else a group.
///
/// # Errors
/// [`CoreError::NotFound`] or [`CoreError::Exists`] as the mode says, what may be wrong with the node, and for an array
/// that is there already what [`check_codecs`] says. [`Node::open`] asks nothing of codecs.
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
        (OpenMode::Read | OpenMode::Update | OpenMode::Append, Some(node)) => {
            if let Node::Array(array) = &node {
                check_codecs(array)?;
            }
            Ok(if mode == OpenMode::Read {
                read_only(node)
            } else {
                node
            })
        }
        (OpenMode::Append | OpenMode::Write | OpenMode::Exclusive, _) => {
            let format = creation.zarr_format.unwrap_or(ZarrFormat::V2);
            let store = Arc::clone(store);
            match (array, mode == OpenMode::Write) {
                (Some((shape, dtype)), true) => {
                    let builder = creation.builder(shape, dtype)?;
                    Ok(Node::Array(builder.replace(store, path, options)?))
                }
                (Some((shape, dtype)), false) => {
                    let builder = creation.builder(shape, dtype)?;
                    Ok(Node::Array(builder.create(store, path, options)?))
                }
                (None, true) => Ok(Node::Group(Group::replace(store, path, format, options)?)),
                (None, false) => Ok(Node::Group(Group::create(store, path, format, options)?)),
            }
        }
    }
}

/// Checks what zarr-python checks when it opens an array: that its codecs exist, and that objects have one.
///
/// That they can decode the elements is not asked, nor are codecs that are never decoded refused here. Arrays of
/// codecs that do not exist can still be listed, described and copied as they are; [`Array::open`] opens them.
///
/// # Errors
/// [`CoreError::Codecs`] for a codec that does not exist or whose configuration makes no sense, and
/// [`CoreError::Metadata`] for objects without a codec.
///
/// ```
/// use std::sync::Arc;
/// use zarr_convenience::{check_codecs, core::{Array, NodePath, Options, store::{MemoryStore, Store, StoreKey}}};
/// let store = Arc::new(MemoryStore::new());
/// let document = br#"{"zarr_format": 2, "shape": [3], "chunks": [3], "dtype": "<i4", "fill_value": 0, "order": "C",
///     "filters": null, "compressor": {"id": "acme"}}"#;
/// store.set(&StoreKey::new(".zarray")?, document)?;
/// let array = Array::open(store, &NodePath::root(), &Options::default())?;
/// assert!(check_codecs(&array).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_codecs(array: &Array) -> Result<()> {
    let (metadata, registry) = (array.metadata(), &array.options().registry);
    let document = || array.store().describe(array.path().as_str());
    for codec in metadata
        .codecs
        .list()
        .iter()
        .filter(|codec| !registry.ignores(codec))
    {
        match registry.build(codec) {
            Ok(_) | Err(CodecError::Refused { .. }) => {}
            Err(source) => {
                return Err(CoreError::Codecs {
                    array: array.path().to_string(),
                    document: document(),
                    source,
                }
                .into());
            }
        }
    }
    let is_object = matches!(array.data_type(), DataType::Unknown { json, .. } if json == "|O");
    let filters = metadata
        .codecs
        .to_v2(registry)
        .ok()
        .and_then(|codecs| codecs.filters);
    if is_object && filters.is_none_or(|filters| filters.is_empty()) {
        return Err(CoreError::Metadata {
            document: document(),
            pointer: "/filters".to_owned(),
            reason: "is without a codec for objects".to_owned(),
        }
        .into());
    }
    Ok(())
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

/// Creates the array of a builder; whatever is at its path is erased first if `overwrite` says so, and an
/// array above it gives way to a group.
///
/// # Errors
/// [`CoreError::Exists`] when something is there that may not be erased; those of [`ArrayBuilder::prepare`].
pub fn build_array(
    store: &Arc<dyn Store>,
    path: &NodePath,
    builder: ArrayBuilder,
    overwrite: bool,
    options: &Options,
) -> Result<Array> {
    let store = Arc::clone(store);
    if overwrite {
        Ok(builder.replace(store, path, options)?)
    } else {
        Ok(builder.create(store, path, options)?)
    }
}

pub(crate) fn read_only(node: Node) -> Node {
    match node {
        Node::Array(array) => Node::Array(array.with_options(|options| options.read_only = true)),
        Node::Group(group) => Node::Group(group.with_options(|options| options.read_only = true)),
    }
}
