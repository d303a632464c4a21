//! Data types.

#![expect(unsafe_code, reason = "these are the calls into a C library")]

use std::ffi::{CStr, c_char, c_uint};

use hdf5::globals::{H5T_STD_REF_DSETREG, H5T_STD_REF_OBJ};
use hdf5_sys::h5::H5free_memory;
use hdf5_sys::h5t::{
    H5T_ARRAY, H5T_BITFIELD, H5T_COMPLEX, H5T_COMPOUND, H5T_CSET_ASCII, H5T_CSET_UTF8, H5T_ENUM, H5T_FLOAT,
    H5T_INTEGER, H5T_NORM_IMPLIED, H5T_NORM_MSBSET, H5T_OPAQUE, H5T_ORDER_BE, H5T_ORDER_LE, H5T_ORDER_NONE,
    H5T_REFERENCE, H5T_SGN_2, H5T_STR_NULLPAD, H5T_STR_NULLTERM, H5T_STR_SPACEPAD, H5T_STRING, H5T_TIME,
    H5T_VLEN, H5Tequal, H5Tget_array_dims2, H5Tget_array_ndims, H5Tget_class, H5Tget_cset, H5Tget_ebias,
    H5Tget_fields, H5Tget_member_name, H5Tget_member_offset, H5Tget_member_type, H5Tget_member_value,
    H5Tget_nmembers, H5Tget_norm, H5Tget_offset, H5Tget_order, H5Tget_precision, H5Tget_sign, H5Tget_size,
    H5Tget_strpad, H5Tget_super, H5Tget_tag, H5Tis_variable_str,
};

use super::super::datatype::{
    Charset, Datatype, EnumMember, Field, FloatForm, Norm, NumberForm, NumberKind, ReferenceKind,
    StringPadding,
};
use super::super::name::Name;
use super::{Called, Handle, called, locked, own, zeroed};

/// How deep types may nest; the library's own test files stay below 10.
const DEPTH_MAX: usize = 32;

/// Describes a type as memory holds it, which for all but text, sequences and references is as the file does.
pub(in crate::hdf5) fn describe(datatype: &Handle) -> Called<Datatype> {
    locked(|| describe_nested(datatype, 0))
}

/// Bytes per element in memory.
pub(in crate::hdf5) fn size_in_memory(datatype: &Handle) -> Called<usize> {
    // SAFETY: the type is open.
    match locked(|| unsafe { H5Tget_size(datatype.0) }) {
        0 => Err("the type has no size".to_owned()),
        size => Ok(size),
    }
}

fn describe_nested(datatype: &Handle, depth: usize) -> Called<Datatype> {
    if depth > DEPTH_MAX {
        return Err(format!("data types nest deeper than {DEPTH_MAX}"));
    }
    let size = size_in_memory(datatype)?;
    // SAFETY: the type is open; so for all calls below.
    let class = unsafe { H5Tget_class(datatype.0) };
    match class {
        H5T_INTEGER => integer(datatype, size),
        H5T_FLOAT => Ok(float(datatype, size)),
        H5T_TIME => Ok(Datatype::Time {
            size,
            big_endian: order(datatype) == Some(true),
        }),
        H5T_STRING => string(datatype, size),
        H5T_BITFIELD => Ok(match order(datatype) {
            Some(big_endian) if is_full(datatype, size) => Datatype::Bitfield { size, big_endian },
            _ => other(
                size,
                "bits in an unusual order",
                number_form(datatype, NumberKind::Bits),
            ),
        }),
        H5T_OPAQUE => {
            // SAFETY: the type is opaque, and the answer is a text that the caller owns.
            let tag = owned_text(unsafe { H5Tget_tag(datatype.0) })?;
            Ok(Datatype::Opaque {
                size,
                tag: String::from_utf8_lossy(&tag).into_owned(),
            })
        }
        H5T_COMPOUND => compound(datatype, size, depth),
        H5T_REFERENCE => Ok(Datatype::Reference {
            size,
            kind: reference_kind(datatype),
        }),
        H5T_ENUM => enumeration(datatype, depth),
        H5T_VLEN => Ok(Datatype::VlenSequence {
            element: Box::new(base(datatype, depth)?),
        }),
        H5T_ARRAY => array(datatype, depth),
        H5T_COMPLEX => Ok(match base(datatype, depth)? {
            Datatype::Float {
                size: part_size @ (4 | 8),
                big_endian,
            } => Datatype::Complex {
                part_size,
                big_endian,
            },
            _ => other(size, "complex numbers of unusual parts", None),
        }),
        _ => Err("the class of the data type is unknown".to_owned()),
    }
}

