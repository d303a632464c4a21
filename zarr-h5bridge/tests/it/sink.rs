//! Zarr to HDF5, and back.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_convenience::{
    CopyOptions, Source, SourceNode, ZarrSource, copy_all,
    core::{
        ArrayBuilder, Element, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::{DataType, FillValue},
        store::{MemoryStore, Store},
    },
    digest,
};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

fn group() -> Group {
    Group::create(
        Arc::new(MemoryStore::new()),
        &NodePath::root(),
        ZarrFormat::V2,
        &Options::default(),
    )
    .unwrap()
}

fn source(group: &Group) -> ZarrSource {
    ZarrSource::new(Node::Group(group.clone()))
}

/// Adds an array with a value in its first and last element.
fn add<T: Element>(group: &Group, name: &str, shape: &[u64], chunk: &[u64], fill: &[u8], value: T) {
    let store: Arc<dyn Store> = Arc::clone(group.store());
    let builder = ArrayBuilder::new(shape.to_vec(), T::DATA_TYPE)
        .chunk_shape(chunk.to_vec())
        .fill_value(Some(FillValue::new(fill)));
    let array = builder
        .create(store, &NodePath::new(name).unwrap(), &Options::default())
        .unwrap();
    if !shape.contains(&0) {
        let last: Vec<u64> = shape.iter().map(|length| length - 1).collect();
        let ones = vec![1; shape.len()];
        array
            .write_vec(
                &Selection::region(&vec![0; shape.len()], &ones),
                std::slice::from_ref(&value),
            )
            .unwrap();
        array
            .write_vec(&Selection::region(&last, &ones), &[value])
            .unwrap();
    }
}

fn attributes() -> Map<String, Value> {
    let attributes = json!({
        "count": 3, "large": u64::MAX, "ratio": 2.5, "yes": true, "title": "Größe", "range": [1, 2],
        "mixed": [1.0, 2.5], "names": ["a", "ö"], "filters": "kept", "flags": [true, false],
    });
    attributes.as_object().unwrap().clone()
}

#[test]
fn values_and_attributes_come_back_from_hdf5() {
    let mut from = group();
    from.set_attributes(attributes()).unwrap();
    add(&from, "a/i1", &[5, 7], &[2, 3], &[9], -1_i8);
    add(&from, "a/u8", &[5], &[2], &u64::MAX.to_ne_bytes(), 7_u64);
    add(
        &from,
        "a/f4",
        &[40, 3, 2],
        &[7, 3, 1],
        &f32::NAN.to_ne_bytes(),
        1.5_f32,
    );
    add(&from, "b", &[6], &[4], &[0], true);
    add(&from, "long_chunk", &[3], &[10], &0_i16.to_ne_bytes(), 5_i16);
    add(&from, "scalar", &[], &[], &0_f64.to_ne_bytes(), 2.5_f64);
    add(&from, "empty", &[0, 4], &[1, 4], &0_i32.to_ne_bytes(), 0_i32);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    let sink = Hdf5Sink::open(&path).unwrap();
    let report = copy_all(&source(&from), &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    assert_eq!(report.lost, []);
    drop(sink);

    let back = Hdf5Source::open(&path).unwrap();
    let root = SourceNode::Group(NodePath::root());
    let expected = digest(&source(&from), &root, Workers::ONE).unwrap();
    assert_eq!(expected.len(), 7);
    assert_eq!(digest(&back, &root, Workers::ONE).unwrap(), expected);
    let Some(SourceNode::Array(chunked)) = back.node(&NodePath::new("a/f4").unwrap()).unwrap() else {
        panic!("the array is not there");
    };
    assert_eq!(chunked.chunk_shape(), Some(&[7, 3, 1][..]));
    // Chunks that were never written are not in the file either.
    assert_eq!(chunked.stored_chunks().unwrap().unwrap().len(), 2);
    assert_eq!(back.attributes(&root).unwrap().members, attributes());
}

#[test]
fn what_hdf5_cannot_hold_is_named() {
    let mut from = group();
    let nested = json!({"object": {"a": 1}, "nothing": null, "jumble": [1, "a"]});
    from.set_attributes(nested.as_object().unwrap().clone()).unwrap();
    let builder = ArrayBuilder::new(vec![2], DataType::String);
    builder
        .create(
            Arc::clone(from.store()),
            &NodePath::new("text").unwrap(),
            &Options::default(),
        )
        .unwrap();
    add(&from, "number", &[2], &[2], &[0], 1_u8);

    let folder = tempfile::tempdir().unwrap();
    let sink = Hdf5Sink::open(folder.path().join("a.h5")).unwrap();
    let report = copy_all(&source(&from), &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    let lost: Vec<_> = report.lost.iter().map(|lost| lost.what.as_str()).collect();
    assert_eq!(lost, ["/text", "/@jumble", "/@nothing", "/@object"]);
    assert_eq!(report.copied.n_copied, 1);
}
