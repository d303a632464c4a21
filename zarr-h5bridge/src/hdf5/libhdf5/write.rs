//! Making files, groups, datasets and attributes.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::ptr;

use hdf5::globals::{
    H5P_ATTRIBUTE_CREATE, H5P_DATASET_CREATE, H5P_FILE_ACCESS, H5P_FILE_CREATE, H5P_GROUP_CREATE,
    H5P_LINK_CREATE,
};
use hdf5_sys::h5a::{H5Acreate2, H5Adelete, H5Aget_space, H5Aopen, H5Arename, H5Awrite};
use hdf5_sys::h5d::{H5D_COMPACT, H5Dcreate_anon, H5Dwrite, H5Dwrite_chunk};
use hdf5_sys::h5f::{H5F_ACC_EXCL, H5F_ACC_RDWR, H5F_SCOPE_GLOBAL, H5Fcreate, H5Fflush, H5Fopen};
use hdf5_sys::h5g::H5Gcreate2;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5Lcreate_external, H5Lcreate_soft, H5Ldelete, H5Lexists, H5Lmove};
use hdf5_sys::h5o::H5Olink;
use hdf5_sys::h5p::{
    H5P_CRT_ORDER_INDEXED, H5P_CRT_ORDER_TRACKED, H5P_DEFAULT, H5Pcreate, H5Pset_attr_creation_order,
    H5Pset_char_encoding, H5Pset_chunk, H5Pset_chunk_opts, H5Pset_file_locking, H5Pset_fill_value,
    H5Pset_filter, H5Pset_layout, H5Pset_link_creation_order, H5Pset_obj_track_times, H5Pset_scaleoffset,
    H5Pset_userblock,
};
use hdf5_sys::h5s::{
    H5S_NULL, H5S_SELECT_SET, H5S_UNLIMITED, H5Screate, H5Screate_simple, H5Sget_select_npoints,
    H5Sget_simple_extent_npoints, H5Sselect_hyperslab,
};
use hdf5_sys::h5t::{H5T_CSET_UTF8, H5Tcommit2};
use hdf5_sys::h5z::{H5Z_FLAG_OPTIONAL, H5Z_SO_scale_type_t};

use super::super::datatype::Datatype;
use super::super::file_space::FileSpace;
use super::super::item::Item;
use super::super::layout::{Filter, Times};
use super::file_space::set_file_space;
use super::items::{Laid, lay};
use super::make_type::c_text;
use super::properties::H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS;
use super::values::scalar_space;
use super::{Called, Handle, called, locked, own, set_times, size_in_memory};

fn file_access() -> Called<Handle> {
    // SAFETY: the class is one of the library's own.
    let access = own(|| unsafe { H5Pcreate(*H5P_FILE_ACCESS) })?;
    // SAFETY: the list is open and of the right class.
    called(|| unsafe { H5Pset_file_locking(access.0, 1, 1) })?;
    Ok(access)
}

/// Opens a file for changes.
pub(in crate::hdf5) fn open_file_for_changes(path: &CStr) -> Called<Handle> {
    let access = file_access()?;
    // SAFETY: the path ends with zero, and the list is open.
    own(|| unsafe { H5Fopen(path.as_ptr(), H5F_ACC_RDWR, access.0) })
}

/// Makes a file where none is, behind a user block of so many bytes.
pub(in crate::hdf5) fn create_file(
    path: &CStr,
    tracks: (bool, bool),
    user_block: u64,
    space: &FileSpace,
) -> Called<Handle> {
    let access = file_access()?;
    // SAFETY: the class is one of the library's own.
    let creation = own(|| unsafe { H5Pcreate(*H5P_FILE_CREATE) })?;
    track(&creation, tracks)?;
    // SAFETY: the list is open and a file's.
    called(|| unsafe { H5Pset_userblock(creation.0, user_block) })?;
    // Where nothing is said, files are those that old versions of the library read.
    if *space != FileSpace::USUAL {
        set_file_space(&creation, space)?;
    }
    // SAFETY: the path ends with zero, and the lists are open.
    own(|| unsafe { H5Fcreate(path.as_ptr(), H5F_ACC_EXCL, creation.0, access.0) })
}

