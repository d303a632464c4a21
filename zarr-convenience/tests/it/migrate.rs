//! Documents in the other format, chunks where they are, and back.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use zarr_convenience::{
    Error, MIGRATION_JOURNAL, ZarrSource,
    core::{
        Array, ArrayBuilder, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
        codecs::DataType,
        store::{
            Store, StoreExt, StoreKey, StorePrefix,
            testing::{Fault, FaultyStore},
        },
    },
    digest, finish_migration, migrate, plan_migration, roll_back_migration,
};

use crate::help::memory;

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

fn to(store: &Arc<dyn Store>, format: ZarrFormat) -> Result<usize, Error> {
    let migration = plan_migration(store, &NodePath::root(), format, &Options::default())?;
    migrate(store, &migration)?;
    Ok(migration.steps.len())
}

/// All keys and values but the journal; documents as JSON.
fn contents(store: &Arc<dyn Store>) -> BTreeMap<String, Value> {
    let keys = store.list_prefix(&StorePrefix::root()).unwrap();
    keys.iter()
        .filter(|key| key.as_str() != MIGRATION_JOURNAL)
        .map(|key| {
            let bytes = store.get(key, u64::MAX).unwrap().unwrap();
            let value = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!(bytes.to_vec()));
            (key.to_string(), value)
        })
        .collect()
}

fn digests(store: &Arc<dyn Store>) -> Vec<String> {
    let node = Node::open(Arc::clone(store), &NodePath::root(), &Options::default()).unwrap();
    let source = ZarrSource::new(node);
    let digests = digest(&source, &source.root(), Workers::ONE).unwrap();
    digests.iter().map(ToString::to_string).collect()
}

/// A group with two arrays and attributes.
fn hierarchy() -> Arc<dyn Store> {
    let store: Arc<dyn Store> = memory();
    let root = Group::create(
        Arc::clone(&store),
        &NodePath::root(),
        ZarrFormat::V2,
        &Options::default(),
    )
    .unwrap();
    root.set_attributes(json!({"title": "x"}).as_object().unwrap().clone())
        .unwrap();
    for (name, data_type) in [("a/b", DataType::Int32), ("c", DataType::String)] {
        let builder = ArrayBuilder::new(vec![5, 4], data_type.clone()).chunk_shape(vec![2, 3]);
        let array = builder
            .create(
                Arc::clone(&store),
                &NodePath::new(name).unwrap(),
                &Options::default(),
            )
            .unwrap();
        array
            .set_attributes(
                json!({"_ARRAY_DIMENSIONS": ["y", "x"], "n": 1})
                    .as_object()
                    .unwrap()
                    .clone(),
            )
            .unwrap();
        if data_type == DataType::Int32 {
            array
                .write_vec(&Selection::all(), &(0..20).collect::<Vec<i32>>())
                .unwrap();
        } else {
            array.write_vec(&Selection::all(), &["text".to_owned()]).unwrap();
        }
    }
    store
}

#[test]
fn a_hierarchy_goes_to_v3_and_back_with_its_chunks_where_they_are() {
    let store = hierarchy();
    let (before, values) = (contents(&store), digests(&store));
    assert_eq!(to(&store, ZarrFormat::V3).unwrap(), 4);
    let after = contents(&store);
    assert!(after.keys().all(|key| !key.contains(".z")), "{:?}", after.keys());
    assert_eq!(after["c/zarr.json"]["dimension_names"], json!(["y", "x"]));
    assert_eq!(after["c/zarr.json"]["attributes"], json!({"n": 1}));
    for (key, value) in &before {
        assert!(
            key.contains("/.z") || key.starts_with(".z") || after[key] == *value,
            "{key}"
        );
    }
    assert_eq!(digests(&store), values);
    assert_eq!(to(&store, ZarrFormat::V3).unwrap(), 0);
    to(&store, ZarrFormat::V2).unwrap();
    assert_eq!(contents(&store), before);
}

