//! Groups that have two names in the group above, and so twice as many paths with each level.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Map, Value, json};
use zarr_convenience::core::Node;
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{Group, NodePath, Options, ZarrFormat};
use zarr_convenience::{
    Cancel, CopyOptions, Error, Source, SourceNode, ZarrSource, copy_all, plan_copy, plan_copy_all,
};
use zarr_h5bridge::{Hdf5Sink, Hdf5Source, Hdf5Store, ReferenceOptions, write_references};

/// The levels below the root.
const LEVELS: usize = 15;

fn memory() -> Group {
    let store = Arc::new(MemoryStore::new());
    Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default()).unwrap()
}

/// A file in which each group has the next one as `a` and as `b`.
fn doubling() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("doubling.h5");
    let group = memory();
    let mut at = String::new();
    for _ in 0..LEVELS {
        let below = format!("{at}/a");
        let links: Map<String, Value> =
            Map::from_iter([("_hdf5".to_owned(), json!({"links": {"b": {"hard": below}}}))]);
        let own = NodePath::new(&at).unwrap();
        let options = Options::default();
        let made = if own.is_root() {
            group.clone()
        } else {
            Group::create(Arc::clone(group.store()), &own, ZarrFormat::V2, &options).unwrap()
        };
        made.attrs().put(links).unwrap();
        at = below;
    }
    Group::create(
        Arc::clone(group.store()),
        &NodePath::new(&at).unwrap(),
        ZarrFormat::V2,
        &Options::default(),
    )
    .unwrap();
    let source = ZarrSource::new(Node::Group(group));
    let sink = Hdf5Sink::create(&path).unwrap();
    copy_all(&source, &NodePath::root(), &sink, CopyOptions::default()).unwrap();
    drop(sink);
    (folder, path)
}

#[test]
fn groups_that_double_with_each_level_are_refused_before_they_fill_memory() {
    let (_folder, path) = doubling();
    let source = Hdf5Source::open(&path).unwrap();
    assert_eq!(source.members(&NodePath::new("a/b").unwrap()).unwrap().len(), 2);
    let planned = plan_copy_all(&source, &NodePath::root(), &memory(), &CopyOptions::default());
    let Err(error @ Error::Refused { .. }) = planned else {
        panic!("it was planned");
    };
    let text = error.to_string();
    let first = "is another name of the group '/a/a/a";
    assert!(
        text.contains(first) && text.contains("/b") && text.contains("10000"),
        "{text}"
    );
    let store = Hdf5Store::open(&path).unwrap();
    let written = write_references(&store, &ReferenceOptions::new("x.h5"), &mut Vec::new());
    assert!(matches!(written, Err(Error::Refused { .. })));
    // One path through all of them is as short as ever.
    let below = NodePath::new(&"/b".repeat(LEVELS - 3)).unwrap();
    let node = source.node(&below).unwrap().unwrap();
    let plan = plan_copy(&source, &node, &memory(), &CopyOptions::default()).unwrap();
    assert_eq!(plan.steps.len(), 15);
}

#[test]
fn a_plan_is_no_longer_made_once_it_is_told_to_stop() {
    let (_folder, path) = doubling();
    let source = Hdf5Source::open(&path).unwrap();
    let told = Arc::new(AtomicBool::new(false));
    let options = CopyOptions {
        cancel: Cancel::from(Arc::clone(&told)),
        ..CopyOptions::default()
    };
    let below = SourceNode::Group(NodePath::new(&"/a".repeat(LEVELS - 1)).unwrap());
    let options = CopyOptions {
        name: Some("x".to_owned()),
        ..options
    };
    assert!(plan_copy(&source, &below, &memory(), &options).is_ok());
    told.store(true, Ordering::Relaxed);
    let planned = plan_copy(&source, &below, &memory(), &options);
    assert!(matches!(planned, Err(Error::Cancelled)));
}
