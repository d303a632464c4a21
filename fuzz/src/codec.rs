//! Encoded chunks: each codec decodes them to the right size or refuses them.

use serde_json::{Value, json};
use zarr_convenience::core::codecs::{
    ChunkBuffer, ChunkCodec, ChunkRef, ChunkSpec, CodecChain, CodecConfig, CodecRegistry, DataType,
    FillValue, Limits, Object, Scratch,
};

use crate::Target;

pub(crate) const CODEC: Target = Target {
    name: "codec",
    run,
    seeds,
};

/// The shape of the chunks.
const SHAPE: [u64; 2] = [16, 16];

/// Chains, each after the type of what it encodes.
fn chains() -> Vec<(DataType, Vec<(&'static str, Value)>)> {
    let bytes = || ("bytes", json!({"endian": "little"}));
    let blosc = |cname, shuffle| json!({"cname": cname, "clevel": 5, "shuffle": shuffle, "typesize": 4, "blocksize": 0});
    let floats = |codec: (&'static str, Value)| (DataType::Float32, vec![bytes(), codec]);
    let arrays = |codec: (&'static str, Value)| (DataType::Float32, vec![codec]);
    vec![
        floats(("blosc", blosc("lz4", "shuffle"))),
        floats(("blosc", blosc("lz4hc", "bitshuffle"))),
        floats(("blosc", blosc("blosclz", "shuffle"))),
        floats(("blosc", blosc("zlib", "noshuffle"))),
        floats(("blosc", blosc("zstd", "shuffle"))),
        floats(("zstd", json!({"level": 1, "checksum": true}))),
        floats(("gzip", json!({"level": 1}))),
        floats(("numcodecs.zlib", json!({"level": 1}))),
        floats(("numcodecs.bz2", json!({"level": 1}))),
        floats(("numcodecs.lz4", json!({"acceleration": 1}))),
        floats(("numcodecs.lzma", json!({"format": 1}))),
        floats(("numcodecs.shuffle", json!({"elementsize": 4}))),
        floats(("numcodecs.fletcher32", json!({}))),
        floats(("crc32c", json!({}))),
        arrays(("numcodecs.pcodec", json!({}))),
        arrays((
            "numcodecs.zfpy",
            json!({"mode": 4, "tolerance": 0.01, "rate": -1, "precision": -1}),
        )),
        (DataType::Bool, vec![("packbits", json!({}))]),
        (DataType::String, vec![("vlen-utf8", json!({}))]),
        (DataType::Bytes, vec![("vlen-bytes", json!({}))]),
        (DataType::Object, vec![("json2", json!({}))]),
        (DataType::Object, vec![("msgpack2", json!({}))]),
    ]
}

/// The codecs of a chunk of 16 x 16 elements.
fn build(data_type: &DataType, configs: &[(&'static str, Value)]) -> ChunkCodec {
    let limits = Limits {
        chunk_size_max: 1 << 20,
        ..Limits::DEFAULT
    };
    let configs: Vec<_> = configs
        .iter()
        .map(|(name, configuration)| CodecConfig::of(*name, configuration.clone()))
        .collect();
    let spec = ChunkSpec {
        shape: SHAPE.to_vec(),
        data_type: data_type.clone(),
        fill_value: FillValue::zero(data_type),
    };
    let chain = CodecChain::new(&configs, &CodecRegistry::default(), &limits);
    let codec = chain.and_then(|chain| chain.for_chunk(spec, &limits));
    codec.unwrap_or_else(|error| panic!("{configs:?} cannot be built: {error}"))
}

/// The first byte says which chain, the rest is the encoded chunk.
fn run(data: &[u8]) {
    let Some((which, encoded)) = data.split_first() else {
        return;
    };
    let chains = chains();
    let (data_type, configs) = &chains[usize::from(*which) % chains.len()];
    let codec = build(data_type, configs);
    let (mut first, mut second, mut third) = (Scratch::default(), Scratch::default(), Scratch::default());
    let Ok(decoded) = codec.decode(encoded, &mut first) else {
        return;
    };
    let values = items(data_type, decoded);
    assert_eq!(values.len() as u64, SHAPE.iter().product::<u64>(), "{configs:?}");
    let again = codec.encode(decoded, &mut second);
    let again = again.unwrap_or_else(|error| panic!("{configs:?}: what was decoded is not encoded: {error}"));
    let back = codec.decode(again, &mut third);
    let back = back.unwrap_or_else(|error| panic!("{configs:?}: what was encoded is not decoded: {error}"));
    // What `zfpy` decodes it need not encode exactly.
    let is_exact = configs.iter().all(|(name, _)| *name != "numcodecs.zfpy");
    assert!(
        !is_exact || values == items(data_type, back),
        "{configs:?}: other values come back"
    );
}

/// The bytes of each element.
fn items<'a>(data_type: &DataType, chunk: ChunkRef<'a>) -> Vec<&'a [u8]> {
    match data_type.size() {
        Some(size) if !data_type.is_variable() => chunk.elements.chunks_exact(size).collect(),
        _ => chunk.items().collect(),
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let n_elements = SHAPE.iter().product::<u64>() as usize;
    let mut seeds = Vec::new();
    for (which, (data_type, configs)) in chains().iter().enumerate() {
        let mut chunk = ChunkBuffer::default();
        for index in 0..n_elements {
            match data_type {
                DataType::Bool => chunk.elements.push((index % 3 == 0).into()),
                DataType::Float32 => chunk.elements.extend((index as f32 / 4.0).to_ne_bytes()),
                DataType::Object => {
                    let list = Object::List(vec![Object::Int(index as i128), Object::Text("é".into())]);
                    chunk.push_item(&list.to_item());
                }
                _ => chunk.push_item("é".repeat(index % 5).as_bytes()),
            }
        }
        let (codec, mut scratch) = (build(data_type, configs), Scratch::default());
        let encoded = codec.encode(chunk.as_ref(), &mut scratch);
        seeds.push([&[which as u8][..], encoded.expect("the chunk can be encoded")].concat());
    }
    seeds
}
