//! Files, links, objects and attributes.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use hdf5::globals::{H5P_FILE_ACCESS, H5P_LINK_ACCESS};
use hdf5_sys::h5::{H5_INDEX_CRT_ORDER, H5_INDEX_NAME, H5_ITER_INC, H5_index_t};
use hdf5_sys::h5a::{H5A_info_t, H5Aexists, H5Aiterate2, H5Aopen};
use hdf5_sys::h5d::H5Dget_create_plist;
use hdf5_sys::h5f::{H5F_ACC_RDONLY, H5F_ACC_RDWR, H5Fget_intent, H5Fopen};
use hdf5_sys::h5g::H5Gget_create_plist;
use hdf5_sys::h5i::{H5I_DATASET, H5I_DATATYPE, H5I_GROUP, H5Iget_type, hid_t};
use hdf5_sys::h5l::{H5L_info2_t, H5Lexists, H5Lget_val, H5Literate2, H5Lunpack_elink_val};
use hdf5_sys::h5o::{
    H5O_INFO_BASIC, H5O_info2_t, H5Oexists_by_name, H5Oget_info_by_name3, H5Oget_info3, H5Oopen,
};
use hdf5_sys::h5p::{
    H5P_CRT_ORDER_TRACKED, H5P_DEFAULT, H5Pcreate, H5Pget_attr_creation_order, H5Pget_link_creation_order,
    H5Pset_elink_cb, H5Pset_fapl_sec2, H5Pset_file_locking,
};
use hdf5_sys::h5t::H5Tget_create_plist;

use super::{Called, Handle, called, locked, own, zeroed};

/// What an object is, by the numbers of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::hdf5) enum Kind {
    Group,
    Dataset,
    NamedType,
    Unknown,
}

/// A link as the group lists it.
#[derive(Clone, Debug)]
pub(in crate::hdf5) struct ListedLink {
    pub(in crate::hdf5) name: CString,
    /// 0 hard, 1 soft, 64 external, others as registered by whoever wrote the file.
    pub(in crate::hdf5) class: c_int,
}

/// Opens a file for reading. Locks it where the file system can.
pub(in crate::hdf5) fn open_file(path: &CStr) -> Called<Handle> {
    // SAFETY: the class is one of the library's own.
    let access = own(|| unsafe { H5Pcreate(*H5P_FILE_ACCESS) })?;
    // SAFETY: the list is open and of the right class.
    called(|| unsafe { H5Pset_file_locking(access.0, 1, 1) })?;
    // Whatever driver the environment names: only then is an address a place in the file.
    // SAFETY: as above.
    called(|| unsafe { H5Pset_fapl_sec2(access.0) })?;
    // SAFETY: the path ends with zero, and the list is open.
    own(|| unsafe { H5Fopen(path.as_ptr(), H5F_ACC_RDONLY, access.0) })
}

/// Whether this process changes the file, so that the library may hold what is not in it yet.
pub(in crate::hdf5) fn is_changed_here(file: &Handle) -> bool {
    let mut intent: c_uint = 0;
    // SAFETY: the file is open, and the pointer is to room for the answer.
    let found = called(|| unsafe { H5Fget_intent(file.0, &raw mut intent) });
    found.is_err() || intent & H5F_ACC_RDWR != 0
}

thread_local! {
    /// Whether the last traversal of this thread met an external link.
    static MET_EXTERNAL: Cell<bool> = const { Cell::new(false) };
}

/// An access list with which external links fail before the other file is touched.
fn inside_only() -> Called<Handle> {
    extern "C" fn refuse(
        _: *const c_char,
        _: *const c_char,
        _: *const c_char,
        _: *const c_char,
        _: *mut c_uint,
        _: hid_t,
        _: *mut c_void,
    ) -> c_int {
        MET_EXTERNAL.set(true);
        -1
    }
    MET_EXTERNAL.set(false);
    // SAFETY: the class is one of the library's own.
    let access = own(|| unsafe { H5Pcreate(*H5P_LINK_ACCESS) })?;
    // SAFETY: the list is open, and the callback has the type that the library asks for and uses no data.
    called(|| unsafe { H5Pset_elink_cb(access.0, Some(refuse), ptr::null_mut()) })?;
    Ok(access)
}

/// Opens the object at a path from `location`; `None` if an external link is on the way.
pub(in crate::hdf5) fn open_object(location: &Handle, path: &CStr) -> Called<Option<Handle>> {
    let access = inside_only()?;
    // SAFETY: location and list are open, and the path ends with zero.
    match own(|| unsafe { H5Oopen(location.0, path.as_ptr(), access.0) }) {
        Ok(object) => Ok(Some(object)),
        Err(_) if MET_EXTERNAL.get() => Ok(None),
        Err(reason) => Err(reason),
    }
}

