//! Copies from one format to the other: what stands in another place there.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    CopyOptions, Creation, DiffOptions, ZarrSource,
    core::{Array, ArrayBuilder, Group, Node, Options, ZarrFormat, codecs::DataType, store::Store},
    diff,
};

use crate::help::{array, attributes, copy_all_logged, group, group_in, memory, path, text};

/// Copies all of a group into a new group of a format.
fn copied(from: &Group, format: ZarrFormat) -> Group {
    let to = group_in(&memory(), format);
    let creation = Creation {
        zarr_format: Some(format),
        ..Creation::default()
    };
    let options = CopyOptions {
        creation,
        ..CopyOptions::default()
    };
    copy_all_logged(from, &to, options).1.unwrap();
    to
}

fn opened(store: &Arc<dyn Store>, at: &str) -> Array {
    Array::open(Arc::clone(store), &path(at), &Options::default()).unwrap()
}

fn document(store: &dyn Store, key: &str) -> Value {
    serde_json::from_str(&text(store, key)).unwrap()
}

#[track_caller]
fn same(a: &Group, b: &Group) {
    let source = |group: &Group| ZarrSource::new(Node::Group(group.clone()));
    let (a, b) = (source(a), source(b));
    let report = diff((&a, &a.root()), (&b, &b.root()), &DiffOptions::default()).unwrap();
    let lines: Vec<_> = report.differences.shown.iter().map(ToString::to_string).collect();
    assert_eq!(lines, [""; 0]);
}

#[test]
fn names_of_dimensions_go_to_where_the_format_has_them() {
    let from = group();
    let members = json!({"_ARRAY_DIMENSIONS": ["time"], "unit": "K"});
    array(&from, "x", 20)
        .set_attributes(attributes(members.clone()))
        .unwrap();

    let v3 = copied(&from, ZarrFormat::V3);
    let stored = document(v3.store().as_ref(), "x/zarr.json");
    assert_eq!(stored["dimension_names"], json!(["time"]));
    assert_eq!(stored["attributes"], json!({"unit": "K"}));
    same(&from, &v3);
    same(&copied(&v3, ZarrFormat::V3), &v3);

    let back = copied(&v3, ZarrFormat::V2);
    let mut expected = attributes(members);
    expected.sort_keys();
    let mut found = opened(back.store(), "x").attributes().unwrap();
    found.sort_keys();
    assert_eq!(found, expected);
    same(&v3, &back);
    same(&from, &back);
}

#[test]
fn what_names_no_dimensions_stays_an_attribute() {
    for dimensions in [json!(["a", "b"]), json!("a"), json!([1])] {
        let from = group();
        let members = json!({"_ARRAY_DIMENSIONS": dimensions});
        array(&from, "x", 20)
            .set_attributes(attributes(members.clone()))
            .unwrap();
        let stored = document(copied(&from, ZarrFormat::V3).store().as_ref(), "x/zarr.json");
        assert_eq!(stored.get("dimension_names"), None);
        assert_eq!(stored["attributes"], members);
    }
}

#[test]
fn an_attribute_of_the_same_name_is_not_lost() {
    let from = group_in(&memory(), ZarrFormat::V3);
    let builder = ArrayBuilder::new(vec![2], DataType::Int8);
    let members = attributes(json!({"_ARRAY_DIMENSIONS": "mine"}));
    let builder = builder
        .dimension_names(Some(vec![Some("x".to_owned())]))
        .attributes(members.clone());
    from.create_array("x", builder, false).unwrap();
    assert_eq!(
        opened(copied(&from, ZarrFormat::V2).store(), "x")
            .attributes()
            .unwrap(),
        members
    );
}

#[test]
fn dimensions_without_names_make_no_attribute() {
    let from = group_in(&memory(), ZarrFormat::V3);
    let builder = ArrayBuilder::new(vec![2], DataType::Int8);
    from.create_array("x", builder.dimension_names(Some(vec![None])), false)
        .unwrap();
    let back = copied(&from, ZarrFormat::V2);
    assert!(opened(back.store(), "x").attributes().unwrap().is_empty());
}

/// A source such as HDF5 gives the names and the attribute; V3 needs them once.
#[test]
fn names_that_are_given_twice_are_stored_once() {
    let names = || Some(vec![Some("x".to_owned())]);
    let given = |attribute: Value| {
        ArrayBuilder::new(vec![2], DataType::Int8)
            .format(ZarrFormat::V3)
            .dimension_names(names())
            .foreign_attributes(attributes(json!({"_ARRAY_DIMENSIONS": attribute})))
    };
    assert!(given(json!(["x"])).current_attributes().is_empty());
    // Others are not ours to drop.
    let other = attributes(json!({"_ARRAY_DIMENSIONS": ["y"]}));
    assert_eq!(*given(json!(["y"])).current_attributes(), other);
    let group = group_in(&memory(), ZarrFormat::V3);
    let array = group.create_array("x", given(json!(["x"])), false).unwrap();
    assert_eq!(array.metadata().dimension_names, names());
}
