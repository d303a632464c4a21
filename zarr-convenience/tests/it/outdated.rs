//! Consolidated metadata go when what they say is changed, and stay when it is not.

use std::sync::Arc;

use serde_json::json;
use zarr_convenience::{
    OpenConsolidated, SaveOptions, consolidate_metadata,
    core::{
        Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Selection, ZarrFormat,
        codecs::DataType,
        store::{CountingStore, DirectoryStore, Store},
    },
    find_consolidated, save_array,
};

use crate::help::{memory, path};

const FORMATS: [ZarrFormat; 2] = [ZarrFormat::V2, ZarrFormat::V3];

/// A root with an attribute, a group `g` and an array `g/a`, consolidated.
fn consolidated(format: ZarrFormat) -> Arc<dyn Store> {
    let store = memory();
    let root = Group::create(Arc::clone(&store), &NodePath::root(), format, &Options::default()).unwrap();
    root.attrs().set("title", "x").unwrap();
    let group = root.create_group("g").unwrap();
    let builder = ArrayBuilder::new(vec![4], DataType::Int8).chunk_shape(vec![2]);
    group.create_array("a", builder, false).unwrap();
    consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
    assert!(is_consolidated(&store));
    store
}

fn is_consolidated(store: &Arc<dyn Store>) -> bool {
    let key = OpenConsolidated::default().metadata_key;
    find_consolidated(store, &NodePath::root(), &key)
        .unwrap()
        .is_some()
}

fn root(store: &Arc<dyn Store>) -> Group {
    Group::open(Arc::clone(store), &NodePath::root(), &Options::default()).unwrap()
}

fn array(store: &Arc<dyn Store>) -> Array {
    Array::open(Arc::clone(store), &path("g/a"), &Options::default()).unwrap()
}

#[test]
fn every_change_of_a_document_takes_them_away() {
    type Change = fn(&Arc<dyn Store>);
    let changes: [(&str, Change); 9] = [
        ("a group is made", |store| {
            drop(root(store).create_group("new").unwrap());
        }),
        ("an array is made", |store| {
            let builder = ArrayBuilder::new(vec![4], DataType::Int8);
            root(store).create_array("g/new", builder, false).unwrap();
        }),
        ("an array is replaced", |store| {
            let builder = ArrayBuilder::new(vec![9], DataType::Int8);
            root(store).create_array("g/a", builder, true).unwrap();
        }),
        ("an attribute is set", |store| {
            array(store).attrs().set("a", 1).unwrap();
        }),
        ("attributes are put", |store| {
            array(store).set_attributes(serde_json::Map::new()).unwrap();
        }),
        ("an array is resized", |store| array(store).resize(&[2]).unwrap()),
        ("a node is erased", |store| root(store).erase("g/a").unwrap()),
        ("a node is moved", |store| root(store).rename("g", "h").unwrap()),
        ("an array is saved", |store| {
            let data = ArrayData::new(vec![2], &[1_i8, 2]).unwrap();
            save_array(store, &path("g/a"), &data, &SaveOptions::default()).unwrap();
        }),
    ];
    for format in FORMATS {
        for (what, change) in changes {
            if format == ZarrFormat::V3 && what == "an array is saved" {
                continue;
            }
            let store = consolidated(format);
            change(&store);
            assert!(!is_consolidated(&store), "{format}: {what}");
            assert_eq!(
                root(&store).attributes().unwrap()["title"],
                json!("x"),
                "{format}: {what}"
            );
        }
    }
}

#[test]
fn what_changes_no_document_leaves_them() {
    for format in FORMATS {
        let store = consolidated(format);
        array(&store).write_vec(&Selection::all(), &[1_i8; 4]).unwrap();
        array(&store).resize(&[1, 2]).unwrap_err();
        assert_eq!(array(&store).attrs().remove("not there").unwrap(), None);
        root(&store).create_group("g").unwrap_err();
        let read_only = array(&store).with_options(|options| options.read_only = true);
        read_only.attrs().set("a", 1).unwrap_err();
        assert!(is_consolidated(&store), "{format}");
    }
}

