//! `save`, `save_array` and `save_group`.

use std::{fs, io, sync::Arc};

use serde_json::json;
use zarr_convenience::{
    Error, SaveOptions,
    core::{
        ArrayData, Node, NodePath, Options, ZarrFormat,
        codecs::{ChunkBuffer, DataType},
        store::{
            DirectoryStore, Store,
            testing::{Fault, FaultyStore},
        },
    },
    save, save_array, save_group,
};

use crate::help::{PlainStore, array, digests, group_in, ints, keys, memory, path, save_ints, values};

fn named(name: &str, values: &[i64]) -> (String, ArrayData) {
    (name.to_owned(), ints(values))
}

fn names(store: &Arc<dyn Store>) -> Vec<String> {
    digests(store).into_keys().collect()
}

#[test]
fn nothing_to_save_is_refused_and_nothing_is_touched() {
    let store = memory();
    save_ints(&store, "", &[1]);
    let before = keys(store.as_ref());
    for done in [
        save(&store, &NodePath::root(), &[], &[], &SaveOptions::default()),
        save_group(&store, &NodePath::root(), &[], &[], &SaveOptions::default()),
    ] {
        assert_eq!(
            done.unwrap_err().to_string(),
            "at least one array must be provided"
        );
    }
    assert_eq!(keys(store.as_ref()), before);
}

#[test]
fn one_unnamed_array_becomes_an_array() {
    let store = memory();
    save(
        &store,
        &NodePath::root(),
        &[ints(&[1, 2])],
        &[],
        &SaveOptions::default(),
    )
    .unwrap();
    assert_eq!(values(&store, ""), [1, 2]);
}

#[test]
fn several_arrays_become_a_group_with_numbered_and_named_members() {
    let store = memory();
    let unnamed = [ints(&[1]), ints(&[2])];
    save(
        &store,
        &NodePath::root(),
        &unnamed,
        &[named("x", &[3])],
        &SaveOptions::default(),
    )
    .unwrap();
    assert_eq!(names(&store), ["/arr_0", "/arr_1", "/x"]);
    assert_eq!(values(&store, "arr_1"), [2]);
}

#[test]
fn one_named_array_becomes_a_group() {
    let store = memory();
    save(
        &store,
        &path("g"),
        &[],
        &[named("x", &[3])],
        &SaveOptions::default(),
    )
    .unwrap();
    assert_eq!(names(&store), ["/g/x"]);
}

#[test]
fn of_two_arrays_of_one_name_the_later_counts() {
    let store = memory();
    let members = [named("arr_0", &[7, 8]), named("x", &[1, 2, 3]), named("x", &[4])];
    save(
        &store,
        &NodePath::root(),
        &[ints(&[1])],
        &members,
        &SaveOptions::default(),
    )
    .unwrap();
    assert_eq!(values(&store, "arr_0"), [7, 8]);
    assert_eq!(values(&store, "x"), [4]);
}

#[test]
fn names_may_have_several_parts() {
    let store = memory();
    let members = [named("a/b/c", &[1]), named("a/d", &[2])];
    save_group(&store, &NodePath::root(), &[], &members, &SaveOptions::default()).unwrap();
    assert_eq!(names(&store), ["/a/b/c", "/a/d"]);
}

#[test]
fn names_that_leave_the_group_are_refused_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("s")).unwrap());
    save_ints(&store, "g", &[1]);
    let before = keys(store.as_ref());
    for name in ["..", "../x", "a/../b"] {
        let done = save_group(
            &store,
            &path("g"),
            &[],
            &[named(name, &[2])],
            &SaveOptions::default(),
        );
        assert!(matches!(done, Err(Error::Core(_))), "{name}: {done:?}");
        assert_eq!(keys(store.as_ref()), before);
    }
}

