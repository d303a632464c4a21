//! Documents: what zarr-python wrote is read, and written back it is the same.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_core::{
    Array, Error, Group, NodePath, Options, Selection, ZarrFormat,
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

/// Consolidated metadata may be large; what stands beside them, and names them, may not.
#[test]
fn documents_larger_than_the_limit_are_refused() {
    let long = "x".repeat(2000);
    let consolidated = format!(r#""consolidated_metadata": {{"kind": "inline", "x": "{long}"}}"#);
    let document = |member: &str, attributes: &str| {
        format!(r#"{{"zarr_format": 3, "node_type": "group", {member}"attributes": {{{attributes}}}}}"#)
    };
    let store = Arc::new(MemoryStore::new());
    let options = Options {
        document_size_max: 1000,
        ..Options::default()
    };
    let open = |text: &str| {
        store.set(&key("zarr.json"), text.as_bytes()).unwrap();
        Group::open(store.clone(), &NodePath::root(), &options)
    };
    open(&document(&format!("{consolidated}, "), "")).unwrap();
    let long = format!(r#""x": "{long}""#);
    for large in [
        document("", &long),
        document("", &format!(r#""consolidated_metadata": 1, {long}"#)),
        document("", &consolidated),
        document(r#""consolidated_metadata": null, "#, &long),
    ] {
        let error = open(&large).unwrap_err().to_string();
        assert!(
            error.contains("zarr.json") && error.contains("limit 1000"),
            "{error}"
        );
    }
}

/// A document of 200 bytes must not take gigabytes.
#[test]
fn elements_larger_than_the_limit_are_refused() {
    let document = |dtype: &str| V2.replace(">f4", dtype).replace("0.10000000149011612", "\"x\"");
    let array = open(".zarray", &document("<U16777216")).unwrap();
    assert_eq!(array.data_type().size(), Some(64 << 20));
    let error = open(".zarray", &document("<U500000000")).unwrap_err().to_string();
    assert!(error.contains("/dtype") && error.contains("67108864"), "{error}");
}

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

/// The document of zarr-python with a member of an object added or replaced.
fn with(pointer: &str, member: &str, value: Value) -> String {
    let mut document: Value = serde_json::from_str(V3).unwrap();
    document.pointer_mut(pointer).unwrap()[member] = value;
    document.to_string()
}

/// What can be ignored is: values are read and written without it, and it stays in the document.
#[test]
fn extensions_that_need_not_be_understood_are_ignored_and_kept() {
    let extension = json!({"name": "acme.sums", "configuration": {"a": 1}, "must_understand": false});
    let mut document: Value = serde_json::from_str(V3).unwrap();
    let mut codecs = document["codecs"].as_array().unwrap().clone();
    for place in 0..=codecs.len() {
        codecs.insert(place, extension.clone());
        document["codecs"] = json!(codecs);
        document["storage_transformers"] = json!([extension]);
        let array = open("zarr.json", &document.to_string()).unwrap();
        let plain = open("zarr.json", V3).unwrap();
        let values: Vec<f32> = (0..200).map(|n| n as f32).collect();
        for array in [&array, &plain] {
            array.write_vec(&Selection::all(), &values).unwrap();
            assert_eq!(array.read_vec::<f32>(&Selection::all()).unwrap(), values);
        }
        assert_eq!(
            array.read_encoded_chunk(&[0, 0]).unwrap(),
            plain.read_encoded_chunk(&[0, 0]).unwrap()
        );
        array.write_metadata().unwrap();
        let written = array.store().get(&key("zarr.json"), 1 << 20).unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), document);
        codecs.remove(place);
    }
}

#[test]
fn extensions_that_must_be_understood_are_refused_by_name() {
    let must = [
        json!({"name": "acme"}),
        json!({"name": "acme", "must_understand": true}),
        json!("acme"),
    ];
    for extension in must {
        let mut document: Value = serde_json::from_str(V3).unwrap();
        document["storage_transformers"] = json!([extension]);
        let error = open("zarr.json", &document.to_string()).unwrap_err().to_string();
        assert!(error.contains("storage transformer `acme`"), "{error}");
        let mut document: Value = serde_json::from_str(V3).unwrap();
        document["codecs"].as_array_mut().unwrap().push(extension);
        // It opens, so that it can be looked at and carried along.
        let array = open("zarr.json", &document.to_string()).unwrap();
        let error = array.read_vec::<f32>(&Selection::all()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("acme"), "{source}");
    }
    // Of what says where chunks are and what they mean, nothing can be ignored.
    for member in ["chunk_grid", "chunk_key_encoding"] {
        let other = json!({"name": "acme", "must_understand": false});
        let error = open("zarr.json", &with("", member, other))
            .unwrap_err()
            .to_string();
        assert!(error.contains("acme"), "{error}");
        let pointer = format!("/{member}");
        for (pointer, member) in [(pointer.clone(), "note"), (pointer + "/configuration", "note")] {
            let error = open("zarr.json", &with(&pointer, member, json!(1))).unwrap_err();
            assert!(
                matches!(&error, Error::Metadata { pointer: found, .. } if *found == format!("{pointer}/{member}")),
                "{error}"
            );
            open(
                "zarr.json",
                &with(&pointer, member, json!({"must_understand": false})),
            )
            .unwrap();
        }
    }
    let error = open("zarr.json", &with("/codecs/0", "note", json!(1)))
        .unwrap_err()
        .to_string();
    assert!(error.contains("note"), "{error}");
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
fn rectilinear_grids_are_written_back_as_they_were() {
    let forms = [
        json!([[[4, 2], 2], [5, 15]]),
        json!([[4, 4, 2], [[20, 1]]]),
        // The last chunk may reach beyond the array, and others lie behind it.
        json!([[[4, 5]], 7]),
        json!([3, [[6, 3], 2, 9]]),
        // Nothing but steps, which are a regular grid.
        json!([3, 8]),
    ];
    for shapes in forms {
        let mut document: Value = serde_json::from_str(V3).unwrap();
        document["chunk_grid"] =
            json!({"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": shapes}});
        let array = open("zarr.json", &document.to_string()).unwrap();
        let values: Vec<f32> = (0..200).map(|n| n as f32).collect();
        array.write_vec(&Selection::all(), &values).unwrap();
        assert_eq!(array.read_vec::<f32>(&Selection::all()).unwrap(), values);
        assert_eq!(array.n_chunks_initialized().unwrap(), array.n_chunks());
        array.write_metadata().unwrap();
        let written = array.store().get(&key("zarr.json"), 1 << 20).unwrap().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), document);
    }
}

#[test]
fn bad_rectilinear_grids_are_named() {
    let bad = [
        ("/kind", json!("external")),
        ("/kind", json!(null)),
        ("/chunk_shapes", json!([[10]])),
        ("/chunk_shapes", json!(10)),
        ("/chunk_shapes/0", json!([4, 5])),
        ("/chunk_shapes/1", json!([])),
        ("/chunk_shapes/1", json!([0, 20])),
        ("/chunk_shapes/1", json!([[5, 4, 1]])),
        ("/chunk_shapes/1", json!(2.5)),
    ];
    for (pointer, value) in bad {
        let mut base: Value = serde_json::from_str(V3).unwrap();
        base["chunk_grid"] = json!({"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [[10], [[5, 4]]]}});
        let pointer = format!("/chunk_grid/configuration{pointer}");
        refused("zarr.json", &base.to_string(), &pointer, value);
    }
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
