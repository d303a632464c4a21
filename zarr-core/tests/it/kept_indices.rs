//! The indices of shards are kept from read to read, and never believed of another shard.

use std::sync::Arc;

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, ZarrFormat,
    codecs::{CodecConfig, DataType},
    store::{
        ByteRange, Capabilities, CountingStore, DirectoryStore, MemoryStore, ObjectStore, ReadBuffer, Store,
        StoreError, StoreKey, ZipStore, forward_to_store,
    },
};

/// The bytes of the index of a shard: an entry for each of four inner chunks, and a checksum.
const INDEX_SIZE: u64 = 4 * 16 + 4;

/// Two shards of four inner chunks, whose sizes depend on what is in them.
fn create(store: Arc<dyn Store>) -> Array {
    let codecs = vec![
        CodecConfig::of("bytes", json!({"endian": "little"})),
        CodecConfig::of("gzip", json!({"level": 1})),
    ];
    let options = Options {
        write_empty_chunks: false,
        ..Options::default()
    };
    ArrayBuilder::new(vec![800], DataType::UInt16)
        .chunk_shape(vec![100])
        .shard_shape(vec![400])
        .format(ZarrFormat::V3)
        .codecs(codecs)
        .create(store, &NodePath::root(), &options)
        .unwrap()
}

/// Another handle of the same array, which knows nothing of what the first one keeps: another process.
fn open(store: &Arc<dyn Store>) -> Array {
    Array::open(Arc::clone(store), &NodePath::root(), &Options::default()).unwrap()
}

fn read(array: &Array, start: u64) -> Vec<u16> {
    let selection = Selection::region(&[start], &[3]);
    array.read_vec(&selection).unwrap()
}

/// Values of which every round has others, and which take another number of bytes when they are compressed.
fn values(round: u16) -> Vec<u16> {
    let value = |place: u16| match round % 3 {
        0 => place.wrapping_mul(31).wrapping_add(round),
        1 => round,
        _ => place / 7 + round,
    };
    (0..800).map(value).collect()
}

#[test]
fn an_index_is_read_once() {
    let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = create(Arc::<CountingStore>::clone(&counting));
    array.write_vec(&Selection::all(), &values(0)).unwrap();
    let mut last = counting.counts();
    let mut spent = |array: &Array, start| {
        assert_eq!(read(array, start), values(0)[start as usize..][..3]);
        let now = counting.counts();
        let spent = (now.gets - last.gets, now.bytes_got - last.bytes_got);
        last = now;
        spent
    };
    let (n_first, first) = spent(&array, 0);
    assert_eq!(n_first, 2);
    let (n_second, second) = spent(&array, 0);
    assert_eq!((n_second, second), (1, first - INDEX_SIZE));
    assert_eq!(spent(&array, 300).0, 1, "another inner chunk");
    assert_eq!(spent(&array, 400).0, 2, "another shard");
    assert_eq!(spent(&array.clone(), 500).0, 1, "a clone is the same array");
    let none = array.with_options(|options| options.index_cache_size = 0);
    assert_eq!(spent(&none, 600).0, 2, "no memory is granted");
}

/// A shard that takes the place of one whose index is kept, in stores that tell generations.
#[test]
fn a_shard_that_is_replaced_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    for store in [
        Arc::new(MemoryStore::new()) as Arc<dyn Store>,
        Arc::new(DirectoryStore::open(folder.path()).unwrap()),
        Arc::new(ZipStore::create(folder.path().join("a.zip")).unwrap()),
    ] {
        let array = create(Arc::clone(&store));
        for round in 0..30 {
            open(&store).write_vec(&Selection::all(), &values(round)).unwrap();
            for start in [50, 250, 350, 790] {
                let expected = &values(round)[start as usize..][..3];
                assert_eq!(
                    read(&array, start),
                    expected,
                    "{} round {round}",
                    store.describe("")
                );
                assert_eq!(
                    read(&array, start),
                    expected,
                    "{} round {round}",
                    store.describe("")
                );
            }
        }
    }
}

#[test]
fn a_directory_whose_shards_are_old_enough_is_believed_until_they_change() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Arc::new(DirectoryStore::open(folder.path()).unwrap());
    let counting = Arc::new(CountingStore::new(directory));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let array = create(Arc::clone(&store));
    array.write_vec(&Selection::all(), &values(0)).unwrap();
    let gets_of_a_read = |expected: &[u16]| {
        let before = counting.counts().gets;
        assert_eq!(read(&array, 100), expected[100..103]);
        counting.counts().gets - before
    };
    gets_of_a_read(&values(0));
    assert_eq!(
        gets_of_a_read(&values(0)),
        2,
        "times cannot tell the next one from this"
    );
    std::thread::sleep(std::time::Duration::from_millis(3_500));
    gets_of_a_read(&values(0));
    assert_eq!(gets_of_a_read(&values(0)), 1);
    open(&store).write_vec(&Selection::all(), &values(1)).unwrap();
    assert_eq!(gets_of_a_read(&values(1)), 3, "an inner chunk in vain, and anew");
    assert_eq!(gets_of_a_read(&values(1)), 2, "the new one is too young again");
}

