//! Data types that are objects of a file.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5t::{H5Tcommit_anon, H5Tcommitted};

use super::{Called, Handle, address, called};

/// The address of a type that is an object of the file; `None` for the others.
pub(in crate::hdf5) fn committed_address(datatype: &Handle) -> Called<Option<u64>> {
    // SAFETY: the type is open.
    let is_committed = called(|| unsafe { H5Tcommitted(datatype.0) })? > 0;
    is_committed.then(|| address(datatype)).transpose()
}

/// Makes a type an object without a name, which is gone with the file unless it is linked or used.
pub(in crate::hdf5) fn commit_unnamed(file: &Handle, datatype: &Handle) -> Called<()> {
    // SAFETY: both are open.
    called(|| unsafe { H5Tcommit_anon(file.0, datatype.0, H5P_DEFAULT, H5P_DEFAULT) }).map(drop)
}
