//! Stores with something in them, and what is in a store.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};
use zarr_convenience::{
    CopyOptions, Error, Report, SaveOptions, ZarrSource, copy, copy_all,
    core::{
        Array, ArrayBuilder, ArrayData, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::DataType,
        store::{MemoryStore, Store, StoreExt, StoreKey, StorePrefix, forward_to_store},
    },
    digest, save,
};

pub(crate) type Keys = BTreeMap<String, Vec<u8>>;

pub(crate) fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

/// A store in memory that has only what every store must have: it cannot exchange trees.
#[derive(Debug, Default)]
pub(crate) struct PlainStore(MemoryStore);

impl Store for PlainStore {
    forward_to_store! { to 0: get_ranges, size, set, erase, list_dir, capabilities, describe; }
}

pub(crate) fn path(text: &str) -> NodePath {
    NodePath::new(text).unwrap()
}

/// A new group at the root of a new store in memory.
pub(crate) fn group() -> Group {
    group_in(&memory(), ZarrFormat::V2)
}

pub(crate) fn group_in(store: &Arc<dyn Store>, format: ZarrFormat) -> Group {
    Group::create(Arc::clone(store), &NodePath::root(), format, &Options::default()).unwrap()
}

/// An array of one dimension with values 1, 2, 3, ... in chunks of 10.
pub(crate) fn array(group: &Group, name: &str, length: u64) -> Array {
    let array = empty_array(group, name, length);
    let values: Vec<i64> = (1..=length as i64).collect();
    array.write_vec(&Selection::all(), &values).unwrap();
    array
}

/// An array of one dimension without a chunk, in chunks of 10.
pub(crate) fn empty_array(group: &Group, name: &str, length: u64) -> Array {
    ArrayBuilder::new(vec![length], DataType::Int64)
        .chunk_shape(vec![10])
        .create(
            Arc::clone(group.store()),
            &group.path().join(name).unwrap(),
            &Options::default(),
        )
        .unwrap()
}

/// The hierarchy of zarr-python's documentation: `foo/bar/baz` and `foo/bar/spam`, of 100 and 20 numbers.
pub(crate) fn example() -> Group {
    let group = group();
    array(&group, "foo/bar/baz", 100);
    array(&group, "foo/bar/spam", 20);
    group
}

/// All keys of a store with their values.
pub(crate) fn keys(store: &dyn Store) -> Keys {
    let list = store.list_prefix(&StorePrefix::root()).unwrap();
    list.iter()
        .map(|key| {
            (
                key.to_string(),
                store.get(key, u64::MAX).unwrap().unwrap().to_vec(),
            )
        })
        .collect()
}

/// The value of a key, as text.
pub(crate) fn text(store: &dyn Store, key: &str) -> String {
    let value = store.get(&StoreKey::new(key).unwrap(), u64::MAX).unwrap();
    String::from_utf8(value.unwrap_or_else(|| panic!("no {key}")).to_vec()).unwrap()
}

pub(crate) fn set(store: &dyn Store, key: &str, value: &[u8]) {
    store.set(&StoreKey::new(key).unwrap(), value).unwrap();
}

/// The paths of all arrays of a store with the digests of their values.
pub(crate) fn digests(store: &Arc<dyn Store>) -> BTreeMap<String, String> {
    let Some(node) = Node::find(store, &NodePath::root(), &Options::default(), None).unwrap() else {
        return BTreeMap::new();
    };
    let source = ZarrSource::new(node);
    let digests = digest(&source, &source.root(), Workers::ONE).unwrap();
    digests
        .into_iter()
        .map(|digest| {
            (
                digest.path.to_string(),
                format!("{} {:?}", digest.hex, digest.shape),
            )
        })
        .collect()
}

pub(crate) fn values(store: &Arc<dyn Store>, at: &str) -> Vec<i64> {
    let array = Array::open(Arc::clone(store), &path(at), &Options::default()).unwrap();
    array.read_vec(&Selection::all()).unwrap()
}

pub(crate) fn attributes(members: Value) -> Map<String, Value> {
    let Value::Object(members) = members else {
        panic!("no object")
    };
    members
}

pub(crate) fn ints(values: &[i64]) -> ArrayData {
    ArrayData::new(vec![values.len() as u64], values).unwrap()
}

pub(crate) fn save_ints(store: &Arc<dyn Store>, at: &str, values: &[i64]) {
    save(store, &path(at), &[ints(values)], &[], &SaveOptions::default()).unwrap();
}

/// Copies the node at a path, and gives the lines of the log with how it ended.
pub(crate) fn copy_logged(
    from: &Group,
    at: &str,
    to: &Group,
    options: CopyOptions<'_>,
) -> (Vec<String>, Result<Report, Error>) {
    let node = Node::open(Arc::clone(from.store()), &path(at), &Options::default()).unwrap();
    let source = ZarrSource::new(node);
    let mut lines = Vec::new();
    let mut log = |line: &str| lines.push(line.to_owned());
    let options = CopyOptions {
        log: Some(&mut log),
        ..options
    };
    let done = copy(&source, &source.root(), to, options);
    (lines, done)
}

/// Copies all members of a group.
pub(crate) fn copy_all_logged(
    from: &Group,
    to: &Group,
    options: CopyOptions<'_>,
) -> (Vec<String>, Result<Report, Error>) {
    let source = ZarrSource::new(Node::Group(from.clone()));
    let mut lines = Vec::new();
    let mut log = |line: &str| lines.push(line.to_owned());
    let options = CopyOptions {
        log: Some(&mut log),
        ..options
    };
    let done = copy_all(&source, from.path(), to, options);
    (lines, done)
}

pub(crate) fn unit() -> Map<String, Value> {
    attributes(json!({"unit": "K"}))
}
