//! What a copy speaks of, looked up before it is made: so it is known what its destination need not have.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value};
use zarr_convenience::{Source, SourceArray, SourceNode, core::Node};

use super::{AsRecorded, Better, Compared, Finding, Wrong, items};
use crate::conformance::transcripts::{compare::same, outcome::Outcome, session::Session};

/// A node that a copy is to make.
#[derive(Debug, Clone, Default)]
pub(in crate::conformance::transcripts) struct Copied {
    /// Where it comes to be, without a slash at the front.
    pub(super) path: String,
    /// Where it is.
    pub(super) source: String,
    /// The attributes to be copied.
    pub(super) attributes: Map<String, Value>,
    /// What it is as an array.
    pub(super) array: Option<CopiedArray>,
    /// Whether it lies below what the copy was asked for.
    pub(super) is_member: bool,
    /// Whether the options say that chunks are another shape.
    pub(super) is_rechunked: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct CopiedArray {
    pub(super) size: u64,
    pub(super) ndim: usize,
    /// The separator of its chunks, for Zarr.
    pub(super) separator: Option<char>,
    /// The positions of its chunks that are stored, where that is known.
    pub(super) stored: Option<HashSet<Vec<u64>>>,
}

impl Copied {
    /// The nodes that a step is to copy; none if it is no copy or will fail before it begins.
    pub(in crate::conformance::transcripts) fn of(session: &Session, step: &Value) -> Vec<Self> {
        let mut nodes = Vec::new();
        if ["copy", "copy_all"].iter().any(|op| step["op"] == *op) {
            // What cannot be looked up cannot be copied, and the step says so itself.
            drop(Self::collect(session, step, &mut nodes));
        }
        nodes
    }

    fn collect(session: &Session, step: &Value, nodes: &mut Vec<Self>) -> Outcome<()> {
        let (source, root) = session.source(step["source"].as_str().unwrap_or_default())?;
        let target = step["dest"].as_str().unwrap_or_default();
        let dest = match session.node(target) {
            Ok((node, _)) => match node {
                Node::Group(group) => group.path().as_str().to_owned(),
                Node::Array(array) => array.path().as_str().to_owned(),
            },
            Err(_) => target.split_once(':').map_or("", |(_, path)| path).to_owned(),
        };
        let path = if step["op"] == "copy_all" {
            dest
        } else {
            let name = step["name"].as_str().unwrap_or_else(|| root.path().name());
            join(&dest, name)
        };
        walk(&*source, &root, path.trim_matches('/'), step, nodes)
    }

    /// Whether it is what a key of a list is about, and the rest of the key.
    ///
    /// The names of files have that of their store at the front.
    fn rest<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.path.is_empty() {
            return Some(key);
        }
        let at = format!("/{}/", self.path);
        match key.find(&at) {
            Some(found) => key.get(found + at.len()..),
            None => key.strip_prefix(&at[1..]),
        }
    }

    /// Whether a key of the copy is an attribute document that would say nothing.
    fn is_bare_document(&self, key: &str) -> bool {
        self.attributes.is_empty() && self.rest(key) == Some(".zattrs")
    }

    /// Whether a key of the copy is a chunk that the source does not have.
    pub(super) fn is_absent_chunk(&self, key: &str) -> bool {
        let stored = self.array.as_ref().and_then(|array| array.stored.as_ref());
        let (Some(rest), Some(stored), false) = (self.rest(key), stored, self.is_rechunked) else {
            return false;
        };
        self.position(rest)
            .is_some_and(|position| !stored.contains(&position))
    }

    /// The position of a chunk, by the name of its key.
    fn position(&self, name: &str) -> Option<Vec<u64>> {
        let ndim = self.array.as_ref()?.ndim;
        if ndim == 0 {
            return (name == "0").then(Vec::new);
        }
        let parts: Option<Vec<u64>> = name.split(['.', '/']).map(|part| part.parse().ok()).collect();
        parts.filter(|parts| parts.len() == ndim)
    }

    /// The key as it is where the separator of the source is kept.
    fn with_separator(&self, key: &str) -> Option<String> {
        let separator = self.array.as_ref()?.separator.filter(|c| *c != '.')?;
        let rest = self.rest(key)?;
        self.position(rest)?;
        let front = key.strip_suffix(rest)?;
        Some(format!("{front}{}", rest.replace('.', &separator.to_string())))
    }
}

fn join(above: &str, name: &str) -> String {
    let (above, name) = (above.trim_matches('/'), name.trim_matches('/'));
    match (above, name) {
        ("", only) | (only, "") => only.to_owned(),
        _ => format!("{above}/{name}"),
    }
}

