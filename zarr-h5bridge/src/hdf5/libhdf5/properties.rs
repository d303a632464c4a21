//! Dataspaces, and how datasets were made and lie in their file.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

use hdf5_sys::h5::{HADDR_UNDEF, haddr_t, hsize_t};
use hdf5_sys::h5d::{
    H5D_CHUNKED, H5D_COMPACT, H5D_CONTIGUOUS, H5D_FILL_VALUE_UNDEFINED, H5D_FILL_VALUE_USER_DEFINED,
    H5D_VIRTUAL, H5D_space_status_t, H5Dchunk_iter, H5Dget_offset, H5Dget_space, H5Dget_space_status,
    H5Dget_storage_size, H5Dget_type,
};
use hdf5_sys::h5p::{
    H5P_DEFAULT, H5Pfill_value_defined, H5Pget_chunk, H5Pget_chunk_opts, H5Pget_external_count,
    H5Pget_fill_value, H5Pget_filter2, H5Pget_layout, H5Pget_nfilters, H5Pget_virtual_count,
    H5Pget_virtual_vspace,
};
use hdf5_sys::h5s::{
    H5S_NO_CLASS, H5S_NULL, H5S_SCALAR, H5S_SIMPLE, H5S_UNLIMITED, H5Sget_simple_extent_dims,
    H5Sget_simple_extent_ndims, H5Sget_simple_extent_type,
};
use hdf5_sys::h5z::{H5Z_FLAG_OPTIONAL, H5Zfilter_avail};

use super::super::chunk_index::{ChunkIndex, Stored};
use super::super::dataset::Dataspace;
use super::super::layout::{FillValue, Filter, Layout};
use super::values::{scalar_space, texts};
use super::{Called, Handle, called, locked, own, size_in_memory, zeroed};

/// The bit of a dataset's options that says so.
pub(super) const H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS: c_uint = 2;

pub(in crate::hdf5) fn dataset_type(dataset: &Handle) -> Called<Handle> {
    // SAFETY: the dataset is open.
    own(|| unsafe { H5Dget_type(dataset.0) })
}

/// The space of a dataset. The library would look into other files for the extent of a virtual one,
/// so that one comes from the first of its mappings.
pub(in crate::hdf5) fn dataset_space(dataset: &Handle, properties: &Handle) -> Called<Handle> {
    // SAFETY: the list is open and a dataset's.
    if unsafe { locked(|| H5Pget_layout(properties.0)) } == H5D_VIRTUAL {
        let mut n_mappings = 0;
        // SAFETY: as above, and the pointer is to room for the answer.
        called(|| unsafe { H5Pget_virtual_count(properties.0, &raw mut n_mappings) })?;
        if n_mappings > 0 {
            // SAFETY: as above, and there is a first mapping.
            return own(|| unsafe { H5Pget_virtual_vspace(properties.0, 0) });
        }
    }
    // SAFETY: the dataset is open.
    own(|| unsafe { H5Dget_space(dataset.0) })
}

/// The extent of a space.
pub(in crate::hdf5) fn extent(space: &Handle) -> Called<Dataspace> {
    // SAFETY: the space is open; so for the calls below.
    match locked(|| unsafe { H5Sget_simple_extent_type(space.0) }) {
        H5S_NULL => Ok(Dataspace::Null),
        H5S_SCALAR => Ok(Dataspace::Scalar),
        H5S_SIMPLE => {
            // SAFETY: as above.
            let ndim = called(|| unsafe { H5Sget_simple_extent_ndims(space.0) })?;
            let mut shape = zeroed::<hsize_t>(usize::try_from(ndim).ok())?;
            let mut max_shape = shape.clone();
            // SAFETY: both buffers have room for as many numbers as there are dimensions.
            called(|| unsafe {
                H5Sget_simple_extent_dims(space.0, shape.as_mut_ptr(), max_shape.as_mut_ptr())
            })?;
            let max_shape = max_shape
                .iter()
                .map(|&max| (max != H5S_UNLIMITED).then_some(max))
                .collect();
            Ok(Dataspace::Simple { shape, max_shape })
        }
        H5S_NO_CLASS => Err("the class of the dataspace is unknown".to_owned()),
    }
}

