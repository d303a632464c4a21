//! `consolidate_metadata` and `open_consolidated`.

use std::sync::Arc;

use serde_json::{Value, json};
use zarr_convenience::{
    OpenConsolidated, consolidate_metadata,
    core::{
        ConsolidatedMetadata, ConsolidatedStore, Error as CoreError, Node,
        store::{MemoryStore, ReadOnlyStore, Store, StoreExt, StoreKey, StorePrefix},
    },
    open_consolidated,
};

use super::{
    Operation,
    outcome::{Doing, Failure, Fault, Outcome, phrase, quoted},
    session::{Session, Shelf, Thing, text},
    verbs::{node_path, store},
};

pub(super) const OPERATIONS: &[(&str, Operation)] =
    &[("consolidate_metadata", consolidate), ("open_consolidated", open)];

/// What a shelf of consolidated metadata is called.
pub(super) const CLASS: &str = "ConsolidatedMetadataStore";

/// The largest document that is read.
const DOCUMENT_MAX: u64 = 1 << 24;

fn how(step: &Value) -> Outcome<OpenConsolidated> {
    let mut how = OpenConsolidated::default();
    if let Some(key) = step["metadata_key"].as_str() {
        how.metadata_key = StoreKey::new(key)?;
    }
    Ok(how)
}

/// The store of a step; a group in its place is refused, since it would be taken for a mapping.
fn keys_of(session: &mut Session, step: &Value, mode: &str) -> Outcome<Shelf> {
    if let Some(name) = step["store"]["var"].as_str()
        && let Thing::Node(..) = session.thing(name)?
    {
        return Err(Failure::class("TypeError", "a store is needed, not a node").into());
    }
    store(session, step, mode)
}

fn consolidate(session: &mut Session, step: &Value) -> Outcome {
    let how = how(step)?;
    let path = node_path(step)?;
    let shelf = keys_of(session, step, "a")?;
    let node =
        consolidate_metadata(&shelf.store, &path, &how).map_err(|error| phrase(&error, Doing::OpenAny))?;
    shelf.store.flush()?;
    let view = view(&node, shelf.class);
    Ok(session.name_node(step, node, &view))
}

fn open(session: &mut Session, step: &Value) -> Outcome {
    let mut how = how(step)?;
    how.mode = OpenConsolidated::parse_mode(step["mode"].as_str().unwrap_or("r+"))?;
    let path = node_path(step)?;
    let shelf = keys_of(session, step, step["mode"].as_str().unwrap_or("r+"))?;
    let chunks = chunk_store(session, step)?;
    let chunk_class = chunks.as_ref().map_or(shelf.class, |chunks| chunks.class);
    how.chunk_store = chunks.map(|chunks| chunks.store);
    let node = open_consolidated(&shelf.store, &path, &how)
        .map_err(|error| missing_document(&error, how.metadata_key.as_str()))?;
    let view = view(&node, chunk_class);
    Ok(session.name_node(step, node, &view))
}

/// The store that a step takes chunks from.
fn chunk_store(session: &mut Session, step: &Value) -> Outcome<Option<Shelf>> {
    let given = &step["chunk_store"];
    if given.is_null() {
        return Ok(None);
    }
    store(session, &json!({"store": given}), "a").map(Some)
}

/// A document that is not there is a missing key to Python.
fn missing_document(error: &zarr_convenience::Error, key: &str) -> Fault {
    match error {
        zarr_convenience::Error::Core(CoreError::NotFound { path, .. }) if path == key => {
            Failure::new("KeyError", quoted(key)).into()
        }
        zarr_convenience::Error::Core(CoreError::Metadata { pointer, reason, .. })
            if pointer == "/metadata" && reason == "is missing" =>
        {
            Failure::new("KeyError", "'metadata'").into()
        }
        error => phrase(error, Doing::OpenAny),
    }
}

/// The shelf of nodes that were opened through consolidated metadata.
fn view(node: &Node, chunk_class: &'static str) -> Shelf {
    let store = match node {
        Node::Array(array) => array.store(),
        Node::Group(group) => group.store(),
    };
    Shelf {
        chunk_class: Some(if chunk_class.is_empty() {
            "KVStore"
        } else {
            chunk_class
        }),
        ..Shelf::new(Arc::clone(store), CLASS)
    }
}

/// The documents of a store as a store of their own, which nobody changes.
pub(super) fn documents(session: &Session, step: &Value) -> Outcome<Shelf> {
    let how = how(step)?;
    let base = session.shelf(text(step, "base")?)?;
    let metadata = ConsolidatedMetadata::read(base.store.as_ref(), &how.metadata_key)
        .map_err(|error| missing_document(&error.into(), how.metadata_key.as_str()))?;
    let store = ConsolidatedStore::new(metadata, Arc::new(MemoryStore::new()));
    Ok(Shelf::new(Arc::new(ReadOnlyStore::new(Arc::new(store))), CLASS))
}

/// What Python shows of the store of such nodes: their documents and no chunks.
pub(super) fn only_documents(shelf: &Shelf) -> Outcome<Shelf> {
    const DOCUMENTS: [&str; 3] = [".zarray", ".zgroup", ".zattrs"];
    let documents = MemoryStore::new();
    for key in shelf.store.list_prefix(&StorePrefix::root())? {
        if DOCUMENTS.contains(&key.name())
            && let Some(document) = shelf.store.get(&key, DOCUMENT_MAX)?
        {
            documents.set(&key, &document)?;
        }
    }
    Ok(Shelf::new(
        Arc::new(ReadOnlyStore::new(Arc::new(documents))),
        CLASS,
    ))
}
