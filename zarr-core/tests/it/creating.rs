//! What making arrays asks of a store.

use std::sync::Arc;

use serde_json::{Map, json};
use zarr_core::{
    ArrayBuilder, Group, NodePath, Options, ZarrFormat,
    codecs::DataType,
    store::{CountingStore, Counts, DirectoryStore, MemoryStore, Store, StoreExt, StoreKey},
};

/// The calls that were made between two counts.
fn between(before: Counts, after: Counts) -> Counts {
    Counts {
        gets: after.gets - before.gets,
        bytes_got: after.bytes_got - before.bytes_got,
        sizes: after.sizes - before.sizes,
        sets: after.sets - before.sets,
        bytes_set: after.bytes_set - before.bytes_set,
        erases: after.erases - before.erases,
        lists: after.lists - before.lists,
        prefix_erases: after.prefix_erases - before.prefix_erases,
        flushes: after.flushes - before.flushes,
        stages: after.stages - before.stages,
        renames: after.renames - before.renames,
        locks: after.locks - before.locks,
    }
}

/// Makes an array with an attribute in a group, and gives the calls of that.
fn calls(store: &CountingStore, group: &Group, name: &str) -> Counts {
    let before = store.counts();
    let attributes = Map::from_iter([("units".to_owned(), json!("m"))]);
    let builder = ArrayBuilder::new(vec![3], DataType::Int8).attributes(attributes);
    group.create_array(name, builder, false).unwrap();
    between(before, store.counts())
}

/// A group two below the root.
fn group(store: &Arc<CountingStore>, format: ZarrFormat) -> Group {
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(store);
    let root = Group::create(store, &NodePath::root(), format, &Options::default()).unwrap();
    root.create_group("deep/er").unwrap()
}

#[test]
fn a_group_in_hand_asks_a_directory_only_whether_what_is_above_has_changed() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        let folder = tempfile::tempdir().unwrap();
        let directory = DirectoryStore::create(folder.path()).unwrap();
        let store = Arc::new(CountingStore::new(Arc::new(directory)));
        let group = group(&store, format);
        calls(&store, &group, "first");
        // The array is made with its folder in one step. Of V2, consolidated metadata of the root and of both groups
        // have a document of their own, which may appear.
        let least = Counts {
            sizes: if format == ZarrFormat::V2 { 3 } else { 0 },
            ..Counts::default()
        };
        for name in ["second", "third", "fourth"] {
            assert_eq!(calls(&store, &group, name), least, "{format:?}");
        }
        // Somebody else sets the document of the root.
        let key = StoreKey::new(if format == ZarrFormat::V2 {
            ".zgroup"
        } else {
            "zarr.json"
        })
        .unwrap();
        let document = store.get(&key, 1 << 20).unwrap().unwrap();
        store.set(&key, &document).unwrap();
        let again = calls(&store, &group, "fifth");
        assert!(again.gets + again.sizes > least.sizes, "{format:?}: {again:?}");
        assert_eq!(calls(&store, &group, "sixth"), least, "{format:?}");
    }
}

#[test]
fn an_array_costs_as_much_however_many_are_beside_it() {
    for (format, n_documents) in [(ZarrFormat::V2, 2), (ZarrFormat::V3, 1)] {
        let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
        let group = group(&store, format);
        calls(&store, &group, "0");
        let second = calls(&store, &group, "1");
        for index in 2..20 {
            assert_eq!(calls(&store, &group, &format!("{index}")), second, "{format:?}");
        }
        assert_eq!(
            (second.sets, second.erases, second.lists),
            (n_documents, 0, 0),
            "{format:?}"
        );
        assert_eq!(
            (second.prefix_erases, second.stages, second.renames),
            (0, 0, 0),
            "{format:?}"
        );
    }
}
