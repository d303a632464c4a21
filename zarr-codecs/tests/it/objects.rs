//! Values of object arrays, and numbers written as values, as numcodecs has them.
//!
//! `testdata/codecs/make_objects.py` says how the chunks were made.

use std::{fs, path::Path, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use zarr_codecs::{
    ArrayToBytes, ByteOrder, ChunkBuffer, ChunkSpec, Codec, CodecConfig, CodecRegistry, DataType, Object,
    TimeUnit, json, testing::spec,
};

fn document() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/codecs/objects.json");
    json::parse(&fs::read(path).unwrap()).unwrap()
}

fn build(config: &Value) -> Arc<dyn ArrayToBytes> {
    let mut members = config.as_object().unwrap().clone();
    let id = members.shift_remove("id").unwrap();
    let registry = CodecRegistry::default();
    let (entry, _) = registry.find_v2(id.as_str().unwrap()).unwrap();
    match registry.build(&CodecConfig::new(entry.name, members)).unwrap() {
        Codec::ArrayToBytes(codec) => codec,
        other => unreachable!("not a codec of arrays: {other:?}"),
    }
}

fn chunk_spec(case: &Value, data_type: DataType) -> ChunkSpec {
    let shape: Vec<_> = case["shape"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap())
        .collect();
    spec(&shape, data_type)
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(case[name].as_str().unwrap()).unwrap()
}

/// Checks both directions; what is read may differ from what was written in the order of members.
#[track_caller]
fn check(case: &Value, codec: &dyn ArrayToBytes, spec: &ChunkSpec, chunk: &ChunkBuffer, is_same: bool) {
    let stored = bytes(case, "encoded");
    let mut encoded = Vec::new();
    codec.encode(chunk.as_ref(), spec, &mut encoded).unwrap();
    assert!(
        encoded == stored,
        "{}: {:?} is not {:?}",
        case["config"],
        String::from_utf8_lossy(&encoded),
        String::from_utf8_lossy(&stored)
    );
    let mut decoded = ChunkBuffer::default();
    codec.decode(&stored, spec, &mut decoded).unwrap();
    if is_same && spec.data_type.is_variable() {
        assert!(
            decoded.as_ref().items().eq(chunk.as_ref().items()),
            "{}",
            case["config"]
        );
    } else if is_same {
        assert_eq!(decoded.elements, chunk.elements, "{}", case["config"]);
    }
    if case["config"]["id"] == "json2" && case["items"].to_string().contains("$map") {
        // Keys have become texts, which have another order than numbers.
        return;
    }
    let mut again = Vec::new();
    codec.encode(decoded.as_ref(), spec, &mut again).unwrap();
    assert!(again == stored, "{}", case["config"]);
}

fn object(value: &Value) -> Object {
    let digits = |text: &str| {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    match value {
        Value::Array(items) => Object::List(items.iter().map(object).collect()),
        Value::Object(members) => match members.iter().next() {
            Some((name, Value::String(text))) if name == "$bytes" => Object::Bytes(digits(text)),
            Some((name, Value::Array(pairs))) if name == "$map" => Object::Map(
                pairs
                    .iter()
                    .map(|pair| (object(&pair[0]), object(&pair[1])))
                    .collect(),
            ),
            _ => Object::Map(
                members
                    .iter()
                    .map(|(name, value)| (name.as_str().into(), object(value)))
                    .collect(),
            ),
        },
        plain => Object::from_json(plain).unwrap(),
    }
}

fn data_type(name: &str) -> (DataType, ByteOrder) {
    let order = if name.starts_with('>') {
        ByteOrder::Big
    } else {
        ByteOrder::Little
    };
    let data_type = match &name[1..] {
        "b1" => DataType::Bool,
        "i1" => DataType::Int8,
        "i2" => DataType::Int16,
        "i4" => DataType::Int32,
        "u1" => DataType::UInt8,
        "u8" => DataType::UInt64,
        "f2" => DataType::Float16,
        "f4" => DataType::Float32,
        "f8" => DataType::Float64,
        "U2" => DataType::FixedUtf32(2),
        "U3" => DataType::FixedUtf32(3),
        "S3" => DataType::FixedBytes(3),
        "V3" => DataType::Raw(3),
        "M8[s]" => DataType::DateTime64(TimeUnit::new("s", 1).unwrap()),
        "M8[ns]" => DataType::DateTime64(TimeUnit::new("ns", 1).unwrap()),
        "m8[25ns]" => DataType::TimeDelta64(TimeUnit::new("ns", 25).unwrap()),
        other => unreachable!("{other}"),
    };
    (data_type, order)
}

#[test]
fn values_of_numcodecs_are_read_and_written() {
    let document = document();
    for case in document["objects"].as_array().unwrap() {
        if case["config"]["id"] == "vlen-array" {
            continue;
        }
        let mut chunk = ChunkBuffer::default();
        for item in case["items"].as_array().unwrap() {
            chunk.push_item(&object(item).to_item());
        }
        let spec = chunk_spec(case, DataType::Object);
        // Keys are sorted and become texts, and floats lose digits.
        let text = case["config"].to_string();
        let is_same = text.contains("msgpack2") && !text.contains("use_single_float")
            || text.contains(r#""sort_keys":false"#);
        check(case, build(&case["config"]).as_ref(), &spec, &chunk, is_same);
    }
}

#[test]
fn arrays_of_numcodecs_are_read_and_written() {
    let document = document();
    let mut count = 0;
    for case in document["objects"].as_array().unwrap() {
        let Some(dtype) = case["config"]["dtype"].as_str() else {
            continue;
        };
        let (inner, _) = data_type(dtype);
        let mut chunk = ChunkBuffer::default();
        for items in case["items"].as_array().unwrap() {
            let mut item = match object(items) {
                Object::Bytes(bytes) => bytes,
                _ => Vec::new(),
            };
            inner.reorder(&mut item, ByteOrder::Little);
            chunk.push_item(&item);
        }
        let spec = chunk_spec(case, DataType::VlenArray(Box::new(inner)));
        check(case, build(&case["config"]).as_ref(), &spec, &chunk, true);
        count += 1;
    }
    assert_eq!(count, 9);
}

#[test]
fn numbers_that_are_written_as_values_come_back() {
    let document = document();
    for case in document["numbers"].as_array().unwrap() {
        let (data_type, order) = data_type(case["dtype"].as_str().unwrap());
        let mut elements = bytes(case, "elements");
        data_type.reorder(&mut elements, order);
        let chunk = ChunkBuffer {
            elements,
            heap: Vec::new(),
        };
        let spec = chunk_spec(case, data_type);
        check(case, build(&case["config"]).as_ref(), &spec, &chunk, true);
    }
}
