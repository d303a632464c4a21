//! What NumPy prints.

use serde_json::Value;
use zarr_convenience::core::{
    codecs::{ChunkBuffer, Object},
    metadata::v2_data_type,
};

use super::*;

#[track_caller]
fn check<T: zarr_convenience::core::Element>(shape: &[u64], values: &[T], expected: &str) {
    assert_eq!(
        array_text(&ArrayData::new(shape.to_vec(), values).unwrap()),
        expected
    );
}

#[test]
fn arrays_look_as_in_numpy() {
    // Observed in numpy 2.
    check(&[3], &[1_i32, 10, -5], "[ 1 10 -5]");
    check(
        &[2, 2],
        &[1.0_f64, 2.5, 3.25, -4.0],
        "[[ 1.    2.5 ]\n [ 3.25 -4.  ]]",
    );
    check(&[2], &[true, false], "[ True False]");
    check(&[], &[7_i64], "7");
    let long: Vec<i64> = (0..10_000).collect();
    check(&[10_000], &long, "[   0    1    2 ... 9997 9998 9999]");
    check(&[2, 1, 2], &[1_u8, 2, 3, 4], "[[[1 2]]\n\n [[3 4]]]");
}

/// Observed in numpy 2.5.
#[test]
fn objects_look_as_in_python() {
    let text = |text: &str| Object::Text(text.to_owned());
    let list = Object::List(vec![Object::Int(1), text("x")]);
    let map = Object::Map(vec![(
        text("k"),
        Object::List(vec![Object::Int(1), Object::Null]),
    )]);
    let all = [
        text("a"),
        text("b\n'"),
        Object::Null,
        Object::Int(1),
        Object::Float(1.5),
        Object::Bool(true),
        list,
        map,
        Object::Bytes(b"\0ab".to_vec()),
    ];
    check(
        &[9],
        &all,
        r#"['a' "b\n'" None 1 1.5 True list([1, 'x']) {'k': [1, None]} b'\x00ab']"#,
    );
    check(
        &[2, 2],
        &[text("x"), text("x"), text("x"), Object::Null],
        "[['x' 'x']\n ['x' None]]",
    );
    check(&[], &[text("abc")], "abc");
    check(&[], &[Object::List(vec![text("a"), Object::Int(1)])], "['a', 1]");
    let long = |letter: &str| letter.repeat(50);
    check(
        &[3],
        &[long("a"), long("b"), "c".to_owned()],
        &format!("['{}'\n '{}' 'c']", long("a"), long("b")),
    );
    check(
        &[3],
        &["ab".to_owned(), "c\"d".to_owned(), "e'f".to_owned()],
        r#"['ab' 'c"d' "e'f"]"#,
    );
}

/// Observed in numpy 2.5.
#[test]
fn arrays_within_arrays_look_as_in_numpy() {
    check(
        &[3],
        &[vec![1_i32, 2], vec![30], vec![]],
        "[array([1, 2], dtype=int32) array([30], dtype=int32)\n array([], dtype=int32)]",
    );
    let long: Vec<i64> = (0..5000).collect();
    check(
        &[2],
        &[long, vec![1]],
        "[array([   0,    1,    2, ..., 4997, 4998, 4999], shape=(5000,))\n array([1])]",
    );
    check(&[], &[vec![1_i32, 2]], "[1 2]");
    let many: Vec<i64> = (0..30).collect();
    check(
        &[2],
        &[many.clone(), many],
        "[array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,\n        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])\n array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,\n        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])               ]",
    );
}

#[test]
fn long_rows_are_broken() {
    let row: Vec<i64> = (0..40).collect();
    let text = array_text(&ArrayData::new(vec![40], &row).unwrap());
    assert!(text.lines().all(|line| line.len() <= 76), "{text}");
    assert!(
        text.lines().nth(1).is_some_and(|line| line.starts_with(" 2")),
        "{text}"
    );
}

/// Texts that NumPy printed, see `make_numpy_text.py` beside them.
#[test]
fn recorded_texts_are_the_same() {
    let rows: Value =
        serde_json::from_str(include_str!("../../../testdata/numpy_text/numpy_text.json")).unwrap();
    let rows = rows["arrays"].as_array().unwrap();
    let wrong: Vec<String> = rows.iter().filter_map(difference).collect();
    assert!(rows.len() > 300);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}

/// What is wrong about the text of a recorded array.
fn difference(row: &Value) -> Option<String> {
    let (data_type, byte_order) = v2_data_type(&row["dtype"]).unwrap();
    let hex = row["bytes"].as_str().unwrap();
    let digits = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let mut elements: Vec<u8> = (0..hex.len()).step_by(2).map(digits).collect();
    data_type.reorder(&mut elements, byte_order);
    let shape: Vec<u64> = serde_json::from_value(row["shape"].clone()).unwrap();
    let is_summary = edges(&shape).is_some();
    let n_elements = (elements.len() / data_type.size().unwrap()) as u64;
    let array = ArrayData {
        shape: if is_summary {
            vec![n_elements]
        } else {
            shape.clone()
        },
        data_type,
        buffer: ChunkBuffer {
            elements,
            heap: Vec::new(),
        },
    };
    let text = if is_summary {
        edges_text(&array, &shape)
    } else {
        array_text(&array)
    };
    let expected = row["text"].as_str().unwrap();
    (text != expected).then(|| format!("{} {shape:?}\n{expected}\nis shown as\n{text}", row["dtype"]))
}
