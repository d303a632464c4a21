//! Items of variable size, wherever the caller has them and however chunks cut them.

use std::{fmt::Debug, sync::Arc};

use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, Element, NodePath, Options, Order, Selection, SelectionItem, Workers, ZarrFormat,
    codecs::{DataType, FillValue, Object},
    metadata::V2Codecs,
    store::{MemoryStore, Store},
};

const SHAPE: [usize; 2] = [5, 7];

/// Arrays of a type whose chunks are rows, are boxes, are transposed and lie in shards.
fn arrays<T: Element>(codec: &Value, fill: &[u8]) -> Vec<Array> {
    let shape = SHAPE.map(|length| length as u64);
    let builder = || ArrayBuilder::new(shape.to_vec(), T::data_type()).fill_value(Some(FillValue::new(fill)));
    let v2 = |chunk_shape: [u64; 2]| {
        builder().chunk_shape(chunk_shape.to_vec()).v2_codecs(V2Codecs {
            filters: Some(vec![codec.clone()]),
            compressor: None,
        })
    };
    let mut builders = vec![v2([2, 7]), v2([2, 3]), v2([3, 3]).order(Order::F), v2([5, 7])];
    // V3 has no codecs for the other types.
    if T::data_type() == DataType::String {
        let shards = builder().chunk_shape(vec![2, 2]).shard_shape(vec![4, 6]);
        builders.push(shards.format(ZarrFormat::V3));
    }
    let options = Options {
        workers: Workers::new(3),
        ..Options::default()
    };
    let create = |builder: ArrayBuilder| {
        let store = Arc::new(MemoryStore::new());
        builder.create(store, &NodePath::root(), &options).unwrap()
    };
    builders.into_iter().map(create).collect()
}

/// Writes in many ways, and compares with what is so written to a plain table.
fn check<T: Element + PartialEq + Debug>(codec: &Value, fill: (&[u8], T), value: impl Fn(usize) -> T) {
    let [n_rows, n_columns] = SHAPE;
    for array in arrays::<T>(codec, fill.0) {
        let mut table = vec![fill.1.clone(); n_rows * n_columns];
        let mut number = 0;
        let mut write = |rows: &[usize], columns: &[usize], is_single: bool| {
            let places: Vec<_> = rows
                .iter()
                .flat_map(|row| columns.iter().map(move |column| row * n_columns + column))
                .collect();
            number += 1;
            let value = |index: usize| value(if is_single { number } else { number + 3 * index });
            let n_values = if is_single { 1 } else { places.len() };
            let values: Vec<_> = (0..n_values).map(value).collect();
            for (index, place) in places.into_iter().enumerate() {
                table[place] = values[index % n_values].clone();
            }
            let list = |places: &[usize]| {
                let places: Vec<_> = places.iter().map(|place| *place as i64).collect();
                SelectionItem::indices(places)
            };
            let selection = Selection::orthogonal([list(rows), list(columns)]);
            array.write_vec(&selection, &values).unwrap();
            let read = array.read_vec::<T>(&Selection::all()).unwrap();
            assert_eq!(read, table, "{rows:?} {columns:?} {is_single}");
        };
        let all_rows: Vec<_> = (0..n_rows).collect();
        let all_columns: Vec<_> = (0..n_columns).collect();
        write(&[1, 2, 3], &[2, 3, 4], false);
        write(&[4, 0], &[6, 1, 5], false);
        write(&all_rows, &[3], true);
        write(&all_rows, &all_columns, false);
        write(&[0, 2, 4], &all_columns, false);
        write(&[3], &[1], false);
        write(&all_rows, &all_columns, true);
    }
}

