//! What virtual datasets and external raw data are put together of.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::Arc;

use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5d::{H5Dfill, H5Dread};
use hdf5_sys::h5p::{
    H5P_DEFAULT, H5Pget_external, H5Pget_external_count, H5Pget_virtual_count, H5Pget_virtual_dsetname,
    H5Pget_virtual_filename, H5Pget_virtual_srcspace, H5Pget_virtual_vspace,
};
use hdf5_sys::h5s::{
    H5S_SEL_ALL, H5S_SELECT_NOTB, H5S_SELECT_OR, H5S_UNLIMITED, H5Scopy, H5Screate_simple, H5Sextent_copy,
    H5Sget_regular_hyperslab, H5Sget_select_bounds, H5Sget_select_npoints, H5Sget_select_type,
    H5Sget_simple_extent_ndims, H5Sget_simple_extent_npoints, H5Sis_regular_hyperslab, H5Smodify_select,
    H5Sselect_hyperslab, H5Sselect_none, H5Sselect_project_intersection,
};

use super::{Called, Handle, called, locked, own, row_space, select, zeroed};

/// One mapping of a virtual dataset: the elements `to` of it are the elements `from` of another one.
#[derive(Debug)]
pub(in crate::hdf5) struct Mapping {
    /// The name of the file; `.` is the one that the virtual dataset is in.
    pub(in crate::hdf5) file: Vec<u8>,
    pub(in crate::hdf5) dataset: Vec<u8>,
    pub(in crate::hdf5) to: Handle,
    pub(in crate::hdf5) from: Handle,
}

/// A part of a file without a format.
#[derive(Debug)]
pub(in crate::hdf5) struct Segment {
    pub(in crate::hdf5) file: Vec<u8>,
    /// Where it begins, in bytes from the start of the file; negative only in damaged files.
    pub(in crate::hdf5) offset: i64,
    /// How many bytes it has; `None` without limit.
    pub(in crate::hdf5) size_bytes: Option<u64>,
}

/// Boxes at even distances, along each dimension; `None` where there is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::hdf5) struct Slab {
    pub(in crate::hdf5) start: Vec<u64>,
    pub(in crate::hdf5) stride: Vec<u64>,
    pub(in crate::hdf5) count: Vec<Option<u64>>,
    pub(in crate::hdf5) block: Vec<Option<u64>>,
}

/// What elements are that come from nowhere.
#[derive(Clone, Debug)]
pub(in crate::hdf5) enum Fill {
    /// Zero, or nothing.
    Zero,
    /// The bytes of an element.
    Bytes(Vec<u8>),
    Text(CString),
}

/// Values in a row in memory that are read from several datasets.
#[derive(Debug)]
pub(in crate::hdf5) struct Assembly {
    n_values: usize,
    fill: Fill,
    /// The values that no piece has.
    rest: Handle,
    pieces: Vec<Piece>,
}

/// The elements `file` of a dataset, which are the values `memory` of a row.
#[derive(Debug)]
pub(in crate::hdf5) struct Piece {
    pub(in crate::hdf5) dataset: Arc<Handle>,
    pub(in crate::hdf5) file: Handle,
    pub(in crate::hdf5) memory: Handle,
}

/// The mappings of a virtual dataset, by its properties.
pub(in crate::hdf5) fn mappings(properties: &Handle) -> Called<Vec<Mapping>> {
    let mut n_mappings = 0;
    // SAFETY: the list is open and a virtual dataset's, and the pointer is to room for the answer.
    called(|| unsafe { H5Pget_virtual_count(properties.0, &raw mut n_mappings) })?;
    let list = properties.0;
    let mapping = |index| {
        Ok(Mapping {
            // SAFETY: as above, the mapping is there, and `name` hands over as much room as it tells; so below.
            file: name(|into, size| unsafe { H5Pget_virtual_filename(list, index, into, size) })?,
            // SAFETY: as above.
            dataset: name(|into, size| unsafe { H5Pget_virtual_dsetname(list, index, into, size) })?,
            // SAFETY: as above.
            to: own(|| unsafe { H5Pget_virtual_vspace(list, index) })?,
            // SAFETY: as above.
            from: own(|| unsafe { H5Pget_virtual_srcspace(list, index) })?,
        })
    };
    (0..n_mappings).map(mapping).collect()
}

/// A name of whatever length, of which the library first tells the length.
fn name<N: PartialOrd + Default + TryInto<usize>>(get: impl Fn(*mut c_char, usize) -> N) -> Called<Vec<u8>> {
    let len = called(|| get(ptr::null_mut(), 0))?.try_into().unwrap_or(0);
    let mut bytes = zeroed::<u8>(len.checked_add(1))?;
    called(|| get(bytes.as_mut_ptr().cast(), bytes.len()))?;
    bytes.truncate(len);
    Ok(bytes)
}

