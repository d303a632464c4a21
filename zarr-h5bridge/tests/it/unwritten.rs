//! Chunks that were never written, of types whose fill values documents do not all hold; records of both byte orders.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::core::codecs::Object;
use zarr_convenience::core::store::{MemoryStore, Store, StoreExt, StoreKey, StorePrefix};
use zarr_convenience::core::{Group, NodePath, Options, Selection, Workers, ZarrFormat};
use zarr_convenience::{CopyOptions, Creation, Sink, copy_all};
use zarr_h5bridge::hdf5::{File, FillValue};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source};

use super::bridge::{array, source_array};
use super::testdata;

/// A copy of the file in a store of its own.
fn copied(format: ZarrFormat) -> (Arc<MemoryStore>, Group) {
    copied_as(format, false)
}

fn copied_as(format: ZarrFormat, keeps_codecs: bool) -> (Arc<MemoryStore>, Group) {
    let source = Hdf5Source::open(testdata("hdf5/unwritten.h5"))
        .unwrap()
        .keeping_originals()
        .for_format(format);
    let store = Arc::new(MemoryStore::new());
    let group = Group::create(
        Arc::clone(&store) as Arc<dyn Store>,
        &NodePath::root(),
        format,
        &Options::default(),
    );
    let group = group.unwrap();
    let options = CopyOptions {
        creation: Creation {
            zarr_format: None,
            keeps_codecs,
            ..Creation::default()
        },
        ..CopyOptions::default()
    };
    let report = copy_all(&source, &NodePath::root(), &group, options).unwrap();
    assert!(report.lost.is_empty(), "{:?}", report.lost);
    (store, group)
}

fn texts(group: &Group, name: &str) -> Vec<String> {
    array(group, name).read_vec::<String>(&Selection::all()).unwrap()
}

fn n_chunks(store: &MemoryStore, prefix: &str) -> usize {
    let keys = store.list_prefix(&StorePrefix::new(prefix).unwrap()).unwrap();
    keys.iter().filter(|key| !key.as_str().contains(".z")).count()
}

#[test]
fn objects_never_written_are_empty_in_v3_and_their_chunks_stay_missing() {
    let (store, group) = copied(ZarrFormat::V3);
    assert_eq!(texts(&group, "numbers"), ["[1, 2]", "[3]", "[]", "[]", "[]"]);
    assert_eq!(texts(&group, "texts"), [r#"["a", ""]"#, "[]", "[]", "[]", "[]"]);
    let found = texts(&group, "records");
    let found: Vec<Value> = found
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let empty = json!({"k": 0, "s": "", "r": null, "v": []});
    assert_eq!(found[0], json!({"k": 7, "s": "seven", "r": "/", "v": [0.5]}));
    assert!(found[1..].iter().all(|record| *record == empty), "{found:?}");
    for name in ["numbers", "texts", "records"] {
        assert_eq!(n_chunks(&store, &format!("{name}/c/")), 1, "{name}");
    }
}

#[test]
fn objects_never_written_are_written_in_v2_which_has_no_fill_value_for_them() {
    let (store, group) = copied(ZarrFormat::V2);
    let data = array(&group, "records").read_data(&Selection::all()).unwrap();
    let items = data.buffer.as_ref().items();
    let items: Vec<Value> = items
        .map(|item| Object::from_item(item).unwrap().to_json().unwrap())
        .collect();
    assert_eq!(items[4], json!({"k": 0, "s": "", "r": null, "v": []}));
    // Of bytes zarr-python would make texts.
    for name in ["numbers", "texts", "records", "raw"] {
        assert_eq!(n_chunks(&store, &format!("{name}/")), 3, "{name}");
    }
}

#[test]
fn long_doubles_with_a_fill_value_of_too_many_digits_are_written_out() {
    // A third, of 64 bits: 0.25 * 1.3333...
    let third = [&[0xab; 1][..], &[0xaa; 7], &0x3ffd_u16.to_le_bytes()].concat();
    for keeps_codecs in [false, true] {
        let (store, group) = copied_as(ZarrFormat::V2, keeps_codecs);
        assert_eq!(n_chunks(&store, "long/"), 3);
        let data = array(&group, "long").read_data(&Selection::all()).unwrap();
        for place in 2..5 {
            assert_eq!(data.buffer.elements[16 * place..][..10], third, "{place}");
        }
    }
}

#[test]
fn chunks_of_objects_stay_missing_from_file_to_file() {
    let source = Hdf5Source::open(testdata("hdf5/unwritten.h5")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.h5");
    let sink = Hdf5Sink::create(&path).unwrap();
    copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    sink.flush().unwrap();
    let file = File::open(&path).unwrap();
    for name in ["numbers", "texts", "records", "raw"] {
        let dataset = file.dataset(name).unwrap();
        assert_eq!(dataset.chunk_index().unwrap().len(), 1, "{name}");
    }
}

#[test]
fn fill_values_that_zarr_has_no_form_for_stay_what_they_are_from_file_to_file() {
    let folder = tempfile::tempdir().unwrap();
    for keeps_originals in [false, true] {
        for keeps_codecs in [false, true] {
            let mut source = Hdf5Source::open(testdata("hdf5/unwritten.h5")).unwrap();
            if keeps_originals {
                source = source.keeping_originals();
            }
            let path = folder.path().join(format!("{keeps_originals}-{keeps_codecs}.h5"));
            let sink = Hdf5Sink::create(&path).unwrap();
            let mut options = CopyOptions::default();
            options.creation.keeps_codecs = keeps_codecs;
            copy_all(&source, &NodePath::root(), &sink, options).unwrap();
            sink.flush().unwrap();
            let before = File::open(testdata("hdf5/unwritten.h5")).unwrap();
            let after = File::open(&path).unwrap();
            let [before, after] = [before, after].map(|file| file.dataset("long").unwrap());
            assert_eq!(after.info().fill_value, before.info().fill_value);
            assert!(matches!(&after.info().fill_value, FillValue::User(bytes) if bytes.len() == 16));
            assert_eq!(after.chunk_index().unwrap().len(), 1);
            let [before, after] = [before, after].map(|dataset| dataset.read_region(&[0], &[5]).unwrap());
            assert_eq!(after, before);
        }
    }
}

#[test]
fn the_fill_value_of_numbers_that_do_not_use_all_bits_is_moved_once() {
    let source = Hdf5Source::open(testdata("hdf5/unwritten.h5")).unwrap();
    let data = source_array(&source, "shifted")
        .read(&Selection::all(), Workers::default())
        .unwrap();
    assert_eq!(data.to_vec::<i32>().unwrap(), [2047, -2048, -5, -5, -5]);
}

#[test]
fn records_of_both_byte_orders_keep_them_in_v2() {
    let (store, _) = copied(ZarrFormat::V2);
    let key = StoreKey::new("mixed/.zarray").unwrap();
    let document = store.get(&key, 1 << 20).unwrap().unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(
        document["dtype"],
        json!([
            ["a", "<u2"],
            ["n", [["x", ">f4"], ["y", "<i2"]], [2]],
            ["b", ">i4"]
        ])
    );
}
