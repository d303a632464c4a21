//! `copy_store` (`v2-semantics` 7): keys and values from store to store, as they are.

use std::sync::Arc;

use regex::Regex;
use zarr_core::{
    NodePath,
    store::{ByteRange, ReadBuffer, Store, StoreExt, StoreKey},
};

use crate::{Copied, Error, IfExists, Result};

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
    /// Takes the lines of the log.
    pub log: Option<&'a mut dyn FnMut(&str)>,
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
/// Clashes are found before the first key is written. Documents are written after all other keys, so that a
/// copy that ends half-way has no arrays that lack chunks.
///
/// # Errors
/// [`Error::Copy`] when a key is there already, [`Error::Argument`] for `SkipInitialized`; when a store fails.
pub fn copy_store(
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    mut options: CopyStoreOptions<'_>,
) -> Result<Copied> {
    if options.if_exists == IfExists::SkipInitialized {
        let reason = "if_exists must be one of ['raise', 'replace', 'skip']; found 'skip_initialized'";
        return Err(Error::Argument(reason.to_owned()));
    }
    let mut silent = |_: &str| ();
    let log: &mut dyn FnMut(&str) = options.log.take().unwrap_or(&mut silent);
    let mut copied = Copied::default();
    let mut buffer = ReadBuffer::new();
    let mut documents = Vec::new();
    // Where all keys are seen at once, they are written in their order.
    let is_deferred = dest.capabilities().deferred;
    let steps = plan(source, dest, &options)?;
    for KeyStep { from, to, skip } in &steps {
        let label = if from == to {
            from.to_string()
        } else {
            format!("{from} -> {to}")
        };
        if *skip {
            log(&format!("skip {label}"));
            copied.n_skipped += 1;
            continue;
        }
        log(&format!("copy {label}"));
        copied.n_copied += 1;
        if options.dry_run {
            continue;
        }
        if !is_deferred && is_document(from) {
            documents.push((from, to));
        } else {
            copied.n_bytes_copied += copy_key(source, from, dest, to, &mut buffer)?;
        }
    }
    // Members come before the groups they are in, and their chunks before both.
    for (from, to) in documents.into_iter().rev() {
        copied.n_bytes_copied += copy_key(source, from, dest, to, &mut buffer)?;
    }
    if !options.dry_run {
        dest.flush()?;
    }
    log(&copied.summary(options.dry_run));
    Ok(copied)
}

/// Whether a key makes a node of its folder, which is not seen before.
fn is_document(key: &StoreKey) -> bool {
    let name = key.as_str().rsplit('/').next();
    matches!(name, Some(".zarray" | ".zgroup" | ".zmetadata" | "zarr.json"))
}

/// Copies a key, and tells how many bytes it has.
fn copy_key(
    source: &Arc<dyn Store>,
    from: &StoreKey,
    dest: &Arc<dyn Store>,
    to: &StoreKey,
    buffer: &mut ReadBuffer,
) -> Result<u64> {
    if !source.get_ranges(from, &[ByteRange::All], buffer)? {
        return Ok(0);
    }
    dest.set(to, buffer.part(0))?;
    Ok(buffer.part(0).len() as u64)
}

/// One key to be copied.
struct KeyStep {
    from: StoreKey,
    to: StoreKey,
    skip: bool,
}

fn plan(
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    options: &CopyStoreOptions<'_>,
) -> Result<Vec<KeyStep>> {
    let prefix = options.source_path.prefix();
    let mut steps = Vec::new();
    for from in source.list_prefix(prefix)? {
        let is_in = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(from.as_str()));
        if is_in(&options.excludes) && !is_in(&options.includes) {
            continue;
        }
        let to = options.dest_path.key(prefix.strip(&from).unwrap_or_default())?;
        let exists = options.if_exists != IfExists::Replace && dest.exists(&to)?;
        if exists && options.if_exists == IfExists::Raise {
            return Err(Error::Copy(format!("key '{to}' exists in destination")));
        }
        steps.push(KeyStep {
            from,
            to,
            skip: exists,
        });
    }
    Ok(steps)
}
