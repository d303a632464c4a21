//! What a copy of keys means for documents that speak of other nodes: the groups above, and consolidated metadata.
//!
//! Consolidated metadata are copied where they are right afterwards too: where all keys below the source's path go
//! to where there were none. Else they are left out, as the destination has other nodes than they tell of, and
//! those that are there go; `zarr consolidate` makes them anew. They are not made by the copy, which moves documents
//! without reading them, and could not tell beforehand how many bytes it would write. The journal of a migration is
//! copied or left out just as they are, but that of the destination stays: it says itself what it is not true of.

use std::{collections::BTreeSet, sync::Arc};

use zarr_core::{
    CONSOLIDATED_KEY, Node, NodePath, Options, Workers, ZarrFormat, create_parents, outdate_above,
    outdate_group,
    store::{Store, StoreKey},
};

use super::{
    copy_keys::{KeyAction, KeyStep},
    migration_journal::MIGRATION_JOURNAL,
};
use crate::{Error, Found, Ledger, Result};

/// What copying documents of nodes entails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDocuments {
    /// Where they go.
    dest_path: NodePath,
    /// The format of the nodes.
    format: ZarrFormat,
    /// The groups above that path that are not there and will be, the outermost first.
    pub new_groups: Vec<NodePath>,
    /// Whether what is below the path will be just what is below the source's path, consolidated metadata included.
    pub is_whole: bool,
}

/// What a key is to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It makes a node of its folder, which is not seen before.
    Node(ZarrFormat),
    Attributes,
    Consolidated,
    /// What is kept of a migration, in which are documents of all nodes below.
    Journal,
    /// A chunk, or nothing of Zarr.
    Value,
}

impl Role {
    pub(super) fn of(key: &StoreKey) -> Self {
        match key.name() {
            ".zarray" | ".zgroup" => Self::Node(ZarrFormat::V2),
            "zarr.json" => Self::Node(ZarrFormat::V3),
            ".zattrs" => Self::Attributes,
            CONSOLIDATED_KEY => Self::Consolidated,
            MIGRATION_JOURNAL => Self::Journal,
            _ => Self::Value,
        }
    }
}

impl KeyDocuments {
    /// Looks at what is above and below the destination's path; `None` where no document of a node is copied.
    ///
    /// `has_all` says whether no key was left out so far.
    pub(super) fn plan(
        steps: &mut [KeyStep],
        (dest, dest_path): (&Arc<dyn Store>, &NodePath),
        has_all: bool,
        ledger: Option<&Ledger>,
    ) -> Result<Option<Self>> {
        let copied = || steps.iter().filter(|step| step.action == KeyAction::Copy);
        let formats = copied().filter_map(|step| match Role::of(&step.from) {
            Role::Node(format) => Some(format),
            _ => None,
        });
        let format = formats.min_by_key(|format| *format as u8);
        let has_others = copied().any(|step| !matches!(Role::of(&step.from), Role::Node(_) | Role::Value));
        let Some(format) = format.or(has_others.then_some(ZarrFormat::V2)) else {
            return Ok(None);
        };
        let has_nodes = copied().any(|step| matches!(Role::of(&step.from), Role::Node(_)));
        let new_groups = if has_nodes {
            new_groups(dest, dest_path, ledger)?
        } else {
            Vec::new()
        };
        let is_whole = has_all && copied().count() == steps.len() && is_empty(dest, dest_path, ledger)?;
        if !is_whole {
            let consolidated = steps
                .iter_mut()
                .filter(|step| matches!(Role::of(&step.from), Role::Consolidated | Role::Journal));
            consolidated.for_each(|step| step.action = KeyAction::Drop);
        }
        Ok(Some(Self {
            dest_path: dest_path.clone(),
            format,
            new_groups,
            is_whole,
        }))
    }

    /// Removes consolidated metadata that the copy makes wrong, before it sets any document.
    pub(super) fn outdate(&self, steps: &[KeyStep], dest: &dyn Store, workers: Workers) -> Result<()> {
        outdate_above(dest, &self.dest_path)?;
        if self.is_whole {
            return Ok(());
        }
        let mut groups = BTreeSet::new();
        let documents = steps
            .iter()
            .filter(|step| !matches!(Role::of(&step.to), Role::Journal | Role::Value));
        for step in documents {
            let mut folder = Some(NodePath::new(step.to.parent().as_str())?);
            // Those above the destination's path have none any more.
            while let Some(group) = folder.filter(|group| {
                group
                    .prefix()
                    .as_str()
                    .starts_with(self.dest_path.prefix().as_str())
            }) {
                folder = group.parent();
                if !groups.insert(group) {
                    break;
                }
            }
        }
        let groups: Vec<_> = groups.into_iter().collect();
        let workers = workers.for_answers(dest);
        workers.for_each(groups.len(), &|index| {
            outdate_group(dest, &groups[index]).map_err(Error::from)
        })
    }

    /// Makes the groups above, when all that is below is there.
    pub(super) fn make_groups(&self, dest: &Arc<dyn Store>) -> Result<()> {
        if self.new_groups.is_empty() {
            return Ok(());
        }
        Ok(create_parents(
            dest,
            &self.dest_path,
            self.format,
            &Options::default(),
        )?)
    }

    /// What is done beside copying, a line each.
    pub fn explanation(&self) -> Vec<String> {
        let mut lines: Vec<_> = self
            .new_groups
            .iter()
            .map(|path| format!("{path}: made a group, because it is above the copy"))
            .collect();
        if !self.is_whole {
            lines.push(
                "consolidated metadata: left out and removed, because what they tell of would not be just what is there"
                    .to_owned(),
            );
        }
        lines
    }
}

/// The groups above a path that are not there.
fn new_groups(dest: &Arc<dyn Store>, path: &NodePath, ledger: Option<&Ledger>) -> Result<Vec<NodePath>> {
    let mut missing = Vec::new();
    let mut above = path.parent();
    while let Some(path) = above {
        let ask = || {
            let found = Node::find(dest, &path, &Options::default(), None)?;
            Ok(found.map(|node| match node {
                Node::Array(_) => Found::Array,
                Node::Group(_) => Found::Group,
            }))
        };
        match found(ledger, &format!("node {path}"), ask)? {
            None => missing.push(path.clone()),
            Some(Found::Group) => {}
            Some(Found::Array) => {
                return Err(Error::Copy(format!(
                    "an array '{path}' is above the copy in the destination"
                )));
            }
        }
        above = path.parent();
    }
    missing.reverse();
    Ok(missing)
}

/// Whether no key is below a path.
fn is_empty(dest: &Arc<dyn Store>, path: &NodePath, ledger: Option<&Ledger>) -> Result<bool> {
    if !dest.capabilities().lists {
        return Ok(false);
    }
    let ask = || {
        let listing = dest.list_dir(path.prefix())?;
        let is_empty = listing.keys.is_empty() && listing.prefixes.is_empty();
        Ok((!is_empty).then_some(Found::Group))
    };
    Ok(found(ledger, &format!("keys below {path}"), ask)?.is_none())
}

/// What was in the destination when the copy began, by its ledger if it has one.
pub(super) fn found(
    ledger: Option<&Ledger>,
    what: &str,
    ask: impl FnOnce() -> Result<Option<Found>>,
) -> Result<Option<Found>> {
    match ledger {
        None => ask(),
        Some(ledger) => ledger.found(what, ask),
    }
}
