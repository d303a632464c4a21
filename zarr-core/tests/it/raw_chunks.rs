//! Large chunks, of which pieces are read that yet are of one value: all of uncompressed ones, parts of those of Blosc.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection, ZarrFormat,
    codecs::{ByteOrder, CodecConfig, DataType, FillValue},
    metadata::V2Codecs,
    store::{
        ByteRange, CountingStore, DirectoryStore, MemoryStore, ReadBuffer, Store, StoreError, StoreExt,
        StoreKey, forward_to_store, testing::DistantStore,
    },
};

use crate::kept_indices::Silent;

/// Elements of a chunk: 5 MiB and a bit, so that the last piece is a short one.
const LENGTH: u64 = (5 << 18) + 11;

/// An array of two chunks, in native byte order or the other one.
fn create(store: Arc<dyn Store>, fill: i32, byte_order: ByteOrder) -> Array {
    ArrayBuilder::new(vec![2 * LENGTH], DataType::Int32)
        .chunk_shape(vec![LENGTH])
        .fill_value(Some(FillValue::new(fill.to_ne_bytes().to_vec())))
        .byte_order(byte_order)
        .v2_codecs(V2Codecs::default())
        .create(store, &NodePath::root(), &Options::default())
        .unwrap()
}

fn numbers(first: i32) -> Vec<i32> {
    (0..LENGTH as i32)
        .map(|number| number.wrapping_mul(2_654_435) ^ first)
        .collect()
}

fn chunk(number: u64) -> Selection {
    Selection::region(&[number * LENGTH], &[LENGTH])
}

/// A store in which the value of a chunk is changed by another program, before one of the requests for it.
#[derive(Debug)]
struct Changing {
    inner: MemoryStore,
    n_gets: AtomicUsize,
    /// Before which request, and to what.
    change: Mutex<(usize, Option<Vec<u8>>)>,
}

impl Changing {
    fn new() -> Self {
        Self {
            inner: MemoryStore::new(),
            n_gets: AtomicUsize::new(0),
            change: Mutex::new((usize::MAX, None)),
        }
    }

    fn change_before(&self, request: usize, to: Option<Vec<u8>>) {
        self.n_gets.store(0, Ordering::Relaxed);
        *self.change.lock().unwrap() = (request, to);
    }
}

impl Store for Changing {
    fn get_ranges(
        &self,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        if ["0", "0.0.0"].contains(&key.as_str()) {
            let change = self.change.lock().unwrap();
            if self.n_gets.fetch_add(1, Ordering::Relaxed) == change.0 {
                match &change.1 {
                    Some(value) => self.inner.set(key, value)?,
                    None => self.inner.erase(key)?,
                }
            }
        }
        self.inner.get_ranges(key, ranges, buffer)
    }

    forward_to_store! { to inner: size, set, erase, list_dir, capabilities, describe; }
}

#[test]
fn a_large_chunk_is_read_in_pieces() {
    let folder = tempfile::tempdir().unwrap();
    for byte_order in [ByteOrder::Little, ByteOrder::Big] {
        let changing = Arc::new(Changing::new());
        let name = format!("{byte_order:?}");
        for store in [
            Arc::<Changing>::clone(&changing) as Arc<dyn Store>,
            Arc::new(DirectoryStore::create(folder.path().join(name)).unwrap()),
        ] {
            let array = create(store, 3, byte_order);
            array.write_vec(&chunk(0), &numbers(1)).unwrap();
            assert!(array.read_vec::<i32>(&chunk(0)).unwrap() == numbers(1));
            assert!(array.read_vec::<i32>(&chunk(1)).unwrap() == vec![3; LENGTH as usize]);
            let both = array.read_vec::<i32>(&Selection::all()).unwrap();
            assert!(both[..LENGTH as usize] == numbers(1) && both[LENGTH as usize..].iter().all(|n| *n == 3));
        }
        // Bytes that are swapped on the way are read as a whole.
        let is_native = byte_order == ByteOrder::NATIVE;
        let expected = if is_native { 2 * 6 } else { 2 };
        assert_eq!(changing.n_gets.load(Ordering::Relaxed), expected);
    }
}

