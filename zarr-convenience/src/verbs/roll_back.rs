//! A migration taken back, or made final.
//!
//! ```text
//! 1. the journal says that it is rolled back     killed here: the same call goes on
//! 2. every node gets its old documents           killed here: both are there, and say the same
//! 3. every node loses its new documents          killed here: some nodes have both
//! 4. consolidated metadata, and no journal
//! ```

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Value;
use zarr_core::{
    CONSOLIDATED_KEY, Node, NodePath, Options, document_names, outdate,
    store::{Store, StoreExt},
    walk,
};

use super::migration_journal::{Journal, Kept, State, below, inside, names, read_text};
use crate::{Error, Result};

/// Brings back the documents that a node and those below it had before [`crate::migrate`], byte for byte, whether it
/// had come to its end or not; gives the number of nodes. Chunks are as they are now.
///
/// # Errors
/// [`Error::Refused`], before anything is written, when there is no journal, and when a document was changed, made or
/// removed since the migration, which would be lost. When the store fails, each node has its old or its new documents;
/// the same call goes on.
pub fn roll_back_migration(store: &Arc<dyn Store>, root: &NodePath, options: &Options) -> Result<usize> {
    let mut journal = journal(store.as_ref(), root)?;
    check(store, root, &journal, options)?;
    journal.sweep(store.as_ref(), root)?;
    journal.state = State::RollingBack;
    journal.write(store.as_ref(), root)?;
    let (old, new) = (journal.to.other(), journal.to);
    let nodes: Vec<(NodePath, &Kept)> = journal
        .nodes
        .iter()
        .rev()
        .map(|(path, kept)| Ok((inside(root, path)?, kept)))
        .collect::<Result<_>>()?;
    for (path, _) in &nodes {
        outdate(store.as_ref(), path)?;
    }
    for (path, kept) in &nodes {
        // Attributes before what makes it a node.
        for (name, text) in kept
            .old
            .iter()
            .rev()
            .filter(|(name, _)| *name != CONSOLIDATED_KEY)
        {
            store.set(&path.key(name)?, text.as_bytes())?;
        }
    }
    store.flush()?;
    for (path, kept) in &nodes {
        for name in names(new).filter(|name| kept.new.contains_key(*name)) {
            store.erase(&path.key(name)?)?;
        }
    }
    for (path, kept) in &nodes {
        for name in names(old).filter(|name| *name == CONSOLIDATED_KEY) {
            if let Some(text) = kept.old.get(name) {
                store.set(&path.key(name)?, text.as_bytes())?;
            }
        }
    }
    store.flush()?;
    store.erase(&Journal::key(root)?)?;
    store.flush()?;
    Ok(journal.nodes.values().filter(|kept| !kept.new.is_empty()).count())
}

/// Removes the journal of a migration that came to its end; it cannot be rolled back after that.
///
/// # Errors
/// [`Error::Refused`] when there is no journal, or the migration was stopped on its way.
pub fn finish_migration(store: &dyn Store, root: &NodePath) -> Result<()> {
    let journal = journal(store, root)?;
    if journal.state != State::Migrated {
        return Err(refused(
            store,
            root,
            &format!("was stopped while {}", journal.state.name()),
        ));
    }
    store.erase(&Journal::key(root)?)?;
    Ok(store.flush()?)
}

fn journal(store: &dyn Store, root: &NodePath) -> Result<Journal> {
    Journal::read(store, root)?.ok_or_else(|| refused(store, root, "nothing is kept of a migration"))
}

fn refused(store: &dyn Store, path: &NodePath, reason: &str) -> Error {
    Error::Refused {
        what: store.describe(path.as_str()),
        reason: reason.to_owned(),
    }
}

/// Checks that nothing would be lost but what the migration wrote.
fn check(store: &Arc<dyn Store>, root: &NodePath, journal: &Journal, options: &Options) -> Result<()> {
    for (path, kept) in &journal.nodes {
        let path = inside(root, path)?;
        let mut is_there = [false; 2];
        for (side, documents) in [&kept.old, &kept.new].into_iter().enumerate() {
            for (name, text) in documents {
                let Some(now) = read_text(store.as_ref(), &path.key(name)?)? else {
                    continue;
                };
                is_there[side] = true;
                if !is_same(text, &now) {
                    return Err(refused(
                        store.as_ref(),
                        &path,
                        &format!("{name} was changed since the migration"),
                    ));
                }
            }
        }
        for name in document_names(journal.to.other()) {
            if !kept.old.contains_key(*name) && store.exists(&path.key(name)?)? {
                let reason = format!("{name} was made since the migration");
                return Err(refused(store.as_ref(), &path, &reason));
            }
        }
        let is_kept = !(kept.old.is_empty() && kept.new.is_empty());
        if is_kept && is_there == [false; 2] {
            return Err(refused(store.as_ref(), &path, "was removed since the migration"));
        }
    }
    let known: BTreeSet<_> = journal.nodes.keys().map(String::as_str).collect();
    if let Node::Group(group) = Node::open(Arc::clone(store), root, options)? {
        walk(&group, &mut |node: &Node| {
            if known.contains(below(node.path(), root).as_str()) {
                return Ok(());
            }
            Err(refused(
                store.as_ref(),
                node.path(),
                "was made since the migration",
            ))
        })?;
    }
    Ok(())
}

/// Whether two documents are the same but for consolidated metadata.
pub(super) fn is_same(a: &str, b: &str) -> bool {
    let without = |text: &str| {
        let mut value: Value = serde_json::from_str(text).ok()?;
        if let Some(members) = value.as_object_mut() {
            members.remove("consolidated_metadata");
        }
        Some(value)
    };
    a == b || without(a).is_some_and(|a| Some(a) == without(b))
}
