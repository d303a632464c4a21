//! `copy_store` (`v2-semantics` 7): keys and values from store to store, as they are.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use regex::Regex;
use zarr_core::{
    NodePath, Workers, list_keys,
    store::{Store, StoreError, StoreExt, StoreKey},
    walk_folders,
};

use super::{
    copy_keys::{self, KeyAction, KeyPlan, KeyStep},
    key_documents::KeyDocuments,
};
use crate::{Cancel, Copied, Error, Found, IfExists, Ledger, Progress, Result};

/// How stores are copied.
#[derive(Default)]
pub struct CopyStoreOptions<'a> {
    /// Only keys below this path are copied.
    pub source_path: NodePath,
    /// Where they go.
    pub dest_path: NodePath,
    /// Keys in which one of these is found are left out ([`pattern`](crate::pattern) makes them) ...
    pub excludes: Vec<Regex>,
    /// ... unless one of these is found in them too.
    pub includes: Vec<Regex>,
    /// What is done with keys that are there already; `SkipInitialized` is not for keys.
    pub if_exists: IfExists,
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// How many threads may work at once.
    pub workers: Workers,
    /// The most bytes that values may take at once; fewer threads work where they would need more.
    pub memory: Option<u64>,
    /// Notes what is done, so that the copy can be continued.
    pub ledger: Option<&'a Ledger>,
    /// Stops the copy from outside.
    pub cancel: Cancel,
    /// Takes the lines of the log, before the first key is copied.
    pub log: Option<&'a mut dyn FnMut(&str)>,
    /// Is told how far the copy has come; called from several threads.
    pub progress: Option<&'a (dyn Fn(Progress<'_>) + Sync)>,
}

impl std::fmt::Debug for CopyStoreOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyStoreOptions")
            .field("source_path", &self.source_path)
            .field("dest_path", &self.dest_path)
            .field("if_exists", &self.if_exists)
            .finish_non_exhaustive()
    }
}

/// Copies keys and their values from one store to another, by code point of the keys.
///
/// Clashes, also those of files with folders, are found before the first key is written. Documents are written after
/// all other keys, so that a copy that ends half-way has no arrays that lack chunks.
///
/// Where nodes are copied, groups are made of the folders above `dest_path` that are none yet, after all else.
/// Consolidated metadata that would not be right in the destination ([`KeyDocuments`]) are left out, which the log
/// shows as skipped, or in V3 taken out of the document of their group; those that the destination has of what
/// changes go.
///
/// [`KeyDocuments`]: crate::KeyDocuments
///
/// # Errors
/// [`Error::Copy`] when a key is there already, [`Error::Argument`] for `SkipInitialized`; when the destination has
/// no room for a key ([`Store::check_set`]); [`Error::Vanished`] when the source loses a key meanwhile; when a store fails.
pub fn copy_store(
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    options: CopyStoreOptions<'_>,
) -> Result<Copied> {
    let plan = plan_copy_store(source, dest, &options)?;
    copy_keys::run_keys(&plan, source, dest, options)
}

/// Plans a [`copy_store`]; nothing is written.
///
/// The sizes of values are found where something depends on them: in a dry run, for [`CopyStoreOptions::memory`] and
/// [`CopyStoreOptions::progress`], and for stores that are far away.
///
/// # Errors
/// Those of [`copy_store`], but for those of writing.
pub fn plan_copy_store(
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    options: &CopyStoreOptions<'_>,
) -> Result<KeyPlan> {
    if options.if_exists == IfExists::SkipInitialized {
        let reason = "if_exists must be one of ['raise', 'replace', 'skip']; found 'skip_initialized'";
        return Err(Error::Argument(reason.to_owned()));
    }
    let (keys, has_all) = chosen(source, options)?;
    let sizes = if needs_sizes(source.as_ref(), dest.as_ref(), options) {
        copy_keys::sizes(source, &keys, options.workers)?
    } else {
        vec![None; keys.len()]
    };
    let to_keys = keys.iter().map(|from| {
        let below = options.source_path.prefix().strip(from).unwrap_or_default();
        Ok(options.dest_path.key(below)?)
    });
    let to_keys = to_keys.collect::<Result<Vec<_>>>()?;
    let mut present = Present {
        dest: dest.as_ref(),
        dest_path: &options.dest_path,
        workers: options.workers,
        ledger: options.ledger,
        keys: &to_keys,
        found: None,
    };
    let mut exists = Vec::with_capacity(keys.len());
    for (index, to) in to_keys.iter().enumerate() {
        exists.push(options.if_exists != IfExists::Replace && present.has(index)?);
        if exists[index] && options.if_exists == IfExists::Raise {
            return Err(Error::Copy(format!("key '{to}' exists in destination")));
        }
    }
    let mut steps = Vec::with_capacity(keys.len());
    let ends = keys.into_iter().zip(to_keys);
    for (((from, to), size), exists) in ends.zip(sizes).zip(exists) {
        if let (Some(limit), Some(size)) = (options.memory, size)
            && size > limit
            && !exists
        {
            return Err(Error::Refused {
                what: source.describe(from.as_str()),
                reason: format!("copying it takes {size} bytes of memory at once, limit {limit}"),
            });
        }
        let action = if exists { KeyAction::Skip } else { KeyAction::Copy };
        steps.push(KeyStep {
            from,
            to,
            action,
            size,
        });
    }
    let into = (dest, &options.dest_path);
    let documents = KeyDocuments::plan(&mut steps, into, has_all, options.ledger)?;
    let mut plan = KeyPlan { steps, documents };
    plan.measure_changed(source.as_ref(), options.workers)?;
    let set: Vec<_> = plan.copied().map(|step| step.to.clone()).collect();
    dest.check_set(&set)?;
    Ok(plan)
}