#[test]
fn a_chunk_that_changes_meanwhile_is_the_old_or_the_new_one() {
    let bytes = |numbers: Vec<i32>| {
        numbers
            .into_iter()
            .flat_map(i32::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    for fill in [0, -7] {
        let store = Arc::new(Changing::new());
        let array = create(Arc::<Changing>::clone(&store), fill, ByteOrder::Little);
        for request in 0..8 {
            array.write_vec(&chunk(0), &numbers(1)).unwrap();
            store.change_before(request, Some(bytes(numbers(2))));
            let read = array.read_vec::<i32>(&chunk(0)).unwrap();
            let expected = if request < 6 { numbers(2) } else { numbers(1) };
            assert!(read == expected, "replaced before request {request}");
            array.write_vec(&chunk(0), &numbers(1)).unwrap();
            store.change_before(request, None);
            let read = array.read_vec::<i32>(&chunk(0)).unwrap();
            let expected = if request < 6 {
                vec![fill; LENGTH as usize]
            } else {
                numbers(1)
            };
            assert!(read == expected, "erased before request {request}");
        }
    }
}

#[test]
fn a_chunk_of_another_size_is_an_error() {
    let store = Arc::new(Changing::new());
    let array = create(Arc::<Changing>::clone(&store), 0, ByteOrder::Little);
    for size in [0, 1, LENGTH * 4 - 1, LENGTH * 4 + 1] {
        store
            .set(&StoreKey::new("0").unwrap(), &vec![1; size as usize])
            .unwrap();
        let error = array.read_vec::<i32>(&chunk(0)).unwrap_err();
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(text.contains('0') && text.contains(&size.to_string()), "{text}");
    }
}

/// An array of one chunk of 8 MiB that Blosc has compressed, half of it to next to nothing.
fn create_blosc(store: Arc<dyn Store>, format: ZarrFormat, byte_order: ByteOrder) -> Array {
    let builder = ArrayBuilder::new(vec![128, 128, 128], DataType::Int32)
        .chunk_shape(vec![128, 128, 128])
        .byte_order(byte_order)
        .format(format);
    let builder = match format {
        // What V2 arrays have unless told otherwise.
        ZarrFormat::V2 => builder,
        ZarrFormat::V3 => {
            let blosc = json!({"cname": "zstd", "clevel": 1, "shuffle": "bitshuffle", "typesize": 4});
            builder.codecs(vec![CodecConfig::new(
                "blosc",
                blosc.as_object().unwrap().clone(),
            )])
        }
    };
    let array = builder
        .create(store, &NodePath::root(), &Options::default())
        .unwrap();
    array.write_vec(&Selection::all(), &cube()).unwrap();
    array
}

fn cube() -> Vec<i32> {
    let is_smooth = |at: i32| at % (1 << 14) < 1 << 13;
    let number = |at: i32| {
        if is_smooth(at) {
            at
        } else {
            at.wrapping_mul(2_654_435)
        }
    };
    (0..1 << 21).map(number).collect()
}

/// What the cube has in a region.
fn cut(cube: &[i32], start: [usize; 3], shape: [usize; 3]) -> Vec<i32> {
    let planes = start[0]..start[0] + shape[0];
    let rows = planes.flat_map(|plane| (0..shape[1]).map(move |row| (plane * 128 + start[1] + row) * 128));
    rows.flat_map(|row| &cube[row + start[2]..][..shape[2]])
        .copied()
        .collect()
}

#[test]
fn of_a_large_chunk_of_blosc_the_blocks_are_read_that_hold_what_is_asked_for() {
    let cube = cube();
    for (format, byte_order) in [
        (ZarrFormat::V2, ByteOrder::Little),
        (ZarrFormat::V2, ByteOrder::Big),
        (ZarrFormat::V3, ByteOrder::Little),
    ] {
        let counting = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
        let array = create_blosc(Arc::<CountingStore>::clone(&counting), format, byte_order);
        let size = array.size_stored().unwrap();
        for (start, shape) in [
            ([0, 0, 0], [1, 1, 1]),
            ([127, 127, 127], [1, 1, 1]),
            ([64, 3, 5], [1, 100, 90]),
            ([17, 0, 0], [4, 128, 128]),
        ] {
            let before = counting.counts();
            let selection = Selection::region(&start.map(|at| at as u64), &shape.map(|length| length as u64));
            assert!(array.read_vec::<i32>(&selection).unwrap() == cut(&cube, start, shape));
            let now = counting.counts();
            assert_eq!(now.gets - before.gets, 2);
            assert!(now.bytes_got - before.bytes_got < size / 4, "{start:?}");
        }
        // Of most of it, all is read at once.
        let before = counting.counts().gets;
        assert!(array.read_vec::<i32>(&Selection::all()).unwrap() == cube);
        assert_eq!(counting.counts().gets - before, 1);
    }
}

#[test]
fn of_a_store_that_cannot_tell_values_apart_chunks_are_read_as_a_whole() {
    let counting = Arc::new(CountingStore::new(Arc::new(Silent(MemoryStore::new()))));
    let array = create_blosc(
        Arc::<CountingStore>::clone(&counting),
        ZarrFormat::V2,
        ByteOrder::Little,
    );
    let point = Selection::region(&[100, 5, 7], &[1, 1, 1]);
    let before = counting.counts().gets;
    let read = array.read_vec::<i32>(&point).unwrap();
    assert_eq!(read, cut(&cube(), [100, 5, 7], [1, 1, 1]));
    assert_eq!(counting.counts().gets - before, 1);
    let raw = create(Arc::new(Silent(MemoryStore::new())), 0, ByteOrder::NATIVE);
    raw.write_vec(&chunk(0), &numbers(1)).unwrap();
    let counting = Arc::new(CountingStore::new(Arc::clone(raw.store())));
    let raw = raw.in_store(Arc::<CountingStore>::clone(&counting));
    assert!(raw.read_vec::<i32>(&chunk(0)).unwrap() == numbers(1));
    assert_eq!(counting.counts().gets, 1);
}

#[test]
fn from_afar_the_blocks_are_read_of_chunks_that_are_larger_still() {
    for (length, expected) in [(2 << 20, 1), (4 << 20, 2)] {
        let far = DistantStore::new(Arc::new(MemoryStore::new()), Duration::ZERO, 8);
        let counting = Arc::new(CountingStore::new(Arc::new(far)));
        let array = ArrayBuilder::new(vec![length], DataType::Int32)
            .chunk_shape(vec![length])
            .create(
                Arc::<CountingStore>::clone(&counting),
                &NodePath::root(),
                &Options::default(),
            )
            .unwrap();
        let values: Vec<_> = (0..length as i32).map(|at| at.wrapping_mul(2_654_435)).collect();
        array.write_vec(&Selection::all(), &values).unwrap();
        let size = array.size_stored().unwrap();
        let before = counting.counts();
        let selection = Selection::region(&[length - 2], &[1]);
        assert_eq!(
            array.read_vec::<i32>(&selection).unwrap(),
            values[values.len() - 2..][..1]
        );
        let now = counting.counts();
        let (gets, bytes) = (now.gets - before.gets, now.bytes_got - before.bytes_got);
        assert_eq!(gets, expected, "{length} numbers");
        assert_eq!(bytes < size / 4, expected == 2, "{bytes} of {size}");
    }
}

#[test]
fn a_chunk_of_blosc_that_changes_meanwhile_is_the_old_or_the_new_one() {
    let store = Arc::new(Changing::new());
    let array = create_blosc(Arc::<Changing>::clone(&store), ZarrFormat::V2, ByteOrder::Little);
    let key = array.chunk_key(&[0, 0, 0]).unwrap();
    // As long as the old one, so that its blocks can be looked for in it, and elsewhere.
    let other: Vec<_> = cube().into_iter().rev().collect();
    array.write_vec(&Selection::all(), &other).unwrap();
    let new = store.inner.get(&key, u64::MAX).unwrap().unwrap();
    let point = Selection::region(&[100, 5, 7], &[1, 1, 1]);
    let old = cut(&cube(), [100, 5, 7], [1, 1, 1]);
    for request in 0..4 {
        for (to, expected) in [
            (Some(new.to_vec()), cut(&other, [100, 5, 7], [1, 1, 1])),
            (None, vec![0]),
            (Some(vec![0; 3]), vec![]),
        ] {
            array.write_vec(&Selection::all(), &cube()).unwrap();
            store.change_before(request, to.clone());
            let read = array.read_vec::<i32>(&point);
            if request < 2 && expected.is_empty() {
                let error = read.unwrap_err().to_string();
                assert!(error.contains("chunk"), "{error}");
            } else {
                let expected = if request < 2 { &expected } else { &old };
                assert_eq!(&read.unwrap(), expected, "changed before request {request}");
            }
        }
    }
}
