//! What zfpy wrote is read, and written the same, bit by bit.
//!
//! `testdata/codecs/make_zfpy.py` says how the arrays were made.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use zarr_codecs::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecConfig, CodecRegistry, DataType,
    testing::spec,
};

use crate::fixtures::chunk;

fn document() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/codecs/zfpy.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn spec_of(case: &Value) -> ChunkSpec {
    let data_type = match case["dtype"].as_str().unwrap() {
        "<i4" => DataType::Int32,
        "<i8" => DataType::Int64,
        "<f4" => DataType::Float32,
        _ => DataType::Float64,
    };
    let lengths = case["shape"].as_array().unwrap().iter();
    spec(
        &lengths.map(|length| length.as_u64().unwrap()).collect::<Vec<_>>(),
        data_type,
    )
}

/// The number at an index of a wave, before it is divided for floats.
fn wave(index: usize, count: usize) -> i64 {
    let noise = chunk("noise", 4 * (index + 1))[4 * index + 3];
    let distance = index as i64 - count as i64 / 2;
    distance * distance % 100_000 + i64::from(noise >> 3)
}

macro_rules! strange {
    ($float:ident) => {
        [
            $float::NAN,
            $float::INFINITY,
            -0.0,
            $float::MIN_POSITIVE / 4.0,
            $float::MAX,
            $float::NEG_INFINITY,
            0.0,
            $float::MIN,
        ]
    };
}

/// Arrays by the same rules as in the script.
fn array(rule: &str, spec: &ChunkSpec) -> Vec<u8> {
    if rule == "bits" {
        return chunk("noise", spec.size().unwrap());
    }
    let count = spec.n_elements().unwrap() as usize;
    let number = |index: usize| {
        let number = wave(index, count);
        let is_strange = rule == "special" && index.is_multiple_of(5);
        let strange = is_strange.then_some(index / 5 % 8);
        match spec.data_type {
            DataType::Int32 => (number as i32).to_ne_bytes().to_vec(),
            DataType::Int64 => number.to_ne_bytes().to_vec(),
            DataType::Float32 => strange
                .map_or(number as f32 / 64.0, |strange| strange!(f32)[strange])
                .to_ne_bytes()
                .to_vec(),
            _ => strange
                .map_or(number as f64 / 64.0, |strange| strange!(f64)[strange])
                .to_ne_bytes()
                .to_vec(),
        }
    };
    (0..count).flat_map(number).collect()
}

fn build(configuration: &Value) -> std::sync::Arc<dyn ArrayToBytes> {
    let config = CodecConfig::of("zfpy", configuration.clone());
    match CodecRegistry::default().build(&config).unwrap() {
        Codec::ArrayToBytes(codec) => codec,
        other => unreachable!("{other:?} is no codec of arrays"),
    }
}

#[test]
fn arrays_of_zfpy_are_read_and_written() {
    for case in document()["cases"].as_array().unwrap() {
        let (codec, spec) = (build(&case["config"]), spec_of(case));
        let elements = array(case["rule"].as_str().unwrap(), &spec);
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let mut encoded = Vec::new();
        codec.encode(chunk, &spec, &mut encoded).unwrap();
        assert_eq!(case["encoded_size"], encoded.len(), "{case}");
        if let Some(stored) = case["encoded"].as_str() {
            assert_eq!(encoded, BASE64_STANDARD.decode(stored).unwrap(), "{case}");
        }
        assert_eq!(case["encoded_crc32"], crc32fast::hash(&encoded), "{case}");

        let mut decoded = ChunkBuffer::default();
        codec.decode(&encoded, &spec, &mut decoded).unwrap();
        assert_eq!(
            case["decoded_crc32"],
            crc32fast::hash(&decoded.elements),
            "{case}"
        );
        if case["config"]["mode"] == 5 {
            assert_eq!(decoded.elements, elements, "{case}");
        }
    }
}
