//! Rust types as elements, both byte orders.

use std::sync::Arc;

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Element, Error, NodePath, Options, Selection,
    codecs::{DataType, LongDouble, TimeUnit},
    metadata::{V2Codecs, v2_data_type},
    store::{MemoryStore, StoreExt, StoreKey},
};

/// An array of one chunk, stored uncompressed.
fn array(length: u64, dtype: &str) -> Array {
    let (data_type, byte_order) = v2_data_type(&json!(dtype)).unwrap();
    ArrayBuilder::new(vec![length], data_type)
        .byte_order(byte_order)
        .chunk_shape(vec![length])
        .v2_codecs(V2Codecs::default())
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap()
}

/// Writes values, compares the stored bytes and reads the values back.
#[track_caller]
fn check<T: Element + PartialEq + std::fmt::Debug>(dtype: &str, values: &[T], stored: &[u8]) {
    let array = array(values.len() as u64, dtype);
    array.write_vec(&Selection::all(), values).unwrap();
    let chunk = array.store().get(&StoreKey::new("0").unwrap(), 1000).unwrap();
    assert_eq!(chunk.as_deref(), Some(stored), "{dtype}");
    assert_eq!(array.read_vec::<T>(&Selection::all()).unwrap(), values, "{dtype}");
    let data = ArrayData::of_type(vec![values.len() as u64], array.data_type().clone(), values).unwrap();
    assert_eq!(array.read_data(&Selection::all()).unwrap(), data, "{dtype}");
}

#[test]
fn texts_of_fixed_length_are_strings() {
    let texts = ["aä".to_owned(), String::new(), "😀".to_owned()];
    let little = b"a\0\0\0\xe4\0\0\0\0\0\0\0\0\0\0\0\x00\xf6\x01\0\0\0\0\0";
    let big = b"\0\0\0a\0\0\0\xe4\0\0\0\0\0\0\0\0\0\x01\xf6\x00\0\0\0\0";
    check("<U2", &texts, little);
    check(">U2", &texts, big);
}

#[test]
fn byte_strings_of_fixed_length_are_bytes() {
    check(
        "|S3",
        &[b"ab".to_vec(), vec![], b"a\0b".to_vec()],
        b"ab\0\0\0\0a\0b",
    );
    check("|V2", &[vec![0_u8, 1], vec![1, 0]], &[0, 1, 1, 0]);
    check("|S2", &[[b'a', 0], [0, 0]], b"a\0\0\0");
    check("|V3", &[[1_u8, 2, 3]], &[1, 2, 3]);
}

#[test]
fn numbers_are_stored_in_the_byte_order_of_the_array() {
    check("<i2", &[1_i16, -2], &[1, 0, 0xfe, 0xff]);
    check(">i2", &[1_i16, -2], &[0, 1, 0xff, 0xfe]);
    check(">f4", &[1.0_f32], &[0x3f, 0x80, 0, 0]);
    check(">M8[s]", &[258_i64], &[0, 0, 0, 0, 0, 0, 1, 2]);
    check("<m8[10D]", &[258_i64], &[2, 1, 0, 0, 0, 0, 0, 0]);
    check("|b1", &[true, false], &[1, 0]);
    check("<f2", &[half::f16::ONE], &[0, 0x3c]);
    check(
        ">c8",
        &[num_complex::Complex::new(1.0_f32, 0.0)],
        &[0x3f, 0x80, 0, 0, 0, 0, 0, 0],
    );
}

