//! Whether consolidated metadata still say what the documents say.
//!
//! Nothing is stored to tell: the consolidated documents themselves are compared with those of the nodes. So staleness
//! is found whoever wrote, and no byte is added to what other implementations read.

use std::collections::BTreeSet;

use serde_json::Value;
use zarr_store::{Store, StoreKey, StorePrefix};

use super::{
    ConsolidatedMetadata,
    collect::{self, Found},
};
use crate::{
    ArrayMetadata, NodePath, Options, Result,
    hierarchy::{V2_ARRAY, V2_ATTRIBUTES, V2_GROUP, V3_NODE},
    metadata::{
        Members, Read,
        json::{self, Style},
        v2, v3,
    },
};

/// One way in which consolidated metadata say something else than the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// They lack a document that is there.
    Added(StoreKey),
    /// They have a document that is not there any more.
    Removed(StoreKey),
    /// A document says something else now.
    Changed(StoreKey),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(key) => write!(f, "{} was added", key.as_str()),
            Self::Removed(key) => write!(f, "{} was removed", key.as_str()),
            Self::Changed(key) => write!(f, "{} was changed", key.as_str()),
        }
    }
}

/// What a comparison of consolidated metadata with the documents came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// Where they differ, by levels; those below a node that differs in kind are left out.
    pub differences: Vec<Difference>,
    /// How many folders were looked into.
    pub n_compared: usize,
    /// Whether that was all of them, and the store could say what is new.
    pub is_complete: bool,
}

impl Freshness {
    /// Whether no difference was found.
    pub const fn is_fresh(&self) -> bool {
        self.differences.is_empty()
    }
}

impl ConsolidatedMetadata {
    /// Compares the documents at and below a path with those of the nodes, level by level, in at most so many folders.
    ///
    /// Documents differ when they mean something else: another layout, members that say the default, and an attribute
    /// document that is empty or not there make no difference. A node of the other format does, since the metadata do not
    /// have it. A store that cannot list does not tell what is new.
    ///
    /// # Errors
    /// [`Error::Metadata`](crate::Error::Metadata) for a document that is no JSON; when the store fails.
    pub fn freshness(
        &self,
        store: &dyn Store,
        path: &NodePath,
        n_folders_max: usize,
        options: &Options,
    ) -> Result<Freshness> {
        let can_list = store.capabilities().lists;
        let mut freshness = Freshness {
            differences: Vec::new(),
            n_compared: 0,
            is_complete: can_list,
        };
        let mut level = vec![path.prefix().clone()];
        while !level.is_empty() {
            let left = n_folders_max - freshness.n_compared;
            if level.len() > left {
                level.truncate(left);
                freshness.is_complete = false;
            }
            let found = if can_list {
                collect::visit(store, &level, (&self.path, self.format), options)?
            } else {
                let known = level.iter().map(|prefix| self.known(store, prefix, options));
                known.collect::<Result<_>>()?
            };
            freshness.n_compared += level.len();
            let mut below = Vec::new();
            for (prefix, found) in level.iter().zip(found) {
                self.compare(prefix, &found, options, &mut freshness.differences);
                below.extend(found.below);
            }
            level = below;
        }
        Ok(freshness)
    }

    /// Looks for what the consolidated metadata have of a folder.
    fn known(&self, store: &dyn Store, prefix: &StorePrefix, options: &Options) -> Result<Found> {
        let (keys, below) = self.level(prefix);
        let mut found = Found::default();
        found.take_all(store, keys, self.format, options)?;
        found.below = below;
        Ok(found)
    }

    /// The keys of documents in a folder, and the folders in it.
    fn level(&self, prefix: &StorePrefix) -> (Vec<StoreKey>, Vec<StorePrefix>) {
        let listing = self.documents.list(prefix);
        (listing.keys, listing.prefixes)
    }

    fn compare(
        &self,
        prefix: &StorePrefix,
        found: &Found,
        options: &Options,
        differences: &mut Vec<Difference>,
    ) {
        let (keys, folders) = self.level(prefix);
        differences.extend(found.other.clone().map(Difference::Added));
        for (key, text) in found.documents() {
            match self.documents.get(key) {
                None if is_nothing(key, text) => {}
                None => differences.push(Difference::Added(key.clone())),
                Some(ours) if means_the_same(key, &ours, text, options) => {}
                Some(_) => differences.push(Difference::Changed(key.clone())),
            }
        }
        let there: BTreeSet<_> = found.documents().map(|(key, _)| key).collect();
        for key in keys.into_iter().filter(|key| !there.contains(key)) {
            let ours = self.documents.get(&key).unwrap_or_default();
            if !is_nothing(&key, &String::from_utf8_lossy(&ours)) {
                differences.push(Difference::Removed(key));
            }
        }
        let below: BTreeSet<_> = found.below.iter().collect();
        for folder in folders.iter().filter(|folder| !below.contains(folder)) {
            let first = self.documents.next(folder.as_str(), false);
            differences.extend(first.cloned().map(Difference::Removed));
        }
    }
}

/// Whether two documents of a key say the same.
fn means_the_same(key: &StoreKey, ours: &[u8], text: &str, options: &Options) -> bool {
    let (Ok(ours), Ok(theirs)) = (json::parse(ours), json::parse(text.as_bytes())) else {
        return false;
    };
    if json::write(&ours, Style::V2) == json::write(&theirs, Style::V2) {
        return true;
    }
    match key.name() {
        V2_GROUP => true,
        V2_ARRAY => {
            let read = |document| v2::read_array(Members::new(document)?, &options.registry);
            read(ours).is_ok_and(|ours| read(theirs).is_ok_and(|theirs| is_same_array(&ours, &theirs)))
        }
        V3_NODE => match (is_v3_array(&ours), is_v3_array(&theirs)) {
            (Ok(true), Ok(true)) => {
                let read = |document| v3::read_array(Members::new(document)?);
                read(ours).is_ok_and(|ours| read(theirs).is_ok_and(|theirs| is_same_array(&ours, &theirs)))
            }
            (Ok(false), Ok(false)) => {
                let read = |document| v3::read_group(Members::new(document)?);
                read(ours)
                    .is_ok_and(|ours| read(theirs).is_ok_and(|theirs| ours.attributes == theirs.attributes))
            }
            _ => false,
        },
        _ => false,
    }
}

fn is_v3_array(document: &Value) -> Read<bool> {
    v3::is_array(document.get(v3::NODE_TYPE))
}

/// Whether a document says no more than its absence.
fn is_nothing(key: &StoreKey, text: &str) -> bool {
    key.name() == V2_ATTRIBUTES && text.trim() == "{}"
}

/// Whether two documents are of the same array; how they put it makes no difference.
fn is_same_array(a: &ArrayMetadata, b: &ArrayMetadata) -> bool {
    a.shape == b.shape
        && a.data_type == b.data_type
        && a.chunk_grid == b.chunk_grid
        && a.chunk_key_encoding == b.chunk_key_encoding
        && a.fill_value == b.fill_value
        && a.codecs.list() == b.codecs.list()
        && a.attributes == b.attributes
        && a.dimension_names == b.dimension_names
}
