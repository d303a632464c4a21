//! Stores far away are asked for many chunks at once.

use std::{
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use serde_json::json;
use zarr_core::{
    ArrayBuilder, NodePath, Options, Selection, Workers, ZarrFormat,
    codecs::{CodecConfig, DataType},
    store::{
        ByteRange, Capabilities, CountingStore, IoHints, MemoryStore, ReadBuffer, Store, StoreError,
        StoreKey, forward_to_store,
    },
};

/// How many requests must be in flight before one is answered.
const WANTED: usize = 24;

/// A store that answers nothing about chunks before many requests have come.
#[derive(Debug)]
struct Gathering {
    inner: MemoryStore,
    requests_max: usize,
    n_waiting: Mutex<usize>,
    has_come: Condvar,
}

impl Gathering {
    fn new(requests_max: usize) -> Self {
        Self {
            inner: MemoryStore::new(),
            requests_max,
            n_waiting: Mutex::new(0),
            has_come: Condvar::new(),
        }
    }

    /// Waits until enough requests wait; the next as many begin anew.
    fn gather(&self, key: &StoreKey) -> Result<(), StoreError> {
        if !key.as_str().starts_with("c/") {
            return Ok(());
        }
        let mut n_waiting = self.n_waiting.lock().unwrap();
        *n_waiting += 1;
        self.has_come.notify_all();
        let batch = (*n_waiting - 1) / WANTED + 1;
        let is_short = |n_waiting: &mut usize| *n_waiting < batch * WANTED;
        // So long only a test that fails waits.
        let patience = Duration::from_secs(60);
        let (_guard, waited) = self
            .has_come
            .wait_timeout_while(n_waiting, patience, is_short)
            .unwrap();
        if waited.timed_out() {
            return Err(StoreError::Conflict {
                what: key.to_string(),
                reason: "waited for more requests".to_owned(),
            });
        }
        Ok(())
    }
}

impl Store for Gathering {
    fn get_ranges(
        &self,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        self.gather(key)?;
        self.inner.get_ranges(key, ranges, buffer)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        self.gather(key)?;
        self.inner.set(key, value)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn io_hints(&self) -> IoHints {
        IoHints {
            requests_max: self.requests_max,
            ..IoHints::default()
        }
    }

    forward_to_store! { to inner: size, erase, list_dir, describe; }
}

#[test]
fn as_many_requests_are_in_flight_as_the_store_wants() {
    let store: Arc<dyn Store> = Arc::new(Gathering::new(WANTED));
    let options = Options {
        workers: Workers::new(2),
        ..Options::default()
    };
    let n_chunks = 3 * WANTED;
    let builder = ArrayBuilder::new(vec![n_chunks as u64 * 2], DataType::Int32).chunk_shape(vec![2]);
    let array = builder.create(store, &NodePath::root(), &options).unwrap();
    let values: Vec<i32> = (0..n_chunks as i32 * 2).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    assert_eq!(array.read_vec::<i32>(&Selection::all()).unwrap(), values);
    let part = format!("0:{}", 2 * WANTED);
    let part = Selection::parse(&part).unwrap();
    assert_eq!(array.read_vec::<i32>(&part).unwrap(), values[..2 * WANTED]);
}

/// The requests that it takes to read an uncompressed array of 8 MiB, which is one chunk or one shard of 16.
fn n_gets(is_sharded: bool, workers: Workers) -> u64 {
    const LENGTH: u64 = 8 << 20;
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let bytes = vec![CodecConfig::of("bytes", json!({"endian": "little"}))];
    let mut builder = ArrayBuilder::new(vec![LENGTH], DataType::UInt8)
        .format(ZarrFormat::V3)
        .codecs(bytes);
    builder = if is_sharded {
        builder.chunk_shape(vec![LENGTH / 16]).shard_shape(vec![LENGTH])
    } else {
        builder.chunk_shape(vec![LENGTH])
    };
    let asked: Arc<dyn Store> = Arc::<CountingStore>::clone(&store);
    let array = builder
        .create(asked, &NodePath::root(), &Options::default())
        .unwrap();
    let values: Vec<u8> = (0..LENGTH).map(|place| (place % 251) as u8).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    let array = array.with_options(|options| options.workers = workers);
    let before = store.counts().gets;
    assert_eq!(array.read_vec::<u8>(&Selection::all()).unwrap(), values);
    store.counts().gets - before
}

#[test]
fn who_wants_several_requests_in_flight_is_given_large_ones() {
    let far = Workers::ONE.with_requests(4);
    assert_eq!(n_gets(false, Workers::ONE), 8);
    assert_eq!(n_gets(false, far), 1);
    // One of them is for the index.
    assert_eq!(n_gets(true, Workers::ONE), 1 + 8);
    assert_eq!(n_gets(true, far), 1 + 4);
}
