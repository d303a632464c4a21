//! Fill values as V2 metadata write them (`v2-semantics` 10.5).

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use zarr_codecs::{ByteOrder, DataType, FillValue, Object, utf32_text, without_padding};

use super::{Read, Wrong, v2_lenient::usual_form};

/// The most bytes of a fill value that is an array, whose elements can be much larger than they are written.
const ARRAY_SIZE_MAX: usize = 1 << 20;

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
    let is_zero = value.as_f64() == Some(0.0);
    let fill_value = match data_type {
        _ if value.is_null() => return Ok(None),
        DataType::Unknown { .. } => FillValue::default(),
        DataType::FixedBytes(size) => {
            let mut bytes = fixed_bytes(value).ok_or_else(wrong)?;
            bytes.truncate(*size as usize);
            FillValue::padded(bytes, *size as usize).ok_or_else(wrong)?
        }
        // What zarr-python writes as the default of a text.
        DataType::FixedUtf32(_) | DataType::Raw(_) | DataType::Struct(_) if is_zero => {
            FillValue::zero(data_type)
        }
        DataType::Raw(size) => {
            let bytes = base64(value).filter(|bytes| bytes.len() == *size as usize);
            FillValue::new(bytes.ok_or_else(wrong)?)
        }
        DataType::Struct(_) => {
            let bytes = base64(value).filter(|bytes| Some(bytes.len()) == data_type.size());
            FillValue::new(swapped(bytes.ok_or_else(wrong)?, data_type, byte_order))
        }
        DataType::FixedUtf32(length) => {
            // zarr-python stores a fill value longer than its type, and cuts it when it is used.
            let text = shown(value);
            let codes = text.chars().take(*length as usize).map(u32::from);
            let bytes: Vec<u8> = codes.flat_map(u32::to_ne_bytes).collect();
            FillValue::padded(bytes, *length as usize * 4).ok_or_else(wrong)?
        }
        DataType::Object => {
            let object = Object::from_json(value).map_err(|_| wrong())?;
            FillValue::new(object.to_item())
        }
        // Object arrays may have any fill value, and 0 unless told otherwise.
        _ if data_type.is_variable() && is_zero => FillValue::default(),
        DataType::String => FillValue::new(shown(value)),
        DataType::Bytes => FillValue::new(base64(value).unwrap_or_else(|| shown(value).into_bytes())),
        DataType::VlenArray(inner) => {
            let items = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            let size = inner.size().and_then(|size| size.checked_mul(items.len()));
            if size.is_none_or(|size| size > ARRAY_SIZE_MAX) {
                let reason = format!(
                    "{} elements of {inner} take more than {ARRAY_SIZE_MAX} bytes",
                    items.len()
                );
                return Err(Wrong::new("/fill_value", reason));
            }
            let element = |item: &Value| {
                let element = v2_fill_value(item, inner, ByteOrder::NATIVE).ok().flatten();
                element
                    .map(|element| element.as_bytes().to_vec())
                    .ok_or_else(wrong)
            };
            FillValue::new(items.iter().map(element).collect::<Read<Vec<_>>>()?.concat())
        }
        _ => {
            let usual = usual_form(value, data_type);
            FillValue::from_json(usual.as_ref().unwrap_or(value), data_type).map_err(|_| wrong())?
        }
    };
    Ok(Some(fill_value))
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
    if matches!(data_type, DataType::FixedBytes(_)) {
        return Ok(STANDARD.encode(without_padding(fill_value.used_bytes())).into());
    }
    if let DataType::FixedUtf32(_) = data_type {
        return Ok(utf32_text(fill_value.used_bytes()).into());
    }
    let bytes = fill_value.as_bytes();
    Ok(match data_type {
        DataType::Raw(_) | DataType::Bytes => STANDARD.encode(bytes).into(),
        DataType::Object => Object::from_item(bytes)
            .and_then(|object| object.to_json())
            .map_err(|error| Wrong::new("/fill_value", error.to_string()))?,
        DataType::VlenArray(inner) => {
            let size = inner.size().unwrap_or(1).max(1);
            let elements = bytes.chunks_exact(size);
            let element = |bytes| fill_value_to_v2(Some(&FillValue::new(bytes)), inner, ByteOrder::NATIVE);
            elements.map(element).collect::<Read<Value>>()?
        }
        DataType::Unknown { .. } => Value::Null,
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
            Value::String(text) if text.starts_with("0x") && *data_type != DataType::String => "NaN".into(),
            json => json,
        },
    })
}

fn base64(value: &Value) -> Option<Vec<u8>> {
    STANDARD.decode(value.as_str()?).ok()
}

/// Bytes as they were written at any time: in base 64, in which Python passes over strange signs, or as they are.
fn fixed_bytes(value: &Value) -> Option<Vec<u8>> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => return Some(number.to_string().into_bytes()),
        _ => return None,
    };
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let letters: Vec<u8> = text.bytes().filter(is_letter).collect();
    Some(
        STANDARD
            .decode(letters)
            .unwrap_or_else(|_| text.as_bytes().to_vec()),
    )
}