#[test]
fn a_node_is_replaced_whatever_it_was() {
    let store = memory();
    save_ints(&store, "", &[1; 100]);
    save(
        &store,
        &NodePath::root(),
        &[ints(&[1]), ints(&[2])],
        &[],
        &SaveOptions::default(),
    )
    .unwrap();
    assert_eq!(names(&store), ["/arr_0", "/arr_1"]);
    save_ints(&store, "", &[9]);
    assert_eq!(names(&store), ["/"]);
    assert!(!keys(store.as_ref()).contains_key(".zgroup"));
}

#[test]
fn neighbours_are_kept() {
    let store = memory();
    save_ints(&store, "a/x", &[1]);
    save_ints(&store, "a/y", &[2]);
    save_ints(&store, "a/x", &[3]);
    assert_eq!(values(&store, "a/y"), [2]);
    assert_eq!(values(&store, "a/x"), [3]);
}

#[test]
fn an_array_above_gives_way_in_a_directory_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("d");
    for above in ["", "a"] {
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(&root).unwrap());
        save_ints(&store, above, &[1, 2, 3]);
        save_ints(&store, "a/b", &[4, 5]);
        assert_eq!(names(&store), ["/a/b"], "{above:?}");
        for group in ["", "a"] {
            let node = Node::open(Arc::clone(&store), &path(group), &Options::default()).unwrap();
            assert!(matches!(node, Node::Group(_)), "{group:?}");
        }
        assert_eq!(values(&store, "a/b"), [4, 5]);
        fs::remove_dir_all(&root).unwrap();
    }
}

#[test]
fn groups_above_are_made_and_an_array_above_gives_way() {
    let store = memory();
    save_ints(&store, "a", &[1]);
    save_ints(&store, "a/b/c", &[2]);
    assert_eq!(names(&store), ["/a/b/c"]);
    assert!(matches!(
        Node::open(store, &path("a"), &Options::default()).unwrap(),
        Node::Group(_)
    ));
}

#[test]
fn b05_a_directory_that_is_no_node_is_not_destroyed_unless_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("photos");
    fs::create_dir_all(place.join("2024")).unwrap();
    fs::write(place.join("2024/cat.jpg"), "cat").unwrap();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(&place).unwrap());
    let done = save_array(&store, &NodePath::root(), &ints(&[1]), &SaveOptions::default());
    assert!(
        matches!(&done, Err(Error::Refused { reason, .. }) if reason.contains("2024")),
        "{done:?}"
    );
    assert!(place.join("2024/cat.jpg").exists());
    let options = SaveOptions {
        force: true,
        ..Default::default()
    };
    save_array(&store, &NodePath::root(), &ints(&[1]), &options).unwrap();
    assert!(!place.join("2024").exists());
    assert_eq!(values(&store, ""), [1]);
}

#[test]
fn creation_options_hold_for_every_array() {
    let store = memory();
    let mut options = SaveOptions::default();
    options.creation.zarr_format = Some(ZarrFormat::V3);
    options.creation.compressor = Some(None);
    let unnamed = [ints(&[1; 5]), ints(&[2; 5])];
    save(&store, &NodePath::root(), &unnamed, &[], &options).unwrap();
    let keys = keys(store.as_ref());
    assert_eq!(keys["arr_0/c/0"].len(), 40);
    assert!(keys.contains_key("zarr.json") && keys.contains_key("arr_1/zarr.json"));
}

#[test]
fn bad_creation_options_are_found_before_the_old_node_is_touched() {
    let store = memory();
    save_ints(&store, "", &[1]);
    let before = keys(store.as_ref());
    let mut options = SaveOptions::default();
    options.creation.dimension_separator = Some('x');
    let done = save_array(&store, &NodePath::root(), &ints(&[2]), &options);
    assert!(matches!(done, Err(Error::Argument(_))), "{done:?}");
    assert_eq!(keys(store.as_ref()), before);
}

/// What is saved under a fault, and what may be found then.
struct Trial {
    name: &'static str,
    save: fn(&Arc<dyn Store>) -> zarr_convenience::Result<()>,
}