fn walk(
    source: &dyn Source,
    node: &SourceNode,
    path: &str,
    step: &Value,
    nodes: &mut Vec<Copied>,
) -> Outcome<()> {
    let attributes = if step["without_attrs"] == true {
        Map::new()
    } else {
        source.attributes(node)?.members
    };
    let array = match node {
        SourceNode::Array(array) => Some(copied_array(&**array)?),
        SourceNode::Group(_) => None,
        SourceNode::Other { .. } => return Ok(()),
    };
    let options = [step, &step["create_kws"]];
    nodes.push(Copied {
        path: path.to_owned(),
        source: node.path().as_str().to_owned(),
        attributes,
        array,
        is_member: !nodes.is_empty(),
        is_rechunked: options.iter().any(|options| !options["chunks"].is_null()),
    });
    // `shallow` leaves out what is below the groups that are copied.
    let goes_on = step["shallow"] != true || (step["op"] == "copy_all" && nodes.len() == 1);
    if let (SourceNode::Group(group), true) = (node, goes_on) {
        for member in source.members(group)? {
            let is_shown = step["shallow"] != true || matches!(member, SourceNode::Array(_));
            if is_shown {
                walk(source, &member, &join(path, member.path().name()), step, nodes)?;
            }
        }
    }
    Ok(())
}

fn copied_array(array: &dyn SourceArray) -> Outcome<CopiedArray> {
    let n_elements = array
        .shape()
        .iter()
        .try_fold(1_u64, |n, length| n.checked_mul(*length));
    // Items of any length are counted as pointers.
    let item_size = array.data_type().size().map_or(8, |size| size as u64);
    Ok(CopiedArray {
        size: n_elements.unwrap_or_default().saturating_mul(item_size),
        ndim: array.shape().len(),
        separator: array
            .as_zarr()
            .map(|zarr| zarr.metadata().chunk_key_encoding.separator()),
        stored: array.stored_chunks()?,
    })
}

/// Whether what a step shows lacks only what copies before it need not have written (rows B14 and B25).
pub(super) fn needless(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value)) = (step.recorded_ok(), step.value()) else {
        return AsRecorded;
    };
    let explains = |key: &str| {
        let mut copies = step.copied.iter();
        copies.any(|copied| copied.is_bare_document(key) || copied.is_absent_chunk(key))
    };
    if step.op() == "store_docs" {
        let mut recorded = recorded.clone();
        if let (Some(members), Some(ours)) = (recorded.as_object_mut(), value.as_object()) {
            members.retain(|key, shown| {
                let says_something = key.ends_with(".zattrs") && shown["text"] != "{}";
                ours.contains_key(key) || says_something || !explains(key)
            });
        }
        return if same(&recorded, value) {
            Better
        } else {
            AsRecorded
        };
    }
    let ours = items(value);
    // A key that is listed twice, or at another place, is no key that is missing.
    let is_plain =
        |list: &Value, keys: &BTreeSet<String>| list.as_array().is_some_and(|list| list.iter().eq(keys));
    if !step.lists_keys() || !is_plain(value, &ours) || !is_plain(recorded, &items(recorded)) {
        return AsRecorded;
    }
    let renamed: BTreeSet<String> = items(recorded)
        .into_iter()
        .map(|key| {
            let mut copies = step.copied.iter();
            copies
                .find_map(|copied| copied.with_separator(&key))
                .unwrap_or(key)
        })
        .collect();
    let is_less = ours.is_subset(&renamed);
    if is_less && renamed.difference(&ours).all(|key| explains(key)) {
        Better
    } else {
        AsRecorded
    }
}

/// Whether a list has a document that says nothing, of a node that a copy made and that was not there before.
pub(super) fn has_needless_documents(step: &Compared<'_>) -> bool {
    let (Some(recorded), Some(value), true) = (step.recorded_ok(), step.value(), step.lists_keys()) else {
        return false;
    };
    let (recorded, ours) = (items(recorded), items(value));
    let mut kept = recorded.intersection(&ours);
    kept.any(|key| step.copied.iter().any(|copied| copied.is_bare_document(key)))
}

/// Whether all that is to be copied was, by the count and the log of the step.
pub(super) fn is_complete(step: &Compared<'_>, bytes_count: bool) -> Finding {
    let nodes: Vec<_> = if step.op() == "copy_all" {
        step.copying.iter().skip(1).collect()
    } else {
        step.copying.iter().collect()
    };
    let size: u64 = if bytes_count {
        let sizes = nodes.iter().filter_map(|node| node.array.as_ref());
        sizes.map(|array| array.size).sum()
    } else {
        0
    };
    let Some(value) = step.value() else {
        return Wrong;
    };
    let is_counted = !nodes.is_empty() && same(value, &serde_json::json!([nodes.len(), 0, size]));
    let lines = lines(step.log);
    let shown = |node: &&Copied, line: &String| {
        let end = format!("copy /{}", node.source);
        *line == end || line.starts_with(&format!("{end} "))
    };
    let is_logged = lines.is_none_or(|lines| {
        lines.len() == nodes.len() + 1 && nodes.iter().zip(&lines).all(|(node, line)| shown(node, line))
    });
    if is_counted && is_logged { Better } else { Wrong }
}

/// The lines of a log.
pub(super) fn lines(log: Option<&Value>) -> Option<Vec<String>> {
    match log? {
        Value::Array(lines) => Some(
            lines
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        Value::String(text) => Some(text.lines().map(str::to_owned).collect()),
        _ => None,
    }
}
