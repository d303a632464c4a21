//! Attributes as JSON.
//!
//! | HDF5 | JSON |
//! | --- | --- |
//! | integers, bits, enumerations | numbers; the names of an enumeration are lost |
//! | floats | numbers, the nearest double; NaN and the infinities too |
//! | booleans | booleans |
//! | complex numbers | `[real, imaginary]` |
//! | texts, of any or a fixed length | texts, without the padding |
//! | arrays of these | lists, nested by dimension |
//! | null dataspace | null, reported as lost |
//! | references, sequences, compounds, opaque bytes, texts that are not UTF-8 | lost |

use serde_json::{Map, Value};
use zarr_convenience::core::metadata::json;
use zarr_convenience::{Attributes, Lost};

use super::{clean::unpadded, datatype::lost_names};
use crate::hdf5::{self, Attribute, Datatype, Name, ReferenceKind, Values};

/// Reads attributes one by one; `node` is what they are of, in reports.
pub(super) fn read(
    node: &str,
    names: &[Name],
    attribute: impl Fn(&Name) -> hdf5::Result<Attribute>,
) -> hdf5::Result<Attributes> {
    let mut attributes = Attributes {
        members: Map::new(),
        lost: Vec::new(),
    };
    for name in names {
        let mut lose = |reason: String| {
            let what = format!("{node}@{name}");
            attributes.lost.push(Lost { what, reason });
        };
        let Some(text) = name.to_str() else {
            lose("its name is not UTF-8".to_owned());
            continue;
        };
        let attribute = attribute(name)?;
        match to_json(&attribute) {
            Ok(value) => {
                if let Some(names) = lost_names(&attribute.datatype) {
                    lose(names);
                }
                if attribute.space.shape().is_none() {
                    lose("it has no value (a null dataspace) and is stored as null".to_owned());
                }
                attributes.members.insert(text.to_owned(), value);
            }
            Err(reason) => lose(reason),
        }
    }
    Ok(attributes)
}

/// The value of an attribute, or why JSON cannot hold it.
fn to_json(attribute: &Attribute) -> Result<Value, String> {
    let Some(shape) = attribute.space.shape() else {
        return Ok(Value::Null);
    };
    let mut shape = shape.to_vec();
    let mut datatype = &attribute.datatype;
    while let Datatype::Array { dims, element } = datatype {
        shape.extend_from_slice(dims);
        datatype = element;
    }
    // Said even where there are no values to say it of.
    if let Some(reason) = refusal(datatype) {
        return Err(reason);
    }
    let values = attribute.values.as_ref().ok_or("its values are of any length")?;
    let items = match values {
        Values::Variable(items) => items
            .iter()
            .map(|item| text(item))
            .collect::<Result<Vec<_>, _>>()?,
        Values::Fixed(bytes) => {
            let size = datatype
                .size()
                .filter(|size| *size > 0)
                .ok_or("its values have no size")?;
            bytes
                .chunks_exact(size)
                .map(|bytes| item(datatype, bytes))
                .collect::<Result<_, _>>()?
        }
    };
    nested(&shape, &mut items.into_iter()).ok_or_else(|| "its values do not fill its shape".to_owned())
}

/// Why no value of a type has a form in JSON.
fn refusal(datatype: &Datatype) -> Option<String> {
    let reason = match datatype {
        Datatype::Reference {
            kind: ReferenceKind::Object,
            ..
        } => "object reference",
        Datatype::Reference {
            kind: ReferenceKind::Region,
            ..
        } => "region reference",
        Datatype::Reference { .. } => "reference",
        Datatype::VlenSequence { element } => match refusal(element) {
            Some(reason) => return Some(reason),
            None => "sequences of any length",
        },
        Datatype::Compound { fields, .. } => match fields.iter().find_map(|field| refusal(&field.datatype)) {
            Some(reason) => return Some(format!("compound with {reason}")),
            None => "compound",
        },
        Datatype::Opaque { .. } => "opaque bytes",
        Datatype::Time { .. } => "values of HDF5's time class",
        Datatype::Other { reason, .. } => return Some(reason.clone()),
        _ => return None,
    };
    Some(reason.to_owned())
}

/// Puts items in C order into lists; `None` if there are not enough.
fn nested(shape: &[u64], items: &mut dyn Iterator<Item = Value>) -> Option<Value> {
    let Some((length, rest)) = shape.split_first() else {
        return items.next();
    };
    // A length of nothing must not be walked.
    if rest.contains(&0) && *length > 1 << 16 {
        return None;
    }
    (0..*length)
        .map(|_| nested(rest, items))
        .collect::<Option<Vec<_>>>()
        .map(Value::Array)
}

fn item(datatype: &Datatype, bytes: &[u8]) -> Result<Value, String> {
    let odd = || "its values have an unusual size".to_owned();
    match datatype {
        Datatype::Bool => Ok(Value::Bool(bytes.first().is_some_and(|byte| *byte != 0))),
        Datatype::Float { big_endian, .. } => float(bytes, *big_endian).map(json::float).ok_or_else(odd),
        Datatype::Complex {
            part_size,
            big_endian,
        } => {
            let parts = bytes.chunks_exact((*part_size).max(1));
            let parts: Option<Vec<_>> = parts
                .map(|part| float(part, *big_endian).map(json::float))
                .collect();
            parts.map(Value::Array).ok_or_else(odd)
        }
        Datatype::FixedString { padding, .. } => text(unpadded(bytes, *padding)),
        number => integer(number, bytes).ok_or_else(odd),
    }
}

/// A whole number of at most 8 bytes.
pub(super) fn integer(datatype: &Datatype, bytes: &[u8]) -> Option<Value> {
    let (is_signed, big_endian) = match datatype {
        Datatype::Integer {
            signed, big_endian, ..
        } => (*signed, *big_endian),
        Datatype::Bitfield { big_endian, .. } => (false, *big_endian),
        Datatype::Enum { base, .. } => return integer(base, bytes),
        Datatype::Bool => (false, false),
        _ => return None,
    };
    let mut bytes = bytes.to_vec();
    if big_endian {
        bytes.reverse();
    }
    let is_negative = is_signed && bytes.last().is_some_and(|byte| *byte >= 0x80);
    let filler = if is_negative { 0xff } else { 0 };
    bytes.resize(bytes.len().max(8), filler);
    let bytes: [u8; 8] = bytes.try_into().ok()?;
    Some(if is_signed {
        i64::from_le_bytes(bytes).into()
    } else {
        u64::from_le_bytes(bytes).into()
    })
}

fn float(bytes: &[u8], big_endian: bool) -> Option<f64> {
    let mut bytes = bytes.to_vec();
    if big_endian {
        bytes.reverse();
    }
    Some(match *bytes {
        [a, b] => half(u16::from_le_bytes([a, b])),
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).into(),
        _ => f64::from_le_bytes(bytes.try_into().ok()?),
    })
}

/// The value of a number of half precision, of which there is one sign bit, 5 of exponent and 10 of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

fn text(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "its text is not UTF-8")?;
    Ok(Value::from(text))
}