/// A number of a form of its own, or for a reason without one that is known.
fn other(size: usize, reason: &str, form: Option<NumberForm>) -> Datatype {
    let unknown = || Datatype::Other {
        size,
        reason: reason.to_owned(),
        form: None,
    };
    form.map_or_else(unknown, |form| Datatype::number(size, form))
}

/// How the bits of a number are arranged; `None` where the order of its bytes has no name.
fn number_form(datatype: &Handle, kind: NumberKind) -> Option<NumberForm> {
    // SAFETY: the type is open.
    let (precision, offset) = unsafe { (H5Tget_precision(datatype.0), H5Tget_offset(datatype.0)) };
    Some(NumberForm {
        big_endian: order(datatype)?,
        precision,
        offset: usize::try_from(offset).ok()?,
        kind,
    })
}

/// Whether the most significant byte comes first; `None` if neither it nor the least significant does.
fn order(datatype: &Handle) -> Option<bool> {
    // SAFETY: the type is open.
    match unsafe { H5Tget_order(datatype.0) } {
        H5T_ORDER_LE | H5T_ORDER_NONE => Some(false),
        H5T_ORDER_BE => Some(true),
        _ => None,
    }
}

/// Whether all bits of the bytes take part.
fn is_full(datatype: &Handle, size: usize) -> bool {
    // SAFETY: the type is open.
    unsafe { Some(H5Tget_precision(datatype.0)) == size.checked_mul(8) && H5Tget_offset(datatype.0) == 0 }
}

fn integer(datatype: &Handle, size: usize) -> Called<Datatype> {
    // SAFETY: the type is open.
    let sign = called(|| unsafe { H5Tget_sign(datatype.0) as i32 })?;
    Ok(match order(datatype) {
        Some(big_endian) if is_full(datatype, size) => Datatype::Integer {
            size,
            signed: sign == H5T_SGN_2 as i32,
            big_endian,
        },
        _ => {
            let signed = sign == H5T_SGN_2 as i32;
            let form = number_form(datatype, NumberKind::Integer { signed });
            other(size, "whole numbers without an order of bytes", form)
        }
    })
}

fn float(datatype: &Handle, size: usize) -> Datatype {
    let form = float_form(datatype);
    match order(datatype) {
        Some(big_endian) if form.is_some() && form == FloatForm::ieee(size) && is_full(datatype, size) => {
            Datatype::Float { size, big_endian }
        }
        _ => {
            let form = form.and_then(|form| number_form(datatype, NumberKind::Float(form)));
            other(size, "floating-point numbers without an order of bytes", form)
        }
    }
}

fn float_form(datatype: &Handle) -> Option<FloatForm> {
    let (mut sign, mut exponent, mut exponent_bits, mut mantissa, mut mantissa_bits) = (0, 0, 0, 0, 0);
    // SAFETY: the type is open and a float, and the pointers are to room for the answers.
    let (status, bias, norm) = unsafe {
        let status = H5Tget_fields(
            datatype.0,
            &raw mut sign,
            &raw mut exponent,
            &raw mut exponent_bits,
            &raw mut mantissa,
            &raw mut mantissa_bits,
        );
        (status, H5Tget_ebias(datatype.0), H5Tget_norm(datatype.0))
    };
    (status >= 0).then_some(FloatForm {
        sign,
        exponent,
        exponent_bits,
        mantissa,
        mantissa_bits,
        bias,
        norm: match norm {
            H5T_NORM_IMPLIED => Norm::Implied,
            H5T_NORM_MSBSET => Norm::Set,
            _ => Norm::Unknown,
        },
    })
}

fn string(datatype: &Handle, size: usize) -> Called<Datatype> {
    // SAFETY: the type is open and a string; so for the calls below.
    let is_variable = called(|| unsafe { H5Tis_variable_str(datatype.0) })? > 0;
    // SAFETY: as above.
    let charset = match unsafe { H5Tget_cset(datatype.0) } {
        H5T_CSET_ASCII => Charset::Ascii,
        H5T_CSET_UTF8 => Charset::Utf8,
        _ => return Err("the character set is unknown".to_owned()),
    };
    if is_variable {
        return Ok(Datatype::VlenString { charset });
    }
    // SAFETY: as above.
    let padding = match unsafe { H5Tget_strpad(datatype.0) } {
        H5T_STR_NULLTERM => StringPadding::NullTerminated,
        H5T_STR_NULLPAD => StringPadding::NullPadded,
        H5T_STR_SPACEPAD => StringPadding::SpacePadded,
        _ => return Err("the padding of texts is unknown".to_owned()),
    };
    Ok(Datatype::FixedString {
        size,
        padding,
        charset,
    })
}

