//! What a format must offer so that verbs can read and write it.
//!
//! Zarr is one such format; HDF5 is another, in a crate of its own.
//! Every verb reads and writes through these traits, so it exists once for all formats.

use std::{borrow::Cow, collections::HashSet, fmt::Debug, sync::Arc};

use serde_json::{Map, Value};
use zarr_core::{
    Array, ArrayBuilder, ArrayData, ChunkGrid, NodePath, Selection, Workers,
    codecs::{ByteOrder, DataType, FillValue},
    store::Bytes,
};

use crate::{Budget, Cancel, Creation, Plan, Result, Route, StepLedger, numpy_text::data_type_text};

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

    /// The first name of a group, if this is another one of it: groups with several names are copied under each.
    ///
    /// # Errors
    /// When the group cannot be opened.
    fn first_name(&self, group: &NodePath) -> Result<Option<NodePath>> {
        let _ = group;
        Ok(None)
    }

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
    /// What is carried over in another form than it has in the source.
    pub kept: Vec<Kept>,
    /// The one in which a source keeps what only its own format has; others need not have it.
    pub reserved: Option<&'static str>,
}

/// Something that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// What: the path of a node, and the name of an attribute behind `@`.
    pub what: String,
    /// Why.
    pub reason: String,
}

/// Something that is carried over in another form than it has in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What: the path of a node, and the name of an attribute behind `@`.
    pub what: String,
    /// How.
    pub fate: Fate,
    /// In what form, and where the rest is kept.
    pub reason: String,
}

/// How something fared that is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It has another form, from which a copy back makes what it was.
    Mapped,
    /// Its bytes are kept as they were.
    Raw,
}

impl Fate {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mapped => "mapped",
            Self::Raw => "raw",
        }
    }
}

/// An array of a source.
pub trait SourceArray: Debug + Send + Sync {
    /// Where the array is.
    fn path(&self) -> &NodePath;

    /// The number of elements in each dimension.
    fn shape(&self) -> &[u64];

    /// The type of the elements, as [`SourceArray::read`] gives them; see [`SourceArray::settle`].
    fn data_type(&self) -> &DataType;

    /// Looks at the elements where only they tell the type, so that [`SourceArray::data_type`] is final.
    ///
    /// # Errors
    /// When they cannot be read.
    fn settle(&self) -> Result<()> {
        Ok(())
    }

    /// The byte order of stored elements.
    fn byte_order(&self) -> ByteOrder;

    /// The text of the data type in logs and trees.
    fn data_type_text(&self) -> String {
        data_type_text(self.data_type(), self.byte_order())
    }

    /// What elements are that were never written; `None` if nothing says so.
    fn fill_value(&self) -> Option<&FillValue> {
        None
    }

    /// The shape of a chunk, the longest length in each dimension where they differ; `None` if the array is stored in one
    /// piece.
    fn chunk_shape(&self) -> Option<&[u64]>;

    /// The grid of the chunks; `None` if the array is stored in one piece.
    fn chunk_grid(&self) -> Option<ChunkGrid> {
        match self.as_zarr() {
            Some(array) => Some(array.metadata().chunk_grid.clone()),
            None => self.chunk_shape().map(|chunk_shape| ChunkGrid::Regular {
                chunk_shape: chunk_shape.to_vec(),
            }),
        }
    }

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

    /// What tells the present values of a part from those it had before, found without reading it.
    ///
    /// `None` when the source cannot tell; the part is then copied again when a copy is continued.
    ///
    /// # Errors
    /// When the source should be able to tell and is not.
    fn generation(&self, start: &[u64], shape: &[u64]) -> Result<Option<u64>> {
        let _ = (start, shape);
        Ok(None)
    }

    /// The array itself, for a sink of its own format, which may carry over what Zarr has no words for.
    fn as_any(&self) -> Option<&dyn std::any::Any> {
        None
    }

    /// The array itself, if it is Zarr.
    fn as_zarr(&self) -> Option<&Array> {
        None
    }

    /// The Zarr array whose chunks, as they are encoded, are those of this one; else why there is none.
    ///
    /// Its store has nothing in it unless the array is Zarr itself; [`SourceArray::stored_chunk`] has the chunks.
    ///
    /// # Errors
    /// The reason, in the middle of a sentence.
    fn stored_as(&self) -> Result<Cow<'_, Array>, String> {
        Err("the source is not stored as Zarr".to_owned())
    }

    /// A chunk as it is stored, in the encoding of [`SourceArray::stored_as`].
    ///
    /// With `proven`, a source that does not take its own chunks for sound has seen that this one decodes.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    fn stored_chunk(&self, chunk: &[u64], proven: bool) -> Result<StoredChunk> {
        let _ = (chunk, proven);
        Ok(StoredChunk::Otherwise)
    }
}

