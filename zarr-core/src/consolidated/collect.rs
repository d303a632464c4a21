//! The walk that finds all documents.
//!
//! Nothing here lists chunks: no folder of an array is listed, and nothing is asked for twice.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;
use zarr_store::{ByteRange, ReadBuffer, Store, StoreExt, StoreKey, StorePrefix};

use super::{ConsolidatedMetadata, v2_form, v3_form};
use crate::{
    Error, NodePath, Options, Result, ZarrFormat,
    hierarchy::{self, V2_ARRAY, V2_ATTRIBUTES, V2_GROUP, V3_NODE},
    metadata::{
        json::{self, Style},
        v3,
    },
    workers::Desk,
};

/// What reading a node is worth to a thread, in bytes of chunks.
const NODE_WORTH: u64 = 8 << 10;

/// What a folder has: documents, and folders that may be nodes.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The documents as they stand within the consolidated one.
    text: String,
    /// Where in the text each is.
    places: Vec<(StoreKey, Range<usize>)>,
    pub(super) below: Vec<StorePrefix>,
    /// The document of a node of the other format, which cannot stand with these.
    pub(super) other: Option<StoreKey>,
}

impl Found {
    /// The documents as they stand within the consolidated one.
    pub(super) fn documents(&self) -> impl Iterator<Item = (&StoreKey, &str)> {
        self.places
            .iter()
            .map(|(key, place)| (key, &self.text[place.clone()]))
    }

    /// Adds the document of a key as it is stored, if it is there.
    fn take(
        &mut self,
        store: &dyn Store,
        key: StoreKey,
        options: &Options,
        buffer: &mut ReadBuffer,
    ) -> Result<bool> {
        buffer.set_limit(options.document_size_max);
        if !store.get_ranges(&key, &[ByteRange::All], buffer)? {
            return Ok(false);
        }
        let start = self.text.len();
        lay_out(&mut self.text, (store, &key), buffer.part(0), ZarrFormat::V2)?;
        self.places.push((key, start..self.text.len()));
        Ok(true)
    }

    /// Adds a document.
    fn add(&mut self, key: StoreKey, document: &Value, format: ZarrFormat) {
        let (style, depth) = place(format);
        let start = self.text.len();
        json::write_into(&mut self.text, document, style, depth);
        self.places.push((key, start..self.text.len()));
    }

    /// Adds the documents of keys, of those that are there.
    pub(super) fn take_all(
        &mut self,
        store: &dyn Store,
        keys: Vec<StoreKey>,
        format: ZarrFormat,
        options: &Options,
    ) -> Result<()> {
        let mut buffer = ReadBuffer::default();
        for key in keys {
            match format {
                ZarrFormat::V2 => {
                    self.take(store, key, options, &mut buffer)?;
                }
                ZarrFormat::V3 => {
                    if let Some(document) = hierarchy::read_node_document(store, &key, options)? {
                        self.add(key, &document, format);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads the documents of all nodes at and below a path, level by level.
pub(super) fn collect(
    store: &dyn Store,
    path: &NodePath,
    format: ZarrFormat,
    options: &Options,
) -> Result<ConsolidatedMetadata> {
    let mut texts = Vec::new();
    let mut places = Vec::new();
    let mut level = vec![path.prefix().clone()];
    while !level.is_empty() {
        let mut below = Vec::new();
        for node in visit(store, &level, (path, format), options)? {
            places.extend(
                node.places
                    .into_iter()
                    .map(|(key, place)| (key, texts.len(), place)),
            );
            texts.push(node.text);
            below.extend(node.below);
        }
        level = below;
    }
    places.sort_unstable_by(|(one, ..), (other, ..)| one.cmp(other));
    let documents = places
        .iter()
        .map(|(key, node, place)| (key.as_str(), texts[*node][place.clone()].as_bytes()));
    let (text, laid_out) = match format {
        ZarrFormat::V2 => v2_form::write(documents),
        ZarrFormat::V3 => v3_form::put_together(documents),
    };
    let keys = places.into_iter().map(|(key, ..)| key);
    let places = keys.zip(laid_out).collect();
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
    let visit = |index: usize, desk: &mut Desk| {
        let prefix = &folders[index];
        let node = match format {
            ZarrFormat::V2 => visit_v2(store, prefix, options, &mut desk.read)?,
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

fn visit_v2(
    store: &dyn Store,
    prefix: &StorePrefix,
    options: &Options,
    buffer: &mut ReadBuffer,
) -> Result<Found> {
    let mut found = Found::default();
    if found.take(store, prefix.key(V2_ARRAY)?, options, buffer)? {
        // What else lies there are chunks.
        found.take(store, prefix.key(V2_ATTRIBUTES)?, options, buffer)?;
        return Ok(found);
    }
    let listing = store.list_dir(prefix)?;
    let mut is_group = false;
    for key in listing.keys {
        match key.name() {
            V2_ATTRIBUTES | V2_GROUP => {
                is_group |= key.name() == V2_GROUP;
                found.take(store, key, options, buffer)?;
            }
            V3_NODE => found.other = Some(key),
            _ => {}
        }
    }
    // A migrated group may have documents of both.
    found.other = found.other.filter(|_| !is_group);
    found.below = listing.prefixes;
    Ok(found)
}

/// Reads a node of V3; a folder without a document is none, and nothing in it is.
fn visit_v3(store: &dyn Store, prefix: &StorePrefix, is_root: bool, options: &Options) -> Result<Found> {
    let key = prefix.key(V3_NODE)?;
    let mut found = Found::default();
    let Some(document) = hierarchy::read_node_document(store, &key, options)? else {
        for name in [V2_ARRAY, V2_GROUP] {
            let key = prefix.key(name)?;
            if found.other.is_none() && store.exists(&key)? {
                found.other = Some(key);
            }
        }
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
    found.add(key, &document, ZarrFormat::V3);
    Ok(found)
}

/// How documents of a format stand within a consolidated one, and how deep.
const fn place(format: ZarrFormat) -> (Style<'static>, usize) {
    match format {
        ZarrFormat::V2 => (Style::V2, 2),
        ZarrFormat::V3 => (Style::V3, 3),
    }
}

/// Adds a document to a text, as it stands within a consolidated one.
pub(super) fn lay_out(
    text: &mut String,
    (store, key): (&dyn Store, &StoreKey),
    document: &[u8],
    format: ZarrFormat,
) -> Result<()> {
    let (style, depth) = place(format);
    text.reserve(document.len() * 2);
    let is_nested =
        str::from_utf8(document).is_ok_and(|document| json::nest_into(text, document, style, depth));
    if !is_nested {
        let document = hierarchy::parse_document(store, key, document)?;
        json::write_into(text, &document, style, depth);
    }
    Ok(())
}
