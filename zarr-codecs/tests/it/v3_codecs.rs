//! Chunks of codecs that only V3 has, and of the names `numcodecs.*`, that other implementations wrote.
//!
//! `testdata/codecs/make_v3_codecs.py` and `make_zarrs.py` have made the cases.

use serde_json::{Value, json};
use zarr_codecs::{
    ByteOrder, ChunkCodec, ChunkRef, ChunkSpec, Codec, CodecChain, CodecConfig, CodecRegistry, DataType,
    FillValue, Limits, Scratch,
};

const CASES: &str = include_str!("../../../testdata/codecs/v3.json");
const ZARRS: &str = include_str!("../../../testdata/codecs/zarrs.json");
const CASTS: &str = include_str!("../../../testdata/codecs/cast_value.json");

fn unhex(text: &Value) -> Vec<u8> {
    let digits = text.as_str().unwrap().as_bytes();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn native(data_type: &DataType, mut elements: Vec<u8>) -> Vec<u8> {
    data_type.reorder(&mut elements, ByteOrder::Little);
    elements
}

fn spec_of(data_type: &Value, shape: Vec<u64>) -> ChunkSpec {
    let data_type = DataType::from_json(data_type).unwrap();
    ChunkSpec {
        fill_value: FillValue::zero(&data_type),
        shape,
        data_type,
    }
}

/// The codecs of a case for its chunk.
fn codec_of(case: &Value) -> ChunkCodec {
    let lengths = case["shape"].as_array().unwrap().iter();
    let shape = lengths.map(|n| n.as_u64().unwrap()).collect();
    let codecs = case["codecs"].as_array().unwrap();
    let codecs: Vec<_> = codecs
        .iter()
        .map(|codec| CodecConfig::from_json(codec.clone()).unwrap())
        .collect();
    let limits = Limits::DEFAULT;
    let chain = CodecChain::new(&codecs, &CodecRegistry::default(), &limits).unwrap();
    chain
        .for_chunk(spec_of(&case["data_type"], shape), &limits)
        .unwrap()
}

#[test]
fn chunks_that_others_wrote_are_decoded_and_written() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    for case in &cases {
        let codec = codec_of(case);
        assert!(codec.layout().is_plain());
        let (chunk, expected) = (
            unhex(&case["chunk"]),
            native(&codec.spec().data_type, unhex(&case["elements"])),
        );
        let mut scratch = Scratch::default();
        let decoded = codec.decode(&chunk, &mut scratch).unwrap().elements.to_vec();
        assert_eq!(decoded, expected, "{}", case["codecs"]);
        // What we write decodes to what theirs does, even where something is lost.
        let given = ChunkRef {
            elements: &decoded,
            heap: &[],
        };
        let ours = codec.encode(given, &mut Scratch::default()).unwrap().to_vec();
        let again = codec.decode(&ours, &mut scratch).unwrap().elements.to_vec();
        let text = case["codecs"].to_string();
        let is_lossy = ["fixed_", "zfpy", "scale_offset"]
            .iter()
            .any(|name| text.contains(name));
        if !is_lossy {
            assert_eq!(again, expected, "{text}");
        }
        if text.contains("\"zfp\"") && text.contains("reversible") {
            assert_eq!(ours, chunk, "{text}");
        }
    }
    assert!(cases.len() > 80);
}

/// `reshape`, `bitround`, `packbits` and `zfp` as zarrs has them, of every data type that they take.
#[test]
fn chunks_that_zarrs_wrote_are_decoded_and_written() {
    let cases: Vec<Value> = serde_json::from_str(ZARRS).unwrap();
    let mut n_same = 0;
    for case in &cases {
        let codec = codec_of(case);
        let in_layout = |elements: &Value| {
            let mut elements = native(&codec.spec().data_type, unhex(elements));
            let size = codec.layout().swap_size;
            elements.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            elements
        };
        let (chunk, expected) = (unhex(&case["chunk"]), in_layout(&case["elements"]));
        let mut scratch = Scratch::default();
        let decoded = codec.decode(&chunk, &mut scratch).unwrap().elements;
        assert_eq!(decoded, expected, "{case}");
        let given = case.get("given").map_or(expected.clone(), in_layout);
        let given = ChunkRef {
            elements: &given,
            heap: &[],
        };
        let ours = codec.encode(given, &mut Scratch::default()).unwrap().to_vec();
        // Blocks of a fixed rate zarrs makes as long as those of three dimensions.
        let is_longer = case["codecs"][0]["configuration"]["mode"] == "fixed_rate"
            && case["shape"].as_array().unwrap().len() != 3;
        if is_longer {
            assert!(
                ours.len() < chunk.len() || case["shape"].as_array().unwrap().len() == 4,
                "{case}"
            );
            continue;
        }
        let again = codec.decode(&ours, &mut scratch).unwrap().elements;
        assert_eq!(again, expected, "{case}");
        let is_packed = ["gzip", "zstd", "blosc"]
            .iter()
            .any(|name| case["codecs"][1]["name"] == *name);
        assert!(is_packed || ours == chunk, "{case}");
        n_same += usize::from(!is_packed);
    }
    assert!(cases.len() > 80 && n_same > 60, "{n_same} of {}", cases.len());
}

