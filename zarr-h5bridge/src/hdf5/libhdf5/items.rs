//! Values of any type, taken out of the memory that the library fills and put into memory for it to read.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CString, c_void};

use hdf5_sys::h5::hsize_t;
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5r::{H5R_type_t, H5Rcreate, H5Rdereference2, H5Rget_region};
use hdf5_sys::h5s::{
    H5S_SEL_ALL, H5S_SEL_HYPERSLABS, H5S_SEL_POINTS, H5S_SELECT_OR, H5S_SELECT_SET,
    H5Sget_select_elem_npoints, H5Sget_select_elem_pointlist, H5Sget_select_hyper_blocklist,
    H5Sget_select_hyper_nblocks, H5Sget_select_type, H5Sget_simple_extent_ndims, H5Sselect_all,
    H5Sselect_elements, H5Sselect_hyperslab, H5Sselect_none,
};

use super::super::datatype::{Datatype, ReferenceKind};
use super::super::item::{Area, Item, Referent, Target};
use super::values::{Holder, n_selected, read_into, reclaim, row_space};
use super::{Called, Handle, called, dataset_space, locked, own, size_in_memory, zeroed};

/// The numbers of a kind of reference.
const OBJECT: H5R_type_t = H5R_type_t::H5R_OBJECT1;
const REGION: H5R_type_t = H5R_type_t::H5R_DATASET_REGION1;
/// The bytes of a sequence in memory: its length, and a pointer.
const SEQUENCE_SIZE: usize = size_of::<[usize; 2]>();
const POINTER_SIZE: usize = size_of::<usize>();
/// The most boxes or points of one region.
const AREA_MAX: i64 = 1 << 24;

/// The bytes of a value in memory; `None` for what is never read.
fn memory_size(datatype: &Datatype) -> Option<usize> {
    match datatype {
        Datatype::VlenString { .. } => Some(POINTER_SIZE),
        Datatype::VlenSequence { .. } => Some(SEQUENCE_SIZE),
        Datatype::Compound { size, .. } => Some(*size),
        Datatype::Array { dims, element } => dims.iter().try_fold(memory_size(element)?, |size, &dim| {
            size.checked_mul(usize::try_from(dim).ok()?)
        }),
        other => other.size(),
    }
}

/// Whether values of a type are taken as they are, being of a fixed size and without pointers.
fn is_plain(datatype: &Datatype) -> bool {
    match datatype {
        Datatype::VlenString { .. } | Datatype::VlenSequence { .. } | Datatype::Reference { .. } => false,
        Datatype::Compound { fields, .. } => fields.iter().all(|field| is_plain(&field.datatype)),
        Datatype::Array { element, .. } => is_plain(element),
        _ => true,
    }
}

/// Reads values of any type.
pub(in crate::hdf5) fn read_items(
    holder: Holder<'_>,
    datatype: &Datatype,
    handle: &Handle,
    file: &Handle,
) -> Called<Vec<Item>> {
    locked(|| {
        let n_values = n_selected(holder)?;
        let size = size_in_memory(handle)?;
        if memory_size(datatype) != Some(size) {
            return Err("values of this type are not read".to_owned());
        }
        if n_values == 0 {
            return Ok(Vec::new());
        }
        let memory = row_space(n_values)?;
        let mut buffer = zeroed::<u8>(n_values.checked_mul(size))?;
        // SAFETY: the buffer has room for all selected values.
        called(|| unsafe { read_into(holder, handle, &memory, buffer.as_mut_ptr().cast()) })?;
        let items = buffer
            .chunks_exact(size)
            // SAFETY: the library filled the buffer with values of this type.
            .map(|value| unsafe { take(datatype, value, file) })
            .collect();
        reclaim(handle, &memory, buffer.as_mut_ptr().cast());
        items
    })
}

fn number(bytes: &[u8], place: usize) -> usize {
    let start = place * POINTER_SIZE;
    let found = bytes.get(start..start + POINTER_SIZE);
    found
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, usize::from_ne_bytes)
}

