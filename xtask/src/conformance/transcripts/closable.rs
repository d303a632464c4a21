//! Stores that are closed while nodes still hold on to them.

use std::sync::{OnceLock, PoisonError, RwLock};

use zarr_convenience::core::store::{
    Capabilities, DbmStore, LmdbStore, SqliteStore, Store, StoreError, StoreExt, StoreKey, StorePrefix,
    TempStore, ZipStore, forward_to_store,
};

/// A store that has an end.
pub(super) trait Close: Store {
    fn close(self: Box<Self>) -> Result<(), StoreError>;

    /// The keys that Python's store still knows of once it is closed.
    fn remembered(&self) -> Result<Vec<StoreKey>, StoreError> {
        Ok(Vec::new())
    }
}

impl Close for ZipStore {
    fn close(self: Box<Self>) -> Result<(), StoreError> {
        Self::close(*self)
    }

    fn remembered(&self) -> Result<Vec<StoreKey>, StoreError> {
        self.list_prefix(&StorePrefix::root())
    }
}

macro_rules! close_by_dropping {
    ($($store:ty),*) => {
        $(impl Close for $store {
            fn close(self: Box<Self>) -> Result<(), StoreError> {
                self.flush()
            }
        })*
    };
}
close_by_dropping!(DbmStore, LmdbStore, SqliteStore, TempStore);

/// Another store until it is closed, and nothing but errors after that.
#[derive(Debug)]
pub(super) struct Closable {
    shown: String,
    open: RwLock<Option<Box<dyn Close>>>,
    remembered: OnceLock<Vec<StoreKey>>,
}

impl Closable {
    pub(super) fn new(store: impl Close + 'static) -> Self {
        Self {
            shown: store.describe(""),
            open: RwLock::new(Some(Box::new(store))),
            remembered: OnceLock::new(),
        }
    }

    pub(super) fn close(&self) -> Result<(), StoreError> {
        let store = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(store) = store else {
            return Ok(());
        };
        self.remembered
            .get_or_init(|| store.remembered().unwrap_or_default());
        store.close()
    }

    /// Flushes when a scenario says so; Python's stores are not flushed by what uses them.
    pub(super) fn flush_now(&self) -> Result<(), StoreError> {
        self.with(|store| store.flush())
    }

    fn with<T>(&self, action: impl FnOnce(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match open.as_deref() {
            Some(store) => action(store),
            None => Err(StoreError::Conflict {
                what: self.shown.clone(),
                reason: "the store was closed".to_owned(),
            }),
        }
    }
}

impl Store for Closable {
    fn size(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        match self.remembered.get() {
            Some(keys) if keys.contains(key) => Ok(Some(0)),
            _ => self.with(|store| store.size(key)),
        }
    }

    fn capabilities(&self) -> Capabilities {
        self.with(|store| Ok(store.capabilities()))
            .unwrap_or(Capabilities::READ_ONLY)
    }

    fn describe(&self, key: &str) -> String {
        format!("{}/{key}", self.shown)
    }

    forward_to_store! { through with: get_ranges, set, erase, list_dir, erase_prefix, rename_prefix; }
}