/// Whether the link `path` is there, all of whose parents are, and leads to an object.
pub(in crate::hdf5) fn exists(location: &Handle, path: &CStr) -> Called<bool> {
    let access = inside_only()?;
    // SAFETY: location and list are open, and the path ends with zero.
    let is_link = called(|| unsafe { H5Lexists(location.0, path.as_ptr(), access.0) })? > 0;
    // SAFETY: as above.
    Ok(is_link && called(|| unsafe { H5Oexists_by_name(location.0, path.as_ptr(), access.0) })? > 0)
}

/// What kind of object is open.
pub(in crate::hdf5) fn kind(object: &Handle) -> Kind {
    // SAFETY: the identifier is open.
    let kind = locked(|| unsafe { H5Iget_type(object.0) });
    if kind == H5I_GROUP {
        Kind::Group
    } else if kind == H5I_DATASET {
        Kind::Dataset
    } else if kind == H5I_DATATYPE {
        Kind::NamedType
    } else {
        Kind::Unknown
    }
}

/// The address of an open object, which tells it from all others of the file.
pub(in crate::hdf5) fn address(object: &Handle) -> Called<u64> {
    info(|into| {
        // SAFETY: the object is open, and `into` is room for the answer.
        unsafe { H5Oget_info3(object.0, into, H5O_INFO_BASIC) }
    })
    .map(|(address, _)| address)
}

/// Address and kind of the object that a hard link leads to.
pub(in crate::hdf5) fn linked_object(group: &Handle, name: &CStr) -> Called<(u64, Kind)> {
    info(|into| {
        // SAFETY: the group is open, the name ends with zero, and `into` is room for the answer.
        unsafe { H5Oget_info_by_name3(group.0, name.as_ptr(), into, H5O_INFO_BASIC, H5P_DEFAULT) }
    })
}

fn info(get: impl FnOnce(*mut H5O_info2_t) -> c_int) -> Called<(u64, Kind)> {
    let mut room = std::mem::MaybeUninit::<H5O_info2_t>::zeroed();
    called(|| get(room.as_mut_ptr()))?;
    // The fields are read by their place: an object type that the binding does not know must not become an enum.
    // SAFETY: the library filled the fields, whose types are plain numbers and bytes.
    let (token, kind) = unsafe {
        let token = (&raw const (*room.as_ptr()).token).cast::<[u8; 16]>().read();
        (token, (&raw const (*room.as_ptr()).type_).cast::<c_int>().read())
    };
    // For files in HDF5's own format, a token is the address and then zero bytes.
    let address = u128::from_le_bytes(token) as u64;
    let kind = match kind {
        0 => Kind::Group,
        1 => Kind::Dataset,
        2 => Kind::NamedType,
        _ => Kind::Unknown,
    };
    Ok((address, kind))
}

/// The properties that an object was created with.
pub(in crate::hdf5) fn creation_properties(object: &Handle) -> Called<Handle> {
    match kind(object) {
        // SAFETY: the object is open and of the kind that the call asks for.
        Kind::Dataset => own(|| unsafe { H5Dget_create_plist(object.0) }),
        // SAFETY: as above.
        Kind::NamedType => own(|| unsafe { H5Tget_create_plist(object.0) }),
        // SAFETY: the object is open; what is no group fails.
        Kind::Group | Kind::Unknown => own(|| unsafe { H5Gget_create_plist(object.0) }),
    }
}

/// Whether a group keeps the order of its links, and of its attributes.
pub(in crate::hdf5) fn tracks_order(group: &Handle) -> Called<(bool, bool)> {
    let properties = creation_properties(group)?;
    let mut flags: c_uint = 0;
    // SAFETY: the list is open and a group's, and the pointer is to room for the answer.
    called(|| unsafe { H5Pget_link_creation_order(properties.0, &raw mut flags) })?;
    Ok((flags & H5P_CRT_ORDER_TRACKED != 0, tracks_attributes(&properties)))
}

/// Whether the order of attributes is kept, by the properties of an object.
pub(in crate::hdf5) fn tracks_attributes(properties: &Handle) -> bool {
    let mut flags: c_uint = 0;
    // SAFETY: the list is open and an object's, and the pointer is to room for the answer.
    let found = called(|| unsafe { H5Pget_attr_creation_order(properties.0, &raw mut flags) });
    found.is_ok() && flags & H5P_CRT_ORDER_TRACKED != 0
}

/// Creation order where the object tracks it, else order of the names' bytes.
fn iteration_index(flags: c_uint) -> H5_index_t {
    if flags & H5P_CRT_ORDER_TRACKED == 0 {
        H5_INDEX_NAME
    } else {
        H5_INDEX_CRT_ORDER
    }
}

