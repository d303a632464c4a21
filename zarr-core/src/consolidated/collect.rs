//! The walk that finds all documents.
//!
//! Nothing here lists chunks: no folder of an array is listed, and nothing is asked for twice.

use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use zarr_store::{Store, StoreKey, StorePrefix};

use super::{ConsolidatedMetadata, v3_form};
use crate::{
    Error, NodePath, Options, Result, ZarrFormat,
    hierarchy::{self, V2_ARRAY, V2_ATTRIBUTES, V2_GROUP, V3_NODE},
    metadata::{
        json::{self, Style},
        v3,
    },
};

/// What reading a node is worth to a thread, in bytes of chunks.
const NODE_WORTH: u64 = 8 << 10;

/// What a folder has: documents, and folders that may be nodes.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// As they stand within the consolidated document.
    pub(super) documents: Vec<(StoreKey, String)>,
    pub(super) below: Vec<StorePrefix>,
}

/// Reads the documents of all nodes at and below a path, level by level.
pub(super) fn collect(
    store: &dyn Store,
    path: &NodePath,
    format: ZarrFormat,
    options: &Options,
) -> Result<ConsolidatedMetadata> {
    let mut text = String::new();
    let mut places = Vec::new();
    let mut level = vec![path.prefix().clone()];
    while !level.is_empty() {
        let mut below = Vec::new();
        for node in visit(store, &level, (path, format), options)? {
            for (key, document) in node.documents {
                let start = text.len();
                text.push_str(&document);
                places.push((key, start..text.len()));
            }
            below.extend(node.below);
        }
        level = below;
    }
    Ok(ConsolidatedMetadata::of_nodes(path.clone(), format, text, places))
}

/// Looks into folders, on all threads.
pub(super) fn visit(
    store: &dyn Store,
    folders: &[StorePrefix],
    (root, format): (&NodePath, ZarrFormat),
    options: &Options,
) -> Result<Vec<Found>> {
    let found: Vec<_> = folders.iter().map(|_| Mutex::new(Found::default())).collect();
    let visit = |index: usize, _: &mut _| {
        let prefix = &folders[index];
        let node = match format {
            ZarrFormat::V2 => visit_v2(store, prefix, options)?,
            ZarrFormat::V3 => visit_v3(store, prefix, prefix == root.prefix(), options)?,
        };
        *found[index].lock().unwrap_or_else(PoisonError::into_inner) = node;
        Ok::<_, Error>(())
    };
    let worth = (folders.len() as u64).saturating_mul(NODE_WORTH);
    options
        .workers
        .run_on(store, (folders.len(), worth, 1 << 10), &visit)?;
    let found = found.into_iter();
    Ok(found
        .map(|node| node.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect())
}

fn visit_v2(store: &dyn Store, prefix: &StorePrefix, options: &Options) -> Result<Found> {
    let mut found = Found::default();
    let mut take = |key: StoreKey| -> Result<bool> {
        let document = hierarchy::read_document(store, &key, options)?;
        let is_there = document.is_some();
        let text = document.map(|document| written(&document, ZarrFormat::V2));
        found.documents.extend(text.map(|text| (key, text)));
        Ok(is_there)
    };
    if take(prefix.key(V2_ARRAY)?)? {
        // What else lies there are chunks.
        take(prefix.key(V2_ATTRIBUTES)?)?;
        return Ok(found);
    }
    let listing = store.list_dir(prefix)?;
    for key in listing.keys {
        if [V2_ATTRIBUTES, V2_GROUP].contains(&key.name()) {
            take(key)?;
        }
    }
    found.below = listing.prefixes;
    Ok(found)
}

/// Reads a node of V3; a folder without a document is none, and nothing in it is.
fn visit_v3(store: &dyn Store, prefix: &StorePrefix, is_root: bool, options: &Options) -> Result<Found> {
    let key = prefix.key(V3_NODE)?;
    let mut found = Found::default();
    let Some(document) = hierarchy::read_node_document(store, &key, options)? else {
        return Ok(found);
    };
    let is_array = v3::is_array(document.get(v3::NODE_TYPE))
        .map_err(|wrong| hierarchy::wrong_member(store, &key, wrong))?;
    if !is_array {
        found.below = store.list_dir(prefix)?.prefixes;
    }
    let document = if is_array || is_root {
        document
    } else {
        v3_form::with_nothing(document)
    };
    found.documents.push((key, written(&document, ZarrFormat::V3)));
    Ok(found)
}

/// A document as it stands within a consolidated one.
pub(super) fn written(document: &Value, format: ZarrFormat) -> String {
    let (style, depth) = match format {
        ZarrFormat::V2 => (Style::V2, 2),
        ZarrFormat::V3 => (Style::V3, 3),
    };
    let mut text = String::new();
    json::write_into(&mut text, document, style, depth);
    text
}
