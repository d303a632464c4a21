//! Copies into HDF5, read back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_convenience::core::codecs::{
    ByteOrder, ChunkBuffer, DataType, Field, FillValue, StructType, TimeUnit,
};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{
    ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
};
use zarr_convenience::{
    CopyOptions, Creation, Error, IfExists, Lost, Report, Sink, Source, SourceNode, ZarrSource, copy_all,
    digest,
};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source, hdf5};

use super::bridge::{array, convert};

fn memory() -> Group {
    let options = Options::default();
    Group::create(
        Arc::new(MemoryStore::new()),
        &NodePath::root(),
        ZarrFormat::V2,
        &options,
    )
    .unwrap()
}

fn make(group: &Group, name: &str, builder: ArrayBuilder) -> zarr_convenience::core::Array {
    let path = NodePath::new(name).unwrap();
    builder
        .create(Arc::clone(group.store()), &path, group.options())
        .unwrap()
}

/// Bytes that are values of any type of the size, and not all the same.
fn elements(data_type: &DataType, n: usize) -> Vec<u8> {
    let size = data_type.size().unwrap();
    if *data_type == DataType::Bool {
        return (0..n).map(|k| (k % 3 == 1).into()).collect();
    }
    (0..n * size).map(|k| (k * 7 % 113 + 1) as u8).collect()
}

fn write(array: &zarr_convenience::core::Array, selection: &Selection, shape: &[u64]) {
    let n: u64 = shape.iter().product();
    let buffer = ChunkBuffer {
        elements: elements(array.data_type(), n as usize),
        heap: Vec::new(),
    };
    let data = ArrayData {
        shape: shape.to_vec(),
        data_type: array.data_type().clone(),
        buffer,
    };
    array.write_data(selection, &data).unwrap();
}

fn copied(group: &Group, path: &Path, options: CopyOptions<'_>) -> Result<Report, Error> {
    let source = ZarrSource::new(Node::Group(group.clone()));
    let sink = Hdf5Sink::open(path)?;
    copy_all(&source, &NodePath::root(), &sink, options)
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("copy.h5");
    (dir, path)
}

fn digests(source: &dyn Source) -> Vec<(String, String)> {
    let root = source.node(&NodePath::root()).unwrap().unwrap();
    let digests = digest(source, &root, Workers::ONE).unwrap();
    let mut digests: Vec<_> = digests
        .iter()
        .map(|digest| (digest.path.to_string(), format!("{digest:?}")))
        .collect();
    digests.sort();
    digests
}

/// Copies to HDF5 and back, and compares all values and the attributes of arrays.
#[track_caller]
fn check_round_trip(group: &Group) -> Hdf5Source {
    let (dir, path) = place();
    let report = copied(group, &path, CopyOptions::default()).unwrap();
    assert_eq!(report.lost, []);
    let source = Hdf5Source::open(&path).unwrap();
    let (back, report) = convert(&source);
    assert_eq!(report.lost, []);
    let before = digests(&ZarrSource::new(Node::Group(group.clone())));
    assert_eq!(before, digests(&source));
    assert_eq!(before, digests(&ZarrSource::new(Node::Group(back.clone()))));
    for (path, _) in &before {
        let attributes = |group: &Group| array(group, path).attributes().unwrap();
        assert_eq!(attributes(group), attributes(&back), "{path}");
        let fill = |group: &Group| array(group, path).metadata().fill_value_or_zero();
        assert_eq!(fill(group), fill(&back), "{path}");
        let order = |group: &Group| array(group, path).metadata().codecs.byte_order();
        assert_eq!(order(group), order(&back), "{path}");
    }
    drop(dir);
    source
}

fn record() -> DataType {
    let field = |name: &str, data_type, shape| Field::new(name, data_type, shape);
    DataType::Struct(StructType {
        fields: vec![
            field("a", DataType::Int16, vec![]),
            field("b", DataType::Float64, vec![2]),
            field("c", DataType::FixedBytes(3), vec![]),
        ],
    })
}

#[test]
fn dimensions_without_names_come_back() {
    let group = memory();
    for (name, names) in [("some", json!(["x", null])), ("empty", json!(["", "x"]))] {
        let array = make(&group, name, ArrayBuilder::new(vec![2, 3], DataType::Int8));
        let attributes = Map::from_iter([("_ARRAY_DIMENSIONS".to_owned(), names)]);
        array.attrs().put(attributes).unwrap();
    }
    check_round_trip(&group);
}

