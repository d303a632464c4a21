//! Fill values as V2 metadata write them (`v2-semantics` 10.5).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use zarr_codecs::{ByteOrder, DataType, FillValue};

use super::{Read, Wrong};

/// Reads a fill value; `None` for `null`.
///
/// # Errors
/// When the type has no such value.
pub fn v2_fill_value(
    value: &Value,
    data_type: &DataType,
    byte_order: ByteOrder,
) -> Result<Option<FillValue>, Wrong> {
    let wrong = || Wrong::expected("/fill_value", &format!("a value of {data_type}"), value);
    let fill_value = match (data_type, value) {
        (_, Value::Null) => return Ok(None),
        // What zarr-python writes as the default of a text.
        (
            DataType::FixedBytes(_)
            | DataType::FixedUtf32(_)
            | DataType::Raw(_)
            | DataType::Struct(_)
            | DataType::String
            | DataType::Bytes,
            Value::Number(zero),
        ) if zero.as_f64() == Some(0.0) => FillValue::zero(data_type),
        (DataType::FixedBytes(size), _) => {
            padded(base64(value).ok_or_else(wrong)?, *size).ok_or_else(wrong)?
        }
        (DataType::Raw(size), _) => {
            let bytes = base64(value).filter(|bytes| bytes.len() == *size as usize);
            FillValue::new(bytes.ok_or_else(wrong)?)
        }
        (DataType::Struct(_), _) => {
            let bytes = base64(value).filter(|bytes| Some(bytes.len()) == data_type.size());
            FillValue::new(swapped(bytes.ok_or_else(wrong)?, data_type, byte_order))
        }
        (DataType::FixedUtf32(length), _) => {
            let text = value.as_str().ok_or_else(wrong)?;
            // zarr-python stores a fill value longer than its type, and cuts it when it is used.
            let codes = text
                .chars()
                .take(*length as usize)
                .flat_map(|c| u32::from(c).to_ne_bytes());
            padded(codes.collect(), length * 4).ok_or_else(wrong)?
        }
        // Booleans and numbers stand in for each other in what zarr-python wrote.
        (DataType::Bool, Value::Number(number)) if number.as_u64().is_some_and(|number| number <= 1) => {
            FillValue::new([u8::from(number.as_u64() == Some(1))])
        }
        (_, Value::Number(number))
            if is_integer(data_type) && number.as_i64().is_none() && number.as_u64().is_none() =>
        {
            let whole = number
                .as_f64()
                .filter(|float| float.fract() == 0.0)
                .ok_or_else(wrong)?;
            FillValue::from_json(&Value::from(whole as i64), data_type).map_err(|_| wrong())?
        }
        (DataType::Complex64 | DataType::Complex128, Value::Number(_)) => {
            let pair = Value::from(vec![value.clone(), Value::from(0.0)]);
            FillValue::from_json(&pair, data_type).map_err(|_| wrong())?
        }
        (DataType::Unknown { .. }, _) => FillValue::default(),
        _ => FillValue::from_json(value, data_type).map_err(|_| wrong())?,
    };
    Ok(Some(fill_value))
}

fn is_integer(data_type: &DataType) -> bool {
    use DataType as T;
    matches!(
        data_type,
        T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64
    )
}

/// The V2 form of a fill value.
///
/// # Errors
/// When V2 has no form for the type.
pub fn fill_value_to_v2(
    fill_value: Option<&FillValue>,
    data_type: &DataType,
    byte_order: ByteOrder,
) -> Read<Value> {
    let Some(fill_value) = fill_value else {
        return Ok(Value::Null);
    };
    let bytes = fill_value.as_bytes();
    Ok(match data_type {
        DataType::FixedBytes(_) => {
            let used = bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1);
            STANDARD.encode(&bytes[..used]).into()
        }
        DataType::Raw(_) | DataType::Bytes => STANDARD.encode(bytes).into(),
        DataType::Struct(_) => STANDARD
            .encode(swapped(bytes.to_vec(), data_type, byte_order))
            .into(),
        DataType::DateTime64(_) | DataType::TimeDelta64(_) => {
            let count = bytes.try_into().map_or(0, i64::from_ne_bytes);
            count.into()
        }
        _ => match fill_value
            .to_json(data_type)
            .map_err(|error| Wrong::new("/fill_value", error.to_string()))?
        {
            // The bits of an unusual NaN have no form in V2.
            Value::String(text)
                if text.starts_with("0x")
                    && !matches!(data_type, DataType::String | DataType::FixedUtf32(_)) =>
            {
                "NaN".into()
            }
            json => json,
        },
    })
}

fn base64(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

fn padded(mut bytes: Vec<u8>, size: u32) -> Option<FillValue> {
    let fits = bytes.len() <= size as usize;
    bytes.resize(size as usize, 0);
    fits.then(|| FillValue::new(bytes))
}

fn swapped(mut bytes: Vec<u8>, data_type: &DataType, byte_order: ByteOrder) -> Vec<u8> {
    data_type.reorder(&mut bytes, byte_order);
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(data_type: &DataType, json: &Value) {
        let fill_value = v2_fill_value(json, data_type, ByteOrder::Little).unwrap();
        assert_eq!(
            fill_value_to_v2(fill_value.as_ref(), data_type, ByteOrder::Little).unwrap(),
            *json
        );
    }

    #[test]
    fn values_come_back_as_they_were_written() {
        check(&DataType::Float32, &json!("NaN"));
        check(&DataType::Int8, &json!(-1));
        check(&DataType::FixedBytes(3), &json!("YWI="));
        check(&DataType::FixedBytes(3), &json!(""));
        check(&DataType::FixedUtf32(3), &json!("äb"));
        check(&DataType::Raw(2), &json!("AAE="));
        check(&DataType::Bool, &json!(true));
        check(&DataType::Complex64, &json!([0.0, "NaN"]));
        check(&DataType::Int8, &json!(null));
        check(&DataType::String, &json!("none"));
    }

    #[test]
    fn values_that_the_type_does_not_have_are_refused() {
        let refused = [
            (DataType::UInt8, json!(-1)),
            (DataType::Float32, json!(1e39)),
            (DataType::Bool, json!("abc")),
            (DataType::Raw(8), json!("AAE=")),
            (DataType::FixedBytes(2), json!("!!")),
            (DataType::Int32, json!(1.5)),
        ];
        for (data_type, value) in refused {
            assert!(
                v2_fill_value(&value, &data_type, ByteOrder::Little).is_err(),
                "{data_type} {value}"
            );
        }
    }
}
