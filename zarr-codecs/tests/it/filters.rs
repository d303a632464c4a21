//! What the filters of numcodecs make of arrays is read, and made the same.
//!
//! `testdata/codecs/make_filters.py` says how the cases were made.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use zarr_codecs::{
    ByteOrder, ChunkCodec, ChunkRef, ChunkSpec, Codec, CodecChain, CodecConfig, CodecRegistry, Limits,
    Scratch, StoredType, testing,
};

fn cases() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/codecs/filters.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    document["cases"].as_array().unwrap().clone()
}

fn bytes(case: &Value, name: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(case[name].as_str().unwrap()).unwrap()
}

/// The configuration in the V3 form, which becomes the V2 one again.
fn config(case: &Value, stored: &StoredType) -> CodecConfig {
    let mut members: Map<String, Value> = case["config"].as_object().unwrap().clone();
    let id = members.shift_remove("id").unwrap();
    let registry = CodecRegistry::default();
    let (entry, v2) = registry.find_v2(id.as_str().unwrap()).unwrap();
    let configuration = (v2.from_v2)(&members, &stored.data_type).unwrap();
    assert_eq!((v2.to_v2)(&configuration), members, "{case}");
    CodecConfig::new(entry.name, configuration)
}

fn in_order(stored: &StoredType) -> CodecConfig {
    let endian = if stored.byte_order == ByteOrder::Big {
        "big"
    } else {
        "little"
    };
    if stored.data_type.has_byte_order() {
        CodecConfig::of("bytes", json!({"endian": endian}))
    } else {
        CodecConfig::of("bytes", json!({}))
    }
}

/// A filter before the codec that makes bytes, where it takes such elements, and behind it.
fn chains(config: &CodecConfig, stored: &StoredType) -> Vec<Vec<CodecConfig>> {
    let mut chains = vec![vec![in_order(stored), config.clone()]];
    let is_taken = |viewed: Option<&StoredType>| viewed.is_none_or(|viewed| viewed.lies_as(stored));
    match CodecRegistry::default().build(config).unwrap() {
        Codec::ArrayToArray(codec) if is_taken(codec.viewed_as()) => {
            chains.push(vec![config.clone(), in_order(&codec.stored_as(stored))]);
        }
        Codec::ArrayToBytes(codec) if is_taken(codec.viewed_as()) => chains.push(vec![config.clone()]),
        _ => {}
    }
    chains
}

fn for_chunk(codecs: &[CodecConfig], spec: ChunkSpec) -> ChunkCodec {
    let limits = Limits::default();
    let chain = CodecChain::with_filters(codecs, &CodecRegistry::default(), &limits).unwrap();
    chain.for_chunk(spec, &limits).unwrap()
}

#[test]
fn filters_do_what_those_of_numcodecs_do() {
    for case in cases() {
        let stored = StoredType::from_numpy(case["dtype"].as_str().unwrap()).unwrap();
        let (values, encoded) = (bytes(&case, "values"), bytes(&case, "encoded"));
        let count = values.len() / stored.data_type.size().unwrap();
        let config = config(&case, &stored);
        for codecs in chains(&config, &stored) {
            let codec = for_chunk(&codecs, testing::spec(&[count as u64], stored.data_type.clone()));
            let laid_out = |mut elements: Vec<u8>| {
                if codec.layout().swap_size == 1 {
                    stored.data_type.reorder(&mut elements, stored.byte_order);
                }
                elements
            };
            let mut scratch = Scratch::default();
            let given = laid_out(values.clone());
            let chunk = ChunkRef {
                elements: &given,
                heap: &[],
            };
            let ours = codec.encode(chunk, &mut scratch).unwrap();
            assert_eq!(ours, encoded, "{codecs:?}\nof {case}");
            let decoded = codec.decode(&encoded, &mut scratch).unwrap();
            assert_eq!(
                decoded.elements,
                laid_out(bytes(&case, "decoded")),
                "{codecs:?}\nof {case}"
            );
            let mut out = vec![0; codec.decoded_size()];
            codec.decode_into(&encoded, &mut out, &mut scratch).unwrap();
            assert_eq!(out, laid_out(bytes(&case, "decoded")));
        }
    }
}

/// Every cut of an encoded chunk is an error, and every change of a byte an error or another chunk.
#[test]
fn damaged_chunks_of_filters_are_no_harm() {
    for case in cases() {
        let stored = StoredType::from_numpy(case["dtype"].as_str().unwrap()).unwrap();
        let (values, encoded) = (bytes(&case, "values"), bytes(&case, "encoded"));
        if encoded.len() > 200 {
            continue;
        }
        let count = values.len() / stored.data_type.size().unwrap();
        for codecs in chains(&config(&case, &stored), &stored) {
            let codec = for_chunk(&codecs, testing::spec(&[count as u64], stored.data_type.clone()));
            let mut scratch = Scratch::default();
            for length in 0..encoded.len() {
                assert!(
                    codec.decode(&encoded[..length], &mut scratch).is_err(),
                    "{case} cut to {length}"
                );
            }
            let mut damaged = encoded.clone();
            for index in 0..damaged.len() {
                damaged[index] ^= 0xFF;
                if let Ok(chunk) = codec.decode(&damaged, &mut scratch) {
                    assert_eq!(chunk.elements.len(), codec.decoded_size());
                }
                damaged[index] ^= 0xFF;
            }
        }
    }
}
