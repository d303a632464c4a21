//! How a file manages its room: properties that it is made with.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::c_int;

use hdf5_sys::h5::{hbool_t, herr_t, hsize_t};
use hdf5_sys::h5f::H5Fget_create_plist;
use hdf5_sys::h5i::hid_t;

use super::super::file_space::{FileSpace, Strategy};
use super::{Called, Handle, called, own};

// The bindings have them for newer versions of the library alone; the strategy is an enumeration of C.
unsafe extern "C" {
    fn H5Pset_file_space_strategy(
        list: hid_t,
        strategy: c_int,
        persists: hbool_t,
        threshold: hsize_t,
    ) -> herr_t;
    fn H5Pget_file_space_strategy(
        list: hid_t,
        strategy: *mut c_int,
        persists: *mut hbool_t,
        threshold: *mut hsize_t,
    ) -> herr_t;
    fn H5Pset_file_space_page_size(list: hid_t, size: hsize_t) -> herr_t;
    fn H5Pget_file_space_page_size(list: hid_t, size: *mut hsize_t) -> herr_t;
}

/// The strategies, by the numbers that the library has for them.
const STRATEGIES: [Strategy; 4] = [
    Strategy::Managed,
    Strategy::Pages,
    Strategy::Aggregated,
    Strategy::Appended,
];

/// How a file manages its room; `None` for a strategy without a name.
pub(in crate::hdf5) fn file_space(file: &Handle) -> Called<Option<FileSpace>> {
    // SAFETY: the file is open.
    let list = own(|| unsafe { H5Fget_create_plist(file.0) })?;
    let (mut strategy, mut persists, mut threshold, mut page_size) = (0, hbool_t::default(), 0, 0);
    // SAFETY: the list is open and a file's, and the pointers are to room for the answers; so below.
    called(|| unsafe {
        H5Pget_file_space_strategy(list.0, &raw mut strategy, &raw mut persists, &raw mut threshold)
    })?;
    // SAFETY: as above.
    called(|| unsafe { H5Pget_file_space_page_size(list.0, &raw mut page_size) })?;
    let strategy = usize::try_from(strategy)
        .ok()
        .and_then(|number| STRATEGIES.get(number));
    Ok(strategy.map(|strategy| FileSpace {
        strategy: *strategy,
        persists: persists != hbool_t::default(),
        threshold,
        page_size,
    }))
}

/// Lets a new file manage its room so.
pub(super) fn set_file_space(list: &Handle, space: &FileSpace) -> Called<()> {
    let number = STRATEGIES.iter().position(|strategy| *strategy == space.strategy);
    let number = number
        .and_then(|number| c_int::try_from(number).ok())
        .unwrap_or(0);
    let persists = hbool_t::from(space.persists);
    // SAFETY: the list is open and a file's; so below.
    called(|| unsafe { H5Pset_file_space_strategy(list.0, number, persists, space.threshold) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Pset_file_space_page_size(list.0, space.page_size) }).map(drop)
}
