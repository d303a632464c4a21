//! Values of attributes and datasets.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5a::{H5Aget_space, H5Aget_type, H5Aread};
use hdf5_sys::h5d::H5Dread;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{
    H5S_SCALAR, H5S_SELECT_SET, H5Screate, H5Screate_simple, H5Sget_select_npoints,
    H5Sget_simple_extent_ndims, H5Sget_simple_extent_npoints, H5Sselect_hyperslab,
};
use hdf5_sys::h5t::{H5Tget_super, H5Treclaim, hvl_t};

use super::{Assembly, Called, Handle, called, locked, own, size_in_memory, zeroed};

/// Something that has values: what the library reads them with.
#[derive(Clone, Copy, Debug)]
pub(in crate::hdf5) enum Holder<'a> {
    Attribute(&'a Handle),
    /// A dataset, and the selected part of its space.
    Dataset(&'a Handle, &'a Handle),
    /// What several datasets have.
    Several(&'a Assembly),
}

pub(in crate::hdf5) fn attribute_type(attribute: &Handle) -> Called<Handle> {
    // SAFETY: the attribute is open.
    own(|| unsafe { H5Aget_type(attribute.0) })
}

pub(in crate::hdf5) fn attribute_space(attribute: &Handle) -> Called<Handle> {
    // SAFETY: the attribute is open.
    own(|| unsafe { H5Aget_space(attribute.0) })
}

/// Selects a box in a space of the same number of dimensions.
pub(in crate::hdf5) fn select(space: &Handle, offset: &[u64], count: &[u64]) -> Called<()> {
    // SAFETY: the space is open.
    let ndim = called(|| unsafe { H5Sget_simple_extent_ndims(space.0) })?;
    if usize::try_from(ndim) != Ok(offset.len()) || offset.len() != count.len() {
        return Err("the numbers of dimensions differ".to_owned());
    }
    // SAFETY: both slices have as many numbers as the space has dimensions.
    called(|| unsafe {
        let (offset, count) = (offset.as_ptr(), count.as_ptr());
        H5Sselect_hyperslab(space.0, H5S_SELECT_SET, offset, ptr::null(), count, ptr::null())
    })?;
    Ok(())
}

pub(super) fn scalar_space() -> Called<Handle> {
    // SAFETY: the call takes nothing but a number.
    own(|| unsafe { H5Screate(H5S_SCALAR) })
}

/// A space of `n_values` in a row, for the memory side of a read.
pub(super) fn row_space(n_values: usize) -> Called<Handle> {
    let len = n_values as hsize_t;
    // SAFETY: one dimension is told, and one number is there.
    own(|| unsafe { H5Screate_simple(1, &raw const len, ptr::null()) })
}

/// Reads into `buffer`, which has room for `n_values` of the type.
///
/// # Safety
/// The buffer must have room for as many values as `memory` selects, and these must be as many as `holder` selects.
pub(super) unsafe fn read_into(
    holder: Holder<'_>,
    datatype: &Handle,
    memory: &Handle,
    buffer: *mut c_void,
) -> c_int {
    // SAFETY: all handles are open; the rest is the caller's promise.
    unsafe {
        match holder {
            Holder::Attribute(attribute) => H5Aread(attribute.0, datatype.0, buffer),
            Holder::Dataset(dataset, space) => {
                H5Dread(dataset.0, datatype.0, memory.0, space.0, H5P_DEFAULT, buffer)
            }
            Holder::Several(assembly) => match size_in_memory(datatype) {
                Ok(size) => assembly.read_into(datatype, size, buffer),
                Err(_) => -1,
            },
        }
    }
}

/// How many values are selected.
pub(super) fn n_selected(holder: Holder<'_>) -> Called<usize> {
    let count = match holder {
        Holder::Attribute(attribute) => {
            let space = attribute_space(attribute)?;
            // SAFETY: the space is open.
            called(|| unsafe { H5Sget_simple_extent_npoints(space.0) })?
        }
        // SAFETY: the space is open.
        Holder::Dataset(_, space) => called(|| unsafe { H5Sget_select_npoints(space.0) })?,
        Holder::Several(assembly) => return Ok(assembly.n_values()),
    };
    usize::try_from(count).map_err(|_| "more values are selected than memory can hold".to_owned())
}

/// Reads values of a fixed size, in the bytes of the file.
pub(in crate::hdf5) fn read_fixed(holder: Holder<'_>, datatype: &Handle) -> Called<Vec<u8>> {
    locked(|| {
        let n_values = n_selected(holder)?;
        let mut buffer = zeroed::<u8>(n_values.checked_mul(size_in_memory(datatype)?))?;
        if !buffer.is_empty() {
            let memory = row_space(n_values)?;
            // SAFETY: the buffer has room for all selected values.
            called(|| unsafe { read_into(holder, datatype, &memory, buffer.as_mut_ptr().cast()) })?;
        }
        Ok(buffer)
    })
}

/// Reads texts of any length.
pub(in crate::hdf5) fn read_texts(holder: Holder<'_>, datatype: &Handle) -> Called<Vec<Vec<u8>>> {
    locked(|| {
        let n_values = n_selected(holder)?;
        if n_values == 0 {
            return Ok(Vec::new());
        }
        let memory = row_space(n_values)?;
        texts(datatype, &memory, n_values, |into| {
            // SAFETY: `texts` hands over room for as many pointers as there are values.
            unsafe { read_into(holder, datatype, &memory, into) }
        })
    })
}

/// Copies texts out of what `read` makes the library allocate, and gives that back.
pub(super) fn texts(
    datatype: &Handle,
    memory: &Handle,
    n_values: usize,
    read: impl FnOnce(*mut c_void) -> c_int,
) -> Called<Vec<Vec<u8>>> {
    if size_in_memory(datatype)? != size_of::<*mut c_char>() {
        return Err("the texts are not of variable length".to_owned());
    }
    // Pointers as numbers, which have a default.
    let mut pointers = zeroed::<usize>(Some(n_values))?;
    called(|| read(pointers.as_mut_ptr().cast()))?;
    let copies = pointers
        .iter()
        .map(|&text| match text as *const c_char {
            text if text.is_null() => Vec::new(),
            // SAFETY: the read succeeded, so each pointer is null or a text that ends with zero.
            text => unsafe { CStr::from_ptr(text) }.to_bytes().to_vec(),
        })
        .collect();
    reclaim(datatype, memory, pointers.as_mut_ptr().cast());
    Ok(copies)
}

/// Reads sequences of any length, each as the bytes of its values of `element_size` bytes.
pub(in crate::hdf5) fn read_sequences(
    holder: Holder<'_>,
    datatype: &Handle,
    element_size: usize,
) -> Called<Vec<Vec<u8>>> {
    locked(|| {
        let n_values = n_selected(holder)?;
        if n_values == 0 {
            return Ok(Vec::new());
        }
        if size_in_memory(datatype)? != size_of::<hvl_t>() || sequence_element_size(datatype)? != element_size
        {
            return Err("the sequences are not of the type that was told".to_owned());
        }
        let memory = row_space(n_values)?;
        let mut sequences = zeroed::<[usize; 2]>(Some(n_values))?;
        // SAFETY: the buffer has room for as many sequences, each a length and a pointer, as there are values.
        called(|| unsafe { read_into(holder, datatype, &memory, sequences.as_mut_ptr().cast()) })?;
        let copies = sequences
            .iter()
            .map(
                |&[len, values]| match (values as *const u8, len.checked_mul(element_size)) {
                    (values, Some(len_bytes)) if !values.is_null() => {
                        // SAFETY: the read succeeded, so each pointer is null or to `len` values.
                        unsafe { std::slice::from_raw_parts(values, len_bytes) }.to_vec()
                    }
                    _ => Vec::new(),
                },
            )
            .collect();
        reclaim(datatype, &memory, sequences.as_mut_ptr().cast());
        Ok(copies)
    })
}

fn sequence_element_size(datatype: &Handle) -> Called<usize> {
    // SAFETY: the type is open; what is no sequence fails.
    size_in_memory(&own(|| unsafe { H5Tget_super(datatype.0) })?)
}

/// Gives back what the library allocated for values of any length.
pub(super) fn reclaim(datatype: &Handle, memory: &Handle, buffer: *mut c_void) {
    // SAFETY: the buffer holds what a successful read of this type and space put there.
    locked(|| unsafe { H5Treclaim(datatype.0, memory.0, H5P_DEFAULT, buffer) });
}
