//! Making data types.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CStr, CString, c_uint};

use hdf5::globals::{
    H5T_C_S1, H5T_IEEE_F32BE, H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_IEEE_F64LE, H5T_STD_B8LE, H5T_STD_B16BE,
    H5T_STD_B16LE, H5T_STD_B32BE, H5T_STD_B32LE, H5T_STD_B64BE, H5T_STD_B64LE, H5T_STD_I8LE, H5T_STD_I16LE,
    H5T_STD_I32LE, H5T_STD_I64LE, H5T_STD_REF_DSETREG, H5T_STD_REF_OBJ, H5T_STD_U8LE, H5T_STD_U16LE,
    H5T_STD_U32LE, H5T_STD_U64LE, H5T_UNIX_D32BE, H5T_UNIX_D32LE, H5T_UNIX_D64BE, H5T_UNIX_D64LE,
};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5t::{
    H5T_COMPOUND, H5T_CSET_ASCII, H5T_CSET_UTF8, H5T_NORM_IMPLIED, H5T_NORM_MSBSET, H5T_NORM_NONE,
    H5T_OPAQUE, H5T_ORDER_BE, H5T_STR_NULLPAD, H5T_STR_NULLTERM, H5T_STR_SPACEPAD, H5T_VARIABLE,
    H5Tarray_create2, H5Tcopy, H5Tcreate, H5Tenum_create, H5Tenum_insert, H5Tinsert, H5Tset_cset,
    H5Tset_ebias, H5Tset_fields, H5Tset_norm, H5Tset_offset, H5Tset_order, H5Tset_precision, H5Tset_size,
    H5Tset_strpad, H5Tset_tag, H5Tvlen_create,
};

use super::super::datatype::{
    Charset, Datatype, EnumMember, FloatForm, Norm, NumberForm, NumberKind, ReferenceKind, StringPadding,
};
use super::{Called, Handle, called, own, size_in_memory};

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
        Datatype::Bitfield { size, big_endian } => bits(*size, *big_endian),
        Datatype::Enum { base, members } => enumeration(base, members),
        Datatype::VlenSequence { element } => {
            let element = make_type(element)?;
            // SAFETY: the type is open.
            own(|| unsafe { H5Tvlen_create(element.0) })
        }
        Datatype::Reference { kind, .. } => match kind {
            ReferenceKind::Object => copy(*H5T_STD_REF_OBJ),
            ReferenceKind::Region => copy(*H5T_STD_REF_DSETREG),
            ReferenceKind::General => Err("references of HDF5 1.12 are not written".to_owned()),
        },
        Datatype::Time { size, big_endian } => time(*size, *big_endian),
        Datatype::Other {
            size,
            form: Some(form),
            ..
        } => number(*size, form),
        Datatype::Other { .. } => Err("values of this type are not written".to_owned()),
    }
}

fn bits(size: usize, big_endian: bool) -> Called<Handle> {
    let standard = match (size, big_endian) {
        (1, _) => *H5T_STD_B8LE,
        (2, false) => *H5T_STD_B16LE,
        (2, true) => *H5T_STD_B16BE,
        (4, false) => *H5T_STD_B32LE,
        (4, true) => *H5T_STD_B32BE,
        (8, false) => *H5T_STD_B64LE,
        (8, true) => *H5T_STD_B64BE,
        _ => return Err(format!("there are no bit fields of {size} bytes")),
    };
    copy(standard)
}

fn time(size: usize, big_endian: bool) -> Called<Handle> {
    match (size, big_endian) {
        (4, false) => copy(*H5T_UNIX_D32LE),
        (4, true) => copy(*H5T_UNIX_D32BE),
        (8, false) => copy(*H5T_UNIX_D64LE),
        (8, true) => copy(*H5T_UNIX_D64BE),
        _ => Err(format!("there are no times of {size} bytes")),
    }
}

fn enumeration(base: &Datatype, members: &[EnumMember]) -> Called<Handle> {
    let base = make_type(base)?;
    let size = size_in_memory(&base)?;
    // SAFETY: the type is open.
    let made = own(|| unsafe { H5Tenum_create(base.0) })?;
    for member in members {
        let name = c_text(member.name.as_bytes())?;
        if member.value.len() != size {
            return Err("a number of an enumeration is not of its type".to_owned());
        }
        // SAFETY: the type is open, the name ends with zero, and the value has the size of the type.
        called(|| unsafe { H5Tenum_insert(made.0, name.as_ptr(), member.value.as_ptr().cast()) })?;
    }
    Ok(made)
}

/// A number whose bits are arranged in its own way.
fn number(size: usize, form: &NumberForm) -> Called<Handle> {
    /// Large enough for all.
    const ROOM: usize = 32;
    if size == 0
        || size > ROOM
        || form
            .offset
            .checked_add(form.precision)
            .is_none_or(|end| end > size * 8)
    {
        return Err(format!("there are no such numbers of {size} bytes"));
    }
    let made = match form.kind {
        NumberKind::Integer { signed: true } => copy(*H5T_STD_I64LE)?,
        NumberKind::Integer { signed: false } => copy(*H5T_STD_U64LE)?,
        NumberKind::Bits => copy(*H5T_STD_B64LE)?,
        NumberKind::Float(_) => copy(*H5T_IEEE_F64LE)?,
    };
    // SAFETY: the type is open and a number; so for all calls below.
    let id = made.0;
    // SAFETY: as above.
    called(|| unsafe { H5Tset_size(id, ROOM) })?;
    if let NumberKind::Float(float) = form.kind {
        let FloatForm {
            sign,
            exponent,
            exponent_bits,
            mantissa,
            mantissa_bits,
            ..
        } = float;
        // SAFETY: as above.
        called(|| unsafe { H5Tset_precision(id, ROOM * 8) })?;
        // SAFETY: as above.
        called(|| unsafe { H5Tset_fields(id, sign, exponent, exponent_bits, mantissa, mantissa_bits) })?;
        // SAFETY: as above.
        called(|| unsafe { H5Tset_ebias(id, float.bias) })?;
        let norm = match float.norm {
            Norm::Implied => H5T_NORM_IMPLIED,
            Norm::Set => H5T_NORM_MSBSET,
            Norm::Unknown => H5T_NORM_NONE,
        };
        // SAFETY: as above.
        called(|| unsafe { H5Tset_norm(id, norm) })?;
    }
    // SAFETY: as above.
    called(|| unsafe { H5Tset_precision(id, form.precision) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Tset_offset(id, form.offset) })?;
    // SAFETY: as above.
    called(|| unsafe { H5Tset_size(id, size) })?;
    if form.big_endian {
        // SAFETY: as above.
        called(|| unsafe { H5Tset_order(id, H5T_ORDER_BE) })?;
    }
    Ok(made)
}

pub(super) fn c_text(bytes: &[u8]) -> Called<CString> {
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