/// The documents that zarr-python 2 wrote, of all types and codecs.
#[test]
fn documents_are_equal_after_the_round_trip() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../testdata/documents/v2.json")).unwrap();
    let (mut migrated, mut blocked) = (0, BTreeMap::<String, usize>::new());
    for case in cases {
        let store: Arc<dyn Store> = memory();
        store
            .set(&key(".zarray"), case["document"].to_string().as_bytes())
            .unwrap();
        match to(&store, ZarrFormat::V3) {
            Ok(_) => {
                let array = Array::open(Arc::clone(&store), &NodePath::root(), &Options::default()).unwrap();
                assert_eq!(array.metadata().format, ZarrFormat::V3);
                to(&store, ZarrFormat::V2).unwrap();
                assert_eq!(contents(&store)[".zarray"], case["document"]);
                migrated += 1;
            }
            Err(error) => {
                assert!(matches!(error, Error::Refused { .. }), "{error}");
                *blocked.entry(case["document"]["dtype"].to_string()).or_default() += 1;
                assert_eq!(contents(&store)[".zarray"], case["document"]);
            }
        }
    }
    // Records alone may have no form in V3: those with arrays, padding or several byte orders.
    assert!(migrated > 100, "{migrated}");
    assert!(blocked.keys().all(|dtype| dtype.starts_with('[')), "{blocked:?}");
}

#[test]
fn documents_of_v3_come_back_where_v2_has_a_form_for_them() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../../../testdata/documents/v3.json")).unwrap();
    let mut migrated = 0;
    for (number, case) in cases.iter().enumerate() {
        let mut document = case["document"].clone();
        // Others leave the separator out where it is the usual one.
        match number % 3 {
            0 => document["chunk_key_encoding"] = json!({"name": "v2"}),
            1 => document["chunk_key_encoding"] = json!("v2"),
            _ => document["chunk_key_encoding"]["name"] = json!("v2"),
        }
        let store: Arc<dyn Store> = memory();
        store
            .set(&key("zarr.json"), document.to_string().as_bytes())
            .unwrap();
        if to(&store, ZarrFormat::V2).is_ok() {
            to(&store, ZarrFormat::V3).unwrap();
            assert_eq!(contents(&store)["zarr.json"], document);
            migrated += 1;
        }
    }
    assert!(migrated > 60, "{migrated}");
}

#[test]
fn what_has_no_form_is_named_and_nothing_is_changed() {
    let store = hierarchy();
    let record = json!({"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": [["x", "<i4", [2]]], "compressor": null,
        "filters": null, "fill_value": null, "order": "C"});
    store
        .set(&key("d/.zarray"), record.to_string().as_bytes())
        .unwrap();
    let before = contents(&store);
    let error = to(&store, ZarrFormat::V3).unwrap_err().to_string();
    assert!(error.starts_with("/d: cannot be migrated: "), "{error}");
    assert_eq!(contents(&store), before);
    let store: Arc<dyn Store> = memory();
    let builder = ArrayBuilder::new(vec![4], DataType::Int8)
        .chunk_shape(vec![2])
        .format(ZarrFormat::V3);
    builder
        .clone()
        .create(Arc::clone(&store), &NodePath::root(), &Options::default())
        .unwrap();
    let error = to(&store, ZarrFormat::V2).unwrap_err().to_string();
    assert!(error.contains("chunk keys of V3"), "{error}");
}

#[test]
fn documents_of_both_formats_that_differ_are_not_replaced() {
    let store = hierarchy();
    let group = json!({"zarr_format": 3, "node_type": "group", "attributes": {"title": "another"}});
    store
        .set(&key("zarr.json"), group.to_string().as_bytes())
        .unwrap();
    let before = contents(&store);
    for format in [ZarrFormat::V3, ZarrFormat::V2] {
        let error = to(&store, format).unwrap_err().to_string();
        assert!(error.contains("says something else"), "{error}");
        assert_eq!(contents(&store), before);
    }
}