/// Takes a value out of memory.
///
/// # Safety
/// The bytes must be those of a value of the type that the library made, pointers included.
unsafe fn take(datatype: &Datatype, bytes: &[u8], file: &Handle) -> Called<Item> {
    if is_plain(datatype) {
        return Ok(Item::Bytes(bytes.to_vec()));
    }
    let part = |start: usize, datatype: &Datatype| -> Called<Item> {
        let end = memory_size(datatype).and_then(|size| start.checked_add(size));
        let bytes = end.and_then(|end| bytes.get(start..end));
        let bytes = bytes.ok_or("a value reaches beyond the one that it is part of")?;
        // SAFETY: the caller's promise; the type is that of a part.
        unsafe { take(datatype, bytes, file) }
    };
    Ok(match datatype {
        Datatype::VlenString { .. } => match number(bytes, 0) as *const std::ffi::c_char {
            text if text.is_null() => Item::Text(Vec::new()),
            // SAFETY: the caller's promise; a text ends with zero.
            text => Item::Text(unsafe { std::ffi::CStr::from_ptr(text) }.to_bytes().to_vec()),
        },
        Datatype::VlenSequence { element } => {
            let (len, values) = (number(bytes, 0), number(bytes, 1) as *const u8);
            let size = memory_size(element).filter(|size| *size > 0);
            let size = size.ok_or("sequences of this type are not read")?;
            if values.is_null() || len == 0 {
                return Ok(Item::Sequence(Vec::new()));
            }
            let len = len.checked_mul(size).ok_or("a sequence is too long")?;
            // SAFETY: the caller's promise; the pointer is to as many values.
            let values = unsafe { std::slice::from_raw_parts(values, len) };
            let items = values
                .chunks_exact(size)
                // SAFETY: as above.
                .map(|value| unsafe { take(element, value, file) });
            Item::Sequence(items.collect::<Called<_>>()?)
        }
        Datatype::Compound { fields, .. } => {
            let parts = fields.iter().map(|field| part(field.offset, &field.datatype));
            Item::Parts(parts.collect::<Called<_>>()?)
        }
        Datatype::Array { element, .. } => {
            let size = memory_size(element).unwrap_or(1).max(1);
            let parts = (0..bytes.len() / size).map(|n| part(n * size, element));
            Item::Parts(parts.collect::<Called<_>>()?)
        }
        Datatype::Reference { kind, .. } => Item::Reference(reference(*kind, bytes, file)?),
        _ => return Err("values of this type are not read".to_owned()),
    })
}

fn reference(kind: ReferenceKind, bytes: &[u8], file: &Handle) -> Called<Option<Target>> {
    if bytes.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    match kind {
        ReferenceKind::Object => {
            let address = bytes.try_into().map_err(|_| "references are of an odd size")?;
            Ok(Some(Target {
                object: Referent::Address(u64::from_le_bytes(address)),
                region: None,
            }))
        }
        ReferenceKind::Region => {
            let bytes = bytes.as_ptr().cast::<c_void>();
            // SAFETY: the file is open, and the bytes are a reference of that kind, which the caller read.
            let object = own(|| unsafe { H5Rdereference2(file.0, H5P_DEFAULT, REGION, bytes) })?;
            // SAFETY: as above.
            let space = own(|| unsafe { H5Rget_region(file.0, REGION, bytes) })?;
            Ok(Some(Target {
                object: Referent::Address(super::address(&object)?),
                region: Some(area(&space)?),
            }))
        }
        ReferenceKind::General => Err("references of HDF5 1.12 are not read".to_owned()),
    }
}

