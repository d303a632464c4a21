//! `migrate`: the documents of a hierarchy in the other format, while its chunks stay where they are.
//!
//! ```text
//! 1. every node gets its new documents      killed here: both are there, and say the same
//! 2. every node loses its old documents     killed here: some nodes have both; the same command goes on
//! ```

use std::{collections::BTreeMap, sync::Arc};

use zarr_core::{
    Node, NodePath, Options, ZarrFormat, document_names, outdate,
    store::{Store, StoreError, StoreExt, StoreKey},
    walk,
};

use super::{
    migration_journal::{JOURNAL_SIZE_MAX, Journal, Kept, State, below, names, read_text},
    roll_back::is_same,
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
    /// The highest of the nodes.
    root: NodePath,
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
        root: path.clone(),
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

/// Gives all nodes their documents in the other format, and then takes the old ones away, but for a copy in the journal
/// [`crate::MIGRATION_JOURNAL`], from which [`crate::roll_back_migration`] brings them back.
///
/// No chunk is read or moved. Consolidated metadata are dropped.
///
/// # Errors
/// [`Error::Refused`] when a node is blocked, or when another migration was stopped, or when the journal
/// would take more than 1 GiB, before anything is written. When
/// the store fails, the old documents are all there or, once all new ones are, some of them; the same call goes on.
pub fn migrate(store: &Arc<dyn Store>, migration: &Migration) -> Result<()> {
    migrate_within(store, migration, JOURNAL_SIZE_MAX)
}

/// The same with a journal of at most so many bytes.
fn migrate_within(store: &Arc<dyn Store>, migration: &Migration, journal_size_max: u64) -> Result<()> {
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
    let root = &migration.root;
    let before = Journal::read(store.as_ref(), root)?;
    let goes_on = before
        .as_ref()
        .is_some_and(|journal| journal.state == State::Migrating);
    if migration.steps.is_empty() && !goes_on {
        return Ok(());
    }
    let mut journal = journal_of(store.as_ref(), migration, before.as_ref())?;
    if let Some(before) = &before {
        before.sweep(store.as_ref(), root)?;
    }
    journal.write_within(store.as_ref(), root, journal_size_max)?;
    if let Err(error) = write(store.as_ref(), migration) {
        take_back(store.as_ref(), migration);
        if !goes_on {
            // What cannot be set says that this was stopped, which is true.
            let _ = match &before {
                Some(before) => before.write(store.as_ref(), root),
                None => Journal::key(root).and_then(|key| Ok(store.erase(&key)?)),
            };
        }
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
    store.flush()?;
    journal.state = State::Migrated;
    journal.write(store.as_ref(), root)
}

/// What is to be kept of a migration, and of one that it continues.
fn journal_of(store: &dyn Store, migration: &Migration, before: Option<&Journal>) -> Result<Journal> {
    let mut nodes = BTreeMap::new();
    if let Some(before) = before {
        let continues = before.to == migration.to && before.state != State::RollingBack;
        if !continues && before.state != State::Migrated {
            return Err(Error::Refused {
                what: store.describe(Journal::key(&migration.root)?.as_str()),
                reason: format!(
                    "a migration to {} was stopped while {}; complete it or roll it back first",
                    before.to,
                    before.state.name()
                ),
            });
        }
        if continues {
            nodes.clone_from(&before.nodes);
        }
    }
    let steps = migration
        .steps
        .iter()
        .map(|step| (&step.path, step.documents.as_slice()));
    for (path, documents) in steps.chain(migration.done.iter().map(|path| (path, &[][..]))) {
        let kept: &mut Kept = nodes.entry(below(path, &migration.root)).or_default();
        for name in names(migration.to.other()) {
            let now = read_text(store, &path.key(name)?)?;
            let was = kept.old.get(name);
            // What was kept has the consolidated metadata that are dropped first.
            if let Some(now) = now.filter(|now| !was.is_some_and(|was| is_same(was, now))) {
                kept.old.insert(name.to_owned(), now);
            }
        }
        for (key, document) in documents {
            let name = key.as_str().rsplit('/').next().unwrap_or_default();
            kept.new
                .insert(name.to_owned(), String::from_utf8_lossy(document).into_owned());
        }
    }
    Ok(Journal {
        to: migration.to,
        state: State::Migrating,
        nodes,
    })
}

fn write(store: &dyn Store, migration: &Migration) -> Result<()> {
    for step in &migration.steps {
        outdate(store, &step.path)?;
    }
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

#[cfg(test)]
mod tests {
    use zarr_core::{
        ArrayBuilder, Group,
        codecs::DataType,
        store::{Bytes, MemoryStore, StorePrefix},
    };

    use super::*;
    use crate::roll_back_migration;

    fn hierarchy() -> Arc<dyn Store> {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let (options, root) = (Options::default(), NodePath::root());
        Group::create(Arc::clone(&store), &root, ZarrFormat::V2, &options).unwrap();
        let path = NodePath::new("a").unwrap();
        let builder = ArrayBuilder::new(vec![3], DataType::Int8);
        builder.create(Arc::clone(&store), &path, &options).unwrap();
        store
    }

    fn values(store: &dyn Store) -> Vec<(StoreKey, Bytes)> {
        let keys = store.list_prefix(&StorePrefix::root()).unwrap().into_iter();
        keys.map(|key| (key.clone(), store.get(&key, 1 << 20).unwrap().unwrap()))
            .collect()
    }

    #[test]
    fn a_journal_that_is_too_large_is_refused_before_anything_is_written() {
        let options = Options::default();
        let (store, root) = (hierarchy(), NodePath::root());
        let before = values(store.as_ref());
        let plan = || plan_migration(&store, &root, ZarrFormat::V3, &options).unwrap();
        // That of a way back is the longest.
        migrate(&store, &plan()).unwrap();
        let key = Journal::key(&root).unwrap();
        let size = store.size(&key).unwrap().unwrap() + ("rolling back".len() - "migrated".len()) as u64;
        roll_back_migration(&store, &root, &options).unwrap();
        assert_eq!(values(store.as_ref()), before);

        let refused = migrate_within(&store, &plan(), size - 1).unwrap_err();
        let facts = format!("{size} bytes, limit {}", size - 1);
        assert!(refused.to_string().contains(&facts), "{refused}");
        assert!(refused.to_string().contains(".zarr-migration"), "{refused}");
        assert_eq!(values(store.as_ref()), before);

        migrate_within(&store, &plan(), size).unwrap();
        let mut journal = Journal::read(store.as_ref(), &root).unwrap().unwrap();
        journal.state = State::RollingBack;
        journal.write_within(store.as_ref(), &root, size).unwrap();
        assert_eq!(store.size(&key).unwrap(), Some(size));
        roll_back_migration(&store, &root, &options).unwrap();
        assert_eq!(values(store.as_ref()), before);
    }
}
