//! Fill values as callers give them, made what documents have (`v2-semantics` 10.5).

use serde_json::Value;
use zarr_core::codecs::DataType;

/// What is equal to 0 becomes the zero of its type, as zarr-python has it: minus zero, false, and 0 for texts.
///
/// Other forms of a value are understood where it is read.
pub(crate) fn given_fill_value(value: &Value, data_type: &DataType) -> Value {
    use DataType as T;
    let is_zero = match value {
        Value::Bool(value) => !value,
        Value::Array(parts) => {
            matches!(data_type, T::Complex64 | T::Complex128 | T::Complex256)
                && parts.iter().all(|part| part.as_f64() == Some(0.0))
        }
        number => number.as_f64() == Some(0.0),
    };
    match data_type {
        T::DateTime64(_) | T::TimeDelta64(_) if value == &Value::Bool(true) => 1.into(),
        // NumPy makes the text `True` of it, which is cut later to the length of the type; this is its form in documents.
        T::FixedBytes(_) if value == &Value::Bool(true) => "VHJ1ZQ==".into(),
        _ if !is_zero => value.clone(),
        T::FixedBytes(_) | T::FixedUtf32(_) => "".into(),
        T::Complex64 | T::Complex128 | T::Complex256 => Value::from(vec![0.0, 0.0]),
        // Objects are what they are.
        _ if data_type.is_variable() => value.clone(),
        _ => 0.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zarr_core::codecs::TimeUnit;

    use super::*;

    #[test]
    fn what_equals_zero_is_the_zero_of_the_type() {
        let cases = [
            (DataType::Float64, json!(-0.0), json!(0)),
            (DataType::Int8, json!(false), json!(0)),
            (DataType::FixedBytes(3), json!(0), json!("")),
            (DataType::FixedBytes(3), json!(true), json!("VHJ1ZQ==")),
            (DataType::Complex64, json!([-0.0, 0]), json!([0.0, 0.0])),
            (DataType::Object, json!(-0.0), json!(-0.0)),
            (DataType::Float64, json!("nan"), json!("nan")),
            (
                DataType::TimeDelta64(TimeUnit::new("s", 1).unwrap()),
                json!(true),
                json!(1),
            ),
        ];
        for (data_type, given, expected) in cases {
            assert_eq!(
                given_fill_value(&given, &data_type),
                expected,
                "{data_type} {given}"
            );
        }
    }
}