const TRIALS: [Trial; 3] = [
    Trial {
        name: "an array over an array",
        save: |store| save_array(store, &path("n"), &ints(&[3; 2000]), &SaveOptions::default()),
    },
    Trial {
        name: "a group over an array",
        save: |store| {
            let members = [named("a", &[1; 500]), named("b/c", &[2; 500])];
            save_group(store, &path("n"), &[], &members, &SaveOptions::default())
        },
    },
    Trial {
        name: "an array to a new place",
        save: |store| save_array(store, &path("new/n"), &ints(&[3; 2000]), &SaveOptions::default()),
    },
];

#[test]
fn b05_a_save_that_fails_at_any_call_leaves_the_old_node_or_the_new_one() {
    for trial in TRIALS {
        // A directory exchanges trees; where that cannot be, nothing may be left.
        for exchanges in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let prepared = |number: u64| -> Arc<dyn Store> {
                let store: Arc<dyn Store> = if exchanges {
                    let place = folder.path().join(number.to_string());
                    Arc::new(DirectoryStore::create(place).unwrap())
                } else {
                    Arc::<PlainStore>::default()
                };
                let group = group_in(&store, ZarrFormat::V2);
                array(&group, "n", 40);
                array(&group, "other", 10);
                store
            };
            let run = |inner: &Arc<dyn Store>, fault| {
                let faulty = FaultyStore::new(Arc::clone(inner), fault);
                let calls = faulty.clone();
                let store: Arc<dyn Store> = Arc::new(faulty);
                let is_done = (trial.save)(&store).is_ok();
                drop(store);
                (calls.calls(), is_done)
            };
            let inner = prepared(0);
            let old = digests(&inner);
            let (n_calls, is_done) = run(&inner, Fault::once(u64::MAX, io::ErrorKind::Other));
            let new = digests(&inner);
            assert!(is_done && old != new && n_calls > 5, "{}", trial.name);
            let mut without = old.clone();
            without.retain(|path, _| path == "/other");
            for call in 0..n_calls {
                for fault in [Fault::once(call, io::ErrorKind::StorageFull), Fault::stop(call)] {
                    let number = 1 + call;
                    let _ = fs::remove_dir_all(folder.path().join(number.to_string()));
                    let inner = prepared(number);
                    let (_, is_done) = run(&inner, fault);
                    let found = digests(&inner);
                    let is_whole = found == new || (!is_done && found == old);
                    let is_gone = !exchanges && !is_done && is_part(&found, &new, &without);
                    assert!(
                        is_whole || is_gone,
                        "{}, call {call} of {n_calls}: {found:?}",
                        trial.name
                    );
                }
            }
        }
    }
}

/// Whether every array that is found is whole, and the neighbour is there.
fn is_part(
    found: &std::collections::BTreeMap<String, String>,
    new: &std::collections::BTreeMap<String, String>,
    without: &std::collections::BTreeMap<String, String>,
) -> bool {
    let is_in = |all: &std::collections::BTreeMap<String, String>, path: &str, hex: &str| {
        all.get(path).is_some_and(|other| other == hex)
    };
    found.iter().all(|(path, hex)| is_in(new, path, hex))
        && without.iter().all(|(path, hex)| is_in(found, path, hex))
}

#[test]
fn fill_values_of_texts_are_texts() {
    let data = ArrayData {
        shape: vec![1],
        data_type: DataType::FixedUtf32(3),
        buffer: ChunkBuffer {
            elements: vec![0; 12],
            heap: vec![],
        },
    };
    for (given, expected) in [(json!(5), "5"), (json!(true), "True"), (json!(1.5), "1.5")] {
        let mut options = SaveOptions::default();
        options.creation.fill_value = Some(given);
        let store = memory();
        let error = save_array(&store, &NodePath::root(), &data, &options).unwrap_err();
        let expected = format!("fill_value {expected} is not valid for dtype <U3; must be a  unicode string");
        assert_eq!(error.to_string(), expected);
        assert!(keys(store.as_ref()).is_empty());
        options.creation.fill_value = Some(json!(0));
        save_array(&store, &NodePath::root(), &data, &options).unwrap();
    }
}