/// Element by element, so that each has its own result or refusal.
#[test]
fn numbers_are_cast_as_cast_value_rs_does() {
    let cases: Vec<Value> = serde_json::from_str(CASTS).unwrap();
    let mut n_casts = 0;
    for case in &cases {
        let spec = spec_of(&case["data_type"], vec![1]);
        let configuration = case["configuration"].clone();
        let target = DataType::from_json(&configuration["data_type"]).unwrap();
        let codec = CodecRegistry::default()
            .build(&CodecConfig::of("cast_value", configuration))
            .unwrap();
        let Codec::ArrayToArray(codec) = codec else {
            panic!()
        };
        let elements = native(&spec.data_type, unhex(&case["elements"]));
        let elements = elements.chunks_exact(spec.data_type.size().unwrap());
        for (element, expected) in elements.zip(case["cast"].as_array().unwrap()) {
            let mut cast = Vec::new();
            let found = codec.encode(element, &spec, &mut cast).ok().map(|()| cast);
            let shown = FillValue::new(element).to_json(&spec.data_type).unwrap();
            let what = || format!("{shown} of {} by {}", case["data_type"], case["configuration"]);
            // The extension has infinities out of the range of integers, where the library refuses them.
            let is_infinite = shown.as_str().is_some_and(|text| text.contains("Infinity"));
            if is_infinite && case["configuration"]["out_of_range"] == "clamp" && expected.is_null() {
                assert!(found.is_some(), "{}", what());
                continue;
            }
            match (found, expected) {
                (None, Value::Null) => {}
                (Some(found), expected) if !expected.is_null() => {
                    let expected = FillValue::new(native(&target, unhex(expected)));
                    let (found, expected) =
                        (FillValue::new(found).to_json(&target), expected.to_json(&target));
                    let is_nan = |json: &Value| {
                        json.as_str()
                            .is_some_and(|text| text.starts_with("0x") || text == "NaN")
                    };
                    let (found, expected) = (found.unwrap(), expected.unwrap());
                    assert!(
                        found == expected || (is_nan(&found) && is_nan(&expected)),
                        "{}: {found}, not {expected}",
                        what()
                    );
                }
                (found, expected) => panic!("{}: {found:?}, not {expected}", what()),
            }
            n_casts += 1;
        }
    }
    assert!(n_casts > 3000, "{n_casts}");
}

#[test]
fn single_values_are_mapped() {
    let configuration = json!({"data_type": "uint8", "rounding": "towards-zero",
        "scalar_map": {"encode": [["NaN", 255]], "decode": [[255, "NaN"]]}});
    let codecs = [
        CodecConfig::of("scale_offset", json!({"offset": 10, "scale": 2})),
        CodecConfig::of("cast_value", configuration),
        CodecConfig::of("bytes", json!({})),
    ];
    let (registry, limits) = (CodecRegistry::default(), Limits::DEFAULT);
    let chain = CodecChain::new(&codecs, &registry, &limits).unwrap();
    let mut spec = spec_of(&json!("float32"), vec![3]);
    spec.fill_value = FillValue::from_json(&json!("NaN"), &spec.data_type).unwrap();
    let codec = chain.for_chunk(spec, &limits).unwrap();
    let numbers = [12.75_f32, f32::NAN, 10.0];
    let elements: Vec<u8> = numbers.iter().flat_map(|number| number.to_ne_bytes()).collect();
    let mut scratch = Scratch::default();
    let encoded = codec
        .encode(
            ChunkRef {
                elements: &elements,
                heap: &[],
            },
            &mut scratch,
        )
        .unwrap()
        .to_vec();
    assert_eq!(encoded, [5, 255, 0]);
    let decoded = codec.decode(&encoded, &mut scratch).unwrap();
    let number = |bytes: &[u8]| f32::from_ne_bytes(bytes.try_into().unwrap());
    let decoded: Vec<_> = decoded.elements.chunks(4).map(number).collect();
    assert_eq!((decoded[0], decoded[2]), (12.5, 10.0));
    assert!(decoded[1].is_nan());
}
