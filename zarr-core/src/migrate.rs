//! The documents of a node in the other format, where its chunks can stay as they are.
//!
//! What the other format has no place for is kept in a member of the new document (`zarr_v2` or `zarr_v3`), so that
//! going back gives the old document again, unless the array was changed meanwhile.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_store::StoreKey;

use crate::{
    Array, ArrayMetadata, GroupMetadata, Node, NodePath, Result, ZarrFormat,
    hierarchy::{V2_ARRAY, V2_ATTRIBUTES, V2_GROUP, V3_NODE, wrong_member},
    mask_from_v3, mask_to_v3,
    metadata::{
        Codecs, Members, Wrong,
        json::{self, Style},
        v2, v3,
    },
    put_dimension_names, take_dimension_names,
};

/// The member of a V3 document that has the V2 document.
const KEPT_V2: &str = "zarr_v2";
/// The member of a V2 document that has the V3 document.
const KEPT_V3: &str = "zarr_v3";

impl Node {
    /// The documents that the node has in the other format, by their keys, if all else can stay as it is: chunks keep
    /// their names and their bytes.
    ///
    /// # Errors
    /// [`crate::Error::Metadata`] and [`crate::Error::Codecs`] for what the other format has no form for.
    pub fn in_other_format(&self) -> Result<Vec<(StoreKey, Vec<u8>)>> {
        let attributes = self.attributes()?;
        match (self, self.format()) {
            (Self::Array(array), ZarrFormat::V2) => v3_array(array, &attributes),
            (Self::Array(array), ZarrFormat::V3) => v2_array(array, attributes),
            (Self::Group(group), ZarrFormat::V2) => {
                let metadata = GroupMetadata {
                    attributes,
                    ..GroupMetadata::new(ZarrFormat::V3)
                };
                let document = json::write(&v3::write_group(&metadata), Style::V3);
                Ok(vec![(group.path().key(V3_NODE)?, document)])
            }
            (Self::Group(group), ZarrFormat::V3) => {
                let document = v2::write_group(&GroupMetadata::new(ZarrFormat::V2));
                let document = json::write(&document, Style::V2);
                let mut documents = v2_attributes(group.path(), &attributes)?;
                documents.push((group.path().key(V2_GROUP)?, document));
                Ok(documents)
            }
        }
    }
}

/// The names of the documents that a node may have in a format.
pub fn document_names(format: ZarrFormat) -> &'static [&'static str] {
    match format {
        ZarrFormat::V2 => &[V2_ARRAY, V2_GROUP, V2_ATTRIBUTES],
        ZarrFormat::V3 => &[V3_NODE],
    }
}

fn v3_array(array: &Array, attributes: &Map<String, Value>) -> Result<Vec<(StoreKey, Vec<u8>)>> {
    let key = array.path().key(V3_NODE)?;
    let wrong = |wrong| wrong_member(array.store().as_ref(), &key, wrong);
    let mut metadata = to_v3(array.metadata(), attributes.clone());
    check_codecs(array, &metadata)?;
    let registry = &array.options().registry;
    let old = v2::write_array(array.metadata(), registry).map_err(wrong)?;
    let mut kept = None;
    if let Some(Value::Object(document)) = array.metadata().unknown.get(KEPT_V3) {
        // Unless the array was changed since, it is what it was.
        kept = unchanged_v3(document, array, attributes);
    }
    let document = if let Some(document) = kept {
        document
    } else {
        let back = to_v2(&metadata).and_then(|back| v2::write_array(&back, registry));
        if back.ok().as_ref() != Some(&old) {
            let member = json!({"must_understand": false, "document": old});
            metadata.unknown.insert(KEPT_V2.to_owned(), member);
        }
        v3::write_array(&metadata).map_err(wrong)?
    };
    Ok(vec![(key.clone(), json::write(&document, Style::V3))])
}

fn v2_array(array: &Array, mut attributes: Map<String, Value>) -> Result<Vec<(StoreKey, Vec<u8>)>> {
    let key = array.path().key(V2_ARRAY)?;
    let wrong = |wrong| wrong_member(array.store().as_ref(), &key, wrong);
    let registry = &array.options().registry;
    let metadata = array.metadata();
    let mut new = to_v2(metadata).map_err(wrong)?;
    let document = v2::write_array(&new, registry).map_err(wrong)?;
    let read = Members::new(document.clone())
        .and_then(|members| v2::read_array(members, registry))
        .map_err(wrong)?;
    if read.codecs.list() != metadata.codecs.list() {
        let names: Vec<_> = metadata
            .codecs
            .list()
            .iter()
            .map(|codec| codec.name.as_str())
            .collect();
        let reason = format!("the codecs {} have no form in Zarr V2", names.join(", "));
        return Err(wrong(Wrong::new("/filters", reason)));
    }
    check_codecs(array, &read)?;
    let kept = metadata
        .unknown
        .get(KEPT_V2)
        .and_then(|member| member.get("document"));
    let document = if let Some(kept) = kept.filter(|kept| is_unchanged_v2(kept, array)) {
        kept.clone()
    } else {
        let old = v3::write_array(metadata).map_err(wrong)?;
        if v3::write_array(&to_v3(&read, v2_form(metadata))).ok().as_ref() != Some(&old)
            && let Value::Object(mut old) = old
        {
            old.remove("attributes");
            new.unknown.insert(KEPT_V3.to_owned(), old.into());
        }
        v2::write_array(&new, registry).map_err(wrong)?
    };
    put_v2_forms(metadata, &mut attributes);
    let mut documents = v2_attributes(array.path(), &attributes)?;
    documents.push((key.clone(), json::write(&document, Style::V2)));
    Ok(documents)
}