/// Lets a new group keep the order of its links, and of its attributes, and not the time of day, so that the same
/// copy makes the same bytes.
fn track(list: &Handle, (links, attributes): (bool, bool)) -> Called<()> {
    const FLAGS: c_uint = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
    // SAFETY: the list is open and of objects.
    called(|| unsafe { H5Pset_obj_track_times(list.0, 0) })?;
    if links {
        // SAFETY: the list is open and a group's; so below.
        called(|| unsafe { H5Pset_link_creation_order(list.0, FLAGS) })?;
    }
    if attributes {
        // SAFETY: as above.
        called(|| unsafe { H5Pset_attr_creation_order(list.0, FLAGS) })?;
    }
    Ok(())
}

/// Hands all changes to the operating system.
pub(in crate::hdf5) fn flush(file: &Handle) -> Called<()> {
    // SAFETY: the file is open.
    called(|| unsafe { H5Fflush(file.0, H5F_SCOPE_GLOBAL) }).map(drop)
}

/// A list of properties of something whose name is UTF-8.
fn named(class: hid_t) -> Called<Handle> {
    // SAFETY: the class is one of the library's own.
    let list = own(|| unsafe { H5Pcreate(class) })?;
    // SAFETY: the list is open and of a class with names.
    called(|| unsafe { H5Pset_char_encoding(list.0, H5T_CSET_UTF8) })?;
    Ok(list)
}

/// Makes a group directly below another; the name must be no path.
pub(in crate::hdf5) fn create_group(above: &Handle, name: &CStr, tracks: (bool, bool)) -> Called<Handle> {
    let list = named(*H5P_LINK_CREATE)?;
    // SAFETY: the class is one of the library's own.
    let creation = own(|| unsafe { H5Pcreate(*H5P_GROUP_CREATE) })?;
    track(&creation, tracks)?;
    // SAFETY: group and lists are open, and the name ends with zero.
    own(|| unsafe { H5Gcreate2(above.0, name.as_ptr(), list.0, creation.0, H5P_DEFAULT) })
}

/// Makes a link to a path, which need not lead anywhere.
pub(in crate::hdf5) fn link_softly(target: &CStr, group: &Handle, name: &CStr) -> Called<()> {
    let list = named(*H5P_LINK_CREATE)?;
    // SAFETY: group and list are open, and the texts end with zero.
    called(|| unsafe { H5Lcreate_soft(target.as_ptr(), group.0, name.as_ptr(), list.0, H5P_DEFAULT) })
        .map(drop)
}

/// Makes a link to a path of another file, which is not touched.
pub(in crate::hdf5) fn link_outside((file, path): (&CStr, &CStr), group: &Handle, name: &CStr) -> Called<()> {
    let list = named(*H5P_LINK_CREATE)?;
    // SAFETY: group and list are open, and the texts end with zero.
    called(|| unsafe {
        H5Lcreate_external(
            file.as_ptr(),
            path.as_ptr(),
            group.0,
            name.as_ptr(),
            list.0,
            H5P_DEFAULT,
        )
    })
    .map(drop)
}

/// Gives a data type a name.
pub(in crate::hdf5) fn commit(datatype: &Handle, group: &Handle, name: &CStr) -> Called<()> {
    let list = named(*H5P_LINK_CREATE)?;
    // SAFETY: all are open, and the name ends with zero.
    called(|| unsafe {
        H5Tcommit2(
            group.0,
            name.as_ptr(),
            datatype.0,
            list.0,
            H5P_DEFAULT,
            H5P_DEFAULT,
        )
    })
    .map(drop)
}

