//! Attributes of arrays and groups, in both formats.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_core::{
    ArrayBuilder, Error, Group, Node, NodePath, Options, ZarrFormat,
    codecs::DataType,
    store::{
        CountingStore, MemoryStore, Store, StoreExt, StoreKey,
        testing::{Fault, FaultyStore, Operation},
    },
};

const FORMATS: [ZarrFormat; 2] = [ZarrFormat::V2, ZarrFormat::V3];

fn group_in(store: Arc<dyn Store>, format: ZarrFormat) -> Group {
    Group::create(store, &NodePath::root(), format, &Options::default()).unwrap()
}

fn group(format: ZarrFormat) -> Group {
    group_in(Arc::new(MemoryStore::new()), format)
}

fn document(store: &dyn Store, key: &str) -> Option<String> {
    let bytes = store.get(&StoreKey::new(key).unwrap(), 1 << 20).unwrap()?;
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

#[test]
fn values_come_back_and_go_one_by_one() {
    for format in FORMATS {
        let group = group(format);
        let array = ArrayBuilder::new(vec![1], DataType::Int8).format(format);
        let array = array.create(
            group.store().clone(),
            &NodePath::new("a").unwrap(),
            group.options(),
        );
        for node in [Node::Group(group.clone()), Node::Array(array.unwrap())] {
            let attributes = node.attrs();
            assert_eq!(attributes.to_map().unwrap(), serde_json::Map::new());
            attributes.set("f", 1).unwrap();
            attributes
                .update([("self", json!([1, {"x": null}])), ("é", json!("ü"))])
                .unwrap();
            assert_eq!(attributes.get("self").unwrap(), Some(json!([1, {"x": null}])));
            assert_eq!(attributes.get("missing").unwrap(), None);
            assert!(attributes.contains("f").unwrap());
            assert_eq!(attributes.remove("f").unwrap(), Some(json!(1)));
            assert_eq!(attributes.remove("f").unwrap(), None);
            assert_eq!(attributes.keys().unwrap(), ["self", "é"]);
            attributes
                .put(json!({"only": 2.5}).as_object().unwrap().clone())
                .unwrap();
            assert_eq!(Value::from(node.attributes().unwrap()), json!({"only": 2.5}));
        }
    }
}

/// The texts are those that zarr-python 2.18 writes.
#[test]
fn an_empty_object_remains_after_the_last_attribute_of_v2() {
    let group = group(ZarrFormat::V2);
    let attributes = group.attrs();
    assert_eq!(attributes.remove("a").unwrap(), None);
    assert_eq!(document(group.store().as_ref(), ".zattrs"), None);
    attributes.update([("b", json!(1)), ("a", json!(1e20))]).unwrap();
    let text = "{\n    \"a\": 1e+20,\n    \"b\": 1\n}";
    assert_eq!(document(group.store().as_ref(), ".zattrs").as_deref(), Some(text));
    attributes.remove("a").unwrap();
    attributes.remove("b").unwrap();
    assert_eq!(document(group.store().as_ref(), ".zattrs").as_deref(), Some("{}"));
}

#[test]
fn other_members_of_a_v3_document_stay() {
    let store = Arc::new(MemoryStore::new());
    let text = r#"{"zarr_format": 3, "node_type": "group", "note": {"must_understand": false}, "attributes": {"b": 1, "a": 2}}"#;
    store
        .set(&StoreKey::new("zarr.json").unwrap(), text.as_bytes())
        .unwrap();
    let group = Group::open(store.clone(), &NodePath::root(), &Options::default()).unwrap();
    group.attrs().set("c", 3).unwrap();
    let written: Value = serde_json::from_str(&document(store.as_ref(), "zarr.json").unwrap()).unwrap();
    let expected = json!({"zarr_format": 3, "node_type": "group", "note": {"must_understand": false},
        "attributes": {"b": 1, "a": 2, "c": 3}});
    assert_eq!(written, expected);
    assert_eq!(group.attrs().keys().unwrap(), ["b", "a", "c"]);
}

#[test]
fn a_handle_sees_the_changes_of_another_after_a_refresh_or_a_change_of_its_own() {
    for format in FORMATS {
        let group = group(format);
        let (one, other) = (group.attrs(), group.attrs());
        one.set("a", 1).unwrap();
        assert_eq!(other.get("a").unwrap(), Some(json!(1)));
        one.set("b", 2).unwrap();
        assert_eq!(other.get("b").unwrap(), None);
        assert_eq!(group.attrs().uncached().get("b").unwrap(), Some(json!(2)));
        other.set("c", 3).unwrap();
        assert_eq!(
            Value::from(other.to_map().unwrap()),
            json!({"a": 1, "b": 2, "c": 3})
        );
        assert_eq!(one.get("c").unwrap(), None);
        one.refresh();
        assert_eq!(one.get("c").unwrap(), Some(json!(3)));
    }
}

#[test]
fn b47_the_attributes_that_are_handed_out_are_a_copy() {
    let attributes = group(ZarrFormat::V2).attrs();
    attributes.set("a", 1).unwrap();
    let mut copy = attributes.to_map().unwrap();
    copy.insert("x".into(), json!(2));
    assert_eq!(attributes.get("x").unwrap(), None);
}

#[test]
fn many_attributes_are_written_at_once() {
    let store = Arc::new(CountingStore::new(Arc::new(MemoryStore::new())));
    let attributes = group_in(store.clone(), ZarrFormat::V2).attrs();
    let before = store.counts();
    attributes
        .update((0..1000).map(|index| (format!("key {index}"), json!(index))))
        .unwrap();
    assert_eq!(store.counts().sets - before.sets, 1);
    assert_eq!(store.counts().gets - before.gets, 1);
    assert_eq!(attributes.get("key 999").unwrap(), Some(json!(999)));
    assert_eq!(store.counts().gets - before.gets, 1, "the handle remembers");
}

#[test]
fn threads_that_change_different_attributes_lose_nothing() {
    for format in FORMATS {
        let group = group(format);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let group = &group;
                scope.spawn(move || {
                    let attributes = group.attrs();
                    for index in 0..25 {
                        attributes.set(&format!("{thread}.{index}"), index).unwrap();
                    }
                });
            }
        });
        assert_eq!(group.attributes().unwrap().len(), 200);
    }
}

