//! Fill values in other forms than the usual one, as `NumPy` takes them and writers of V2 have written them.

use serde_json::{Number, Value};
use zarr_codecs::DataType;

use crate::time;

/// The least number that becomes infinite as a binary16.
const HALF_MAX: f64 = 65520.0;

/// Rewrites a value that a data type has in another form: a text that is a number or a date, a number with
/// a fraction for an integer, a number for a truth.
///
/// `None` for what is no value of the type, and for the usual form of what has no other.
pub(super) fn usual_form(value: &Value, data_type: &DataType) -> Option<Value> {
    use DataType as T;
    match data_type {
        T::Bool => truth(value),
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
            integer(value)
        }
        T::Float16 | T::Float32 | T::Float64 | T::Float128 => float(value, data_type),
        T::Complex64 | T::Complex128 | T::Complex256 => {
            let part = match data_type {
                T::Complex64 => T::Float32,
                T::Complex128 => T::Float64,
                _ => T::Float128,
            };
            match value {
                Value::Array(parts) => parts.iter().map(|value| float(value, &part)).collect(),
                other => Some(Value::from(vec![float(other, &part)?, 0.0.into()])),
            }
        }
        T::DateTime64(unit) => time::parse(value.as_str()?, *unit).map(Value::from),
        T::TimeDelta64(_) => match value.as_str()? {
            "NaT" => Some(time::NOT_A_TIME.into()),
            count => count.trim().parse::<i64>().ok().map(Value::from),
        },
        _ => None,
    }
}

/// A text is true unless it is empty.
fn truth(value: &Value) -> Option<Value> {
    match value {
        Value::Number(number) => Some((number.as_str().parse() != Ok(0.0)).into()),
        Value::String(text) => Some((!text.is_empty()).into()),
        _ => None,
    }
}

/// Numbers are cut towards zero.
fn integer(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(value) => Some(u8::from(*value).into()),
        Value::String(text) => text.trim().parse::<i64>().ok().map(Value::from),
        Value::Number(number) if number.as_i64().is_none() && number.as_u64().is_none() => {
            let whole = number.as_f64()?.trunc();
            (whole.abs() < i64::MAX as f64).then(|| (whole as i64).into())
        }
        _ => None,
    }
}

/// What is too large becomes infinite, as in `NumPy`.
fn float(value: &Value, data_type: &DataType) -> Option<Value> {
    let number = match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        // The bare words of JSON as well.
        Value::Number(number) => number.as_str().parse().ok()?,
        Value::String(text) if text.starts_with("0x") => return None,
        // Its digits are more than a number of JSON has.
        Value::String(_) if *data_type == DataType::Float128 => return Some(value.clone()),
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let number = match data_type {
        DataType::Float32 if number.is_finite() && !(number as f32).is_finite() => {
            f64::INFINITY.copysign(number)
        }
        DataType::Float16 if number.abs() >= HALF_MAX => f64::INFINITY.copysign(number),
        _ => number,
    };
    Some(match Number::from_f64(number) {
        Some(number) => number.into(),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    })
}