/// Makes a link anew, so that it becomes the last of its group; one that is not there, or leads nowhere, stays.
pub(in crate::hdf5) fn relink(group: &Handle, name: &CStr) -> Called<()> {
    if !has_link(group, name)? {
        return Ok(());
    }
    let list = named(*H5P_LINK_CREATE)?;
    let other = c_text(&[b"\x01", name.to_bytes()].concat())?;
    // SAFETY: the group and the list are open, and the names end with zero; the link keeps all but its place.
    called(|| unsafe {
        H5Lmove(
            group.0,
            name.as_ptr(),
            group.0,
            other.as_ptr(),
            list.0,
            H5P_DEFAULT,
        )
    })?;
    // SAFETY: as above.
    called(|| unsafe {
        H5Lmove(
            group.0,
            other.as_ptr(),
            group.0,
            name.as_ptr(),
            list.0,
            H5P_DEFAULT,
        )
    })
    .map(drop)
}

/// Whether a group has a link of this name, wherever it leads.
pub(in crate::hdf5) fn has_link(group: &Handle, name: &CStr) -> Called<bool> {
    // SAFETY: the group is open, and the name ends with zero.
    called(|| unsafe { H5Lexists(group.0, name.as_ptr(), H5P_DEFAULT) }).map(|found| found > 0)
}

/// Removes a link from a group.
pub(in crate::hdf5) fn unlink(group: &Handle, name: &CStr) -> Called<()> {
    // SAFETY: the group is open, and the name ends with zero.
    called(|| unsafe { H5Ldelete(group.0, name.as_ptr(), H5P_DEFAULT) }).map(drop)
}

/// Gives an object a name in a group.
pub(in crate::hdf5) fn link(object: &Handle, group: &Handle, name: &CStr) -> Called<()> {
    let list = named(*H5P_LINK_CREATE)?;
    // SAFETY: all are open, and the name ends with zero.
    called(|| unsafe { H5Olink(object.0, group.0, name.as_ptr(), list.0, H5P_DEFAULT) }).map(drop)
}

/// A space of this shape; without dimensions, that of one value.
pub(in crate::hdf5) fn space(shape: &[u64]) -> Called<Handle> {
    if shape.is_empty() {
        return scalar_space();
    }
    let ndim = c_int::try_from(shape.len()).map_err(|_| "too many dimensions")?;
    // SAFETY: there are as many numbers as is told.
    own(|| unsafe { H5Screate_simple(ndim, shape.as_ptr(), ptr::null()) })
}

/// A space without elements and without a shape.
fn null_space() -> Called<Handle> {
    // SAFETY: the call takes nothing but a number.
    own(|| unsafe { H5Screate(H5S_NULL) })
}

/// A space of this shape that may grow.
fn growing_space(shape: &[u64], max_shape: &[Option<u64>]) -> Called<Handle> {
    if shape.len() != max_shape.len() || shape.is_empty() {
        return Err("the numbers of dimensions differ".to_owned());
    }
    let ndim = c_int::try_from(shape.len()).map_err(|_| "too many dimensions")?;
    let max: Vec<_> = max_shape.iter().map(|max| max.unwrap_or(H5S_UNLIMITED)).collect();
    // SAFETY: there are as many numbers as is told, in both lists.
    own(|| unsafe { H5Screate_simple(ndim, shape.as_ptr(), max.as_ptr()) })
}

/// How a new dataset lies in its file.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own in HDF5"
)]
pub(in crate::hdf5) struct NewLayout<'a> {
    pub(in crate::hdf5) is_null: bool,
    pub(in crate::hdf5) max_shape: Option<&'a [Option<u64>]>,
    /// In one piece and without filters if absent.
    pub(in crate::hdf5) chunk_shape: Option<&'a [u64]>,
    pub(in crate::hdf5) is_compact: bool,
    pub(in crate::hdf5) filters: &'a [Filter],
    pub(in crate::hdf5) filters_partial_chunks: bool,
    /// One element, unless it is the library's own.
    pub(in crate::hdf5) fill_value: Option<NewValues<'a>>,
    pub(in crate::hdf5) is_fill_undefined: bool,
    pub(in crate::hdf5) tracks_attributes: bool,
    pub(in crate::hdf5) times: Times,
}

