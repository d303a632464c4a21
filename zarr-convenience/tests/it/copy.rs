//! `copy` and `copy_all`: what is copied, what is said, what is refused.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use zarr_convenience::{
    CopyOptions, Creation, Error, Progress, ZarrSource, copy, copy_all,
    core::{
        Group, Node, NodePath, Options, ZarrFormat, erase_node,
        store::{CountingStore, DirectoryStore, Store},
    },
};

use crate::help::{
    array, attributes, copy_all_logged, copy_logged, digests, empty_array, example, group, keys, memory,
    path, set, text, unit, values,
};

#[test]
fn a_group_is_copied_with_all_below_it_and_the_log_says_so() {
    let (from, to) = (example(), group());
    let (lines, done) = copy_logged(&from, "foo", &to, CopyOptions::default());
    let expected = [
        "copy /foo",
        "copy /foo/bar",
        "copy /foo/bar/baz (100,) int64",
        "copy /foo/bar/spam (20,) int64",
        "all done: 4 copied, 0 skipped, 960 bytes copied",
    ];
    assert_eq!(lines, expected);
    let copied = done.unwrap().copied;
    assert_eq!(
        (copied.n_copied, copied.n_skipped, copied.n_bytes_copied),
        (4, 0, 960)
    );
    assert_eq!(digests(to.store()), digests(from.store()));
}

#[test]
fn an_array_is_copied_under_its_last_name() {
    let (from, to) = (example(), group());
    let (lines, _) = copy_logged(&from, "foo/bar/spam", &to, CopyOptions::default());
    assert_eq!(lines[0], "copy /foo/bar/spam (20,) int64");
    assert_eq!(values(to.store(), "spam"), (1..=20).collect::<Vec<_>>());
}

#[test]
fn a_name_may_have_several_parts_and_may_be_absolute() {
    let (from, to) = (example(), group());
    let below = to.create_group("below").unwrap();
    let named = |name: &str| CopyOptions {
        name: Some(name.to_owned()),
        ..Default::default()
    };
    copy_logged(&from, "foo/bar/spam", &below, named("a/b"))
        .1
        .unwrap();
    copy_logged(&from, "foo/bar/spam", &below, named("/c")).1.unwrap();
    let arrays: Vec<_> = digests(to.store()).into_keys().collect();
    assert_eq!(arrays, ["/below/a/b", "/c"]);
    assert!(to.find("below/a").unwrap().is_some());
}

#[test]
fn b46_a_root_without_a_name_needs_one() {
    let (from, to) = (example(), group());
    let before = keys(to.store().as_ref());
    let (lines, done) = copy_logged(&from, "", &to, CopyOptions::default());
    assert!(matches!(done, Err(Error::Argument(reason)) if reason.starts_with("source has no name")));
    assert!(lines.is_empty());
    assert_eq!(keys(to.store().as_ref()), before);
}

#[test]
fn b26_the_name_of_the_destination_itself_is_refused() {
    let (from, to) = (example(), group());
    array(&to, "precious", 10);
    let before = keys(to.store().as_ref());
    for name in ["", "/", "//"] {
        let options = CopyOptions {
            name: Some(name.to_owned()),
            if_exists: zarr_convenience::IfExists::Replace,
            ..Default::default()
        };
        let (_, done) = copy_logged(&from, "foo/bar/baz", &to, options);
        assert!(matches!(done, Err(Error::Refused { .. })), "{name}: {done:?}");
    }
    assert_eq!(keys(to.store().as_ref()), before);
}

#[test]
fn copy_all_copies_the_members_and_not_the_group() {
    let (from, to) = (example(), group());
    let (lines, done) = copy_all_logged(&from, &to, CopyOptions::default());
    assert_eq!(lines[0], "copy /foo");
    assert_eq!(lines.len(), 5);
    assert_eq!(done.unwrap().copied.n_copied, 4);
    assert_eq!(digests(to.store()), digests(from.store()));
}

#[test]
fn members_are_copied_by_code_point() {
    let (from, to) = (group(), group());
    for name in ["b", "10", "9", "Z", "a", "ä"] {
        empty_array(&from, name, 0);
    }
    let (lines, _) = copy_all_logged(&from, &to, CopyOptions::default());
    let names: Vec<_> = lines.iter().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(names[..6], ["/10", "/9", "/Z", "/a", "/b", "/ä"]);
}

