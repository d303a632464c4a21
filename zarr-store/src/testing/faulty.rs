//! A store that fails on demand.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    ByteRange, Capabilities, Listing, ReadBuffer, Result, Staged, Store, StoreError, StoreKey, StorePrefix,
    forward_to_store,
};

/// A kind of call that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Store::get_ranges`].
    Get,
    /// [`Store::size`].
    Size,
    /// [`Store::set`].
    Set,
    /// [`Store::erase`].
    Erase,
    /// [`Store::list_dir`].
    List,
    /// [`Store::erase_prefix`].
    ErasePrefix,
    /// [`Store::flush`].
    Flush,
    /// [`Store::stage`].
    Stage,
    /// [`Store::rename_prefix`].
    RenamePrefix,
    /// [`Staged::publish`].
    Publish,
}

/// Which calls fail, and how.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    operation: Option<Operation>,
    call: u64,
    is_lasting: bool,
    kind: io::ErrorKind,
}

impl Fault {
    /// The call with this number, from 0, fails; those after it succeed.
    pub const fn once(call: u64, kind: io::ErrorKind) -> Self {
        Self {
            operation: None,
            call,
            is_lasting: false,
            kind,
        }
    }

    /// The call with this number, from 0, fails, and all after it.
    pub const fn from(call: u64, kind: io::ErrorKind) -> Self {
        Self {
            is_lasting: true,
            ..Self::once(call, kind)
        }
    }

    /// As if the process ended before the call with this number, from 0: nothing happens any more.
    pub const fn stop(call: u64) -> Self {
        Self::from(call, io::ErrorKind::BrokenPipe)
    }

    /// Counts the calls of one operation only.
    #[must_use]
    pub const fn of(self, operation: Operation) -> Self {
        Self {
            operation: Some(operation),
            ..self
        }
    }
}

/// Another store, some of whose calls fail without reaching it.
///
/// ```
/// use std::{io, sync::Arc};
/// use zarr_store::{MemoryStore, Store, StoreKey, testing::{Fault, FaultyStore, Operation}};
/// let fault = Fault::once(1, io::ErrorKind::StorageFull).of(Operation::Set);
/// let store = FaultyStore::new(Arc::new(MemoryStore::new()), fault);
/// let key = StoreKey::new("foo")?;
/// assert!(store.set(&key, b"0").is_ok());
/// assert!(store.set(&key, b"1").is_err());
/// assert!(store.set(&key, b"2").is_ok());
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    fault: Fault,
    calls: Arc<AtomicU64>,
}

impl FaultyStore {
    /// Makes some of the calls of `inner` fail.
    pub fn new(inner: Arc<dyn Store>, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            calls: Arc::default(),
        }
    }

    /// How many calls were counted, those in staged trees included.
    ///
    /// With a fault that lies beyond, this tells how many calls an operation makes.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn check(&self, operation: Operation, key: &str) -> Result<()> {
        if self.fault.operation.is_some_and(|wanted| wanted != operation) {
            return Ok(());
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call == self.fault.call || (self.fault.is_lasting && call > self.fault.call) {
            let error = io::Error::new(self.fault.kind, "failure on demand");
            return Err(StoreError::io("calling", self.describe(key), error));
        }
        Ok(())
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for FaultyStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        self.check(Operation::Get, key.as_str())?;
        self.inner.get_ranges(key, ranges, buffer)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        self.check(Operation::Size, key.as_str())?;
        self.inner.size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.check(Operation::Set, key.as_str())?;
        self.inner.set(key, value)
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.check(Operation::Erase, key.as_str())?;
        self.inner.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        self.check(Operation::List, prefix.as_str())?;
        self.inner.list_dir(prefix)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().at_once()
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.check(Operation::ErasePrefix, prefix.as_str())?;
        self.inner.erase_prefix(prefix)
    }

    fn flush(&self) -> Result<()> {
        self.check(Operation::Flush, "")?;
        self.inner.flush()
    }

    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        self.check(Operation::Set, folder.as_str())?;
        self.inner.set_new(folder, values, ready)
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.check(Operation::RenamePrefix, from.as_str())?;
        self.inner.rename_prefix(from, to)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        self.check(Operation::Stage, target.as_str())?;
        let Some(staged) = self.inner.stage(target)? else {
            return Ok(None);
        };
        let store = Self {
            inner: staged.store(),
            ..self.clone()
        };
        Ok(Some(Box::new(FaultyStaged { store, staged })))
    }

    forward_to_store! {
        to inner: check_set, lock, generation, sweep, io_hints, node_format, describe;
        // Values are set as a whole, in one call that may fail, and nothing lasts, so that all calls are counted.
        without: begin_set, set_locked, changes, lasting;
    }
}

#[derive(Debug)]
struct FaultyStaged {
    store: FaultyStore,
    staged: Box<dyn Staged>,
}

#[deny(clippy::missing_trait_methods)]
impl Staged for FaultyStaged {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn publish(self: Box<Self>) -> Result<()> {
        self.store.check(Operation::Publish, "")?;
        self.staged.publish()
    }

    fn token(&self) -> Option<u64> {
        self.staged.token()
    }

    fn discard(self: Box<Self>) {
        self.staged.discard();
    }
}