/// A text, or the text of another value.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn swapped(mut bytes: Vec<u8>, data_type: &DataType, byte_order: ByteOrder) -> Vec<u8> {
    data_type.reorder(&mut bytes, byte_order);
    bytes
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zarr_codecs::TimeUnit;

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
            (DataType::UInt8, json!("256")),
            (DataType::Raw(8), json!("AAE=")),
            (DataType::Int32, json!("abc")),
            (DataType::Int32, json!([1])),
            (DataType::Float64, json!("abc")),
            (DataType::Bool, json!({})),
            (DataType::FixedBytes(2), json!([1])),
            (DataType::VlenArray(Box::new(DataType::Int8)), json!([1, 300])),
        ];
        for (data_type, value) in refused {
            assert!(
                v2_fill_value(&value, &data_type, ByteOrder::Little).is_err(),
                "{data_type} {value}"
            );
        }
    }

    #[track_caller]
    fn read(data_type: &DataType, json: &Value) -> FillValue {
        v2_fill_value(json, data_type, ByteOrder::Little)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn values_are_read_as_numpy_reads_them() {
        // numpy.array(value, dtype), and for bytes base64.standard_b64decode before it.
        let int = |number: i32| FillValue::new(number.to_ne_bytes());
        assert_eq!(read(&DataType::Int32, &json!(1.5)), int(1));
        assert_eq!(read(&DataType::Int32, &json!(-1.5)), int(-1));
        assert_eq!(read(&DataType::Int32, &json!(" 5 ")), int(5));
        assert_eq!(read(&DataType::Int32, &json!(true)), int(1));
        let float = |number: f32| FillValue::new(number.to_ne_bytes());
        assert_eq!(read(&DataType::Float32, &json!("nan")), float(f32::NAN));
        assert_eq!(read(&DataType::Float32, &json!("1e3")), float(1000.0));
        assert_eq!(read(&DataType::Float32, &json!(-1e39)), float(f32::NEG_INFINITY));
        assert_eq!(read(&DataType::Float32, &json!(-0.0)), float(-0.0));
        let fixed = DataType::FixedBytes(3);
        for (value, bytes) in [
            (json!(0), b"0\0\0"),
            (json!("!!"), b"\0\0\0"),
            (json!("abc"), b"abc"),
            (json!("YWI="), b"ab\0"),
        ] {
            assert_eq!(read(&fixed, &value).as_bytes(), bytes, "{value}");
        }
        assert_eq!(read(&DataType::Bool, &json!(2)).as_bytes(), [1]);
        let days = DataType::DateTime64(TimeUnit::new("D", 1).unwrap());
        let count = |number: i64| FillValue::new(number.to_ne_bytes());
        assert_eq!(read(&days, &json!("2020-01-01")), count(18262));
        assert_eq!(read(&days, &json!("NaT")), count(i64::MIN));
    }

    #[test]
    fn padding_takes_no_memory_before_it_is_asked_for() {
        for (data_type, value) in [
            (DataType::FixedUtf32(16 << 20), json!("x")),
            (DataType::FixedBytes(64 << 20), json!("eAAAAA==")),
            (DataType::Raw(64 << 20), json!(0)),
        ] {
            let fill_value = read(&data_type, &value);
            assert!(fill_value.used_bytes().len() <= 4, "{data_type}");
            assert_eq!(fill_value.size(), 64 << 20);
        }
        let text = read(&DataType::FixedUtf32(3), &json!("xy"));
        assert_eq!(text.as_bytes(), [120_u32, 121, 0].map(u32::to_ne_bytes).concat());
        assert_eq!(text, FillValue::new(text.as_bytes()));
    }

    #[test]
    fn arrays_of_long_texts_are_refused() {
        let arrays = |length| DataType::VlenArray(Box::new(DataType::FixedUtf32(length)));
        assert_eq!(read(&arrays(1 << 17), &json!(["a", "b"])).size(), 1 << 20);
        let refused = v2_fill_value(&json!(["a", "b", "c"]), &arrays(1 << 17), ByteOrder::Little);
        assert!(refused.unwrap_err().reason.contains("1048576"));
    }

    #[test]
    fn objects_have_any_value() {
        let arrays = DataType::VlenArray(Box::new(DataType::Int16));
        check(&arrays, &json!([1, -2]));
        check(&DataType::Bytes, &json!("AAE="));
        check(&DataType::Object, &json!({"a": [1, null, 1.5]}));
        assert_eq!(read(&DataType::String, &json!(0)), FillValue::default());
        assert_eq!(read(&DataType::String, &json!(5)).as_bytes(), b"5");
        assert_eq!(read(&arrays, &json!(0)), FillValue::default());
    }
}
