//! Fill values as callers give them, made what documents have (`v2-semantics` 10.5).

use serde_json::{Number, Value};
use zarr_core::{codecs::DataType, time};

/// The least number that becomes infinite as a binary16.
const HALF_MAX: f64 = 65520.0;

/// Rewrites a value that a data type has in another form: a text that is a number or a date, a number with
/// a fraction for an integer, a number for a truth.
///
/// What is no value of the type stays as it is, and reading it as one says what is wrong.
pub(crate) fn given_fill_value(value: &Value, data_type: &DataType) -> Value {
    use DataType as T;
    let rewritten = match data_type {
        T::Bool => truth(value),
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64 => {
            integer(value)
        }
        T::Float16 | T::Float32 | T::Float64 => float(value, data_type),
        T::Complex64 | T::Complex128 => match value {
            Value::Array(parts) => Some(
                parts
                    .iter()
                    .map(|part| float(part, &T::Float64).unwrap_or_else(|| part.clone()))
                    .collect(),
            ),
            other => float(other, &T::Float64).map(|real| Value::from(vec![real, 0.0.into()])),
        },
        T::DateTime64(unit) => value
            .as_str()
            .and_then(|text| time::parse(text, *unit))
            .map(Value::from),
        T::TimeDelta64(_) if value.as_str() == Some("NaT") => Some(i64::MIN.into()),
        _ => None,
    };
    rewritten.unwrap_or_else(|| value.clone())
}

fn truth(value: &Value) -> Option<Value> {
    value.as_f64().map(|number| (number != 0.0).into())
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

/// What is too large becomes infinite, and minus zero becomes zero, as `NumPy` and zarr-python have it.
fn float(value: &Value, data_type: &DataType) -> Option<Value> {
    let number = match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Number(number) => number.as_f64()?,
        Value::String(text) if text.starts_with("0x") => return None,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    let number = match data_type {
        DataType::Float32 if number.is_finite() && !(number as f32).is_finite() => {
            f64::INFINITY.copysign(number)
        }
        DataType::Float16 if number.abs() >= HALF_MAX => f64::INFINITY.copysign(number),
        _ if number == 0.0 => 0.0,
        _ => number,
    };
    Some(match Number::from_f64(number) {
        Some(number) => number.into(),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: &Value, dtype: &str, expected: &Value) {
        let (data_type, _) = zarr_core::metadata::v2_data_type(&dtype.into()).unwrap();
        assert_eq!(given_fill_value(value, &data_type), *expected, "{dtype} {value}");
    }

    #[test]
    fn numbers_are_taken_in_the_forms_that_numpy_takes() {
        check(&json!(1.9), "<i4", &json!(1));
        check(&json!("5"), "<i4", &json!(5));
        check(&json!("a"), "<i4", &json!("a"));
        check(&json!(5), "|b1", &json!(true));
        check(&json!("nan"), "<f8", &json!("NaN"));
        check(&json!(1e40), "<f4", &json!("Infinity"));
        check(&json!(-0.0), "<f8", &json!(0.0));
        check(&json!("abc"), "|S3", &json!("abc"));
    }

    #[test]
    fn dates_are_counted_in_the_unit_of_the_type() {
        check(&json!("2020-01-01"), "<M8[D]", &json!(18262));
        check(
            &json!("2020-01-01T00:00:00.000000001"),
            "<M8[ns]",
            &json!(1_577_836_800_000_000_001_i64),
        );
        check(&json!("1969-12-31"), "<M8[D]", &json!(-1));
        check(&json!("2000-03"), "<M8[M]", &json!(362));
        check(&json!("NaT"), "<M8[s]", &json!(i64::MIN));
        check(&json!("soon"), "<M8[s]", &json!("soon"));
    }
}
