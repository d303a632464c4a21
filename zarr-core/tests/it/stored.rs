//! The chunk grid, and what of an array is stored.

use std::sync::Arc;

use zarr_core::{
    Array, ArrayBuilder, Error, NodePath, Options, Selection, ZarrFormat,
    codecs::{DataType, FillValue},
    metadata::V2Codecs,
    store::{CountingStore, MemoryStore, Store, StoreKey, TempStore},
};

fn create(store: Arc<dyn Store>, path: &str, builder: ArrayBuilder) -> Array {
    let path = NodePath::new(path).unwrap();
    builder
        .v2_codecs(V2Codecs::default())
        .create(store, &path, &Options::default())
        .unwrap()
}

fn builder(shape: &[u64], chunk_shape: &[u64]) -> ArrayBuilder {
    ArrayBuilder::new(shape.to_vec(), DataType::UInt8).chunk_shape(chunk_shape.to_vec())
}

fn key(name: &str) -> StoreKey {
    StoreKey::new(name).unwrap()
}

#[test]
fn b17_only_keys_that_are_chunks_of_the_grid_are_counted() {
    for (format, separator) in [
        (ZarrFormat::V2, '.'),
        (ZarrFormat::V2, '/'),
        (ZarrFormat::V3, '.'),
        (ZarrFormat::V3, '/'),
    ] {
        let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
        let array = create(
            store.clone(),
            "a",
            builder(&[4, 4], &[2, 2]).format(format).separator(separator),
        );
        assert_eq!(array.n_chunks_initialized().unwrap(), 0);
        array
            .write_vec(&Selection::parse("2:").unwrap(), &[1_u8])
            .unwrap();
        array
            .write_vec(&Selection::parse("0, 3").unwrap(), &[1_u8])
            .unwrap();
        for stray in [
            "1backup",
            "0",
            "0.9",
            "7.0",
            "0.0.0",
            "c",
            "x/0.0",
            "12345/6/7",
            "c/0/9",
            "0/1/2",
        ] {
            let _ = store.set(&key(&format!("a/{stray}")), b"");
        }
        let expected = [vec![0, 1], vec![1, 0], vec![1, 1]];
        assert_eq!(array.stored_chunks().unwrap(), expected, "{format:?} {separator}");
        assert_eq!(array.n_chunks_initialized().unwrap(), 3);
    }
}

#[test]
fn b17_an_array_without_dimensions_has_one_chunk_or_none() {
    let array = create(Arc::new(MemoryStore::new()), "", builder(&[], &[]));
    assert_eq!(array.n_chunks(), 1);
    assert_eq!(array.n_chunks_initialized().unwrap(), 0);
    array.write_vec(&Selection::all(), &[1_u8]).unwrap();
    assert_eq!(array.n_chunks_initialized().unwrap(), 1);
}

#[test]
fn counting_lists_no_folders_but_those_of_chunks() {
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = create(store.clone(), "", builder(&[4], &[2]));
    for index in 0..50 {
        store.set(&key(&format!("other/{index}/0")), b"").unwrap();
    }
    let before = store.counts().lists;
    array.n_chunks_initialized().unwrap();
    assert_eq!(store.counts().lists - before, 1);
}

#[test]
fn b49_the_stored_size_counts_chunks_in_folders_too() {
    for separator in ['.', '/'] {
        let array = create(
            Arc::new(MemoryStore::new()),
            "a",
            builder(&[4, 4], &[2, 2]).separator(separator),
        );
        let empty = array.size_stored().unwrap();
        assert!(empty > 0, "the document is counted");
        array.write_vec(&Selection::all(), &[1_u8]).unwrap();
        assert_eq!(array.size_stored().unwrap(), empty + 4 * 4, "{separator}");
    }
}

