//! The documents of stores that xarray wrote: written anew and consolidated they are the same.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    CopyOptions, DiffOptions, OpenConsolidated, ZarrSource, consolidate_metadata, copy_all,
    core::{
        Group, Node, NodePath, Options, ZarrFormat,
        store::{Store, StoreExt, StoreKey},
    },
    diff,
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

/// xarray opens no store of V2 with an array that does not say what its dimensions are, be it that it has none.
#[test]
fn arrays_of_xarray_name_their_dimensions_in_v2_and_again_in_v3() {
    let stores: Vec<Value> =
        serde_json::from_str(include_str!("../../../testdata/documents/xarray.json")).unwrap();
    let (mut n_scalars, options) = (0, Options::default());
    for case in &stores {
        let store = memory();
        for (name, text) in case["documents"].as_object().unwrap() {
            store
                .set(&StoreKey::new(name).unwrap(), text.as_str().unwrap().as_bytes())
                .unwrap();
        }
        let open =
            |store: &Arc<dyn Store>| Node::open(Arc::clone(store), &NodePath::root(), &options).unwrap();
        let mut from = Arc::clone(&store);
        for format in [ZarrFormat::V2, ZarrFormat::V3] {
            let to = Group::create(memory(), &NodePath::root(), format, &options).unwrap();
            let source = ZarrSource::new(open(&from));
            copy_all(&source, &NodePath::root(), &to, CopyOptions::default()).unwrap();
            from = Arc::clone(to.store());
            let Node::Group(before) = open(&store) else {
                panic!()
            };
            for member in before.members().unwrap() {
                let Node::Array(array) = member else { continue };
                let Node::Array(copied) = to.get(array.path().as_str()).unwrap() else {
                    panic!()
                };
                let names = array.metadata().dimension_names.clone().unwrap_or_default();
                assert_eq!(names.len(), array.shape().len());
                n_scalars += usize::from(names.is_empty());
                if format == ZarrFormat::V2 {
                    assert_eq!(copied.attributes().unwrap()["_ARRAY_DIMENSIONS"], json!(names));
                } else {
                    assert_eq!(copied.metadata().dimension_names.clone().unwrap(), names);
                }
            }
            let copies = (&ZarrSource::new(open(&store)), &ZarrSource::new(open(&from)));
            let roots = (copies.0.root(), copies.1.root());
            let found = diff(
                (copies.0, &roots.0),
                (copies.1, &roots.1),
                &DiffOptions::default(),
            )
            .unwrap();
            assert!(
                found.differences.shown.is_empty(),
                "{:?}",
                found.differences.shown
            );
        }
    }
    assert!(n_scalars > 1, "{n_scalars}");
}
