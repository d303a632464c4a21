//! The member `consolidated_metadata` of a group of V3 (`kind` is `inline`), as zarr-python 3 writes it.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{documents::Documents, place_of};
use crate::{
    NodePath,
    hierarchy::{CONSOLIDATED, V3_NODE},
    metadata::{
        Wrong,
        json::{self, Style},
    },
};

/// The group's document without the member, and the documents in the member; `None` if there is none.
///
/// A member that is `null`, as some versions of zarr-python 3.0 wrote it, is none.
pub(super) fn read(document: &Bytes, path: &NodePath) -> Result<Option<Documents>, Wrong> {
    let no_json = |error: json::JsonError| Wrong::new("", error.to_string());
    let text = str::from_utf8(document).map_err(|_| Wrong::new("", "is not UTF-8"))?;
    let (members, below) = json::members_along(text, &[CONSOLIDATED, "metadata"]).map_err(no_json)?;
    let Some((_, member)) = members.iter().find(|(name, _)| name == CONSOLIDATED) else {
        return Ok(None);
    };
    if *member == "null" {
        return Ok(None);
    }
    let at = |name: &str| format!("/{CONSOLIDATED}{name}");
    // Members of what is no object are an error too.
    let mut below = below.into_iter();
    let inner = below.next().unwrap_or_else(|| json::members(member));
    let inner = inner.map_err(|error| Wrong::new(at(""), error.to_string()))?;
    let inner = |name: &str| {
        inner
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, text)| *text)
    };
    let kind = inner("kind").unwrap_or("null");
    if json::parse(kind.as_bytes()).map_err(no_json)? != "inline" {
        let reason = format!("consolidated metadata of kind {kind} are not supported");
        return Err(Wrong::new(at("/kind"), reason));
    }
    let metadata = inner("metadata").ok_or_else(|| Wrong::new(at("/metadata"), "is missing"))?;
    let nodes = below.next().unwrap_or_else(|| json::members(metadata));
    let nodes = nodes.map_err(|error| Wrong::new(at("/metadata"), error.to_string()))?;
    let mut places = Vec::with_capacity(nodes.len() + 1);
    for (name, node) in nodes {
        let wrong = |reason: String| Wrong::new(at("/metadata"), reason);
        let below = NodePath::new(&name).map_err(|error| wrong(error.to_string()))?;
        if below.is_root() {
            return Err(wrong("names the group itself".to_owned()));
        }
        let key = path.prefix().key(&format!("{}/{V3_NODE}", below.as_str()));
        places.push((
            key.map_err(|error| wrong(error.to_string()))?,
            place_of(node, text),
        ));
    }
    // The group's own document comes behind, as a text of its own.
    let mut all = Vec::from(text);
    all.push(b'{');
    for (index, (name, value)) in members
        .iter()
        .filter(|(name, _)| name != CONSOLIDATED)
        .enumerate()
    {
        all.extend_from_slice(if index == 0 { b"" } else { b"," });
        all.extend(json::write(&name.as_str().into(), Style::V3));
        all.push(b':');
        all.extend_from_slice(value.as_bytes());
    }
    all.push(b'}');
    let own = path
        .key(V3_NODE)
        .map_err(|error| Wrong::new("", error.to_string()))?;
    places.push((own, text.len()..all.len()));
    Documents::new(all.into(), places)
        .map(Some)
        .map_err(|key| Wrong::new(at("/metadata"), format!("'{key}' is given twice")))
}

/// The document of a group with no other nodes in its member, as it stands within another group's.
pub(super) fn with_nothing(document: Value) -> Value {
    let member = json!({"kind": "inline", "must_understand": false, "metadata": {}});
    let Value::Object(members) = document else {
        return document;
    };
    let mut with = Map::new();
    for (name, value) in members {
        if name == CONSOLIDATED {
            continue;
        }
        if name == "node_type" {
            with.insert(CONSOLIDATED.to_owned(), member.clone());
        }
        with.insert(name, value);
    }
    with.entry(CONSOLIDATED).or_insert(member);
    with.into()
}

/// Puts documents together, one behind the other; says where each is.
pub(super) fn put_together<'a>(
    documents: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
) -> (Vec<u8>, Vec<Range<usize>>) {
    let sizes = documents.clone().map(|(_, document)| document.len());
    let mut text = Vec::with_capacity(sizes.sum());
    let places = documents.map(|(_, document)| {
        let start = text.len();
        text.extend_from_slice(document);
        start..text.len()
    });
    let places = places.collect();
    (text, places)
}

/// Puts the documents of nodes, by their paths below the group, into the group's own document.
///
/// Nodes come by their levels and then by name without regard to case, as zarr-python has them.
pub(super) fn write(own: Value, nodes: Vec<(&str, &[u8])>) -> Vec<u8> {
    let mut nodes: Vec<_> = nodes
        .into_iter()
        .map(|(path, document)| ((path.matches('/').count(), path.to_lowercase()), path, document))
        .collect();
    nodes.sort();
    let mut member =
        Vec::from("{\n    \"kind\": \"inline\",\n    \"must_understand\": false,\n    \"metadata\": {");
    for (index, (_, path, document)) in nodes.iter().enumerate() {
        member.extend_from_slice(if index == 0 { b"\n      " } else { b",\n      " });
        member.extend(json::write(&Value::from(*path), Style::V3));
        member.extend_from_slice(b": ");
        member.extend_from_slice(document);
    }
    member.extend_from_slice(if nodes.is_empty() {
        b"}\n  }"
    } else {
        b"\n    }\n  }"
    });

    let mut text = Vec::from("{");
    let Value::Object(members) = with_nothing(own) else {
        return text;
    };
    for (index, (name, value)) in members.iter().enumerate() {
        text.extend_from_slice(if index == 0 { b"\n  " } else { b",\n  " });
        text.extend(json::write(&name.as_str().into(), Style::V3));
        text.extend_from_slice(b": ");
        if name == CONSOLIDATED {
            text.extend_from_slice(&member);
        } else {
            let mut written = String::new();
            json::write_into(&mut written, value, Style::V3, 1);
            text.extend_from_slice(written.as_bytes());
        }
    }
    text.extend_from_slice(b"\n}");
    text
}