/// The links of a group: in creation order where the group tracks it, else by name.
pub(in crate::hdf5) fn links(group: &Handle) -> Called<Vec<ListedLink>> {
    unsafe extern "C" fn list(
        _: hid_t,
        name: *const c_char,
        info: *const H5L_info2_t,
        links: *mut c_void,
    ) -> c_int {
        // SAFETY: the library hands over a text that ends with zero and the information it belongs to,
        // and `links` is the vector given below. The class is read as a number because it may be any.
        unsafe {
            let class = (&raw const (*info).type_).cast::<c_int>().read();
            let name = CStr::from_ptr(name).to_owned();
            (*links.cast::<Vec<ListedLink>>()).push(ListedLink { name, class });
        }
        0
    }
    let properties = creation_properties(group)?;
    let mut flags: c_uint = 0;
    // SAFETY: the list is open and a group's, and the pointer is to room for the answer.
    called(|| unsafe { H5Pget_link_creation_order(properties.0, &raw mut flags) })?;
    let mut links: Vec<ListedLink> = Vec::new();
    let into = (&raw mut links).cast::<c_void>();
    let index = iteration_index(flags);
    // SAFETY: the group is open, the callback has the right type, and `links` outlives the call.
    called(|| unsafe { H5Literate2(group.0, index, H5_ITER_INC, ptr::null_mut(), Some(list), into) })?;
    Ok(links)
}

/// The value of a link that is not hard: bytes whose meaning depends on its class.
fn link_value(group: &Handle, name: &CStr) -> Called<Vec<u8>> {
    let mut info = std::mem::MaybeUninit::<H5L_info2_t>::zeroed();
    // SAFETY: the group is open, the name ends with zero, and `info` is room for the answer.
    called(|| unsafe {
        hdf5_sys::h5l::H5Lget_info2(group.0, name.as_ptr(), info.as_mut_ptr(), H5P_DEFAULT)
    })?;
    // SAFETY: for links that are not hard, the library filled the size in; any bytes are a valid number.
    let size = unsafe { (&raw const (*info.as_ptr()).u).cast::<usize>().read() };
    let mut value = zeroed::<u8>(Some(size))?;
    let buffer = value.as_mut_ptr().cast::<c_void>();
    // SAFETY: the buffer has the size that is told.
    called(|| unsafe { H5Lget_val(group.0, name.as_ptr(), buffer, size, H5P_DEFAULT) })?;
    Ok(value)
}

/// The path that a soft link holds.
pub(in crate::hdf5) fn soft_target(group: &Handle, name: &CStr) -> Called<Vec<u8>> {
    let mut value = link_value(group, name)?;
    value.truncate(value.iter().position(|&byte| byte == 0).unwrap_or(value.len()));
    Ok(value)
}

/// The file and the path in it that an external link holds.
pub(in crate::hdf5) fn external_target(group: &Handle, name: &CStr) -> Called<(Vec<u8>, Vec<u8>)> {
    let value = link_value(group, name)?;
    let (mut file, mut path) = (ptr::null(), ptr::null());
    // SAFETY: the value has the size that is told; the library checks it and points into it.
    called(|| unsafe {
        H5Lunpack_elink_val(
            value.as_ptr().cast(),
            value.len(),
            ptr::null_mut(),
            &raw mut file,
            &raw mut path,
        )
    })?;
    // SAFETY: both are texts within `value`, which the library found to end with zero.
    unsafe {
        Ok((
            CStr::from_ptr(file).to_bytes().to_vec(),
            CStr::from_ptr(path).to_bytes().to_vec(),
        ))
    }
}

/// The names of an object's attributes: in creation order where the object tracks it, else by name.
pub(in crate::hdf5) fn attribute_names(object: &Handle) -> Called<Vec<CString>> {
    unsafe extern "C" fn list(
        _: hid_t,
        name: *const c_char,
        _: *const H5A_info_t,
        names: *mut c_void,
    ) -> c_int {
        // SAFETY: the library hands over a text that ends with zero, and `names` is the vector given below.
        unsafe { (*names.cast::<Vec<CString>>()).push(CStr::from_ptr(name).to_owned()) };
        0
    }
    let properties = creation_properties(object)?;
    let mut flags: c_uint = 0;
    // SAFETY: the list is open and an object's, and the pointer is to room for the answer.
    called(|| unsafe { H5Pget_attr_creation_order(properties.0, &raw mut flags) })?;
    let mut names: Vec<CString> = Vec::new();
    let into = (&raw mut names).cast::<c_void>();
    let index = iteration_index(flags);
    // SAFETY: the object is open, the callback has the right type, and `names` outlives the call.
    called(|| unsafe { H5Aiterate2(object.0, index, H5_ITER_INC, ptr::null_mut(), Some(list), into) })?;
    Ok(names)
}

/// Whether an object has an attribute of this name.
pub(in crate::hdf5) fn has_attribute(object: &Handle, name: &CStr) -> Called<bool> {
    // SAFETY: the object is open, and the name ends with zero.
    called(|| unsafe { H5Aexists(object.0, name.as_ptr()) }).map(|found| found > 0)
}

/// Opens an attribute of an object.
pub(in crate::hdf5) fn open_attribute(object: &Handle, name: &CStr) -> Called<Handle> {
    // SAFETY: the object is open, and the name ends with zero.
    own(|| unsafe { H5Aopen(object.0, name.as_ptr(), H5P_DEFAULT) })
}
