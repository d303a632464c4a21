//! Setting and getting chunks of 64 KiB in a directory.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a bench that fails says so by a panic"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use zarr_store::{ByteRange, DirectoryStore, ReadBuffer, Store, StoreKey};

const SIZE: usize = 65_536;
const KEYS: usize = 1_000;

fn directory(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let store = DirectoryStore::create(folder.path().join("bench.zarr")).unwrap();
    let keys: Vec<StoreKey> = (0..KEYS)
        .map(|index| StoreKey::new(format!("array/{index}")).unwrap())
        .collect();
    let value = vec![7; SIZE];
    let mut group = criterion.benchmark_group("directory");
    group.throughput(Throughput::Bytes(SIZE as u64));
    let mut next = keys.iter().cycle();
    group.bench_function("set_64_kib", |bencher| {
        bencher.iter(|| store.set(next.next().unwrap(), black_box(&value)).unwrap());
    });
    for key in &keys {
        store.set(key, &value).unwrap();
    }
    let mut buffer = ReadBuffer::new();
    group.bench_function("get_64_kib", |bencher| {
        bencher.iter(|| {
            let key = next.next().unwrap();
            assert!(store.get_ranges(key, &[ByteRange::All], &mut buffer).unwrap());
            black_box(buffer.part(0));
        });
    });
    let absent = StoreKey::new("array/absent").unwrap();
    group.bench_function("get_absent", |bencher| {
        bencher.iter(|| store.get_ranges(&absent, &[ByteRange::All], &mut buffer).unwrap());
    });
    group.finish();
}

criterion_group!(benches, directory);
criterion_main!(benches);
