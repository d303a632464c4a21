//! When a dataset gets its room and its fill values, and whether objects have times of their own.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::c_int;

use hdf5_sys::h5d::{H5D_alloc_time_t, H5D_fill_time_t};
use hdf5_sys::h5p::{
    H5Pget_alloc_time, H5Pget_fill_time, H5Pget_obj_track_times, H5Pset_alloc_time, H5Pset_fill_time,
    H5Pset_obj_track_times,
};

use super::super::layout::{AllocationTime, FillTime, Times};
use super::{Called, Handle, called};

/// Asks for a number that the binding has an enumeration for, which a damaged file must not make.
fn number(get: impl FnOnce(*mut c_int) -> c_int) -> Called<c_int> {
    let mut number: c_int = 0;
    called(|| get(&raw mut number))?;
    Ok(number)
}

/// What the properties of a dataset say of times.
pub(in crate::hdf5) fn times(properties: &Handle) -> Called<Times> {
    // SAFETY: the list is open and a dataset's, and the pointer is to room for a number, which an
    // enumeration of C is; so below.
    let allocation = number(|into| unsafe { H5Pget_alloc_time(properties.0, into.cast()) })?;
    // SAFETY: as above.
    let fill = number(|into| unsafe { H5Pget_fill_time(properties.0, into.cast()) })?;
    let mut are_tracked = 0;
    // SAFETY: the list is open, and the pointer is to room for the answer.
    called(|| unsafe { H5Pget_obj_track_times(properties.0, &raw mut are_tracked) })?;
    Ok(Times {
        allocation: match allocation {
            1 => AllocationTime::Early,
            2 => AllocationTime::Late,
            3 => AllocationTime::Incremental,
            _ => AllocationTime::Default,
        },
        fill: match fill {
            0 => FillTime::Allocation,
            1 => FillTime::Never,
            _ => FillTime::IfSet,
        },
        are_tracked: are_tracked != 0,
    })
}

/// Gives a new dataset its times.
pub(in crate::hdf5) fn set_times(properties: &Handle, times: Times) -> Called<()> {
    let allocation = match times.allocation {
        AllocationTime::Default => H5D_alloc_time_t::H5D_ALLOC_TIME_DEFAULT,
        AllocationTime::Early => H5D_alloc_time_t::H5D_ALLOC_TIME_EARLY,
        AllocationTime::Late => H5D_alloc_time_t::H5D_ALLOC_TIME_LATE,
        AllocationTime::Incremental => H5D_alloc_time_t::H5D_ALLOC_TIME_INCR,
    };
    let fill = match times.fill {
        FillTime::Allocation => H5D_fill_time_t::H5D_FILL_TIME_ALLOC,
        FillTime::Never => H5D_fill_time_t::H5D_FILL_TIME_NEVER,
        FillTime::IfSet => H5D_fill_time_t::H5D_FILL_TIME_IFSET,
    };
    // SAFETY: the list is open and a dataset's; so below.
    called(|| unsafe { H5Pset_alloc_time(properties.0, allocation) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Pset_fill_time(properties.0, fill) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Pset_obj_track_times(properties.0, times.are_tracked.into()) }).map(drop)
}