#[test]
fn shallow_leaves_out_groups_below_the_first() {
    let from = example();
    array(&from, "foo/top", 10);
    let shallow = || CopyOptions {
        shallow: true,
        ..Default::default()
    };
    let to = group();
    let (lines, _) = copy_logged(&from, "foo", &to, shallow());
    let summary = "all done: 2 copied, 0 skipped, 80 bytes copied";
    assert_eq!(lines, ["copy /foo", "copy /foo/top (10,) int64", summary]);
    let to = group();
    let (lines, _) = copy_all_logged(&from, &to, shallow());
    assert_eq!(lines, ["all done: 0 copied, 0 skipped, 0 bytes copied"]);
    assert!(digests(to.store()).is_empty());
}

#[test]
fn b13_attributes_of_any_name_are_copied_and_added_to_those_that_are_there() {
    let from = example();
    from.set_attributes(attributes(json!({"f": 1, "self": 2, "filters": 3})))
        .unwrap();
    array(&from, "x", 10).set_attributes(unit()).unwrap();
    let to = group();
    to.set_attributes(attributes(json!({"f": 0, "old": true})))
        .unwrap();
    copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
    let expected = attributes(json!({"f": 1, "old": true, "self": 2, "filters": 3}));
    assert_eq!(to.attributes().unwrap(), expected);
    let Node::Array(x) = to.get("x").unwrap() else {
        panic!("no array")
    };
    assert_eq!(x.attributes().unwrap(), unit());
}

#[test]
fn b24_an_attribute_called_filters_of_an_array_is_copied_like_any_other() {
    let (from, to) = (group(), group());
    let members = attributes(json!({"filters": ["a"], "shape": [9], "f": null}));
    array(&from, "x", 10).set_attributes(members.clone()).unwrap();
    copy_logged(&from, "x", &to, CopyOptions::default()).1.unwrap();
    assert_eq!(to.get("x").unwrap().attributes().unwrap(), members);
}

#[test]
fn b13_without_attrs_leaves_them_out_everywhere() {
    let from = example();
    from.set_attributes(unit()).unwrap();
    array(&from, "x", 10).set_attributes(unit()).unwrap();
    let to = group();
    let options = CopyOptions {
        without_attrs: true,
        ..Default::default()
    };
    copy_all_logged(&from, &to, options).1.unwrap();
    let has_any = keys(to.store().as_ref())
        .into_keys()
        .any(|key| key.ends_with(".zattrs"));
    assert!(!has_any);
}

#[test]
fn b14_no_attributes_make_no_document() {
    let (from, to) = (example(), group());
    copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
    let has_any = keys(to.store().as_ref())
        .into_keys()
        .any(|key| key.ends_with(".zattrs"));
    assert!(!has_any);
}

#[test]
fn b20_a_member_called_shape_does_not_make_an_array_of_its_group() {
    let (from, to) = (group(), group());
    array(&from, "g/shape", 10);
    array(&from, "g/dtype", 10);
    array(&to, "g/shape/inner", 10);
    let lines = copy_logged(
        &from,
        "g/dtype",
        &to.create_group("t/shape").unwrap(),
        CopyOptions::default(),
    )
    .0;
    assert_eq!(lines.len(), 2);
    let (lines, done) = copy_all_logged(&from, &group(), CopyOptions::default());
    assert_eq!(done.unwrap().copied.n_copied, 3);
    assert_eq!(lines[..2], ["copy /g", "copy /g/dtype (10,) int64"]);
}

#[test]
fn an_empty_group_is_copied() {
    let (from, to) = (group(), group());
    from.create_group("empty").unwrap();
    let (lines, _) = copy_all_logged(&from, &to, CopyOptions::default());
    assert_eq!(
        lines,
        ["copy /empty", "all done: 1 copied, 0 skipped, 0 bytes copied"]
    );
    assert!(matches!(to.get("empty").unwrap(), Node::Group(_)));
    let (lines, done) = copy_all_logged(&group(), &to, CopyOptions::default());
    assert_eq!(lines, ["all done: 0 copied, 0 skipped, 0 bytes copied"]);
    assert!(done.is_ok());
}

