//! Whether there is room for keys: a file cannot be a folder as well.

use std::{
    collections::HashMap,
    fs::{self, FileType},
    io,
    path::Path,
};

use super::{names::is_debris, store::DirectoryStore};
use crate::{Result, StoreError, StoreKey, StorePrefix};

/// Names the first of the keys that could not be set.
pub(super) fn check_set(store: &DirectoryStore, keys: &[StoreKey]) -> Result<()> {
    let mut folders = Folders {
        store,
        found: HashMap::new(),
    };
    let parents = keys.iter().map(|key| {
        refuse_debris(key)?;
        match folders.found.get(key.folder()) {
            Some(is_there) => Ok(*is_there),
            None => folders.is_there(key, key.parent()),
        }
    });
    let parents: Vec<_> = parents.collect::<Result<_>>()?;
    let mut below = String::new();
    for (key, has_parent) in keys.iter().zip(parents) {
        below.clear();
        below.extend([key.as_str(), "/"]);
        if folders.found.contains_key(below.as_str()) {
            return Err(store.conflict(key.as_str(), "a key that is to be set lies below it"));
        }
        let failed = |error| store.refused("reading", key.as_str(), error);
        if has_parent
            && kind_at(store, key.as_str())
                .map_err(failed)?
                .is_some_and(|kind| kind.is_dir())
        {
            return Err(store.conflict(key.as_str(), "a folder is in the place of the value"));
        }
    }
    Ok(())
}

/// Refuses a name that would not be listed.
pub(super) fn refuse_debris(key: &StoreKey) -> Result<()> {
    if is_debris(key.name()) {
        return Err(StoreError::InvalidKey {
            key: key.as_str().to_owned(),
            reason: "a name that is never listed",
        });
    }
    Ok(())
}

/// The folders that keys need, and whether there is anything in them; below one that is not there, or is empty as in a
/// new tree, nothing is asked.
struct Folders<'a> {
    store: &'a DirectoryStore,
    found: HashMap<StorePrefix, bool>,
}

impl Folders<'_> {
    fn is_there(&mut self, key: &StoreKey, folder: StorePrefix) -> Result<bool> {
        if let Some(is_there) = self.found.get(&folder) {
            return Ok(*is_there);
        }
        let is_there = match folder.parent() {
            Some(above) => self.is_there(key, above)? && self.is_folder(key, &folder)?,
            None => self.is_folder(key, &folder)?,
        };
        self.found.insert(folder, is_there);
        Ok(is_there)
    }

    fn is_folder(&self, key: &StoreKey, folder: &StorePrefix) -> Result<bool> {
        let Self { store, .. } = self;
        let path = store.root.join(folder.as_str().trim_end_matches('/'));
        let failed = |error| store.refused("reading", key.as_str(), error);
        match kind_at(store, folder.as_str().trim_end_matches('/')).map_err(failed)? {
            None => Ok(false),
            Some(kind) if kind.is_dir() || kind.is_symlink() && path.is_dir() => Ok(!is_empty(&path)),
            Some(_) => Err(failed(io::ErrorKind::NotADirectory.into())),
        }
    }
}

/// Whether nothing is in a folder; one that cannot be read may have anything.
fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// What has a name, links not followed; `None` when nothing has.
fn kind_at(store: &DirectoryStore, below: &str) -> io::Result<Option<FileType>> {
    match fs::symlink_metadata(store.root.join(below)) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
