//! What numcodecs wrote is read, and written the same where it can be.
//!
//! `make_codecs.py` and `make_pcodec.py` in `testdata/codecs/` say how the chunks were made.

use std::{collections::BTreeSet, fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};
use zarr_codecs::{
    BytesToBytes, ChunkBuffer, ChunkRef, Codec, CodecConfig, CodecError, CodecRegistry, DataType, TimeUnit,
    testing::spec,
};

/// Why the bytes of a codec are not those of numcodecs.
const OTHER_LIBRARY: &str = "numcodecs 0.15.2 has Zstandard 1.5.6, we have 1.5.7";
const FASTER_ENCODER: &str =
    "libdeflate is faster and makes less, and files of numcodecs hold the time of day";
const OTHER_BUFFERS: &str = "at level 0, zlib stores as much at once as its caller has room for";

/// Tells whether and why what we encode may be other bytes than those of numcodecs.
fn other_bytes(config: &Value) -> Option<&'static str> {
    match (
        config["id"].as_str()?,
        config["cname"].as_str(),
        config["level"].as_i64(),
    ) {
        ("zstd", ..) | ("blosc", Some("zstd"), _) => Some(OTHER_LIBRARY),
        ("gzip", ..) => Some(FASTER_ENCODER),
        ("zlib", _, Some(0)) => Some(OTHER_BUFFERS),
        _ => None,
    }
}

pub(crate) fn document(name: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/codecs");
    serde_json::from_str(&fs::read_to_string(directory.join(name)).unwrap()).unwrap()
}

/// Chunks by the same rules as in the script.
pub(crate) fn chunk(rule: &str, size: usize) -> Vec<u8> {
    let number = |index: u32| match rule {
        "wave" => index / 16 * 256 + (index.wrapping_mul(2_654_435_761) >> 24),
        "steps" => index / 16 * 256,
        "noise" => {
            let mut number = index.wrapping_mul(0x9E37_79B1);
            number ^= number >> 15;
            number = number.wrapping_mul(0x85EB_CA77);
            number ^ number >> 13
        }
        _ => unreachable!("rule {rule}"),
    };
    let mut chunk: Vec<u8> = (0..size.div_ceil(4) as u32)
        .flat_map(|index| number(index).to_le_bytes())
        .collect();
    chunk.truncate(size);
    chunk
}

/// Builds a codec as metadata of V2 names it; `None` where it is left out of the build.
pub(crate) fn build(config: &Value, data_type: &DataType) -> Option<Codec> {
    let mut members: Map<String, Value> = config.as_object().unwrap().clone();
    let id = members.shift_remove("id").unwrap();
    let registry = CodecRegistry::default();
    let (entry, v2) = registry.find_v2(id.as_str().unwrap()).unwrap();
    let configuration = (v2.from_v2)(&members, data_type).unwrap();
    if entry.feature.is_none() {
        assert_eq!((v2.to_v2)(&configuration), members, "{config}");
    }
    match registry.build(&CodecConfig::new(entry.name, configuration)) {
        Err(CodecError::NotBuilt { .. }) => None,
        result => Some(result.unwrap()),
    }
}

pub(crate) fn data_type(name: &str) -> DataType {
    match name {
        "|u1" => DataType::UInt8,
        "<i2" => DataType::Int16,
        "<f4" => DataType::Float32,
        "<f8" => DataType::Float64,
        "<c16" => DataType::Complex128,
        _ => DataType::Raw(name[2..].parse().unwrap()),
    }
}

pub(crate) fn stored(case: &Value) -> Option<Vec<u8>> {
    let text = case.get("encoded")?.as_str()?;
    Some(BASE64_STANDARD.decode(text).unwrap())
}

/// Checks one chunk; tells whether it is encoded to the same bytes.
fn check(case: &Value, codec: &dyn BytesToBytes) -> bool {
    let number = |name: &str| case[name].as_u64().unwrap() as usize;
    let decoded = chunk(case["rule"].as_str().unwrap(), number("size"));
    let mut ours = Vec::new();
    codec.encode(&decoded, &mut ours).unwrap();
    let Some(theirs) = stored(case) else {
        return ours.len() == number("encoded_size")
            && crc32fast::hash(&ours) as usize == number("encoded_crc32");
    };
    let mut out = vec![0; decoded.len()];
    let size = codec.decode(&theirs, &mut out).unwrap();
    assert!(size == decoded.len() && out == decoded, "{case}");
    ours == theirs
}

#[test]
fn chunks_of_numcodecs_are_read_and_written() {
    let mut reasons = BTreeSet::new();
    for case in document("numcodecs.json")["cases"].as_array().unwrap() {
        let data_type = data_type(case["dtype"].as_str().unwrap());
        let Some(codec) = build(&case["config"], &data_type) else {
            continue;
        };
        let Codec::BytesToBytes(codec) = codec else {
            unreachable!("not a codec of bytes: {case}")
        };
        if !check(case, codec.as_ref()) {
            let reason = other_bytes(&case["config"]);
            reasons.insert(reason.unwrap_or_else(|| panic!("other bytes than numcodecs: {case}")));
        }
    }
    if cfg!(all(
        feature = "blosc",
        feature = "gzip",
        feature = "lz4",
        feature = "zstd"
    )) {
        // A reason that is no longer one is to be struck out above.
        assert_eq!(
            reasons,
            BTreeSet::from([OTHER_LIBRARY, FASTER_ENCODER, OTHER_BUFFERS])
        );
    }
}

