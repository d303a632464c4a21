//! `sample.h5` as a Zarr hierarchy.

use std::sync::Arc;

use serde_json::Value;
use zarr_convenience::core::codecs::{ByteOrder, DataType};
use zarr_convenience::core::metadata::json::{Style, write};
use zarr_convenience::core::store::{MemoryStore, StoreExt, StoreKey};
use zarr_convenience::core::{Array, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat};
use zarr_convenience::{CopyOptions, Report, Source, SourceArray, SourceNode, TreeOptions, copy_all, tree};
use zarr_h5bridge::Hdf5Source;

use super::{bytes, testdata, wave};

pub(super) fn source(name: &str) -> Hdf5Source {
    Hdf5Source::open(testdata(name)).unwrap()
}

/// Converts a file into memory.
pub(super) fn convert(source: &Hdf5Source) -> (Group, Report) {
    let (store, options) = (Arc::new(MemoryStore::new()), Options::default());
    let dest = Group::create(store, &NodePath::root(), ZarrFormat::V2, &options).unwrap();
    let report = copy_all(source, &NodePath::root(), &dest, CopyOptions::default()).unwrap();
    (dest, report)
}

pub(super) fn find(dest: &Group, path: &str) -> Option<Node> {
    let path = NodePath::new(path).unwrap();
    Node::find(dest.store(), &path, dest.options(), None).unwrap()
}

pub(super) fn array(dest: &Group, path: &str) -> Array {
    match find(dest, path) {
        Some(Node::Array(array)) => array,
        other => panic!("{path}: {other:?}"),
    }
}

pub(super) fn source_array(source: &Hdf5Source, path: &str) -> Arc<dyn SourceArray> {
    match source.node(&NodePath::new(path).unwrap()).unwrap() {
        Some(SourceNode::Array(array)) => array,
        other => panic!("{path}: {other:?}"),
    }
}

#[track_caller]
fn check(dest: &Group, path: &str, data_type: &DataType, shape: &[u64], expected: &[u8]) {
    let array = array(dest, path);
    assert_eq!((array.data_type(), array.shape()), (data_type, shape), "{path}");
    let data = array.read_data(&Selection::all()).unwrap();
    assert_eq!(data.buffer.elements, expected, "{path}");
}

#[test]
fn fields_hold_the_formula() {
    let (dest, _) = convert(&source("sample.h5"));
    let (field, plane) = ([10, 12, 18], [12, 18]);
    let (n, n_plane) = (2160, 216);
    let temperature = wave(n, 7, 1009).into_iter().map(|v| v as f32 / 8.0 + 200.0);
    let temperature = bytes(temperature, f32::to_ne_bytes);
    check(
        &dest,
        "atmosphere/temperature",
        &DataType::Float32,
        &field,
        &temperature,
    );
    let pressure = wave(n, 13, 4001).into_iter().map(|v| v as i16 - 2000);
    let pressure = bytes(pressure, i16::to_ne_bytes);
    check(&dest, "atmosphere/pressure", &DataType::Int16, &field, &pressure);
    let humidity = wave(n_plane, 5, 101).into_iter().map(|v| v as f32 / 128.0);
    let humidity = bytes(humidity, f32::to_ne_bytes);
    check(
        &dest,
        "atmosphere/surface/humidity",
        &DataType::Float32,
        &plane,
        &humidity,
    );
    let cover: Vec<_> = wave(n_plane, 3, 251).into_iter().map(|v| v as u8).collect();
    check(
        &dest,
        "atmosphere/surface/cover",
        &DataType::UInt8,
        &plane,
        &cover,
    );
    let height = bytes(wave(n_plane, 11, 8191), |v| (v as u16).to_ne_bytes());
    check(
        &dest,
        "atmosphere/surface/height",
        &DataType::UInt16,
        &plane,
        &height,
    );
    let slope = bytes(wave(n_plane, 9, 64), |v| (v as i32).to_ne_bytes());
    check(
        &dest,
        "atmosphere/surface/slope",
        &DataType::Int32,
        &plane,
        &slope,
    );
    let sst = bytes(wave(n_plane, 17, 307), |v| (v as f64 / 16.0).to_ne_bytes());
    check(&dest, "ocean/sst", &DataType::Float64, &plane, &sst);
    let time = bytes((0..10).map(|k| k * 3), i32::to_ne_bytes);
    check(&dest, "time", &DataType::Int32, &[10], &time);
    let lat = bytes((0..12).map(|k| f64::from(k) * 2.5 - 13.75), f64::to_ne_bytes);
    check(&dest, "lat", &DataType::Float64, &[12], &lat);
    let lon = bytes((0..18_u8).map(|k| f32::from(k) * 20.0), f32::to_ne_bytes);
    check(&dest, "lon", &DataType::Float32, &[18], &lon);
}