#[test]
fn a_fill_value_that_is_null_comes_back_where_all_chunks_are_there() {
    let group = memory();
    let builder = |data_type| {
        ArrayBuilder::new(vec![4], data_type)
            .chunk_shape(vec![3])
            .fill_value(None)
    };
    for (name, data_type) in [
        ("full", DataType::Int32),
        ("holes", DataType::Int32),
        ("record", record()),
    ] {
        let array = make(&group, name, builder(data_type));
        let length = if name == "holes" { 3 } else { 4 };
        write(&array, &Selection::region(&[0], &[length]), &[length]);
    }
    let texts = make(&group, "texts", builder(DataType::String));
    texts
        .write_vec(&Selection::all(), &["a", "", "b", ""].map(str::to_owned))
        .unwrap();
    let (_dir, path) = place();
    let report = copied(&group, &path, CopyOptions::default()).unwrap();
    let lost: Vec<_> = report.lost.iter().map(|lost| lost.what.as_str()).collect();
    assert_eq!(lost, ["/holes"]);
    let file = hdf5::File::open(&path).unwrap();
    let fill = |name: &str| file.dataset(name).unwrap().info().fill_value.clone();
    assert_eq!(fill("/full"), hdf5::FillValue::Undefined);
    assert_ne!(fill("/holes"), hdf5::FillValue::Undefined);
    let (back, _) = convert(&Hdf5Source::open(&path).unwrap());
    for (name, is_null) in [
        ("full", true),
        ("record", true),
        ("texts", true),
        ("holes", false),
    ] {
        let fill_value = array(&back, name).metadata().fill_value.clone();
        assert_eq!(fill_value.is_none(), is_null, "{name}");
    }
}

#[test]
fn every_type_comes_back() {
    use DataType::{
        Bool, Complex64, Complex128, FixedBytes, Float16, Float32, Float64, Int8, Int16, Int32, Int64, Raw,
        UInt8, UInt16, UInt32, UInt64,
    };
    let types = [
        Bool,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float16,
        Float32,
        Float64,
        Complex64,
        Complex128,
        FixedBytes(5),
        Raw(3),
        record(),
    ];
    let group = memory();
    for (n, data_type) in types.iter().enumerate() {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            if order == ByteOrder::Big && !data_type.has_byte_order() {
                continue;
            }
            let fill_value = FillValue::new(elements(data_type, 2)[data_type.size().unwrap()..].to_vec());
            let builder = ArrayBuilder::new(vec![5, 7], data_type.clone())
                .chunk_shape(vec![2, 3])
                .byte_order(order)
                .fill_value(Some(fill_value));
            let array = make(&group, &format!("a{n}{order:?}"), builder);
            write(&array, &Selection::region(&[0, 0], &[3, 7]), &[3, 7]);
        }
    }
    check_round_trip(&group);
}

#[test]
fn b21_odd_shapes_come_back() {
    let group = memory();
    let shapes: [(&[u64], &[u64]); 6] = [
        (&[], &[]),
        (&[0], &[4]),
        (&[3, 0], &[2, 2]),
        (&[3], &[10]),
        (&[3, 2000], &[100, 7]),
        (&[1, 1, 1], &[1, 5, 1]),
    ];
    for (n, (shape, chunk_shape)) in shapes.iter().enumerate() {
        let builder = ArrayBuilder::new(shape.to_vec(), DataType::Int32).chunk_shape(chunk_shape.to_vec());
        let array = make(&group, &format!("a{n}"), builder);
        write(&array, &Selection::all(), shape);
    }
    let source = check_round_trip(&group);
    let node = |name: &str| super::bridge::source_array(&source, name);
    assert_eq!(node("a0").chunk_shape(), None);
    assert_eq!(node("a1").chunk_shape(), None);
    assert_eq!(node("a3").chunk_shape(), Some(&[3][..]));
    assert_eq!(node("a4").chunk_shape(), Some(&[3, 7][..]));
}

#[test]
fn missing_chunks_stay_missing() {
    let group = memory();
    let builder = ArrayBuilder::new(vec![10, 10], DataType::Int16)
        .chunk_shape(vec![4, 4])
        .fill_value(Some(FillValue::new(9_i16.to_ne_bytes().to_vec())));
    let array = make(&group, "a", builder);
    write(&array, &Selection::region(&[4, 8], &[4, 2]), &[4, 2]);
    let source = check_round_trip(&group);
    let stored = super::bridge::source_array(&source, "a")
        .stored_chunks()
        .unwrap()
        .unwrap();
    assert_eq!(stored.into_iter().collect::<Vec<_>>(), [vec![1, 2]]);
}

