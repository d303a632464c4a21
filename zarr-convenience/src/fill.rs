//! Fill values as callers give them, made what documents have (`v2-semantics` 10.5).

use serde_json::{Number, Value};
use zarr_core::codecs::{DataType, TimeUnit};

/// The least number that becomes infinite as a binary16.
const HALF_MAX: f64 = 65520.0;
/// The finest units of time in a second.
const ATTO: i128 = 1_000_000_000_000_000_000;

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
        T::DateTime64(unit) => value.as_str().and_then(|text| date(text, *unit)).map(Value::from),
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

/// The count of units from 1970 to an ISO date or time; `None` for any other text.
fn date(text: &str, unit: TimeUnit) -> Option<i64> {
    if text == "NaT" {
        return Some(i64::MIN);
    }
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    let mut parts = day.splitn(3, '-');
    let mut part = |default: i64| parts.next().map_or(Some(default), |part| part.parse().ok());
    let (year, month, day) = (part(1970)?, part(1)?, part(1)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let scale = i64::from(unit.scale);
    match unit.unit {
        "Y" => return Some((year - 1970).div_euclid(scale)),
        "M" => return Some(((year - 1970) * 12 + month - 1).div_euclid(scale)),
        _ => {}
    }
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut seconds = i128::from(days(year, month, day)) * 86_400;
    for (part, size) in clock
        .split(':')
        .filter(|part| !part.is_empty())
        .zip([3600, 60, 1])
    {
        seconds += i128::from(part.parse::<u32>().ok()?) * size;
    }
    let digits = format!("{fraction:0<18}");
    let fraction: i128 = digits.get(..18)?.parse().ok()?;
    let size = match unit.unit {
        "W" => ATTO * 604_800,
        "D" => ATTO * 86_400,
        "h" => ATTO * 3600,
        "m" => ATTO * 60,
        "s" => ATTO,
        "ms" => ATTO / 1_000,
        "us" => ATTO / 1_000_000,
        "ns" => ATTO / 1_000_000_000,
        "ps" => 1_000_000,
        "fs" => 1_000,
        _ => 1,
    };
    let count = (seconds * ATTO + fraction)
        .div_euclid(size)
        .div_euclid(i128::from(scale));
    i64::try_from(count).ok()
}

/// Days from 1970-01-01 in the Gregorian calendar; years begin in March, so that leap days come last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
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
