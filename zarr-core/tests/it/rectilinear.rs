//! Arrays in rectilinear grids that zarr-python 3 and zarrs wrote (`testdata/rectilinear`).

use std::sync::Arc;

use serde_json::Value;
use zarr_core::{
    Array, NodePath, Options, Selection,
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

use crate::v3_types::{array_of, elements, unhex};

const FILES: [&str; 2] = [
    include_str!("../../../testdata/rectilinear/zarr_python.json"),
    include_str!("../../../testdata/rectilinear/zarrs.json"),
];

fn cases() -> Vec<Value> {
    let file = |text: &&str| serde_json::from_str::<Vec<Value>>(text).unwrap();
    FILES.iter().flat_map(file).collect()
}

fn grid(case: &Value) -> &Value {
    &case["document"]["chunk_grid"]["configuration"]["chunk_shapes"]
}

#[test]
fn elements_that_peers_wrote_are_read() {
    let cases = cases();
    assert_eq!(cases.len(), 32);
    for case in &cases {
        let array = array_of(case, true);
        assert!(array.metadata().chunk_grid.rectilinear().is_some());
        assert_eq!(elements(&array), unhex(&case["elements"]), "{}", case["document"]);
    }
}

/// Every row and every column by itself, each of which begins and ends within chunks of its own.
#[test]
fn parts_are_those_of_the_whole() {
    for case in &cases() {
        let array = array_of(case, true);
        let whole = unhex(&case["elements"]);
        let size = array.data_type().size().unwrap();
        let shape = array.shape().to_vec();
        for dimension in 0..shape.len() {
            let inner = shape[dimension + 1..].iter().product::<u64>() as usize * size;
            let length = shape[dimension] as usize;
            for at in 0..length {
                let mut start = vec![0; shape.len()];
                let mut part = shape.clone();
                start[dimension] = at as u64;
                part[dimension] = 1;
                let expected: Vec<u8> = whole
                    .chunks_exact(inner * length)
                    .flat_map(|outer| &outer[at * inner..][..inner])
                    .copied()
                    .collect();
                let found = array.read_data(&Selection::region(&start, &part)).unwrap();
                assert_eq!(
                    found.buffer.elements,
                    expected,
                    "{} at {at} of dimension {dimension}",
                    grid(case)
                );
            }
        }
    }
}

/// What we write of them under the same document has the same keys, and without a compressor and shards the same bytes.
#[test]
fn chunks_are_stored_under_the_keys_of_peers() {
    for case in &cases() {
        let (theirs, ours) = (array_of(case, true), array_of(case, false));
        let values = theirs.read_data(&Selection::all()).unwrap();
        ours.write_data(&Selection::all(), &values).unwrap();
        let chunks = case["chunks"].as_object().unwrap();
        let codecs = case["document"]["codecs"].to_string();
        let is_plain = !codecs.contains("gzip") && !codecs.contains("sharding");
        for (name, chunk) in chunks {
            let key = StoreKey::new(name).unwrap();
            let written = ours.store().get(&key, 1 << 20).unwrap();
            let written = written.unwrap_or_else(|| panic!("no {name} of {}", grid(case)));
            if is_plain {
                assert_eq!(written.to_vec(), unhex(chunk), "{name} of {}", grid(case));
            }
        }
        assert_eq!(elements(&ours), unhex(&case["elements"]));
    }
}

/// The form that a grid was read in is the one that it is written in.
#[test]
fn documents_keep_their_form_of_a_grid() {
    for case in &cases() {
        let array = array_of(case, false);
        array.write_metadata().unwrap();
        let key = StoreKey::new("zarr.json").unwrap();
        let written = array.store().get(&key, 1 << 20).unwrap().unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["chunk_grid"], case["document"]["chunk_grid"]);
    }
}

/// Lengths that end before the array are refused by the dimension, of which the first has a list in every case.
#[test]
fn a_grid_that_is_too_short_is_refused() {
    for case in &cases() {
        let mut document = case["document"].clone();
        document["shape"][0] = 10_000.into();
        let store = Arc::new(MemoryStore::new());
        let key = StoreKey::new("zarr.json").unwrap();
        store.set(&key, document.to_string().as_bytes()).unwrap();
        let opened = Array::open(store, &NodePath::root(), &Options::default());
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("chunk_shapes/0"), "{error}");
    }
}
