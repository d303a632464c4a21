//! What two nodes at the same path say of themselves: shapes, types, fill values, names, attributes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use zarr_core::{
    DIMENSIONS_ATTRIBUTE, DimensionNames, ZarrFormat,
    codecs::{DataType, SLOT_SIZE},
    mask_from_v3, mask_to_v3, put_dimension_names,
};

use super::{
    DifferenceKind, Side,
    elements::{Tolerance, fill_element, is_same_json, is_same_type},
};
use crate::{Attributes, Lost, SourceArray, SourceNode, shape_text};

/// The codecs of objects that are neither texts nor sequences.
const OBJECT_CODECS: [&str; 4] = ["json2", "msgpack2", "pickle", "categorize"];

/// A node in a few words.
pub(super) fn node_text(node: &SourceNode) -> String {
    match node {
        SourceNode::Group(_) => "group".to_owned(),
        SourceNode::Array(array) => {
            format!("array {} {}", shape_text(array.shape()), array.data_type_text())
        }
        SourceNode::Other { what, .. } => what.clone(),
    }
}

/// The data types, if they differ.
pub(super) fn data_types(
    a: &dyn SourceArray,
    b: &dyn SourceArray,
    byte_order: bool,
) -> Option<DifferenceKind> {
    let (texts, is_same) = (
        [a.data_type_text(), b.data_type_text()],
        is_same_type(a.data_type(), b.data_type()),
    );
    let [a, b] = match texts {
        // Objects have one text, whatever they are.
        [first, second] if first == second && !is_same => [
            format!("{first} ({})", object_codec(a)),
            format!("{second} ({})", object_codec(b)),
        ],
        texts => texts,
    };
    (!is_same || (byte_order && a != b)).then_some(DifferenceKind::DataType(a, b))
}

/// The codec that makes bytes of the objects of an array; where it is not Zarr, the one that its copy would have.
fn object_codec(array: &dyn SourceArray) -> String {
    let usual = match array.data_type() {
        DataType::String => "vlen-utf8",
        DataType::Bytes => "vlen-bytes",
        DataType::VlenArray(inner) => return format!("vlen-array of {inner}"),
        _ => "json2",
    };
    let codecs = array.as_zarr().map(|array| array.metadata().codecs.list());
    let mut names = codecs.into_iter().flatten().map(|codec| codec.name.as_str());
    let own = names.find(|name| OBJECT_CODECS.contains(name));
    own.unwrap_or(usual).to_owned()
}

/// The fill values, if both are defined and differ.
pub(super) fn fill_values(
    a: &dyn SourceArray,
    b: &dyn SourceArray,
    tolerance: &Tolerance,
) -> Option<DifferenceKind> {
    let mut slots = ([0; SLOT_SIZE], [0; SLOT_SIZE]);
    let first = fill_element(a.fill_value()?, a.data_type(), &mut slots.0)?;
    let second = fill_element(b.fill_value()?, b.data_type(), &mut slots.1)?;
    if tolerance.is_same(first, second) {
        return None;
    }
    Some(DifferenceKind::FillValue(first.to_json(), second.to_json()))
}

/// The names of dimensions, if both formats have such and they differ.
pub(super) fn dimension_names(a: &dyn SourceArray, b: &dyn SourceArray) -> Option<DifferenceKind> {
    let (a, b) = (names_in_document(a)?, names_in_document(b)?);
    (a != b).then(|| DifferenceKind::DimensionNames(a.into(), b.into()))
}

/// The names of dimensions where the document is their place, as in V3; `None` in other formats.
fn names_in_document(array: &dyn SourceArray) -> Option<DimensionNames> {
    let metadata = array.as_zarr()?.metadata();
    let unnamed = || vec![None; metadata.shape.len()];
    (metadata.format == ZarrFormat::V3).then(|| metadata.dimension_names.clone().unwrap_or_else(unnamed))
}

