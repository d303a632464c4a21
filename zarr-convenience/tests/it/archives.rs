//! ZIP archives in every mode: what is in them stays unless it was told to go.

use std::{fs, path::Path, sync::Arc};

use serde_json::json;
use zarr_convenience::{
    Chunks, CopyOptions, CopyStoreOptions, Creation, Error, Location, OpenConsolidated, OpenMode, ZarrSource,
    consolidate_metadata, copy_all, copy_store,
    core::{
        ArrayBuilder, Error as CoreError, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::DataType,
        store::{Store, ZipStore},
    },
    create_array, create_group, open, open_consolidated, open_store,
};

use crate::help::{array, group_in, keys, memory, path, values};

/// A folder with an archive `a.zip`, which holds a group with the array `x`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = archive(&folder.path().join("a.zip"), true).unwrap();
    array(&group_in(&store, ZarrFormat::V2), "x", 20);
    store.flush().unwrap();
    folder
}

fn archive(at: &Path, writable: bool) -> zarr_convenience::Result<Arc<dyn Store>> {
    open_store(&Location::with_path(&at.to_string_lossy(), "")?, writable)
}

fn open_at(store: &Arc<dyn Store>, mode: &str) -> zarr_convenience::Result<Node> {
    let mode = OpenMode::parse(mode)?;
    let options = (&Creation::default(), &Options::default());
    open(store, &NodePath::root(), mode, None, options)
}

fn as_group(node: Node) -> Group {
    match node {
        Node::Group(group) => group,
        Node::Array(array) => panic!("{array:?}"),
    }
}

#[test]
fn b01_consolidating_adds_one_document_to_an_archive() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let before = keys(archive(&at, false).unwrap().as_ref());
    let store = archive(&at, true).unwrap();
    consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
    store.flush().unwrap();
    let mut after = keys(archive(&at, false).unwrap().as_ref());
    assert!(after.remove(".zmetadata").is_some());
    assert_eq!(after, before);
}

#[test]
fn b01_a_consolidation_that_fails_leaves_the_archive() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let before = fs::read(&at).unwrap();
    let store = archive(&at, true).unwrap();
    let how = OpenConsolidated::default();
    consolidate_metadata(&store, &path("nothing/here"), &how).unwrap_err();
    drop(store);
    assert_eq!(fs::read(&at).unwrap(), before);
}

#[test]
fn b02_modes_that_create_are_refused_before_an_archive_is_touched() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let consolidated = archive(&at, true).unwrap();
    let mut how = OpenConsolidated::default();
    consolidate_metadata(&consolidated, &NodePath::root(), &how).unwrap();
    drop(consolidated);
    let before = fs::read(&at).unwrap();
    for mode in ["w", "a", "w-"] {
        let error = OpenConsolidated::parse_mode(mode).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("invalid mode, expected either 'r' or 'r+'; found '{mode}'")
        );
        how.mode = OpenMode::parse(mode).unwrap();
        let store = archive(&at, true).unwrap();
        let done = open_consolidated(&store, &NodePath::root(), &how);
        assert!(matches!(done, Err(Error::Argument(_))), "{mode}: {done:?}");
        drop(store);
        assert_eq!(fs::read(&at).unwrap(), before, "{mode}");
    }
}

#[test]
fn b03_what_is_in_an_archive_is_read_and_updated() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let before = fs::read(&at).unwrap();
    let node = open_at(&archive(&at, false).unwrap(), "r").unwrap();
    assert_eq!(as_group(node).members().unwrap().len(), 1);
    assert_eq!(fs::read(&at).unwrap(), before);
    for (number, mode) in [(-7, "r+"), (-8, "a")] {
        let store = archive(&at, true).unwrap();
        let Node::Array(x) = as_group(open_at(&store, mode).unwrap()).get("x").unwrap() else {
            panic!("no array")
        };
        x.write_vec(&Selection::region(&[3], &[1]), &[number]).unwrap();
        store.flush().unwrap();
        drop((x, store));
        let mut expected: Vec<_> = (1..=20).collect();
        expected[3] = number;
        assert_eq!(values(&archive(&at, false).unwrap(), "x"), expected, "{mode}");
    }
}

#[test]
fn b03_an_archive_is_made_exclusively_and_replaced_only_by_w() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let before = fs::read(&at).unwrap();
    let store = archive(&at, true).unwrap();
    let done = open_at(&store, "w-");
    assert!(
        matches!(done, Err(Error::Core(CoreError::Exists { .. }))),
        "{done:?}"
    );
    drop(store);
    assert_eq!(fs::read(&at).unwrap(), before);

    let new = folder.path().join("new.zip");
    let store = archive(&new, true).unwrap();
    open_at(&store, "w-").unwrap();
    store.flush().unwrap();
    assert_eq!(keys(archive(&new, false).unwrap().as_ref()).len(), 1);

    let store = archive(&at, true).unwrap();
    assert!(
        as_group(open_at(&store, "w").unwrap())
            .members()
            .unwrap()
            .is_empty()
    );
    store.flush().unwrap();
    let names: Vec<_> = keys(archive(&at, false).unwrap().as_ref()).into_keys().collect();
    assert_eq!(names, [".zgroup"]);
}

