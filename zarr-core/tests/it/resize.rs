//! Arrays that change their shape.

use std::sync::Arc;

use zarr_core::{
    Array, ArrayBuilder, ArrayData, Error, NodePath, Options, Selection, ZarrFormat,
    codecs::{DataType, FillValue},
    metadata::V2Codecs,
    store::{
        Capabilities, MemoryStore, ReadOnlyStore, Store, StoreError, StoreKey, forward_to_store,
        testing::{Fault, FaultyStore},
    },
};

fn builder(shape: &[u64], chunk_shape: &[u64]) -> ArrayBuilder {
    ArrayBuilder::new(shape.to_vec(), DataType::Int32)
        .chunk_shape(chunk_shape.to_vec())
        .v2_codecs(V2Codecs::default())
}

fn create(builder: ArrayBuilder) -> Array {
    create_in(Arc::new(MemoryStore::new()), builder)
}

fn create_in(store: Arc<dyn Store>, builder: ArrayBuilder) -> Array {
    builder
        .create(store, &NodePath::root(), &Options::default())
        .unwrap()
}

fn open(store: &Arc<dyn Store>) -> Array {
    Array::open(store.clone(), &NodePath::root(), &Options::default()).unwrap()
}

fn values(array: &Array) -> Vec<i32> {
    array.read_vec(&Selection::all()).unwrap()
}

#[test]
fn shrinking_erases_what_lies_outside_and_growing_brings_the_fill_value() {
    for separator in ['.', '/'] {
        let mut array = create(builder(&[6], &[2]).separator(separator));
        array.write_vec(&Selection::all(), &[1, 2, 3, 4, 5, 6]).unwrap();
        array.resize(&[3]).unwrap();
        assert_eq!(array.stored_chunks().unwrap(), [[0], [1]]);
        array.resize(&[8]).unwrap();
        // The last chunk kept the element that was outside for a while, as in zarr-python.
        assert_eq!(values(&array), [1, 2, 3, 4, 0, 0, 0, 0]);
        assert_eq!(open(array.store()).shape(), [8]);
    }
}

#[test]
fn a_length_that_is_not_given_is_kept() {
    let mut array = create(builder(&[4, 6], &[2, 2]).format(ZarrFormat::V3));
    array.resize_some(&[None, Some(3)]).unwrap();
    assert_eq!(array.shape(), [4, 3]);
    let error = array.resize_some(&[Some(1)]).unwrap_err();
    assert!(
        matches!(&error, Error::Incompatible { reason, .. }
        if reason == "new shape must have same number of dimensions"),
        "{error}"
    );
    assert!(matches!(
        array.resize(&[1, 1, 1]),
        Err(Error::Incompatible { .. })
    ));
    assert_eq!(open(array.store()).shape(), [4, 3]);
}

#[test]
fn lengths_may_become_zero() {
    let mut array = create(builder(&[4], &[2]));
    array.write_vec(&Selection::all(), &[1, 2, 3, 4]).unwrap();
    array.resize(&[0]).unwrap();
    assert_eq!(array.n_chunks_initialized().unwrap(), 0);
    array.resize(&[3]).unwrap();
    assert_eq!(values(&array), [0, 0, 0]);
}

#[test]
fn appending_adds_behind_along_any_axis() {
    let mut array = create(builder(&[2, 2], &[2, 2]));
    array.write_vec(&Selection::all(), &[1, 2, 3, 4]).unwrap();
    let column = ArrayData::new(vec![2, 1], &[5, 6]).unwrap();
    assert_eq!(array.append(&column, 1).unwrap(), [2, 3]);
    assert_eq!(values(&array), [1, 2, 5, 3, 4, 6]);
    let row = ArrayData::new(vec![1, 3], &[7, 8, 9]).unwrap();
    assert_eq!(array.append(&row, 0).unwrap(), [3, 3]);
    assert_eq!(values(&array), [1, 2, 5, 3, 4, 6, 7, 8, 9]);
    let nothing = ArrayData::new::<i32>(vec![0, 3], &[]).unwrap();
    assert_eq!(array.append(&nothing, 0).unwrap(), [3, 3]);
    assert_eq!(values(&open(array.store())), values(&array));
}

#[test]
fn what_does_not_fit_is_not_appended() {
    let mut array = create(builder(&[2, 2], &[2, 2]));
    let data = ArrayData::new(vec![2, 1], &[5, 6]).unwrap();
    for (data, axis) in [
        (&data, 0),
        (&data, 2),
        (&ArrayData::new(vec![2], &[5, 6]).unwrap(), 0),
    ] {
        let error = array.append(data, axis).unwrap_err();
        assert!(matches!(error, Error::Incompatible { .. }), "{error}");
    }
    let other = ArrayData::new(vec![1, 2], &[5_i64, 6]).unwrap();
    assert!(matches!(array.append(&other, 0), Err(Error::Type { .. })));
    assert_eq!(open(array.store()).shape(), [2, 2]);
}

