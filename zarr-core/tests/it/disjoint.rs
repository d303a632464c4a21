//! Threads that fill one output at the same time, each the places of its own chunks.
//!
//! `cargo xtask miri` runs these where every access to memory is checked; they call no C library for that.

use std::sync::Arc;

use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, SelectionItem, Workers,
    codecs::{ByteOrder, DataType, FillValue},
    metadata::V2Codecs,
    store::MemoryStore,
};

const SHAPE: [u64; 2] = [11, 9];
const CHUNK_SHAPE: [u64; 2] = [3, 4];
const FILL: i32 = -7;
/// From this row on nothing is written: whole chunks.
const WRITTEN: u64 = 9;

/// An array whose elements are their places in C order, but for its last rows.
fn array(byte_order: ByteOrder) -> Array {
    let options = Options {
        // As many threads as requests, however small the work is.
        workers: Workers::new(3).with_requests(3),
        ..Options::default()
    };
    let array = ArrayBuilder::new(SHAPE.to_vec(), DataType::Int32)
        .chunk_shape(CHUNK_SHAPE.to_vec())
        .fill_value(Some(FillValue::new(FILL.to_ne_bytes().to_vec())))
        .byte_order(byte_order)
        .v2_codecs(V2Codecs::default())
        .create(Arc::new(MemoryStore::new()), &NodePath::root(), &options)
        .unwrap();
    let values: Vec<i32> = (0..(WRITTEN * SHAPE[1]) as i32).collect();
    let written = Selection::region(&[0, 0], &[WRITTEN, SHAPE[1]]);
    array.write_vec(&written, &values).unwrap();
    array
}

fn element(row: u64, column: u64) -> i32 {
    if row < WRITTEN {
        (row * SHAPE[1] + column) as i32
    } else {
        FILL
    }
}

/// The elements in some rows and columns.
fn product(rows: &[u64], columns: &[u64]) -> Vec<i32> {
    let row = |row: &u64| {
        columns
            .iter()
            .map(|column| element(*row, *column))
            .collect::<Vec<_>>()
    };
    rows.iter().flat_map(row).collect()
}

fn check(selection: &Selection, expected: &[i32]) {
    for byte_order in [ByteOrder::Little, ByteOrder::Big] {
        let values = array(byte_order).read_vec::<i32>(selection).unwrap();
        assert_eq!(values, expected, "{selection} {byte_order:?}");
    }
}

#[test]
fn of_a_box() {
    let (rows, columns): (Vec<_>, Vec<_>) = ((0..SHAPE[0]).collect(), (0..SHAPE[1]).collect());
    check(&Selection::all(), &product(&rows, &columns));
    check(
        &Selection::region(&[1, 2], &[9, 5]),
        &product(&rows[1..10], &columns[2..7]),
    );
}

#[test]
fn of_a_box_with_steps() {
    let selection = Selection::parse("1:11:2, ::3").unwrap();
    check(&selection, &product(&[1, 3, 5, 7, 9], &[0, 3, 6]));
}

#[test]
fn of_lists_with_elements_that_come_again() {
    let list =
        |values: &[u64]| SelectionItem::indices(values.iter().map(|value| *value as i64).collect::<Vec<_>>());
    let (rows, columns) = ([10, 0, 4, 0, 8], [8, 3, 3, 0]);
    let selection = Selection::orthogonal([list(&rows), list(&columns)]);
    check(&selection, &product(&rows, &columns));
}

#[test]
fn of_points() {
    let points: [[i64; 6]; 2] = [[10, 0, 4, 0, 8, 4], [8, 3, 3, 0, 5, 3]];
    let expected: Vec<_> = (0..6)
        .map(|number| element(points[0][number] as u64, points[1][number] as u64))
        .collect();
    check(&Selection::coordinates(points), &expected);
}

/// Slots of texts are changed where they lie in the output, after all of a chunk's have been copied there.
#[test]
fn of_texts() {
    let options = Options {
        workers: Workers::new(3).with_requests(3),
        ..Options::default()
    };
    let array = ArrayBuilder::new(SHAPE.to_vec(), DataType::String)
        .chunk_shape(CHUNK_SHAPE.to_vec())
        .v2_codecs(V2Codecs {
            filters: Some(vec![serde_json::json!({"id": "vlen-utf8"})]),
            compressor: None,
        })
        .create(Arc::new(MemoryStore::new()), &NodePath::root(), &options)
        .unwrap();
    let texts: Vec<_> = (0..SHAPE[0] * SHAPE[1]).map(|place| place.to_string()).collect();
    array.write_vec(&Selection::all(), &texts).unwrap();
    assert_eq!(array.read_vec::<String>(&Selection::all()).unwrap(), texts);
    let some = array
        .read_vec::<String>(&Selection::parse("1:11:4, ::3").unwrap())
        .unwrap();
    assert_eq!(some, ["9", "12", "15", "45", "48", "51", "81", "84", "87"]);
}
