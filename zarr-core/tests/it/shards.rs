//! Shards: which bytes are read and written, what is left out, what is refused.

use std::sync::Arc;

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, Error, NodePath, Options, Selection, Workers, ZarrFormat,
    codecs::{CodecConfig, DataType},
    store::{CountingStore, DirectoryStore, MemoryStore, Store, StoreExt, StoreKey},
};

fn builder() -> ArrayBuilder {
    ArrayBuilder::new(vec![8, 8], DataType::UInt16)
        .chunk_shape(vec![2, 2])
        .shard_shape(vec![4, 8])
        .format(ZarrFormat::V3)
        .codecs(vec![
            CodecConfig::of("bytes", json!({"endian": "little"})),
            CodecConfig::of("crc32c", json!({})),
        ])
}

fn create(store: Arc<dyn Store>, builder: ArrayBuilder, write_empty_chunks: bool) -> Array {
    let options = Options {
        write_empty_chunks,
        ..Options::default()
    };
    builder
        .create(store, &NodePath::new("a").unwrap(), &options)
        .unwrap()
}

fn numbers() -> Vec<u16> {
    (1..65).collect()
}

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

fn value(store: &dyn Store, name: &str) -> Vec<u8> {
    store.get(&key(name), u64::MAX).unwrap().unwrap().to_vec()
}

fn select(text: &str) -> Selection {
    Selection::parse(text).unwrap()
}

#[test]
fn an_inner_chunk_is_read_with_its_index_and_no_more() {
    let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = create(Arc::<CountingStore>::clone(&counting), builder(), true);
    array.write_vec(&Selection::all(), &numbers()).unwrap();
    let before = counting.counts();
    assert_eq!(
        array.read_vec::<u16>(&select("0:2, 2:4")).unwrap(),
        [3, 4, 11, 12]
    );
    let after = counting.counts();
    let index_size = 8 * 16 + 4;
    assert_eq!(after.gets - before.gets, 2);
    assert_eq!(after.bytes_got - before.bytes_got, index_size + 2 * 2 * 2 + 4);
}

#[test]
fn near_chunks_are_fetched_at_once_and_the_index_once() {
    let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = create(Arc::<CountingStore>::clone(&counting), builder(), true);
    array.write_vec(&Selection::all(), &numbers()).unwrap();
    let array = array.with_options(|options| options.workers = Workers::ONE);
    let before = counting.counts();
    assert_eq!(array.read_vec::<u16>(&Selection::all()).unwrap(), numbers());
    assert!(
        counting.counts().gets - before.gets <= 8,
        "{:?}",
        counting.counts()
    );
}

#[test]
fn a_little_of_many_inner_chunks_is_one_request() {
    let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let builder = ArrayBuilder::new(vec![64, 1024], DataType::UInt16)
        .chunk_shape(vec![64, 64])
        .shard_shape(vec![64, 1024])
        .format(ZarrFormat::V3)
        .codecs(vec![CodecConfig::of("bytes", json!({"endian": "little"}))]);
    let array = create(Arc::<CountingStore>::clone(&counting), builder, true);
    let values: Vec<u16> = (0..64 * 1024).map(|number| number as u16).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    let array = array.with_options(|options| options.workers = Workers::new(4));
    let before = counting.counts();
    let row = array.read_vec::<u16>(&select("5")).unwrap();
    assert_eq!(row, values[5 * 1024..][..1024]);
    let after = counting.counts();
    assert_eq!(
        after.gets - before.gets,
        2,
        "the index, and a row of each of 16 inner chunks"
    );
    assert_eq!(after.bytes_got - before.bytes_got, 16 * 16 + 4 + 1024 * 2);
}

#[test]
fn a_shard_in_a_shard_takes_three_rounds() {
    let inner = json!({
        "chunk_shape": [2, 2],
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
        "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
        "index_location": "start",
    });
    let builder = builder()
        .chunk_shape(vec![4, 4])
        .codecs(vec![CodecConfig::of("sharding_indexed", inner)]);
    let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let array = create(Arc::<CountingStore>::clone(&counting), builder, true);
    array.write_vec(&Selection::all(), &numbers()).unwrap();
    let array = array.with_options(|options| options.workers = Workers::ONE);
    let before = counting.counts();
    assert_eq!(
        array.read_vec::<u16>(&select("0:2, 2:4")).unwrap(),
        [3, 4, 11, 12]
    );
    assert_eq!(counting.counts().gets - before.gets, 3);
    array.write_vec(&select("1, 3:6"), &[100_u16]).unwrap();
    let mut expected = numbers();
    expected[11..14].fill(100);
    assert_eq!(array.read_vec::<u16>(&Selection::all()).unwrap(), expected);
}

