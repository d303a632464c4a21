//! What a cache remembers, forgets, and never does.

use std::{
    sync::{
        Arc, Barrier, Condvar, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use zarr_store::{
    ByteRange, CachedStore, CountingStore, MemoryStore, ReadBuffer, Result, Store, StoreKey, forward_to_store,
};

use crate::{get, key, keys, prefix};

fn counted(size_max: Option<u64>) -> (Arc<CountingStore>, CachedStore) {
    let inner = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let store = CachedStore::new(Arc::<CountingStore>::clone(&inner), size_max);
    (inner, store)
}

fn cached_keys(store: &CachedStore) -> Vec<String> {
    store.state().keys.iter().map(ToString::to_string).collect()
}

#[test]
fn values_ranges_sizes_and_listings_are_asked_for_once() {
    let (inner, store) = counted(None);
    inner.set(&key("a/0"), b"0123456789").unwrap();
    let part = ByteRange::Part { offset: 2, length: 3 };
    let mut buffer = ReadBuffer::new();
    for _ in 0..3 {
        assert!(store.get_ranges(&key("a/0"), &[part], &mut buffer).unwrap());
        assert_eq!(buffer.part(0), b"234");
        assert_eq!(store.size(&key("a/0")).unwrap(), Some(10));
        assert_eq!(store.size(&key("a/1")).unwrap(), None);
        assert_eq!(keys(&store), ["a/0"]);
    }
    let counts = inner.counts();
    assert_eq!((counts.gets, counts.sizes, counts.lists), (1, 2, 2));
    get(&store, "a/0");
    let suffix = ByteRange::Suffix { length: 1 };
    assert!(
        store
            .get_ranges(&key("a/0"), &[suffix, part], &mut buffer)
            .unwrap()
    );
    assert_eq!((buffer.part(0), buffer.part(1)), (&b"9"[..], &b"234"[..]));
    assert_eq!(inner.counts().gets, 2, "a part of a value that is held is held");
    let state = store.state();
    assert_eq!((state.hits, state.misses, state.size), (3, 2, 13));
}

#[test]
fn changes_underneath_are_seen_after_invalidating() {
    let (inner, store) = counted(None);
    inner.set(&key("a"), b"1").unwrap();
    assert_eq!(
        (get(&store, "a").unwrap(), keys(&store)),
        (b"1".to_vec(), vec!["a".to_owned()])
    );
    inner.set(&key("a"), b"2").unwrap();
    inner.set(&key("n"), b"3").unwrap();
    assert_eq!(
        (get(&store, "a").unwrap(), keys(&store)),
        (b"1".to_vec(), vec!["a".to_owned()])
    );
    store.invalidate_values();
    assert_eq!(
        (get(&store, "a").unwrap(), keys(&store)),
        (b"2".to_vec(), vec!["a".to_owned()])
    );
    store.invalidate_keys();
    assert_eq!(keys(&store), ["a", "n"]);
    inner.set(&key("a"), b"4").unwrap();
    store.invalidate();
    assert_eq!(get(&store, "a").unwrap(), b"4");
}

#[test]
fn b36_invalidating_values_resets_the_size() {
    let (_, store) = counted(Some(10));
    store.set(&key("k"), b"12345").unwrap();
    store.invalidate_values();
    assert_eq!(store.state().size, 0);
    store.set(&key("k2"), b"1234567").unwrap();
    assert_eq!(cached_keys(&store), ["k2"]);
    assert_eq!(store.state().size, 7);
}

#[test]
fn a_value_larger_than_the_cache_is_not_held() {
    let (inner, store) = counted(Some(4));
    for value in [&b"12345"[..], b"1234"] {
        store.set(&key("a"), value).unwrap();
        for _ in 0..2 {
            assert_eq!(get(&store, "a").as_deref(), Some(value));
        }
    }
    assert_eq!(inner.counts().gets, 2, "the longer one is fetched each time");
}

#[test]
fn erasing_and_replacing_trees_forgets() {
    let (_, store) = counted(None);
    for name in ["a/0", "a/b/0", "c"] {
        store.set(&key(name), b"old").unwrap();
        get(&store, name);
    }
    keys(&store);
    store.erase_prefix(&prefix("a/b")).unwrap();
    assert_eq!(keys(&store), ["a/0", "c"]);
    assert_eq!(get(&store, "a/b/0"), None);
    let staged = store.stage(&prefix("a")).unwrap().unwrap();
    staged.store().set(&key("1"), b"new").unwrap();
    staged.publish().unwrap();
    assert_eq!(keys(&store), ["a/1", "c"]);
    assert_eq!(
        (get(&store, "a/0"), get(&store, "a/1").unwrap()),
        (None, b"new".to_vec())
    );
    store.erase(&key("c")).unwrap();
    assert_eq!(
        (store.size(&key("c")).unwrap(), keys(&store)),
        (None, vec!["a/1".to_owned()])
    );
}

#[test]
fn a_limit_holds_for_what_is_held() {
    let (_, store) = counted(None);
    store.set(&key("a"), b"12345").unwrap();
    let mut buffer = ReadBuffer::with_limit(4);
    assert!(
        store
            .get_ranges(&key("a"), &[ByteRange::All], &mut buffer)
            .is_err()
    );
    buffer.set_limit(2);
    let part = ByteRange::Suffix { length: 2 };
    assert!(store.get_ranges(&key("a"), &[part], &mut buffer).unwrap());
    assert!(store.get_ranges(&key("a"), &[part, part], &mut buffer).is_err());
}

/// A store whose first read stops in the middle until it is told to go on.
#[derive(Debug)]
struct Stopping {
    inner: MemoryStore,
    reads: AtomicU64,
    may_go: (Mutex<bool>, Condvar),
    is_read: Barrier,
}

impl Store for Stopping {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        let found = self.inner.get_ranges(key, ranges, buffer)?;
        if self.reads.fetch_add(1, Ordering::SeqCst) == 0 {
            self.is_read.wait();
            let may_go = self.may_go.0.lock().unwrap();
            drop(self.may_go.1.wait_while(may_go, |may_go| !*may_go).unwrap());
        }
        Ok(found)
    }

    forward_to_store! { to inner: size, set, erase, list_dir, capabilities, describe; }
}

#[test]
fn what_was_read_before_a_change_is_not_held_after_it() {
    let inner = Arc::new(Stopping {
        inner: MemoryStore::new(),
        reads: AtomicU64::new(0),
        may_go: (Mutex::new(false), Condvar::new()),
        is_read: Barrier::new(2),
    });
    inner.set(&key("a"), b"old").unwrap();
    let store = CachedStore::new(Arc::<Stopping>::clone(&inner), None);
    thread::scope(|scope| {
        let reader = scope.spawn(|| get(&store, "a").unwrap());
        inner.is_read.wait();
        // The cache is not locked while the inner store reads: these would wait for ever.
        store.set(&key("a"), b"new").unwrap();
        store.erase(&key("b")).unwrap();
        *inner.may_go.0.lock().unwrap() = true;
        inner.may_go.1.notify_all();
        assert_eq!(reader.join().unwrap(), b"old");
    });
    assert_eq!(get(&store, "a").unwrap(), b"new");
}

#[test]
fn erasing_a_prefix_forgets_no_other() {
    let (inner, store) = counted(None);
    for name in ["a/b/0", "a/c", "ab"] {
        store.set(&key(name), b"1").unwrap();
    }
    keys(&store);
    store.erase_prefix(&prefix("a/b")).unwrap();
    let before = inner.counts();
    for name in ["a/c", "ab"] {
        assert_eq!(get(&store, name).unwrap(), b"1");
    }
    assert_eq!(inner.counts(), before);
    assert_eq!(
        (get(&store, "a/b/0"), keys(&store)),
        (None, vec!["a/c".to_owned(), "ab".to_owned()])
    );
}
