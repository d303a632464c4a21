//! Which files and folders are keys and prefixes.

use std::{
    fs::{self, DirEntry},
    io,
    os::unix::fs::MetadataExt,
};

use super::{names::is_debris, store::DirectoryStore, trees::is_absent};
use crate::{Listing, Result, Store, StoreError, StorePrefix, key::PARTIAL_SUFFIX, stores::Strays};

pub(super) fn list_dir(store: &DirectoryStore, prefix: &StorePrefix) -> Result<Listing> {
    let failed = |error| StoreError::io("listing", store.describe(prefix.as_str()), error);
    let mut listing = Listing::default();
    if store.strays == Strays::Refused {
        refuse_outer(store, prefix.as_str().trim_end_matches('/'))?;
    }
    let entries = match fs::read_dir(store.root.join(prefix.as_str())) {
        Ok(entries) => entries,
        Err(error) if is_absent(&error) => return store.check_pinned(prefix.as_str()).map(|()| listing),
        Err(error) => return Err(failed(error)),
    };
    for entry in entries {
        list_entry(store, prefix, &entry.map_err(failed)?, &mut listing)?;
    }
    store.check_pinned(prefix.as_str())?;
    listing.keys.sort_unstable();
    listing.prefixes.sort_unstable();
    Ok(listing)
}

/// Lists a name if it is a key or a prefix.
///
/// What is neither file nor folder is listed too: reading it is an error, and it should be met.
fn list_entry(
    store: &DirectoryStore,
    prefix: &StorePrefix,
    entry: &DirEntry,
    listing: &mut Listing,
) -> Result<()> {
    let name = entry.file_name();
    let name = match name.to_str() {
        None => {
            let key = format!("{prefix}{}", name.to_string_lossy());
            let reason = "not UTF-8";
            let refused = Err(StoreError::InvalidKey { key, reason });
            return store.strays.known("", refused).map(|_: Option<()>| ());
        }
        Some(name) if name.ends_with(PARTIAL_SUFFIX) => return Ok(()),
        Some(name) => name,
    };
    let failed = |error| StoreError::io("listing", store.describe(prefix.as_str()), error);
    let Some(is_folder) = is_folder(store, prefix, entry).map_err(failed)? else {
        return Ok(());
    };
    if is_folder {
        listing
            .prefixes
            .extend(store.strays.known(name, prefix.child(name))?);
    } else if !is_debris(name) {
        listing.keys.extend(store.strays.known(name, prefix.key(name))?);
        let is_link = || entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if store.strays == Strays::Refused && is_link() {
            refuse_outer(store, &format!("{prefix}{name}"))?;
        }
    }
    Ok(())
}

/// Refuses a file or folder that lies outside the root, where a link leads.
fn refuse_outer(store: &DirectoryStore, below: &str) -> Result<()> {
    if below.is_empty() {
        return Ok(());
    }
    let is_inside = || -> io::Result<bool> {
        let place = store.root.join(below).canonicalize()?;
        Ok(place.starts_with(store.root.canonicalize()?))
    };
    match is_inside() {
        Ok(false) => Err(store.conflict(below, "a link leads out of the store")),
        // What cannot be reached cannot be read either, and reading it says why.
        Ok(true) | Err(_) => Ok(()),
    }
}

/// Whether an entry is a folder; `None` when it leads nowhere new.
fn is_folder(store: &DirectoryStore, prefix: &StorePrefix, entry: &DirEntry) -> io::Result<Option<bool>> {
    let kind = match entry.file_type() {
        Ok(kind) => kind,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    if !kind.is_symlink() {
        return Ok(Some(kind.is_dir()));
    }
    match fs::metadata(entry.path()) {
        Ok(found) if found.is_dir() => {
            let goes_back = is_above(store, prefix, (found.dev(), found.ino()))?;
            Ok((!goes_back).then_some(true))
        }
        Err(error) if is_absent(&error) => Ok(None),
        // A link to itself is not missing: reading it says what is wrong.
        _ => Ok(Some(false)),
    }
}

/// Whether a folder is that of the prefix or one above it: a walk through it would never end.
fn is_above(store: &DirectoryStore, prefix: &StorePrefix, folder: (u64, u64)) -> io::Result<bool> {
    let mut path = store.root.clone();
    let mut parts = prefix.as_str().split_terminator('/');
    loop {
        let found = fs::metadata(&path)?;
        if (found.dev(), found.ino()) == folder {
            return Ok(true);
        }
        match parts.next() {
            Some(part) => path.push(part),
            None => return Ok(false),
        }
    }
}