#[test]
fn unwritten_parts_stay_unwritten() {
    let (dest, _) = convert(&source("sample.h5"));
    let mut field = vec![-1_i32; 400];
    for k in 0..36 {
        field[k / 6 * 20 + k % 6] = k as i32;
        field[(12 + k / 6) * 20 + 6 + k % 6] = 2 * k as i32;
    }
    field[399] = 77;
    let field = bytes(field, i32::to_ne_bytes);
    check(&dest, "partial/field", &DataType::Int32, &[20, 20], &field);
    let mut chunks = array(&dest, "partial/field").stored_chunks().unwrap();
    chunks.sort();
    assert_eq!(chunks, [[0, 0], [2, 1], [3, 3]]);
    let unwritten = bytes([f64::NAN; 36], f64::to_ne_bytes);
    check(
        &dest,
        "partial/unwritten",
        &DataType::Float64,
        &[9, 4],
        &unwritten,
    );
    assert!(
        array(&dest, "partial/unwritten")
            .stored_chunks()
            .unwrap()
            .is_empty()
    );
    let unallocated = bytes([9_i16; 5], i16::to_ne_bytes);
    check(&dest, "partial/unallocated", &DataType::Int16, &[5], &unallocated);
    let mixed = bytes([0, 1, 2, 3, 100, 101, 102, 103], i32::to_ne_bytes);
    check(&dest, "partial/mixed", &DataType::Int32, &[8], &mixed);
}

#[test]
fn types_of_all_kinds_are_carried_over() {
    let (dest, _) = convert(&source("sample.h5"));
    let int8 = bytes((0..6).map(|k| (k * 50 - 128) as i8), i8::to_ne_bytes);
    check(&dest, "types/int8", &DataType::Int8, &[6], &int8);
    let int64 = bytes((0..6).map(|k| k - (1 << 62)), i64::to_ne_bytes);
    check(&dest, "types/int64", &DataType::Int64, &[6], &int64);
    let uint64 = bytes((0..6).map(|k| u64::MAX - k), u64::to_ne_bytes);
    check(&dest, "types/uint64", &DataType::UInt64, &[6], &uint64);
    let uint32 = bytes(wave(6, 715_827_882, 1 << 32), |v| (v as u32).to_ne_bytes());
    check(&dest, "types/uint32", &DataType::UInt32, &[6], &uint32);
    let halves = [0_u16, 0x3A00, 0x3E00, 0x3800, 0x3D00, 0x3400];
    check(
        &dest,
        "types/float16",
        &DataType::Float16,
        &[6],
        &bytes(halves, u16::to_ne_bytes),
    );
    let parts = wave(6, 5, 11);
    let complex = parts.iter().flat_map(|&p| [p as f32, p as f32 - 4.0]);
    check(
        &dest,
        "types/complex64",
        &DataType::Complex64,
        &[6],
        &bytes(complex, f32::to_ne_bytes),
    );
    let complex = parts.iter().flat_map(|&p| [p as f64 / 2.0, 0.0 - p as f64]);
    check(
        &dest,
        "types/complex128",
        &DataType::Complex128,
        &[6],
        &bytes(complex, f64::to_ne_bytes),
    );
    check(
        &dest,
        "types/opaque",
        &DataType::Raw(5),
        &[2],
        b"ab\0de\0\x01\x02\x03\x04",
    );
    check(&dest, "types/bits", &DataType::UInt8, &[4], &[1, 2, 4, 255]);
    check(
        &dest,
        "types/scalar",
        &DataType::Float64,
        &[],
        &2.75_f64.to_ne_bytes(),
    );
    check(&dest, "types/empty", &DataType::Int32, &[0, 3], &[]);
    check(&dest, "types/empty_chunked", &DataType::Float32, &[0], &[]);
    check(&dest, "stations/active", &DataType::Bool, &[5], &[1, 0, 1, 1, 0]);
    check(&dest, "stations/kind", &DataType::UInt8, &[5], &[0, 1, 7, 1, 0]);
    check(
        &dest,
        "stations/code",
        &DataType::FixedBytes(6),
        &[5],
        b"ZRH\0\0\0\0\0\0\0\0\0OSL\0\0\0ABCDEFTYO\0\0\0",
    );
    check(
        &dest,
        "stations/label",
        &DataType::FixedBytes(5),
        &[2],
        "é1\0\0ñ2\0\0".as_bytes(),
    );
    let number = bytes(wave(5, 1_000_003, 1 << 40), |v| (v as i64).to_ne_bytes());
    check(&dest, "stations/number", &DataType::Int64, &[5], &number);
}

