//! An HDF5 file as a store of Zarr V2, and as a document of references.

mod array;
mod document;
mod store;

pub use document::{ReferenceOptions, ReferenceReport, write_references};
pub use store::Hdf5Store;
