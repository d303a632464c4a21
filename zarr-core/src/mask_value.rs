//! The value that stands for a missing one, by the conventions of netCDF and xarray: the attribute `_FillValue`.
//!
//! In HDF5 and Zarr V2 it is the number itself; in V3 xarray wants the bits of floats in base 64, and opens no store
//! with another form of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use zarr_codecs::{DataType, json};

/// The attribute that says which value stands for a missing one.
pub const MASK_ATTRIBUTE: &str = "_FillValue";

/// Gives the attribute [`MASK_ATTRIBUTE`] of an array the form that xarray has for it in V3: of floats a `float64`,
/// little-endian, in base 64; of complex numbers two of them; of all others the value without a list around it.
///
/// What is no such value stays as it is.
///
/// ```
/// use serde_json::{Map, json};
/// use zarr_core::{MASK_ATTRIBUTE, codecs::DataType, mask_from_v3, mask_to_v3};
/// let mut attributes = Map::from_iter([(MASK_ATTRIBUTE.to_owned(), json!([-1.5]))]);
/// mask_to_v3(&mut attributes, &DataType::Float32);
/// assert_eq!(attributes[MASK_ATTRIBUTE], "AAAAAAAA+L8=");
/// mask_from_v3(&mut attributes, &DataType::Float32);
/// assert_eq!(attributes[MASK_ATTRIBUTE], json!(-1.5));
/// ```
pub fn mask_to_v3(attributes: &mut Map<String, Value>, data_type: &DataType) {
    convert(attributes, |value| match data_type {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => encoded(value),
        DataType::Complex64 | DataType::Complex128 => parts(value, encoded),
        _ => Some(value.clone()),
    });
}

/// Gives the attribute [`MASK_ATTRIBUTE`] of a V3 array the form that it has elsewhere: a number, without a list around
/// it.
pub fn mask_from_v3(attributes: &mut Map<String, Value>, data_type: &DataType) {
    convert(attributes, |value| match data_type {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => decoded(value),
        DataType::Complex64 | DataType::Complex128 => parts(value, decoded),
        _ => None,
    });
}

/// Replaces the attribute in its place by what becomes of it, if that is anything.
fn convert(attributes: &mut Map<String, Value>, form: impl Fn(&Value) -> Option<Value>) {
    let Some(value) = attributes.get_mut(MASK_ATTRIBUTE) else {
        return;
    };
    if let Some(converted) = form(without_list(value)) {
        *value = converted;
    }
}

/// The only item of a list, which netCDF has around every number.
fn without_list(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([item]) => without_list(item),
        _ => value,
    }
}

fn parts(value: &Value, form: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let parts = value.as_array().filter(|parts| parts.len() == 2)?;
    parts
        .iter()
        .map(form)
        .collect::<Option<Vec<_>>>()
        .map(Value::from)
}

fn encoded(value: &Value) -> Option<Value> {
    // Among the numbers are the bare words `NaN` and `Infinity`.
    let number: f64 = value.as_number()?.to_string().parse().ok()?;
    Some(STANDARD.encode(number.to_le_bytes()).into())
}

fn decoded(value: &Value) -> Option<Value> {
    let bytes = STANDARD.decode(value.as_str()?).ok()?;
    let number = f64::from_le_bytes(bytes.try_into().ok()?);
    Some(json::float(number))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What `xarray.backends.zarr.FillValueCoder` of xarray 2026.9 makes of values, and back.
    #[test]
    fn forms_are_those_of_xarray() {
        let nan = json::bare("NaN");
        for (data_type, value, form) in [
            (DataType::Float64, nan.clone(), json!("AAAAAAAA+H8=")),
            (DataType::Float32, json!(-1.5), json!("AAAAAAAA+L8=")),
            (DataType::Float32, json!(1e20), json!("QIy1eB2vFUQ=")),
            (DataType::Float16, json::bare("-Infinity"), json!("AAAAAAAA8P8=")),
            (
                DataType::Complex128,
                Value::Array(vec![json!(0.5), nan]),
                json!(["AAAAAAAA4D8=", "AAAAAAAA+H8="]),
            ),
            (DataType::Int16, json!(-999), json!(-999)),
            (DataType::Bool, json!(true), json!(true)),
            (DataType::String, json!("none"), json!("none")),
        ] {
            for given in [value.clone(), Value::Array(vec![value.clone()])] {
                let mut attributes = Map::from_iter([(MASK_ATTRIBUTE.to_owned(), given)]);
                mask_to_v3(&mut attributes, &data_type);
                assert_eq!(attributes[MASK_ATTRIBUTE], form, "{value}");
            }
            let mut attributes = Map::from_iter([(MASK_ATTRIBUTE.to_owned(), form)]);
            mask_from_v3(&mut attributes, &data_type);
            assert!(json::is_same(&attributes[MASK_ATTRIBUTE], &value), "{value}");
        }
    }

    #[test]
    fn what_is_no_such_value_stays() {
        for value in [
            json!("missing"),
            json!([1, 2, 3]),
            json!(null),
            json!([[]]),
            json!({"a": 1}),
        ] {
            for data_type in [DataType::Float64, DataType::Complex64] {
                let mut attributes = Map::from_iter([(MASK_ATTRIBUTE.to_owned(), value.clone())]);
                mask_to_v3(&mut attributes, &data_type);
                assert_eq!(attributes[MASK_ATTRIBUTE], value);
                mask_from_v3(&mut attributes, &data_type);
                assert_eq!(attributes[MASK_ATTRIBUTE], value);
            }
        }
    }
}