#[test]
fn b22_texts_of_any_length_are_texts() {
    let (dest, _) = convert(&source("sample.h5"));
    let texts = |path: &str| array(&dest, path).read_vec::<String>(&Selection::all()).unwrap();
    let names = ["Zürich", "", "Oslo", "a longer name, with a comma", "東京"];
    assert_eq!(texts("stations/name"), names);
    assert_eq!(texts("stations/note"), ["first", "second", "third"]);
    assert_eq!(texts("types/scalar_text"), ["one text"]);
}

#[test]
fn b23_records_with_texts_are_carried_over_in_one_byte_order() {
    let (dest, _) = convert(&source("sample.h5"));
    let mut expected = Vec::new();
    for (row, (tag, value)) in (0_i16..).zip([(b"a\0\0", 0.5), (b"bc\0", -1.5), (b"def", 1e300)]) {
        expected.extend(i32::from(row + 1).to_ne_bytes());
        expected.extend(tag);
        let position = [f32::from(2 * row) / 4.0, f32::from(2 * row + 1) / 4.0];
        expected.extend(bytes(position, f32::to_ne_bytes));
        expected.extend(f64::to_ne_bytes(value));
    }
    let record = array(&dest, "stations/record");
    assert_eq!(
        record.read_data(&Selection::all()).unwrap().buffer.elements,
        expected
    );
    assert_eq!(record.metadata().codecs.byte_order(), ByteOrder::Little);
    let document = StoreKey::new("stations/record/.zarray").unwrap();
    let document = record.store().get(&document, 10_000).unwrap().unwrap();
    let document = String::from_utf8(document.to_vec()).unwrap();
    assert!(document.contains("\"|S3\""), "{document}");
}

#[test]
fn byte_order_chunks_and_fill_values_are_those_of_the_file() {
    let (dest, _) = convert(&source("sample.h5"));
    let pressure = array(&dest, "atmosphere/pressure");
    assert_eq!(pressure.metadata().codecs.byte_order(), ByteOrder::Big);
    assert_eq!(pressure.chunk_shape(), [4, 5, 7]);
    assert_eq!(
        pressure.metadata().fill_value_or_zero().as_bytes(),
        (-32768_i16).to_ne_bytes()
    );
    let temperature = array(&dest, "atmosphere/temperature");
    assert_eq!(temperature.metadata().codecs.byte_order(), ByteOrder::Little);
    assert_eq!(
        temperature.metadata().fill_value_or_zero().as_bytes(),
        (-999_f32).to_ne_bytes()
    );
    assert_eq!(
        array(&dest, "lat").metadata().fill_value_or_zero().as_bytes(),
        [0; 8]
    );
    // A chunk may be longer than the array.
    assert_eq!(array(&dest, "types/empty_chunked").chunk_shape(), [16]);
}

/// The attributes of a node of the copy, as text, which tells NaN and `1.0` from others.
#[track_caller]
fn check_attributes(dest: &Group, path: &str, expected: &[(&str, &str)]) {
    let attributes = find(dest, path).unwrap().attributes().unwrap();
    let shown = |value: &Value| {
        let text = String::from_utf8(write(value, Style::V3)).unwrap();
        text.split_whitespace().collect::<String>()
    };
    for (name, expected) in expected {
        let found = attributes.get(*name).map(shown);
        let expected = expected.split_whitespace().collect::<String>();
        assert_eq!(found, Some(expected), "{path}@{name}");
    }
    assert_eq!(attributes.len(), expected.len(), "{path}: {attributes:?}");
}