#[test]
fn positions_come_with_the_last_dimension_fastest_and_regions_are_cut() {
    let array = create(Arc::new(MemoryStore::new()), "", builder(&[3, 5], &[2, 3]));
    assert_eq!(array.grid_shape(), [2, 2]);
    let positions: Vec<_> = array.chunk_positions().collect();
    assert_eq!(positions, [[0, 0], [0, 1], [1, 0], [1, 1]]);
    let regions: Vec<_> = positions
        .iter()
        .map(|at| array.chunk_region(at).unwrap())
        .collect();
    let expected =
        ["0:2, 0:3", "0:2, 3:5", "2:3, 0:3", "2:3, 3:5"].map(|text| Selection::parse(text).unwrap());
    assert_eq!(regions, expected);
    assert!(matches!(
        array.chunk_region(&[0, 2]),
        Err(Error::Selection { .. })
    ));
    assert!(matches!(array.chunk_region(&[0]), Err(Error::Selection { .. })));
    let none = create(Arc::new(MemoryStore::new()), "", builder(&[0, 5], &[2, 3]));
    assert_eq!(none.chunk_positions().count(), 0);
    let one = create(Arc::new(MemoryStore::new()), "", builder(&[], &[]));
    assert_eq!(one.chunk_positions().collect::<Vec<_>>(), [vec![0; 0]]);
    assert_eq!(one.chunk_region(&[]).unwrap(), Selection::all());
}

#[test]
fn b40_minus_zero_is_kept_when_empty_chunks_are_not_written() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let array = ArrayBuilder::new(vec![6], DataType::Float64)
        .chunk_shape(vec![2])
        .create(store, &NodePath::root(), &Options::default())
        .unwrap()
        .with_options(|options| options.write_empty_chunks = false);
    array
        .write_vec(&Selection::all(), &[0.0, 0.0, -0.0, 0.0, 1.0, 2.0])
        .unwrap();
    assert_eq!(array.stored_chunks().unwrap(), [[1], [2]]);
    let found = array.read_vec::<f64>(&Selection::all()).unwrap();
    assert!(found[2].is_sign_negative() && found[0].is_sign_positive());
    array.write_vec(&Selection::parse("2:").unwrap(), &[0.0]).unwrap();
    assert_eq!(
        array.n_chunks_initialized().unwrap(),
        0,
        "chunks that become empty are erased"
    );
}

#[test]
fn a_nan_is_the_fill_value_nan_when_empty_chunks_are_not_written() {
    let array = ArrayBuilder::new(vec![2], DataType::Float32)
        .fill_value(Some(FillValue::new(f32::NAN.to_ne_bytes())))
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap()
        .with_options(|options| options.write_empty_chunks = false);
    array.write_vec(&Selection::all(), &[f32::NAN]).unwrap();
    assert_eq!(array.n_chunks_initialized().unwrap(), 0);
    let mut array = array;
    array.set_fill_value(None).unwrap();
    array.write_vec(&Selection::all(), &[0.0_f32]).unwrap();
    assert_eq!(
        array.n_chunks_initialized().unwrap(),
        1,
        "without a fill value no chunk is empty"
    );
}

#[test]
fn b38_without_a_fill_value_what_was_not_written_is_zero() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let array = builder(&[4], &[2]).format(format).fill_value(None);
        let array = create(Arc::new(MemoryStore::new()), "a", array);
        if format == ZarrFormat::V2 {
            assert!(array.fill_value().is_none());
        }
        assert_eq!(
            array.read_vec::<u8>(&Selection::all()).unwrap(),
            [0; 4],
            "{format:?}"
        );
        array.write_vec(&Selection::parse("0").unwrap(), &[5_u8]).unwrap();
        assert_eq!(array.read_vec::<u8>(&Selection::all()).unwrap(), [5, 0, 0, 0]);
    }
}

#[test]
fn b37_a_temporary_store_has_chunks_by_the_separator_of_the_array() {
    for (separator, name) in [('/', "a/0/1"), ('.', "a/0.1")] {
        let store = Arc::new(TempStore::new().unwrap());
        let array = create(store.clone(), "a", builder(&[2, 4], &[2, 2]).separator(separator));
        array
            .write_vec(&Selection::parse("0, 3").unwrap(), &[1_u8])
            .unwrap();
        assert!(store.path().join(name).is_file(), "{name}");
        let found = Array::open(store, &NodePath::new("a").unwrap(), &Options::default()).unwrap();
        assert_eq!(
            found.read_vec::<u8>(&Selection::parse("0").unwrap()).unwrap(),
            [0, 0, 0, 1]
        );
    }
}