fn area(space: &Handle) -> Called<Area> {
    // SAFETY: the space is open; so below.
    let (kind, ndim) = unsafe { (H5Sget_select_type(space.0), H5Sget_simple_extent_ndims(space.0)) };
    let ndim = usize::try_from(ndim).map_err(|_| "a region has no dimensions")?;
    let list = |count: i64, numbers: usize, get: &dyn Fn(hsize_t, *mut hsize_t) -> i32| -> Called<Vec<u64>> {
        if !(0..=AREA_MAX).contains(&count) {
            return Err("a region has too many parts".to_owned());
        }
        let mut list = zeroed::<hsize_t>((count as usize).checked_mul(numbers))?;
        if !list.is_empty() {
            called(|| get(count as hsize_t, list.as_mut_ptr()))?;
        }
        Ok(list)
    };
    if kind == H5S_SEL_ALL {
        return Ok(Area::All);
    }
    if ndim > 0 && kind == H5S_SEL_HYPERSLABS {
        // SAFETY: as above; there is room for as many boxes as there are, each of two corners.
        let boxes = unsafe {
            list(H5Sget_select_hyper_nblocks(space.0), 2 * ndim, &|count, into| {
                H5Sget_select_hyper_blocklist(space.0, 0, count, into)
            })?
        };
        let corners = boxes.chunks_exact(2 * ndim).map(|corners| {
            let (first, last) = corners.split_at(ndim);
            (first.to_vec(), last.to_vec())
        });
        return Ok(Area::Boxes(corners.collect()));
    }
    if ndim > 0 && kind == H5S_SEL_POINTS {
        // SAFETY: as above; there is room for as many points as there are.
        let points = unsafe {
            list(H5Sget_select_elem_npoints(space.0), ndim, &|count, into| {
                H5Sget_select_elem_pointlist(space.0, 0, count, into)
            })?
        };
        return Ok(Area::Points(
            points.chunks_exact(ndim).map(<[u64]>::to_vec).collect(),
        ));
    }
    Ok(Area::Boxes(Vec::new()))
}

/// Values in memory as the library reads them; what they point to lives as long.
#[derive(Debug, Default)]
pub(super) struct Laid {
    pub(super) bytes: Vec<u8>,
    texts: Vec<CString>,
    sequences: Vec<Vec<u8>>,
}

/// Lays values of a type out in memory.
pub(super) fn lay(datatype: &Datatype, handle: &Handle, items: &[Item], file: &Handle) -> Called<Laid> {
    let size = size_in_memory(handle)?;
    if memory_size(datatype) != Some(size) {
        return Err("values of this type are not written".to_owned());
    }
    let mut laid = Laid::default();
    let mut bytes = zeroed(items.len().checked_mul(size))?;
    for (item, place) in items.iter().zip(bytes.chunks_exact_mut(size)) {
        laid.put(datatype, item, place, file)?;
    }
    laid.bytes = bytes;
    Ok(laid)
}

impl Laid {
    fn put(&mut self, datatype: &Datatype, item: &Item, place: &mut [u8], file: &Handle) -> Called<()> {
        let unfit = || "a value is not of its type".to_owned();
        let pointer = |place: &mut [u8], at: usize, value: usize| {
            place[at * POINTER_SIZE..][..POINTER_SIZE].copy_from_slice(&value.to_ne_bytes());
        };
        match (datatype, item) {
            (_, Item::Bytes(bytes)) if is_plain(datatype) && bytes.len() == place.len() => {
                place.copy_from_slice(bytes);
            }
            (Datatype::VlenString { .. }, Item::Text(text)) => {
                let text = CString::new(text.as_slice())
                    .map_err(|_| "a text has a zero byte, which ends texts in HDF5")?;
                pointer(place, 0, text.as_ptr() as usize);
                self.texts.push(text);
            }
            (Datatype::VlenSequence { element }, Item::Sequence(items)) => {
                let size = memory_size(element).filter(|size| *size > 0).ok_or_else(unfit)?;
                let mut values = zeroed::<u8>(items.len().checked_mul(size))?;
                for (item, place) in items.iter().zip(values.chunks_exact_mut(size)) {
                    self.put(element, item, place, file)?;
                }
                if !items.is_empty() {
                    pointer(place, 0, items.len());
                    pointer(place, 1, values.as_ptr() as usize);
                    self.sequences.push(values);
                }
            }
            (Datatype::Compound { fields, .. }, Item::Parts(parts)) if fields.len() == parts.len() => {
                for (field, part) in fields.iter().zip(parts) {
                    let end = memory_size(&field.datatype).and_then(|size| field.offset.checked_add(size));
                    let place = end.and_then(|end| place.get_mut(field.offset..end));
                    self.put(&field.datatype, part, place.ok_or_else(unfit)?, file)?;
                }
            }
            (Datatype::Array { element, .. }, Item::Parts(parts)) => {
                let size = memory_size(element).filter(|size| *size > 0).ok_or_else(unfit)?;
                if parts.len().checked_mul(size) != Some(place.len()) {
                    return Err(unfit());
                }
                for (part, place) in parts.iter().zip(place.chunks_exact_mut(size)) {
                    self.put(element, part, place, file)?;
                }
            }
            (Datatype::Reference { .. }, Item::Reference(None)) => {}
            (Datatype::Reference { .. }, Item::Reference(Some(target))) => refer(target, place, file)?,
            _ => return Err(unfit()),
        }
        Ok(())
    }
}