#[test]
fn what_is_read_of_texts_holds_no_others() {
    let [n_rows, n_columns] = SHAPE;
    let table: Vec<_> = (0..n_rows * n_columns).map(|place| format!("é{place}")).collect();
    let parts = [
        (":, 3", vec![0, 1, 2, 3, 4], vec![3]),
        ("1:4, 2:5", vec![1, 2, 3], vec![2, 3, 4]),
        ("::2, ::3", vec![0, 2, 4], vec![0, 3, 6]),
        ("4, 6", vec![4], vec![6]),
    ];
    for array in arrays::<String>(&json!({"id": "vlen-utf8"}), b"") {
        array.write_vec(&Selection::all(), &table).unwrap();
        for (text, rows, columns) in &parts {
            let places = rows
                .iter()
                .flat_map(|row| columns.iter().map(move |column| row * n_columns + column));
            let expected: Vec<_> = places.map(|place| table[place].clone()).collect();
            let selection = Selection::parse(text).unwrap();
            assert_eq!(array.read_vec::<String>(&selection).unwrap(), expected, "{text}");
            let data = array.read_data(&selection).unwrap();
            assert_eq!(data.to_vec::<String>().unwrap(), expected, "{text}");
            let size: usize = expected.iter().map(String::len).sum();
            assert_eq!(data.buffer.heap.len(), size, "{text}");
        }
    }
}

#[test]
fn items_count_towards_what_may_be_read_at_once() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let n_texts = 10_u64;
    let builder = ArrayBuilder::new(vec![n_texts], DataType::String).chunk_shape(vec![2]);
    let array = builder.create(Arc::clone(&store), &NodePath::root(), &Options::default());
    let texts = vec!["x".repeat(1000); n_texts as usize];
    array.unwrap().write_vec(&Selection::all(), &texts).unwrap();
    let options = Options {
        read_size_max: 5000,
        ..Options::default()
    };
    let array = Array::open(store, &NodePath::root(), &options).unwrap();
    for few in ["4", "3:7", "::4"] {
        array.read_vec::<String>(&Selection::parse(few).unwrap()).unwrap();
    }
    for many in [":", "1:9", ":7"] {
        let selection = Selection::parse(many).unwrap();
        let error = array.read_vec::<String>(&selection).unwrap_err();
        let error = std::error::Error::source(&error).unwrap_or(&error).to_string();
        assert!(error.contains("more than 5000 bytes"), "{many}: {error}");
    }
}

#[test]
fn texts_are_written_wherever_they_lie() {
    let text = |index: usize| "aé😀".repeat(index % 4) + &index.to_string()[index % 2..];
    for fill in ["", "nothing"] {
        check(
            &json!({"id": "vlen-utf8"}),
            (fill.as_bytes(), fill.to_owned()),
            text,
        );
    }
}

#[test]
fn byte_strings_are_written_wherever_they_lie() {
    let bytes = |index: usize| vec![index as u8 | 0x80; index % 5];
    check(&json!({"id": "vlen-bytes"}), (&[], Vec::new()), bytes);
    check(
        &json!({"id": "vlen-bytes"}),
        (&[255, 0, 1], vec![255, 0, 1]),
        bytes,
    );
}

#[test]
fn arrays_of_numbers_are_written_wherever_they_lie() {
    let numbers = |index: usize| (0..index % 4).map(|number| number as i16 - 1).collect::<Vec<_>>();
    check(
        &json!({"id": "vlen-array", "dtype": "<i2"}),
        (&[], Vec::<i16>::new()),
        numbers,
    );
}

#[test]
fn objects_are_written_wherever_they_lie() {
    let object = |index: usize| match index % 4 {
        0 => Object::Null,
        1 => Object::Int(index as i128 * 1000),
        2 => Object::Text("x".repeat(index)),
        _ => Object::List(vec![Object::Bool(true), Object::Null]),
    };
    let fill = Object::Text("none".to_owned());
    check(
        &json!({"id": "msgpack2"}),
        (&fill.to_item(), fill.clone()),
        object,
    );
}

#[cfg(feature = "ndarray")]
#[test]
fn texts_come_from_arrays_in_any_order() {
    let texts =
        ndarray::Array2::from_shape_fn((7, 5), |(row, column)| format!("{row}{}", "x".repeat(column)));
    for array in arrays::<String>(&json!({"id": "vlen-utf8"}), b"") {
        array.write(&Selection::all(), &texts.t()).unwrap();
        let read: Vec<String> = array.read_vec(&Selection::all()).unwrap();
        assert!(read.iter().eq(texts.t().iter()));
        let backwards = texts.slice(ndarray::s![..;-2, ..;-1]);
        array
            .write(&Selection::parse(":, :4").unwrap(), &backwards.t())
            .unwrap();
        let read: Vec<String> = array.read_vec(&Selection::parse(":, :4").unwrap()).unwrap();
        assert!(read.iter().eq(backwards.t().iter()));
    }
}
