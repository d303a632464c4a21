//! An array of 256 x 256 x 256 floats in chunks of 64 x 64 x 64, in memory: whole, one chunk, one row.

#![expect(clippy::unwrap_used, reason = "a bench that fails says so by a panic")]

use std::{hint::black_box, sync::Arc};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, codecs::DataType, metadata::V2Codecs,
    store::MemoryStore,
};

const LENGTH: u64 = 256;
const CHUNK_LENGTH: u64 = 64;
const ITEM_SIZE: u64 = 4;

/// Values that a compressor makes smaller, as measured ones are: smooth, with noise in the last digits.
fn values() -> Vec<f32> {
    let value = |index: u64| {
        let noise = index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
        ((index % LENGTH) as f32 / 40.0).sin().mul_add(20.0, 280.0) + noise as f32 / 16384.0
    };
    (0..LENGTH.pow(3)).map(value).collect()
}

fn create(compressor: Option<serde_json::Value>) -> Array {
    ArrayBuilder::new(vec![LENGTH; 3], DataType::Float32)
        .chunk_shape(vec![CHUNK_LENGTH; 3])
        .v2_codecs(V2Codecs {
            filters: None,
            compressor,
        })
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap()
}

fn arrays(criterion: &mut Criterion) {
    let values = values();
    let blosc = json!({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0});
    for (name, compressor) in [("raw", None), ("blosc", Some(blosc))] {
        let array = create(compressor);
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        group.throughput(Throughput::Bytes(LENGTH.pow(3) * ITEM_SIZE));
        group.bench_function("write_all", |bencher| {
            bencher.iter(|| array.write_vec(&Selection::all(), black_box(&values)).unwrap());
        });
        array.write_vec(&Selection::all(), &values).unwrap();
        let mut read = |label: &str, start: &[u64], shape: &[u64]| {
            let selection = Selection::region(start, shape);
            group.throughput(Throughput::Bytes(shape.iter().product::<u64>() * ITEM_SIZE));
            group.bench_function(label, |bencher| {
                bencher.iter(|| black_box(array.read_vec::<f32>(&selection).unwrap()));
            });
        };
        read("read_all", &[0; 3], &[LENGTH; 3]);
        read("read_chunk", &[CHUNK_LENGTH; 3], &[CHUNK_LENGTH; 3]);
        read("read_row", &[100, 100, 0], &[1, 1, LENGTH]);
        group.finish();
    }
}

criterion_group!(benches, arrays);
criterion_main!(benches);