#[test]
fn bytes_of_inner_chunks_that_do_not_change_stay_as_they_are() {
    let store = Arc::new(MemoryStore::new());
    let array = create(Arc::<MemoryStore>::clone(&store), builder(), true);
    array.write_vec(&Selection::all(), &numbers()).unwrap();
    let name = "a/c/0/0";
    // The bytes of the second inner chunk are damaged; nobody decodes them when another one is written.
    let mut damaged = value(store.as_ref(), name);
    damaged[12] ^= 1;
    store.set(&key(name), &damaged).unwrap();
    array.write_vec(&select("0, 0"), &[77_u16]).unwrap();
    let now = value(store.as_ref(), name);
    assert_eq!(now.len(), damaged.len());
    assert_eq!(now[12..96], damaged[12..96], "the other inner chunks");
    assert_eq!(now[..2], 77_u16.to_le_bytes());
    let error = array.read_vec::<u16>(&select("0, 2")).unwrap_err();
    let Error::Chunk { chunk, source, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(chunk, &[0, 0]);
    assert_eq!(source.to_string(), "inner chunk [0, 1]");
}

#[test]
fn empty_inner_chunks_are_left_out_and_empty_shards_erased() {
    let store = Arc::new(MemoryStore::new());
    let array = create(Arc::<MemoryStore>::clone(&store), builder(), false);
    array.write_vec(&select("0:2, 2:4"), &[5_u16]).unwrap();
    assert_eq!(value(store.as_ref(), "a/c/0/0").len(), 12 + 8 * 16 + 4);
    array.write_vec(&select("0, 0"), &[6_u16]).unwrap();
    assert_eq!(value(store.as_ref(), "a/c/0/0").len(), 24 + 8 * 16 + 4);
    array.write_vec(&select("0:2, 2:4"), &[0_u16]).unwrap();
    assert_eq!(value(store.as_ref(), "a/c/0/0").len(), 12 + 8 * 16 + 4);
    array.write_vec(&select("0, 0"), &[0_u16]).unwrap();
    assert_eq!(store.get(&key("a/c/0/0"), u64::MAX).unwrap(), None);
    array.write_vec(&Selection::all(), &numbers()).unwrap();
    array.write_vec(&Selection::all(), &[0_u16]).unwrap();
    assert_eq!(array.stored_chunks().unwrap(), Vec::<Vec<u64>>::new());
}

#[test]
fn a_directory_gets_shards_piece_by_piece() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Arc::new(DirectoryStore::create(folder.path().join("x.zarr")).unwrap());
    for location in ["start", "end"] {
        let inner = json!({
            "chunk_shape": [2, 2],
            "codecs": [{"name": "bytes", "configuration": {"endian": "big"}}],
            "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
            "index_location": location,
        });
        let builder = ArrayBuilder::new(vec![8, 8], DataType::UInt16)
            .chunk_shape(vec![4, 8])
            .format(ZarrFormat::V3)
            .codecs(vec![CodecConfig::of("sharding_indexed", inner)]);
        let path = NodePath::new(location).unwrap();
        let array = builder.create(open(), &path, &Options::default()).unwrap();
        array.write_vec(&Selection::all(), &numbers()).unwrap();
        array.write_vec(&select("3:5, 1"), &[500_u16, 501]).unwrap();
        let mut expected = numbers();
        (expected[25], expected[33]) = (500, 501);
        assert_eq!(array.read_vec::<u16>(&Selection::all()).unwrap(), expected);
        let size = std::fs::metadata(folder.path().join(format!("x.zarr/{location}/c/0/0"))).unwrap();
        assert_eq!(size.len(), 64 + 8 * 16);
    }
}

#[test]
fn damaged_shards_are_errors() {
    let store = Arc::new(MemoryStore::new());
    let array = create(Arc::<MemoryStore>::clone(&store), builder(), true);
    array.write_vec(&Selection::all(), &numbers()).unwrap();
    let name = "a/c/0/0";
    let whole = value(store.as_ref(), name);
    for length in 0..whole.len() {
        store.set(&key(name), &whole[..length]).unwrap();
        assert!(array.read_vec::<u16>(&select("0:4")).is_err(), "cut to {length}");
        assert!(
            array.write_vec(&select("0, 0"), &[1_u16]).is_err(),
            "cut to {length}"
        );
    }
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        store.set(&key(name), &flipped).unwrap();
        assert!(array.read_vec::<u16>(&select("0:4")).is_err(), "bit {bit}");
    }
}

