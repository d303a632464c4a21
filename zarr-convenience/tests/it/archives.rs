//! ZIP archives in every mode: what is in them stays unless it was told to go.

use std::{fs, path::Path, sync::Arc};

use serde_json::json;
use zarr_convenience::{
    Creation, Error, Location, OpenConsolidated, OpenMode, consolidate_metadata,
    core::{Error as CoreError, Group, Node, NodePath, Options, Selection, store::Store},
    create_array, create_group, open, open_consolidated, open_store,
};

use crate::help::{array, group_in, keys, path, values};

/// A folder with an archive `a.zip`, which holds a group with the array `x`.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = archive(&folder.path().join("a.zip"), true).unwrap();
    array(&group_in(&store, zarr_convenience::core::ZarrFormat::V2), "x", 20);
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
