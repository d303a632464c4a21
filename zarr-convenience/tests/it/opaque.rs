//! Arrays that cannot be decoded are carried along as they are.

use std::sync::Arc;

use serde_json::json;
use zarr_convenience::{
    CopyOptions, Creation, Error, OpenMode, TreeOptions, ZarrSource, copy_all,
    core::{
        Array, Error as CoreError, Group, Node, NodePath, Options, Selection, ZarrFormat,
        store::{MemoryStore, Store, StoreExt, StoreKey},
    },
    open, tree,
};

use crate::help::memory;

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

/// A group with an array whose codec nobody knows, one chunk of which is stored.
fn source() -> ZarrSource {
    source_of(&json!({
        "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "fill_value": 7, "order": "C",
        "filters": null, "compressor": {"id": "acme", "strength": 11},
    }))
}

fn source_of(document: &serde_json::Value) -> ZarrSource {
    let store = Arc::new(MemoryStore::new());
    let options = Options::default();
    Group::create(
        Arc::<MemoryStore>::clone(&store),
        &NodePath::root(),
        ZarrFormat::V2,
        &options,
    )
    .unwrap();
    store
        .set(&key("a/.zarray"), document.to_string().as_bytes())
        .unwrap();
    store.set(&key("a/1"), b"as it is").unwrap();
    ZarrSource::new(Node::open(store, &NodePath::root(), &options).unwrap())
}

fn dest() -> Group {
    Group::create(
        Arc::new(MemoryStore::new()),
        &NodePath::root(),
        ZarrFormat::V2,
        &Options::default(),
    )
    .unwrap()
}

/// A file of a terabyte that holds nothing costs its writer nothing, and must not cost its reader more.
#[cfg(target_os = "linux")]
#[test]
fn chunks_of_an_unknown_codec_have_a_largest_size() {
    use zarr_convenience::core::store::{DirectoryStore, StoreError};
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::open(folder.path()).unwrap());
    let document = json!({
        "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "fill_value": 7, "order": "C",
        "filters": null, "compressor": {"id": "acme"},
    });
    store
        .set(&key(".zarray"), document.to_string().as_bytes())
        .unwrap();
    store.set(&key("0"), b"as it is").unwrap();
    let array = Array::open(Arc::clone(&store), &NodePath::root(), &Options::default()).unwrap();
    assert!(array.read_encoded_chunk(&[0]).unwrap().is_some());
    let file = std::fs::File::options().write(true).open(folder.path().join("0"));
    file.and_then(|file| file.set_len(1 << 40)).unwrap();
    let error = array.read_encoded_chunk(&[0]).unwrap_err();
    let is_named = matches!(
        &error,
        CoreError::Store(StoreError::TooLarge { limit, .. }) if *limit == 2 * ((1 << 31) - 1)
    );
    assert!(is_named, "{error:?}");
}

#[test]
fn chunks_of_an_unknown_codec_are_moved_unchanged() {
    let dest = dest();
    let report = copy_all(&source(), &NodePath::root(), &dest, CopyOptions::default()).unwrap();
    assert_eq!(report.copied.n_copied, 1);
    assert_eq!(
        dest.store().get(&key("a/1"), 100).unwrap().as_deref(),
        Some(&b"as it is"[..])
    );
    assert_eq!(dest.store().get(&key("a/0"), 100).unwrap(), None);
    let array = Array::open(
        Arc::clone(dest.store()),
        &NodePath::new("a").unwrap(),
        &Options::default(),
    )
    .unwrap();
    let document = dest.store().get(&key("a/.zarray"), 1 << 20).unwrap().unwrap();
    assert!(String::from_utf8_lossy(&document).contains("\"strength\": 11"));
    assert!(matches!(
        array.read_vec::<i32>(&Selection::all()),
        Err(CoreError::Codecs { .. })
    ));
}

