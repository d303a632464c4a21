//! HDF5 files as a source of Zarr hierarchies.
//!
//! [`hdf5`] speaks HDF5 and knows nothing of Zarr.

pub mod hdf5;
