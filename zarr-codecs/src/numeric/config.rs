//! The configurations of filters: members that name types.

use serde_json::{Map, Value};

use super::{
    cast::{Cast, cast},
    number::Kind,
};
use crate::{CodecError, Configuration, DataType, Result, StoredType};

/// Members that name types.
const TYPES: [&str; 4] = ["dtype", "astype", "encode_dtype", "decode_dtype"];

/// Reads a member that names a type; `None` where it is absent.
///
/// # Errors
/// [`CodecError::Config`] for what is no type.
pub(crate) fn stored_type(configuration: &Configuration<'_>, name: &str) -> Result<Option<StoredType>> {
    let Some(text) = configuration.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let text = text
        .as_str()
        .ok_or_else(|| configuration.error(name, "must be a text"))?;
    match StoredType::from_numpy(text) {
        Ok(stored) => Ok(Some(stored)),
        Err(error) => Err(configuration.error(name, &error.to_string())),
    }
}

/// The kind of the numbers that elements are.
///
/// # Errors
/// [`CodecError::Config`] for elements that are none.
pub(crate) fn kind_of(codec: &'static str, data_type: &DataType) -> Result<Kind> {
    Kind::of(data_type).ok_or_else(|| match data_type {
        DataType::Unknown { name, .. } if name.ends_with('O') => {
            CodecError::config(codec, "object arrays are not supported")
        }
        _ => CodecError::config(codec, format!("elements of {data_type} are no numbers")),
    })
}

/// The cast between two types.
///
/// # Errors
/// [`CodecError::Config`] where there is none.
pub(crate) fn cast_between(codec: &'static str, from: &DataType, to: &DataType) -> Result<Cast> {
    cast(from, to).ok_or_else(|| CodecError::config(codec, format!("{from} is not cast to {to}")))
}

/// Takes a V2 configuration, in which members must be that V3 may leave to the type of the array.
///
/// # Errors
/// [`CodecError::Config`] for one that is missing.
pub(crate) fn require(
    codec: &'static str,
    members: &Map<String, Value>,
    required: &[&str],
) -> Result<Map<String, Value>> {
    match required.iter().find(|name| !members.contains_key(**name)) {
        Some(name) => Err(CodecError::config(codec, format!("`{name}` is missing"))),
        None => Ok(members.clone()),
    }
}

/// Makes a V2 configuration of a V3 one: types are spelled as numcodecs spells them, and `also` is the member
/// that names the same type as `dtype` unless it is given.
pub(crate) fn with_types(members: &Map<String, Value>, also: Option<&str>) -> Map<String, Value> {
    let mut members = members.clone();
    for name in TYPES {
        let text = members.get(name).and_then(Value::as_str);
        if let Some(text) = text.and_then(|text| StoredType::from_numpy(text).ok()?.to_numpy()) {
            members.insert(name.to_owned(), text.into());
        }
    }
    if let (Some(also), Some(dtype)) = (also, members.get("dtype").cloned())
        && members.get(also).is_none_or(Value::is_null)
    {
        members.insert(also.to_owned(), dtype);
    }
    members
}