#[test]
fn arrays_without_dimensions_and_without_elements_are_copied() {
    use zarr_convenience::core::{ArrayBuilder, Selection, codecs::DataType};
    let (from, to) = (group(), group());
    let scalar = ArrayBuilder::new(vec![], DataType::Int64)
        .create(Arc::clone(from.store()), &path("scalar"), &Options::default())
        .unwrap();
    scalar.write_vec(&Selection::all(), &[42_i64]).unwrap();
    empty_array(&from, "nothing", 0);
    let (lines, _) = copy_all_logged(&from, &to, CopyOptions::default());
    assert_eq!(lines[..2], ["copy /nothing (0,) int64", "copy /scalar () int64"]);
    assert_eq!(lines[2], "all done: 2 copied, 0 skipped, 8 bytes copied");
    assert_eq!(values(to.store(), "scalar"), [42]);
    assert_eq!(values(to.store(), "nothing"), [0_i64; 0]);
}

#[test]
fn numbers_of_the_summary_have_commas() {
    let (from, to) = (group(), group());
    empty_array(&from, "x", 1_234_567);
    let (lines, _) = copy_all_logged(&from, &to, CopyOptions::default());
    assert_eq!(lines[1], "all done: 1 copied, 0 skipped, 9,876,536 bytes copied");
}

#[test]
fn b13_a_dry_run_says_the_same_and_writes_nothing_at_all() {
    let from = example();
    from.set_attributes(unit()).unwrap();
    let inner = memory();
    let counting = Arc::new(CountingStore::new(Arc::clone(&inner)));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&counting);
    let to = crate::help::group_in(&store, ZarrFormat::V2);
    array(&to, "foo/bar/baz/in_the_way", 10);
    let before = (keys(inner.as_ref()), counting.counts());
    for if_exists in ["raise", "replace", "skip", "skip_initialized"] {
        let options = CopyOptions {
            dry_run: true,
            if_exists: zarr_convenience::IfExists::parse(if_exists).unwrap(),
            ..Default::default()
        };
        let (dry, done) = copy_all_logged(&from, &to, options);
        assert_eq!(
            done.is_ok(),
            matches!(if_exists, "replace" | "skip"),
            "{if_exists}"
        );
        assert_eq!(dry[..2], ["copy /foo", "copy /foo/bar"]);
        if if_exists == "replace" {
            assert_eq!(dry[4], "dry run: 4 copied, 0 skipped");
        }
    }
    let counts = counting.counts();
    assert_eq!(keys(inner.as_ref()), before.0);
    let written = |counts: zarr_convenience::core::store::Counts| {
        (
            counts.sets,
            counts.erases,
            counts.prefix_erases,
            counts.stages,
            counts.flushes,
        )
    };
    assert_eq!(written(counts), written(before.1));
}

#[test]
fn b15_a_dry_run_of_a_group_over_an_array_descends() {
    let (from, to) = (example(), group());
    array(&to, "foo", 10);
    let options = CopyOptions {
        dry_run: true,
        if_exists: zarr_convenience::IfExists::Replace,
        ..Default::default()
    };
    let (lines, done) = copy_all_logged(&from, &to, options);
    assert_eq!(lines.len(), 5);
    assert_eq!(done.unwrap().copied.n_bytes_copied, 0);
    assert_eq!(digests(to.store()).len(), 1);
}

/// Tries copies within one store, each from a path to a group, or all of a group to a group where `all` says so;
/// each must be refused before anything is read or written.
#[track_caller]
fn check_refused(copies: &[(&str, &str, Option<&str>)], all: (&str, &str)) {
    let from = example();
    let inner = Arc::new(CountingStore::new(Arc::clone(from.store())));
    let store: Arc<dyn Store> = Arc::<CountingStore>::clone(&inner);
    let open = |at: &str| Group::open(Arc::clone(&store), &path(at), &Options::default()).unwrap();
    let before = keys(from.store().as_ref());
    let source = ZarrSource::new(Node::Group(open("")));
    let attempt = |at: &str, to: &str, name: Option<&str>| {
        let node = zarr_convenience::Source::node(&source, &path(at))
            .unwrap()
            .unwrap();
        let counts = inner.counts();
        let options = CopyOptions {
            name: name.map(str::to_owned),
            if_exists: zarr_convenience::IfExists::Replace,
            ..Default::default()
        };
        let group = open(to);
        let gets = inner.counts().gets;
        let done = copy(&source, &node, &group, options);
        assert!(
            matches!(done, Err(Error::Refused { .. })),
            "{at} to {to}: {done:?}"
        );
        assert_eq!(inner.counts().gets, gets, "nothing is read");
        assert_eq!(inner.counts().sets, counts.sets);
    };
    for (at, to, name) in copies {
        attempt(at, to, *name);
    }
    let done = copy_all(&source, &path(all.0), &open(all.1), CopyOptions::default());
    assert!(matches!(done, Err(Error::Refused { .. })), "{done:?}");
    assert_eq!(keys(from.store().as_ref()), before);
}