/// The filter that library and writer must agree upon by more than its numbers.
const SCALEOFFSET: i32 = 6;

fn add_filter(list: &Handle, filter: &Filter) -> Called<()> {
    if let (SCALEOFFSET, [kind, factor, ..]) = (filter.id, filter.client_data.as_slice()) {
        let kind = match kind {
            0 => H5Z_SO_scale_type_t::H5Z_SO_FLOAT_DSCALE,
            1 => H5Z_SO_scale_type_t::H5Z_SO_FLOAT_ESCALE,
            _ => H5Z_SO_scale_type_t::H5Z_SO_INT,
        };
        let factor = factor.cast_signed();
        // SAFETY: the list is open.
        return called(|| unsafe { H5Pset_scaleoffset(list.0, kind, factor) }).map(drop);
    }
    let flags = if filter.is_optional { H5Z_FLAG_OPTIONAL } else { 0 };
    let numbers = &filter.client_data;
    // SAFETY: the list is open, and there are as many numbers as is told.
    called(|| unsafe { H5Pset_filter(list.0, filter.id, flags, numbers.len(), numbers.as_ptr()) }).map(drop)
}

/// Makes a dataset without a name, which is gone with the file unless it is linked.
pub(in crate::hdf5) fn create_dataset(
    file: &Handle,
    datatype: &Handle,
    shape: &[u64],
    layout: &NewLayout<'_>,
) -> Called<Handle> {
    // SAFETY: the class is one of the library's own.
    let list = own(|| unsafe { H5Pcreate(*H5P_DATASET_CREATE) })?;
    if let Some(chunk_shape) = layout.chunk_shape {
        let ndim = c_int::try_from(chunk_shape.len()).map_err(|_| "too many dimensions")?;
        // SAFETY: the list is open, and there are as many numbers as is told.
        called(|| unsafe { H5Pset_chunk(list.0, ndim, chunk_shape.as_ptr()) })?;
        if !layout.filters_partial_chunks {
            // SAFETY: the list is open.
            called(|| unsafe { H5Pset_chunk_opts(list.0, H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) })?;
        }
        layout
            .filters
            .iter()
            .try_for_each(|filter| add_filter(&list, filter))?;
    } else if layout.is_compact {
        // SAFETY: the list is open.
        called(|| unsafe { H5Pset_layout(list.0, H5D_COMPACT) })?;
    }
    if layout.tracks_attributes {
        let flags = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
        // SAFETY: the list is open.
        called(|| unsafe { H5Pset_attr_creation_order(list.0, flags) })?;
    }
    if layout.is_fill_undefined {
        // SAFETY: the list and the type are open; without a value there is none.
        called(|| unsafe { H5Pset_fill_value(list.0, datatype.0, ptr::null()) })?;
    }
    if let Some(fill_value) = layout.fill_value {
        let mut kept = Kept::default();
        let element = fill_value.buffer(1, datatype, &mut kept)?;
        // SAFETY: list and type are open, and the buffer has one element, of which the library makes a copy.
        called(|| unsafe { H5Pset_fill_value(list.0, datatype.0, element) })?;
    }
    set_times(&list, layout.times)?;
    let space = match layout.max_shape {
        _ if layout.is_null => null_space()?,
        Some(max_shape) => growing_space(shape, max_shape)?,
        None => space(shape)?,
    };
    // SAFETY: all are open.
    own(|| unsafe { H5Dcreate_anon(file.0, datatype.0, space.0, list.0, H5P_DEFAULT) })
}