/// The parts of other files that a dataset is put together of, by its properties.
pub(in crate::hdf5) fn segments(properties: &Handle) -> Called<Vec<Segment>> {
    const NAME_SIZE: usize = 4096;
    // SAFETY: the list is open and a dataset's.
    let n_segments = called(|| unsafe { H5Pget_external_count(properties.0) })?;
    let segment = |index: c_int| {
        let mut name = zeroed::<u8>(Some(NAME_SIZE + 1))?;
        let (mut offset, mut size) = (0, 0);
        // SAFETY: as above, and the segment is there; of the name one byte stays for the final zero.
        called(|| unsafe {
            let (into, index) = (name.as_mut_ptr().cast(), index as c_uint);
            H5Pget_external(
                properties.0,
                index,
                NAME_SIZE,
                into,
                &raw mut offset,
                &raw mut size,
            )
        })?;
        let len = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        if len >= NAME_SIZE {
            return Err("the name of a file is too long".to_owned());
        }
        name.truncate(len);
        Ok(Segment {
            file: name,
            offset,
            size_bytes: (size != H5S_UNLIMITED).then_some(size),
        })
    };
    (0..n_segments).map(segment).collect()
}

/// A space of a shape, of which nothing is selected yet but all of it.
pub(in crate::hdf5) fn simple_space(shape: &[u64]) -> Called<Handle> {
    let ndim = c_int::try_from(shape.len()).map_err(|_| "too many dimensions")?;
    // SAFETY: as many numbers are there as is told.
    own(|| unsafe { H5Screate_simple(ndim, shape.as_ptr(), ptr::null()) })
}

/// A row of values, all of them selected as a box.
pub(in crate::hdf5) fn whole_row(n_values: usize) -> Called<Handle> {
    let row = row_space(n_values)?;
    select(&row, &[0], &[n_values as u64])?;
    Ok(row)
}

/// How many elements are selected.
pub(in crate::hdf5) fn n_points(space: &Handle) -> Called<u64> {
    // SAFETY: the space is open.
    let count = called(|| unsafe { H5Sget_select_npoints(space.0) })?;
    u64::try_from(count).map_err(|_| "more elements are selected than can be counted".to_owned())
}

/// The first and the last place of a selection along each dimension.
pub(in crate::hdf5) fn bounds(space: &Handle) -> Called<(Vec<u64>, Vec<u64>)> {
    let mut low = zeroed::<hsize_t>(Some(ndim(space)?))?;
    let mut high = low.clone();
    // SAFETY: the space is open, and both buffers have room for as many numbers as it has dimensions.
    called(|| unsafe { H5Sget_select_bounds(space.0, low.as_mut_ptr(), high.as_mut_ptr()) })?;
    Ok((low, high))
}

fn ndim(space: &Handle) -> Called<usize> {
    // SAFETY: the space is open.
    let ndim = called(|| unsafe { H5Sget_simple_extent_ndims(space.0) })?;
    usize::try_from(ndim).map_err(|_| "too many dimensions".to_owned())
}

/// The elements of `to` that belong to those of `from` that are within a third selection too.
///
/// `from` and `to` have as many elements, of which those at the same place in C order belong together.
pub(in crate::hdf5) fn intersection(from: &Handle, to: &Handle, within: &Handle) -> Called<Handle> {
    // SAFETY: all spaces are open.
    own(|| unsafe { H5Sselect_project_intersection(from.0, to.0, within.0) })
}

/// A selection in the extent of another space, of as many dimensions; one of everything is of everything there.
pub(in crate::hdf5) fn within_extent(selection: &Handle, extent: &Handle) -> Called<Handle> {
    // SAFETY: the space is open.
    let is_everything = locked(|| unsafe { H5Sget_select_type(selection.0) }) == H5S_SEL_ALL;
    if is_everything {
        // SAFETY: as above.
        return own(|| unsafe { H5Scopy(extent.0) });
    }
    if ndim(selection)? != ndim(extent)? {
        return Err("the numbers of dimensions differ".to_owned());
    }
    // SAFETY: the spaces are open; so below.
    let space = own(|| unsafe { H5Scopy(selection.0) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Sextent_copy(space.0, extent.0) })?;
    Ok(space)
}

