//! A store that counts what is asked of it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    ByteRange, Capabilities, IoHints, KeyLock, Lasting, Listing, PendingValue, ReadBuffer, Result, Staged,
    Store, StoreKey, StorePrefix,
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
    /// Calls of [`Store::stage`]; what happens in a staged tree is not counted.
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
            gets: AtomicU64::new(0),
            bytes_got: AtomicU64::new(0),
            sizes: AtomicU64::new(0),
            sets: AtomicU64::new(0),
            bytes_set: AtomicU64::new(0),
            erases: AtomicU64::new(0),
            lists: AtomicU64::new(0),
            prefix_erases: AtomicU64::new(0),
            flushes: AtomicU64::new(0),
            stages: AtomicU64::new(0),
            renames: AtomicU64::new(0),
            locks: AtomicU64::new(0),
        }
    }

    /// The counts since the beginning.
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            gets: read(&self.gets),
            bytes_got: read(&self.bytes_got),
            sizes: read(&self.sizes),
            sets: read(&self.sets),
            bytes_set: read(&self.bytes_set),
            erases: read(&self.erases),
            lists: read(&self.lists),
            prefix_erases: read(&self.prefix_erases),
            flushes: read(&self.flushes),
            stages: read(&self.stages),
            renames: read(&self.renames),
            locks: read(&self.locks),
        }
    }
}

fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(more as u64, Ordering::Relaxed);
}

#[deny(clippy::missing_trait_methods)]
impl Store for CountingStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        add(&self.gets, 1);
        let found = self.inner.get_ranges(key, ranges, buffer)?;
        let size = (0..buffer.len()).map(|index| buffer.part(index).len()).sum();
        add(&self.bytes_got, size);
        Ok(found)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        add(&self.sizes, 1);
        self.inner.size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        add(&self.sets, 1);
        add(&self.bytes_set, value.len());
        self.inner.set(key, value)
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        self.inner.check_set(keys)
    }

    /// Values are set as a whole, so that they are counted.
    fn begin_set(&self, _key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        Ok(None)
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        add(&self.locks, 1);
        self.inner.lock(key)
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        add(&self.erases, 1);
        self.inner.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        add(&self.lists, 1);
        self.inner.list_dir(prefix)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().at_once()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        add(&self.prefix_erases, 1);
        self.inner.erase_prefix(prefix)
    }

    fn flush(&self) -> Result<()> {
        add(&self.flushes, 1);
        self.inner.flush()
    }

    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        self.inner.set_new(folder, values, ready)
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        add(&self.renames, 1);
        self.inner.rename_prefix(from, to)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        add(&self.stages, 1);
        self.inner.stage(target)
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.inner.generation(key)
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<()> {
        self.inner.sweep(folder, deep)
    }

    /// What happens in trees that last is not counted.
    fn lasting(&self) -> Option<&dyn Lasting> {
        self.inner.lasting()
    }

    fn io_hints(&self) -> IoHints {
        self.inner.io_hints()
    }

    fn node_format(&self) -> Option<&'static str> {
        self.inner.node_format()
    }

    fn describe(&self, key: &str) -> String {
        self.inner.describe(key)
    }
}
