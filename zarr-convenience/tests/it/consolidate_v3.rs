//! Consolidated metadata of V3, and those of V2 as zarr-python 3 writes them.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_convenience::{
    AUTO_FOLDERS_MAX, Error, OpenConsolidated, OpenMode, UseConsolidated, consolidate_metadata,
    core::{
        Array, ConsolidatedMetadata, Difference, Error as CoreError, Group, Node, Options, Selection,
        ZarrFormat,
        store::{Store, StoreError, StoreExt, StoreKey},
    },
    find_consolidated, open_consolidated, open_reading,
};

use crate::help::{memory, path};

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

/// What zarr-python 3 wrote, as `testdata/consolidated/make_consolidated.py` recorded it.
fn recorded(format: &str) -> Value {
    let text = include_str!("../../../testdata/consolidated/consolidated.json");
    serde_json::from_str::<Value>(text).unwrap()[format].take()
}

/// A store of the documents of a recording.
fn store_of(recorded: &Value) -> Arc<dyn Store> {
    let store = memory();
    for (name, text) in recorded["documents"].as_object().unwrap() {
        store.set(&key(name), text.as_str().unwrap().as_bytes()).unwrap();
    }
    store
}

fn text_of(store: &Arc<dyn Store>, name: &str) -> String {
    let bytes = store.get(&key(name), 1 << 20).unwrap().unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
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

fn names(node: &Node) -> Vec<String> {
    let Node::Group(group) = node else {
        panic!("a group")
    };
    let mut names = Vec::new();
    zarr_convenience::core::walk::<CoreError>(group, &mut |node| {
        names.push(node.path().as_str().to_owned());
        Ok(())
    })
    .unwrap();
    names
}

fn differences(store: &Arc<dyn Store>, at: &str) -> Vec<Difference> {
    let (_, freshness) = open_reading(store, &path(at), UseConsolidated::Auto, &Options::default()).unwrap();
    freshness.unwrap().differences
}

#[test]
fn the_document_is_that_of_zarr_python() {
    let recorded = recorded("v3");
    let store = store_of(&recorded);
    let how = OpenConsolidated::default();
    consolidate_metadata(&store, &path(""), &how).unwrap();
    assert_eq!(text_of(&store, "zarr.json"), recorded["whole"].as_str().unwrap());
    // Again, the nodes' own documents being what they were.
    consolidate_metadata(&store, &path(""), &how).unwrap();
    assert_eq!(text_of(&store, "zarr.json"), recorded["whole"].as_str().unwrap());
}

#[test]
fn a_group_below_is_consolidated_on_its_own() {
    let recorded = recorded("v3");
    let store = store_of(&recorded);
    let node = consolidate_metadata(&store, &path("B"), &OpenConsolidated::default()).unwrap();
    assert_eq!(
        text_of(&store, "B/zarr.json"),
        recorded["group"].as_str().unwrap()
    );
    assert_eq!(names(&node), ["B/deep", "B/deep/er", "B/deep/er/y"]);
    assert_eq!(
        text_of(&store, "zarr.json"),
        recorded["documents"]["zarr.json"].as_str().unwrap()
    );
    // The root, which has none, is not opened through those of a group below.
    let missing = open_consolidated(&store, &path(""), &OpenConsolidated::default());
    assert!(matches!(missing, Err(Error::Core(CoreError::NotFound { path, .. })) if path == ".zmetadata"));
}

#[test]
fn what_zarr_python_3_consolidated_is_read_and_fresh_in_both_formats() {
    for (format, document) in [("v2", ".zmetadata"), ("v3", "zarr.json")] {
        let recorded = recorded(format);
        let store = store_of(&recorded);
        store
            .set(&key(document), recorded["whole"].as_str().unwrap().as_bytes())
            .unwrap();
        assert_eq!(differences(&store, ""), [], "{format}");
        let root = Node::open(Arc::clone(&store), &path(""), &Options::default()).unwrap();
        let attributes = root.attributes().unwrap();
        for name in recorded["documents"]
            .as_object()
            .unwrap()
            .keys()
            .filter(|name| *name != document)
        {
            store.erase(&key(name)).unwrap();
        }
        let how = OpenConsolidated {
            mode: OpenMode::Read,
            ..OpenConsolidated::default()
        };
        let node = open_consolidated(&store, &path(""), &how).unwrap();
        assert_eq!(
            names(&node),
            [
                "B",
                "B/deep",
                "B/deep/er",
                "B/deep/er/y",
                "Z",
                "a",
                "a b",
                "b",
                "b/x",
                "zz",
                "zz/empty"
            ],
            "{format}"
        );
        assert_eq!(node.attributes().unwrap(), attributes);
        assert_eq!(array(&node, "b/x").shape(), [4, 2]);
        // A node below is opened through the consolidated metadata above it.
        let below = open_consolidated(&store, &path("B/deep"), &how).unwrap();
        assert_eq!(names(&below), ["B/deep/er", "B/deep/er/y"], "{format}");
        assert!(matches!(
            open_consolidated(&store, &path("Z"), &how).unwrap(),
            Node::Array(_)
        ));
    }
}

#[test]
fn older_forms_are_read() {
    let group = r#"{"zarr_format":3,"node_type":"group","attributes":{}}"#;
    let nested = r#"{"zarr_format":3,"node_type":"group","attributes":{},"consolidated_metadata":null}"#;
    let store = memory();
    let document = format!(
        r#"{{"zarr_format":3,"node_type":"group","attributes":{{"a":1}},"consolidated_metadata":{{"metadata":{{"g":{group},"/g/h/":{nested}}},"must_understand":false,"kind":"inline"}}}}"#
    );
    store.set(&key("zarr.json"), document.as_bytes()).unwrap();
    let how = OpenConsolidated::default();
    let node = open_consolidated(&store, &path(""), &how).unwrap();
    assert_eq!(names(&node), ["g", "g/h"]);
    assert_eq!(node.attributes().unwrap()["a"], 1);
    // A group that says `null` has none.
    store.set(&key("zarr.json"), nested.as_bytes()).unwrap();
    assert!(
        find_consolidated(&store, &path(""), &how.metadata_key)
            .unwrap()
            .is_none()
    );
    open_consolidated(&store, &path(""), &how).unwrap_err();
}

#[test]
fn damaged_consolidated_metadata_are_errors_and_do_not_hide_the_group() {
    let metadata = [
        "1",
        "[]",
        "{}",
        r#"{"kind":"other","metadata":{}}"#,
        r#"{"kind":"inline"}"#,
        r#"{"kind":"inline","metadata":[]}"#,
        r#"{"kind":"inline","metadata":{"../up":{}}}"#,
        r#"{"kind":"inline","metadata":{"":{}}}"#,
        r#"{"kind":"inline","metadata":{"a":{},"a/":{}}}"#,
    ];
    for metadata in metadata {
        let store = memory();
        let document = format!(
            r#"{{"zarr_format":3,"node_type":"group","attributes":{{}},"consolidated_metadata":{metadata}}}"#
        );
        store.set(&key("zarr.json"), document.as_bytes()).unwrap();
        let error = open_consolidated(&store, &path(""), &OpenConsolidated::default()).unwrap_err();
        assert!(
            matches!(error, Error::Core(CoreError::Metadata { .. })),
            "{metadata}: {error}"
        );
        Group::open(store, &path(""), &Options::default()).unwrap();
    }
}

#[test]
fn a_key_of_its_own_and_arrays_are_refused() {
    let store = store_of(&recorded("v3"));
    let how = OpenConsolidated {
        metadata_key: key("other"),
        ..OpenConsolidated::default()
    };
    assert!(matches!(
        consolidate_metadata(&store, &path(""), &how),
        Err(Error::Argument(_))
    ));
    let array = consolidate_metadata(&store, &path("Z"), &OpenConsolidated::default());
    assert!(matches!(array, Err(Error::Core(CoreError::WrongKind { .. }))));
}

#[test]
fn changes_of_metadata_are_refused_and_chunks_are_written() {
    let store = store_of(&recorded("v3"));
    let node = consolidate_metadata(&store, &path(""), &OpenConsolidated::default()).unwrap();
    let is_refused = |error: &CoreError| matches!(error, CoreError::Store(StoreError::NotSupported { .. }));
    let Node::Group(group) = &node else {
        panic!("a group")
    };
    let before = text_of(&store, "zarr.json");
    assert!(is_refused(&group.create_group("new").unwrap_err()));
    assert!(is_refused(&group.set_attributes(Map::new()).unwrap_err()));
    let found = array(&node, "Z");
    assert!(is_refused(&found.attrs().set("a", 1).unwrap_err()));
    found.write_vec(&Selection::all(), &[7_u8; 8]).unwrap();
    assert_eq!(found.n_chunks_initialized().unwrap(), 2);
    assert_eq!(text_of(&store, "zarr.json"), before);
}

/// Changes a document behind the back of the consolidated metadata, as other programs do.
fn change(store: &Arc<dyn Store>, name: &str, change: impl FnOnce(&mut Value)) {
    let mut document = serde_json::from_str(&text_of(store, name)).unwrap();
    change(&mut document);
    store.set(&key(name), document.to_string().as_bytes()).unwrap();
}

#[test]
fn what_others_changed_is_found() {
    for (format, array, attributes) in [
        ("v2", "b/x/.zarray", "b/.zattrs"),
        ("v3", "b/x/zarr.json", "b/zarr.json"),
    ] {
        let fresh = || {
            let store = store_of(&recorded(format));
            consolidate_metadata(&store, &path(""), &OpenConsolidated::default()).unwrap();
            assert_eq!(differences(&store, ""), []);
            store
        };
        let store = fresh();
        change(&store, array, |document| document["shape"] = json!([8, 2]));
        assert_eq!(differences(&store, ""), [Difference::Changed(key(array))]);
        assert_eq!(differences(&store, "b/x"), [Difference::Changed(key(array))]);
        assert_eq!(differences(&store, "zz"), []);
        // What is stale is not used.
        let (node, _) =
            open_reading(&store, &path("b/x"), UseConsolidated::Auto, &Options::default()).unwrap();
        assert!(matches!(node, Node::Array(array) if array.shape() == [8, 2]));
        let (node, _) =
            open_reading(&store, &path("b/x"), UseConsolidated::Must, &Options::default()).unwrap();
        assert!(matches!(node, Node::Array(array) if array.shape() == [4, 2]));

        let store = fresh();
        let added = text_of(&store, array);
        let new = array.replace("b/x", "zz/new");
        store.set(&key(&new), added.as_bytes()).unwrap();
        assert_eq!(differences(&store, ""), [Difference::Added(key(&new))]);

        let store = fresh();
        store.erase_prefix(path("b").prefix()).unwrap();
        let first = if format == "v2" {
            "b/.zattrs"
        } else {
            "b/x/zarr.json"
        };
        assert_eq!(differences(&store, ""), [Difference::Removed(key(first))]);

        let store = fresh();
        change(&store, attributes, |document| {
            let attributes = if format == "v2" {
                document
            } else {
                &mut document["attributes"]
            };
            attributes["text"] = json!("other");
        });
        assert_eq!(differences(&store, ""), [Difference::Changed(key(attributes))]);

        // Another layout says the same.
        let store = fresh();
        change(&store, array, |_| ());
        assert_eq!(differences(&store, ""), []);
    }
}

#[test]
fn no_more_folders_are_compared_than_was_said() {
    let store = memory();
    let root = Group::create(Arc::clone(&store), &path(""), ZarrFormat::V3, &Options::default()).unwrap();
    for number in 0..AUTO_FOLDERS_MAX + 10 {
        root.create_group(&format!("{number:04}")).unwrap();
    }
    consolidate_metadata(&store, &path(""), &OpenConsolidated::default()).unwrap();
    let compared = |max| {
        let metadata = ConsolidatedMetadata::read_inline(store.as_ref(), &path(""))
            .unwrap()
            .unwrap();
        metadata
            .freshness(store.as_ref(), &path(""), max, &Options::default())
            .unwrap()
    };
    let partly = compared(AUTO_FOLDERS_MAX);
    assert!(partly.is_fresh() && !partly.is_complete && partly.n_compared == AUTO_FOLDERS_MAX);
    let wholly = compared(usize::MAX);
    assert!(wholly.is_fresh() && wholly.is_complete && wholly.n_compared == AUTO_FOLDERS_MAX + 11);
}

#[test]
fn nodes_of_the_other_format_are_not_in_the_metadata_and_count_as_new() {
    for (format, other, document) in [
        (ZarrFormat::V2, ZarrFormat::V3, "c/zarr.json"),
        (ZarrFormat::V3, ZarrFormat::V2, "c/.zgroup"),
    ] {
        let (store, options) = (memory(), Options::default());
        let group = |at, format| Group::create(Arc::clone(&store), &path(at), format, &options).unwrap();
        group("", format);
        group("b", format);
        consolidate_metadata(&store, &path(""), &OpenConsolidated::default()).unwrap();
        assert_eq!(differences(&store, ""), [], "{format:?}");
        group("c", other);
        consolidate_metadata(&store, &path(""), &OpenConsolidated::default()).unwrap();
        let new = Difference::Added(key(document));
        assert_eq!(differences(&store, ""), [new], "{format:?}");
    }
}
