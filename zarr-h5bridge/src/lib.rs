//! HDF5 files as a source of Zarr hierarchies.
