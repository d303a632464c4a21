//! Records that zarr-python 2 wrote (`testdata/records`) go to HDF5 and back.

use std::sync::Arc;

use serde_json::Value;
use zarr_convenience::core::store::{MemoryStore, Store, StoreKey};
use zarr_convenience::core::{Group, Node, NodePath, Options, Selection, ZarrFormat};
use zarr_convenience::{CopyOptions, DiffOptions, Sink, ZarrSource, copy_all, diff};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

use super::bridge::{array, convert};

const CASES: &str = include_str!("../../../testdata/records/records.json");

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

/// A group of all arrays of the fixture, and their names.
fn group() -> (Group, Vec<String>) {
    let store = Arc::new(MemoryStore::new());
    let group = Group::create(
        Arc::clone(&store) as _,
        &NodePath::root(),
        ZarrFormat::V2,
        &Options::default(),
    )
    .unwrap();
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    let mut names = Vec::new();
    for case in cases.iter().filter(|case| case.get("refused").is_none()) {
        let name = format!("{} {}", case["name"].as_str().unwrap(), names.len());
        let set = |key: &str, value: &[u8]| {
            store
                .set(&StoreKey::new(format!("{name}/{key}")).unwrap(), value)
                .unwrap();
        };
        set(".zarray", case["document"].as_str().unwrap().as_bytes());
        for (key, chunk) in case["chunks"].as_object().unwrap() {
            set(key, &unhex(chunk));
        }
        names.push(name);
    }
    (group, names)
}

#[test]
fn records_of_every_kind_come_back_from_hdf5() {
    let (group, names) = group();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("records.h5");
    let sink = Hdf5Sink::create(&file).unwrap();
    let source = ZarrSource::new(Node::Group(group.clone()));
    let report = copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    sink.flush().unwrap();
    assert!(report.lost.is_empty(), "{:?}", report.lost);
    // HDF5 has no texts of UTF-32; they are UTF-8 there.
    let has_texts = |name: &str| name.starts_with("arrays") || name.starts_with("texts");
    assert_eq!(names.iter().filter(|name| has_texts(name)).count(), 10);
    let (back, report) = convert(&Hdf5Source::open(&file).unwrap());
    assert!(report.lost.is_empty(), "{:?}", report.lost);
    assert_eq!(names.len(), 65);
    for name in names.iter().filter(|name| has_texts(name)) {
        let source = |group: &Group| ZarrSource::new(Node::Array(array(group, name)));
        let (before, after) = (source(&group), source(&back));
        let options = DiffOptions {
            without_data_types: true,
            without_attrs: true,
            ..DiffOptions::default()
        };
        let compared = diff((&before, &before.root()), (&after, &after.root()), &options).unwrap();
        assert!(
            compared.is_same() && compared.not_compared.n == 0,
            "{name}: {compared:?}"
        );
    }
    for name in names.iter().filter(|name| !has_texts(name)) {
        let (before, after) = (array(&group, name), array(&back, name));
        let read = |array: &zarr_convenience::core::Array| array.read_data(&Selection::all()).unwrap();
        if name.contains("aligned") || name.contains("offsets") {
            // What lies between fields is a field of bytes there, as NumPy reads it.
            assert!(after.data_type().is_in_memory_as(before.data_type()), "{name}");
            let shown = after.data_type().to_string();
            assert!(shown.contains("f1") || shown.contains("f2"), "{shown}");
        } else {
            assert_eq!(after.data_type(), before.data_type(), "{name}");
        }
        assert_eq!(read(&after).buffer, read(&before).buffer, "{name}");
    }
}
