//! Documents of hierarchies: consolidated metadata, attributes, those of N5, references to other files.

use std::{io::Write, sync::Arc};

use serde_json::json;
use zarr_convenience::{
    OpenConsolidated, TreeOptions, ZarrSource, consolidate_metadata,
    core::{
        Array, ArrayBuilder, CONSOLIDATED_KEY, ConsolidatedMetadata, ConsolidatedStore, Group, N5Store, Node,
        NodePath, Selection, ZarrFormat,
        codecs::DataType,
        store::{MemoryStore, ReferenceStore, Store, StoreExt, StoreKey, StorePrefix},
    },
    tree,
};

use crate::{Target, array::options};

pub(crate) const V2: Target = Target {
    name: "v2_hierarchy",
    run: |data| {
        let store = memory(&[
            (".zgroup", br#"{"zarr_format":2}"#),
            (".zattrs", data),
            (CONSOLIDATED_KEY, data),
        ]);
        walk(&store);
        let key = StoreKey::new(CONSOLIDATED_KEY).expect("the key of a document");
        if let Ok(metadata) = ConsolidatedMetadata::read(store.as_ref(), &key) {
            walk_consolidated(metadata, store);
        }
    },
    seeds: || {
        vec![
            consolidated(ZarrFormat::V2),
            br#"{"a": [1, -0.0, NaN], "b": {"\u00e9": null}}"#.to_vec(),
        ]
    },
};

pub(crate) const V3: Target = Target {
    name: "v3_hierarchy",
    run: |data| {
        let store = memory(&[("zarr.json", data)]);
        walk(&store);
        if let Ok(Some(metadata)) = ConsolidatedMetadata::read_inline(store.as_ref(), &NodePath::root()) {
            walk_consolidated(metadata, store);
        }
    },
    seeds: || {
        let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {"a": [1, 2.5, "x"]}});
        vec![consolidated(ZarrFormat::V3), group.to_string().into_bytes()]
    },
};

pub(crate) const N5: Target = Target {
    name: "n5",
    run: |data| {
        let store: Arc<dyn Store> =
            Arc::new(N5Store::new(memory(&[("attributes.json", data), ("0/0", data)])));
        walk(&store);
        if let Ok(array) = Array::open(store, &NodePath::root(), &options()) {
            let _ = array.read_data(&Selection::all());
        }
    },
    seeds: || {
        let array = json!({
            "dimensions": [10, 6], "blockSize": [8, 4], "dataType": "int16", "compression": {"type": "gzip", "level": 1},
        });
        vec![
            array.to_string().into_bytes(),
            br#"{"n5": "2.0.0", "units": "nm"}"#.to_vec(),
        ]
    },
};

pub(crate) const REFERENCES: Target = Target {
    name: "references",
    run: |data| {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(data).expect("a temporary file takes bytes");
        let Ok(store) = ReferenceStore::open(file.path()) else {
            return;
        };
        let store: Arc<dyn Store> = Arc::new(store);
        let keys = store.list_prefix(&StorePrefix::root()).unwrap_or_default();
        for key in keys.iter().take(100) {
            let _ = store.get(key, 1 << 20);
        }
        walk(&store);
    },
    seeds: || {
        let simple = json!({".zgroup": {"zarr_format": 2}, "a": "base64:AAAA", "b": ["{{u}}/x", 0, 10]});
        let whole = json!({
            "version": 1,
            "templates": {"u": "file:///nowhere", "f": "{{u}}/{{c}}"},
            "gen": [{"key": "g{{i}}", "url": "{{f(c='x')}}", "offset": "{{(i + 1) * 1000}}", "length": "1000",
                     "dimensions": {"i": {"stop": 5}}}],
            "refs": simple,
        });
        vec![simple.to_string().into_bytes(), whole.to_string().into_bytes()]
    },
};

/// A store in memory.
fn memory(values: &[(&str, &[u8])]) -> Arc<dyn Store> {
    let store = MemoryStore::new();
    for (key, value) in values {
        let key = StoreKey::new(*key).expect("the key of a document");
        store.set(&key, value).expect("memory takes values");
    }
    Arc::new(store)
}

/// Opens what is there, with all attributes, and draws it.
fn walk(store: &Arc<dyn Store>) {
    let Ok(node) = Node::open(Arc::clone(store), &NodePath::root(), &options()) else {
        return;
    };
    let _ = node.attributes();
    let source = ZarrSource::new(node);
    let _ = tree(&source, &source.root(), &TreeOptions::default());
}

/// Opens what consolidated metadata have of the nodes.
fn walk_consolidated(metadata: ConsolidatedMetadata, chunks: Arc<dyn Store>) {
    let store: Arc<dyn Store> = Arc::new(ConsolidatedStore::new(metadata, chunks));
    walk(&store);
}

/// The consolidated metadata of a small hierarchy.
fn consolidated(format: ZarrFormat) -> Vec<u8> {
    let (store, root): (Arc<dyn Store>, _) = (Arc::new(MemoryStore::new()), NodePath::root());
    let group = Group::create(Arc::clone(&store), &root, format, &options()).expect("memory takes a group");
    group.create_group("b/c").expect("memory takes a group");
    let path = NodePath::new("b/a").expect("a plain name");
    let builder = ArrayBuilder::new(vec![6, 10], DataType::Float32).format(format);
    builder
        .create(Arc::clone(&store), &path, &options())
        .expect("memory takes an array");
    let key = match format {
        ZarrFormat::V2 => CONSOLIDATED_KEY,
        ZarrFormat::V3 => "zarr.json",
    };
    let key = StoreKey::new(key).expect("the key of a document");
    let written = consolidate_metadata(&store, &root, &OpenConsolidated::default());
    written.expect("the hierarchy has metadata");
    let document = store.get(&key, u64::MAX).expect("memory gives values");
    document.unwrap_or_default().to_vec()
}
