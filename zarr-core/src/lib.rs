#![doc = include_str!("../README.md")]

mod array;
mod attributes;
mod builder;
mod by_shape;
mod chunk_copy;
mod chunk_edges;
mod chunk_grid;
mod chunk_key;
mod consolidated;
mod cut;
mod dimension_names;
mod element;
mod error;
mod excerpt_read;
mod fetch;
mod fields;
mod fixed;
mod gather;
mod given;
mod group;
mod hierarchy;
mod kept_indices;
mod listing;
mod locks;
mod mask_value;
mod members;
mod memory;
/// What the documents of a hierarchy say.
pub mod metadata;
mod migrate;
mod n5;
mod new_node;
mod new_shard;
mod number_arrays;
mod options;
mod output;
mod partial_read;
mod path;
mod points;
mod projection;
mod raw_read;
mod read;
mod record;
mod region;
mod rename;
mod replace;
mod resize;
mod resolve;
mod rows;
mod selection;
mod selection_text;
mod shard_pieces;
mod shard_read;
mod shard_write;
mod shards;
mod stored;
mod turns;
mod view;
mod workers;
mod write;

pub use array::Array;
pub use attributes::Attributes;
pub use builder::ArrayBuilder;
pub use chunk_edges::ChunkEdges;
pub use chunk_grid::{ChunkGrid, RectilinearGrid, guess_chunk_shape};
pub use chunk_key::ChunkKeyEncoding;
pub use consolidated::{
    CONSOLIDATED_KEY, ConsolidatedMetadata, ConsolidatedStore, Difference, Freshness, consolidated_groups,
    outdate, outdate_above, outdate_group, without_inline,
};
pub use dimension_names::{DIMENSIONS_ATTRIBUTE, DimensionNames, put_dimension_names, take_dimension_names};
pub use element::{ArrayData, Element, Fill, Take};
pub use error::Error;
pub use gather::{ChunkSource, ChunkedShape, gather};
pub use given::Values;
pub use group::Group;
pub use hierarchy::{Node, create_parents, erase_node, walk};
pub use listing::{list_keys, walk_folders};
pub use mask_value::{MASK_ATTRIBUTE, mask_from_v3, mask_to_v3};
pub use metadata::{ArrayMetadata, GroupMetadata, Order, ZarrFormat};
pub use migrate::document_names;
pub use n5::N5Store;
pub use options::Options;
pub use path::NodePath;
pub use record::{Record, RecordMut};
pub use region::{Extent, Points, Positions, Region};
pub use replace::{clear, put_tree};
pub use rows::Rows;
pub use selection::{IndexArray, Selection, SelectionItem};
pub use stored::StoredExtent;
pub use turns::{Turn, Turns};
pub use view::ViewOptions;
pub use workers::Workers;
pub use zarr_codecs as codecs;
use zarr_codecs::strided;
pub use zarr_codecs::time;
pub use zarr_store as store;

/// The examples of the page for users of `NumPy`, which are run with the others.
#[cfg(doctest)]
#[doc = include_str!("../../docs/numpy-users.md")]
mod numpy_users {}

/// The result of an operation on nodes.
pub type Result<T, E = Error> = std::result::Result<T, E>;