/// How a dataset lies in its file, and what was done to its chunks.
pub(in crate::hdf5) fn layout(dataset: &Handle, properties: &Handle, ndim: usize) -> Called<Layout> {
    // SAFETY: the list is open and a dataset's; so for the calls below.
    match locked(|| unsafe { H5Pget_layout(properties.0) }) {
        H5D_COMPACT => Ok(Layout::Compact),
        H5D_CONTIGUOUS => {
            // SAFETY: as above.
            if called(|| unsafe { H5Pget_external_count(properties.0) })? > 0 {
                return Ok(Layout::External);
            }
            // The library adds the size of a user block even to an address that is none.
            let mut status = H5D_space_status_t::H5D_SPACE_STATUS_NOT_ALLOCATED;
            // SAFETY: the dataset is open, and the pointer is to room for the answer; so below.
            called(|| unsafe { H5Dget_space_status(dataset.0, &raw mut status) })?;
            // SAFETY: as above.
            let address = locked(|| unsafe { H5Dget_offset(dataset.0) });
            let is_there = status != H5D_space_status_t::H5D_SPACE_STATUS_NOT_ALLOCATED;
            Ok(Layout::Contiguous {
                address: (is_there && address != HADDR_UNDEF).then_some(address),
            })
        }
        H5D_CHUNKED => {
            let mut chunk_shape = zeroed::<hsize_t>(Some(ndim))?;
            let room = c_int::try_from(ndim).map_err(|_| "too many dimensions")?;
            // SAFETY: the buffer has room for as many numbers as is told.
            let found = called(|| unsafe { H5Pget_chunk(properties.0, room, chunk_shape.as_mut_ptr()) })?;
            if found != room || chunk_shape.contains(&0) {
                return Err("the chunks do not fit the dimensions of the dataset".to_owned());
            }
            Ok(Layout::Chunked { chunk_shape })
        }
        H5D_VIRTUAL => Ok(Layout::Virtual),
        _ => Err("the layout is unknown".to_owned()),
    }
}

/// What was done to the bytes of each chunk, in the order of writing.
pub(in crate::hdf5) fn filters(properties: &Handle) -> Called<Vec<Filter>> {
    // SAFETY: the list is open and a dataset's.
    let n_filters = called(|| unsafe { H5Pget_nfilters(properties.0) })?.unsigned_abs();
    (0..n_filters).map(|n| filter(properties, n)).collect()
}

/// Whether chunks that reach beyond a dataset go through its filters; they do unless the writer chose otherwise.
pub(in crate::hdf5) fn filters_partial_chunks(properties: &Handle) -> bool {
    let mut options: c_uint = 0;
    // SAFETY: the list is open and a dataset's, and the pointer is to room for the answer.
    let found = called(|| unsafe { H5Pget_chunk_opts(properties.0, &raw mut options) });
    found.is_err() || options & H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS == 0
}

fn filter(properties: &Handle, n: c_uint) -> Called<Filter> {
    let mut flags: c_uint = 0;
    let mut config: c_uint = 0;
    let mut name: [c_char; 256] = [0; 256];
    let mut n_numbers = 0;
    let mut get = |n_numbers: &mut usize, numbers: *mut c_uint| {
        // SAFETY: the list is open and a dataset's with that filter; `numbers` has the room that is told or is
        // null where none is told, and one byte of the name stays for the final zero.
        called(|| unsafe {
            let (flags, config) = (&raw mut flags, &raw mut config);
            H5Pget_filter2(
                properties.0,
                n,
                flags,
                n_numbers,
                numbers,
                name.len() - 1,
                name.as_mut_ptr(),
                config,
            )
        })
    };
    get(&mut n_numbers, ptr::null_mut())?;
    let mut client_data = zeroed::<c_uint>(Some(n_numbers))?;
    let id = get(&mut n_numbers, client_data.as_mut_ptr())?;
    // SAFETY: the library wrote at most 255 bytes, so that the last of the 256 is still zero.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) }
        .to_string_lossy()
        .into_owned();
    Ok(Filter {
        id,
        is_optional: flags & H5Z_FLAG_OPTIONAL != 0,
        client_data,
        name,
    })
}

/// Whether the library can undo a filter.
pub(in crate::hdf5) fn is_filter_available(id: i32) -> bool {
    // SAFETY: the call takes nothing but a number.
    called(|| unsafe { H5Zfilter_avail(id) }).is_ok_and(|found| found > 0)
}

