//! Values as JSON, and back.
//!
//! | HDF5 | JSON |
//! | --- | --- |
//! | integers, bits, enumerations | numbers |
//! | floats | numbers, the nearest double; NaN and the infinities too |
//! | booleans | booleans |
//! | complex numbers | `[real, imaginary]` |
//! | texts, of any or a fixed length | texts, without the padding |
//! | compounds | objects |
//! | sequences, arrays within elements | lists, those of arrays without their dimensions |
//! | object references | the path of the object; `null` for none |
//! | region references | `{"path": ..., "boxes": [[first, last], ...]}`, or `"points"` |
//! | all other bytes, texts that are not UTF-8 | `{"base64": ...}` |

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use zarr_convenience::core::metadata::json;

use super::clean::{padded, unpadded};
use crate::hdf5::{Area, Datatype, Field, Item, Referent, StringPadding, Target};

/// The largest element that is made of JSON, in bytes.
const SIZE_MAX: usize = 1 << 24;

/// How many values of an array within an element are made of nothing.
const ZEROS_MAX: usize = 1 << 12;

/// Finds the path of an object by its address.
pub(super) type Paths<'a> = &'a dyn Fn(u64) -> Option<String>;

/// Bytes without another form.
pub(super) fn base64(bytes: &[u8]) -> Value {
    json!({"base64": STANDARD.encode(bytes)})
}

/// The bytes of what [`base64`] gave.
pub(super) fn from_base64(value: &Value) -> Option<Vec<u8>> {
    let text = value.get("base64")?.as_str()?;
    STANDARD.decode(text).ok()
}

/// A value as JSON, or why there is none.
pub(super) fn to_json(datatype: &Datatype, item: &Item, paths: Paths<'_>) -> Result<Value, String> {
    let inner = |datatype: &Datatype, item: &Item| to_json(datatype, item, paths);
    Ok(match (datatype, item) {
        (_, Item::Bytes(bytes)) => plain(datatype, bytes)?,
        (_, Item::Text(text)) => self::text(text),
        (
            Datatype::VlenSequence { element } | Datatype::Array { element, .. },
            Item::Sequence(items) | Item::Parts(items),
        ) => {
            let items = items.iter().map(|item| inner(element, item));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        (Datatype::Compound { fields, .. }, Item::Parts(parts)) => {
            let parts = fields.iter().zip(parts);
            object(parts.map(|(field, part)| (field, inner(&field.datatype, part))))?
        }
        (_, Item::Reference(target)) => reference(target.as_ref(), paths),
        _ => return Err("its values are not of its type".to_owned()),
    })
}

fn object<'a>(members: impl Iterator<Item = (&'a Field, Result<Value, String>)>) -> Result<Value, String> {
    let mut found = Map::new();
    for (field, value) in members {
        let name = field
            .name
            .to_str()
            .ok_or("a field has a name that is not UTF-8")?;
        found.insert(name.to_owned(), value?);
    }
    Ok(Value::Object(found))
}

/// What a value is that was never written; `None` if it is too large to be made.
pub(super) fn zero(datatype: &Datatype) -> Option<Item> {
    Some(match datatype {
        Datatype::VlenString { .. } => Item::Text(Vec::new()),
        Datatype::VlenSequence { .. } => Item::Sequence(Vec::new()),
        Datatype::Reference { .. } => Item::Reference(None),
        Datatype::Compound { fields, .. } if datatype.points() => {
            let parts = fields.iter().map(|field| zero(&field.datatype));
            Item::Parts(parts.collect::<Option<_>>()?)
        }
        Datatype::Array { dims, element } if datatype.points() => {
            let count = dims
                .iter()
                .try_fold(1_u64, |count, dim| count.checked_mul(*dim))?;
            let count = usize::try_from(count).ok().filter(|count| *count <= ZEROS_MAX)?;
            Item::Parts(vec![zero(element)?; count])
        }
        plain => Item::Bytes(vec![0; plain.size().filter(|size| *size <= SIZE_MAX)?]),
    })
}

