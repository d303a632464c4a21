//! Nodes that move.

use std::sync::Arc;

use zarr_core::{
    ArrayBuilder, Error, Group, NodePath, Options, Selection, ZarrFormat,
    codecs::DataType,
    store::{
        DirectoryStore, MemoryStore, Store, StoreExt, StoreKey, StorePrefix, forward_to_store,
        testing::{Fault, FaultyStore},
    },
};

/// A store that cannot rename, as most that are far away.
#[derive(Debug)]
struct Plain(MemoryStore);

impl Store for Plain {
    forward_to_store! { to 0: get_ranges, size, set, erase, list_dir, capabilities, describe; }
}

fn fill(store: Arc<dyn Store>, format: ZarrFormat) -> Group {
    let root = Group::create(store, &NodePath::root(), format, &Options::default()).unwrap();
    let builder = ArrayBuilder::new(vec![4], DataType::Int32).chunk_shape(vec![2]);
    let array = root.create_array("a/b/zarray", builder, false).unwrap();
    array.write_vec(&Selection::all(), &[1, 2, 3, 4]).unwrap();
    array.attrs().set("units", "K").unwrap();
    root.create_group("a/grop").unwrap();
    root.create_group("ab").unwrap();
    root
}

/// What the tree of [`fill`] is as keys and values, seen from a place.
fn tree(root: &Group, place: &str) -> Vec<(String, Vec<u8>)> {
    let prefix = StorePrefix::new(place).unwrap();
    let keys = root.store().list_prefix(&prefix).unwrap();
    let value = |key: &StoreKey| root.store().get(key, 1 << 20).unwrap().unwrap().to_vec();
    keys.iter()
        .map(|key| (prefix.strip(key).unwrap().to_owned(), value(key)))
        .collect()
}

#[track_caller]
fn check(store: Arc<dyn Store>, format: ZarrFormat) {
    let root = fill(store, format);
    let before = tree(&root, "a");
    assert!(before.len() >= 6);
    root.rename("a", "new/place").unwrap();
    assert_eq!(tree(&root, "new/place"), before);
    assert_eq!(root.names().unwrap(), ["ab", "new"]);
    let array = root.get("new/place/b").unwrap();
    assert_eq!(array.path().name(), "b");
    assert!(tree(&root, "a").is_empty());
}

#[test]
fn everything_below_goes_along_and_groups_are_made_above() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        check(Arc::new(MemoryStore::new()), format);
        let folder = tempfile::tempdir().unwrap();
        check(Arc::new(DirectoryStore::open(folder.path()).unwrap()), format);
    }
}

#[test]
fn b31_names_survive_in_stores_that_cannot_rename() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        check(Arc::new(Plain(MemoryStore::new())), format);
    }
}

#[test]
fn b32_moving_a_group_into_itself_is_refused() {
    let root = fill(Arc::new(MemoryStore::new()), ZarrFormat::V2);
    let before = tree(&root, "");
    for dest in ["a/new", "a/b/zarray/x", "a/grop/a"] {
        let error = root.rename("a", dest).unwrap_err();
        assert!(matches!(error, Error::Path { .. }), "{dest}: {error}");
    }
    assert_eq!(tree(&root, ""), before);
    root.rename("a", "a2").unwrap();
    assert!(root.contains("a2/b/zarray").unwrap());
}

#[test]
fn what_is_missing_or_in_the_way_is_named() {
    let root = fill(Arc::new(MemoryStore::new()), ZarrFormat::V2);
    let before = tree(&root, "");
    assert!(matches!(root.rename("x", "y"), Err(Error::NotFound { path, .. }) if path == "x"));
    assert!(matches!(root.rename("a", "ab"), Err(Error::Exists { path, .. }) if path == "ab"));
    assert!(matches!(root.rename("a", "a"), Err(Error::Exists { path, .. }) if path == "a"));
    assert!(matches!(root.rename("a", ""), Err(Error::Exists { path, .. }) if path.is_empty()));
    let above = root.rename("ab", "a/b/zarray/in").unwrap_err();
    assert!(
        matches!(&above, Error::Exists { path, found: "an array" } if path == "a/b/zarray"),
        "{above}"
    );
    root.store().set(&StoreKey::new("stray/0").unwrap(), b"").unwrap();
    assert!(matches!(root.rename("a", "stray"), Err(Error::Exists { .. })));
    root.store().erase(&StoreKey::new("stray/0").unwrap()).unwrap();
    assert_eq!(tree(&root, ""), before);
}

#[test]
fn names_are_relative_unless_they_begin_with_a_slash() {
    let root = fill(Arc::new(MemoryStore::new()), ZarrFormat::V2);
    let a = root.require_group("a").unwrap();
    a.rename("b", "c").unwrap();
    assert!(root.contains("a/c/zarray").unwrap());
    a.rename("c", "/d").unwrap();
    assert!(root.contains("d/zarray").unwrap());
    a.rename("/ab", "e").unwrap();
    assert!(root.contains("a/e").unwrap());
}

/// Wherever it stops, all values are there, in the old place or in the new one.
#[test]
fn a_move_that_stops_loses_nothing() {
    for renames in [true, false] {
        for call in 0.. {
            let inner: Arc<dyn Store> = if renames {
                Arc::new(MemoryStore::new())
            } else {
                Arc::new(Plain(MemoryStore::new()))
            };
            let whole = fill(inner.clone(), ZarrFormat::V2);
            let before = tree(&whole, "a");
            let faulty = Arc::new(FaultyStore::new(inner, Fault::stop(call)));
            let moved = Group::open(faulty, &NodePath::root(), &Options::default())
                .and_then(|root| root.rename("a", "new/place"));
            let is_old = tree(&whole, "a") == before;
            let is_new = tree(&whole, "new/place") == before && whole.contains("new/place").unwrap();
            assert!(is_old || is_new, "stopped before call {call}");
            if !is_new {
                assert!(!whole.contains("new/place").unwrap(), "a part is no node");
            }
            if moved.is_ok() {
                assert!(is_new && !whole.contains("a").unwrap());
                break;
            }
        }
    }
}
