//! What a store says beforehand of keys that it could not hold.

use std::{fs, os::unix::fs::symlink, sync::Arc};

use zarr_store::{
    CachedStore, CountingStore, DirectoryStore, MemoryStore, NestedStore, PrefixStore, ReadOnlyStore, Store,
    StoreError, StoreKey,
};

use crate::{folder, key, keys, prefix};

fn check(store: &dyn Store, names: &[&str]) -> Result<(), String> {
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    store.check_set(&keys).map_err(|error| error.to_string())
}

#[test]
fn a_directory_says_beforehand_what_setting_a_key_would_say() {
    let folder = folder();
    let store = DirectoryStore::open(folder.path()).unwrap();
    for name in ["file", "a/b/file", "a/b/c/d"] {
        store.set(&key(name), b"1").unwrap();
    }
    fs::create_dir(folder.path().join("empty")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    symlink("a", folder.path().join("link")).unwrap();
    let before = keys(&store);
    let refused = [
        "file/0",
        "a/b/file/0/1",
        "a",
        "a/b/c",
        "empty",
        "dangling/0",
        "link/b/c",
        "link/b/file/0",
        "a/x.partial",
    ];
    for name in refused {
        let foretold = check(&store, &[name]).unwrap_err();
        assert_eq!(keys(&store), before, "{name}");
        assert_eq!(store.set(&key(name), b"2").unwrap_err().to_string(), foretold);
    }
    let fit = [
        "a/b/file",
        "a/b/new",
        "dangling",
        "empty/0",
        "file",
        "link/b/new",
        "x/y/z",
    ];
    check(&store, &fit).unwrap();
    for name in fit {
        store.set(&key(name), b"2").unwrap();
    }
}

#[test]
fn a_directory_has_no_room_for_a_key_and_keys_below_it() {
    let folder = folder();
    // It need not be there yet.
    let store = DirectoryStore::create(folder.path().join("new")).unwrap();
    let error = check(&store, &["a", "a.b", "a/b/c"]).unwrap_err();
    assert!(
        error.ends_with("new: a: a key that is to be set lies below it"),
        "{error}"
    );
    check(&store, &["a.b", "a/b/c", "ab"]).unwrap();
    assert!(!folder.path().join("new").exists());
    assert_eq!(check(&MemoryStore::new(), &["a", "a/b/c"]), Ok(()));
}

#[test]
fn stores_within_stores_ask_those_that_hold_the_keys() {
    let folder = folder();
    let inner: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path()).unwrap());
    inner.set(&key("a/1/2"), b"1").unwrap();
    let inner = || Arc::clone(&inner);
    let stores: [(Arc<dyn Store>, &str); 5] = [
        (Arc::new(PrefixStore::new(inner(), prefix("a"))), "1"),
        (Arc::new(NestedStore::new(inner())), "a/1.2.3"),
        (Arc::new(ReadOnlyStore::new(inner())), "a/1"),
        (Arc::new(CountingStore::new(inner())), "a/1"),
        (Arc::new(CachedStore::new(inner(), None)), "a/1"),
    ];
    for (store, name) in stores {
        let refused = store.check_set(&[StoreKey::new(name).unwrap()]);
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{store:?}");
    }
}
