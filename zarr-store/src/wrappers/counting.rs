//! A store that counts what is asked of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    ByteRange, Capabilities, KeyLock, Listing, ReadBuffer, Result, Staged, Store, StoreKey, StorePrefix,
    forward_to_store,
};

/// Another store, whose calls are counted; for tests such as *no chunk was listed*.
///
/// ```
/// use std::sync::Arc;
/// use zarr_store::{CountingStore, MemoryStore, Store, StoreKey};
/// let store = CountingStore::new(Arc::new(MemoryStore::new()));
/// store.set(&StoreKey::new("foo")?, b"12")?;
/// assert_eq!(store.counts().sets, 1);
/// assert_eq!(store.counts().bytes_set, 2);
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct CountingStore {
    inner: Arc<dyn Store>,
    calls: Arc<Calls>,
}

/// What was counted, shared with the trees that were staged.
#[derive(Debug, Default)]
struct Calls {
    gets: AtomicU64,
    bytes_got: AtomicU64,
    sizes: AtomicU64,
    sets: AtomicU64,
    bytes_set: AtomicU64,
    erases: AtomicU64,
    lists: AtomicU64,
    prefix_erases: AtomicU64,
    flushes: AtomicU64,
    stages: AtomicU64,
    renames: AtomicU64,
    locks: AtomicU64,
}

/// How often each method of a store was called, whether it succeeded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Calls of [`Store::get_ranges`].
    pub gets: u64,
    /// The bytes that those calls brought.
    pub bytes_got: u64,
    /// Calls of [`Store::size`].
    pub sizes: u64,
    /// Calls of [`Store::set`].
    pub sets: u64,
    /// The bytes given to those calls.
    pub bytes_set: u64,
    /// Calls of [`Store::erase`].
    pub erases: u64,
    /// Calls of [`Store::list_dir`].
    pub lists: u64,
    /// Calls of [`Store::erase_prefix`].
    pub prefix_erases: u64,
    /// Calls of [`Store::flush`].
    pub flushes: u64,
    /// Calls of [`Store::stage`]; what happens in a staged tree is counted too.
    pub stages: u64,
    /// [`Store::rename_prefix`].
    pub renames: u64,
    /// [`Store::lock`].
    pub locks: u64,
}

impl CountingStore {
    /// Counts the calls of `inner` made through this.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            calls: Arc::default(),
        }
    }

    /// The counts since the beginning.
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            gets: read(&self.calls.gets),
            bytes_got: read(&self.calls.bytes_got),
            sizes: read(&self.calls.sizes),
            sets: read(&self.calls.sets),
            bytes_set: read(&self.calls.bytes_set),
            erases: read(&self.calls.erases),
            lists: read(&self.calls.lists),
            prefix_erases: read(&self.calls.prefix_erases),
            flushes: read(&self.calls.flushes),
            stages: read(&self.calls.stages),
            renames: read(&self.calls.renames),
            locks: read(&self.calls.locks),
        }
    }
}

fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(more as u64, Ordering::Relaxed);
}

#[deny(clippy::missing_trait_methods)]
impl Store for CountingStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        add(&self.calls.gets, 1);
        let found = self.inner.get_ranges(key, ranges, buffer)?;
        let size = (0..buffer.len()).map(|index| buffer.part(index).len()).sum();
        add(&self.calls.bytes_got, size);
        Ok(found)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        add(&self.calls.sizes, 1);
        self.inner.size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        add(&self.calls.sets, 1);
        add(&self.calls.bytes_set, value.len());
        self.inner.set(key, value)
    }

    fn set_locked(&self, key: &StoreKey, value: &[u8], lock: KeyLock) -> Result<()> {
        add(&self.calls.sets, 1);
        add(&self.calls.bytes_set, value.len());
        self.inner.set_locked(key, value, lock)
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        add(&self.calls.locks, 1);
        self.inner.lock(key)
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        add(&self.calls.erases, 1);
        self.inner.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        add(&self.calls.lists, 1);
        self.inner.list_dir(prefix)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().at_once()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        add(&self.calls.prefix_erases, 1);
        self.inner.erase_prefix(prefix)
    }

    fn flush(&self) -> Result<()> {
        add(&self.calls.flushes, 1);
        self.inner.flush()
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        add(&self.calls.renames, 1);
        self.inner.rename_prefix(from, to)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        add(&self.calls.stages, 1);
        let staged = self.inner.stage(target)?;
        let calls = Arc::clone(&self.calls);
        Ok(staged.map(|tree| tree.with_store(|inner| Self { inner, calls })))
    }

    forward_to_store! {
        // What happens in trees that last is not counted.
        to inner: check_set, set_new, changes, generation, sweep, lasting, io_hints, node_format, describe;
        // Values are set as a whole, so that they are counted.
        without: begin_set;
    }
}
