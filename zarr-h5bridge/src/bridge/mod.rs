//! HDF5 files as sources and destinations: what their objects are in the words of Zarr.

mod array;
mod attributes;
mod block;
mod chunk_store;
mod chunks;
mod clean;
mod copying;
mod datatype;
mod direct;
mod fill;
mod filters;
mod links;
mod lost;
mod new_attribute;
mod new_dataset;
mod new_filters;
mod original;
mod picking;
mod serve;
mod sink;
mod source;
mod times;
mod twin;
mod type_json;
mod values;

pub use serve::{Hdf5Store, ReferenceOptions, ReferenceReport, write_references};
pub use sink::Hdf5Sink;
pub use source::Hdf5Source;