#[test]
fn attributes_of_a_group_of_v3_are_no_part_of_its_own() {
    let store = consolidated(ZarrFormat::V3);
    root(&store).attrs().set("title", "y").unwrap();
    assert!(is_consolidated(&store));
    assert_eq!(root(&store).attributes().unwrap()["title"], json!("y"));
    let store = consolidated(ZarrFormat::V2);
    root(&store).attrs().set("title", "y").unwrap();
    assert!(!is_consolidated(&store));
}

#[test]
fn they_are_gone_before_the_document_changes() {
    for format in FORMATS {
        let counting = Arc::new(CountingStore::new(consolidated(format)));
        let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
        let node = Node::open(Arc::clone(&store), &path("g/a"), &Options::default()).unwrap();
        let before = counting.counts();
        node.attrs().set("a", 1).unwrap();
        let after = counting.counts();
        // One request a level, where in V2 the node is one too, one more for what is taken away (in V3 it is read again
        // under its lock), and one for the attributes that there were.
        let n_levels = if format == ZarrFormat::V2 { 3 } else { 2 };
        let asked =
            (after.erases - before.erases) + (after.gets - before.gets) + (after.sizes - before.sizes);
        assert_eq!(asked, n_levels + 1 + 1, "{format}");
    }
}

#[test]
fn a_group_in_hand_sees_what_others_did_to_it_before_it_makes_the_next_array() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path()).unwrap());
        let options = Options::default();
        let root = Group::create(Arc::clone(&store), &NodePath::root(), format, &options).unwrap();
        let group = root.create_group("g").unwrap();
        let make = |name: &str| {
            let attributes = [("a".to_owned(), json!(1))].into_iter().collect();
            let builder = ArrayBuilder::new(vec![4], DataType::Int8).attributes(attributes);
            group.create_array(name, builder, false)
        };
        make("first").unwrap();
        make("second").unwrap();
        consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
        make("third").unwrap();
        assert!(!is_consolidated(&store), "{format:?}");
        consolidate_metadata(&store, &path("g"), &OpenConsolidated::default()).unwrap();
        make("fourth").unwrap();
        let key = OpenConsolidated::default().metadata_key;
        assert!(find_consolidated(&store, &path("g"), &key).unwrap().is_none());
        // The documents of both groups go, and come again.
        for document in ["g/.zgroup", ".zgroup", "g/zarr.json", "zarr.json"] {
            let _ = std::fs::remove_file(folder.path().join(document));
        }
        make("fifth").unwrap();
        let found = Group::open(Arc::clone(&store), &path("g"), &options).unwrap();
        let members = found.members().unwrap();
        assert_eq!(members.len(), 5, "{format:?}");
        for node in &members {
            assert_eq!(node.attributes().unwrap()["a"], json!(1), "{format:?}");
        }
        Group::open(Arc::clone(&store), &NodePath::root(), &options).unwrap();
        // An array in the place of the group is told, and so is a node that is there.
        let error = make("first").unwrap_err().to_string();
        assert!(error.contains("first"), "{error}");
        std::fs::remove_dir_all(folder.path().join("g")).unwrap();
        let builder = ArrayBuilder::new(vec![4], DataType::Int8);
        root.create_array("g", builder, false).unwrap();
        let error = make("sixth").unwrap_err().to_string();
        assert!(error.contains('g'), "{error}");
        assert!(!folder.path().join("g/sixth").exists(), "{format:?}");
    }
}

#[test]
fn an_array_that_cannot_be_made_outdates_nothing() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path()).unwrap());
        let options = Options::default();
        let root = Group::create(Arc::clone(&store), &NodePath::root(), format, &options).unwrap();
        root.create_group("g").unwrap();
        consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
        let builder = ArrayBuilder::new(vec![4], DataType::Int8);
        root.create_array("g", builder, false).unwrap_err();
        assert!(is_consolidated(&store), "{format:?}");
    }
}