/// What elements are that were never written. Values of any length are followed only for text.
pub(in crate::hdf5) fn fill_value(
    properties: &Handle,
    datatype: &Handle,
    size: Option<usize>,
    is_text: bool,
) -> Called<FillValue> {
    let mut status = H5D_FILL_VALUE_UNDEFINED;
    // SAFETY: the list is open and a dataset's, and the pointer is to room for the answer.
    called(|| unsafe { H5Pfill_value_defined(properties.0, &raw mut status) })?;
    if status == H5D_FILL_VALUE_UNDEFINED {
        return Ok(FillValue::Undefined);
    }
    let bytes = match size {
        Some(size) => {
            let mut bytes = zeroed::<u8>(Some(size.max(size_in_memory(datatype)?)))?;
            // SAFETY: list and type are open, and the buffer has at least the size of the type in memory.
            called(|| unsafe { H5Pget_fill_value(properties.0, datatype.0, bytes.as_mut_ptr().cast()) })?;
            bytes
        }
        None if is_text && status == H5D_FILL_VALUE_USER_DEFINED => {
            let one = scalar_space()?;
            let mut values = texts(datatype, &one, 1, |into| {
                // SAFETY: list and type are open, and the buffer has room for one pointer to a text.
                unsafe { H5Pget_fill_value(properties.0, datatype.0, into) }
            })?;
            values.pop().unwrap_or_default()
        }
        None => Vec::new(),
    };
    Ok(if status == H5D_FILL_VALUE_USER_DEFINED {
        FillValue::User(bytes)
    } else {
        FillValue::Default(bytes)
    })
}

/// How many bytes of the file the values of a dataset take.
pub(in crate::hdf5) fn storage_size_bytes(dataset: &Handle) -> u64 {
    // SAFETY: the dataset is open.
    locked(|| unsafe { H5Dget_storage_size(dataset.0) })
}

/// All chunks of a chunked dataset that are in the file. Fails at the first that lies outside of the grid
/// or of the file, whose first byte and end are told, and where there are more than the grid has places, so that even an endless index ends.
pub(in crate::hdf5) fn chunk_index(
    dataset: &Handle,
    shape: &[u64],
    chunk_shape: &[u64],
    bounds: (u64, u64),
) -> Called<ChunkIndex> {
    struct Visit<'a> {
        shape: &'a [u64],
        chunk_shape: &'a [u64],
        bounds: (u64, u64),
        n_places: u128,
        index: ChunkIndex,
        problem: Option<String>,
    }

    impl Visit<'_> {
        fn check(&self, offset: &[u64], address: u64, size_bytes: u64) -> Result<(), String> {
            let mut grid = offset.iter().zip(self.shape).zip(self.chunk_shape);
            if !grid.all(|((&at, &len), &step)| at < len && at.is_multiple_of(step)) {
                return Err(format!("there is a chunk at {offset:?}, outside of the grid"));
            }
            if self.index.stored.len() as u128 >= self.n_places {
                return Err(format!(
                    "it has more chunks than there are places, that at {offset:?} again"
                ));
            }
            let (start, end) = self.bounds;
            if address < start || address.checked_add(size_bytes).is_none_or(|last| last > end) {
                return Err(format!("the chunk at {offset:?} lies beyond the end of the file"));
            }
            Ok(())
        }
    }

    unsafe extern "C" fn visit(
        offset: *const hsize_t,
        filter_mask: c_uint,
        address: haddr_t,
        size_bytes: hsize_t,
        state: *mut c_void,
    ) -> c_int {
        // SAFETY: `state` is the `Visit` given below, and the library hands over one number per dimension.
        let (state, offset) = unsafe {
            let state = &mut *state.cast::<Visit<'_>>();
            let ndim = state.shape.len();
            (state, std::slice::from_raw_parts(offset, ndim))
        };
        if address == HADDR_UNDEF {
            return 0;
        }
        if let Err(problem) = state.check(offset, address, size_bytes) {
            state.problem = Some(problem);
            return -1;
        }
        state.index.offsets.extend_from_slice(offset);
        state.index.stored.push(Stored {
            filter_mask,
            address,
            size_bytes,
        });
        0
    }

    let index = ChunkIndex {
        ndim: shape.len(),
        ..ChunkIndex::default()
    };
    let lengths = shape.iter().zip(chunk_shape);
    let mut state = Visit {
        n_places: lengths.fold(1, |n: u128, (&len, &step)| {
            n.saturating_mul(len.div_ceil(step).into())
        }),
        shape,
        chunk_shape,
        bounds,
        index,
        problem: None,
    };
    let into = (&raw mut state).cast::<c_void>();
    // SAFETY: the dataset is open, the callback has the right type, and `state` outlives the call.
    let status = called(|| unsafe { H5Dchunk_iter(dataset.0, H5P_DEFAULT, Some(visit), into) });
    match (state.problem, status) {
        (Some(problem), _) | (None, Err(problem)) => Err(problem),
        (None, Ok(_)) => Ok(state.index),
    }
}