/// A chunk of a source as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredChunk {
    /// It was never written.
    Missing,
    /// Its bytes.
    Encoded(Bytes),
    /// It is encoded otherwise than the others, so that its values must be read.
    Otherwise,
}

/// A hierarchy that copies go into.
pub trait Sink: Debug + Send + Sync {
    /// The group that copies go into, or the place that a copy takes.
    fn root(&self) -> &NodePath;

    /// Whether a copy takes the place of the root itself, instead of going into it under a name.
    fn is_place(&self) -> bool {
        false
    }

    /// What is at a path; `None` if nothing is.
    ///
    /// # Errors
    /// When something is there and cannot be opened.
    fn find(&self, path: &NodePath) -> Result<Option<Found>>;

    /// Checks that the sink can tell whether arrays are complete, before any is looked for.
    ///
    /// # Errors
    /// When it cannot.
    fn check_tells_complete(&self) -> Result<()> {
        Ok(())
    }

    /// Whether all chunks of an array are stored.
    ///
    /// # Errors
    /// When the sink cannot tell.
    fn is_complete(&self, path: &NodePath) -> Result<bool>;

    /// How an array with these attributes would be copied with so much memory for buffers, or why the sink has no
    /// form for it.
    ///
    /// # Errors
    /// When what is asked of the copy makes no sense.
    fn prospect(
        &self,
        array: &dyn SourceArray,
        attributes: &Map<String, Value>,
        creation: &Creation,
        memory: Option<u64>,
    ) -> Result<Prospect>;

    /// Is told what will be put, before anything is.
    ///
    /// # Errors
    /// When the sink cannot be made ready.
    fn begin(&self, plan: &Plan) -> Result<()> {
        let _ = plan;
        Ok(())
    }

    /// Makes a group, or takes the one that is there, and adds attributes to it; gives what it cannot hold.
    ///
    /// # Errors
    /// When an array is in the way and is not to be replaced, and when the sink fails.
    fn put_group(&self, path: &NodePath, attributes: Map<String, Value>, how: &How<'_>) -> Result<Vec<Lost>>;

    /// Makes a copy of an array and its attributes; gives what it cannot hold.
    ///
    /// The copy is seen when it is complete.
    ///
    /// # Errors
    /// When either side fails; what was there before is then as it was, where the sink can do that.
    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>>;

    /// Does what had to wait until all was put; gives what the sink cannot hold.
    ///
    /// # Errors
    /// When the sink fails.
    fn finish(&self) -> Result<Vec<Lost>> {
        Ok(Vec::new())
    }

    /// Makes what was put visible to others, and durable where the sink can.
    ///
    /// # Errors
    /// What was put since the last flush may not be visible.
    fn flush(&self) -> Result<()>;

    /// The store behind the sink, if it is Zarr: for finding out whether two nodes are the same.
    fn zarr_store(&self) -> Option<&Arc<dyn zarr_core::store::Store>> {
        None
    }
}

/// What is at a path of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// An array.
    Array,
    /// A group.
    Group,
}

/// What a sink says of an array before it is copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prospect {
    /// It would go this way.
    Route(Route),
    /// The sink has no form for it; why.
    Refusal(String),
}

/// How a node is put into a sink.
#[derive(Clone, Copy)]
pub struct How<'a> {
    /// What is to be other than in the source.
    pub creation: &'a Creation,
    /// How many threads may work at once.
    pub workers: Workers,
    /// Whether what is there gives way.
    pub replaces: bool,
    /// Counts the memory of buffers, and limits it.
    pub budget: &'a Budget,
    /// Says whether to stop.
    pub cancel: &'a Cancel,
    /// What is done of the node, where a copy can be continued.
    pub ledger: Option<StepLedger<'a>>,
    /// Is told how many bytes of values were just done; called from several threads.
    pub progress: &'a (dyn Fn(u64) + Sync),
}

impl Debug for How<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("How")
            .field("replaces", &self.replaces)
            .finish_non_exhaustive()
    }
}
