//! Arrays of the registered V3 data types that tensorstore, zarrs and zarr-python 3 wrote (`testdata/v3_types`).

use std::sync::Arc;

use half::bf16;
use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, ZarrFormat,
    codecs::{ByteOrder, DataType, FillValue, NarrowType},
    metadata::json as documents,
    store::{MemoryStore, Store, StoreExt, StoreKey, StorePrefix},
};

const FILES: [&str; 3] = [
    include_str!("../../../testdata/v3_types/tensorstore.json"),
    include_str!("../../../testdata/v3_types/zarrs.json"),
    include_str!("../../../testdata/v3_types/zarr_python.json"),
];

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

pub(crate) fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn cases() -> Vec<Value> {
    let file = |text: &&str| serde_json::from_str::<Vec<Value>>(text).unwrap();
    FILES.iter().flat_map(file).collect()
}

/// The array of a case, with its chunks or without.
pub(crate) fn array_of(case: &Value, has_chunks: bool) -> Array {
    let store = Arc::new(MemoryStore::new());
    store
        .set(&key("zarr.json"), case["document"].to_string().as_bytes())
        .unwrap();
    for (name, chunk) in case["chunks"].as_object().unwrap().iter().filter(|_| has_chunks) {
        store.set(&key(name), &unhex(chunk)).unwrap();
    }
    Array::open(store, &NodePath::root(), &Options::default()).unwrap()
}

/// The elements in the form of the fixtures: little-endian, items behind their length.
pub(crate) fn elements(array: &Array) -> Vec<u8> {
    let data = array.read_data(&Selection::all()).unwrap();
    let mut elements = data.buffer.elements.clone();
    if data.data_type.is_variable() {
        let item = |item: &[u8]| [&(item.len() as u32).to_le_bytes()[..], item].concat();
        return data.buffer.as_ref().items().flat_map(item).collect();
    }
    data.data_type.reorder(&mut elements, ByteOrder::Little);
    elements
}

/// Whether two values are the same, however the digits of their numbers are written.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(name, value)| is_same(value, &other[name]))
        }
        _ => one == other,
    }
}

#[test]
fn elements_that_peers_wrote_are_read() {
    for case in cases().iter().filter(|case| case["lossy"] != true) {
        let array = array_of(case, true);
        let mut expected = unhex(&case["elements"]);
        // Tensorstore leaves upper bits as the fill value has them; in memory they are settled.
        array.data_type().clear_padding(&mut expected);
        assert_eq!(elements(&array), expected, "{}", case["document"]);
    }
}

/// Of the codecs in these files all but none are lossless, and none compresses: the bytes are determined.
#[test]
fn chunks_are_written_as_peers_wrote_them() {
    for case in &cases() {
        let (theirs, ours) = (array_of(case, true), array_of(case, false));
        let narrow = match theirs.data_type() {
            DataType::Narrow(narrow) => *narrow,
            _ => NarrowType::new("bfloat16").unwrap(),
        };
        ours.write_data(&Selection::all(), &theirs.read_data(&Selection::all()).unwrap())
            .unwrap();
        for (name, chunk) in case["chunks"].as_object().unwrap() {
            let mut chunk = unhex(chunk);
            let mut written = ours
                .store()
                .get(&key(name), 1 << 20)
                .unwrap()
                .unwrap_or_default()
                .to_vec();
            if case["document"]["codecs"][0]["name"] == "bytes" {
                // The bits above those of a number are any that its writer likes.
                narrow.settle(&mut chunk);
                narrow.settle(&mut written);
            }
            if written.len() == chunk.len() + 1 {
                // Zarrs leaves out the count of unused bits, which is 0, where elements have whole bytes.
                assert_eq!(written.pop(), Some(0), "{name} of {}", case["document"]);
            }
            assert_eq!(written, chunk, "{name} of {}", case["document"]);
        }
    }
}

#[test]
fn documents_are_written_back_as_they_were() {
    for case in cases() {
        let array = array_of(&case, false);
        array.write_metadata().unwrap();
        let written = array.store().get(&key("zarr.json"), 1 << 20).unwrap().unwrap();
        let written = documents::parse(&written).unwrap();
        for name in ["data_type", "fill_value", "codecs", "shape"] {
            assert!(
                is_same(&written[name], &case["document"][name]),
                "{}",
                case["document"]
            );
        }
    }
}

/// Another spelling of the same value has the same meaning, which is what we would write.
#[test]
fn fill_values_are_those_that_peers_read() {
    for case in cases() {
        let array = array_of(&case, false);
        let fill_value = array.fill_value().unwrap();
        let data_type = array.data_type();
        let json = fill_value.to_json(data_type).unwrap();
        assert_eq!(
            FillValue::from_json(&json, data_type).unwrap(),
            *fill_value,
            "{json}"
        );
        let theirs = &case["document"]["fill_value"];
        let is_hex = theirs.to_string().contains("0x");
        // The bits may be those of a number, which is what we write.
        assert!(
            is_hex || documents::is_same(&json, theirs),
            "{json} for {}",
            case["document"]
        );
    }
}

#[test]
fn bfloats_are_typed_and_all_narrow_numbers_are_bits() {
    let create = |name: &str| {
        let data_type = DataType::from_json(&json!(name)).unwrap();
        let builder = ArrayBuilder::new(vec![4], data_type).format(ZarrFormat::V3);
        builder
            .create(
                Arc::new(MemoryStore::new()),
                &NodePath::root(),
                &Options::default(),
            )
            .unwrap()
    };
    let brains = create("bfloat16");
    let values = [1.5, -0.0, f32::INFINITY, 3.25].map(bf16::from_f32);
    brains.write_vec(&Selection::all(), &values).unwrap();
    assert_eq!(brains.read_vec::<bf16>(&Selection::all()).unwrap(), values);
    assert!(brains.read_vec::<half::f16>(&Selection::all()).is_err());
    let nibbles = create("int4");
    nibbles
        .write_vec(&Selection::all(), &[[0xf9_u8], [7], [0x10], [0]])
        .unwrap();
    assert_eq!(
        nibbles.read_vec::<[u8; 1]>(&Selection::all()).unwrap(),
        [[0xf9], [7], [0], [0]]
    );
    assert!(nibbles.read_vec::<u8>(&Selection::all()).is_err());
    let keys = nibbles.store().list_prefix(&StorePrefix::root()).unwrap();
    assert_eq!(keys.len(), 2);
}

#[test]
fn v2_has_no_form_for_them() {
    let data_type = DataType::from_json(&json!("float8_e5m2")).unwrap();
    let builder = ArrayBuilder::new(vec![4], data_type).format(ZarrFormat::V2);
    let error = builder
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap_err();
    assert!(error.to_string().contains("float8_e5m2"), "{error}");
}
