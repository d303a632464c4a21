//! Values as they are exchanged with the other side.
//!
//! Elements of fixed size are bytes in C order, little-endian.
//! Those of variable size are a list of JSON, in which byte strings are `{"bytes": HEX}` and arrays `{"array": HEX}`;
//! among the values of objects, floats are `{"float": HEX}`, lists `{"list": [...]}` and maps `{"map": [[KEY, VALUE], ...]}`.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use zarr_core::{
    ArrayData,
    codecs::{ByteOrder, ChunkBuffer, DataType, Object},
};

use crate::conformance::values::hex;

/// Takes values from their form in a file.
pub(super) fn parse(file: &[u8], data_type: DataType, shape: Vec<u64>) -> Result<ArrayData> {
    let mut buffer = ChunkBuffer::default();
    if data_type.is_variable() {
        let list: Vec<Value> = serde_json::from_slice(file)?;
        for item in &list {
            buffer.push_item(&parse_item(item, &data_type)?);
        }
    } else {
        buffer.elements = little_endian(file.to_vec(), &data_type);
    }
    Ok(ArrayData {
        shape,
        data_type,
        buffer,
    })
}

/// Whether values are those of a file, bit by bit.
pub(super) fn are_equal(data: &ArrayData, file: &[u8]) -> Result<bool> {
    if !data.data_type.is_variable() {
        return Ok(little_endian(data.buffer.elements.clone(), &data.data_type) == file);
    }
    let expected: Vec<Value> = serde_json::from_slice(file)?;
    let items = data.buffer.as_ref();
    let found: Result<Vec<_>> = items
        .items()
        .map(|item| show_item(item, &data.data_type))
        .collect();
    Ok(found? == expected)
}

/// Turns elements from native into little-endian order, or back.
fn little_endian(mut elements: Vec<u8>, data_type: &DataType) -> Vec<u8> {
    if ByteOrder::NATIVE != ByteOrder::Little {
        data_type.swap_bytes(&mut elements);
    }
    elements
}

fn parse_item(item: &Value, data_type: &DataType) -> Result<Vec<u8>> {
    Ok(match data_type {
        DataType::String => item.as_str().context("expected a text")?.as_bytes().to_vec(),
        DataType::Bytes => from_hex(&item["bytes"])?,
        DataType::VlenArray(inner) => little_endian(from_hex(&item["array"])?, inner),
        DataType::Object => parse_object(item)?.to_item(),
        other => bail!("values of {other} are not exchanged"),
    })
}

fn show_item(item: &[u8], data_type: &DataType) -> Result<Value> {
    Ok(match data_type {
        DataType::String => json!(std::str::from_utf8(item)?),
        DataType::Bytes => json!({"bytes": hex(item)}),
        DataType::VlenArray(inner) => json!({"array": hex(&little_endian(item.to_vec(), inner))}),
        DataType::Object => show_object(&Object::from_item(item)?)?,
        other => bail!("values of {other} are not exchanged"),
    })
}

fn parse_object(value: &Value) -> Result<Object> {
    Ok(match value {
        Value::Null => Object::Null,
        Value::Bool(truth) => Object::Bool(*truth),
        Value::Number(number) => Object::Int(number.as_i128().context("expected an integer")?),
        Value::String(text) => Object::Text(text.clone()),
        Value::Array(_) => bail!("expected a value, found {value}"),
        Value::Object(members) => match members.iter().next() {
            Some((kind, digits)) if kind == "bytes" => Object::Bytes(from_hex(digits)?),
            Some((kind, digits)) if kind == "float" => {
                let bytes = from_hex(digits)?;
                Object::Float(f64::from_le_bytes(bytes.as_slice().try_into()?))
            }
            Some((kind, Value::Array(values))) if kind == "list" => {
                Object::List(values.iter().map(parse_object).collect::<Result<_>>()?)
            }
            Some((kind, Value::Array(pairs))) if kind == "map" => {
                let pair = |pair: &Value| Ok((parse_object(&pair[0])?, parse_object(&pair[1])?));
                Object::Map(pairs.iter().map(pair).collect::<Result<_>>()?)
            }
            _ => bail!("expected a value, found {value}"),
        },
    })
}

fn show_object(object: &Object) -> Result<Value> {
    Ok(match object {
        Object::Null => Value::Null,
        Object::Bool(truth) => json!(truth),
        Object::Int(number) => json!(number),
        Object::Text(text) => json!(text),
        Object::Bytes(bytes) => json!({"bytes": hex(bytes)}),
        Object::Float(number) => json!({"float": hex(&number.to_le_bytes())}),
        Object::List(values) => {
            let values: Result<Vec<_>> = values.iter().map(show_object).collect();
            json!({"list": values?})
        }
        Object::Map(pairs) => {
            let pair = |(key, value): &(Object, Object)| Ok(json!([show_object(key)?, show_object(value)?]));
            let pairs: Result<Vec<_>> = pairs.iter().map(pair).collect();
            json!({"map": pairs?})
        }
        other => bail!("{other:?} is not exchanged"),
    })
}

fn from_hex(digits: &Value) -> Result<Vec<u8>> {
    let digits = digits.as_str().context("expected hexadecimal digits")?;
    ensure!(
        digits.is_ascii() && digits.len().is_multiple_of(2),
        "expected pairs of digits"
    );
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    Ok((0..digits.len()).step_by(2).map(byte).collect::<Result<_, _>>()?)
}
