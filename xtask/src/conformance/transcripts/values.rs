//! Arrays, data types and selections, between transcripts and the library.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zarr_convenience::core::{
    ArrayData,
    codecs::{ByteOrder, ChunkBuffer, DataType, Object},
    metadata::{Wrong, data_type_to_v2, v2_data_type},
};

use super::{
    objects,
    outcome::{Failure, Fault, Outcome, quoted},
    scalar::{Scalar, to_hex},
};

/// Most elements of an array that a transcript shows in full.
const SHOWN_MAX: usize = 64;

/// Reads a data type in any of `NumPy`'s spellings, and those of zarr-python for objects.
pub(super) fn data_type(value: &Value) -> Outcome<(DataType, ByteOrder)> {
    let text = match value.as_str() {
        Some("str") => return Ok((DataType::String, ByteOrder::Little)),
        Some("bytes") => return Ok((DataType::Bytes, ByteOrder::Little)),
        Some("array") => {
            let message = "__init__() takes exactly 2 positional arguments (1 given)";
            return Err(Failure::new("TypeError", message).into());
        }
        Some(text) if text.starts_with("array:") => {
            let (inner, order) = data_type(&text["array:".len()..].into())?;
            return Ok((DataType::VlenArray(Box::new(inner)), order));
        }
        Some("int") => "<i8",
        Some("float") => "<f8",
        Some("bool") => "|b1",
        Some("O") => "|O",
        Some(text) => text,
        None => "",
    };
    let found = if text.is_empty() {
        v2_data_type(value)
    } else {
        v2_data_type(&text.into())
    };
    let failure = |wrong: Wrong| {
        if matches!(text, "M8" | "m8") {
            let message = "datetime64 and timedelta64 dtypes with generic units are not supported, please specify units (e.g., \"M8[ns]\")";
            return Failure::new("ValueError", message);
        }
        if !text.is_empty() {
            return Failure::new("TypeError", format!("data type {} not understood", quoted(text)));
        }
        Failure::class("TypeError", format!("dtype {value}: {}", wrong.reason))
    };
    Ok(found.map_err(failure)?)
}

/// The text of a data type in a transcript.
pub(super) fn data_type_json(data_type: &DataType, byte_order: ByteOrder) -> Value {
    if data_type.is_variable() {
        return "|O".into();
    }
    data_type_to_v2(data_type, byte_order).unwrap_or_else(|| data_type.to_string().into())
}

/// The type that objects have by the codec that is to hold them.
pub(super) fn object_type(codec: Option<&Value>) -> Outcome<DataType> {
    match codec.and_then(|codec| codec["id"].as_str()) {
        Some("vlen-utf8" | "categorize") => Ok(DataType::String),
        Some("vlen-bytes") => Ok(DataType::Bytes),
        Some("json2" | "msgpack2") => Ok(DataType::Object),
        Some("vlen-array") => {
            let dtype = codec.map(|codec| codec["dtype"].clone()).unwrap_or_default();
            Ok(DataType::VlenArray(Box::new(data_type(&dtype)?.0)))
        }
        // What the library makes of objects that nothing can hold is its own affair.
        _ => Ok(DataType::Unknown {
            name: "|O".into(),
            json: "|O".into(),
        }),
    }
}

/// Reads an array; `wanted` is the type it is to have, else that of the transcript or of its values.
pub(super) fn array(value: &Value, wanted: Option<&DataType>) -> Outcome<ArrayData> {
    let given = match value.get("dtype") {
        Some(dtype) => data_type(dtype)?.0,
        None => guess_type(value.get("data").unwrap_or(value)),
    };
    let target = wanted.unwrap_or(&given);
    if let Some(range) = value.get("arange").and_then(Value::as_array) {
        return arange(value, range, target);
    }
    if let Some(fill) = value.get("full") {
        let shape = lengths(&value["shape"])?;
        return full(&Scalar::from_json(fill, Some(&given))?, shape, target);
    }
    let data = value.get("data").unwrap_or(value);
    let inferred = inferred_shape(data, &given);
    let shape = value.get("shape").map_or(Ok(inferred.clone()), lengths)?;
    let buffer = if matches!(target, DataType::Unknown { .. }) {
        ChunkBuffer::default()
    } else {
        let mut leaves = Vec::new();
        collect(data, inferred.len(), &mut leaves);
        let mut buffer = ChunkBuffer::default();
        for leaf in leaves {
            Scalar::from_json(leaf, Some(&given))?.push(target, &mut buffer)?;
        }
        buffer
    };
    Ok(ArrayData {
        shape,
        data_type: target.clone(),
        buffer,
    })
}

