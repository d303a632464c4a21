//! Datasets in one piece: written in parts through the library, read in parts without it.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use zarr_convenience::core::codecs::{ByteOrder, ChunkBuffer, DataType};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{
    Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
};
use zarr_convenience::{CopyOptions, ZarrSource, copy_all};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source, hdf5};

use super::bridge::source_array;
use super::fixed;

/// Makes arrays of these shapes and copies them into a file, where they are in one piece.
fn written(path: &Path, arrays: &[(&str, &[u64], DataType)]) -> Vec<(Array, ArrayData)> {
    let (store, options) = (Arc::new(MemoryStore::new()), Options::default());
    let group = Group::create(store, &NodePath::root(), ZarrFormat::V2, &options).unwrap();
    let make = |(name, shape, data_type): &(&str, &[u64], DataType)| {
        let array = ArrayBuilder::new(shape.to_vec(), data_type.clone())
            .byte_order(ByteOrder::Big)
            .create(Arc::clone(group.store()), &NodePath::new(name).unwrap(), &options)
            .unwrap();
        let size = shape.iter().product::<u64>() as usize * data_type.size().unwrap();
        let data = ArrayData {
            shape: shape.to_vec(),
            data_type: data_type.clone(),
            buffer: ChunkBuffer {
                elements: (0..size).map(|k| (k * k % 8191 % 251) as u8).collect(),
                heap: Vec::new(),
            },
        };
        array.write_data(&Selection::all(), &data).unwrap();
        let layout = json!({"_hdf5": {"layout": "contiguous"}});
        array.set_attributes(layout.as_object().unwrap().clone()).unwrap();
        (array, data)
    };
    let made = arrays.iter().map(make).collect();
    let source = ZarrSource::new(Node::Group(group.clone()));
    let sink = Hdf5Sink::create(path).unwrap();
    copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    made
}

#[test]
fn all_selections_are_put_together_of_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pieces.h5");
    // Parts are runs of the last dimension, rows of it, and planes.
    let arrays: [(&str, &[u64], DataType); 4] = [
        ("long", &[3, 700_000], DataType::Int16),
        ("rows", &[5, 90, 1111], DataType::Float64),
        ("planes", &[9, 40, 50, 10], DataType::Int32),
        ("small", &[4, 3], DataType::Int64),
    ];
    let made = written(&path, &arrays);
    let source = Hdf5Source::open(&path).unwrap();
    let file = hdf5::File::open(&path).unwrap();
    for ((name, ..), (array, data)) in arrays.iter().zip(&made) {
        let dataset = file.dataset(name).unwrap();
        assert!(dataset.stored_block().unwrap().is_some(), "{name}");
        let item_size = data.data_type.size().unwrap();
        let mut through_library = fixed(dataset.read_all().unwrap());
        through_library
            .chunks_exact_mut(item_size)
            .for_each(<[u8]>::reverse);
        assert_eq!(through_library, data.buffer.elements, "{name}");
        let found = source_array(&source, name);
        for text in [
            "...",
            "1",
            "-1, -3:",
            "::2, 1::2",
            "1:3, 2",
            "[2, 0, 2]",
            "..., -1",
            "0:0",
        ] {
            let selection = Selection::parse(text).unwrap();
            let expected = array.read_data(&selection).unwrap();
            let read = found.read(&selection, Workers::new(3)).unwrap();
            assert_eq!(read, expected, "{name}[{text}]");
        }
    }
}

#[test]
fn a_file_that_ends_early_is_an_error_that_names_the_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.h5");
    written(&path, &[("long", &[3, 700_000], DataType::Int16)]);
    let source = Hdf5Source::open(&path).unwrap();
    let array = source_array(&source, "long");
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(1 << 20).unwrap();
    let error = array.read(&Selection::all(), Workers::ONE).unwrap_err();
    let words = error.to_string();
    assert!(
        words.contains("`/long`") && words.contains("part [0, 3]"),
        "{words}"
    );
    array
        .read(&Selection::parse("0, :1000").unwrap(), Workers::ONE)
        .unwrap();
}
