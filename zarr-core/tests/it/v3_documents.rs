//! What zarr-python 3 writes of what V3 alone has: shards, types, names of dimensions, attributes, grids,
//! groups.
//!
//! `testdata/documents/make_documents.py` has made the cases. The same parameters give the same bytes, and so does
//! writing back.

use std::sync::Arc;

use serde_json::Value;
use zarr_core::{
    ArrayBuilder, ChunkEdges, Group, Node, NodePath, Options, ZarrFormat,
    codecs::{ByteOrder, CodecConfig, DataType, FillValue},
    metadata::json,
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

use crate::{indented::indented, v3_types::unhex};

const NODES: &str = include_str!("../../../testdata/documents/v3_nodes.json");

/// The parameters of each case, and the document.
fn nodes() -> Vec<(Value, String)> {
    let case = |line: &str| {
        let line = line.trim_end_matches(',');
        let (_, document) = line.split_once(r#""document":"#).unwrap();
        let document = document.strip_suffix('}').unwrap();
        (json::parse(line.as_bytes()).unwrap(), indented(document, 2))
    };
    let cases: Vec<_> = NODES
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(case)
        .collect();
    assert!(cases.len() > 150, "{}", cases.len());
    cases
}

fn lengths(value: &Value) -> Vec<u64> {
    let items = value.as_array().unwrap().iter();
    items.map(|item| item.as_u64().unwrap()).collect()
}

fn edges(value: &Value) -> Vec<ChunkEdges> {
    let items = value.as_array().unwrap().iter();
    items.map(|item| ChunkEdges::from_json(item).unwrap()).collect()
}

fn builder(case: &Value) -> ArrayBuilder {
    let data_type = DataType::from_json(&case["data_type"]).unwrap();
    let mut fill = unhex(&case["fill"]);
    data_type.reorder(&mut fill, ByteOrder::Little);
    let shape = lengths(&case["shape"]);
    let mut builder = ArrayBuilder::new(shape.clone(), data_type)
        .format(ZarrFormat::V3)
        .fill_value(Some(FillValue::new(fill)));
    let has_edges = case.get("edges").is_some();
    builder = match case.get("chunks") {
        None => builder.chunk_shape(shape),
        Some(chunks) if has_edges && case.get("shards").is_none() => builder.chunk_edges(edges(chunks)),
        Some(chunks) => builder.chunk_shape(lengths(chunks)),
    };
    builder = match case.get("shards") {
        None => builder,
        Some(shards) if has_edges => builder.shard_edges(edges(shards)),
        Some(shards) => builder.shard_shape(lengths(shards)),
    };
    if let Some(keys) = case.get("keys") {
        if keys["name"] == "v2" {
            builder = builder.v2_chunk_names();
        }
        builder = builder.separator(keys["separator"].as_str().unwrap().chars().next().unwrap());
    }
    if let Some(names) = case.get("names") {
        let names = names.as_array().unwrap().iter();
        builder = builder.dimension_names(Some(names.map(|name| name.as_str().map(str::to_owned)).collect()));
    }
    if let Some(attributes) = case.get("attributes") {
        builder = builder.attributes(attributes.as_object().unwrap().clone());
    }
    let codecs = case["codecs"].as_array().unwrap().iter();
    builder.codecs(
        codecs
            .map(|codec| CodecConfig::from_json(codec.clone()).unwrap())
            .collect(),
    )
}

fn document(store: &dyn Store, name: &str) -> String {
    let bytes = store
        .get(&StoreKey::new(name).unwrap(), 1 << 20)
        .unwrap()
        .unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_same_parameters_give_the_documents_of_zarr_python_3() {
    let (root, options) = (NodePath::root(), Options::default());
    for (case, expected) in nodes() {
        let store = Arc::new(MemoryStore::new());
        if case.get("shape").is_some() {
            builder(&case).create(store.clone(), &root, &options).unwrap();
        } else {
            let group = Group::create(store.clone(), &root, ZarrFormat::V3, &options).unwrap();
            let attributes = case["attributes"].as_object().unwrap();
            if !attributes.is_empty() {
                group.attrs().put(attributes.clone()).unwrap();
            }
        }
        // Row Y1 of docs/deviations.md.
        let expected = match case.get("bits").and_then(Value::as_str) {
            Some(bits) => expected.replace(r#""fill_value": "NaN""#, &format!(r#""fill_value": "{bits}""#)),
            None => expected,
        };
        assert_eq!(document(store.as_ref(), "zarr.json"), expected);
    }
}

/// Row Y2 of `docs/deviations.md`.
#[test]
fn by_default_chunks_have_a_checksum_and_all_else_is_as_zarr_python_3_has_it() {
    let store = Arc::new(MemoryStore::new());
    let builder = ArrayBuilder::new(vec![6, 8], DataType::Int32).chunk_shape(vec![6, 8]);
    let options = Options::default();
    let builder = builder.format(ZarrFormat::V3);
    builder
        .create(store.clone(), &NodePath::root(), &options)
        .unwrap();
    let written = document(store.as_ref(), "zarr.json");
    let is_default = |case: &Value| {
        case["shape"] == serde_json::json!([6, 8])
            && case["data_type"] == "int32"
            && case["codecs"][0]["name"] == "zstd"
            && ["chunks", "names", "keys", "attributes"]
                .iter()
                .all(|name| case.get(name).is_none())
    };
    let (_, theirs) = nodes().into_iter().find(|(case, _)| is_default(case)).unwrap();
    assert_eq!(
        written,
        theirs.replace(r#""checksum": false"#, r#""checksum": true"#)
    );
}

#[test]
fn documents_are_written_back_byte_for_byte() {
    let key = StoreKey::new("zarr.json").unwrap();
    for (_, text) in nodes() {
        let store = Arc::new(MemoryStore::new());
        store.set(&key, text.as_bytes()).unwrap();
        match Node::open(store.clone(), &NodePath::root(), &Options::default()).unwrap() {
            Node::Array(array) => array.write_metadata().unwrap(),
            Node::Group(group) => group.attrs().put(group.attributes().unwrap()).unwrap(),
        }
        assert_eq!(document(store.as_ref(), "zarr.json"), text);
    }
}