#[test]
fn texts_lie_in_shards_too() {
    let builder = ArrayBuilder::new(vec![6], DataType::String)
        .chunk_shape(vec![2])
        .shard_shape(vec![4])
        .format(ZarrFormat::V3);
    let array = create(Arc::new(MemoryStore::new()), builder, false);
    let texts = ["a", "", "ccc", "d", "e", ""].map(str::to_owned);
    array.write_vec(&Selection::all(), &texts).unwrap();
    array.write_vec(&select("2"), &["changed".to_owned()]).unwrap();
    let read = array.read_vec::<String>(&Selection::all()).unwrap();
    assert_eq!(read, ["a", "", "changed", "d", "e", ""]);
}

#[test]
fn chunks_that_do_not_divide_shards_are_refused() {
    for (chunk, shard) in [([2, 3], [4, 8]), ([0, 2], [4, 8]), ([3, 2], [4, 8])] {
        let builder = builder().chunk_shape(chunk.to_vec()).shard_shape(shard.to_vec());
        let made = builder.create(
            Arc::new(MemoryStore::new()),
            &NodePath::root(),
            &Options::default(),
        );
        assert!(matches!(made, Err(Error::Create { .. })), "{made:?}");
    }
}

#[test]
fn threads_that_write_to_one_shard_lose_nothing() {
    for store in [
        Arc::new(MemoryStore::new()) as Arc<dyn Store>,
        Arc::new(DirectoryStore::create(tempfile::tempdir().unwrap().path()).unwrap()),
    ] {
        let array = create(store, builder(), true);
        std::thread::scope(|scope| {
            for thread in 0..8_u16 {
                let array = &array;
                scope.spawn(move || {
                    for column in 0..8 {
                        let place = select(&format!("{thread}, {column}"));
                        array.write_vec(&place, &[thread * 8 + column + 1]).unwrap();
                    }
                });
            }
        });
        assert_eq!(array.read_vec::<u16>(&Selection::all()).unwrap(), numbers());
    }
}

const CHILDREN: u16 = 4;

#[test]
fn child_that_writes_to_a_shard() {
    let Some(root) = std::env::var_os("ZT_TEST_ROOT") else {
        return;
    };
    let child: u16 = std::env::var("ZT_TEST_CHILD").unwrap().parse().unwrap();
    let store = Arc::new(DirectoryStore::open(root).unwrap());
    let array = Array::open(store, &NodePath::new("a").unwrap(), &Options::default()).unwrap();
    for number in (child..64).step_by(CHILDREN.into()) {
        let place = select(&format!("{}, {}", number / 8, number % 8));
        array.write_vec(&place, &[number + 1]).unwrap();
    }
}

/// Of shards and of chunks.
#[test]
fn processes_that_write_to_one_key_lose_nothing() {
    for builder in [builder(), builder().chunk_shape(vec![4, 8]).without_shards()] {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(DirectoryStore::open(folder.path()).unwrap());
        let array = create(store, builder, true);
        let children: Vec<_> = (0..CHILDREN)
            .map(|child| {
                std::process::Command::new(std::env::current_exe().unwrap())
                    .args(["--exact", "shards::child_that_writes_to_a_shard"])
                    .env("ZT_TEST_ROOT", folder.path())
                    .env("ZT_TEST_CHILD", child.to_string())
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(array.read_vec::<u16>(&Selection::all()).unwrap(), numbers());
        let left: Vec<_> = std::fs::read_dir(folder.path().join("a/c/0")).unwrap().collect();
        assert_eq!(left.len(), 1, "locks are removed: {left:?}");
    }
}

/// A reader whose shards are replaced meanwhile sees each inner chunk as it was once.
#[test]
fn readers_never_see_a_mixture_of_two_shards() {
    let folder = tempfile::tempdir().unwrap();
    for store in [
        Arc::new(MemoryStore::new()) as Arc<dyn Store>,
        Arc::new(DirectoryStore::open(folder.path()).unwrap()),
    ] {
        let codecs = vec![
            CodecConfig::of("bytes", json!({"endian": "little"})),
            CodecConfig::of("gzip", json!({"level": 1})),
        ];
        let array = create(store, builder().codecs(codecs), false);
        let even: Vec<u16> = (0..64).map(|n| if n / 16 % 2 == 0 { n + 1 } else { 0 }).collect();
        array.write_vec(&Selection::all(), &even).unwrap();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0..200 {
                    if round % 2 == 0 {
                        array.write_vec(&Selection::all(), &numbers()).unwrap();
                    } else {
                        array.write_vec(&Selection::all(), &even).unwrap();
                    }
                }
                done.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let read = array.read_vec::<u16>(&select("0:4")).unwrap();
                for (place, value) in read.iter().enumerate() {
                    let all = numbers()[place];
                    assert!(*value == all || *value == even[place], "{place}: {value}");
                }
            }
        });
    }
}
