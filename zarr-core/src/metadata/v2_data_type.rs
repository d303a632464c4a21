//! Data types as V2 metadata write them: `NumPy`'s texts, and lists of fields for records.
//!
//! ```text
//! "<f4"      [["a", "<i4"], ["b", "|u1", [2]]]
//! ```

use serde_json::{Value, json};
use zarr_codecs::{ByteOrder, CodecError, DataType, Field, StoredType, StructType};

use super::{Read, Wrong};

/// How deep records may nest.
const DEPTH_MAX: usize = 64;

/// Reads a data type and its byte order; [`ByteOrder::Little`] where it makes no difference.
///
/// # Errors
/// When the text is no type of `NumPy`'s. Types that exist and are not decoded become `Unknown`.
pub fn v2_data_type(value: &Value) -> Result<(DataType, ByteOrder), Wrong> {
    let (data_type, order) = read(value, 0)?;
    Ok((data_type, order.unwrap_or(ByteOrder::Little)))
}

fn unknown(value: Value) -> DataType {
    DataType::Unknown {
        name: value.to_string(),
        json: value,
    }
}

/// Reads a type and the byte order of its first number.
fn read(value: &Value, depth: usize) -> Read<(DataType, Option<ByteOrder>)> {
    match value {
        Value::String(text) => read_text(text),
        Value::Array(fields) if !fields.is_empty() && depth < DEPTH_MAX => read_fields(fields, depth),
        _ => Err(Wrong::expected("/dtype", "a NumPy data type", value)),
    }
}

fn read_text(text: &str) -> Read<(DataType, Option<ByteOrder>)> {
    let stored = StoredType::from_numpy(text).map_err(wrong_type)?;
    let found = stored.data_type.has_byte_order().then_some(stored.byte_order);
    Ok((stored.data_type, found))
}

fn wrong_type(error: CodecError) -> Wrong {
    match error {
        CodecError::Value { reason, .. } => Wrong::new("/dtype", reason),
        other => Wrong::new("/dtype", other.to_string()),
    }
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
        if let Some([_, Value::String(name)]) = parts[0].as_array().map(Vec::as_slice) {
            // So zarr-python 2 writes it, and does not read it.
            let reason = format!("field {name:?}: its title has no form in Zarr");
            return Err(Wrong::new("/dtype", reason));
        }
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
            return Ok((unknown(fields.to_vec().into()), None));
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
    data_type.check_size().map_err(wrong_type)?;
    Ok((data_type, found))
}

/// The V2 form of a data type; `None` for one that V2 does not have.
///
/// Texts and bytes of variable size are objects there, and their codec a filter.
pub fn data_type_to_v2(data_type: &DataType, byte_order: ByteOrder) -> Option<Value> {
    Some(match data_type {
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
        _ => StoredType::new(data_type.clone(), byte_order).to_numpy()?.into(),
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
            json!("int3"),
            json!(7),
            json!(null),
            json!("|S4294967296"),
            json!("<U500000000"),
            json!("|V67108865"),
            json!([["a", "|S40000000"], ["b", "|S40000000"]]),
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