#[test]
fn a_change_that_fails_leaves_the_document() {
    for format in FORMATS {
        let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
        group_in(inner.clone(), format).attrs().set("a", 1).unwrap();
        let fault = Fault::once(0, std::io::ErrorKind::StorageFull).of(Operation::Set);
        let faulty = Arc::new(FaultyStore::new(inner.clone(), fault));
        let attributes = Group::open(faulty, &NodePath::root(), &Options::default())
            .unwrap()
            .attrs();
        assert!(matches!(attributes.set("a", 2), Err(Error::Store(_))));
        assert_eq!(attributes.get("a").unwrap(), Some(json!(1)));
        let group = Group::open(inner, &NodePath::root(), &Options::default()).unwrap();
        assert_eq!(group.attrs().get("a").unwrap(), Some(json!(1)));
    }
}

#[test]
fn attributes_of_a_read_only_node_are_not_changed() {
    let group = group(ZarrFormat::V2).with_options(|options| options.read_only = true);
    let attributes = group.attrs();
    assert!(matches!(attributes.set("a", 1), Err(Error::ReadOnly { .. })));
    assert!(matches!(attributes.remove("a"), Err(Error::ReadOnly { .. })));
    assert!(matches!(
        attributes.put(serde_json::Map::new()),
        Err(Error::ReadOnly { .. })
    ));
    assert_eq!(document(group.store().as_ref(), ".zattrs"), None);
}

#[test]
fn a_damaged_document_is_named_and_can_be_replaced() {
    let group = group(ZarrFormat::V2);
    group
        .store()
        .set(&StoreKey::new(".zattrs").unwrap(), b"[1]")
        .unwrap();
    let error = group.attrs().set("a", 1).unwrap_err();
    assert!(
        matches!(&error, Error::Metadata { document, .. } if document.ends_with(".zattrs")),
        "{error}"
    );
    group
        .attrs()
        .put(json!({"a": 1}).as_object().unwrap().clone())
        .unwrap();
    assert_eq!(group.attrs().get("a").unwrap(), Some(json!(1)));
}

#[test]
fn resizing_keeps_attributes_that_another_handle_wrote() {
    let group = group(ZarrFormat::V3);
    let builder = ArrayBuilder::new(vec![4], DataType::Int8).format(ZarrFormat::V3);
    let path = NodePath::new("a").unwrap();
    let mut array = builder
        .create(group.store().clone(), &path, group.options())
        .unwrap();
    group.get("a").unwrap().attrs().set("units", "K").unwrap();
    array.resize(&[6]).unwrap();
    assert_eq!(
        group.get("a").unwrap().attrs().get("units").unwrap(),
        Some(json!("K"))
    );
    assert_eq!(array.attributes().unwrap().get("units"), Some(&json!("K")));
}
