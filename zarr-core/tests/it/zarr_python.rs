//! The documents that zarr-python writes: the same parameters give the same bytes, and so does writing back.
//!
//! `testdata/documents/make_documents.py` has made the cases.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Order, ZarrFormat,
    codecs::{ByteOrder, CodecConfig, FillValue},
    metadata::{V2Codecs, v2_data_type},
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

use crate::indented::indented;

const V2_CASES: &str = include_str!("../../../testdata/documents/v2.json");
const V3_CASES: &str = include_str!("../../../testdata/documents/v3.json");

/// The parameters of each case, and the document.
fn cases(text: &str, indent: usize) -> Vec<(Value, String)> {
    let case = |line: &str| {
        let line = line.trim_end_matches(',');
        let (_, document) = line.split_once(r#","document":"#).unwrap();
        let document = document.strip_suffix('}').unwrap();
        (serde_json::from_str(line).unwrap(), indented(document, indent))
    };
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines.map(case).collect()
}

fn builder(case: &Value, format: ZarrFormat) -> ArrayBuilder {
    let (data_type, byte_order) = v2_data_type(&case["dtype"]).unwrap();
    let fill = case["fill"].as_str().map(|digits| {
        let digit = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        let mut bytes: Vec<u8> = (0..digits.len()).step_by(2).map(digit).collect();
        if ByteOrder::NATIVE == ByteOrder::Big {
            data_type.swap_bytes(&mut bytes);
        }
        FillValue::new(bytes)
    });
    let order = if case["order"] == "F" { Order::F } else { Order::C };
    let mut builder = ArrayBuilder::new(vec![5, 4], data_type)
        .chunk_shape(vec![2, 3])
        .byte_order(byte_order)
        .order(order)
        .fill_value(fill)
        .format(format);
    if let Some(separator) = case["separator"].as_str() {
        builder = builder.separator(separator.chars().next().unwrap());
    }
    match format {
        ZarrFormat::V2 => builder.v2_codecs(V2Codecs {
            filters: None,
            compressor: Some(case["codec"].clone()).filter(|codec| !codec.is_null()),
        }),
        ZarrFormat::V3 => {
            let codecs = case["codec"].as_array().unwrap().iter();
            builder.codecs(
                codecs
                    .map(|codec| CodecConfig::from_json(codec.clone()).unwrap())
                    .collect(),
            )
        }
    }
}

#[track_caller]
fn check(array: &Array, name: &str, case: &Value, expected: &str) {
    let key = StoreKey::new(name).unwrap();
    let written = array.store().get(&key, 1 << 20).unwrap().unwrap();
    assert_eq!(String::from_utf8_lossy(&written), expected, "{case}");
}

fn check_all(name: &str, format: ZarrFormat, cases: &[(Value, String)]) {
    let (root, options) = (NodePath::root(), Options::default());
    assert!(cases.len() > 100);
    for (case, document) in cases {
        let made = builder(case, format).create(Arc::new(MemoryStore::new()), &root, &options);
        check(&made.unwrap(), name, case, document);

        let store = Arc::new(MemoryStore::new());
        let key = StoreKey::new(name).unwrap();
        store.set(&key, document.as_bytes()).unwrap();
        let read = Array::open(store, &root, &options).unwrap();
        read.write_metadata().unwrap();
        check(&read, name, case, document);
    }
}

#[test]
fn v2_documents_are_those_of_zarr_python_2() {
    check_all(".zarray", ZarrFormat::V2, &cases(V2_CASES, 4));
}

#[test]
fn v3_documents_are_those_of_zarr_python_3() {
    check_all("zarr.json", ZarrFormat::V3, &cases(V3_CASES, 2));
}

/// Writes a V3 document back with the given data type and fill value, and gives what was written.
fn written_back(data_type: &Value, fill_value: &Value) -> Value {
    let (_, document) = cases(V3_CASES, 2).swap_remove(0);
    let mut document: Value = serde_json::from_str(&document).unwrap();
    document["data_type"] = data_type.clone();
    document["fill_value"] = fill_value.clone();
    document["codecs"] = json!(["bytes"]);
    let store = Arc::new(MemoryStore::new());
    let key = StoreKey::new("zarr.json").unwrap();
    store.set(&key, document.to_string().as_bytes()).unwrap();
    let array = Array::open(store, &NodePath::root(), &Options::default()).unwrap();
    array.write_metadata().unwrap();
    let written = array.store().get(&key, 1 << 20).unwrap().unwrap();
    serde_json::from_slice(&written).unwrap()
}

#[test]
fn what_others_write_otherwise_stays_as_it_is() {
    let seconds = json!({"name": "numpy.datetime64", "configuration": {"unit": "s", "scale_factor": 1}});
    let forms = [
        (json!("r16"), json!([1, 2])),
        (json!("r16"), json!("AQI=")),
        (json!({"name": "int32"}), json!(1)),
        (seconds, json!("NaT")),
        (json!("float32"), json!("0x7fc00001")),
        (json!("float32"), json!(1)),
    ];
    for (data_type, fill_value) in forms {
        let written = written_back(&data_type, &fill_value);
        assert_eq!(written["data_type"], data_type);
        assert_eq!(written["fill_value"], fill_value);
        assert_eq!(written["codecs"], json!(["bytes"]));
    }
}

#[test]
fn an_array_like_one_of_the_other_format_follows_its_own_format() {
    let options = Options::default();
    let create = |builder: ArrayBuilder| {
        let store = Arc::new(MemoryStore::new());
        builder.create(store, &NodePath::root(), &options).unwrap()
    };
    let (data_type, _) = v2_data_type(&json!("|V2")).unwrap();
    let builder = ArrayBuilder::new(vec![2], data_type)
        .separator('.')
        .codecs(vec![]);
    let chosen = create(builder.clone().format(ZarrFormat::V3));
    assert_eq!(chosen.metadata().chunk_key_encoding.separator(), '.');
    let v2 = create(builder);
    let v3 = create(ArrayBuilder::like(&v2).format(ZarrFormat::V3));
    assert_eq!(v3.metadata().chunk_key_encoding.separator(), '/');
    let document = v3
        .store()
        .get(&StoreKey::new("zarr.json").unwrap(), 1 << 20)
        .unwrap()
        .unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document.get("dimension_separator"), None);
    Array::open(v3.store().clone(), v3.path(), &options).unwrap();
}
