//! Data types as V2 metadata write them: `NumPy`'s type strings and lists of fields.
//!
//! ```text
//! "<f4"   byte order, kind, size        "|S5"  bytes       "<U4"  code points
//! "<M8[ns]"  date with its unit         [["a", "<i4"], ["b", "|u1", [2]]]  record
//! ```

use serde_json::{Value, json};
use zarr_codecs::{ByteOrder, DataType, Field, StructType, TimeUnit};

use super::{Read, Wrong};

/// How deep records may nest.
const DEPTH_MAX: usize = 64;
/// The largest element in bytes.
const SIZE_MAX: u64 = (1 << 31) - 1;

/// Reads a data type and its byte order; [`ByteOrder::Little`] where it makes no difference.
///
/// # Errors
/// When the text is no type of `NumPy`'s. Types that exist and are not decoded become `Unknown`.
pub fn v2_data_type(value: &Value) -> Result<(DataType, ByteOrder), Wrong> {
    let (data_type, order) = read(value, 0)?;
    Ok((data_type, order.unwrap_or(ByteOrder::Little)))
}

fn unknown(value: &Value) -> DataType {
    let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    DataType::Unknown {
        name,
        json: value.clone(),
    }
}

/// Reads a type and the byte order of its first number.
fn read(value: &Value, depth: usize) -> Read<(DataType, Option<ByteOrder>)> {
    match value {
        Value::String(text) => read_text(text, value),
        Value::Array(fields) if !fields.is_empty() && depth < DEPTH_MAX => read_fields(fields, depth),
        _ => Err(Wrong::expected("/dtype", "a NumPy data type", value)),
    }
}

fn read_text(text: &str, value: &Value) -> Read<(DataType, Option<ByteOrder>)> {
    let wrong = || Wrong::expected("/dtype", "a NumPy data type", value);
    let (order, code) = match text.as_bytes().first() {
        Some(b'<') => (Some(ByteOrder::Little), &text[1..]),
        Some(b'>') => (Some(ByteOrder::Big), &text[1..]),
        Some(b'=' | b'|') => (None, &text[1..]),
        _ => (None, text),
    };
    let kind = code.chars().next().ok_or_else(wrong)?;
    let rest = &code[kind.len_utf8()..];
    let size: Option<u64> = rest
        .parse()
        .ok()
        .filter(|_| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let length = |unit: u64| {
        let length = size.ok_or_else(wrong)?;
        let fits = length.checked_mul(unit).is_some_and(|size| size <= SIZE_MAX);
        if fits {
            Ok(length as u32)
        } else {
            Err(Wrong::new("/dtype", format!("{text} is too large")))
        }
    };
    let data_type = match (kind, size) {
        ('b', Some(1)) | ('?', None) => DataType::Bool,
        ('i', Some(1)) => DataType::Int8,
        ('i', Some(2)) => DataType::Int16,
        ('i', Some(4)) => DataType::Int32,
        ('i', Some(8)) => DataType::Int64,
        ('u', Some(1)) => DataType::UInt8,
        ('u', Some(2)) => DataType::UInt16,
        ('u', Some(4)) => DataType::UInt32,
        ('u', Some(8)) => DataType::UInt64,
        ('f', Some(2)) => DataType::Float16,
        ('f', Some(4)) => DataType::Float32,
        ('f', Some(8)) => DataType::Float64,
        ('c', Some(8)) => DataType::Complex64,
        ('c', Some(16)) => DataType::Complex128,
        ('f' | 'g', Some(12 | 16)) | ('c', Some(24 | 32)) | ('O', None) => unknown(value),
        ('S' | 'a', _) => DataType::FixedBytes(length(1)?),
        ('V', _) => DataType::Raw(length(1)?),
        ('U', _) => DataType::FixedUtf32(length(4)?),
        ('M' | 'm', None) => {
            let unit = rest
                .strip_prefix("8[")
                .and_then(|rest| rest.strip_suffix(']'))
                .and_then(time_unit);
            let unit = unit.ok_or_else(wrong)?;
            if kind == 'M' {
                DataType::DateTime64(unit)
            } else {
                DataType::TimeDelta64(unit)
            }
        }
        _ => numpy_name(text).ok_or_else(wrong)?,
    };
    let order = order.unwrap_or(ByteOrder::Little);
    let found = data_type.has_byte_order().then_some(order);
    Ok((data_type, found))
}

/// The long names that `NumPy` takes for types as well.
fn numpy_name(text: &str) -> Option<DataType> {
    let data_type = DataType::from_json(&text.into()).ok()?;
    let is_number = !matches!(
        data_type,
        DataType::Unknown { .. } | DataType::String | DataType::Bytes | DataType::Raw(_)
    );
    is_number.then_some(data_type)
}

fn time_unit(text: &str) -> Option<TimeUnit> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let scale = if digits == 0 {
        1
    } else {
        text[..digits].parse().ok()?
    };
    TimeUnit::new(&text[digits..], scale)
}

