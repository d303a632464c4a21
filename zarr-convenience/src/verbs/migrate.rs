//! `migrate`: the documents of a hierarchy in the other format, while its chunks stay where they are.
//!
//! ```text
//! 1. every node gets its new documents      killed here: both are there, and say the same
//! 2. every node loses its old documents     killed here: some nodes have both; the same command goes on
//! ```

use std::sync::Arc;

use zarr_core::{
    Node, NodePath, Options, ZarrFormat, document_names, outdate,
    store::{Store, StoreError, StoreExt, StoreKey},
    walk,
};

use crate::{Error, Result};

/// A node that is to have documents in the other format.
#[derive(Debug)]
pub struct MigrationStep {
    /// Where the node is.
    pub path: NodePath,
    /// Whether it is an array.
    pub is_array: bool,
    /// What it is now.
    pub from: ZarrFormat,
    /// Why its documents have no form in the other format.
    pub blocker: Option<Error>,
    documents: Vec<(StoreKey, Vec<u8>)>,
}

/// What [`migrate`] will do.
#[derive(Debug)]
pub struct Migration {
    /// The format that all nodes are to have.
    pub to: ZarrFormat,
    /// The nodes that do not have it, each before those below it.
    pub steps: Vec<MigrationStep>,
    /// Nodes that have it already, and may yet have documents of the other format.
    done: Vec<NodePath>,
}

impl Migration {
    /// The nodes whose documents have no form in the other format.
    pub fn blocked(&self) -> impl Iterator<Item = (&MigrationStep, &Error)> {
        self.steps
            .iter()
            .filter_map(|step| Some((step, step.blocker.as_ref()?)))
    }
}

/// Finds out what the documents of a node and of all nodes below it are in another format; nothing is written.
///
/// # Errors
/// [`zarr_core::Error::NotFound`] when nothing is there, and what may go wrong with a document.
pub fn plan_migration(
    store: &Arc<dyn Store>,
    path: &NodePath,
    to: ZarrFormat,
    options: &Options,
) -> Result<Migration> {
    let mut migration = Migration {
        to,
        steps: Vec::new(),
        done: Vec::new(),
    };
    let node = Node::open(Arc::clone(store), path, options)?;
    let mut add = |node: &Node| add(store, node, options, &mut migration);
    add(&node)?;
    if let Node::Group(group) = &node {
        walk(group, &mut add)?;
    }
    Ok(migration)
}

fn add(store: &Arc<dyn Store>, node: &Node, options: &Options, migration: &mut Migration) -> Result<()> {
    // A node may have documents of both formats, from when this was stopped.
    let Some(old) = Node::find(store, node.path(), options, Some(migration.to.other()))? else {
        migration.done.push(node.path().clone());
        return Ok(());
    };
    let (documents, blocker) = match old.in_other_format() {
        Ok(documents) => {
            let differs = differing(store.as_ref(), &documents)?;
            (documents, differs)
        }
        Err(error @ zarr_core::Error::Store(_)) => return Err(error.into()),
        Err(error) => (Vec::new(), Some(error.into())),
    };
    migration.steps.push(MigrationStep {
        path: old.path().clone(),
        is_array: matches!(old, Node::Array(_)),
        from: old.format(),
        blocker,
        documents,
    });
    Ok(())
}

/// Why documents cannot be set: others are there, which are not for us to replace.
fn differing(store: &dyn Store, documents: &[(StoreKey, Vec<u8>)]) -> Result<Option<Error>> {
    for (key, document) in documents {
        let found = store.get(key, document.len() as u64);
        let is_free = match &found {
            Ok(found) => found.as_ref().is_none_or(|found| found == document),
            Err(StoreError::TooLarge { .. }) => false,
            Err(_) => found.map(|_| true)?,
        };
        if !is_free {
            return Ok(Some(Error::Refused {
                what: store.describe(key.as_str()),
                reason: "says something else than the documents of the other format".to_owned(),
            }));
        }
    }
    Ok(None)
}

/// Gives all nodes their documents in the other format, and then takes the old ones away.
///
/// No chunk is read or moved. Consolidated metadata are dropped.
///
/// # Errors
/// [`Error::Refused`] when a node is blocked, before anything is written. When the store fails, the old documents are
/// all there or, once all new ones are, some of them; the same call goes on.
pub fn migrate(store: &Arc<dyn Store>, migration: &Migration) -> Result<()> {
    if let Some((step, blocker)) = migration.blocked().next() {
        let others = migration.blocked().count() - 1;
        let more = if others == 0 {
            String::new()
        } else {
            format!(" (and {others} more)")
        };
        return Err(Error::Refused {
            what: step.path.to_string(),
            reason: format!("cannot be migrated: {blocker}{more}"),
        });
    }
    for step in &migration.steps {
        outdate(store.as_ref(), &step.path)?;
    }
    if let Err(error) = write(store.as_ref(), migration) {
        take_back(store.as_ref(), migration);
        return Err(error);
    }
    store.flush()?;
    let migrated = migration.steps.iter().map(|step| &step.path);
    // From the bottom, so that what is not done yet is found from the top.
    for path in migrated.chain(&migration.done).rev() {
        for name in document_names(migration.to.other()) {
            store.erase(&path.key(name)?)?;
        }
    }
    Ok(store.flush()?)
}

fn write(store: &dyn Store, migration: &Migration) -> Result<()> {
    for step in migration.steps.iter().rev() {
        for (key, document) in &step.documents {
            store.set(key, document)?;
        }
    }
    Ok(())
}

/// Removes the new documents; the old ones are all there.
fn take_back(store: &dyn Store, migration: &Migration) {
    for (key, _) in migration.steps.iter().flat_map(|step| &step.documents) {
        // What cannot be removed says the same as the old ones do; the error that led here is the one to report.
        let _ = store.erase(key);
    }
}