/// Makes a reference to what is at a path of the file.
fn refer(target: &Target, place: &mut [u8], file: &Handle) -> Called<()> {
    let Referent::Path(path) = &target.object else {
        return Err("an address means nothing in another file".to_owned());
    };
    let path = CString::new(path.as_str()).map_err(|_| "a path has a zero byte")?;
    let (kind, size, space) = match &target.region {
        None => (OBJECT, 8, None),
        Some(area) => {
            let object = super::open_object(file, &path)?.ok_or("it points out of the file")?;
            (REGION, 12, Some(selected(&object, area)?))
        }
    };
    if place.len() != size {
        return Err("references are of an odd size".to_owned());
    }
    let space: hid_t = space.as_ref().map_or(-1, |space| space.0);
    // SAFETY: the file and the space are open, the path ends with zero, and the place has the size of such a reference.
    called(|| unsafe { H5Rcreate(place.as_mut_ptr().cast(), file.0, path.as_ptr(), kind, space) })
        .map_err(|reason| format!("it points to {path:?}, where nothing is: {reason}"))?;
    Ok(())
}

/// The space of a dataset with a part selected.
fn selected(dataset: &Handle, area: &Area) -> Called<Handle> {
    let properties = super::creation_properties(dataset)?;
    let space = dataset_space(dataset, &properties)?;
    // SAFETY: the space is open; so below.
    let ndim = usize::try_from(unsafe { H5Sget_simple_extent_ndims(space.0) }).unwrap_or(0);
    let fits = |numbers: &[u64]| numbers.len() == ndim && ndim > 0;
    let unfit = || "a region does not fit its dataset".to_owned();
    match area {
        // SAFETY: as above.
        Area::All => called(|| unsafe { H5Sselect_all(space.0) })?,
        Area::Boxes(boxes) => {
            // SAFETY: as above.
            let mut done = called(|| unsafe { H5Sselect_none(space.0) })?;
            for (n, (first, last)) in boxes.iter().enumerate() {
                if !fits(first) || !fits(last) {
                    return Err(unfit());
                }
                let lengths = first.iter().zip(last);
                let count: Option<Vec<u64>> = lengths
                    .map(|(first, last)| last.checked_sub(*first)?.checked_add(1))
                    .collect();
                let count = count.ok_or_else(unfit)?;
                let how = if n == 0 { H5S_SELECT_SET } else { H5S_SELECT_OR };
                let none = std::ptr::null();
                // SAFETY: as above, and both lists have as many numbers as the space has dimensions.
                done = called(|| unsafe {
                    H5Sselect_hyperslab(space.0, how, first.as_ptr(), none, count.as_ptr(), none)
                })?;
            }
            done
        }
        Area::Points(points) => {
            if !points.iter().all(|point| fits(point)) {
                return Err(unfit());
            }
            let flat = points.concat();
            // SAFETY: as above, and there are as many points as is told.
            called(|| unsafe { H5Sselect_elements(space.0, H5S_SELECT_SET, points.len(), flat.as_ptr()) })?
        }
    };
    Ok(space)
}