/// Whatever call fails last, the array is the old one or the new one.
#[test]
fn an_append_that_stops_leaves_the_old_array_or_the_new_one() {
    let data = ArrayData::new(vec![3], &[4, 5, 6]).unwrap();
    let mut seen_old = 0;
    for call in 0.. {
        let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
        create_in(inner.clone(), builder(&[3], &[2]))
            .write_vec(&Selection::all(), &[1, 2, 3])
            .unwrap();
        let faulty = Arc::new(FaultyStore::new(inner.clone(), Fault::stop(call)));
        let appended = Array::open(faulty, &NodePath::root(), &Options::default())
            .and_then(|mut array| array.append(&data, 0).map(<[u64]>::to_vec));
        let found = values(&open(&inner));
        if appended.is_ok() {
            assert_eq!(found, [1, 2, 3, 4, 5, 6]);
            break;
        }
        assert_eq!(found, [1, 2, 3], "stopped before call {call}");
        seen_old += 1;
    }
    assert!(seen_old > 3);
}

#[test]
fn a_shrink_that_stops_leaves_an_array_that_can_be_read() {
    for call in 0.. {
        let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
        create_in(inner.clone(), builder(&[6], &[2]))
            .write_vec(&Selection::all(), &[1, 2, 3, 4, 5, 6])
            .unwrap();
        let faulty = Arc::new(FaultyStore::new(inner.clone(), Fault::stop(call)));
        let resized = Array::open(faulty, &NodePath::root(), &Options::default())
            .and_then(|mut array| array.resize(&[2]));
        let found = values(&open(&inner));
        assert!(
            found == [1, 2, 3, 4, 5, 6] || found == [1, 2],
            "stopped before call {call}: {found:?}"
        );
        if resized.is_ok() {
            assert_eq!(found, [1, 2]);
            break;
        }
    }
}

/// A store that cannot erase is asked before the new shape is written.
#[test]
fn b33_shrinking_checks_before_it_writes() {
    #[derive(Debug)]
    struct KeepsAll(MemoryStore);
    impl Store for KeepsAll {
        fn erase(&self, _: &StoreKey) -> Result<(), StoreError> {
            panic!("the store was asked to erase");
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities {
                erases: false,
                ..Capabilities::ALL
            }
        }

        forward_to_store! { to 0: get_ranges, size, set, list_dir, describe; }
    }
    let store: Arc<dyn Store> = Arc::new(KeepsAll(MemoryStore::new()));
    let mut array = create_in(store.clone(), builder(&[4], &[2]));
    array.write_vec(&Selection::all(), &[1, 2, 3, 4]).unwrap();
    assert!(matches!(array.resize(&[2]), Err(Error::Store(_))));
    assert_eq!(open(&store).shape(), [4]);
    array.resize(&[3]).unwrap();
    assert_eq!(values(&open(&store)), [1, 2, 3]);
}

#[test]
fn a_read_only_array_is_not_changed() {
    let mut array = create(builder(&[2], &[2])).with_options(|options| options.read_only = true);
    let data = ArrayData::new(vec![1], &[1]).unwrap();
    assert!(matches!(array.resize(&[3]), Err(Error::ReadOnly { .. })));
    assert!(matches!(array.append(&data, 0), Err(Error::ReadOnly { .. })));
    assert!(matches!(array.set_fill_value(None), Err(Error::ReadOnly { .. })));
    let store = Arc::new(ReadOnlyStore::new(array.store().clone()));
    let mut array = Array::open(store, &NodePath::root(), &Options::default()).unwrap();
    assert!(matches!(array.resize(&[3]), Err(Error::Store(_))));
    assert_eq!(array.shape(), [2], "a change that fails is not seen");
}

#[test]
fn another_fill_value_is_read_where_nothing_was_written() {
    let mut array = create(builder(&[4], &[2]));
    array.write_vec(&Selection::region(&[0], &[2]), &[1, 2]).unwrap();
    array
        .set_fill_value(Some(FillValue::new(7_i32.to_ne_bytes())))
        .unwrap();
    assert_eq!(values(&array), [1, 2, 7, 7]);
    assert_eq!(values(&open(array.store())), [1, 2, 7, 7]);
    assert!(matches!(
        array.set_fill_value(Some(FillValue::new([1]))),
        Err(Error::Incompatible { .. })
    ));
    array.set_fill_value(None).unwrap();
    assert_eq!(values(&open(array.store())), [1, 2, 0, 0]);
}