/// Puts the names of dimensions into the attributes of a node, if another one has no other place for them.
///
/// That an array has no dimensions need not be said, and only some formats have words for it.
pub(super) fn place_dimension_names(node: &SourceNode, other: &SourceNode, attributes: &mut Attributes) {
    let (SourceNode::Array(array), SourceNode::Array(other)) = (node, other) else {
        return;
    };
    if array.shape().is_empty() && format(array.as_ref()) != format(other.as_ref()) {
        let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        if attributes.members.get(DIMENSIONS_ATTRIBUTE).is_some_and(is_empty) {
            attributes.members.shift_remove(DIMENSIONS_ATTRIBUTE);
        }
        return;
    }
    if names_in_document(other.as_ref()).is_none()
        && let Some(names) = array
            .as_zarr()
            .and_then(|array| array.metadata().dimension_names.as_ref())
    {
        put_dimension_names(&mut attributes.members, names);
    }
}

/// The format of an array of Zarr.
fn format(array: &dyn SourceArray) -> Option<ZarrFormat> {
    array.as_zarr().map(|array| array.metadata().format)
}

/// Gives the value that stands for a missing one the form that it has in V3, if two nodes are of different formats.
pub(super) fn place_mask(node: &SourceNode, other: &SourceNode, attributes: &mut Map<String, Value>) {
    if let (SourceNode::Array(array), SourceNode::Array(other)) = (node, other)
        && format(array.as_ref()) != format(other.as_ref())
    {
        mask_from_v3(attributes, array.data_type());
        mask_to_v3(attributes, array.data_type());
    }
}

/// The attributes that differ, and those that cannot be compared.
pub(super) fn attributes(path: &str, a: &Attributes, b: &Attributes) -> (Vec<DifferenceKind>, Vec<Lost>) {
    let (mut different, mut not_compared) = (Vec::new(), Vec::new());
    let lost = [lost_names(a), lost_names(b)];
    let mut add = |name: &str, a: Option<&Value>, b: Option<&Value>| {
        different.push(DifferenceKind::Attribute {
            name: name.to_owned(),
            a: a.cloned(),
            b: b.cloned(),
        });
    };
    let reserved = [a.reserved, b.reserved];
    let is_reserved = |name: &str| reserved.contains(&Some(name));
    let is_lost = |name: &String| is_reserved(name) || lost.iter().any(|lost| lost.contains(name.as_str()));
    for (name, value) in &a.members {
        match b.members.get(name) {
            Some(other) if is_same_json(value, other) => {}
            None if is_lost(name) => {}
            other => add(name, Some(value), other),
        }
    }
    let only_in_b = b
        .members
        .iter()
        .filter(|(name, _)| !a.members.contains_key(*name));
    only_in_b
        .filter(|(name, _)| !is_lost(name))
        .for_each(|(name, value)| add(name, None, Some(value)));
    let sides = [
        (Side::A, a, &b.members, &lost[1]),
        (Side::B, b, &a.members, &lost[0]),
    ];
    for (side, own, others, others_lost) in sides {
        for Lost { what, reason } in &own.lost {
            let reason = reason.clone();
            match what.rsplit_once('@').map(|(_, name)| name) {
                // What the attribute lost is beside its value, which was compared.
                Some(name) if own.members.contains_key(name) && others.contains_key(name) => {}
                Some(name) if !others.contains_key(name) && !others_lost.contains(name) => {
                    let name = name.to_owned();
                    different.push(DifferenceKind::HiddenAttribute { side, name, reason });
                }
                name => not_compared.push(Lost {
                    what: name.map_or_else(|| path.to_owned(), |name| format!("{path}@{name}")),
                    reason,
                }),
            }
        }
    }
    (different, not_compared)
}

/// The names of attributes that JSON cannot hold.
fn lost_names(attributes: &Attributes) -> BTreeSet<&str> {
    let names = attributes
        .lost
        .iter()
        .filter_map(|lost| lost.what.rsplit_once('@'));
    names
        .map(|(_, name)| name)
        .filter(|name| !attributes.members.contains_key(*name))
        .collect()
}