fn read_fields(fields: &[Value], depth: usize) -> Read<(DataType, Option<ByteOrder>)> {
    let mut record = StructType {
        fields: Vec::with_capacity(fields.len()),
    };
    let mut found = None;
    for value in fields {
        let wrong = || Wrong::expected("/dtype", "a field [name, type] or [name, type, shape]", value);
        let parts = value
            .as_array()
            .filter(|parts| matches!(parts.len(), 2 | 3))
            .ok_or_else(wrong)?;
        let name = parts[0].as_str().ok_or_else(wrong)?.to_owned();
        if record
            .fields
            .iter()
            .any(|field| field.name == name && !name.is_empty())
        {
            return Err(Wrong::new("/dtype", format!("field {name:?} is given twice")));
        }
        let (data_type, order) = read(&parts[1], depth + 1)?;
        if data_type.size().is_none() {
            return Ok((unknown(&fields.to_vec().into()), None));
        }
        let shape = parts
            .get(2)
            .map_or_else(|| Ok(vec![]), |shape| super::lengths("/dtype", shape, 0))?;
        let shape: Option<Vec<u32>> = shape.iter().map(|length| u32::try_from(*length).ok()).collect();
        // The first number of a record says what its byte order is, and the fields that differ say so.
        found = found.or(order);
        record.fields.push(Field {
            is_reversed: order.is_some() && order != found,
            ..Field::new(name, data_type, shape.ok_or_else(wrong)?)
        });
    }
    let data_type = DataType::Struct(record);
    match data_type.size() {
        Some(size) if size as u64 <= SIZE_MAX => Ok((data_type, found)),
        _ => Err(Wrong::new("/dtype", "record is too large")),
    }
}

/// The V2 form of a data type; `None` for one that V2 does not have.
///
/// Texts and bytes of variable size are objects there, and their codec a filter.
pub fn data_type_to_v2(data_type: &DataType, byte_order: ByteOrder) -> Option<Value> {
    let order = match byte_order {
        _ if !data_type.has_byte_order() => '|',
        ByteOrder::Little => '<',
        ByteOrder::Big => '>',
    };
    Some(match data_type {
        DataType::Bool => json!("|b1"),
        DataType::Int8 => json!("|i1"),
        DataType::UInt8 => json!("|u1"),
        DataType::Int16 => json!(format!("{order}i2")),
        DataType::Int32 => json!(format!("{order}i4")),
        DataType::Int64 => json!(format!("{order}i8")),
        DataType::UInt16 => json!(format!("{order}u2")),
        DataType::UInt32 => json!(format!("{order}u4")),
        DataType::UInt64 => json!(format!("{order}u8")),
        DataType::Float16 => json!(format!("{order}f2")),
        DataType::Float32 => json!(format!("{order}f4")),
        DataType::Float64 => json!(format!("{order}f8")),
        DataType::Complex64 => json!(format!("{order}c8")),
        DataType::Complex128 => json!(format!("{order}c16")),
        DataType::Raw(size) => json!(format!("|V{size}")),
        DataType::FixedBytes(size) => json!(format!("|S{size}")),
        DataType::FixedUtf32(length) => json!(format!("{order}U{length}")),
        DataType::DateTime64(unit) => json!(format!("{order}M8[{unit}]")),
        DataType::TimeDelta64(unit) => json!(format!("{order}m8[{unit}]")),
        DataType::String | DataType::Bytes | DataType::VlenArray(_) | DataType::Object => json!("|O"),
        DataType::Struct(record) => {
            let field = |field: &Field| {
                let data_type = data_type_to_v2(&field.data_type, field.byte_order(byte_order))?;
                Some(if field.shape.is_empty() {
                    json!([field.name, data_type])
                } else {
                    json!([field.name, data_type, field.shape])
                })
            };
            Value::Array(record.fields.iter().map(field).collect::<Option<_>>()?)
        }
        // A V2 type that is not decoded stands as it was read; a V3 one has no place here.
        DataType::Unknown { json, .. } if json.is_array() || is_v2_text(json) => json.clone(),
        _ => return None,
    })
}

