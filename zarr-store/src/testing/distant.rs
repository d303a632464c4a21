//! A store that lies far away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    ByteRange, Capabilities, IoHints, KeyLock, Lasting, Listing, PendingValue, ReadBuffer, Result, Staged,
    Store, StoreKey, StorePrefix,
};

/// Another store, each of whose answers takes its time, and which wants many requests in flight.
///
/// With it a test tells what a remote store would cost: at best the number of requests times the latency over the
/// number in flight.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use zarr_store::{MemoryStore, Store, StoreKey, testing::DistantStore};
/// let store = DistantStore::new(Arc::new(MemoryStore::new()), Duration::from_millis(1), 8);
/// assert_eq!(store.size(&StoreKey::new("foo")?)?, None);
/// assert_eq!(store.n_requests(), 1);
/// assert_eq!(store.io_hints().requests_max, 8);
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct DistantStore {
    inner: Arc<dyn Store>,
    latency: Duration,
    requests_max: usize,
    n_requests: AtomicU64,
    n_in_flight: AtomicUsize,
    n_in_flight_max: AtomicUsize,
}

impl DistantStore {
    /// Moves `inner` away; `requests_max` is what its [`IoHints`] say.
    pub fn new(inner: Arc<dyn Store>, latency: Duration, requests_max: usize) -> Self {
        Self {
            inner,
            latency,
            requests_max,
            n_requests: AtomicU64::new(0),
            n_in_flight: AtomicUsize::new(0),
            n_in_flight_max: AtomicUsize::new(0),
        }
    }

    /// How many requests there were.
    pub fn n_requests(&self) -> u64 {
        self.n_requests.load(Ordering::SeqCst)
    }

    /// How many requests were in flight at once, at most.
    pub fn n_in_flight_max(&self) -> usize {
        self.n_in_flight_max.load(Ordering::SeqCst)
    }

    fn request<T>(&self, answer: impl FnOnce(&dyn Store) -> Result<T>) -> Result<T> {
        self.n_requests.fetch_add(1, Ordering::SeqCst);
        let n = self.n_in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.n_in_flight_max.fetch_max(n, Ordering::SeqCst);
        thread::sleep(self.latency);
        let answer = answer(self.inner.as_ref());
        self.n_in_flight.fetch_sub(1, Ordering::SeqCst);
        answer
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for DistantStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        self.request(|store| store.get_ranges(key, ranges, buffer))
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.request(|store| store.size(key))
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.request(|store| store.set(key, value))
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        self.inner.check_set(keys)
    }

    /// Values are set as a whole, in one request.
    fn begin_set(&self, _key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        Ok(None)
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        self.inner.lock(key)
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.request(|store| store.erase(key))
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        self.request(|store| store.list_dir(prefix))
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().at_once()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.request(|store| store.erase_prefix(prefix))
    }

    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }

    /// An object store has no folders.
    fn set_new(
        &self,
        _folder: &StorePrefix,
        _values: &[(&str, &[u8])],
        _ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        Ok(false)
    }

    /// Far away nothing is renamed.
    fn rename_prefix(&self, _from: &StorePrefix, _to: &StorePrefix) -> Result<bool> {
        Ok(false)
    }

    /// Far away no tree takes the place of another in one step.
    fn stage(&self, _target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        Ok(None)
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.generation(key)
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<()> {
        self.inner.sweep(folder, deep)
    }

    /// Nothing lasts, so that all requests are counted.
    fn lasting(&self) -> Option<&dyn Lasting> {
        None
    }

    fn io_hints(&self) -> IoHints {
        IoHints {
            requests_max: self.requests_max,
            ..self.inner.io_hints()
        }
    }

    fn node_format(&self) -> Option<&'static str> {
        self.inner.node_format()
    }

    fn describe(&self, key: &str) -> String {
        self.inner.describe(key)
    }
}
