//! Consolidated metadata: the document, what is read through it, and what is refused.

use std::sync::Arc;

use serde_json::{Map, json};
use zarr_convenience::{
    OpenConsolidated, OpenMode, consolidate_metadata,
    core::{
        Array, ArrayBuilder, ArrayData, Error as CoreError, Group, Node, NodePath, Options, Selection,
        ZarrFormat,
        codecs::DataType,
        store::{CountingStore, Store, StoreError, StoreExt, StoreKey},
    },
    open_consolidated,
};

use crate::help::memory;

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

fn path(text: &str) -> NodePath {
    NodePath::new(text).unwrap()
}

/// A group with an attribute and an array of two chunks in it, of which one is stored.
fn hierarchy(store: &Arc<dyn Store>) {
    let options = Options::default();
    let root = Group::create(Arc::clone(store), &NodePath::root(), ZarrFormat::V2, &options).unwrap();
    let group = root.create_group("g").unwrap();
    group
        .set_attributes(Map::from_iter([("hello".to_owned(), json!("world"))]))
        .unwrap();
    let builder = ArrayBuilder::new(vec![4], DataType::Int8)
        .chunk_shape(vec![2])
        .format(ZarrFormat::V2);
    let array = builder.create(Arc::clone(store), &path("g/a"), &options).unwrap();
    write(&array, 0, &[1, 2]).unwrap();
}

fn array(node: &Node, name: &str) -> Array {
    let Node::Group(group) = node else {
        panic!("a group")
    };
    match group.get(name).unwrap() {
        Node::Array(array) => array,
        Node::Group(_) => panic!("an array"),
    }
}

fn write(array: &Array, start: u64, values: &[i8]) -> Result<(), CoreError> {
    let shape = vec![values.len() as u64];
    let data = ArrayData::new::<i8>(shape.clone(), values).unwrap();
    array.write_data(&Selection::region(&[start], &shape), &data)
}

fn read(array: &Array) -> Vec<i8> {
    array
        .read_data(&Selection::all())
        .unwrap()
        .to_vec::<i8>()
        .unwrap()
}

fn is_refused(error: &CoreError) -> bool {
    matches!(error, CoreError::Store(StoreError::NotSupported { .. }))
}

#[test]
fn the_document_is_that_of_zarr_python() {
    let store = memory();
    hierarchy(&store);
    consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
    let document = store.get(&key(".zmetadata"), 10_000).unwrap().unwrap();
    // Written by zarr-python 2.18.7 for the same hierarchy.
    let expected = include_str!("zmetadata.json");
    assert_eq!(String::from_utf8_lossy(&document), expected.trim_end());
}

#[test]
fn no_folder_of_an_array_is_listed() {
    let inner = memory();
    hierarchy(&inner);
    let counting = Arc::new(CountingStore::new(inner));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
    // The root and `g`, and nothing of what the document was made for.
    assert_eq!(counting.counts().lists, 2);
}

#[test]
fn metadata_come_from_the_document_and_chunks_from_the_store() {
    let store = memory();
    hierarchy(&store);
    let how = OpenConsolidated::default();
    consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    for document in [".zgroup", "g/.zgroup", "g/.zattrs", "g/a/.zarray"] {
        store.erase(&key(document)).unwrap();
    }
    let node = open_consolidated(&store, &NodePath::root(), &how).unwrap();
    let found = array(&node, "g/a");
    assert_eq!(read(&found), [1, 2, 0, 0]);
    assert_eq!(found.n_chunks_initialized().unwrap(), 1);
    write(&found, 2, &[3, 4]).unwrap();
    assert_eq!(found.n_chunks_initialized().unwrap(), 2);
    assert!(store.exists(&key("g/a/1")).unwrap());
}

#[test]
fn chunks_may_be_in_another_store() {
    let (store, chunks) = (memory(), memory());
    hierarchy(&store);
    let mut how = OpenConsolidated::default();
    consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    how.chunk_store = Some(Arc::clone(&chunks));
    let node = open_consolidated(&store, &NodePath::root(), &how).unwrap();
    let found = array(&node, "g/a");
    assert_eq!(read(&found), [0; 4]);
    write(&found, 0, &[7; 4]).unwrap();
    assert!(chunks.exists(&key("g/a/1")).unwrap() && !store.exists(&key("g/a/1")).unwrap());
}

#[test]
fn b28_changes_of_metadata_are_refused_and_change_nothing() {
    let store = memory();
    hierarchy(&store);
    let node = consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
    let keys = store.list_prefix(path("").prefix()).unwrap();
    let Node::Group(group) = &node else {
        panic!("a group")
    };
    assert!(is_refused(&group.create_group("new").unwrap_err()));
    assert!(is_refused(&group.erase("g").unwrap_err()));
    let mut found = array(&node, "g/a");
    assert!(is_refused(&found.resize(&[1]).unwrap_err()));
    assert_eq!(found.shape(), [4]);
    assert!(is_refused(&found.set_attributes(Map::new()).unwrap_err()));
    assert_eq!(
        group.require_group("g").unwrap().attributes().unwrap()["hello"],
        "world"
    );
    assert_eq!(store.list_prefix(path("").prefix()).unwrap(), keys);
}

#[test]
fn what_is_opened_to_be_read_takes_no_chunks() {
    let store = memory();
    hierarchy(&store);
    let how = OpenConsolidated {
        mode: OpenMode::Read,
        ..OpenConsolidated::default()
    };
    consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    let node = open_consolidated(&store, &NodePath::root(), &how).unwrap();
    let written = write(&array(&node, "g/a"), 0, &[7; 4]);
    assert!(matches!(written, Err(CoreError::ReadOnly { .. })));
}

