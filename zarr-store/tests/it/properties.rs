//! Random operations on a store against a sorted map.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection::vec, prelude::*, sample::select};
use zarr_store::{
    ByteRange, CachedStore, DbmStore, DirectoryStore, MemoryStore, NestedStore, ReadBuffer, Store, ZipStore,
};

use crate::{folder, get, key, keys, prefix};

type Model = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Set(&'static str, Vec<u8>),
    Erase(&'static str),
    ErasePrefix(&'static str),
    Replace(&'static str, Vec<u8>),
    Read(&'static str, u64, u64),
    List,
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let names = || select(vec!["a/0", "a/1", "a/b/0", "c", "c.d/0", "é"]);
    let folders = || select(vec!["a", "a/b", "c.d", "e"]);
    let values = || vec(any::<u8>(), 0..300);
    vec(
        prop_oneof![
            4 => (names(), values()).prop_map(|(name, value)| Step::Set(name, value)),
            1 => names().prop_map(Step::Erase),
            1 => folders().prop_map(Step::ErasePrefix),
            1 => (folders(), values()).prop_map(|(name, value)| Step::Replace(name, value)),
            2 => (names(), 0..300_u64, 0..300_u64).prop_map(|(name, from, size)| Step::Read(name, from, size)),
            1 => Just(Step::List),
            1 => Just(Step::Flush),
        ],
        1..40,
    )
}

fn run(store: &dyn Store, model: &mut Model, step: Step) {
    match step {
        Step::Set(name, value) => {
            store.set(&key(name), &value).unwrap();
            model.insert(name.to_owned(), value);
        }
        Step::Erase(name) => {
            store.erase(&key(name)).unwrap();
            model.remove(name);
        }
        Step::ErasePrefix(name) => {
            store.erase_prefix(&prefix(name)).unwrap();
            model.retain(|key, _| !key.starts_with(&format!("{name}/")));
        }
        Step::Replace(name, value) => {
            if let Some(staged) = store.stage(&prefix(name)).unwrap() {
                staged.store().set(&key("1"), &value).unwrap();
                staged.publish().unwrap();
                model.retain(|key, _| !key.starts_with(&format!("{name}/")));
                // `a/b` is a folder in the other steps, and `1` is none.
                model.insert(format!("{name}/1"), value);
            }
        }
        Step::Read(name, offset, length) => {
            let range = ByteRange::Part { offset, length };
            let mut buffer = ReadBuffer::new();
            let result = store.get_ranges(&key(name), &[range], &mut buffer);
            let Some(value) = model.get(name) else {
                assert!(!result.unwrap());
                return;
            };
            match range.resolve(value.len() as u64) {
                Some(found) => assert_eq!(buffer.part(0), &value[found.start as usize..found.end as usize]),
                None => assert!(result.is_err()),
            }
        }
        Step::List => assert_eq!(keys(store), model.keys().cloned().collect::<Vec<_>>()),
        Step::Flush => store.flush().unwrap(),
    }
}

fn check_all(store: &dyn Store, model: &Model) {
    assert_eq!(keys(store), model.keys().cloned().collect::<Vec<_>>());
    for (name, value) in model {
        assert_eq!(get(store, name).as_ref(), Some(value), "{name}");
    }
}

/// Does the steps on a store and compares with what a map would hold.
fn check_map(store: &dyn Store, steps: Vec<Step>) -> Model {
    let mut model = Model::new();
    for step in steps {
        run(store, &mut model, step);
    }
    check_all(store, &model);
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_is_a_map(steps in steps()) {
        let store = MemoryStore::new();
        let mut model = Model::new();
        for step in steps {
            run(&store, &mut model, step);
        }
        check_all(&store, &model);
    }

    #[test]
    fn a_directory_is_a_map(steps in steps()) {
        let folder = folder();
        let store = DirectoryStore::create(folder.path().join("x")).unwrap();
        let mut model = Model::new();
        // A flush syncs the whole file system, which the machine of the test may be using.
        for step in steps.into_iter().filter(|step| !matches!(step, Step::Flush)) {
            run(&store, &mut model, step);
        }
        check_all(&DirectoryStore::create(folder.path().join("x")).unwrap(), &model);
    }

    #[test]
    fn an_archive_is_a_map(steps in steps(), reopens in any::<bool>()) {
        let folder = folder();
        let path = folder.path().join("x.zip");
        let mut store = ZipStore::create(&path).unwrap();
        let mut model = Model::new();
        for step in steps {
            let is_flush = matches!(step, Step::Flush);
            run(&store, &mut model, step);
            if is_flush && reopens {
                store.close().unwrap();
                store = ZipStore::update(&path).unwrap();
            }
        }
        check_all(&store, &model);
        store.close().unwrap();
        check_all(&ZipStore::open(&path).unwrap(), &model);
    }

    #[test]
    fn a_dbm_is_a_map(steps in steps()) {
        let folder = folder();
        let path = folder.path().join("x");
        let model = check_map(&DbmStore::create(&path).unwrap(), steps);
        check_all(&DbmStore::open(&path).unwrap(), &model);
    }

    #[test]
    fn a_cache_is_a_map(steps in steps(), size_max in 0..600_u64) {
        let inner = Arc::new(MemoryStore::new());
        let store = CachedStore::new(Arc::<MemoryStore>::clone(&inner), Some(size_max));
        let model = check_map(&store, steps);
        prop_assert!(store.state().size <= size_max);
        check_all(inner.as_ref(), &model);
    }

    #[test]
    fn a_nested_store_is_a_map(steps in steps()) {
        check_map(&NestedStore::new(Arc::new(MemoryStore::new())), steps);
    }
}

#[cfg(any(feature = "sqlite", feature = "lmdb", feature = "object_store"))]
proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[cfg(feature = "sqlite")]
    #[test]
    fn a_database_is_a_map(steps in steps()) {
        let folder = folder();
        let path = folder.path().join("x");
        let model = check_map(&zarr_store::SqliteStore::create(&path).unwrap(), steps);
        check_all(&zarr_store::SqliteStore::open(&path).unwrap(), &model);
    }

    #[cfg(feature = "lmdb")]
    #[test]
    fn an_environment_is_a_map(steps in steps()) {
        let folder = folder();
        let path = folder.path().join("x");
        let model = check_map(&zarr_store::LmdbStore::create(&path).unwrap(), steps);
        check_all(&zarr_store::LmdbStore::open(&path).unwrap(), &model);
    }

    #[cfg(feature = "object_store")]
    #[test]
    fn a_bucket_is_a_map(steps in steps()) {
        check_map(&zarr_store::ObjectStore::in_memory("x/y").unwrap(), steps);
    }
}
