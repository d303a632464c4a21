//! `open`, `create_array` and `create_group`, by mode and by what is there.

use std::sync::Arc;

use serde_json::json;
use zarr_convenience::{
    Chunks, Creation, Error, Location, OpenMode,
    core::{
        Array, Error as CoreError, Node, Options, Selection,
        store::{DirectoryStore, Store},
    },
    create_array, create_group, open, open_store,
};

use crate::help::{array, example, group, keys, memory, path, set, values};

const SHAPE: &[u64] = &[4];

fn open_at(store: &Arc<dyn Store>, at: &str, mode: &str, is_array: bool) -> Result<Node, Error> {
    let dtype = json!("<i8");
    let mode = OpenMode::parse(mode).unwrap();
    let what = is_array.then_some((SHAPE, &dtype));
    open(
        store,
        &path(at),
        mode,
        what,
        (&Creation::default(), &Options::default()),
    )
}

/// A store with an array `a` of 20 elements and a group `g` with a member.
fn store() -> Arc<dyn Store> {
    let group = group();
    array(&group, "a", 20);
    array(&group, "g/x", 20);
    Arc::clone(group.store())
}

fn is_exists(done: &Result<Node, Error>) -> bool {
    matches!(done, Err(Error::Core(CoreError::Exists { .. })))
}

fn is_not_found(done: &Result<Node, Error>) -> bool {
    matches!(done, Err(Error::Core(CoreError::NotFound { .. })))
}

#[test]
fn b08_unknown_modes_are_refused() {
    for mode in ["", "rw", "R", "wb", "x+"] {
        let error = OpenMode::parse(mode).unwrap_err().to_string();
        assert!(error.ends_with(&format!("found '{mode}'")), "{error}");
    }
    assert_eq!(OpenMode::parse("x").unwrap(), OpenMode::Exclusive);
}

#[test]
fn where_nothing_is_reading_modes_fail_and_others_create() {
    for mode in ["r", "r+"] {
        let store = memory();
        assert!(is_not_found(&open_at(&store, "n", mode, false)), "{mode}");
        assert!(is_not_found(&open_at(&store, "n", mode, true)), "{mode}");
        assert!(keys(store.as_ref()).is_empty());
    }
    for mode in ["a", "w", "w-", "x"] {
        assert!(
            matches!(open_at(&memory(), "n", mode, false), Ok(Node::Group(_))),
            "{mode}"
        );
        assert!(
            matches!(open_at(&memory(), "n", mode, true), Ok(Node::Array(_))),
            "{mode}"
        );
    }
}

#[test]
fn what_is_there_is_opened_whatever_it_is() {
    for mode in ["r", "r+", "a"] {
        let store = store();
        let before = keys(store.as_ref());
        assert!(
            matches!(open_at(&store, "a", mode, false), Ok(Node::Array(_))),
            "{mode}"
        );
        assert!(
            matches!(open_at(&store, "g", mode, false), Ok(Node::Group(_))),
            "{mode}"
        );
        assert_eq!(keys(store.as_ref()), before);
    }
}

#[test]
fn append_ignores_a_shape_where_an_array_is_and_refuses_it_where_a_group_is() {
    let store = store();
    let Ok(Node::Array(found)) = open_at(&store, "a", "a", true) else {
        panic!("no array")
    };
    assert_eq!(found.shape(), [20]);
    assert!(is_exists(&open_at(&store, "g", "a", true)));
}

#[test]
fn write_erases_what_is_there() {
    for (at, is_array) in [("a", true), ("a", false), ("g", true), ("g", false)] {
        let store = store();
        let node = open_at(&store, at, "w", is_array).unwrap();
        assert_eq!(matches!(node, Node::Array(_)), is_array, "{at}");
        let prefix = format!("{at}/");
        let n_keys = keys(store.as_ref())
            .into_keys()
            .filter(|key| key.starts_with(&prefix))
            .count();
        assert_eq!(n_keys, 1, "{at}: the document alone");
        let other = if at == "a" { "g/x" } else { "a" };
        assert_eq!(values(&store, other).len(), 20);
    }
}