/// What changed between the two ways is not undone.
#[test]
fn changes_between_the_ways_are_kept() {
    let store = hierarchy();
    to(&store, ZarrFormat::V3).unwrap();
    let path = NodePath::new("c").unwrap();
    let mut array = Array::open(Arc::clone(&store), &path, &Options::default()).unwrap();
    array.resize(&[3, 4]).unwrap();
    array
        .set_attributes(json!({"new": 2}).as_object().unwrap().clone())
        .unwrap();
    to(&store, ZarrFormat::V2).unwrap();
    let after = contents(&store);
    assert_eq!(after["c/.zarray"]["shape"], json!([3, 4]));
    assert_eq!(
        after["c/.zattrs"],
        json!({"new": 2, "_ARRAY_DIMENSIONS": ["y", "x"]})
    );
}

/// Whenever the store fails, all is readable, and the same call goes on.
#[test]
fn nothing_is_lost_when_it_is_stopped_anywhere() {
    for format in [ZarrFormat::V3, ZarrFormat::V2] {
        let mut call = 0;
        loop {
            let store = hierarchy();
            if format == ZarrFormat::V2 {
                to(&store, ZarrFormat::V3).unwrap();
            }
            let values = digests(&store);
            let faulty: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::clone(&store), Fault::stop(call)));
            let result = to(&faulty, format);
            assert_eq!(digests(&store), values, "{format} {call}");
            to(&store, format).unwrap();
            assert_eq!(digests(&store), values, "{format} {call}");
            let left = contents(&store);
            let old = if format == ZarrFormat::V3 {
                ".z"
            } else {
                "zarr.json"
            };
            assert!(
                left.keys().all(|key| !key.contains(old)),
                "{format} {call} {:?}",
                left.keys()
            );
            if result.is_ok() {
                break;
            }
            call += 1;
        }
        assert!(call > 10, "{call}");
    }
}

/// All keys and their bytes.
fn bytes(store: &Arc<dyn Store>) -> BTreeMap<String, Vec<u8>> {
    let keys = store.list_prefix(&StorePrefix::root()).unwrap();
    let value = |key: &StoreKey| store.get(key, u64::MAX).unwrap().unwrap().to_vec();
    keys.iter().map(|key| (key.to_string(), value(key))).collect()
}

fn roll_back(store: &Arc<dyn Store>) -> Result<usize, Error> {
    roll_back_migration(store, &NodePath::root(), &Options::default())
}

/// In a form that no program writes, with consolidated metadata, in either format.
fn hierarchy_of(format: ZarrFormat) -> Arc<dyn Store> {
    let store = hierarchy();
    if format == ZarrFormat::V3 {
        to(&store, ZarrFormat::V3).unwrap();
        finish_migration(store.as_ref(), &NodePath::root()).unwrap();
    }
    for name in [".zgroup", "zarr.json", "c/.zarray", "c/zarr.json"] {
        if let Some(document) = store.get(&key(name), u64::MAX).unwrap() {
            store.set(&key(name), &[b"\n\t", &*document].concat()).unwrap();
        }
    }
    if format == ZarrFormat::V2 {
        store.set(&key(".zmetadata"), b"{\"metadata\": {}}").unwrap();
    }
    store
}