#[test]
fn b03_consolidated_metadata_open_as_they_do_by_default() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let how = OpenConsolidated::default();
    assert_eq!(how.mode, OpenMode::Update);
    let store = archive(&at, true).unwrap();
    consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    drop(store);
    let store = archive(&at, true).unwrap();
    let node = open_consolidated(&store, &NodePath::root(), &how).unwrap();
    assert_eq!(as_group(node).members().unwrap().len(), 1);
}

#[test]
fn b04_nodes_are_made_in_an_archive_beside_what_is_there() {
    let folder = folder();
    let at = folder.path().join("a.zip");
    let what = (&Creation::default(), &Options::default());
    let store = archive(&at, true).unwrap();
    let done = create_group(&store, &NodePath::root(), false, what);
    assert!(
        matches!(done, Err(Error::Core(CoreError::Exists { .. }))),
        "{done:?}"
    );
    create_group(&store, &path("g"), false, what).unwrap();
    create_array(&store, &path("y"), (&[4], &json!("<i8")), false, what).unwrap();
    store.flush().unwrap();
    drop(store);
    let store = archive(&at, false).unwrap();
    assert_eq!(values(&store, "x"), (1..=20).collect::<Vec<_>>());
    assert_eq!(values(&store, "y"), [0; 4]);
    let root = as_group(open_at(&store, "r").unwrap());
    assert_eq!(root.members().unwrap().len(), 3);
}

/// The names of the members of an archive, in the order in which they lie in it.
fn members(archive: &[u8]) -> Vec<String> {
    let starts = archive
        .windows(4)
        .enumerate()
        .filter(|(_, found)| *found == b"PK\x03\x04");
    let name = |at: usize| {
        let length = u16::from_le_bytes([archive[at + 26], archive[at + 27]]) as usize;
        String::from_utf8(archive[at + 30..][..length].to_vec()).unwrap()
    };
    starts.map(|(at, _)| name(at)).collect()
}

#[test]
fn members_lie_in_their_order_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let from = group_in(&memory(), ZarrFormat::V2);
    array(&from, "x", 300);
    let source = ZarrSource::new(Node::Group(from.clone()));
    let chunks = |n_threads: usize, each: Option<u64>| {
        let at = folder.path().join("a.zip");
        let archive = Arc::new(ZipStore::create(&at).unwrap());
        let to: Arc<dyn Store> = Arc::<ZipStore>::clone(&archive);
        let group = group_in(&to, ZarrFormat::V2);
        let options = CopyOptions {
            creation: Creation {
                chunks: each.map(Chunks::Each),
                ..Creation::default()
            },
            workers: Workers::new(n_threads),
            ..CopyOptions::default()
        };
        copy_all(&source, &NodePath::root(), &group, options).unwrap();
        to.flush().unwrap();
        let bytes = fs::read(&at).unwrap();
        fs::remove_file(&at).unwrap();
        bytes
    };
    for each in [None, Some(15), Some(7)] {
        let alone = chunks(1, each);
        let n_chunks = 300_u64.div_ceil(each.unwrap_or(10));
        let names = (0..n_chunks).map(|number| format!("x/{number}"));
        let expected: Vec<_> = [".zgroup".to_owned()]
            .into_iter()
            .chain(names)
            .chain(["x/.zarray".to_owned()])
            .collect();
        assert_eq!(members(&alone), expected, "{each:?}");
        for _ in 0..20 {
            assert!(
                chunks(8, each) == alone,
                "{each:?}: other bytes with more threads"
            );
        }
    }
}

#[test]
fn keys_lie_in_their_order_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let from = group_in(&memory(), ZarrFormat::V2);
    array(&from, "x", 300);
    let archive = |n_threads: usize| {
        let at = folder.path().join("a.zip");
        let to: Arc<dyn Store> = Arc::new(ZipStore::create(&at).unwrap());
        let options = CopyStoreOptions {
            workers: Workers::new(n_threads),
            ..CopyStoreOptions::default()
        };
        copy_store(from.store(), &to, options).unwrap();
        let bytes = fs::read(&at).unwrap();
        fs::remove_file(&at).unwrap();
        bytes
    };
    let alone = archive(1);
    let expected: Vec<_> = keys(from.store().as_ref()).into_keys().collect();
    assert_eq!(members(&alone), expected);
    for _ in 0..20 {
        assert!(archive(8) == alone, "other bytes with more threads");
    }
}

#[test]
fn chunks_of_one_write_lie_in_their_order_whatever_the_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    let archive = |n_threads: usize| {
        let at = folder.path().join("a.zip");
        let to: Arc<dyn Store> = Arc::new(ZipStore::create(&at).unwrap());
        let options = Options {
            workers: Workers::new(n_threads),
            ..Options::default()
        };
        let array = ArrayBuilder::new(vec![200, 3000], DataType::Int64)
            .chunk_shape(vec![50, 300])
            .create(Arc::clone(&to), &NodePath::root(), &options)
            .unwrap();
        let values: Vec<i64> = (0..600_000).collect();
        array.write_vec(&Selection::all(), &values).unwrap();
        // Some of the chunks in part, which then lie at the end.
        let part = Selection::region(&[20, 100], &[100, 900]);
        array.write_vec(&part, &vec![7_i64; 90_000]).unwrap();
        drop(array);
        to.flush().unwrap();
        let bytes = fs::read(&at).unwrap();
        fs::remove_file(&at).unwrap();
        bytes
    };
    let alone = archive(1);
    for _ in 0..5 {
        assert!(archive(8) == alone, "other bytes with more threads");
    }
}