/// The boxes of a selection, if it is one of boxes at even distances.
pub(in crate::hdf5) fn slab(space: &Handle) -> Called<Option<Slab>> {
    // SAFETY: the space is open; what is no selection of boxes fails.
    let is_regular = called(|| unsafe { H5Sis_regular_hyperslab(space.0) });
    if !is_regular.is_ok_and(|found| found > 0) {
        return Ok(None);
    }
    let mut start = zeroed::<hsize_t>(Some(ndim(space)?))?;
    let (mut stride, mut count, mut block) = (start.clone(), start.clone(), start.clone());
    // SAFETY: the space is open, and each buffer has room for as many numbers as it has dimensions.
    called(|| unsafe {
        H5Sget_regular_hyperslab(
            space.0,
            start.as_mut_ptr(),
            stride.as_mut_ptr(),
            count.as_mut_ptr(),
            block.as_mut_ptr(),
        )
    })?;
    let limited = |lengths: Vec<u64>| {
        let lengths = lengths.into_iter();
        lengths.map(|n| (n != H5S_UNLIMITED).then_some(n)).collect()
    };
    Ok(Some(Slab {
        start,
        stride,
        count: limited(count),
        block: limited(block),
    }))
}

/// Selects boxes, none of them without limit, in a space of a shape.
pub(in crate::hdf5) fn select_slabs(shape: &[u64], slabs: &[Slab]) -> Called<Handle> {
    let space = simple_space(shape)?;
    // SAFETY: the space is open.
    called(|| unsafe { H5Sselect_none(space.0) })?;
    for slab in slabs {
        let limited = |lengths: &[Option<u64>]| lengths.iter().copied().collect::<Option<Vec<u64>>>();
        let (Some(count), Some(block)) = (limited(&slab.count), limited(&slab.block)) else {
            return Err("a selection without limit".to_owned());
        };
        let lens = [slab.start.len(), slab.stride.len(), count.len(), block.len()];
        if lens.iter().any(|len| *len != shape.len()) {
            return Err("the numbers of dimensions differ".to_owned());
        }
        // SAFETY: the space is open, and each slice has as many numbers as it has dimensions.
        called(|| unsafe {
            H5Sselect_hyperslab(
                space.0,
                H5S_SELECT_OR,
                slab.start.as_ptr(),
                slab.stride.as_ptr(),
                count.as_ptr(),
                block.as_ptr(),
            )
        })?;
    }
    Ok(space)
}

impl Assembly {
    /// Puts values in a row together of pieces, whose `memory` lies in such a row, and else of the fill value.
    pub(in crate::hdf5) fn new(n_values: usize, fill: Fill, pieces: Vec<Piece>) -> Called<Self> {
        let rest = whole_row(n_values)?;
        for piece in &pieces {
            // SAFETY: the space is open.
            let row = called(|| unsafe { H5Sget_simple_extent_npoints(piece.memory.0) })?;
            if ndim(&piece.memory)? != 1 || usize::try_from(row) != Ok(n_values) {
                return Err("a piece is not of this row".to_owned());
            }
            if n_points(&piece.memory)? != n_points(&piece.file)? {
                return Err("a mapping has other elements on either side".to_owned());
            }
            // SAFETY: both spaces are open.
            called(|| unsafe { H5Smodify_select(rest.0, H5S_SELECT_NOTB, piece.memory.0) })?;
        }
        Ok(Self {
            n_values,
            fill,
            rest,
            pieces,
        })
    }

    pub(super) fn n_values(&self) -> usize {
        self.n_values
    }

    /// Reads the values.
    ///
    /// # Safety
    /// The buffer must have room for as many values of the type as the row has.
    pub(super) unsafe fn read_into(&self, datatype: &Handle, item_size: usize, buffer: *mut c_void) -> c_int {
        let pointer;
        let fill = match &self.fill {
            Fill::Zero => None,
            Fill::Bytes(bytes) if bytes.len() < item_size => return -1,
            Fill::Bytes(bytes) => Some(bytes.as_ptr().cast::<c_void>()),
            Fill::Text(text) => {
                pointer = text.as_ptr();
                Some((&raw const pointer).cast::<c_void>())
            }
        };
        if let Some(fill) = fill {
            // SAFETY: `fill` is to one value of the type, and `rest` lies in the row that the buffer has room for.
            let status = unsafe { H5Dfill(fill, datatype.0, buffer, datatype.0, self.rest.0) };
            if status < 0 {
                return status;
            }
        }
        for piece in &self.pieces {
            let (dataset, memory, file) = (piece.dataset.0, piece.memory.0, piece.file.0);
            // SAFETY: all handles are open; the memory side lies in the row that the buffer has room for.
            let status = unsafe { H5Dread(dataset, datatype.0, memory, file, H5P_DEFAULT, buffer) };
            if status < 0 {
                return status;
            }
        }
        0
    }
}
