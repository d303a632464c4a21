//! Views, and iteration over the first dimension.

use std::sync::Arc;

use zarr_core::{
    Array, ArrayBuilder, Error, NodePath, Options, Selection, ViewOptions,
    codecs::{ByteOrder, DataType, TimeUnit},
    store::{CountingStore, MemoryStore, Store},
};

fn array(store: Arc<dyn Store>, shape: &[u64], chunk_shape: &[u64]) -> Array {
    ArrayBuilder::new(shape.to_vec(), DataType::Int64)
        .chunk_shape(chunk_shape.to_vec())
        .create(store, &NodePath::new("a").unwrap(), &Options::default())
        .unwrap()
}

#[test]
fn a_view_reads_and_writes_the_same_chunks_under_other_metadata() {
    let array = array(Arc::new(MemoryStore::new()), &[6], &[6]);
    array
        .write_vec(&Selection::all(), &[1_i64, 2, 3, 4, 5, 6])
        .unwrap();
    let shorter = array
        .view(ViewOptions {
            shape: Some(vec![4]),
            ..ViewOptions::default()
        })
        .unwrap();
    assert_eq!(shorter.read_vec::<i64>(&Selection::all()).unwrap(), [1, 2, 3, 4]);
    let days = DataType::DateTime64(TimeUnit::new("D", 1).unwrap());
    let view = array
        .view(ViewOptions {
            data_type: Some((days.clone(), ByteOrder::Little)),
            ..ViewOptions::default()
        })
        .unwrap();
    assert_eq!(*view.data_type(), days);
    view.write_vec(&Selection::parse("0").unwrap(), &[9_i64]).unwrap();
    assert_eq!(
        array.read_vec::<i64>(&Selection::parse(":2").unwrap()).unwrap(),
        [9, 2]
    );
    let stored = Array::open(array.store().clone(), array.path(), array.options()).unwrap();
    assert_eq!(*stored.data_type(), DataType::Int64, "the document stays");
}

#[test]
fn a_view_is_not_resized() {
    let array = array(Arc::new(MemoryStore::new()), &[6], &[6]);
    let mut view = array.view(ViewOptions::default()).unwrap();
    let error = view.resize(&[3]).unwrap_err();
    assert!(matches!(error, Error::View { .. }), "{error}");
    assert!(error.to_string().ends_with("operation not permitted for views"));
    assert!(matches!(view.write_metadata(), Err(Error::View { .. })));
    assert!(matches!(view.set_fill_value(None), Err(Error::View { .. })));
    let read_only = array
        .view(ViewOptions {
            read_only: Some(true),
            ..ViewOptions::default()
        })
        .unwrap();
    assert!(matches!(
        read_only.write_vec(&Selection::all(), &[1_i64]),
        Err(Error::ReadOnly { .. })
    ));
}

#[test]
fn a_view_whose_chunks_have_another_size_is_an_error_when_it_is_read() {
    let array = array(Arc::new(MemoryStore::new()), &[6], &[6]);
    array.write_vec(&Selection::all(), &[1_i64]).unwrap();
    let view = array
        .view(ViewOptions {
            shape: Some(vec![7]),
            chunk_shape: Some(vec![7]),
            ..ViewOptions::default()
        })
        .unwrap();
    assert!(matches!(
        view.read_vec::<i64>(&Selection::all()),
        Err(Error::Chunk { .. })
    ));
    let wrong = ViewOptions {
        chunk_shape: Some(vec![2, 2]),
        ..ViewOptions::default()
    };
    assert!(matches!(array.view(wrong), Err(Error::Incompatible { .. })));
}

#[test]
fn rows_come_one_by_one_and_each_chunk_is_read_once() {
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = array(store.clone(), &[5, 2], &[2, 2]);
    let values: Vec<i64> = (0..10).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    let before = store.counts().gets;
    let rows: Vec<Vec<i64>> = array
        .rows(..)
        .unwrap()
        .map(|row| row.unwrap().to_vec().unwrap())
        .collect();
    assert_eq!(rows, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]);
    assert_eq!(store.counts().gets - before, 3);
    let mut some = array.rows(1..3).unwrap();
    let first = some.next().unwrap().unwrap();
    assert_eq!(
        (first.shape.as_slice(), first.to_vec::<i64>().unwrap()),
        (&[2][..], vec![2, 3])
    );
    assert_eq!(some.count(), 1);
    assert_eq!(array.rows(4..100).unwrap().count(), 1);
    assert_eq!(array.rows(7..).unwrap().count(), 0);
}

#[test]
fn rows_of_texts_have_texts_of_their_own() {
    let array = ArrayBuilder::new(vec![3], DataType::String)
        .chunk_shape(vec![2])
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    array
        .write_vec(&Selection::all(), &["a", "", "long"].map(str::to_owned))
        .unwrap();
    let rows: Vec<_> = array
        .rows(..)
        .unwrap()
        .map(|row| row.unwrap().to_vec::<String>().unwrap().remove(0))
        .collect();
    assert_eq!(rows, ["a", "", "long"]);
}

#[test]
fn an_array_without_dimensions_has_no_length_and_no_rows() {
    let array = array(Arc::new(MemoryStore::new()), &[], &[]);
    let error = array.length().unwrap_err();
    assert_eq!(error.to_string(), "len() of unsized object");
    assert_eq!(
        array.rows(..).unwrap_err().to_string(),
        "iteration over a 0-d array"
    );
}

#[test]
fn iteration_ends_with_the_first_error() {
    let array = array(Arc::new(MemoryStore::new()), &[4], &[2]);
    array.write_vec(&Selection::all(), &[1_i64]).unwrap();
    array
        .store()
        .set(&array.chunk_key(&[1]).unwrap(), b"damaged")
        .unwrap();
    let rows: Vec<_> = array.rows(..).unwrap().map(|row| row.is_ok()).collect();
    assert_eq!(rows, [true, true, false]);
}
