//! Copies into shards carry values over in pieces of shards.

use std::{collections::BTreeSet, sync::Arc};

use zarr_convenience::{
    Chunks, CopyOptions, Creation,
    core::{
        Array, ArrayBuilder, Group, Options, Selection, Workers, ZarrFormat,
        codecs::DataType,
        store::{DirectoryStore, Store, ZipStore},
    },
};

use crate::help::{copy_all_logged, digests, group, group_in, keys, memory, path};

fn into_shards(inner: [u64; 2], shards: [u64; 2]) -> Creation {
    Creation {
        zarr_format: Some(ZarrFormat::V3),
        chunks: Some(Chunks::Shape(inner.map(Some).to_vec())),
        shards: Some(Some(shards.to_vec())),
        ..Creation::default()
    }
}

/// An array of 300 x 500 numbers in chunks, or in shards.
fn source(chunks: [u64; 2], shards: Option<[u64; 2]>) -> Group {
    let group = group_in(&memory(), ZarrFormat::V3);
    let mut builder = ArrayBuilder::new(vec![300, 500], DataType::UInt32).chunk_shape(chunks.to_vec());
    if let Some(shards) = shards {
        builder = builder.shard_shape(shards.to_vec());
    }
    let array = builder.format(ZarrFormat::V3);
    let array = array
        .create(Arc::clone(group.store()), &path("a"), &Options::default())
        .unwrap();
    let numbers: Vec<u32> = (0..150_000)
        .map(|number: u32| number.wrapping_mul(2_654_435_761))
        .collect();
    array.write_vec(&Selection::all(), &numbers).unwrap();
    group
}

#[test]
fn values_come_into_shards_of_any_shape_on_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let sources = [
        source([64, 64], None),
        source([30, 500], None),
        source([300, 7], None),
        source([10, 20], Some([100, 100])),
    ];
    for (inner, shards) in [
        ([10, 20], [100, 200]),
        ([16, 16], [512, 512]),
        ([32, 32], [64, 512]),
        ([50, 50], [50, 50]),
    ] {
        let mut written = BTreeSet::new();
        for (number, from) in sources.iter().enumerate() {
            for threads in [1, 3] {
                let name = format!("{inner:?}-{shards:?}-{number}-{threads}");
                let zip = folder.path().join(format!("{name}.zip"));
                let stores: [Arc<dyn Store>; 3] = [
                    memory(),
                    Arc::new(DirectoryStore::create(folder.path().join(&name)).unwrap()),
                    Arc::new(ZipStore::create(&zip).unwrap()),
                ];
                for store in stores {
                    let options = CopyOptions {
                        creation: into_shards(inner, shards),
                        workers: Workers::new(threads),
                        ..CopyOptions::default()
                    };
                    let to = group_in(&store, ZarrFormat::V3);
                    copy_all_logged(from, &to, options).1.unwrap();
                    assert_eq!(digests(&store), digests(from.store()), "{name} {store:?}");
                    written.insert(keys(store.as_ref()).keys().cloned().collect::<Vec<_>>());
                }
            }
        }
        assert_eq!(written.len(), 1, "the same keys from every source");
    }
}

#[test]
fn a_shard_is_not_in_memory_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let from = group_in(&memory(), ZarrFormat::V2);
    // 64 MiB of values in chunks of 64 KiB, which become one shard.
    let array = ArrayBuilder::new(vec![4096, 4096], DataType::UInt32)
        .chunk_shape(vec![128, 128])
        .create(Arc::clone(from.store()), &path("a"), &Options::default())
        .unwrap();
    array
        .write_vec(&Selection::region(&[100, 100], &[2000, 3000]), &[5_u32])
        .unwrap();
    for threads in [1, 4] {
        let store = folder.path().join(threads.to_string());
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(store).unwrap());
        let options = CopyOptions {
            creation: into_shards([64, 64], [4096, 4096]),
            workers: Workers::new(threads),
            ..CopyOptions::default()
        };
        let to = group_in(&store, ZarrFormat::V3);
        let report = copy_all_logged(&from, &to, options).1.unwrap();
        assert!(report.memory_peak > 0);
        assert!(
            report.memory_peak <= (4 << 20) * threads as u64,
            "{} of {threads} threads",
            report.memory_peak
        );
        assert_eq!(digests(&store), digests(from.store()));
    }
}

#[test]
fn a_shard_that_is_larger_than_memory_is_planned_as_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let from = group_in(&memory(), ZarrFormat::V3);
    let array = ArrayBuilder::new(vec![1024, 1024], DataType::UInt32).chunk_shape(vec![64, 64]);
    let array = array.format(ZarrFormat::V3);
    let array = array
        .create(Arc::clone(from.store()), &path("a"), &Options::default())
        .unwrap();
    array
        .write_vec(&Selection::region(&[100, 100], &[700, 800]), &[5_u32])
        .unwrap();
    // The values of the shard are 4 MiB; a piece of 1 MiB, and as much again encoded, for each of two threads, is less.
    let limit = 5 << 20;
    let options = || CopyOptions {
        creation: into_shards([32, 32], [1024, 1024]),
        workers: Workers::new(4),
        memory: Some(limit),
        ..CopyOptions::default()
    };
    let directory: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("d")).unwrap());
    let to = group_in(&directory, ZarrFormat::V3);
    let report = copy_all_logged(&from, &to, options()).1.unwrap();
    assert_eq!(digests(&directory), digests(from.store()));
    assert!(
        (limit / 8..=limit).contains(&report.memory_peak),
        "{}",
        report.memory_peak
    );
    // A store that takes a shard only as a whole has it in memory, which is known before anything is written.
    let whole = memory();
    let to = group_in(&whole, ZarrFormat::V3);
    let error = copy_all_logged(&from, &to, options()).1.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("bytes of memory at once, limit 5242880"),
        "{error}"
    );
    assert_eq!(keys(whole.as_ref()).len(), 1);
}

#[test]
fn texts_come_into_shards() {
    let from = group();
    let words: Vec<String> = (0..1000).map(|number| "ä".repeat(number % 37)).collect();
    ArrayBuilder::new(vec![1000], DataType::String)
        .chunk_shape(vec![70])
        .create(Arc::clone(from.store()), &path("a"), &Options::default())
        .unwrap()
        .write_vec(&Selection::all(), &words)
        .unwrap();
    let to = group_in(&memory(), ZarrFormat::V3);
    let creation = Creation {
        zarr_format: Some(ZarrFormat::V3),
        chunks: Some(Chunks::Each(10)),
        shards: Some(Some(vec![400])),
        ..Creation::default()
    };
    let options = CopyOptions {
        creation,
        ..CopyOptions::default()
    };
    copy_all_logged(&from, &to, options).1.unwrap();
    let array = Array::open(Arc::clone(to.store()), &path("a"), &Options::default()).unwrap();
    assert_eq!(array.inner_chunk_shape(), Some(vec![10]));
    assert_eq!(array.read_vec::<String>(&Selection::all()).unwrap(), words);
}
