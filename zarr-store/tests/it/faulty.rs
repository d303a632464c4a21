//! After a failure at any call, readers see old or new.

use std::{io, sync::Arc};

use zarr_store::{
    MemoryStore, Result, Store,
    testing::{Fault, FaultyStore, Operation},
};

use crate::{get, key, keys, prefix};

/// Replaces the tree at `a`, as an overwriting save does.
fn save(store: &dyn Store) -> Result<()> {
    let staged = store.stage(&prefix("a"))?.unwrap();
    let tree = staged.store();
    tree.set(&key("0"), b"new")?;
    tree.set(&key("1"), b"new")?;
    tree.flush()?;
    staged.publish()?;
    store.flush()
}

#[test]
fn a_staged_save_that_stops_anywhere_leaves_old_or_new() {
    for call in 0.. {
        let memory = Arc::new(MemoryStore::new());
        memory.set(&key("a/0"), b"old").unwrap();
        let faulty = FaultyStore::new(Arc::<MemoryStore>::clone(&memory), Fault::stop(call));
        let result = save(&faulty);
        match keys(&*memory).len() {
            1 => assert_eq!(get(&*memory, "a/0").as_deref(), Some(&b"old"[..])),
            _ => assert_eq!(keys(&*memory), ["a/0", "a/1"]),
        }
        if result.is_ok() {
            assert_eq!(faulty.calls(), call, "each call was stopped once");
            return;
        }
    }
}

#[test]
fn a_fault_of_one_operation_leaves_the_others_alone() {
    let fault = Fault::once(0, io::ErrorKind::StorageFull).of(Operation::Set);
    let store = FaultyStore::new(Arc::new(MemoryStore::new()), fault);
    assert_eq!(get(&store, "a"), None);
    let error = store.set(&key("a"), b"1").unwrap_err();
    assert!(error.to_string().contains("memory: a"), "{error}");
    store.set(&key("a"), b"2").unwrap();
    assert_eq!(store.calls(), 2);
}
