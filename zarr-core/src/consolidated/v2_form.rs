//! `.zmetadata`, as zarr-python 2 writes it: a document of its own.

use std::ops::Range;

use bytes::Bytes;
use serde_json::Value;
use zarr_store::StoreKey;

use super::{documents::Documents, place_of};
use crate::metadata::{
    Wrong,
    json::{self, Style},
};

/// The member that says how the document is built.
const FORMAT: &str = "zarr_consolidated_format";

/// Takes the document apart; what is in the documents in it is not looked at.
pub(super) fn read(document: &Bytes) -> Result<Documents, Wrong> {
    let no_json = |error: json::JsonError| Wrong::new("", error.to_string());
    let text = str::from_utf8(document).map_err(|_| Wrong::new("", "is not UTF-8"))?;
    if !text.trim_start().starts_with('{') {
        let document = json::parse(document).map_err(no_json)?;
        return Err(Wrong::expected("", "an object", &document));
    }
    let (members, below) = json::members_along(text, &["metadata"]).map_err(no_json)?;
    let member = |name: &str| {
        members
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, text)| *text)
    };
    let format = member(FORMAT).map(|text| json::parse(text.as_bytes()).map_err(no_json));
    let format = format.transpose()?;
    if format.as_ref().and_then(Value::as_f64) != Some(1.0) {
        let found = format.as_ref().map_or_else(|| "None".to_owned(), python_text);
        let reason = format!("unsupported zarr consolidated metadata format: {found}");
        return Err(Wrong::new(format!("/{FORMAT}"), reason));
    }
    let metadata = member("metadata").ok_or_else(|| Wrong::new("/metadata", "is missing"))?;
    let Some(places) = below.into_iter().next() else {
        let metadata = json::parse(metadata.as_bytes()).map_err(no_json)?;
        return Err(Wrong::expected("/metadata", "an object", &metadata));
    };
    let places = places.map_err(|error| Wrong::new("/metadata", error.to_string()))?;
    let places = places.into_iter().map(|(key, value)| {
        let key = StoreKey::new(key).map_err(|error| Wrong::new("/metadata", error.to_string()))?;
        Ok((key, place_of(value, text)))
    });
    let places = places.collect::<Result<_, Wrong>>()?;
    Documents::new(document.clone(), places)
        .map_err(|key| Wrong::new(format!("/metadata/{key}"), "is given twice"))
}

/// Puts documents, each as it stands within, into one; says where in it each is.
pub(super) fn write<'a>(
    documents: impl ExactSizeIterator<Item = (&'a str, &'a [u8])> + Clone,
) -> (Vec<u8>, Vec<Range<usize>>) {
    let around = 64;
    let sizes = documents
        .clone()
        .map(|(key, document)| key.len() + document.len() + around);
    let mut text = Vec::with_capacity(sizes.sum::<usize>() + around);
    text.extend_from_slice(b"{\n    \"metadata\": {");
    let mut places = Vec::with_capacity(documents.len());
    let mut name = String::new();
    for (key, document) in documents {
        text.extend_from_slice(if places.is_empty() {
            b"\n        "
        } else {
            b",\n        "
        });
        name.clear();
        json::write_text_into(&mut name, key, Style::V2);
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        places.push(text.len()..text.len() + document.len());
        text.extend_from_slice(document);
    }
    text.extend_from_slice(if places.is_empty() { b"}" } else { b"\n    }" });
    text.extend_from_slice(b",\n    \"zarr_consolidated_format\": 1\n}");
    (text, places)
}

/// A value as zarr-python has it in its texts.
fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
