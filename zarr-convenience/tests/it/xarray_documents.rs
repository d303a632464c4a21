//! The documents of stores that xarray wrote: written anew and consolidated they are the same.

use std::sync::Arc;

use serde_json::Value;
use zarr_convenience::{
    OpenConsolidated, consolidate_metadata,
    core::{
        Node, NodePath, Options,
        store::{StoreExt, StoreKey},
    },
};

use crate::help::memory;

#[test]
fn stores_of_xarray_are_written_back_and_consolidated_byte_for_byte() {
    let stores: Vec<Value> =
        serde_json::from_str(include_str!("../../../testdata/documents/xarray.json")).unwrap();
    let mut n_consolidated = 0;
    for case in &stores {
        let documents = case["documents"].as_object().unwrap().iter();
        let documents = documents.map(|(name, text)| (StoreKey::new(name).unwrap(), text.as_str().unwrap()));
        let documents: Vec<_> = documents.collect();
        let store = memory();
        for (key, text) in &documents {
            store.set(key, text.as_bytes()).unwrap();
        }
        let options = Options::default();
        let mut is_consolidated = false;
        for (key, text) in &documents {
            let path = key.as_str().trim_end_matches("zarr.json").trim_end_matches('/');
            match Node::open(Arc::clone(&store), &NodePath::new(path).unwrap(), &options).unwrap() {
                Node::Array(array) => array.write_metadata().unwrap(),
                Node::Group(group) => {
                    // This drops what is consolidated.
                    group.attrs().put(group.attributes().unwrap()).unwrap();
                    is_consolidated |= text.contains("consolidated_metadata");
                }
            }
        }
        if is_consolidated {
            n_consolidated += 1;
            consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default()).unwrap();
        }
        for (key, text) in &documents {
            let written = store.get(key, 1 << 20).unwrap().unwrap();
            assert_eq!(String::from_utf8_lossy(&written), *text, "{key}");
        }
    }
    assert_eq!((stores.len(), n_consolidated), (3, 2));
}