/// A text, or its bytes if it is not UTF-8.
fn text(bytes: &[u8]) -> Value {
    std::str::from_utf8(bytes).map_or_else(|_| base64(bytes), Value::from)
}

/// What stands for an object that is nowhere in the file.
pub(super) fn path_of(address: u64, paths: Paths<'_>) -> String {
    paths(address).unwrap_or_else(|| format!("@{address}"))
}

fn reference(target: Option<&Target>, paths: Paths<'_>) -> Value {
    let Some(Target { object, region }) = target else {
        return Value::Null;
    };
    let path = match object {
        Referent::Address(address) => path_of(*address, paths),
        Referent::Path(path) => path.clone(),
    };
    match region {
        None => path.into(),
        Some(Area::All) => json!({"path": path}),
        Some(Area::Boxes(boxes)) => json!({"path": path, "boxes": boxes}),
        Some(Area::Points(points)) => json!({"path": path, "points": points}),
    }
}

/// A value of a fixed size and without pointers.
fn plain(datatype: &Datatype, bytes: &[u8]) -> Result<Value, String> {
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
        Datatype::FixedString { padding, .. } => Ok(text(unpadded(bytes, *padding))),
        Datatype::Array { element, .. } => {
            let size = element.size().filter(|size| *size > 0).ok_or_else(odd)?;
            let items = bytes.chunks_exact(size).map(|bytes| plain(element, bytes));
            items.collect::<Result<_, _>>().map(Value::Array)
        }
        Datatype::Compound { fields, .. } => object(fields.iter().map(|field| {
            let end = field
                .datatype
                .size()
                .and_then(|size| field.offset.checked_add(size));
            let part = end.and_then(|end| bytes.get(field.offset..end)).ok_or_else(odd);
            (field, part.and_then(|part| plain(&field.datatype, part)))
        })),
        Datatype::Integer { .. } | Datatype::Bitfield { .. } | Datatype::Enum { .. } => {
            Ok(integer(datatype, bytes).unwrap_or_else(|| base64(bytes)))
        }
        _ => Ok(base64(bytes)),
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

/// The bytes of a whole number; `None` if it is none of the type.
pub(super) fn integer_bytes(datatype: &Datatype, value: &Value) -> Option<Vec<u8>> {
    let (size, is_signed, big_endian) = match datatype {
        Datatype::Integer {
            size,
            signed,
            big_endian,
        } => (*size, *signed, *big_endian),
        Datatype::Bitfield { size, big_endian } => (*size, false, *big_endian),
        Datatype::Enum { base, .. } => return integer_bytes(base, value),
        _ => return None,
    };
    let number = value
        .as_i64()
        .map(i128::from)
        .or_else(|| value.as_u64().map(i128::from))?;
    let bits = u32::try_from(size.min(8) * 8).ok()?;
    let fits = if is_signed {
        (-(1_i128 << (bits - 1))..1_i128 << (bits - 1)).contains(&number)
    } else {
        (0..1_i128 << bits).contains(&number)
    };
    let bytes = number.to_le_bytes();
    let mut bytes = bytes.get(..size).filter(|_| fits)?.to_vec();
    if big_endian {
        bytes.reverse();
    }
    Some(bytes)
}

fn float(bytes: &[u8], big_endian: bool) -> Option<f64> {
    let mut bytes = bytes.to_vec();
    if big_endian {
        bytes.reverse();
    }
    Some(match *bytes {
        [a, b] => half::f16::from_le_bytes([a, b]).to_f64(),
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]).into(),
        _ => f64::from_le_bytes(bytes.try_into().ok()?),
    })
}

fn float_bytes(value: &Value, size: usize, big_endian: bool) -> Option<Vec<u8>> {
    let Value::Number(number) = value else {
        return None;
    };
    let number: f64 = number.to_string().parse().ok()?;
    let mut bytes = match size {
        2 => half::f16::from_f64(number).to_le_bytes().to_vec(),
        4 => (number as f32).to_le_bytes().to_vec(),
        8 => number.to_le_bytes().to_vec(),
        _ => return None,
    };
    if big_endian {
        bytes.reverse();
    }
    Some(bytes)
}