#[test]
fn a_root_that_is_an_array_and_another_key() {
    let store = memory();
    let builder = ArrayBuilder::new(vec![2], DataType::Int8).format(ZarrFormat::V2);
    builder
        .create(Arc::clone(&store), &NodePath::root(), &Options::default())
        .unwrap();
    let how = OpenConsolidated {
        metadata_key: key("other/place.json"),
        ..OpenConsolidated::default()
    };
    let node = consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    assert!(matches!(node, Node::Array(_)));
    assert!(store.exists(&how.metadata_key).unwrap() && !store.exists(&key(".zmetadata")).unwrap());
    open_consolidated(&store, &NodePath::root(), &how).unwrap();
}

#[test]
fn b28_nothing_is_written_before_all_is_checked() {
    let how = OpenConsolidated::default();
    let empty = memory();
    consolidate_metadata(&empty, &NodePath::root(), &how).unwrap_err();
    assert!(empty.list_prefix(path("").prefix()).unwrap().is_empty());

    let damaged = memory();
    hierarchy(&damaged);
    damaged.set(&key("g/.zattrs"), b"{").unwrap();
    let error = consolidate_metadata(&damaged, &NodePath::root(), &how).unwrap_err();
    assert!(error.to_string().contains("g/.zattrs"), "{error}");
    assert!(!damaged.exists(&key(".zmetadata")).unwrap());

    let whole = memory();
    hierarchy(&whole);
    let over_a_document = OpenConsolidated {
        metadata_key: key("g/.zattrs"),
        ..OpenConsolidated::default()
    };
    consolidate_metadata(&whole, &NodePath::root(), &over_a_document).unwrap_err();
    assert_eq!(
        Group::open(Arc::clone(&whole), &path("g"), &Options::default())
            .unwrap()
            .attributes()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn b30_names_that_only_end_like_documents_are_left_out() {
    let store = memory();
    hierarchy(&store);
    store.set(&key("g/not.zattrs"), b"no JSON").unwrap();
    consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
}

#[test]
fn damaged_documents_are_errors() {
    let how = OpenConsolidated::default();
    let deep = format!(
        "{{\"zarr_consolidated_format\":1,\"metadata\":{}",
        "[".repeat(100_000)
    );
    let cases: [&[u8]; 8] = [
        b"not json",
        b"[]",
        b"{}",
        b"{\"zarr_consolidated_format\":2,\"metadata\":{}}",
        b"{\"zarr_consolidated_format\":1}",
        b"{\"zarr_consolidated_format\":1,\"metadata\":[]}",
        b"{\"zarr_consolidated_format\":1,\"metadata\":{\"../.zgroup\":{}}}",
        deep.as_bytes(),
    ];
    for document in cases {
        let store = memory();
        store.set(&key(".zmetadata"), document).unwrap();
        let error = open_consolidated(&store, &NodePath::root(), &how).unwrap_err();
        let is_metadata = matches!(
            &error,
            zarr_convenience::Error::Core(CoreError::Metadata { document, .. }) if document.contains(".zmetadata")
        );
        assert!(is_metadata, "{error}");
    }
    let missing = open_consolidated(&memory(), &NodePath::root(), &how).unwrap_err();
    assert!(matches!(
        missing,
        zarr_convenience::Error::Core(CoreError::NotFound { .. })
    ));
}

#[test]
fn attributes_that_json_has_no_digits_for_are_kept() {
    let store = memory();
    hierarchy(&store);
    store
        .set(&key("g/.zattrs"), b"{\"a\": NaN, \"b\": -Infinity}")
        .unwrap();
    let how = OpenConsolidated::default();
    consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    let document = store.get(&key(".zmetadata"), 10_000).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&document).contains("\"a\": NaN,"));
    let node = open_consolidated(&store, &path("g"), &how).unwrap();
    assert_eq!(node.attributes().unwrap()["b"].to_string(), "-Infinity");
}

#[test]
fn b29_a_group_is_consolidated_by_its_store_and_path_into_one_document() {
    let store = memory();
    hierarchy(&store);
    let before = store.list_prefix(path("").prefix()).unwrap();
    let Node::Group(group) = Node::open(Arc::clone(&store), &path("g"), &Options::default()).unwrap() else {
        panic!("a group")
    };
    let node = consolidate_metadata(group.store(), group.path(), &OpenConsolidated::default()).unwrap();
    assert!(matches!(&node, Node::Group(found) if found.path() == group.path()));
    let mut after = store.list_prefix(path("").prefix()).unwrap();
    after.retain(|key| key.as_str() != ".zmetadata");
    assert_eq!(after, before, "no array of metadata was made");
    assert!(store.exists(&key(".zmetadata")).unwrap());
}

#[test]
fn b43_an_empty_chunk_is_erased_in_the_store_of_the_chunks() {
    let (store, chunks) = (memory(), memory());
    hierarchy(&store);
    let mut how = OpenConsolidated::default();
    consolidate_metadata(&store, &NodePath::root(), &how).unwrap();
    let beside = store.get(&key("g/a/0"), 100).unwrap();
    how.chunk_store = Some(Arc::clone(&chunks));
    how.options.write_empty_chunks = false;
    let node = open_consolidated(&store, &NodePath::root(), &how).unwrap();
    let found = array(&node, "g/a");
    write(&found, 0, &[7; 4]).unwrap();
    assert_eq!(read(&found), [7; 4]);
    write(&found, 0, &[0; 4]).unwrap();
    assert_eq!(read(&found), [0; 4]);
    assert!(chunks.list_prefix(path("").prefix()).unwrap().is_empty());
    assert_eq!(store.get(&key("g/a/0"), 100).unwrap(), beside);
}
