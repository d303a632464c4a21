//! A store that lies far away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{Capabilities, IoHints, Result, Store, forward_to_store};

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
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().at_once()
    }

    fn io_hints(&self) -> IoHints {
        IoHints {
            requests_max: self.requests_max,
            ..self.inner.io_hints()
        }
    }

    forward_to_store! {
        through request: get_ranges, size, set, erase, list_dir, erase_prefix, generation;
        to inner: check_set, lock, flush, sweep, node_format, describe;
        // Values are set as a whole, in one request; an object store has no folders, and renames nothing. Nothing lasts,
        // so that all requests are counted.
        without: begin_set, rename_prefix, stage, set_new, set_locked, changes, lasting;
    }
}
