//! Reading and writing HDF5 files, in the words of HDF5.
//!
//! Nothing in here knows of Zarr. A [`File`] has [`Group`]s, whose [`Link`]s lead to objects;
//! a [`Dataset`] describes itself in a [`DatasetInfo`] and is read by region or by stored chunk.
//! Values come as the bytes the file has, in the file's own data type; nothing is converted.
//!
//! All calls into the HDF5 library happen under the one lock that the `hdf5` crate keeps for it, so everything
//! here may be used from any thread; reading stored chunks does not take the lock.
//! Other files that a file refers to are not opened: external links, external raw data and virtual datasets
//! are reported as what they are, and reading through them is an error. Of virtual datasets and raw data that lie beneath
//! directories which are named ([`File::allowing_external`]) the values are read.
//! Filters are never loaded from plugins; those of this program may be given to the library instead.
//!
//! The HDF5 library itself is not safe on files made to harm: it may loop for ever or crash.
//! Files of unknown origin belong into a process of their own.

mod attribute;
mod chunk_index;
mod dataset;
mod datatype;
mod error;
mod file;
mod file_space;
mod filter_code;
mod group;
mod growing;
mod item;
mod layout;
mod libhdf5;
mod name;
mod outside;
mod several;
mod write;

pub use attribute::{Attribute, Values};
pub use chunk_index::{Chunk, ChunkIndex};
pub use dataset::{Dataset, DatasetInfo, Dataspace};
pub use datatype::{
    Charset, Datatype, EnumMember, Field, FloatForm, Norm, NumberForm, NumberKind, ReferenceKind,
    StringPadding,
};
pub use error::{Error, Result};
pub use file::{File, NamedType, Object, UserBlock, is_hdf5};
pub use file_space::{FileSpace, Strategy};
pub(crate) use filter_code::{FilterCode, register_filters};
pub use group::{Group, Link, LinkKind, ObjectKind};
pub use item::{Area, Item, Referent, Target};
pub use layout::{AllocationTime, FillTime, FillValue, Filter, Layout, Times};
pub use name::Name;
pub(crate) use write::{ChunkWriter, Draft, Later, NewAttribute, NewDataset, NewLink, Writer};
