//! What is asked of a store to find and to open nodes: no more than must be, and nothing below arrays.

use std::sync::Arc;

use serde_json::{Map, json};
use zarr_convenience::{
    ArrayInfo, Chunks, CopyOptions, CopyStoreOptions, Creation, OpenConsolidated, TreeOptions, ZarrSource,
    consolidate_metadata, copy_store,
    core::{
        Array, ArrayBuilder, Error as CoreError, Group, Node, NodePath, Options, ZarrFormat,
        codecs::DataType,
        store::{CountingStore, DirectoryStore, Store, StoreKey},
    },
    open_consolidated, tree,
};

use crate::help::{copy_all_logged, digests, group_in, keys, memory, path};

const N_GROUPS: u64 = 5;
const N_ARRAYS: u64 = 20;

/// Groups of arrays with chunks below the root, each group with an attribute; the counts begin anew.
fn hierarchy(format: ZarrFormat) -> (Arc<CountingStore>, Arc<dyn Store>) {
    let inner = memory();
    let options = Options::default();
    let root = Group::create(Arc::clone(&inner), &NodePath::root(), format, &options).unwrap();
    for number in 0..N_GROUPS {
        let group = root.create_group(&format!("g{number}")).unwrap();
        group
            .set_attributes(Map::from_iter([("a".to_owned(), json!(1))]))
            .unwrap();
        for number in 0..N_ARRAYS / N_GROUPS {
            let builder = ArrayBuilder::new(vec![8], DataType::Int8).chunk_shape(vec![2]);
            let array = group.create_array(&format!("a{number}"), builder, false).unwrap();
            array
                .write_vec(&zarr_convenience::core::Selection::all(), &[1_i8; 8])
                .unwrap();
        }
    }
    let counting = Arc::new(CountingStore::new(inner));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    (counting, store)
}

/// Calls that read, that list, and that do neither.
fn counts(counting: &CountingStore) -> (u64, u64, u64) {
    let counts = counting.counts();
    let others =
        counts.sizes + counts.sets + counts.erases + counts.prefix_erases + counts.renames + counts.stages;
    (counts.gets, counts.lists, others)
}

#[test]
fn a_walk_asks_for_each_document_once_and_lists_groups_alone() {
    // In V2 a group is what has no document of an array.
    for (format, gets) in [
        (ZarrFormat::V2, N_ARRAYS + 2 * (N_GROUPS + 1)),
        (ZarrFormat::V3, N_ARRAYS + N_GROUPS + 1 + 2),
    ] {
        let (counting, store) = hierarchy(format);
        let node = Node::open(store, &NodePath::root(), &Options::default()).unwrap();
        let Node::Group(group) = &node else {
            panic!("a group")
        };
        let mut n_nodes = 0;
        zarr_convenience::core::walk::<CoreError>(group, &mut |_| {
            n_nodes += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(n_nodes, N_ARRAYS + N_GROUPS);
        assert_eq!(counts(&counting), (gets, 1 + N_GROUPS, 0), "{format}");
    }
}

#[test]
fn a_tree_asks_for_no_more_than_a_walk() {
    for (format, gets) in [
        (ZarrFormat::V2, N_ARRAYS + 2 * (N_GROUPS + 1)),
        (ZarrFormat::V3, N_ARRAYS + N_GROUPS + 1 + 2),
    ] {
        let (counting, store) = hierarchy(format);
        let source = ZarrSource::new(Node::open(store, &NodePath::root(), &Options::default()).unwrap());
        let text = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
        assert_eq!(text.lines().count() as u64, 1 + N_GROUPS + N_ARRAYS);
        assert_eq!(counts(&counting), (gets, 1 + N_GROUPS, 0), "{format}");
    }
}

#[test]
fn consolidating_asks_for_each_document_once_and_lists_groups_alone() {
    let how = OpenConsolidated::default();
    // The root is opened first, to know its format.
    let (v2, v3) = (
        2 + 2 * N_ARRAYS + 2 * (N_GROUPS + 1) + N_GROUPS,
        3 + N_ARRAYS + N_GROUPS + 1 + 1,
    );
    for (format, gets) in [(ZarrFormat::V2, v2), (ZarrFormat::V3, v3)] {
        let (counting, store) = hierarchy(format);
        consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
        assert_eq!(counts(&counting), (gets, 1 + N_GROUPS, 1), "{format}");
        assert_eq!(counting.counts().sets, 1);
    }
}

#[test]
fn a_hierarchy_is_opened_and_walked_through_one_document() {
    let how = OpenConsolidated::default();
    for (format, gets) in [(ZarrFormat::V2, 1), (ZarrFormat::V3, 2)] {
        let (_, store) = hierarchy(format);
        consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
        let counting = Arc::new(CountingStore::new(store));
        let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
        let node = open_consolidated(&store, &NodePath::root(), &how).unwrap();
        let source = ZarrSource::new(node);
        let text = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
        assert_eq!(text.lines().count() as u64, 1 + N_GROUPS + N_ARRAYS);
        // Where there is no document of V2, that of V3 is asked for.
        assert_eq!(counts(&counting), (gets, 0, 0), "{format}");
        let array = open_consolidated(&store, &path("g0/a0"), &how).unwrap();
        assert!(matches!(array, Node::Array(_)));
    }
    assert_eq!(how.metadata_key, StoreKey::new(".zmetadata").unwrap());
}

#[test]
fn what_is_told_of_an_array_takes_one_listing_of_each_of_its_folders() {
    // In V3 chunks lie in a folder of their own.
    for (format, folders) in [(ZarrFormat::V2, 1), (ZarrFormat::V3, 2)] {
        let (counting, store) = hierarchy(format);
        let array = Array::open(store, &path("g0/a0"), &Options::default()).unwrap();
        let (gets, lists, _) = counts(&counting);
        let info = ArrayInfo::of(&array).unwrap();
        assert_eq!((info.n_chunks, info.n_chunks_initialized), (4, 4));
        // Of each chunk and of the document, the size is asked for.
        assert_eq!(counts(&counting), (gets, lists + folders, 5), "{format}");
    }
}

#[test]
fn keys_are_copied_from_directory_to_directory_without_asking_for_sizes() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to]: [Arc<dyn Store>; 2] = ["from", "to"]
        .map(|name| Arc::new(DirectoryStore::create(folder.path().join(name)).unwrap()) as Arc<dyn Store>);
    let (_, all) = hierarchy(ZarrFormat::V2);
    copy_store(&all, &from, CopyStoreOptions::default()).unwrap();
    let counting = [from, Arc::clone(&to)].map(|store| Arc::new(CountingStore::new(store)));
    let [from, into] =
        [0, 1].map(|index| -> Arc<dyn Store> { Arc::<CountingStore>::clone(&counting[index]) });
    let copied = copy_store(&from, &into, CopyStoreOptions::default()).unwrap();
    assert_eq!(keys(to.as_ref()), keys(all.as_ref()));
    let [of_source, of_dest] = [counting[0].counts(), counting[1].counts()];
    assert_eq!((of_source.sizes, of_dest.sizes), (0, 0));
    // A folder of an array has chunks; nothing is below a destination that is new.
    assert_eq!(of_source.lists, 1 + N_GROUPS + N_ARRAYS);
    assert_eq!(of_dest.lists, 2, "for keys, and for consolidated metadata");
    assert_eq!((of_source.gets, of_dest.sets), (copied.n_copied, copied.n_copied));
}

