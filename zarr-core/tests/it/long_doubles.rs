//! Arrays of long doubles that zarr-python 2 has written; `testdata/long_doubles/make_long_doubles.py` says of what.

use std::sync::Arc;

use num_complex::Complex;
use serde_json::Value;
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, ZarrFormat,
    codecs::{DataType, LongDouble},
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

const CASES: &str = include_str!("../../../testdata/long_doubles/long_doubles.json");

fn cases() -> Vec<Value> {
    serde_json::from_str(CASES).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// The array of a case; `None` if a codec of it is left out of the build.
fn open(case: &Value) -> Option<Array> {
    let store = Arc::new(MemoryStore::new());
    let document = serde_json::to_vec(&case["document"]).unwrap();
    store.set(&StoreKey::new(".zarray").unwrap(), &document).unwrap();
    for (key, chunk) in case["chunks"].as_object().unwrap() {
        let chunk = bytes(chunk.as_str().unwrap());
        store.set(&StoreKey::new(key).unwrap(), &chunk).unwrap();
    }
    let array = Array::open(store, &NodePath::root(), &Options::default()).unwrap();
    array.chunk_codec().is_ok().then_some(array)
}

/// The values as texts, both parts of complex numbers.
fn values(array: &Array, selection: &Selection) -> Vec<String> {
    let parts = if *array.data_type() == DataType::Float128 {
        array.read_vec::<LongDouble>(selection).unwrap()
    } else {
        let pairs = array.read_vec::<Complex<LongDouble>>(selection).unwrap();
        pairs.iter().flat_map(|pair| [pair.re, pair.im]).collect()
    };
    parts.iter().map(LongDouble::to_string).collect()
}

#[test]
fn arrays_of_zarr_python_are_read() {
    for case in cases() {
        let Some(array) = open(&case) else { continue };
        let expected: Vec<String> = serde_json::from_value(case["values"].clone()).unwrap();
        let parts = if *array.data_type() == DataType::Complex256 {
            2
        } else {
            1
        };
        let region = Selection::region(&[0], &[(expected.len() / parts) as u64]);
        assert_eq!(values(&array, &region), expected, "{}", case["document"]);
    }
}

#[test]
fn what_is_in_the_padding_is_not_read() {
    for case in cases() {
        let Some(array) = open(&case) else { continue };
        for selection in [Selection::all(), Selection::region(&[1], &[2])] {
            let data = array.read_data(&selection).unwrap();
            let mut cleared = data.buffer.elements.clone();
            data.data_type.clear_padding(&mut cleared);
            assert_eq!(data.buffer.elements, cleared);
        }
    }
}

#[test]
fn arrays_and_their_documents_come_back() {
    for case in cases() {
        let Some(array) = open(&case) else { continue };
        let copy = ArrayBuilder::like(&array)
            .create(
                Arc::new(MemoryStore::new()),
                &NodePath::root(),
                &Options::default(),
            )
            .unwrap();
        let document = copy
            .store()
            .get(&StoreKey::new(".zarray").unwrap(), 10_000)
            .unwrap();
        let document: Value = serde_json::from_slice(&document.unwrap()).unwrap();
        assert_eq!(document, case["document"]);
        copy.write_data(&Selection::all(), &array.read_data(&Selection::all()).unwrap())
            .unwrap();
        assert_eq!(
            values(&copy, &Selection::all()),
            values(&array, &Selection::all())
        );
    }
}

#[test]
fn v3_has_no_name_for_them() {
    for (data_type, name) in [
        (DataType::Float128, "float128"),
        (DataType::Complex256, "complex256"),
    ] {
        let result = ArrayBuilder::new(vec![2], data_type)
            .format(ZarrFormat::V3)
            .create(
                Arc::new(MemoryStore::new()),
                &NodePath::root(),
                &Options::default(),
            );
        let error = result.unwrap_err();
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        assert!(cause.contains(name) && cause.contains("Zarr V3"), "{cause}");
    }
}
