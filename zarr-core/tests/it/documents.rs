//! Documents: what zarr-python wrote is read, and written back it is the same.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_core::{
    Array, Error, NodePath, Options, ZarrFormat,
    store::{MemoryStore, Store, StoreExt, StoreKey},
};

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

fn open(name: &str, document: &str) -> Result<Array, Error> {
    let store = Arc::new(MemoryStore::new());
    store.set(&key(name), document.as_bytes()).unwrap();
    Array::open(store, &NodePath::root(), &Options::default())
}

/// What `zarr.create(shape=(10, 20), chunks=(5, 7), dtype='>f4', fill_value=0.1, order='F')` of zarr-python
/// 2.18.7 writes.
const V2: &str = r#"{
    "chunks": [
        5,
        7
    ],
    "compressor": {
        "blocksize": 0,
        "clevel": 5,
        "cname": "lz4",
        "id": "blosc",
        "shuffle": 1
    },
    "dtype": ">f4",
    "fill_value": 0.10000000149011612,
    "filters": null,
    "order": "F",
    "shape": [
        10,
        20
    ],
    "zarr_format": 2
}"#;

/// What zarr-python 3.4.2 writes.
const V3: &str = r#"{
  "shape": [
    10,
    20
  ],
  "data_type": "float32",
  "chunk_grid": {
    "name": "regular",
    "configuration": {
      "chunk_shape": [
        5,
        7
      ]
    }
  },
  "chunk_key_encoding": {
    "name": "default",
    "configuration": {
      "separator": "/"
    }
  },
  "fill_value": "NaN",
  "codecs": [
    {
      "name": "bytes",
      "configuration": {
        "endian": "little"
      }
    },
    {
      "name": "zstd",
      "configuration": {
        "level": 0,
        "checksum": false
      }
    }
  ],
  "attributes": {
    "x": 1
  },
  "dimension_names": [
    "lat",
    null
  ],
  "zarr_format": 3,
  "node_type": "array",
  "storage_transformers": []
}"#;

#[test]
fn documents_of_zarr_python_are_written_back_byte_for_byte() {
    for (name, document) in [(".zarray", V2), ("zarr.json", V3)] {
        let array = open(name, document).unwrap();
        array.write_metadata().unwrap();
        let written = array.store().get(&key(name), 1 << 20).unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&written), document);
    }
}

#[test]
fn members_that_are_not_known_are_kept() {
    let mut document: Value = serde_json::from_str(V3).unwrap();
    document["acme"] = json!({"must_understand": false, "a": [1]});
    let array = open("zarr.json", &document.to_string()).unwrap();
    array.write_metadata().unwrap();
    let again = Array::open(array.store().clone(), array.path(), array.options()).unwrap();
    assert_eq!(again.metadata(), array.metadata());
    assert_eq!(again.metadata().unknown["acme"]["a"], json!([1]));
    assert_eq!(again.metadata().format, ZarrFormat::V3);
}

#[track_caller]
fn refused(name: &str, base: &str, pointer: &str, value: Value) {
    let mut document: Value = serde_json::from_str(base).unwrap();
    *document.pointer_mut(pointer).unwrap() = value.clone();
    match open(name, &document.to_string()) {
        Err(Error::Metadata {
            document,
            pointer: found,
            ..
        }) => {
            assert!(document.contains(name), "{document}");
            assert!(
                found.starts_with(pointer) || pointer.starts_with(&found),
                "{value}: {found}"
            );
        }
        other => panic!("{pointer} {value}: {other:?}"),
    }
}

#[test]
fn bad_members_of_v2_documents_are_named() {
    let bad = [
        ("/shape/0", json!(-1)),
        ("/shape/0", json!(2.5)),
        ("/shape/0", json!("4")),
        ("/shape/0", json!(true)),
        ("/shape/0", json!(18_446_744_073_709_551_615_u64)),
        ("/shape", json!(null)),
        ("/shape", json!(vec![1; 65])),
        ("/chunks/1", json!(0)),
        ("/chunks", json!([5])),
        ("/dtype", json!("<x4")),
        ("/fill_value", json!("abc")),
        ("/order", json!("A")),
        ("/zarr_format", json!(3)),
        ("/zarr_format", json!("2")),
        ("/compressor", json!([])),
        ("/compressor", json!({"id": 1})),
        ("/filters", json!("x")),
        ("/filters", json!(vec![json!({"id": "delta"}); 33])),
    ];
    for (pointer, value) in bad {
        refused(".zarray", V2, pointer, value);
    }
    for separator in ["|", "", "../", "\\"] {
        let document = V2.replace(
            "\"filters\"",
            &format!("\"dimension_separator\": {separator:?}, \"filters\""),
        );
        assert!(
            matches!(open(".zarray", &document), Err(Error::Metadata { .. })),
            "{separator}"
        );
    }
}

#[test]
fn bad_members_of_v3_documents_are_named() {
    let bad = [
        ("/node_type", json!("dataset")),
        ("/fill_value", json!(1e39)),
        ("/fill_value", json!("0x7f")),
        ("/chunk_grid/name", json!("hexagonal")),
        ("/chunk_grid/configuration/chunk_shape", json!([5])),
        ("/chunk_grid/configuration/chunk_shape/0", json!(0)),
        ("/chunk_key_encoding/name", json!("other")),
        ("/chunk_key_encoding/configuration/separator", json!("/..")),
        ("/codecs", json!([])),
        ("/dimension_names", json!(["a"])),
        ("/dimension_names", json!(["a", 1])),
        ("/storage_transformers", json!([{"name": "x"}])),
        ("/attributes", json!([])),
        ("/data_type", json!("r12")),
    ];
    for (pointer, value) in bad {
        refused("zarr.json", V3, pointer, value);
    }
    let unknown = V3.replacen("{\n", "{\n\"acme\": 1,\n", 1);
    assert!(
        matches!(open("zarr.json", &unknown), Err(Error::Metadata { pointer, .. }) if pointer == "/acme")
    );
}

#[test]
fn damaged_documents_are_refused() {
    for length in 0..V2.len() {
        assert!(
            matches!(open(".zarray", &V2[..length]), Err(Error::Metadata { .. })),
            "{length}"
        );
    }
    let twice = V2.replacen("\"dtype\"", "\"dtype\": \"<i4\", \"dtype\"", 1);
    assert!(matches!(open(".zarray", &twice), Err(Error::Metadata { .. })));
}

#[test]
fn a_document_over_the_limit_is_not_read() {
    let huge = V2.replace(
        "\"filters\"",
        &format!("\"x\": \"{}\", \"filters\"", "x".repeat(17 << 20)),
    );
    assert!(matches!(open(".zarray", &huge), Err(Error::Store(_))));
}