/// Writes a box of a dataset, values of a fixed size in the bytes of the file.
pub(in crate::hdf5) fn write_region(
    dataset: &Handle,
    datatype: &Handle,
    shape: &[u64],
    (offset, count): (&[u64], &[u64]),
    values: NewValues<'_>,
) -> Called<()> {
    locked(|| {
        let file_space = space(shape)?;
        if offset.len() != shape.len() || count.len() != shape.len() {
            return Err("the numbers of dimensions differ".to_owned());
        }
        if !shape.is_empty() {
            // SAFETY: all slices have as many numbers as the space has dimensions.
            called(|| unsafe {
                let (offset, count) = (offset.as_ptr(), count.as_ptr());
                H5Sselect_hyperslab(
                    file_space.0,
                    H5S_SELECT_SET,
                    offset,
                    ptr::null(),
                    count,
                    ptr::null(),
                )
            })?;
        }
        // SAFETY: the space is open.
        let n_values = called(|| unsafe { H5Sget_select_npoints(file_space.0) })?;
        let mut kept = Kept::default();
        let buffer = values.buffer(n_values, datatype, &mut kept)?;
        let memory = space(count)?;
        // SAFETY: all are open; the buffer has as many values as are selected, of which `count` has as many,
        // those of texts being pointers to texts that end with zero and outlive the call.
        called(|| unsafe {
            let (memory, file_space) = (memory.0, file_space.0);
            H5Dwrite(dataset.0, datatype.0, memory, file_space, H5P_DEFAULT, buffer)
        })?;
        Ok(())
    })
}

/// Writes a chunk that went through all filters already; `ndim` is the number of the dataset's dimensions.
pub(in crate::hdf5) fn write_chunk(
    dataset: &Handle,
    ndim: usize,
    offset: &[u64],
    encoded: &[u8],
) -> Called<()> {
    if offset.len() != ndim || ndim == 0 {
        return Err("the numbers of dimensions differ".to_owned());
    }
    // SAFETY: the dataset is open and has as many dimensions as there are numbers, and the bytes are as many as is
    // told; the library refuses what is not in chunks, and an offset that is none of a chunk.
    called(|| unsafe {
        let (size, bytes) = (encoded.len(), encoded.as_ptr().cast());
        H5Dwrite_chunk(dataset.0, H5P_DEFAULT, 0, offset.as_ptr(), size, bytes)
    })
    .map(drop)
}

fn check_size(n_values: i64, datatype: &Handle, bytes: &[u8]) -> Called<()> {
    let size = size_in_memory(datatype)?;
    let n_values = usize::try_from(n_values).ok();
    if n_values.and_then(|n_values| n_values.checked_mul(size)) == Some(bytes.len()) {
        return Ok(());
    }
    Err(format!(
        "{} bytes are not as many values as are to be written",
        bytes.len()
    ))
}

