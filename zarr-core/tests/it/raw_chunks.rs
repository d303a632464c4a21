//! Large uncompressed chunks, which are read in pieces and yet are of one value.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use zarr_core::{
    Array, ArrayBuilder, NodePath, Options, Selection,
    codecs::{ByteOrder, DataType, FillValue},
    metadata::V2Codecs,
    store::{
        ByteRange, DirectoryStore, MemoryStore, ReadBuffer, Store, StoreError, StoreKey, forward_to_store,
    },
};

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
        if key.as_str() == "0" {
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