#[test]
fn b22_attributes_that_are_arrays_booleans_or_bytes_are_carried_over() {
    let (dest, _) = convert(&source("sample.h5"));
    let expected = [
        ("title", r#""Sample of a climate file: temp\u00e9rature""#),
        ("institution", r#""Fixed Bytes""#),
        ("version", "7"),
        ("level", "-3"),
        ("mass", "5.5"),
        ("factor", "0.25"),
        ("valid", "true"),
        ("phase", "[1.5, -2.5]"),
        ("counts", "[1, -2, 3]"),
        ("grid", "[[0, 1, 2], [3, 4, 5]]"),
        ("range", "[1.5, NaN, -Infinity]"),
        ("flags", "[true, false, true]"),
        ("names", r#"["alpha", "\u03b2eta", ""]"#),
        ("codes", r#"["ab", "c", "defg"]"#),
        ("empty_list", "[]"),
        ("empty_text", r#""""#),
        ("nothing", "null"),
    ];
    check_attributes(&dest, "types", &expected);
    let root = [
        ("Conventions", r#""CF-1.8""#),
        ("history", r#""made by make_sample.py""#),
    ];
    check_attributes(&dest, "", &root);
    let pressure = [
        ("units", r#""hPa""#),
        ("scale_factor", "0.05"),
        ("add_offset", "950.0"),
        ("_FillValue", "[-32768]"),
        ("DIMENSION_LABELS", r#"["time", "lat", "lon"]"#),
        ("DIMENSION_LIST", r#"[["/time"], ["/lat"], ["/lon"]]"#),
        ("_ARRAY_DIMENSIONS", r#"["time", "lat", "lon"]"#),
    ];
    check_attributes(&dest, "atmosphere/pressure", &pressure);
    check_attributes(
        &dest,
        "atmosphere/surface",
        &[("comment", r#""two levels down""#)],
    );
}

#[test]
fn what_is_lost_is_reported() {
    let (dest, report) = convert(&source("sample.h5"));
    let mut lost: Vec<_> = report
        .lost
        .iter()
        .map(|lost| (lost.what.as_str(), lost.reason.as_str()))
        .collect();
    lost.sort_unstable();
    let expected = [
        (
            "/stations/kind",
            "the names of its numbers: ice = 7, land = 0, sea = 1",
        ),
        ("/types/named", "named data type"),
        (
            "/types@nothing",
            "it has no value (a null dataspace) and is stored as null",
        ),
    ];
    assert_eq!(lost, expected);
    assert_eq!(array(&dest, "types/null").shape(), [0]);
    assert_eq!(array(&dest, "types/boxes").shape(), [3, 2, 2]);
    let boxes = array(&dest, "types/boxes")
        .read_vec::<i16>(&Selection::all())
        .unwrap();
    assert_eq!(boxes, (0..12).collect::<Vec<_>>());
}

#[test]
fn selections_are_read_from_every_layout() {
    let source = source("sample.h5");
    for (path, data_type) in [
        ("atmosphere/temperature", DataType::Float32),
        ("atmosphere/pressure", DataType::Int16),
        ("ocean/sst", DataType::Float64),
        ("atmosphere/surface/height", DataType::UInt16),
        ("atmosphere/surface/slope", DataType::Int32),
        ("partial/field", DataType::Int32),
        ("stations/note", DataType::String),
        (
            "stations/record",
            source_array(&source, "stations/record").data_type().clone(),
        ),
    ] {
        let (dest, _) = convert(&source);
        let copy = array(&dest, path);
        let array = source_array(&source, path);
        for text in ["", "0", "-1", "1:3", "::2", "1::3, ...", "0:0", "..., 1:"] {
            let selection = Selection::parse(text).unwrap();
            for workers in [Workers::ONE, Workers::new(4)] {
                let found = array.read(&selection, workers).unwrap();
                let expected = copy.read_data(&selection).unwrap();
                assert_eq!(found.shape, expected.shape, "{path} {text}");
                assert_eq!(found.data_type, data_type, "{path} {text}");
                assert!(found.buffer.as_ref().elements.len() == expected.buffer.elements.len());
                if data_type.is_variable() {
                    let (found, expected) = (found.buffer.as_ref(), expected.buffer.as_ref());
                    assert!(found.items().eq(expected.items()), "{path} {text}");
                } else {
                    assert_eq!(found.buffer.elements, expected.buffer.elements, "{path} {text}");
                }
            }
        }
        assert!(
            array
                .read(&Selection::parse("1000").unwrap(), Workers::ONE)
                .is_err()
        );
    }
}

#[test]
fn a_tree_shows_what_is_not_copied_too() {
    let source = source("sample.h5");
    let types = SourceNode::Group(NodePath::new("types").unwrap());
    let text = tree(&source, &types, &TreeOptions::default()).unwrap();
    for line in [
        " ├── complex128 (6,) >c16",
        " ├── named (named data type)",
        " ├── null (0,) float32",
        " ├── boxes (3, 2, 2) int16",
        " └── uint64 (6,) uint64",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn a_node_is_found_by_its_path() {
    let source = source("sample.h5");
    let node = |path: &str| source.node(&NodePath::new(path).unwrap()).unwrap();
    assert!(matches!(node(""), Some(SourceNode::Group(path)) if path.is_root()));
    assert!(matches!(node("atmosphere/surface"), Some(SourceNode::Group(_))));
    assert!(matches!(node("types/named"), Some(SourceNode::Other { .. })));
    assert!(node("absent").is_none() && node("absent/below").is_none() && node("lat/below").is_none());
    assert_eq!(source_array(&source, "lat").path().to_string(), "/lat");
}

#[test]
fn a_file_that_is_none_is_named() {
    let error = Hdf5Source::open("no/such.h5").unwrap_err().to_string();
    assert!(error.starts_with("`no/such.h5`: opening: "), "{error}");
    let error = Hdf5Source::open(testdata("make_sample.py"))
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("make_sample.py`: it is not an HDF5 file"),
        "{error}"
    );
}
