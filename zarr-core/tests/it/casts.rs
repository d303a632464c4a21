//! `Array::astype` casts as `NumPy` does; `testdata/casts/make_casts.py` says of what.

use std::{fs, path::Path, sync::Arc};

use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Error, NodePath, Options, Selection,
    codecs::{ByteOrder, ChunkBuffer, DataType, FillValue},
    metadata::v2_data_type,
    store::MemoryStore,
};

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn data_type(name: &str) -> DataType {
    v2_data_type(&json!(name)).unwrap().0
}

/// An array of the values in two chunks, and one of them that is not stored.
fn array(data_type: DataType, byte_order: ByteOrder, elements: Vec<u8>) -> Array {
    let length = (elements.len() / data_type.size().unwrap()) as u64;
    let fill_value = FillValue::new(&elements[elements.len() - data_type.size().unwrap()..]);
    let array = ArrayBuilder::new(vec![length + 1], data_type.clone())
        .byte_order(byte_order)
        .chunk_shape(vec![length.div_ceil(2)])
        .fill_value(Some(fill_value))
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    let data = ArrayData {
        shape: vec![length],
        data_type,
        buffer: ChunkBuffer {
            elements,
            heap: Vec::new(),
        },
    };
    array
        .write_data(&Selection::region(&[0], &[length]), &data)
        .unwrap();
    array
}

#[test]
#[cfg(target_endian = "little")]
fn elements_and_fill_values_are_cast_as_numpy_casts_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/casts/casts.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut n_casts = 0;
    for (from, casts) in document["casts"].as_object().unwrap() {
        for (to, expected) in casts.as_object().unwrap() {
            // What has no number has bits of its own, which the codec's tests know to pass over.
            let has_nan = |name: &str| name.contains('f') || name.contains('c');
            if from.contains("8[") && to.contains("8[") && from != to || has_nan(from) && has_nan(to) {
                continue;
            }
            for byte_order in [ByteOrder::Little, ByteOrder::Big] {
                let array = array(data_type(from), byte_order, bytes(&document["values"][from]));
                let view = array.astype(&data_type(to)).unwrap();
                let mut read = view.read_data(&Selection::all()).unwrap();
                assert_eq!(read.data_type, data_type(to));
                let size = read.data_type.size().unwrap();
                let fill_value = read.buffer.elements.split_off(read.buffer.elements.len() - size);
                assert_eq!(read.buffer.elements, bytes(expected), "{from} to {to}");
                assert!(
                    read.buffer.elements.ends_with(&fill_value),
                    "{from} to {to}: fill value {fill_value:?}"
                );
                n_casts += 1;
            }
        }
    }
    assert!(n_casts > 400, "{n_casts}");
}

#[test]
fn a_view_of_another_type_is_not_written_and_names_what_it_does_not_cast() {
    let array = array(DataType::Int16, ByteOrder::Little, vec![1, 0, 2, 0]);
    let view = array.astype(&DataType::Float32).unwrap();
    let error = view.write_vec(&Selection::all(), &[1.0_f32]).unwrap_err();
    assert!(matches!(error, Error::ReadOnly { .. }), "{error}");
    let error = array.astype(&DataType::Raw(2)).unwrap_err();
    assert!(matches!(error, Error::Codecs { .. }), "{error}");
    assert!(array.astype(&DataType::String).is_err());
}
