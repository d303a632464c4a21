//! The documents before and after a migration, kept in the store until it is rolled back or finished.
//!
//! The journal is one key beside the documents of the node that was migrated. Its state is set before anything else
//! is changed, so that whoever comes after a kill knows which of the two ways was being gone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use zarr_core::{
    CONSOLIDATED_KEY, NodePath, ZarrFormat, document_names,
    store::{Store, StoreExt, StoreKey},
};

use crate::{Error, Result};

/// The key of the journal, beside the documents of the node that was migrated.
pub const MIGRATION_JOURNAL: &str = ".zarr-migration";
/// The largest document that is kept, in bytes: what consolidated metadata may have.
const DOCUMENT_SIZE_MAX: u64 = 256 << 20;
/// The largest journal, in bytes: documents of both formats, with room for marks that are escaped as text in JSON.
pub(super) const JOURNAL_SIZE_MAX: u64 = 4 * DOCUMENT_SIZE_MAX;

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Migrating,
    Migrated,
    RollingBack,
}

impl State {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Migrating, "migrating"),
        (Self::Migrated, "migrated"),
        (Self::RollingBack, "rolling back"),
    ];

    pub(super) fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    fn name_size_max() -> usize {
        Self::ALL.iter().map(|(_, name)| name.len()).max().unwrap_or(0)
    }
}

/// The documents of a node, by their names.
pub(super) type Documents = BTreeMap<String, String>;

/// The documents of a node before and after.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) old: Documents,
    pub(super) new: Documents,
}

/// What is kept of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Journal {
    pub(super) to: ZarrFormat,
    pub(super) state: State,
    /// By the path below the node that was migrated, so that it can be moved.
    pub(super) nodes: BTreeMap<String, Kept>,
}

impl Journal {
    pub(super) fn key(root: &NodePath) -> Result<StoreKey> {
        Ok(root.key(MIGRATION_JOURNAL)?)
    }

    pub(super) fn read(store: &dyn Store, root: &NodePath) -> Result<Option<Self>> {
        let key = Self::key(root)?;
        let Some(bytes) = store.get(&key, JOURNAL_SIZE_MAX)? else {
            return Ok(None);
        };
        let refused = |reason: String| Error::Refused {
            what: store.describe(key.as_str()),
            reason,
        };
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
        Self::parse(&value).map(Some).map_err(refused)
    }

    pub(super) fn write(&self, store: &dyn Store, root: &NodePath) -> Result<()> {
        self.write_within(store, root, JOURNAL_SIZE_MAX)
    }

    /// Writes it if it takes no more bytes than that, in any state: what was begun must not end for want of room.
    pub(super) fn write_within(&self, store: &dyn Store, root: &NodePath, size_max: u64) -> Result<()> {
        let nodes: Map<_, _> = self
            .nodes
            .iter()
            .map(|(path, kept)| (path.clone(), json!({"old": kept.old, "new": kept.new})))
            .collect();
        let to = if self.to == ZarrFormat::V2 { 2 } else { 3 };
        let value = json!({"version": 1, "to": to, "state": self.state.name(), "nodes": nodes});
        let (key, text) = (Self::key(root)?, value.to_string());
        let size = text.len() + State::name_size_max() - self.state.name().len();
        if size as u64 > size_max {
            return Err(Error::Refused {
                what: store.describe(key.as_str()),
                reason: format!(
                    "the documents that are to be kept take {size} bytes, limit {size_max}; migrate groups one by one"
                ),
            });
        }
        store.set(&key, text.as_bytes())?;
        Ok(store.flush()?)
    }

    /// Removes what a killed process left under temporary names where it set documents.
    pub(super) fn sweep(&self, store: &dyn Store, root: &NodePath) -> Result<()> {
        store.sweep(root.prefix(), false)?;
        if self.state != State::Migrated {
            for path in self.nodes.keys() {
                store.sweep(inside(root, path)?.prefix(), false)?;
            }
        }
        Ok(())
    }

    fn parse(value: &Value) -> Result<Self, String> {
        if value["version"] != 1 {
            return Err(format!(
                "the journal of a migration has version {}",
                value["version"]
            ));
        }
        let to = match value["to"].as_u64() {
            Some(2) => ZarrFormat::V2,
            Some(3) => ZarrFormat::V3,
            _ => return Err(format!("to: {} is no format", value["to"])),
        };
        let state = State::ALL
            .iter()
            .find(|(_, name)| value["state"] == *name)
            .ok_or_else(|| format!("state: {} is not known", value["state"]))?
            .0;
        let nodes = value["nodes"].as_object().ok_or("nodes: is no object")?;
        let nodes = nodes.iter().map(|(path, kept)| {
            let found = NodePath::new(path).map_err(|error| format!("nodes/{path}: {error}"))?;
            if below(&found, &NodePath::root()) != *path {
                return Err(format!("nodes/{path}: is written as no path is"));
            }
            let side = |name: &str, format| {
                documents(&kept[name], format).map_err(|reason| format!("nodes/{path}/{name}: {reason}"))
            };
            let kept = Kept {
                old: side("old", to.other())?,
                new: side("new", to)?,
            };
            Ok((path.clone(), kept))
        });
        Ok(Self {
            to,
            state,
            nodes: nodes.collect::<Result<_, String>>()?,
        })
    }
}

/// The names that a node's documents have in a format, consolidated metadata among them.
pub(super) fn names(format: ZarrFormat) -> impl Iterator<Item = &'static str> {
    let consolidated = (format == ZarrFormat::V2).then_some(CONSOLIDATED_KEY);
    document_names(format).iter().copied().chain(consolidated)
}

/// The path of a node below another one.
pub(super) fn below(path: &NodePath, root: &NodePath) -> String {
    let path = path.as_str();
    path.strip_prefix(root.as_str())
        .unwrap_or(path)
        .trim_matches('/')
        .to_owned()
}

/// The node of a path below another one.
pub(super) fn inside(root: &NodePath, path: &str) -> Result<NodePath> {
    Ok(if path.is_empty() {
        root.clone()
    } else {
        root.join(path)?
    })
}

/// The text of a document, if it is there.
pub(super) fn read_text(store: &dyn Store, key: &StoreKey) -> Result<Option<String>> {
    let Some(bytes) = store.get(key, DOCUMENT_SIZE_MAX)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Error::Refused {
        what: store.describe(key.as_str()),
        reason: "is no text".to_owned(),
    })?;
    Ok(Some(text))
}

/// A journal may come from anywhere: it names documents, and no other key.
fn documents(value: &Value, format: ZarrFormat) -> Result<Documents, String> {
    let members = value.as_object().ok_or("is no object")?;
    let documents = members.iter().map(|(name, text)| {
        if !names(format).any(|known| known == name) {
            return Err(format!("{name} is no document"));
        }
        let text = text.as_str().ok_or_else(|| format!("{name} is no text"))?;
        Ok((name.clone(), text.to_owned()))
    });
    documents.collect()
}
