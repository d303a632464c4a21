//! Making files, groups, datasets and attributes.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::ptr;

use hdf5::globals::{
    H5P_ATTRIBUTE_CREATE, H5P_DATASET_CREATE, H5P_FILE_ACCESS, H5P_LINK_CREATE, H5T_C_S1, H5T_IEEE_F32BE,
    H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_IEEE_F64LE, H5T_STD_I8LE, H5T_STD_I16LE, H5T_STD_I32LE,
    H5T_STD_I64LE, H5T_STD_U8LE, H5T_STD_U16LE, H5T_STD_U32LE, H5T_STD_U64LE,
};
use hdf5_sys::h5a::{H5Acreate2, H5Adelete, H5Aget_space, H5Arename, H5Awrite};
use hdf5_sys::h5d::{H5Dcreate_anon, H5Dwrite};
use hdf5_sys::h5f::{H5F_ACC_EXCL, H5F_ACC_RDWR, H5F_SCOPE_GLOBAL, H5Fcreate, H5Fflush, H5Fopen};
use hdf5_sys::h5g::H5Gcreate2;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5Ldelete, H5Lexists};
use hdf5_sys::h5o::H5Olink;
use hdf5_sys::h5p::{
    H5P_DEFAULT, H5Pcreate, H5Pset_char_encoding, H5Pset_chunk, H5Pset_deflate, H5Pset_file_locking,
    H5Pset_fill_value, H5Pset_fletcher32, H5Pset_shuffle,
};
use hdf5_sys::h5s::{
    H5S_SELECT_SET, H5Screate_simple, H5Sget_select_npoints, H5Sget_simple_extent_npoints,
    H5Sselect_hyperslab,
};
use hdf5_sys::h5t::{
    H5T_COMPOUND, H5T_CSET_ASCII, H5T_CSET_UTF8, H5T_OPAQUE, H5T_ORDER_BE, H5T_STR_NULLPAD, H5T_STR_NULLTERM,
    H5T_STR_SPACEPAD, H5T_VARIABLE, H5Tarray_create2, H5Tcopy, H5Tcreate, H5Tenum_create, H5Tenum_insert,
    H5Tinsert, H5Tset_cset, H5Tset_ebias, H5Tset_fields, H5Tset_order, H5Tset_size, H5Tset_strpad,
    H5Tset_tag,
};

use super::super::datatype::{Charset, Datatype, StringPadding};
use super::values::scalar_space;
use super::{Called, Handle, called, locked, own, size_in_memory};

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