#[test]
fn b18_a_copy_onto_itself_is_refused_before_anything_is_written() {
    let copies = [
        ("foo/bar/baz", "foo/bar", None),
        ("foo/bar", "foo", None),
        ("foo/bar/baz", "foo", Some("bar")),
    ];
    check_refused(&copies, ("foo", "foo"));
}

#[test]
fn b19_a_copy_into_itself_is_refused_before_anything_is_written() {
    check_refused(
        &[("foo/bar", "foo/bar", Some("in")), ("foo", "foo/bar", None)],
        ("", "foo/bar"),
    );
}

#[test]
fn b18_two_stores_of_one_directory_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Store> { Arc::new(DirectoryStore::create(folder.path().join("a")).unwrap()) };
    let from = crate::help::group_in(&open(), ZarrFormat::V2);
    array(&from, "x", 10);
    let to = Group::open(open(), &NodePath::root(), &Options::default()).unwrap();
    let (_, done) = copy_all_logged(&from, &to, CopyOptions::default());
    assert!(matches!(done, Err(Error::Refused { .. })), "{done:?}");
}

#[test]
fn a_node_is_copied_beside_itself_under_another_name() {
    let from = example();
    let options = CopyOptions {
        name: Some("foo2".to_owned()),
        ..Default::default()
    };
    let (_, done) = copy_logged(&from, "foo", &from, options);
    assert_eq!(done.unwrap().copied.n_copied, 4);
    assert_eq!(digests(from.store()).len(), 4);
}

#[test]
fn what_a_killed_copy_left_behind_is_not_taken_for_data() {
    let (from, to) = (group(), group());
    empty_array(&from, "x", 20);
    // A chunk without a document: the array is not there.
    set(to.store().as_ref(), "x/1", b"left behind");
    assert!(to.find("x").unwrap().is_none());
    copy_all_logged(&from, &to, CopyOptions::default()).1.unwrap();
    assert_eq!(values(to.store(), "x"), [0; 20]);
    assert!(text(to.store().as_ref(), "x/.zarray").contains("\"shape\""));
}

#[test]
fn a_new_array_is_seen_when_it_is_whole_and_nothing_is_left_of_one_that_failed() {
    let from = example();
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path()).unwrap());
    let options = Options::default();
    let to = Group::create(Arc::clone(&store), &NodePath::root(), ZarrFormat::V2, &options).unwrap();
    let baz = Node::open(Arc::clone(from.store()), &path("foo/bar/baz"), &options).unwrap();
    let source = ZarrSource::new(baz);
    let baz = source.root();
    let n_told = AtomicUsize::new(0);
    let is_hidden = |_: Progress<'_>| {
        n_told.fetch_add(1, Ordering::Relaxed);
        assert_eq!(keys(store.as_ref()).into_keys().collect::<Vec<_>>(), [".zgroup"]);
    };
    let asked = || CopyOptions {
        progress: Some(&is_hidden),
        ..CopyOptions::default()
    };
    copy(&source, &baz, &to, asked()).unwrap();
    assert!(n_told.load(Ordering::Relaxed) > 1);
    assert_eq!(values(&store, "baz"), values(from.store(), "foo/bar/baz"));
    erase_node(store.as_ref(), &path("baz")).unwrap();

    // The codecs are others, so that the chunk is decoded.
    set(from.store().as_ref(), "foo/bar/baz/5", b"damaged");
    let recoded = CopyOptions {
        creation: Creation {
            compressor: Some(Some(json!({"id": "zlib", "level": 1}))),
            ..Creation::default()
        },
        ..asked()
    };
    copy(&source, &baz, &to, recoded).unwrap_err();
    assert_eq!(keys(store.as_ref()).into_keys().collect::<Vec<_>>(), [".zgroup"]);
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [".zgroup"]);
}