#[test]
fn keys_that_are_there_are_found_by_listing_their_folders() {
    let (_, from) = hierarchy(ZarrFormat::V2);
    let (counting, into) = hierarchy(ZarrFormat::V2);
    let before = keys(into.as_ref());
    let earlier = counting.counts();
    let options = CopyStoreOptions {
        if_exists: zarr_convenience::IfExists::Skip,
        ..CopyStoreOptions::default()
    };
    let copied = copy_store(&from, &into, options).unwrap();
    let counts = counting.counts();
    assert_eq!(copied.n_skipped, before.len() as u64);
    assert_eq!((copied.n_copied, counts.sizes - earlier.sizes), (0, 0));
    assert_eq!(counts.lists - earlier.lists, 1 + N_GROUPS + N_ARRAYS);
    assert_eq!(keys(into.as_ref()), before);
}

#[test]
fn shards_of_a_copy_that_nobody_knows_of_yet_are_not_locked_between_processes() {
    let folder = tempfile::tempdir().unwrap();
    let directory: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path()).unwrap());
    let counting = Arc::new(CountingStore::new(Arc::clone(&directory)));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let from = group_in(&memory(), ZarrFormat::V3);
    let builder = ArrayBuilder::new(vec![64], DataType::Int8).chunk_shape(vec![2]);
    let array = from.create_array("a", builder, false).unwrap();
    let values: Vec<i8> = (0..64).collect();
    array
        .write_vec(&zarr_convenience::core::Selection::all(), &values)
        .unwrap();
    let options = || CopyOptions {
        creation: Creation {
            chunks: Some(Chunks::Shape(vec![Some(4)])),
            shards: Some(Some(vec![16])),
            ..Creation::default()
        },
        ..CopyOptions::default()
    };
    let to = group_in(&store, ZarrFormat::V3);
    let before = counting.counts().locks;
    copy_all_logged(&from, &to, options()).1.unwrap();
    assert_eq!(counting.counts().locks - before, 0);
    assert_eq!(digests(&directory), digests(from.store()));
    // Whoever writes to an array that others may know of does lock.
    let part = zarr_convenience::core::Selection::parse("1:3").unwrap();
    let array = to.get("a").unwrap();
    let Node::Array(array) = array else {
        panic!("an array")
    };
    array.write_vec(&part, &[7_i8, 8]).unwrap();
    assert_eq!(counting.counts().locks - before, 1);
}
