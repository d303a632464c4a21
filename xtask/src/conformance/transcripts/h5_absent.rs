//! Stands for HDF5 in builds without it.

use std::path::Path;

use zarr_convenience::{Sink, Source, SourceNode};

use super::{
    Operation,
    outcome::{Fault, Outcome},
};

/// The operations on HDF5 files of this build.
pub(super) const OPERATIONS: &[(&str, Operation)] = &[];

/// A node of an HDF5 file, as something that can be copied and drawn.
pub(super) fn source(_: &Path, _: &str) -> Outcome<(Box<dyn Source>, SourceNode)> {
    Err(Fault::unsupported("reading HDF5"))
}

/// A group of an HDF5 file that copies go into.
pub(super) fn sink(_: &Path, _: &str, _: bool) -> Outcome<Box<dyn Sink>> {
    Err(Fault::unsupported("writing HDF5"))
}