#[test]
fn attributes_come_back() {
    let group = memory();
    let array = make(&group, "a", ArrayBuilder::new(vec![1], DataType::Int8));
    let attributes = json!({
        "int": -3, "big": 18_446_744_073_709_551_615_u64, "float": 2.5, "true": true,
        "text": "gr\u{fc}n", "empty text": "", "ints": [1, 2, 3], "floats": [[0.5], [1.5]],
        "bools": [true, false], "texts": ["a", "bc"], "nothing": [], "filters": "x",
        "long": vec![0.5; 20_000],
    });
    array
        .set_attributes(attributes.as_object().unwrap().clone())
        .unwrap();
    check_round_trip(&group);
}

fn lost(what: &str, reason: &str) -> Lost {
    Lost {
        what: what.to_owned(),
        reason: reason.to_owned(),
    }
}

#[test]
fn what_has_no_form_is_lost() {
    let group = memory();
    let unit = TimeUnit::new("s", 1).unwrap();
    let types = [
        DataType::FixedUtf32(2),
        DataType::DateTime64(unit),
        DataType::String,
    ];
    for (n, data_type) in types.iter().enumerate() {
        make(
            &group,
            &format!("a{n}"),
            ArrayBuilder::new(vec![2], data_type.clone()),
        );
    }
    let array = make(&group, "b", ArrayBuilder::new(vec![1], DataType::Int8));
    let attributes = json!({
        "null": null, "object": {"a": 1}, "mixed": [1, "a"], "numbers": [1, 2.5], "ragged": [[1], [2, 3]],
        "zero": "a\u{0}b", "kept": 1,
    });
    array
        .set_attributes(attributes.as_object().unwrap().clone())
        .unwrap();
    let (_dir, path) = place();
    let report = copied(&group, &path, CopyOptions::default()).unwrap();
    let mut found = report.lost;
    found.sort_by(|a, b| a.what.cmp(&b.what));
    let mixed = "it is a list of values of several kinds";
    let expected = [
        lost("/b@mixed", mixed),
        lost("/b@null", "HDF5 has no null"),
        lost("/b@numbers", mixed),
        lost("/b@object", "HDF5 has no objects in attributes"),
        lost("/b@ragged", "its lists are not of one shape"),
        lost("/b@zero", "it has a zero byte, which ends texts in HDF5"),
    ];
    assert_eq!(found, expected);
    let source = Hdf5Source::open(&path).unwrap();
    let members = source.members(&NodePath::root()).unwrap();
    assert_eq!(members.len(), 4);
    let SourceNode::Array(times) = &members[1] else {
        panic!("it is no array");
    };
    assert_eq!(times.data_type(), &types[1]);
    let kept = source.attributes(&members[3]).unwrap().members;
    assert_eq!(Value::Object(kept), json!({"kept": 1}));
}

#[test]
fn what_is_there_gives_way_only_when_asked() {
    let group = memory();
    let array = make(
        &group,
        "g/a",
        ArrayBuilder::new(vec![4], DataType::Int8).chunk_shape(vec![2]),
    );
    write(&array, &Selection::all(), &[4]);
    let root = group.clone();
    let title = |text: &str| Map::from_iter([("title".to_owned(), Value::from(text))]);
    root.set_attributes(title("one")).unwrap();
    let (_dir, path) = place();
    copied(&group, &path, CopyOptions::default()).unwrap();
    root.set_attributes(title("two")).unwrap();
    let with = |if_exists| CopyOptions {
        if_exists,
        ..CopyOptions::default()
    };
    let error = copied(&group, &path, with(IfExists::Raise)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an object 'a' already exists in destination '/g'"
    );
    let error = copied(&group, &path, with(IfExists::SkipInitialized)).unwrap_err();
    let expected = "'skip_initialized' can only be used when copying to zarr";
    assert_eq!(error.to_string(), expected);
    // Nor where nothing is there yet.
    let (_other, empty) = place();
    let error = copied(&group, &empty, with(IfExists::SkipInitialized)).unwrap_err();
    assert_eq!(error.to_string(), expected);
    let report = copied(&group, &path, with(IfExists::Skip)).unwrap();
    assert_eq!((report.copied.n_copied, report.copied.n_skipped), (1, 1));
    let report = copied(&group, &path, with(IfExists::Replace)).unwrap();
    assert_eq!((report.copied.n_copied, report.copied.n_skipped), (2, 0));
    let source = Hdf5Source::open(&path).unwrap();
    assert_eq!(source.attributes(&source.root()).unwrap().members, title("two"));
    assert_eq!(digests(&source), digests(&ZarrSource::new(Node::Group(group))));
}