/// The values of a new attribute.
#[derive(Clone, Copy, Debug)]
pub(in crate::hdf5) enum NewValues<'a> {
    /// Values of a fixed size in the bytes of the file.
    Fixed(&'a [u8]),
    /// Texts of any length.
    Texts(&'a [CString]),
    /// Values of any type, and the file that references lead into.
    Items(&'a Datatype, &'a [Item], &'a Handle),
}

/// What the library is given pointers to.
#[derive(Debug, Default)]
struct Kept {
    pointers: Vec<*const std::ffi::c_char>,
    laid: Laid,
}

impl NewValues<'_> {
    /// The values as the library takes them, once there are as many as there must be.
    ///
    /// What it points to is in `kept`.
    fn buffer(self, n_values: i64, datatype: &Handle, kept: &mut Kept) -> Called<*const c_void> {
        match self {
            Self::Fixed(bytes) => {
                check_size(n_values, datatype, bytes)?;
                Ok(bytes.as_ptr().cast())
            }
            Self::Texts(texts) => {
                if usize::try_from(n_values) != Ok(texts.len())
                    || size_in_memory(datatype)? != size_of::<*const c_void>()
                {
                    return Err("there are not as many texts as are to be written".to_owned());
                }
                kept.pointers.extend(texts.iter().map(|text| text.as_ptr()));
                Ok(kept.pointers.as_ptr().cast())
            }
            Self::Items(described, items, file) => {
                if usize::try_from(n_values) != Ok(items.len()) {
                    return Err("there are not as many values as are to be written".to_owned());
                }
                kept.laid = lay(described, datatype, items, file)?;
                Ok(kept.laid.bytes.as_ptr().cast())
            }
        }
    }
}

/// Writes other values into an attribute that is there, which keeps its place among the others.
pub(in crate::hdf5) fn rewrite_attribute(
    object: &Handle,
    name: &CStr,
    datatype: &Handle,
    values: NewValues<'_>,
) -> Called<()> {
    // SAFETY: the object is open, and the name ends with zero.
    let attribute = own(|| unsafe { H5Aopen(object.0, name.as_ptr(), H5P_DEFAULT) })?;
    write_attribute(&attribute, datatype, values)
}

/// Sets an attribute. One that is there stays as it is if the new one cannot be made.
pub(in crate::hdf5) fn set_attribute(
    object: &Handle,
    name: &CStr,
    datatype: &Handle,
    shape: Option<&[u64]>,
    values: NewValues<'_>,
) -> Called<()> {
    locked(|| {
        if !super::has_attribute(object, name)? {
            return create_attribute(object, name, datatype, shape, values);
        }
        let mut other = b"new ".to_vec();
        other.extend_from_slice(name.to_bytes());
        let mut other = c_text(&other)?;
        while super::has_attribute(object, &other)? {
            other = c_text(&[b"new ", other.to_bytes()].concat())?;
        }
        create_attribute(object, &other, datatype, shape, values)?;
        // SAFETY: the object is open, and the names end with zero; so below.
        called(|| unsafe { H5Adelete(object.0, name.as_ptr()) })?;
        // SAFETY: as above.
        called(|| unsafe { H5Arename(object.0, other.as_ptr(), name.as_ptr()) })?;
        Ok(())
    })
}

fn create_attribute(
    object: &Handle,
    name: &CStr,
    datatype: &Handle,
    shape: Option<&[u64]>,
    values: NewValues<'_>,
) -> Called<()> {
    let list = named(*H5P_ATTRIBUTE_CREATE)?;
    let space = shape.map_or_else(null_space, space)?;
    // SAFETY: all are open, and the name ends with zero.
    let attribute =
        own(|| unsafe { H5Acreate2(object.0, name.as_ptr(), datatype.0, space.0, list.0, H5P_DEFAULT) })?;
    let written = write_attribute(&attribute, datatype, values);
    drop(attribute);
    if written.is_err() {
        // SAFETY: the object is open, and the name ends with zero.
        let _ = called(|| unsafe { H5Adelete(object.0, name.as_ptr()) });
    }
    written
}

fn write_attribute(attribute: &Handle, datatype: &Handle, values: NewValues<'_>) -> Called<()> {
    // SAFETY: the attribute is open.
    let space = own(|| unsafe { H5Aget_space(attribute.0) })?;
    // SAFETY: the space is open.
    let n_values = called(|| unsafe { H5Sget_simple_extent_npoints(space.0) })?;
    let mut kept = Kept::default();
    let buffer = values.buffer(n_values, datatype, &mut kept)?;
    if n_values == 0 {
        return Ok(());
    }
    // SAFETY: attribute and type are open, and the buffer has as many values as the attribute,
    // those of texts being pointers to texts that end with zero and outlive the call.
    called(|| unsafe { H5Awrite(attribute.0, datatype.0, buffer) }).map(drop)
}
