//! Casts are those that numcodecs makes with `NumPy`; `testdata/casts/make_casts.py` says of what.

use std::{fs, path::Path};

use serde_json::{Value, json};
use zarr_codecs::{Codec, CodecConfig, CodecRegistry, DataType, StoredType, testing::spec};

fn bytes(hex: &Value) -> Vec<u8> {
    let hex = hex.as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// The type of a name, as it lies in memory on the machine that made the values.
fn data_type(name: &str) -> DataType {
    StoredType::from_numpy(name).unwrap().data_type
}

/// All numbers but one that is none, of which the sign and the digits are no part of a cast.
fn without_nan(name: &str, mut values: Vec<u8>) -> Vec<u8> {
    let (size, exponent): (usize, u64) = match name {
        "<f2" => (2, 0x7c00),
        "<f4" | "<c8" => (4, 0x7f80_0000),
        "<f8" | "<c16" => (8, 0x7ff0_0000_0000_0000),
        "<f16" | "<c32" => (16, 0),
        _ => return values,
    };
    for value in values.chunks_exact_mut(size) {
        let is_nan = if size == 16 {
            value[9] & 0x7f == 0x7f && value[8] == 0xff && value[..8] != [0, 0, 0, 0, 0, 0, 0, 0x80]
        } else {
            let number = value
                .iter()
                .rev()
                .fold(0, |number, byte| number << 8 | u64::from(*byte));
            number & exponent == exponent
                && number & (exponent & exponent.wrapping_neg()).wrapping_sub(1) != 0
        };
        if is_nan {
            value.fill(0xff);
        }
    }
    values
}

/// Whether `NumPy` lets counts wrap around that do not fit, where we refuse them.
fn wraps(from: &str, to: &str) -> bool {
    [
        ("<M8[Y]", "<M8[ms]"),
        ("<M8[Y]", "<M8[ns]"),
        ("<M8[M]", "<M8[ns]"),
    ]
    .contains(&(from, to))
}

#[test]
#[cfg(target_endian = "little")]
fn numbers_and_times_are_cast_as_numpy_casts_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/casts/casts.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut n_casts = 0;
    for (from, casts) in document["casts"].as_object().unwrap() {
        let values = bytes(&document["values"][from]);
        let length = values.len() / data_type(from).size().unwrap();
        for (to, expected) in casts.as_object().unwrap() {
            let config = CodecConfig::of(
                "numcodecs.astype",
                json!({"encode_dtype": to, "decode_dtype": from}),
            );
            let Codec::ArrayToArray(codec) = CodecRegistry::default().build(&config).unwrap() else {
                unreachable!("astype is a codec of arrays")
            };
            let mut cast = Vec::new();
            let result = codec.encode(&values, &spec(&[length as u64], data_type(from)), &mut cast);
            n_casts += 1;
            if expected.is_null() || wraps(from, to) {
                assert!(result.is_err(), "{from} to {to}");
                continue;
            }
            result.unwrap();
            assert_eq!(
                without_nan(to, cast),
                without_nan(to, bytes(expected)),
                "{from} to {to}"
            );
        }
    }
    assert!(n_casts > 600, "{n_casts}");
}