#[test]
fn exclusive_modes_refuse_what_is_there() {
    for mode in ["w-", "x"] {
        for at in ["a", "g"] {
            let store = store();
            let before = keys(store.as_ref());
            assert!(is_exists(&open_at(&store, at, mode, false)), "{mode} {at}");
            assert!(is_exists(&open_at(&store, at, mode, true)), "{mode} {at}");
            assert_eq!(keys(store.as_ref()), before);
        }
    }
}

#[test]
fn errors_have_zarr_pythons_words() {
    let text = |at, mode| open_at(&store(), at, mode, false).unwrap_err().to_string();
    assert_eq!(text("a", "w-"), "path 'a' contains an array");
    assert_eq!(text("g", "w-"), "path 'g' contains a group");
    assert!(text("n", "r").starts_with("nothing found at path 'n'"));
}

#[test]
fn mode_r_opens_for_reading_only() {
    let store = store();
    let Ok(Node::Array(array)) = open_at(&store, "a", "r", false) else {
        panic!("no array")
    };
    let all = Selection::all();
    let done = array.write_vec(&all, &[1_i64; 20]);
    assert!(matches!(done, Err(CoreError::ReadOnly { .. })), "{done:?}");
    let Ok(Node::Group(group)) = open_at(&store, "g", "r", false) else {
        panic!("no group")
    };
    assert!(group.create_group("new").is_err());
}

#[test]
fn groups_above_are_made() {
    let store = memory();
    open_at(&store, "a/b/c", "w-", true).unwrap();
    let names: Vec<_> = keys(store.as_ref()).into_keys().collect();
    assert_eq!(names, [".zgroup", "a/.zgroup", "a/b/.zgroup", "a/b/c/.zarray"]);
}

#[test]
fn an_array_above_is_in_the_way_of_creating() {
    let store = store();
    let before = keys(store.as_ref());
    for mode in ["a", "w-"] {
        assert!(is_exists(&open_at(&store, "a/below", mode, true)), "{mode}");
    }
    assert_eq!(keys(store.as_ref()), before);
}

#[test]
fn options_that_make_no_sense_are_found_before_anything_is_erased() {
    let store = store();
    let before = keys(store.as_ref());
    let dtype = json!("<q9");
    let done = open(
        &store,
        &path("a"),
        OpenMode::Write,
        Some((SHAPE, &dtype)),
        (&Creation::default(), &Options::default()),
    );
    assert!(done.is_err());
    assert_eq!(keys(store.as_ref()), before);
}

#[test]
fn create_makes_what_is_asked_for_and_overwrites_only_if_told() {
    let store = store();
    let (dtype, creation, options) = (json!("<i8"), Creation::default(), Options::default());
    let make = |overwrite| {
        create_array(
            &store,
            &path("a"),
            (SHAPE, &dtype),
            overwrite,
            (&creation, &options),
        )
    };
    assert!(matches!(make(false), Err(Error::Core(CoreError::Exists { .. }))));
    assert_eq!(make(true).unwrap().shape(), [4]);
    assert!(create_group(&store, &path("g"), false, (&creation, &options)).is_err());
    let group = create_group(&store, &path("g"), true, (&creation, &options)).unwrap();
    assert!(group.members().unwrap().is_empty());
}

#[test]
fn a_damaged_document_is_an_error_in_every_mode_that_reads() {
    let group = example();
    set(group.store().as_ref(), "foo/.zgroup", b"{\"zarr_format\": 9}");
    for mode in ["r", "r+", "a", "w-"] {
        let done = open_at(group.store(), "foo", mode, false);
        assert!(
            matches!(done, Err(Error::Core(CoreError::Metadata { .. }))),
            "{mode}: {done:?}"
        );
    }
}

/// Makes an array with the options, and gives its document.
fn document(store: &Arc<dyn Store>, dtype: &serde_json::Value, creation: &Creation) -> serde_json::Value {
    let what = (SHAPE, dtype);
    let options = Options::default();
    create_array(store, &path("new"), what, true, (creation, &options)).unwrap();
    serde_json::from_str(&crate::help::text(store.as_ref(), "new/.zarray")).unwrap()
}

