//! How fast chunks of 64 x 64 x 64 float32 are encoded and decoded: a smooth field with noise in its last digits.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use zarr_codecs::{
    ChunkCodec, ChunkRef, CodecChain, CodecConfig, CodecRegistry, DataType, Limits, Scratch, testing,
};

const SIDE: u64 = 64;

fn field() -> Vec<u8> {
    let noise = testing::noise((SIDE * SIDE * SIDE) as usize);
    let wave = |index: u64| (index as f32 * 0.1).sin();
    let value = |index: u64| {
        let (x, y, z) = (index / SIDE / SIDE, index / SIDE % SIDE, index % SIDE);
        let smooth = 280.0 + 20.0 * wave(x) * wave(y) + 5.0 * wave(z);
        smooth + f32::from(noise[index as usize]) / 1024.0
    };
    (0..SIDE * SIDE * SIDE)
        .flat_map(|index| value(index).to_le_bytes())
        .collect()
}

fn codec(compressor: Option<(&str, Value)>) -> ChunkCodec {
    let mut codecs = vec![CodecConfig::of("bytes", json!({"endian": "little"}))];
    codecs.extend(compressor.map(|(name, configuration)| CodecConfig::of(name, configuration)));
    let limits = Limits::default();
    let chain =
        CodecChain::new(&codecs, &CodecRegistry::default(), &limits).expect("the codecs fit each other");
    chain
        .for_chunk(testing::spec(&[SIDE; 3], DataType::Float32), &limits)
        .expect("the codecs take float32")
}

fn codecs(criterion: &mut Criterion) {
    let blosc = |cname| json!({"cname": cname, "clevel": 5, "shuffle": "shuffle", "typesize": 4});
    let compressors = [
        ("none", None),
        ("blosc-lz4", Some(("blosc", blosc("lz4")))),
        ("blosc-zstd", Some(("blosc", blosc("zstd")))),
        ("zstd", Some(("zstd", json!({"level": 3, "checksum": false})))),
        ("gzip", Some(("gzip", json!({"level": 5})))),
        ("zlib", Some(("zlib", json!({"level": 1})))),
        ("lz4", Some(("lz4", json!({})))),
        ("shuffle", Some(("shuffle", json!({"elementsize": 4})))),
        ("crc32c", Some(("crc32c", json!({})))),
        ("fletcher32", Some(("fletcher32", json!({})))),
        ("adler32", Some(("adler32", json!({})))),
    ];
    let decoded = field();
    for (name, compressor) in compressors {
        let codec = codec(compressor);
        let mut scratch = Scratch::default();
        let chunk = ChunkRef {
            elements: &decoded,
            heap: &[],
        };
        let encoded = codec.encode(chunk, &mut scratch).expect("it encodes").to_vec();
        let mut out = vec![0; decoded.len()];

        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(decoded.len() as u64));
        group.bench_function("encode", |bencher| {
            bencher.iter(|| black_box(codec.encode(chunk, &mut scratch).expect("it encodes").len()));
        });
        let mut scratch = Scratch::default();
        group.bench_function("decode", |bencher| {
            bencher.iter(|| {
                codec
                    .decode_into(black_box(&encoded), &mut out, &mut scratch)
                    .expect("it decodes");
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = codecs
}
criterion_main!(benches);