/// The attributes that an array has in V2.
fn v2_form(metadata: &ArrayMetadata) -> Map<String, Value> {
    let mut attributes = metadata.attributes.clone();
    put_v2_forms(metadata, &mut attributes);
    attributes
}

/// Gives attributes of a V3 array what they have in V2.
fn put_v2_forms(metadata: &ArrayMetadata, attributes: &mut Map<String, Value>) {
    if let Some(names) = &metadata.dimension_names {
        put_dimension_names(attributes, names);
    }
    mask_from_v3(attributes, &metadata.data_type);
}

fn v2_attributes(path: &NodePath, attributes: &Map<String, Value>) -> Result<Vec<(StoreKey, Vec<u8>)>> {
    if attributes.is_empty() {
        return Ok(Vec::new());
    }
    let document = json::write(&attributes.clone().into(), Style::V2);
    Ok(vec![(path.key(V2_ATTRIBUTES)?, document)])
}

/// The same array in V3, with attributes as V2 has them.
fn to_v3(metadata: &ArrayMetadata, mut attributes: Map<String, Value>) -> ArrayMetadata {
    mask_to_v3(&mut attributes, &metadata.data_type);
    ArrayMetadata {
        format: ZarrFormat::V3,
        codecs: Codecs::new(metadata.codecs.list().to_vec()),
        fill_value: Some(metadata.fill_value_or_zero()),
        dimension_names: take_dimension_names(&mut attributes, metadata.shape.len()),
        attributes,
        unknown: Map::new(),
        ..metadata.clone()
    }
}

/// The same array in V2, but for its attributes.
fn to_v2(metadata: &ArrayMetadata) -> Result<ArrayMetadata, Wrong> {
    if let Some(name) = metadata.unknown.keys().find(|name| !is_of_ours(name)) {
        return Err(Wrong::new(format!("/{name}"), "has no place in Zarr V2"));
    }
    Ok(ArrayMetadata {
        format: ZarrFormat::V2,
        attributes: Map::new(),
        dimension_names: None,
        unknown: Map::new(),
        ..metadata.clone()
    })
}

/// Whether a member that is kept among the unknown ones means nothing to others: a form of a value, or what we keep.
fn is_of_ours(name: &str) -> bool {
    [
        KEPT_V2,
        "data_type",
        "fill_value",
        "chunk_grid",
        "chunk_key_encoding",
    ]
    .contains(&name)
}

/// Whether a V2 document that was kept says what the array is now.
fn is_unchanged_v2(document: &Value, array: &Array) -> bool {
    let members = Members::new(document.clone());
    let Ok(kept) = members.and_then(|members| v2::read_array(members, &array.options().registry)) else {
        return false;
    };
    let mut now = array.metadata().clone();
    now.unknown.remove(KEPT_V2);
    let mut then = to_v3(&kept, v2_form(&now));
    then.unknown.clone_from(&now.unknown);
    v3::write_array(&then).ok() == v3::write_array(&now).ok()
}

/// The V3 document that was kept, with the attributes of now, if it says what the array is now.
fn unchanged_v3(
    document: &Map<String, Value>,
    array: &Array,
    attributes: &Map<String, Value>,
) -> Option<Value> {
    let mut document = document.clone();
    let then = v3::read_array(Members::new(document.clone().into()).ok()?).ok()?;
    let registry = &array.options().registry;
    let mut now = array.metadata().clone();
    now.unknown.remove(KEPT_V3);
    let is_same =
        v2::write_array(&to_v2(&then).ok()?, registry).ok()? == v2::write_array(&now, registry).ok()?;
    let mut attributes = attributes.clone();
    let names = take_dimension_names(&mut attributes, then.shape.len());
    mask_to_v3(&mut attributes, &then.data_type);
    let has_names = then.dimension_names.iter().flatten().any(Option::is_some);
    if !is_same || (names != then.dimension_names && has_names) {
        return None;
    }
    // In its usual place among the members.
    let after = document.split_off_after("codecs");
    document.insert("attributes".into(), attributes.into());
    document.extend(after);
    Some(document.into())
}

/// Parts a map behind a member.
trait SplitOffAfter {
    fn split_off_after(&mut self, name: &str) -> Self;
}

impl SplitOffAfter for Map<String, Value> {
    fn split_off_after(&mut self, name: &str) -> Self {
        let place = self
            .keys()
            .position(|key| key == name)
            .map_or(self.len(), |place| place + 1);
        let members = std::mem::take(self);
        let mut rest = Self::new();
        for (index, (key, value)) in members.into_iter().enumerate() {
            if index < place { &mut *self } else { &mut rest }.insert(key, value);
        }
        rest
    }
}

/// Checks that the codecs of the new document decode what is stored.
fn check_codecs(array: &Array, metadata: &ArrayMetadata) -> Result<()> {
    let new = Array::new(
        Arc::clone(array.store()),
        array.path().clone(),
        metadata.clone(),
        array.options().clone(),
    );
    new.chunk_codec().map(drop)
}
