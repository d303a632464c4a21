//! Shards that are put together of pieces, on several threads.

use std::sync::{Arc, Mutex};

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, ArrayData, Error, NodePath, Options, Selection, Workers, ZarrFormat,
    codecs::{CodecConfig, DataType},
    store::{DirectoryStore, MemoryStore, Store, StoreExt, StoreKey},
};

fn sharded(location: &str, inner: &[u64]) -> Vec<CodecConfig> {
    let configuration = json!({
        "chunk_shape": inner,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
                   {"name": "gzip", "configuration": {"level": 1}}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "index_location": location,
    });
    vec![CodecConfig::of("sharding_indexed", configuration)]
}

fn create(
    store: Arc<dyn Store>,
    (shape, shard, codecs): (&[u64], &[u64], Vec<CodecConfig>),
    threads: usize,
) -> Array {
    let options = Options {
        workers: Workers::new(threads),
        write_empty_chunks: false,
        ..Options::default()
    };
    ArrayBuilder::new(shape.to_vec(), DataType::UInt32)
        .chunk_shape(shard.to_vec())
        .format(ZarrFormat::V3)
        .codecs(codecs)
        .create(store, &NodePath::root(), &options)
        .unwrap()
}

/// Numbers, with runs of the fill value so long that inner chunks are left out.
fn numbers(count: usize) -> Vec<u32> {
    let number = |place: usize| if place / 40_000 % 3 == 1 { 0 } else { place as u32 };
    (0..count).map(number).collect()
}

fn value(store: &dyn Store, key: &str) -> Option<Vec<u8>> {
    let value = store.get(&StoreKey::new(key).unwrap(), u64::MAX).unwrap();
    value.map(|value| value.to_vec())
}

#[test]
fn one_shard_has_the_same_bytes_however_many_threads_write_it() {
    let folder = tempfile::tempdir().unwrap();
    for location in ["start", "end"] {
        let layout = || (&[800, 1000][..], &[800, 1000][..], sharded(location, &[100, 100]));
        let alone = Arc::new(MemoryStore::new());
        let array = create(Arc::<MemoryStore>::clone(&alone), layout(), 1);
        let numbers = numbers(800_000);
        array.write_vec(&Selection::all(), &numbers).unwrap();
        let expected = value(alone.as_ref(), "c/0/0").unwrap();
        for store in [
            Arc::new(MemoryStore::new()) as Arc<dyn Store>,
            Arc::new(DirectoryStore::create(folder.path().join(location)).unwrap()),
        ] {
            let array = create(Arc::clone(&store), layout(), 5);
            array.write_vec(&Selection::all(), &numbers).unwrap();
            assert!(value(store.as_ref(), "c/0/0").unwrap() == expected, "{location}");
            assert!(array.read_vec::<u32>(&Selection::all()).unwrap() == numbers);
            // What is nothing but the fill value is not stored.
            array.write_vec(&Selection::all(), &[0_u32]).unwrap();
            assert_eq!(value(store.as_ref(), "c/0/0"), None);
        }
    }
}

/// An array of which chunks and shards go beyond the end in both dimensions.
#[test]
fn a_shard_is_written_of_pieces_that_are_asked_for() {
    let shape = [250, 170];
    let source = create(
        Arc::new(MemoryStore::new()),
        (&shape, &[40, 40], sharded("end", &[20, 20])),
        1,
    );
    let numbers = numbers(250 * 170);
    source.write_vec(&Selection::all(), &numbers).unwrap();
    for (location, threads) in [("start", 1), ("start", 4), ("end", 1), ("end", 4)] {
        let store = Arc::new(MemoryStore::new());
        let layout = (&shape[..], &[200, 100][..], sharded(location, &[20, 10]));
        let array = create(Arc::<MemoryStore>::clone(&store), layout, threads);
        let asked = Mutex::new(Vec::new());
        for chunk in [[0, 0], [0, 1], [1, 0], [1, 1]] {
            let values = |piece: &Selection| {
                let data = source.read_data(piece)?;
                asked.lock().unwrap().push(data.shape.clone());
                Ok::<_, Error>(data)
            };
            array.write_shard(&chunk, &[60, 40], &values).unwrap();
        }
        assert!(
            array.read_vec::<u32>(&Selection::all()).unwrap() == numbers,
            "{location}"
        );
        let asked = asked.into_inner().unwrap();
        assert!(asked.iter().all(|shape| shape[0] <= 60 && shape[1] <= 40));
        let n_elements: u64 = asked.iter().map(|shape| shape[0] * shape[1]).sum();
        assert_eq!(n_elements, 250 * 170, "each element is asked for once");
        // 4 pieces and one of 20 rows in the first shards, one in those at the end; 100 columns take 3, 70 take 2.
        assert_eq!(asked.len(), (4 + 1) * (3 + 2));
    }
}

#[test]
fn a_shard_stays_what_it_was_when_a_piece_fails() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("a")).unwrap());
    let layout = (&[64, 64][..], &[64, 64][..], sharded("end", &[8, 8]));
    let array = create(Arc::clone(&store), layout, 3);
    let old = vec![7_u32; 64 * 64];
    array.write_vec(&Selection::all(), &old).unwrap();
    let calls = Mutex::new(0);
    let values = |piece: &Selection| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls == 10 {
            return Err(Error::Selection {
                reason: "no more".to_owned(),
            });
        }
        array.read_data(piece)
    };
    let error = array.write_shard(&[0, 0], &[8, 16], &values).unwrap_err();
    assert_eq!(error.to_string(), "no more");
    assert!(array.read_vec::<u32>(&Selection::all()).unwrap() == old);
    let files: Vec<_> = std::fs::read_dir(folder.path().join("a/c/0")).unwrap().collect();
    assert_eq!(files.len(), 1, "nothing is left of the new shard: {files:?}");
}

#[test]
fn what_cannot_be_written_of_pieces_is_refused() {
    let layout = (&[64, 64][..], &[64, 64][..], sharded("end", &[8, 8]));
    let array = create(Arc::new(MemoryStore::new()), layout, 1);
    let read = |piece: &Selection| array.read_data(piece);
    let refusal = |array: &Array, chunk: &[u64], piece: &[u64], values: &(dyn Fn(&Selection) -> _ + Sync)| {
        array
            .write_shard::<Error>(chunk, piece, values)
            .unwrap_err()
            .to_string()
    };
    for piece in [&[8, 12][..], &[0, 8], &[8]] {
        let error = refusal(&array, &[0, 0], piece, &read);
        assert!(error.contains("not made of inner chunks of [8, 8]"), "{error}");
    }
    assert!(refusal(&array, &[0, 1], &[8, 8], &read).contains("chunk [0, 1] of [1, 1]"));
    assert!(refusal(&array, &[0], &[8, 8], &read).contains("2 dimensions"));
    let other = |piece: &Selection| {
        let data = array.read_data(piece)?;
        Ok(ArrayData {
            shape: vec![1, 1],
            ..data
        })
    };
    assert!(refusal(&array, &[0, 0], &[8, 8], &other).contains("[8, 8]"));
    assert!(array.has_plain_shards().unwrap());
    let plain = ArrayBuilder::new(vec![64, 64], DataType::UInt32)
        .chunk_shape(vec![8, 8])
        .create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        )
        .unwrap();
    assert!(!plain.has_plain_shards().unwrap());
    assert!(refusal(&plain, &[0, 0], &[8, 8], &read).contains("no shards"));
}
