//! Zarr arrays and groups, versions 2 and 3.