/// Compares with `numcodecs.VLenArray(dtype).encode` of the same arrays.
#[test]
fn arrays_of_any_length_are_vectors_of_numbers() {
    #[track_caller]
    fn check<T>(values: &[Vec<T>], stored: &[u8])
    where
        Vec<T>: Element + PartialEq + std::fmt::Debug,
    {
        let length = values.len() as u64;
        let array = ArrayBuilder::new(vec![length], <Vec<T>>::data_type())
            .chunk_shape(vec![length])
            .v2_codecs(V2Codecs::default())
            .create(
                Arc::new(MemoryStore::new()),
                &NodePath::root(),
                &Options::default(),
            )
            .unwrap();
        array.write_vec(&Selection::all(), values).unwrap();
        let chunk = array.store().get(&StoreKey::new("0").unwrap(), 1000).unwrap();
        assert_eq!(chunk.as_deref(), Some(stored));
        assert_eq!(array.read_vec::<Vec<T>>(&Selection::all()).unwrap(), values);
    }
    check(
        &[vec![1_i16, -2], vec![], vec![3]],
        b"\x03\0\0\0\x04\0\0\0\x01\0\xfe\xff\0\0\0\0\x02\0\0\0\x03\0",
    );
    check(
        &[vec![1.0_f32], vec![]],
        b"\x02\0\0\0\x04\0\0\0\0\0\x80\x3f\0\0\0\0",
    );
    check(&[vec![true, false]], b"\x01\0\0\0\x02\0\0\0\x01\0");
    check(
        &[vec![num_complex::Complex::new(1.0_f32, 2.0)]],
        b"\x01\0\0\0\x08\0\0\0\0\0\x80\x3f\0\0\0\x40",
    );
}

#[test]
fn arrays_of_other_numbers_do_not_fit() {
    let ragged = |numbers| DataType::VlenArray(Box::new(numbers));
    assert!(<Vec<f32>>::fits(&ragged(DataType::Float32)));
    assert!(!<Vec<f32>>::fits(&ragged(DataType::Float64)));
    assert!(!<Vec<f32>>::fits(&DataType::Float32));
    assert!(!<Vec<i64>>::fits(&DataType::Bytes));
    let seconds = TimeUnit::new("s", 1).unwrap();
    assert!(<Vec<i64>>::fits(&ragged(DataType::DateTime64(seconds))));
}

#[test]
fn long_doubles_have_ten_bytes_and_six_zeros() {
    let values = [LongDouble::from(2.5), LongDouble::from(-1.0)];
    let little = *b"\0\0\0\0\0\0\0\xa0\x00\x40\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\xff\xbf\0\0\0\0\0\0";
    let mut big = little;
    big[..16].reverse();
    big[16..].reverse();
    check("<f16", &values, &little);
    check(">f16", &values, &big);
    let pair = num_complex::Complex::new(values[0], values[1]);
    check("<c32", &[pair], &little);
    check(">c32", &[pair], &big);
}

#[test]
fn values_that_are_too_long_are_refused_by_their_limit() {
    let error = array(2, "<U2").write_vec(&Selection::all(), &["ab".to_owned(), "abc".to_owned()]);
    let error = error.unwrap_err();
    assert!(
        matches!(&error, Error::Value { array, .. } if array == "/"),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "array '/': value 1 has 3 characters, limit 2");
    let error = array(1, "|S2")
        .write_vec(&Selection::all(), &[b"abc".to_vec()])
        .unwrap_err();
    assert_eq!(error.to_string(), "array '/': value 0 has 3 bytes, limit 2");
}

#[test]
fn a_code_that_is_no_character_is_an_error() {
    let array = array(1, "<U1");
    let key = StoreKey::new("0").unwrap();
    array.store().set(&key, &0xd800_u32.to_le_bytes()).unwrap();
    let error = array.read_vec::<String>(&Selection::all()).unwrap_err();
    assert!(matches!(error, Error::Value { .. }), "{error}");
}

#[test]
fn types_that_do_not_fit_are_refused() {
    assert!(matches!(
        array(1, "|S2").read_vec::<String>(&Selection::all()),
        Err(Error::Type { .. })
    ));
    assert!(matches!(
        array(1, "|S2").read_vec::<[u8; 3]>(&Selection::all()),
        Err(Error::Type { .. })
    ));
    assert!(matches!(
        array(1, "<U2").read_vec::<Vec<u8>>(&Selection::all()),
        Err(Error::Type { .. })
    ));
    let hours = DataType::DateTime64(TimeUnit::new("h", 1).unwrap());
    assert!(ArrayData::of_type(vec![1], hours.clone(), &[1_i64]).is_ok());
    assert!(matches!(
        ArrayData::of_type(vec![1], hours, &[1_i32]),
        Err(Error::Type { .. })
    ));
}
