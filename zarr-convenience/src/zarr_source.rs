//! Zarr as a source of copies.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use serde_json::Map;
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Selection, Workers,
    codecs::{ByteOrder, DataType, FillValue},
};

use crate::{Attributes, Error, Result, Source, SourceArray, SourceNode, StoredChunk, ledger::generation_of};

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
        let members = match &self.root {
            Node::Group(root) => root.members_of(group)?,
            Node::Array(array) => {
                let group = Group::open(Arc::clone(array.store()), group, array.options())?;
                group.members()?
            }
        };
        Ok(members.into_iter().map(source_node).collect())
    }

    fn attributes(&self, node: &SourceNode) -> Result<Attributes> {
        let found = self.find(node.path())?;
        let members = found.map_or_else(|| Ok(Map::new()), |node| node.attributes())?;
        Ok(Attributes {
            members,
            ..Attributes::default()
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

    fn fill_value(&self) -> Option<&FillValue> {
        self.0.fill_value()
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
        if !self.0.store().capabilities().lists_chunks {
            return Ok(None);
        }
        Ok(Some(self.0.stored_chunks()?.into_iter().collect()))
    }

    /// By the generations of the chunks of the part; of a server nothing is asked, for it answers as late as if the chunk
    /// were read.
    fn generation(&self, start: &[u64], shape: &[u64]) -> Result<Option<u64>> {
        if self.0.store().io_hints().is_far() {
            return Ok(None);
        }
        let grid = &self.0.metadata().chunk_grid;
        let first = start.iter().enumerate();
        let first: Vec<_> = first
            .map(|(dimension, at)| grid.chunk_of(dimension, *at))
            .collect();
        let ends = start.iter().zip(shape).enumerate();
        let ends: Vec<_> = ends
            .map(|(dimension, (at, length))| grid.chunk_of(dimension, (at + length).max(1) - 1) + 1)
            .collect();
        let mut generations = Vec::new();
        let mut chunk = first.clone();
        loop {
            let key = self.0.chunk_key(&chunk)?;
            // A chunk that is missing has a generation too: none, which ends when it is written.
            let found = self.0.store().generation(&key)?;
            if found.is_none() && self.0.store().size(&key)?.is_some() {
                return Ok(None);
            }
            generations.extend(found.unwrap_or_default().to_le_bytes());
            let Some(dimension) = (0..chunk.len()).rfind(|&d| chunk[d] + 1 < ends[d]) else {
                break;
            };
            chunk[dimension] += 1;
            chunk[dimension + 1..].copy_from_slice(&first[dimension + 1..]);
        }
        Ok(Some(generation_of(&generations)))
    }

    fn as_zarr(&self) -> Option<&Array> {
        Some(&self.0)
    }

    fn stored_as(&self) -> Result<Cow<'_, Array>, String> {
        Ok(Cow::Borrowed(&self.0))
    }

    fn stored_chunk(&self, chunk: &[u64], _: bool) -> Result<StoredChunk> {
        let encoded = self.0.read_encoded_chunk(chunk)?;
        Ok(encoded.map_or(StoredChunk::Missing, StoredChunk::Encoded))
    }
}