#[test]
fn an_inner_chunk_that_was_missing_is_found_once_it_is_there() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let array = create(Arc::clone(&store));
    let write = |start, value: u16| {
        let selection = Selection::region(&[start], &[100]);
        open(&store).write_vec(&selection, &[value]).unwrap();
    };
    assert_eq!(read(&array, 100), [0; 3], "no shard");
    write(0, 5);
    assert_eq!(read(&array, 100), [0; 3], "no inner chunk");
    assert_eq!(read(&array, 0), [5; 3]);
    write(100, 6);
    assert_eq!(read(&array, 100), [6; 3]);
    store.erase(&StoreKey::new("c/0").unwrap()).unwrap();
    assert_eq!(read(&array, 100), [0; 3], "the shard is gone");
    assert_eq!(read(&array, 200), [0; 3]);
    write(200, 7);
    assert_eq!(read(&array, 100), [0; 3]);
    assert_eq!(read(&array, 200), [7; 3]);
}

#[test]
fn of_a_bucket_each_request_brings_values_once_the_index_is_known() {
    let bucket = Arc::new(ObjectStore::in_memory("x.zarr").unwrap());
    let counting = Arc::new(CountingStore::new(bucket));
    let array = create(Arc::<CountingStore>::clone(&counting));
    for round in 0..3 {
        array.write_vec(&Selection::all(), &values(round)).unwrap();
        for expected in [2, 1, 1] {
            let before = counting.counts();
            assert_eq!(read(&array, 100), values(round)[100..103]);
            let now = counting.counts();
            assert_eq!(
                now.gets - before.gets,
                expected + u64::from(round > 0 && expected == 2)
            );
            assert_eq!(now.sizes, before.sizes, "parts tell the size of all");
        }
    }
}

#[test]
fn nothing_is_kept_of_a_store_that_cannot_tell_values_apart() {
    let counting = Arc::new(CountingStore::new(Arc::new(Silent(MemoryStore::new()))));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let array = create(Arc::clone(&store));
    for round in 0..6 {
        open(&store).write_vec(&Selection::all(), &values(round)).unwrap();
        for _ in 0..2 {
            let before = counting.counts().gets;
            assert_eq!(read(&array, 100), values(round)[100..103]);
            assert_eq!(counting.counts().gets - before, 2);
        }
    }
}

#[test]
fn an_array_that_moves_to_another_store_forgets() {
    let stores = [0, 1].map(|_| Arc::new(MemoryStore::new()) as Arc<dyn Store>);
    let [one, other] = &stores;
    let array = create(Arc::clone(one));
    array.write_vec(&Selection::all(), &values(0)).unwrap();
    assert_eq!(read(&array, 100), values(0)[100..103]);
    create(Arc::clone(other))
        .write_vec(&Selection::all(), &values(1))
        .unwrap();
    assert_eq!(read(&array.in_store(Arc::clone(other)), 100), values(1)[100..103]);
}

/// Indices of shards within shards are kept with that of the outer one.
#[test]
fn shards_in_shards_are_remembered() {
    let inner = json!({
        "chunk_shape": [50],
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "zstd"}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
    });
    let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let array = ArrayBuilder::new(vec![800], DataType::UInt16)
        .chunk_shape(vec![100])
        .shard_shape(vec![400])
        .format(ZarrFormat::V3)
        .codecs(vec![CodecConfig::of("sharding_indexed", inner)])
        .create(Arc::clone(&store), &NodePath::root(), &Options::default())
        .unwrap();
    for round in 0..6 {
        open(&store).write_vec(&Selection::all(), &values(round)).unwrap();
        let gets = [0, 60, 0, 110, 0, 160, 120].map(|start| {
            let before = counting.counts().gets;
            assert_eq!(read(&array, start), values(round)[start as usize..][..3]);
            counting.counts().gets - before
        });
        // Of another shard, the outer index or a chunk is read in vain before all is read anew.
        assert_eq!(gets[1..], [1, 1, 2, 1, 1, 1]);
        assert!(gets[0] >= 3, "{gets:?}");
    }
}

/// A store that never tells which value it reads.
#[derive(Debug)]
pub(crate) struct Silent(pub(crate) MemoryStore);

impl Store for Silent {
    fn get_ranges(
        &self,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        let is_there = self.0.get_ranges(key, ranges, buffer)?;
        buffer.set_generation(None);
        Ok(is_there)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            generations: false,
            ..self.0.capabilities()
        }
    }

    forward_to_store! { to 0: size, set, erase, list_dir, describe; }
}