/// An array of one value.
pub(super) fn full(value: &Scalar, shape: Vec<u64>, data_type: &DataType) -> Outcome<ArrayData> {
    let mut buffer = ChunkBuffer::default();
    for _ in 0..shape.iter().product::<u64>() {
        value.push(data_type, &mut buffer)?;
    }
    Ok(ArrayData {
        shape,
        data_type: data_type.clone(),
        buffer,
    })
}

fn arange(value: &Value, range: &[Value], target: &DataType) -> Outcome<ArrayData> {
    let number = |index: usize, default| range.get(index).and_then(Value::as_f64).unwrap_or(default);
    let (start, end, step) = (number(0, 0.0), number(1, 0.0), number(2, 1.0));
    let count = ((end - start) / step).ceil().max(0.0) as u64;
    let mut buffer = ChunkBuffer::default();
    for index in 0..count {
        Scalar::Float(start + index as f64 * step).push(target, &mut buffer)?;
    }
    let shape = value.get("shape").map_or(Ok(vec![count]), lengths)?;
    Ok(ArrayData {
        shape,
        data_type: target.clone(),
        buffer,
    })
}

fn guess_type(data: &Value) -> DataType {
    let mut leaf = data;
    while let Some(first) = leaf.as_array().and_then(|items| items.first()) {
        leaf = first;
    }
    match leaf {
        Value::Bool(_) => DataType::Bool,
        Value::Number(number) if number.as_i64().is_some() => DataType::Int64,
        Value::Object(members) if members.contains_key("np") => {
            data_type(&members["np"]).map_or(DataType::Int64, |found| found.0)
        }
        Value::String(_) => {
            let mut texts = Vec::new();
            collect(data, usize::MAX, &mut texts);
            let longest = texts
                .iter()
                .filter_map(|text| text.as_str())
                .map(|text| text.chars().count())
                .max();
            DataType::FixedUtf32(longest.unwrap_or(1).max(1) as u32)
        }
        _ => DataType::Float64,
    }
}

fn inferred_shape(data: &Value, data_type: &DataType) -> Vec<u64> {
    let mut shape = Vec::new();
    let mut level = data;
    while let Value::Array(items) = level {
        shape.push(items.len() as u64);
        match items.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    // The innermost lists are records; complex numbers of arrays that are given are no lists.
    if matches!(data_type, DataType::Struct(_)) {
        shape.pop();
    }
    shape
}

fn collect<'a>(data: &'a Value, depth: usize, leaves: &mut Vec<&'a Value>) {
    match data {
        Value::Array(items) if depth > 0 => {
            for item in items {
                collect(item, depth - 1, leaves);
            }
        }
        leaf => leaves.push(leaf),
    }
}

/// Reads a shape: a list of lengths or one length.
pub(super) fn lengths(value: &Value) -> Outcome<Vec<u64>> {
    let length = |value: &Value| {
        value.as_u64().ok_or_else(|| match value.as_i64() {
            Some(_) => Failure::class("ValueError", format!("length {value} is negative")).into(),
            None if value.is_null() => {
                let message =
                    "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'";
                Failure::new("TypeError", message).into()
            }
            None => Fault::unsupported(format!("length {value}")),
        })
    };
    match value {
        Value::Array(items) => items.iter().map(length).collect(),
        one => Ok(vec![length(one)?]),
    }
}

/// The transcript's form of an array.
pub(super) fn array_json(data: &ArrayData, byte_order: ByteOrder) -> Outcome<Value> {
    let dtype = data_type_json(&data.data_type, byte_order);
    let items = scalars(data)?;
    if items.len() <= SHOWN_MAX {
        let leaves: Vec<_> = items
            .iter()
            .map(|item| leaf_json(item, &data.data_type))
            .collect();
        return Ok(json!({"dtype": dtype, "shape": data.shape, "data": nested(&data.shape, &leaves)}));
    }
    let show = |items: &[Scalar]| -> Value {
        items
            .iter()
            .map(|item| leaf_json(item, &data.data_type))
            .collect()
    };
    let mut bytes = data.buffer.elements.clone();
    if byte_order != ByteOrder::NATIVE && !data.data_type.is_variable() {
        data.data_type.swap_bytes(&mut bytes);
    }
    let mut shown = json!({
        "dtype": dtype,
        "shape": data.shape,
        "first": show(&items[..3]),
        "last": show(&items[items.len() - 3..]),
    });
    if !data.data_type.is_variable() {
        shown["sha256_c_order_bytes"] = to_hex(&Sha256::digest(&bytes)).into();
    }
    Ok(shown)
}