/// Makes a file where none is.
pub(in crate::hdf5) fn create_file(path: &CStr) -> Called<Handle> {
    let access = file_access()?;
    // SAFETY: the path ends with zero, and the list is open.
    own(|| unsafe { H5Fcreate(path.as_ptr(), H5F_ACC_EXCL, H5P_DEFAULT, access.0) })
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
pub(in crate::hdf5) fn create_group(above: &Handle, name: &CStr) -> Called<Handle> {
    let list = named(*H5P_LINK_CREATE)?;
    // SAFETY: group and list are open, and the name ends with zero.
    own(|| unsafe { H5Gcreate2(above.0, name.as_ptr(), list.0, H5P_DEFAULT, H5P_DEFAULT) })
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

/// Makes a type of the library; the opposite of [`describe`](super::describe).
pub(in crate::hdf5) fn make_type(datatype: &Datatype) -> Called<Handle> {
    match datatype {
        Datatype::Integer {
            size,
            signed,
            big_endian,
        } => integer(*size, *signed, *big_endian),
        Datatype::Float { size, big_endian } => float(*size, *big_endian),
        Datatype::Bool => boolean(),
        Datatype::Complex {
            part_size,
            big_endian,
        } => {
            let part = float(*part_size, *big_endian)?;
            compound(
                part_size.saturating_mul(2),
                &[(c"r", 0, &part), (c"i", *part_size, &part)],
            )
        }
        Datatype::FixedString {
            size,
            padding,
            charset,
        } => string(*size, Some(*padding), *charset),
        Datatype::VlenString { charset } => string(H5T_VARIABLE, None, *charset),
        Datatype::Opaque { size, tag } => {
            let tag = c_text(tag.as_bytes())?;
            // SAFETY: the call takes nothing but numbers.
            let made = own(|| unsafe { H5Tcreate(H5T_OPAQUE, *size) })?;
            // SAFETY: the type is open, and the text ends with zero.
            called(|| unsafe { H5Tset_tag(made.0, tag.as_ptr()) })?;
            Ok(made)
        }
        Datatype::Compound { size, fields } => {
            let made: Vec<_> = fields
                .iter()
                .map(|field| {
                    Ok((
                        c_text(field.name.as_bytes())?,
                        field.offset,
                        make_type(&field.datatype)?,
                    ))
                })
                .collect::<Called<_>>()?;
            let fields: Vec<_> = made
                .iter()
                .map(|(name, offset, datatype)| (name.as_c_str(), *offset, datatype))
                .collect();
            compound(*size, &fields)
        }
        Datatype::Array { dims, element } => {
            let element = make_type(element)?;
            let ndim = c_uint::try_from(dims.len()).map_err(|_| "too many dimensions")?;
            // SAFETY: the type is open, and there are as many numbers as is told.
            own(|| unsafe { H5Tarray_create2(element.0, ndim, dims.as_ptr()) })
        }
        _ => Err("values of this type are not written".to_owned()),
    }
}

fn c_text(bytes: &[u8]) -> Called<CString> {
    CString::new(bytes).map_err(|_| "a zero byte is in a name".to_owned())
}

fn copy(standard: hid_t) -> Called<Handle> {
    // SAFETY: the type is one of the library's own.
    own(|| unsafe { H5Tcopy(standard) })
}

fn integer(size: usize, signed: bool, big_endian: bool) -> Called<Handle> {
    let standard = match (size, signed) {
        (1, true) => *H5T_STD_I8LE,
        (2, true) => *H5T_STD_I16LE,
        (4, true) => *H5T_STD_I32LE,
        (8, true) => *H5T_STD_I64LE,
        (1, false) => *H5T_STD_U8LE,
        (2, false) => *H5T_STD_U16LE,
        (4, false) => *H5T_STD_U32LE,
        (8, false) => *H5T_STD_U64LE,
        _ => return Err(format!("there are no whole numbers of {size} bytes")),
    };
    let made = copy(standard)?;
    if big_endian && size > 1 {
        // SAFETY: the type is open.
        called(|| unsafe { H5Tset_order(made.0, H5T_ORDER_BE) })?;
    }
    Ok(made)
}

fn float(size: usize, big_endian: bool) -> Called<Handle> {
    match (size, big_endian) {
        (2, _) => {
            let single = if big_endian {
                *H5T_IEEE_F32BE
            } else {
                *H5T_IEEE_F32LE
            };
            let made = copy(single)?;
            // SAFETY: the type is open; the numbers are those of IEEE's half precision.
            called(|| unsafe { H5Tset_fields(made.0, 15, 10, 5, 0, 10) })?;
            // SAFETY: the type is open; so below.
            called(|| unsafe { H5Tset_size(made.0, 2) })?;
            // SAFETY: as above.
            called(|| unsafe { H5Tset_ebias(made.0, 15) })?;
            Ok(made)
        }
        (4, false) => copy(*H5T_IEEE_F32LE),
        (4, true) => copy(*H5T_IEEE_F32BE),
        (8, false) => copy(*H5T_IEEE_F64LE),
        (8, true) => copy(*H5T_IEEE_F64BE),
        _ => Err(format!("there are no floats of {size} bytes")),
    }
}

fn boolean() -> Called<Handle> {
    let base = integer(1, true, false)?;
    // SAFETY: the type is open.
    let made = own(|| unsafe { H5Tenum_create(base.0) })?;
    for (name, value) in [(c"FALSE", 0_i8), (c"TRUE", 1)] {
        // SAFETY: the type is open, the name ends with zero, and the value has the type's one byte.
        called(|| unsafe { H5Tenum_insert(made.0, name.as_ptr(), (&raw const value).cast()) })?;
    }
    Ok(made)
}

fn compound(size: usize, fields: &[(&CStr, usize, &Handle)]) -> Called<Handle> {
    // SAFETY: the call takes nothing but numbers.
    let made = own(|| unsafe { H5Tcreate(H5T_COMPOUND, size) })?;
    for (name, offset, datatype) in fields {
        // SAFETY: both types are open, and the name ends with zero.
        called(|| unsafe { H5Tinsert(made.0, name.as_ptr(), *offset, datatype.0) })?;
    }
    Ok(made)
}

fn string(size: usize, padding: Option<StringPadding>, charset: Charset) -> Called<Handle> {
    let made = copy(*H5T_C_S1)?;
    let charset = match charset {
        Charset::Utf8 => H5T_CSET_UTF8,
        Charset::Ascii => H5T_CSET_ASCII,
    };
    // SAFETY: the type is open and a text; so below.
    called(|| unsafe { H5Tset_size(made.0, size) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Tset_cset(made.0, charset) })?;
    if let Some(padding) = padding {
        let padding = match padding {
            StringPadding::NullPadded => H5T_STR_NULLPAD,
            StringPadding::SpacePadded => H5T_STR_SPACEPAD,
            StringPadding::NullTerminated => H5T_STR_NULLTERM,
        };
        // SAFETY: as above.
        called(|| unsafe { H5Tset_strpad(made.0, padding) })?;
    }
    Ok(made)
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

/// How a new dataset lies in its file.
#[derive(Clone, Copy, Debug)]
pub(in crate::hdf5) struct NewLayout<'a> {
    /// In one piece and without filters if absent.
    pub(in crate::hdf5) chunk_shape: Option<&'a [u64]>,
    pub(in crate::hdf5) gzip: Option<u8>,
    pub(in crate::hdf5) shuffle: bool,
    pub(in crate::hdf5) fletcher32: bool,
}

/// Makes a dataset without a name, which is gone with the file unless it is linked.
pub(in crate::hdf5) fn create_dataset(
    file: &Handle,
    datatype: &Handle,
    shape: &[u64],
    layout: NewLayout<'_>,
    fill_value: Option<&[u8]>,
) -> Called<Handle> {
    // SAFETY: the class is one of the library's own.
    let list = own(|| unsafe { H5Pcreate(*H5P_DATASET_CREATE) })?;
    if let Some(chunk_shape) = layout.chunk_shape {
        let ndim = c_int::try_from(chunk_shape.len()).map_err(|_| "too many dimensions")?;
        // SAFETY: the list is open, and there are as many numbers as is told.
        called(|| unsafe { H5Pset_chunk(list.0, ndim, chunk_shape.as_ptr()) })?;
        // The order of the steps is the one that h5py gives them.
        if layout.shuffle {
            // SAFETY: the list is open; so below.
            called(|| unsafe { H5Pset_shuffle(list.0) })?;
        }
        if let Some(level) = layout.gzip {
            // SAFETY: as above.
            called(|| unsafe { H5Pset_deflate(list.0, level.into()) })?;
        }
        if layout.fletcher32 {
            // SAFETY: as above.
            called(|| unsafe { H5Pset_fletcher32(list.0) })?;
        }
    }
    if let Some(fill_value) = fill_value {
        if fill_value.len() != size_in_memory(datatype)? {
            return Err("the fill value is no element".to_owned());
        }
        // SAFETY: list and type are open, and the value has the size of the type.
        called(|| unsafe { H5Pset_fill_value(list.0, datatype.0, fill_value.as_ptr().cast()) })?;
    }
    let space = space(shape)?;
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
        let mut pointers = Vec::new();
        let buffer = values.buffer(n_values, datatype, &mut pointers)?;
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
}

impl NewValues<'_> {
    /// The values as the library takes them, once there are as many as there must be.
    ///
    /// Texts are pointed to from `pointers`.
    fn buffer(
        self,
        n_values: i64,
        datatype: &Handle,
        pointers: &mut Vec<*const std::ffi::c_char>,
    ) -> Called<*const c_void> {
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
                pointers.extend(texts.iter().map(|text| text.as_ptr()));
                Ok(pointers.as_ptr().cast())
            }
        }
    }
}

/// Sets an attribute. One that is there stays as it is if the new one cannot be made.
pub(in crate::hdf5) fn set_attribute(
    object: &Handle,
    name: &CStr,
    datatype: &Handle,
    shape: &[u64],
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
    shape: &[u64],
    values: NewValues<'_>,
) -> Called<()> {
    let (list, space) = (named(*H5P_ATTRIBUTE_CREATE)?, space(shape)?);
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
    let mut pointers = Vec::new();
    let buffer = values.buffer(n_values, datatype, &mut pointers)?;
    if n_values == 0 {
        return Ok(());
    }
    // SAFETY: attribute and type are open, and the buffer has as many values as the attribute,
    // those of texts being pointers to texts that end with zero and outlive the call.
    called(|| unsafe { H5Awrite(attribute.0, datatype.0, buffer) }).map(drop)
}
