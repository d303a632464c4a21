//! Attributes from JSON.
//!
//! | JSON | HDF5 |
//! | --- | --- |
//! | whole numbers | 64-bit integers |
//! | other numbers | 64-bit floats |
//! | booleans | booleans, as h5py writes them |
//! | texts | UTF-8 of any length |
//! | lists of these, each of one kind and shape | arrays; those of nothing are of floats |
//! | `_ARRAY_DIMENSIONS` with a null, of a dimension without a name | the list as a text in JSON |
//! | null, objects, other lists | lost |

use std::ffi::CString;

use serde_json::Value;
use zarr_convenience::core::DIMENSIONS_ATTRIBUTE;

use crate::hdf5::{Attribute, Charset, Datatype, NewAttribute, Values};

/// The value of an attribute of this name in HDF5, or why there is none.
pub(super) fn named_to_hdf5(name: &str, value: &Value) -> Result<NewAttribute, String> {
    if name == DIMENSIONS_ATTRIBUTE && some_are_unnamed(value) {
        return to_hdf5(&value.to_string().into());
    }
    to_hdf5(value)
}

/// The value of an attribute of this name, where it is a text because HDF5 has no other form for it.
pub(super) fn named_from_hdf5(name: &str, value: Value) -> Value {
    let list = || {
        serde_json::from_str(value.as_str()?)
            .ok()
            .filter(some_are_unnamed)
    };
    match list() {
        Some(list) if name == DIMENSIONS_ATTRIBUTE => list,
        _ => value,
    }
}

/// Whether a value names dimensions, and not all of them.
fn some_are_unnamed(value: &Value) -> bool {
    let names = value.as_array().map_or(&[][..], Vec::as_slice);
    names.iter().all(|name| name.is_string() || name.is_null()) && names.contains(&Value::Null)
}

/// The value in HDF5, or why there is none.
fn to_hdf5(value: &Value) -> Result<NewAttribute, String> {
    let mut shape = Vec::new();
    let mut level = value;
    while let Value::Array(items) = level {
        shape.push(items.len() as u64);
        match items.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    let mut items = Vec::new();
    flatten(value, &shape, &mut items)?;
    match items.first() {
        Some(Value::Null) => Err("HDF5 has no null".to_owned()),
        Some(Value::Object(_)) => Err("HDF5 has no objects in attributes".to_owned()),
        Some(Value::String(_)) => texts(&items, shape),
        Some(Value::Bool(_)) => booleans(&items, shape),
        _ => numbers(&items, shape),
    }
}

/// Whether an attribute that is to be made is one that was read.
pub(super) fn is_same(new: &NewAttribute, old: &Attribute) -> bool {
    let is_of =
        |datatype: &Datatype, shape: &[u64]| *datatype == old.datatype && old.space.shape() == Some(shape);
    match new {
        NewAttribute::Fixed {
            datatype,
            shape,
            bytes,
        } => is_of(datatype, shape) && matches!(&old.values, Some(Values::Fixed(found)) if found == bytes),
        NewAttribute::Texts { shape, texts } => {
            let charset = Charset::Utf8;
            let are_same = |found: &Vec<Vec<u8>>| {
                found
                    .iter()
                    .map(Vec::as_slice)
                    .eq(texts.iter().map(|text: &CString| text.as_bytes()))
            };
            is_of(&Datatype::VlenString { charset }, shape)
                && matches!(&old.values, Some(Values::Variable(found)) if are_same(found))
        }
        NewAttribute::Items { .. } => false,
        NewAttribute::Null { datatype } => *datatype == old.datatype && old.space.shape().is_none(),
    }
}

/// Puts the items of nested lists in C order.
fn flatten<'a>(value: &'a Value, shape: &[u64], items: &mut Vec<&'a Value>) -> Result<(), String> {
    match (value, shape.split_first()) {
        (Value::Array(list), Some((length, rest))) if list.len() as u64 == *length => {
            list.iter().try_for_each(|item| flatten(item, rest, items))
        }
        (Value::Array(_), _) | (_, Some(_)) => Err("its lists are not of one shape".to_owned()),
        (item, None) => {
            items.push(item);
            Ok(())
        }
    }
}

fn mixed<T>() -> Result<T, String> {
    Err("it is a list of values of several kinds".to_owned())
}

fn texts(items: &[&Value], shape: Vec<u64>) -> Result<NewAttribute, String> {
    let mut texts = Vec::with_capacity(items.len());
    for item in items {
        let Some(text) = item.as_str() else {
            return mixed();
        };
        texts.push(CString::new(text).map_err(|_| "it has a zero byte, which ends texts in HDF5")?);
    }
    Ok(NewAttribute::Texts { shape, texts })
}

fn booleans(items: &[&Value], shape: Vec<u64>) -> Result<NewAttribute, String> {
    let bytes: Option<_> = items.iter().map(|item| item.as_bool().map(u8::from)).collect();
    bytes.map_or_else(mixed, |bytes| {
        Ok(NewAttribute::Fixed {
            datatype: Datatype::Bool,
            shape,
            bytes,
        })
    })
}

fn numbers(items: &[&Value], shape: Vec<u64>) -> Result<NewAttribute, String> {
    let mut numbers = Vec::with_capacity(items.len());
    for item in items {
        let Value::Number(number) = item else {
            return mixed();
        };
        numbers.push(number);
    }
    let is_whole = |number: &&serde_json::Number| {
        let text = number.to_string();
        text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let fixed = |datatype, bytes| NewAttribute::Fixed {
        datatype,
        shape,
        bytes,
    };
    if numbers.is_empty() || !numbers.iter().any(is_whole) {
        // NaN and the infinities are numbers without digits.
        let floats: Option<Vec<_>> = numbers
            .iter()
            .map(|number| Some(number.to_string().parse::<f64>().ok()?.to_le_bytes()))
            .collect();
        let floats = floats.ok_or("it has a number that is none")?;
        let datatype = Datatype::Float {
            size: 8,
            big_endian: false,
        };
        return Ok(fixed(datatype, floats.concat()));
    }
    if !numbers.iter().all(is_whole) {
        return mixed();
    }
    let integer = |signed| Datatype::Integer {
        size: 8,
        signed,
        big_endian: false,
    };
    let signed: Option<Vec<_>> = numbers
        .iter()
        .map(|number| Some(number.as_i64()?.to_le_bytes()))
        .collect();
    if let Some(bytes) = signed {
        return Ok(fixed(integer(true), bytes.concat()));
    }
    let unsigned: Option<Vec<_>> = numbers
        .iter()
        .map(|number| Some(number.as_u64()?.to_le_bytes()))
        .collect();
    match unsigned {
        Some(bytes) => Ok(fixed(integer(false), bytes.concat())),
        None => Err("it has a whole number of more than 64 bits".to_owned()),
    }
}
