//! HDF5 files as sources: what their objects are in the words of Zarr.

mod array;
mod attributes;
mod chunks;
mod clean;
mod datatype;
mod links;
mod lzf;
mod source;

pub use source::Hdf5Source;
