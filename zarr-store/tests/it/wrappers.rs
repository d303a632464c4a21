//! What wrappers change, and what they do not.

use std::sync::Arc;

use zarr_store::{
    CountingStore, MemoryStore, PrefixStore, ReadOnlyStore, Store, StoreError, StoreExt, StorePrefix,
};

use crate::{get, key, keys, prefix};

#[test]
fn an_error_of_a_prefix_store_names_the_whole_key() {
    let store = PrefixStore::new(Arc::new(MemoryStore::new()), prefix("a/b"));
    store.set(&key("c"), b"12").unwrap();
    let error = store.get(&key("c"), 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "memory: a/b/c: value of 2 bytes is too large, limit 1"
    );
}

#[test]
fn a_read_only_store_reads_and_lists_and_refuses_the_rest() {
    let inner = Arc::new(MemoryStore::new());
    inner.set(&key("a"), b"1").unwrap();
    let counting = Arc::new(CountingStore::new(inner));
    let store = ReadOnlyStore::new(Arc::<CountingStore>::clone(&counting));
    assert_eq!(get(&store, "a").as_deref(), Some(&b"1"[..]));
    assert_eq!(keys(&store), ["a"]);
    assert!(!store.capabilities().writes && !store.capabilities().erases);
    let before = counting.counts();
    let refusals = [
        store.set(&key("a"), b"2"),
        store.erase(&key("a")),
        store.erase_prefix(&prefix("b")),
        store.stage(&StorePrefix::root()).map(drop),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, Err(StoreError::NotSupported { .. })));
    }
    assert_eq!(counting.counts(), before, "refused before any I/O");
}

#[test]
fn calls_are_counted_by_method() {
    let store = CountingStore::new(Arc::new(MemoryStore::new()));
    store.set(&key("a"), b"123").unwrap();
    get(&store, "a");
    get(&store, "b");
    store.exists(&key("a")).unwrap();
    let counts = store.counts();
    assert_eq!(
        (counts.sets, counts.gets, counts.sizes, counts.lists),
        (1, 2, 1, 0)
    );
    assert_eq!((counts.bytes_set, counts.bytes_got), (3, 3));
}