#[test]
fn texts_of_numcodecs_are_read_and_written() {
    for case in document("numcodecs.json")["texts"].as_array().unwrap() {
        let items = case["items"].as_array().unwrap();
        let data_type = match case["config"]["id"].as_str().unwrap() {
            "vlen-utf8" => DataType::String,
            _ => DataType::Bytes,
        };
        let mut chunk = ChunkBuffer::default();
        for item in items {
            chunk.push_item(item.as_str().unwrap().as_bytes());
        }
        let Some(Codec::ArrayToBytes(codec)) = build(&case["config"], &data_type) else {
            unreachable!("not a codec of arrays: {case}")
        };
        let spec = spec(&[items.len() as u64], data_type);
        let (stored, mut encoded, mut decoded) = (stored(case).unwrap(), Vec::new(), ChunkBuffer::default());
        codec.encode(chunk.as_ref(), &spec, &mut encoded).unwrap();
        assert_eq!(encoded, stored);
        codec.decode(&stored, &spec, &mut decoded).unwrap();
        assert!(decoded.as_ref().items().eq(chunk.as_ref().items()));
    }
}

/// Frames of a library that has Snappy, whole and damaged.
#[test]
#[cfg(feature = "blosc")]
fn frames_of_blosc_with_snappy_are_read() {
    use serde_json::json;
    use zarr_codecs::testing::{Damage, each_damage};

    let document = document("blosc-snappy.json");
    let config = json!({"id": "blosc", "cname": "snappy"});
    let Some(Codec::BytesToBytes(codec)) = build(&config, &DataType::UInt8) else {
        unreachable!("Blosc makes bytes of bytes")
    };
    for case in document["cases"].as_array().unwrap() {
        let size = case["size"].as_u64().unwrap() as usize;
        let decoded = chunk(case["rule"].as_str().unwrap(), size);
        let (stored, mut out) = (stored(case).unwrap(), vec![0; size]);
        assert_eq!(codec.decode(&stored, &mut out).unwrap(), size, "{case}");
        assert!(out == decoded, "{case}");
        let is_error = codec.decode(&stored, &mut out[..size - 1]).is_err();
        assert!(is_error, "with one byte too little room: {case}");
        let typesize = case["typesize"].as_u64().unwrap();
        if typesize == 4 || typesize == 17 {
            each_damage(&stored, |damaged, damage| {
                let result = codec.decode(damaged, &mut out);
                assert!(
                    !matches!((damage, result), (Damage::Cut(_), Ok(_))),
                    "{damage:?} {case}"
                );
            });
        }
    }
    let error = codec.encode(&[0; 200], &mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("`snappy`"), "{error}");
}

/// What two versions of pcodec wrote; the second is made of the library that we have.
#[test]
fn numbers_of_pcodec_are_read_and_written() {
    for (name, is_our_version) in [("pcodec-0.json", false), ("pcodec-1.json", true)] {
        let document = document(name);
        let cases = document["cases"].as_array().unwrap();
        assert!(cases.len() > 50, "{name}");
        for case in cases {
            let data_type = number_type(case["dtype"].as_str().unwrap());
            let Some(codec) = build(&case["config"], &data_type) else {
                continue;
            };
            let Codec::ArrayToBytes(codec) = codec else {
                unreachable!("not a codec of arrays: {case}")
            };
            let spec = spec(&[case["count"].as_u64().unwrap()], data_type);
            let elements = chunk(case["rule"].as_str().unwrap(), spec.size().unwrap());
            let (stored, mut decoded) = (stored(case).unwrap(), ChunkBuffer::default());
            codec.decode(&stored, &spec, &mut decoded).unwrap();
            assert!(decoded.elements == elements, "{case}");

            let (given, mut encoded) = (
                ChunkRef {
                    elements: &elements,
                    heap: &[],
                },
                Vec::new(),
            );
            codec.encode(given, &spec, &mut encoded).unwrap();
            assert!(
                encoded == stored || !is_our_version,
                "other bytes than pcodec: {case}"
            );
        }
    }
}

pub(crate) fn number_type(name: &str) -> DataType {
    let time = |unit| TimeUnit::new(unit, 1).unwrap();
    match name {
        "<u2" => DataType::UInt16,
        "<u4" => DataType::UInt32,
        "<u8" => DataType::UInt64,
        "<i2" => DataType::Int16,
        "<i4" => DataType::Int32,
        "<i8" => DataType::Int64,
        "<f2" => DataType::Float16,
        "<f4" => DataType::Float32,
        "<f8" => DataType::Float64,
        "<M8[s]" => DataType::DateTime64(time("s")),
        "<m8[ns]" => DataType::TimeDelta64(time("ns")),
        _ => unreachable!("{name}"),
    }
}