#[test]
fn b09_a_group_is_made_where_its_path_is_free_whatever_the_root_is() {
    let what = (&Creation::default(), &Options::default());
    let store = store();
    let made = create_group(&store, &path("new"), false, what).unwrap();
    assert_eq!(made.path(), &path("new"));
    let done = create_group(&store, &path("g"), false, what);
    assert!(
        matches!(&done, Err(Error::Core(CoreError::Exists { path, .. })) if path == "g"),
        "{done:?}"
    );
    assert_eq!(values(&store, "g/x").len(), 20);
}

#[test]
fn b10_errors_name_the_path_of_the_node_and_that_of_the_file() {
    let error = open_at(&store(), "no/where", "r", true).unwrap_err().to_string();
    assert!(error.starts_with("nothing found at path 'no/where'"), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "hi").unwrap();
    let name = file.to_string_lossy();
    let location = Location::with_path(&name, "").unwrap();
    for writable in [false, true] {
        let error = open_store(&location, writable).unwrap_err().to_string();
        assert!(error.contains(&*name), "{error}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), b"hi");
}

#[test]
fn b11_the_default_fill_value_of_texts_is_the_empty_text() {
    let store = memory();
    for dtype in [json!("|S3"), json!("<U3"), json!("str")] {
        let done = open(
            &store,
            &path("new"),
            OpenMode::Write,
            Some((SHAPE, &dtype)),
            (&Creation::default(), &Options::default()),
        );
        let Node::Array(array) = done.unwrap() else {
            panic!("no array")
        };
        let all = Selection::all();
        if dtype == "|S3" {
            assert_eq!(array.read_vec::<Vec<u8>>(&all).unwrap(), [b"", b"", b"", b""]);
        } else {
            assert_eq!(array.read_vec::<String>(&all).unwrap(), [""; 4], "{dtype}");
        }
    }
}

#[test]
fn b12_the_separator_is_recorded_by_what_it_is_and_not_by_the_store_or_its_history() {
    let folder = tempfile::tempdir().unwrap();
    let directory: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("d")).unwrap());
    let slash = Creation {
        dimension_separator: Some('/'),
        ..Creation::default()
    };
    for store in [memory(), directory] {
        let separator = |creation| document(&store, &json!("<i8"), creation)["dimension_separator"].clone();
        assert_eq!(separator(&slash), "/");
        assert!(separator(&Creation::default()).is_null());
        let mut array = Array::open(Arc::clone(&store), &path("new"), &Options::default()).unwrap();
        array.resize(&[9]).unwrap();
        let resized = crate::help::text(store.as_ref(), "new/.zarray");
        assert!(!resized.contains("dimension_separator"), "{resized}");
    }
}

#[test]
fn b39_lengths_that_no_array_has_are_refused_and_nothing_is_made() {
    let store = store();
    let before = keys(store.as_ref());
    let creation = Creation {
        chunks: Some(Chunks::Each(0)),
        ..Creation::default()
    };
    let what = (SHAPE, &json!("<i8"));
    let done = create_array(&store, &path("a"), what, true, (&creation, &Options::default()));
    let error = done.unwrap_err().to_string();
    assert!(error.contains("chunk"), "{error}");
    assert_eq!(keys(store.as_ref()), before);
    set(
        store.as_ref(),
        "bad/.zarray",
        br#"{"zarr_format": 2, "shape": [-1], "chunks": [1], "dtype": "<i8", "fill_value": 0, "order": "C",
            "compressor": null, "filters": null}"#,
    );
    let error = open_at(&store, "bad", "r", false).unwrap_err().to_string();
    assert!(
        error.contains("bad/.zarray") && error.contains("shape"),
        "{error}"
    );
}

#[test]
fn b41_a_fill_value_is_cut_to_the_length_of_its_type() {
    let creation = Creation {
        fill_value: Some(json!("abcdef")),
        ..Creation::default()
    };
    let store = memory();
    assert_eq!(document(&store, &json!("<U3"), &creation)["fill_value"], "abc");
    let array = Array::open(Arc::clone(&store), &path("new"), &Options::default()).unwrap();
    let all = Selection::all();
    assert_eq!(array.read_vec::<String>(&all).unwrap(), ["abc"; 4]);
}
