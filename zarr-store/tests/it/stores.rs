//! Every store keeps the contract.

use std::{cell::RefCell, io, sync::Arc};

#[cfg(feature = "lmdb")]
use zarr_store::LmdbStore;
#[cfg(feature = "object_store")]
use zarr_store::ObjectStore;
#[cfg(feature = "sqlite")]
use zarr_store::SqliteStore;
use zarr_store::{
    CachedStore, CountingStore, DbmStore, DirectoryStore, Durability, MemoryStore, NestedStore, PrefixStore,
    Store, TempStore, ZipStore,
    testing::{Fault, FaultyStore, check_store},
};

use crate::{folder, key, prefix};

#[test]
fn memory() {
    check_store(|| Arc::new(MemoryStore::new()));
}

/// Calls `check_store` with stores in folders that live until it is done.
fn check_in_folders(make: impl Fn(&std::path::Path) -> Arc<dyn Store>) {
    let folders = RefCell::new(Vec::new());
    check_store(|| {
        let folder = folder();
        let store = make(&folder.path().join("example"));
        folders.borrow_mut().push(folder);
        store
    });
}

#[test]
fn directory() {
    check_in_folders(|path| Arc::new(DirectoryStore::create(path).unwrap()));
}

#[test]
fn directory_that_syncs_each_value() {
    check_in_folders(|path| {
        let store = DirectoryStore::create(path.join("a/b")).unwrap();
        Arc::new(store.with_durability(Durability::Each))
    });
}

#[test]
fn prefix_of_memory() {
    check_store(|| {
        let whole = MemoryStore::new();
        whole.set(&key("part-/outside"), b"").unwrap();
        whole.set(&key("part"), b"").unwrap();
        Arc::new(PrefixStore::new(Arc::new(whole), prefix("part")))
    });
}

#[test]
fn prefix_of_directory() {
    check_in_folders(|path| {
        let whole = DirectoryStore::create(path).unwrap();
        Arc::new(PrefixStore::new(Arc::new(whole), prefix("a/part")))
    });
}

#[test]
fn counting() {
    check_store(|| Arc::new(CountingStore::new(Arc::new(MemoryStore::new()))));
}

#[test]
fn faulty_without_a_fault() {
    let fault = Fault::from(u64::MAX, io::ErrorKind::Other);
    check_store(|| Arc::new(FaultyStore::new(Arc::new(MemoryStore::new()), fault)));
}

#[test]
fn zip() {
    check_in_folders(|path| Arc::new(ZipStore::create(path).unwrap()));
}

#[test]
fn zip_that_was_there() {
    check_in_folders(|path| {
        ZipStore::create(path).unwrap().close().unwrap();
        Arc::new(ZipStore::update(path).unwrap())
    });
}

#[test]
fn temporary() {
    check_store(|| Arc::new(TempStore::new().unwrap()));
}

#[test]
fn dbm() {
    check_in_folders(|path| Arc::new(DbmStore::create(path).unwrap()));
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite() {
    check_in_folders(|path| Arc::new(SqliteStore::create(path).unwrap()));
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_in_memory() {
    check_store(|| Arc::new(SqliteStore::in_memory().unwrap()));
}

#[cfg(feature = "lmdb")]
#[test]
fn lmdb() {
    check_in_folders(|path| Arc::new(LmdbStore::create(path).unwrap()));
}

#[cfg(feature = "object_store")]
#[test]
fn objects_in_memory() {
    check_store(|| Arc::new(ObjectStore::in_memory("some/where").unwrap()));
}

#[cfg(feature = "object_store")]
#[test]
fn objects_tell_which_value_was_read() {
    let store = ObjectStore::in_memory("some/where").unwrap();
    let mut buffer = zarr_store::ReadBuffer::new();
    let mut read = |value: &[u8]| {
        store.set(&key("a"), value).unwrap();
        let ranges = [
            zarr_store::ByteRange::Suffix { length: 1 },
            zarr_store::ByteRange::Part { offset: 0, length: 2 },
        ];
        assert!(store.get_ranges(&key("a"), &ranges, &mut buffer).unwrap());
        assert_eq!(buffer.value_size(), Some(value.len() as u64));
        assert!(buffer.is_settled());
        buffer.generation()
    };
    let first = read(b"one");
    assert!(first.is_some() && first != read(b"two"));
}

#[test]
fn cached() {
    for size_max in [None, Some(0), Some(100_000)] {
        check_store(|| Arc::new(CachedStore::new(Arc::new(MemoryStore::new()), size_max)));
    }
}

#[test]
fn cached_directory() {
    check_in_folders(|path| {
        let inner = DirectoryStore::create(path).unwrap();
        Arc::new(CachedStore::new(Arc::new(inner), Some(1 << 20)))
    });
}

#[test]
fn nested() {
    check_store(|| Arc::new(NestedStore::new(Arc::new(MemoryStore::new()))));
}
