//! The convenience functions of zarr-python 2: open, save, load, copy, copy_all, tree.