/// Whether anything depends on the sizes of values, which local stores are asked for one by one: half as dear as
/// reading small ones.
fn needs_sizes(source: &dyn Store, dest: &dyn Store, options: &CopyStoreOptions<'_>) -> bool {
    let is_told = options.dry_run || options.memory.is_some() || options.progress.is_some();
    let in_flight = |store: &dyn Store| options.workers.requests(store);
    is_told || in_flight(source).max(in_flight(dest)) > 1
}

/// The keys that are to be copied, by code point, and whether they are all there are.
fn chosen(source: &Arc<dyn Store>, options: &CopyStoreOptions<'_>) -> Result<(Vec<StoreKey>, bool)> {
    let is_in =
        |patterns: &[Regex], key: &StoreKey| patterns.iter().any(|pattern| pattern.is_match(key.as_str()));
    let mut keys = list_keys(source.as_ref(), options.source_path.prefix(), options.workers)?;
    let n_keys = keys.len();
    keys.retain(|key| !is_in(&options.excludes, key) || is_in(&options.includes, key));
    let has_all = keys.len() == n_keys;
    Ok((keys, has_all))
}

/// Which keys are in the destination, or were when a copy began that is continued.
struct Present<'a> {
    dest: &'a dyn Store,
    dest_path: &'a NodePath,
    workers: Workers,
    ledger: Option<&'a Ledger>,
    /// The keys that are asked for, by code point.
    keys: &'a [StoreKey],
    /// Whether each is there, once anything was asked.
    found: Option<Vec<bool>>,
}

impl Present<'_> {
    fn has(&mut self, index: usize) -> Result<bool> {
        let Some(ledger) = self.ledger else {
            return self.ask(index);
        };
        let what = format!("key {}", self.keys[index]);
        let ask = || Ok(self.ask(index)?.then_some(Found::Array));
        Ok(ledger.found(&what, ask)?.is_some())
    }

    fn ask(&mut self, index: usize) -> Result<bool> {
        let found = match self.found.take() {
            Some(found) => found,
            None if self.dest.capabilities().lists => self.listed()?,
            None => self.asked()?,
        };
        Ok(self.found.insert(found)[index])
    }

    /// Lists the folders that keys lie in: of a new store there is one.
    fn listed(&self) -> Result<Vec<bool>> {
        let root = self.dest_path.prefix();
        let mut folders = HashSet::new();
        for key in self.keys {
            let mut folder = key.folder();
            while folder.len() > root.as_str().len() && folders.insert(folder) {
                let above = folder.trim_end_matches('/').rfind('/');
                folder = &folder[..above.map_or(0, |end| end + 1)];
            }
        }
        let mut found = vec![false; self.keys.len()];
        walk_folders::<StoreError>(self.dest, root, self.workers, &mut |listing| {
            for key in &listing.keys {
                if let Ok(index) = self.keys.binary_search(key) {
                    found[index] = true;
                }
            }
            listing
                .prefixes
                .retain(|prefix| folders.contains(prefix.as_str()));
            Ok(())
        })?;
        Ok(found)
    }

    /// Asks for each key.
    fn asked(&self) -> Result<Vec<bool>> {
        let found: Vec<_> = self.keys.iter().map(|_| AtomicBool::new(false)).collect();
        let workers = self.workers.for_answers(self.dest);
        workers.for_each(self.keys.len(), &|index| {
            let exists = self.dest.exists(&self.keys[index])?;
            found[index].store(exists, Ordering::Relaxed);
            Ok::<_, Error>(())
        })?;
        Ok(found.into_iter().map(AtomicBool::into_inner).collect())
    }
}