fn reference_kind(datatype: &Handle) -> ReferenceKind {
    // SAFETY: both types are open.
    let equals = |standard: hdf5_sys::h5i::hid_t| unsafe { H5Tequal(datatype.0, standard) > 0 };
    if equals(*H5T_STD_REF_OBJ) {
        ReferenceKind::Object
    } else if equals(*H5T_STD_REF_DSETREG) {
        ReferenceKind::Region
    } else {
        ReferenceKind::General
    }
}

fn base(datatype: &Handle, depth: usize) -> Called<Datatype> {
    // SAFETY: the type is open.
    describe_nested(&own(|| unsafe { H5Tget_super(datatype.0) })?, depth + 1)
}

fn array(datatype: &Handle, depth: usize) -> Called<Datatype> {
    // SAFETY: the type is open.
    let ndim = called(|| unsafe { H5Tget_array_ndims(datatype.0) })?;
    let mut dims = zeroed::<u64>(usize::try_from(ndim).ok())?;
    // SAFETY: the buffer has room for as many numbers as there are dimensions.
    called(|| unsafe { H5Tget_array_dims2(datatype.0, dims.as_mut_ptr()) })?;
    Ok(Datatype::Array {
        dims,
        element: Box::new(base(datatype, depth)?),
    })
}

fn n_members(datatype: &Handle) -> Called<c_uint> {
    // SAFETY: the type is open and an enumeration or a compound.
    Ok(called(|| unsafe { H5Tget_nmembers(datatype.0) })?.unsigned_abs())
}

fn member_name(datatype: &Handle, n: c_uint) -> Called<Name> {
    // SAFETY: the type is open and has that member; the answer is a text that the caller owns.
    owned_text(unsafe { H5Tget_member_name(datatype.0, n) }).map(Name::from)
}

fn compound(datatype: &Handle, size: usize, depth: usize) -> Called<Datatype> {
    let mut fields = Vec::new();
    for n in 0..n_members(datatype)? {
        // SAFETY: the type is open and has that member.
        let field = own(|| unsafe { H5Tget_member_type(datatype.0, n) })?;
        fields.push(Field {
            name: member_name(datatype, n)?,
            // SAFETY: as above.
            offset: unsafe { H5Tget_member_offset(datatype.0, n) },
            datatype: describe_nested(&field, depth + 1)?,
        });
    }
    if let [real, imaginary] = fields.as_slice()
        && let Datatype::Float {
            size: part_size @ (4 | 8),
            big_endian,
        } = real.datatype
        && (real.datatype == imaginary.datatype && real.name == "r" && imaginary.name == "i")
        && (real.offset == 0 && imaginary.offset == part_size && size == 2 * part_size)
    {
        return Ok(Datatype::Complex {
            part_size,
            big_endian,
        });
    }
    Ok(Datatype::Compound { size, fields })
}

fn enumeration(datatype: &Handle, depth: usize) -> Called<Datatype> {
    let base = base(datatype, depth)?;
    let size = size_in_memory(datatype)?;
    let mut members = Vec::new();
    for n in 0..n_members(datatype)? {
        let mut value = zeroed::<u8>(Some(size))?;
        // SAFETY: the type is open, has that member, and the buffer has the size of the type.
        called(|| unsafe { H5Tget_member_value(datatype.0, n, value.as_mut_ptr().cast()) })?;
        members.push(EnumMember {
            name: member_name(datatype, n)?,
            value,
        });
    }
    let is = |n: usize, name: &str, value: u8| {
        members
            .get(n)
            .is_some_and(|member| member.name == name && member.value == [value])
    };
    if members.len() == 2 && is(0, "FALSE", 0) && is(1, "TRUE", 1) {
        return Ok(Datatype::Bool);
    }
    Ok(Datatype::Enum {
        base: Box::new(base),
        members,
    })
}

/// Copies a text that the library allocated, and gives its memory back.
fn owned_text(text: *mut c_char) -> Called<Vec<u8>> {
    if text.is_null() {
        return Err(locked(super::innermost_message));
    }
    // SAFETY: the text ends with zero and was allocated by the library for its caller.
    unsafe {
        let copy = CStr::from_ptr(text).to_bytes().to_vec();
        H5free_memory(text.cast());
        Ok(copy)
    }
}