fn is_v2_text(json: &Value) -> bool {
    json.as_str()
        .is_some_and(|text| text.starts_with(['<', '>', '|', '=']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &Value) {
        let (data_type, order) = v2_data_type(value).unwrap();
        assert_eq!(data_type_to_v2(&data_type, order).as_ref(), Some(value));
    }

    #[test]
    fn types_come_back_as_they_were_written() {
        for text in [
            "|b1", "|i1", "<i4", ">u8", "<f2", ">c16", "|S5", "<U4", "|V6", "<M8[ns]", ">m8[10s]", "|O",
        ] {
            check(&json!(text));
        }
        check(&json!([
            ["a", "<i4"],
            ["b", "|S2"],
            ["c", [["d", "<f8", [2, 3]]]]
        ]));
    }

    #[test]
    fn loose_spellings_are_understood() {
        assert_eq!(
            v2_data_type(&json!("int32")).unwrap(),
            (DataType::Int32, ByteOrder::Little)
        );
        assert_eq!(
            v2_data_type(&json!("|i4")).unwrap(),
            (DataType::Int32, ByteOrder::Little)
        );
        assert_eq!(
            v2_data_type(&json!("<u1")).unwrap(),
            (DataType::UInt8, ByteOrder::Little)
        );
    }

    #[test]
    fn what_is_no_type_is_refused() {
        let bad = [
            json!("<x4"),
            json!("<f3"),
            json!("int"),
            json!(7),
            json!(null),
            json!("|S4294967296"),
            json!([]),
            json!("<M8[xy]"),
            json!("<M8[0s]"),
            json!("<M8"),
            json!([["a", "<i4"], ["a", "<i4"]]),
            json!("é4"),
            json!("|S-1"),
            json!("|S+1"),
            json!([["a", [["b", "|V1", [1_099_511_627_776_u64]]]]]),
        ];
        for value in bad {
            assert!(v2_data_type(&value).is_err(), "{value}");
        }
    }

    #[test]
    fn fields_keep_a_byte_order_of_their_own() {
        check(&json!([["a", "|i1"], ["b", ">i4"], ["c", "<f8", [2]]]));
        let value = json!([
            ["", "|V4"],
            ["a", "<i4"],
            ["n", [["b", ">i2"], ["c", "<u2"], ["d", [["e", ">f8"]]]]],
            ["f", ">c8"]
        ]);
        check(&value);
        let (data_type, order) = v2_data_type(&value).unwrap();
        let DataType::Struct(record) = &data_type else {
            panic!("{data_type} is no record")
        };
        let reversed: Vec<_> = record.fields.iter().map(|field| field.is_reversed).collect();
        assert_eq!(
            (order, &reversed[..]),
            (ByteOrder::Little, &[false, false, true, true][..])
        );
    }
}