/// A value of a type from its JSON; `None` if it is none.
pub(super) fn from_json(datatype: &Datatype, value: &Value) -> Option<Item> {
    Some(match datatype {
        Datatype::VlenString { .. } => Item::Text(match value.as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => from_base64(value)?,
        }),
        Datatype::VlenSequence { element } => {
            let items = value.as_array()?.iter().map(|value| from_json(element, value));
            Item::Sequence(items.collect::<Option<_>>()?)
        }
        Datatype::Reference { .. } => Item::Reference(match value {
            Value::Null => None,
            value => Some(target(value)?),
        }),
        Datatype::Compound { fields, .. } if datatype.points() => {
            let parts = fields
                .iter()
                .map(|field| from_json(&field.datatype, value.get(field.name.to_str()?)?));
            Item::Parts(parts.collect::<Option<_>>()?)
        }
        Datatype::Array { element, .. } if datatype.points() => {
            let parts = value.as_array()?.iter().map(|value| from_json(element, value));
            Item::Parts(parts.collect::<Option<_>>()?)
        }
        plain => Item::Bytes(plain_bytes(plain, value)?),
    })
}

fn target(value: &Value) -> Option<Target> {
    let path = |value: &Value| {
        let path = value.as_str().filter(|path| path.starts_with('/'))?;
        Some(Referent::Path(path.to_owned()))
    };
    if value.is_string() {
        let (object, region) = (path(value)?, None);
        return Some(Target { object, region });
    }
    let numbers =
        |value: &Value| -> Option<Vec<u64>> { value.as_array()?.iter().map(Value::as_u64).collect() };
    let region = match (value.get("boxes"), value.get("points")) {
        (Some(boxes), _) => {
            let corners = |corners: &Value| Some((numbers(corners.get(0)?)?, numbers(corners.get(1)?)?));
            Area::Boxes(boxes.as_array()?.iter().map(corners).collect::<Option<_>>()?)
        }
        (None, Some(points)) => Area::Points(points.as_array()?.iter().map(numbers).collect::<Option<_>>()?),
        (None, None) => Area::All,
    };
    Some(Target {
        object: path(value.get("path")?)?,
        region: Some(region),
    })
}

/// The bytes of a value of a fixed size.
fn plain_bytes(datatype: &Datatype, value: &Value) -> Option<Vec<u8>> {
    match datatype {
        Datatype::Bool => Some(vec![u8::from(value.as_bool()?)]),
        Datatype::Float { size, big_endian } => float_bytes(value, *size, *big_endian),
        Datatype::Complex {
            part_size,
            big_endian,
        } => {
            let part = |place: usize| float_bytes(value.get(place)?, *part_size, *big_endian);
            Some([part(0)?, part(1)?].concat())
        }
        Datatype::Integer { .. } | Datatype::Bitfield { .. } | Datatype::Enum { .. } => {
            integer_bytes(datatype, value)
                .or_else(|| from_base64(value).filter(|bytes| Some(bytes.len()) == datatype.size()))
        }
        Datatype::FixedString { size, padding, .. } => {
            let text = match value.as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => from_base64(value)?,
            };
            let room = size.checked_sub(usize::from(*padding == StringPadding::NullTerminated))?;
            (text.len() <= room || text.len() == *size).then(|| padded(&text, *size, *padding))
        }
        Datatype::Array { element, .. } => {
            let items = value.as_array()?.iter().map(|value| plain_bytes(element, value));
            let bytes = items.collect::<Option<Vec<_>>>()?.concat();
            Some(bytes).filter(|bytes| Some(bytes.len()) == datatype.size())
        }
        Datatype::Compound { size, fields } => {
            let mut bytes = vec![0; (*size).min(SIZE_MAX)];
            for field in fields {
                let part = plain_bytes(&field.datatype, value.get(field.name.to_str()?)?)?;
                let end = field.offset.checked_add(part.len())?;
                bytes.get_mut(field.offset..end)?.copy_from_slice(&part);
            }
            Some(bytes)
        }
        _ => from_base64(value).filter(|bytes| Some(bytes.len()) == datatype.size()),
    }
}
