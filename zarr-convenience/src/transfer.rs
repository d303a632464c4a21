//! What a format must offer so that verbs can read it.
//!
//! Zarr is one such format; HDF5 is another, in a crate of its own.
//! Every verb that reads (`copy`, `copy_all`, `tree`, `digest`, `info`) does so through these traits, so it
//! exists once for all formats.

use std::{collections::HashSet, fmt::Debug, sync::Arc};

use serde_json::{Map, Value};
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Selection, Workers,
    codecs::{ByteOrder, DataType},
};

use crate::{Error, Result, numpy_text::data_type_text};

/// A hierarchy that can be read.
pub trait Source: Debug + Send + Sync {
    /// The words for a node in errors: the file or store, and the path.
    fn describe(&self, path: &NodePath) -> String;

    /// Opens the node at a path; `None` if nothing is there.
    ///
    /// # Errors
    /// When a node is there and cannot be opened.
    fn node(&self, path: &NodePath) -> Result<Option<SourceNode>>;

    /// The nodes directly below a group, in the order in which they are copied and shown.
    ///
    /// # Errors
    /// When the listing would be incomplete.
    fn members(&self, group: &NodePath) -> Result<Vec<SourceNode>>;

    /// The attributes of a node.
    ///
    /// # Errors
    /// When they cannot be read.
    fn attributes(&self, node: &SourceNode) -> Result<Attributes>;

    /// The store behind the source, if it is Zarr: for finding out whether two nodes are the same.
    fn zarr_store(&self) -> Option<&Arc<dyn zarr_core::store::Store>> {
        None
    }
}

/// A node of a source.
#[derive(Debug, Clone)]
pub enum SourceNode {
    /// A group.
    Group(NodePath),
    /// An array.
    Array(Arc<dyn SourceArray>),
    /// Something that is shown in a tree and not copied: a broken link, a named type.
    Other {
        /// Where it is.
        path: NodePath,
        /// What it is, in a few words.
        what: String,
    },
}

impl SourceNode {
    /// Where the node is.
    pub fn path(&self) -> &NodePath {
        match self {
            Self::Group(path) | Self::Other { path, .. } => path,
            Self::Array(array) => array.path(),
        }
    }
}

/// The attributes of a node, as JSON can hold them.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// The attributes.
    pub members: Map<String, Value>,
    /// Those that JSON cannot hold, each with the reason.
    pub lost: Vec<Lost>,
}

/// Something that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What: the path of a node, and the name of an attribute behind `@`.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// An array of a source.
pub trait SourceArray: Debug + Send + Sync {
    /// Where the array is.
    fn path(&self) -> &NodePath;

    /// The number of elements in each dimension.
    fn shape(&self) -> &[u64];

    /// The type of the elements, as [`SourceArray::read`] gives them.
    fn data_type(&self) -> &DataType;

    /// The byte order of stored elements.
    fn byte_order(&self) -> ByteOrder;

    /// The text of the data type in logs and trees.
    fn data_type_text(&self) -> String {
        data_type_text(self.data_type(), self.byte_order())
    }

    /// The shape of a chunk; `None` if the array is stored in one piece.
    fn chunk_shape(&self) -> Option<&[u64]>;

    /// How a Zarr array that holds the same is made.
    ///
    /// # Errors
    /// When no Zarr array can hold it; the error says why.
    fn builder(&self) -> Result<ArrayBuilder>;

    /// Reads a part.
    ///
    /// # Errors
    /// When the selection does not lie in the array, and when data are damaged.
    fn read(&self, selection: &Selection, workers: Workers) -> Result<ArrayData>;

    /// The positions of the chunks that were ever written; `None` if that is not known.
    ///
    /// # Errors
    /// When the listing would be incomplete.
    fn stored_chunks(&self) -> Result<Option<HashSet<Vec<u64>>>> {
        Ok(None)
    }

    /// The array itself, if it is Zarr; its chunks may then be moved as they are.
    fn as_zarr(&self) -> Option<&Array> {
        None
    }
}

/// A Zarr hierarchy as a source.
#[derive(Debug, Clone)]
pub struct ZarrSource {
    root: Node,
}

impl ZarrSource {
    /// Takes a node; paths are those of its store.
    pub const fn new(root: Node) -> Self {
        Self { root }
    }

    /// The node that was taken, as the source shows it.
    pub fn root(&self) -> SourceNode {
        source_node(self.root.clone())
    }
}

fn source_node(node: Node) -> SourceNode {
    match node {
        Node::Group(group) => SourceNode::Group(group.path().clone()),
        Node::Array(array) => SourceNode::Array(Arc::new(ZarrArray(array))),
    }
}

impl ZarrSource {
    fn parts(&self) -> (&Arc<dyn zarr_core::store::Store>, &zarr_core::Options) {
        match &self.root {
            Node::Array(array) => (array.store(), array.options()),
            Node::Group(group) => (group.store(), group.options()),
        }
    }

    fn find(&self, path: &NodePath) -> Result<Option<Node>> {
        let (store, options) = self.parts();
        Ok(Node::find(store, path, options, None)?)
    }
}

impl Source for ZarrSource {
    fn describe(&self, path: &NodePath) -> String {
        self.parts().0.describe(path.as_str())
    }

    fn node(&self, path: &NodePath) -> Result<Option<SourceNode>> {
        Ok(self.find(path)?.map(source_node))
    }

    fn members(&self, group: &NodePath) -> Result<Vec<SourceNode>> {
        let (store, options) = self.parts();
        let group = Group::open(Arc::clone(store), group, options)?;
        Ok(group.members()?.into_iter().map(source_node).collect())
    }

    fn attributes(&self, node: &SourceNode) -> Result<Attributes> {
        let found = self.find(node.path())?;
        let members = found.map_or_else(|| Ok(Map::new()), |node| node.attributes())?;
        Ok(Attributes {
            members,
            lost: Vec::new(),
        })
    }

    fn zarr_store(&self) -> Option<&Arc<dyn zarr_core::store::Store>> {
        Some(self.parts().0)
    }
}

/// An array of a Zarr hierarchy.
#[derive(Debug)]
struct ZarrArray(Array);

impl SourceArray for ZarrArray {
    fn path(&self) -> &NodePath {
        self.0.path()
    }

    fn shape(&self) -> &[u64] {
        self.0.shape()
    }

    fn data_type(&self) -> &DataType {
        self.0.data_type()
    }

    fn byte_order(&self) -> ByteOrder {
        self.0.metadata().codecs.byte_order()
    }

    fn chunk_shape(&self) -> Option<&[u64]> {
        Some(self.0.chunk_shape())
    }

    fn builder(&self) -> Result<ArrayBuilder> {
        Ok(ArrayBuilder::like(&self.0))
    }

    fn read(&self, selection: &Selection, workers: Workers) -> Result<ArrayData> {
        let array = self.0.clone().with_options(|options| options.workers = workers);
        array.read_data(selection).map_err(Error::from)
    }

    fn stored_chunks(&self) -> Result<Option<HashSet<Vec<u64>>>> {
        if !self.0.store().capabilities().lists {
            return Ok(None);
        }
        Ok(Some(self.0.stored_chunks()?.into_iter().collect()))
    }

    fn as_zarr(&self) -> Option<&Array> {
        Some(&self.0)
    }
}