#[test]
fn options_choose_the_compression() {
    let group = memory();
    let array = make(
        &group,
        "a",
        ArrayBuilder::new(vec![64], DataType::Int8).chunk_shape(vec![8]),
    );
    write(&array, &Selection::all(), &[64]);
    let filters = |compressor: Option<Value>| {
        let (_dir, path) = place();
        let creation = Creation {
            compressor: Some(compressor),
            ..Creation::default()
        };
        let options = CopyOptions {
            creation,
            ..CopyOptions::default()
        };
        copied(&group, &path, options)?;
        let file = hdf5::File::open(&path).unwrap();
        let filters = file.dataset("a").unwrap().info().filters.clone();
        Ok::<_, Error>(
            filters
                .into_iter()
                .map(|filter| filter.client_data)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(filters(None).unwrap(), Vec::<Vec<u32>>::new());
    assert_eq!(filters(Some(json!({"id": "zlib", "level": 5}))).unwrap(), [[5]]);
    // As h5py's own filter tells of itself: its version, that of LZF, and the bytes of a chunk.
    assert_eq!(filters(Some(json!({"id": "lzf"}))).unwrap(), [[4, 0x105, 8]]);
    assert!(matches!(
        filters(Some(json!({"id": "zstd"}))),
        Err(Error::Argument(_))
    ));
}

#[test]
fn fill_values_of_texts_are_those_of_chunks_that_are_not_stored() {
    let group = memory();
    let builder = ArrayBuilder::new(vec![6], DataType::String)
        .chunk_shape(vec![2])
        .fill_value(Some(FillValue::new(b"none".to_vec())));
    let array = make(&group, "a", builder);
    let stored = ["a".to_owned(), "b".to_owned()];
    let stored = ArrayData::new(vec![2], &stored).unwrap();
    array.write_data(&Selection::region(&[2], &[2]), &stored).unwrap();
    let (_dir, path) = place();
    copied(&group, &path, CopyOptions::default()).unwrap();
    let file = hdf5::File::open(&path).unwrap();
    let found = file.dataset("a").unwrap().read_all().unwrap();
    let expected = ["none", "none", "a", "b", "none", "none"].map(|text| text.as_bytes().to_vec());
    assert_eq!(found, hdf5::Values::Variable(expected.to_vec()));
}

#[test]
fn a_dry_run_changes_nothing() {
    let group = memory();
    make(&group, "a", ArrayBuilder::new(vec![4], DataType::Int8));
    let (_dir, path) = place();
    let source = ZarrSource::new(Node::Group(group));
    let dry = || CopyOptions {
        dry_run: true,
        ..CopyOptions::default()
    };
    let run = |at: &str| {
        let sink = Hdf5Sink::look(&path)
            .unwrap()
            .at(&NodePath::new(at).unwrap())
            .unwrap();
        copy_all(&source, &NodePath::root(), &sink, dry())
            .unwrap()
            .copied
            .n_copied
    };
    assert_eq!((run(""), run("some/group")), (1, 1));
    assert!(!path.exists());
    Hdf5Sink::create(&path).unwrap().flush().unwrap();
    let before = std::fs::read(&path).unwrap();
    assert_eq!((run(""), run("some/group")), (1, 1));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn b21_a_file_copied_to_a_file_keeps_filters_and_texts() {
    let (dir, path) = place();
    let from = Hdf5Source::open(super::testdata("sample.h5")).unwrap();
    let sink = Hdf5Sink::open(&path).unwrap();
    copy_all(&from, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    drop(sink);
    let (old, new) = (
        hdf5::File::open(super::testdata("sample.h5")).unwrap(),
        hdf5::File::open(&path).unwrap(),
    );
    let mut n_texts = 0;
    let mut n_filtered = 0;
    for (name, _) in digests(&Hdf5Source::open(&path).unwrap()) {
        let (old, new) = (old.dataset(&name).unwrap(), new.dataset(&name).unwrap());
        let (old, new) = (old.info(), new.info());
        if new.space.n_elements() == Some(0) {
            // Nothing needs no chunks.
            continue;
        }
        let kept = |info: &hdf5::DatasetInfo| -> Vec<_> {
            let filters = info
                .filters
                .iter()
                .filter(|filter| [1, 2, 3].contains(&filter.id));
            filters
                .map(|filter| (filter.id, filter.client_data.first().copied()))
                .collect()
        };
        assert_eq!(kept(old), kept(new), "{name}");
        n_filtered += kept(new).len();
        assert_eq!(
            matches!(old.layout, hdf5::Layout::Chunked { .. }),
            matches!(new.layout, hdf5::Layout::Chunked { .. }),
            "{name}"
        );
        n_texts += usize::from(matches!(new.datatype, hdf5::Datatype::VlenString { .. }));
    }
    assert!(n_texts > 0 && n_filtered > 3, "{n_texts} {n_filtered}");
    let copied = digests(&Hdf5Source::open(&path).unwrap());
    let original = digests(&from);
    assert!(copied.iter().all(|digest| original.contains(digest)));
    drop(dir);
}