/// Stopped anywhere, on both ways, all is readable, and the old bytes come back.
#[test]
fn a_migration_is_rolled_back_byte_for_byte_wherever_it_was_stopped() {
    for format in [ZarrFormat::V2, ZarrFormat::V3] {
        for stops_on_the_way_back in [false, true] {
            let mut call = 0;
            loop {
                let store = hierarchy_of(format);
                let (before, values) = (bytes(&store), digests(&store));
                let faulty: Arc<dyn Store> =
                    Arc::new(FaultyStore::new(Arc::clone(&store), Fault::stop(call)));
                let stopped = if stops_on_the_way_back {
                    to(&store, format.other()).unwrap();
                    roll_back(&faulty).is_err()
                } else {
                    to(&faulty, format.other()).is_err()
                };
                assert_eq!(digests(&store), values, "{format} {call}");
                if bytes(&store).contains_key(MIGRATION_JOURNAL) {
                    roll_back(&store).unwrap();
                }
                assert!(bytes(&store) == before, "{format} {call}");
                if !stopped {
                    break;
                }
                call += 1;
            }
            assert!(call > 10, "{call}");
        }
    }
}

#[test]
fn what_was_changed_since_is_not_rolled_back() {
    let store = hierarchy();
    assert!(roll_back(&store).is_err());
    to(&store, ZarrFormat::V3).unwrap();
    let path = NodePath::new("c").unwrap();
    let mut array = Array::open(Arc::clone(&store), &path, &Options::default()).unwrap();
    array.resize(&[3, 4]).unwrap();
    let after = bytes(&store);
    let error = roll_back(&store).unwrap_err().to_string();
    assert!(error.contains("zarr.json was changed since"), "{error}");
    assert!(bytes(&store) == after);
    finish_migration(store.as_ref(), &NodePath::root()).unwrap();
    assert!(!bytes(&store).contains_key(MIGRATION_JOURNAL));
    assert!(roll_back(&store).is_err());
}

/// Whatever is at the key, it is an error that names it, and nothing is changed.
#[test]
fn a_journal_that_is_none_is_refused_by_its_key() {
    let migrated = hierarchy();
    to(&migrated, ZarrFormat::V3).unwrap();
    let whole = bytes(&migrated)[MIGRATION_JOURNAL].clone();
    let valid: Value = serde_json::from_slice(&whole).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut journal = valid.clone();
        *journal.pointer_mut(pointer).unwrap() = value;
        journal.to_string().into_bytes()
    };
    let at = |path: &str| with("/nodes", json!({path: {"old": {".zgroup": "{}"}, "new": {}}}));
    let cases = [
        (b"".to_vec(), "EOF"),
        (whole[..whole.len() / 2].to_vec(), "EOF"),
        (b"\xff".to_vec(), "expected value"),
        (b"[]".to_vec(), "version null"),
        (
            [vec![b'['; 100_000], vec![b']'; 100_000]].concat(),
            "recursion limit",
        ),
        (with("/version", json!(2)), "version 2"),
        (with("/to", json!(4)), "to: 4"),
        (with("/state", json!("done")), "state: \"done\""),
        (with("/nodes", json!([])), "nodes: is no object"),
        (at("../out"), "nodes/../out"),
        (at("a/../../out"), "nodes/a/../../out"),
        (at("/a"), "nodes//a"),
        (at("a//b"), "nodes/a//b"),
        (with("/nodes/c", json!(1)), "nodes/c/old: is no object"),
        (
            with("/nodes/c/old", json!({"0.0": "x"})),
            "nodes/c/old: 0.0 is no document",
        ),
        (
            with("/nodes/c/old", json!({"zarr.json": "x"})),
            "nodes/c/old: zarr.json is no document",
        ),
        (
            with("/nodes/c/old", json!({"../.zarray": "x"})),
            "nodes/c/old: ../.zarray is no document",
        ),
        (
            with("/nodes/c/new/zarr.json", json!({})),
            "nodes/c/new: zarr.json is no text",
        ),
    ];
    for (journal, reason) in cases {
        migrated.set(&key(MIGRATION_JOURNAL), &journal).unwrap();
        let before = bytes(&migrated);
        let ends = [
            roll_back(&migrated).map(|_| ()),
            finish_migration(migrated.as_ref(), &NodePath::root()),
            to(&migrated, ZarrFormat::V2).map(|_| ()),
        ];
        for end in ends {
            let error = end.unwrap_err();
            assert!(matches!(error, Error::Refused { .. }), "{error:?}");
            let text = error.to_string();
            assert!(
                text.contains(MIGRATION_JOURNAL) && text.contains(reason),
                "{text}: {reason}"
            );
        }
        assert!(bytes(&migrated) == before, "{reason}");
    }
    migrated.set(&key(MIGRATION_JOURNAL), &whole).unwrap();
    roll_back(&migrated).unwrap();
}