/// As zarr-python 2.18.7 opens them; numcodecs knows of `pickle`.
#[test]
fn open_refuses_what_has_no_codec_and_nothing_else_does() {
    let document = |dtype: &str, filters: serde_json::Value, compressor: serde_json::Value| {
        json!({
            "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": dtype, "fill_value": null, "order": "C",
            "filters": filters, "compressor": compressor,
        })
    };
    let null = serde_json::Value::Null;
    let cases = [
        (document("<i4", null.clone(), json!({"id": "acme"})), false),
        (document("<i4", json!([{"id": "acme"}]), null.clone()), false),
        (document("|O", null.clone(), null.clone()), false),
        (
            document("|O", json!([{"id": "pickle", "protocol": 5}]), null.clone()),
            true,
        ),
        (
            document("<i4", null.clone(), json!({"id": "zlib", "level": 1})),
            true,
        ),
    ];
    for (document, opens) in cases {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        store
            .set(&key("a/.zarray"), document.to_string().as_bytes())
            .unwrap();
        let (at, options) = (NodePath::new("a").unwrap(), Options::default());
        let opened = open(
            &store,
            &at,
            OpenMode::Read,
            None,
            (&Creation::default(), &options),
        );
        assert_eq!(opened.is_ok(), opens, "{document}");
        assert!(Node::open(store, &at, &options).is_ok(), "{document}");
    }
}

#[test]
fn objects_that_nothing_can_decode_are_carried_along() {
    let cases = [
        (json!(null), "missing object codec"),
        (
            json!([{"id": "pickle", "protocol": 5}]),
            "would run code from the data",
        ),
        (json!([{"id": "acme"}]), "codec `acme` is not known"),
        (json!([{"id": "vlen-array", "dtype": "|O"}]), "cannot be decoded"),
    ];
    for (filters, reason) in cases {
        let document = json!({
            "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "|O", "fill_value": {"a": [1]}, "order": "C",
            "filters": filters, "compressor": null,
        });
        let (source, dest) = (source_of(&document), dest());
        copy_all(&source, &NodePath::root(), &dest, CopyOptions::default()).unwrap();
        let stored = |name| dest.store().get(&key(name), 1 << 20).unwrap().unwrap();
        assert_eq!(&stored("a/1")[..], b"as it is");
        let copied: serde_json::Value = serde_json::from_slice(&stored("a/.zarray")).unwrap();
        assert_eq!(copied, document);
        let path = NodePath::new("a").unwrap();
        let array = Array::open(Arc::clone(dest.store()), &path, &Options::default()).unwrap();
        let error = array.read_data(&Selection::all()).unwrap_err();
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains(reason), "{filters}: {why}");
        let drawn = tree(&source, &source.root(), &TreeOptions::default()).unwrap();
        assert!(drawn.contains("a (4,) object"), "{drawn}");
    }
}

#[test]
fn an_unknown_codec_cannot_be_changed_into_another() {
    let dest = dest();
    let creation = Creation {
        compressor: Some(None),
        ..Creation::default()
    };
    let options = CopyOptions {
        creation,
        ..CopyOptions::default()
    };
    let copied = copy_all(&source(), &NodePath::root(), &dest, options);
    // The array whose codec it is is named.
    assert!(
        matches!(&copied, Err(Error::Core(CoreError::Codecs { array, .. })) if array == "/a"),
        "{copied:?}"
    );
    assert_eq!(dest.members().unwrap().len(), 0);
}

#[test]
fn members_of_v2_documents_that_v3_does_not_have_are_named() {
    let source = source_of(&json!({
        "zarr_format": 2, "shape": [4], "chunks": [2], "dtype": "<i4", "fill_value": 7, "order": "C",
        "filters": null, "compressor": null, "id": "bz2", "storage_transformers": 5,
        "note": {"must_understand": false, "text": "as it is"},
    }));
    let (store, options) = (memory(), Options::default());
    let dest = Group::create(Arc::clone(&store), &NodePath::root(), ZarrFormat::V3, &options).unwrap();
    let report = copy_all(&source, &NodePath::root(), &dest, CopyOptions::default()).unwrap();
    let lost: Vec<_> = report
        .lost
        .iter()
        .map(|lost| format!("{}: {}", lost.what, lost.reason))
        .collect();
    assert_eq!(lost, ["/a: member `id` of its document, which V3 does not have"]);
    let array = Array::open(Arc::clone(&store), &NodePath::new("a").unwrap(), &options).unwrap();
    let values = array.read_vec::<i32>(&Selection::all()).unwrap();
    assert_eq!(
        values,
        [7, 7, i32::from_le_bytes(*b"as i"), i32::from_le_bytes(*b"t is")]
    );
    let document = store.get(&key("a/zarr.json"), 1 << 20).unwrap().unwrap();
    let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
    assert_eq!(document["note"]["text"], "as it is");
}