/// Items of object arrays keep their kind: bytes are marked, texts are not.
fn leaf_json(item: &Scalar, data_type: &DataType) -> Value {
    match item {
        Scalar::Bytes(bytes) if data_type.is_variable() => json!({"hex": to_hex(bytes)}),
        Scalar::Object(value) => objects::shown(value),
        Scalar::Array(data) => array_json(data, ByteOrder::Little).unwrap_or_default(),
        other => other.to_json(),
    }
}

/// The elements of an array, one by one.
pub(super) fn scalars(data: &ArrayData) -> Outcome<Vec<Scalar>> {
    match &data.data_type {
        DataType::String => Ok(data
            .buffer
            .as_ref()
            .items()
            .map(|item| Scalar::Text(String::from_utf8_lossy(item).into_owned()))
            .collect()),
        DataType::Bytes => Ok(data
            .buffer
            .as_ref()
            .items()
            .map(|item| Scalar::Bytes(item.to_vec()))
            .collect()),
        DataType::Object => Ok(data
            .buffer
            .as_ref()
            .items()
            .map(|item| Scalar::Object(Object::from_item(item).unwrap_or_default()))
            .collect()),
        DataType::VlenArray(inner) => Ok(data
            .buffer
            .as_ref()
            .items()
            .map(|item| Scalar::Array(inner_array(item, inner)))
            .collect()),
        _ => {
            let size = data.data_type.size().unwrap_or(1).max(1);
            let elements = data.buffer.elements.chunks_exact(size);
            elements
                .map(|element| Scalar::of_element(element, &data.data_type))
                .collect()
        }
    }
}

/// An item that is an array of one dimension.
fn inner_array(item: &[u8], inner: &DataType) -> Box<ArrayData> {
    let size = inner.size().unwrap_or(1).max(1);
    let buffer = ChunkBuffer {
        elements: item.to_vec(),
        heap: Vec::new(),
    };
    Box::new(ArrayData {
        shape: vec![(item.len() / size) as u64],
        data_type: inner.clone(),
        buffer,
    })
}

fn nested(shape: &[u64], leaves: &[Value]) -> Value {
    match shape {
        [] => leaves.first().cloned().unwrap_or_default(),
        [0, ..] => json!([]),
        [length, below @ ..] => {
            let size = leaves.len() / *length as usize;
            if size == 0 {
                return (0..*length).map(|_| nested(below, &[])).collect();
            }
            leaves.chunks(size).map(|part| nested(below, part)).collect()
        }
    }
}

/// The same elements in another type.
pub(super) fn cast(data: &ArrayData, data_type: &DataType) -> Outcome<ArrayData> {
    if data.data_type == *data_type {
        return Ok(data.clone());
    }
    let mut buffer = ChunkBuffer::default();
    for item in scalars(data)? {
        item.push(data_type, &mut buffer)?;
    }
    Ok(ArrayData {
        shape: data.shape.clone(),
        data_type: data_type.clone(),
        buffer,
    })
}

/// Reads the value of an assignment, if it is an array or a list that becomes one; `None` for a single value.
pub(super) fn given_array(value: &Value, target: &DataType) -> Outcome<Option<ArrayData>> {
    let is_record = matches!(
        target,
        DataType::Struct(_) | DataType::Complex64 | DataType::Complex128
    );
    let is_array = match value {
        Value::Object(members) => ["arange", "data", "full"]
            .iter()
            .any(|form| members.contains_key(*form)),
        Value::Array(_) => !is_record,
        _ => false,
    };
    is_array
        .then(|| array(value, objects_as(value, target)))
        .transpose()
}

/// Objects that are given have the type of the array that they go into.
pub(super) fn objects_as<'a>(value: &Value, target: &'a DataType) -> Option<&'a DataType> {
    (value["dtype"] == "O").then_some(target)
}