#[test]
fn what_was_made_or_removed_since_is_not_rolled_back() {
    type Change = fn(&Arc<dyn Store>);
    let cases: [(Change, &str); 4] = [
        (
            |store| {
                let path = NodePath::new("a/new").unwrap();
                Group::create(Arc::clone(store), &path, ZarrFormat::V3, &Options::default()).unwrap();
            },
            "a/new: was made since",
        ),
        (
            |store| store.erase_prefix(&StorePrefix::new("a/b").unwrap()).unwrap(),
            "a/b: was removed since",
        ),
        (
            |store| store.set(&key("a/.zattrs"), b"{\"n\": 1}").unwrap(),
            "a: .zattrs was made since",
        ),
        (
            |store| store.set(&key("c/zarr.json"), b"{}").unwrap(),
            "c: zarr.json was changed since",
        ),
    ];
    for (change, reason) in cases {
        let store = hierarchy();
        to(&store, ZarrFormat::V3).unwrap();
        change(&store);
        let before = bytes(&store);
        let error = roll_back(&store).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}: {reason}");
        assert!(bytes(&store) == before, "{reason}");
    }
}

/// A migration that was stopped is completed or rolled back before one in the other direction begins.
#[test]
fn no_migration_begins_where_another_was_stopped() {
    let is_stopped = |store: &Arc<dyn Store>, state: &str| {
        let journal: Value = serde_json::from_slice(&bytes(store)[MIGRATION_JOURNAL]).unwrap();
        journal["state"] == state
    };
    // After the journal and the first document.
    let stopped_after = |stops: &dyn Fn(&Arc<dyn Store>, u64) -> bool| {
        (0..).find_map(|call| {
            let store = hierarchy();
            (stops(&store, call)).then_some(store)
        })
    };
    let store = stopped_after(&|store, call| {
        let faulty: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::clone(store), Fault::stop(call)));
        to(&faulty, ZarrFormat::V3).unwrap_err();
        bytes(store).keys().any(|key| key.ends_with("zarr.json"))
    })
    .unwrap();
    assert!(is_stopped(&store, "migrating"));
    let before = bytes(&store);
    for end in [
        to(&store, ZarrFormat::V2).map(|_| ()),
        finish_migration(store.as_ref(), &NodePath::root()),
    ] {
        let error = end.unwrap_err().to_string();
        assert!(error.contains("stopped while migrating"), "{error}");
    }
    assert!(bytes(&store) == before);
    to(&store, ZarrFormat::V3).unwrap();
    finish_migration(store.as_ref(), &NodePath::root()).unwrap();

    let store = stopped_after(&|store, call| {
        to(store, ZarrFormat::V3).unwrap();
        let faulty: Arc<dyn Store> = Arc::new(FaultyStore::new(Arc::clone(store), Fault::stop(call)));
        roll_back(&faulty).unwrap_err();
        bytes(store).keys().any(|key| key.ends_with(".zarray"))
    })
    .unwrap();
    assert!(is_stopped(&store, "rolling back"));
    let before = bytes(&store);
    for end in [
        to(&store, ZarrFormat::V3).map(|_| ()),
        to(&store, ZarrFormat::V2).map(|_| ()),
        finish_migration(store.as_ref(), &NodePath::root()),
    ] {
        let error = end.unwrap_err().to_string();
        assert!(error.contains("stopped while rolling back"), "{error}");
    }
    assert!(bytes(&store) == before);
    roll_back(&store).unwrap();
}
