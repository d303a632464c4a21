//! Folders as a whole: listing, making, removing and replacing them.

use std::{
    fs::{self, FileType},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{ffi::OsStrExt, fs::MetadataExt},
    },
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use super::{
    aside,
    names::with_path,
    store::{DirectoryStore, Durability, Hidden},
    write::{exchange, write_value},
};
use crate::{
    Result, Staged, Store, StoreKey, StorePrefix,
    key::PARTIAL_SUFFIX,
    stores::{
        sync::sync_directory,
        temporary::{Temporary, mixed, rename_to_absent, sweep_beside, sweep_folder},
    },
};

/// How often publishing begins again because another process made or removed the target meanwhile.
const ATTEMPTS_MAX: usize = 16;

/// Makes the folder of a key and those above it.
pub(super) fn make_folder(store: &DirectoryStore, key: &StoreKey) -> Result<()> {
    let folder = store.root.join(key.parent().as_str());
    fs::create_dir_all(folder).map_err(|error| {
        // The latter is said when the last part itself is the file.
        let error = if error.kind() == io::ErrorKind::AlreadyExists {
            io::ErrorKind::NotADirectory.into()
        } else {
            error
        };
        store.refused("writing", key.as_str(), error)
    })
}

pub(super) fn erase_prefix(store: &DirectoryStore, prefix: &StorePrefix) -> Result<()> {
    if prefix.is_root() {
        return Err(store.conflict("", "the root is only emptied by `clear`"));
    }
    let failed = |error| store.refused("erasing", prefix.as_str(), error);
    let target = path_of(store, prefix);
    let kind = match kind_of(&target) {
        Ok(Some(kind)) => kind,
        Ok(None) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    refuse_outside(store, prefix, &target)?;
    if kind.is_symlink() {
        if target.is_dir() {
            fs::remove_file(&target).map_err(failed)?;
        }
    } else if kind.is_dir() {
        remove_folder(&target).map_err(failed)?;
    }
    store.sync_names(prefix.as_str(), false).map_err(failed)
}

/// Makes a folder with values under a temporary name, and renames it to one that is free.
pub(super) fn set_new(
    store: &DirectoryStore,
    prefix: &StorePrefix,
    values: &[(&str, &[u8])],
    ready: &mut dyn FnMut() -> bool,
) -> Result<bool> {
    if let Some(hidden) = store.hidden.as_ref().filter(|hidden| !hidden.lasts) {
        return set_hidden(store, hidden, prefix, values, ready);
    }
    let target = path_of(store, prefix);
    if !matches!(kind_of(&target), Ok(None)) || !ready() {
        return Ok(false);
    }
    for _ in 0..ATTEMPTS_MAX {
        // What is wrong above is told by who sets the values one by one.
        let Ok(folder) = Temporary::unlocked_directory_beside(&target) else {
            return Ok(false);
        };
        let result =
            write_values(store, CWD, folder.path(), values).and_then(|()| folder.place_for_good(&target));
        match result {
            Ok(()) => {
                store.unsynced.note();
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            // It was swept away, for it is not locked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(store.refused("writing", prefix.as_str(), error)),
        }
    }
    Ok(false)
}

/// Makes a folder with values where nobody looks, so at once under its name.
fn set_hidden(
    store: &DirectoryStore,
    hidden: &Hidden,
    prefix: &StorePrefix,
    values: &[(&str, &[u8])],
    ready: &mut dyn FnMut() -> bool,
) -> Result<bool> {
    let failed = |error| store.refused("writing", prefix.as_str(), error);
    let (root, folder) = (hidden.root.as_fd(), prefix.as_str().trim_end_matches('/'));
    match with_path(None, folder, |path| mkdirat(root, path, Mode::from(0o777))) {
        Ok(()) => {}
        // Something has the name, or those above are still to be made by who sets the values one by one.
        Err(Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => return Ok(false),
        Err(error) => return Err(failed(error.into())),
    }
    let is_ready = ready();
    let result = if is_ready {
        write_values(store, root, Path::new(folder), values)
    } else {
        Ok(())
    };
    if !is_ready || result.is_err() {
        fs::remove_dir_all(path_of(store, prefix)).map_err(failed)?;
    }
    result.map_err(failed)?;
    store.unsynced.note();
    Ok(is_ready)
}

/// Writes values into a new folder that nobody looks into.
fn write_values(
    store: &DirectoryStore,
    from: BorrowedFd<'_>,
    folder: &Path,
    values: &[(&str, &[u8])],
) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    for (name, value) in values {
        let file = with_path(Some(folder), name, |path| {
            openat(from, path, flags, Mode::from(0o666))
        })?;
        let mut file = fs::File::from(file);
        let syncs = store.syncs(&file);
        write_value(&mut file, value, syncs)?;
    }
    Ok(())
}

/// Removes a folder, which first vanishes as a whole.
pub(super) fn remove_folder(target: &Path) -> io::Result<()> {
    let aside = Temporary::name_beside(target)?;
    match fs::rename(target, aside.path()) {
        Ok(()) => fs::remove_dir_all(aside.path()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // A mount point cannot be renamed.
        Err(_) => fs::remove_dir_all(target),
    }
}

/// Renames a folder to a name that is free; links are renamed themselves.
pub(super) fn rename_prefix(store: &DirectoryStore, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
    let failed = |error| store.refused("renaming", from.as_str(), error);
    let (source, target) = (path_of(store, from), path_of(store, to));
    if !source.is_dir() {
        return Ok(false);
    }
    refuse_outside(store, from, &source)?;
    if let Some(above) = target.parent() {
        fs::create_dir_all(above).map_err(|error| store.refused("writing", to.as_str(), error))?;
    }
    refuse_outside(store, to, &target)?;
    // An empty folder is no key.
    let _ = fs::remove_dir(&target);
    match rename_to_absent(&source, &target) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(store.conflict(to.as_str(), "something is in the place of the folder"));
        }
        // A mount point cannot be renamed, nor can anything be renamed into another file system.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::CrossesDevices | io::ErrorKind::ResourceBusy
            ) =>
        {
            return Ok(false);
        }
        Err(error) => return Err(failed(error)),
    }
    store.sync_names(to.as_str(), true).map_err(failed)?;
    store.sync_names(from.as_str(), false).map_err(failed)?;
    Ok(true)
}

/// Refuses to remove or replace what lies outside the root, where a link leads.
fn refuse_outside(store: &DirectoryStore, prefix: &StorePrefix, target: &Path) -> Result<()> {
    let is_inside = || -> io::Result<bool> {
        let Some(folder) = target.parent() else {
            return Ok(false);
        };
        Ok(folder.canonicalize()?.starts_with(store.root.canonicalize()?))
    };
    match is_inside() {
        Ok(true) => Ok(()),
        Ok(false) => Err(store.conflict(prefix.as_str(), "a link above it leaves the store")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(store.refused("reading", prefix.as_str(), error)),
    }
}

/// A folder beside the one whose place it will take.
#[derive(Debug)]
pub(super) struct DirectoryStaged {
    store: Arc<DirectoryStore>,
    /// Removes the new tree when it is dropped, or the old one after the exchange.
    folder: Temporary,
    target: PathBuf,
}

/// Begins a new tree for `prefix`, under a hidden name beside it; for the root, beside the root.
pub(super) fn stage(store: &DirectoryStore, prefix: &StorePrefix) -> Result<DirectoryStaged> {
    stage_in(store, prefix, &|target| Temporary::directory_beside(target))
}

/// Begins or continues the tree of a piece of work.
pub(super) fn stage_lasting(
    store: &DirectoryStore,
    prefix: &StorePrefix,
    work: &str,
    token: Option<u64>,
) -> Result<DirectoryStaged> {
    let keeps = |found: &fs::Metadata| token == Some(token_of(found));
    stage_in(store, prefix, &|target| {
        Temporary::lasting_directory(target, work, keeps)
    })
}

/// What tells a directory from others that have its name.
fn token_of(found: &fs::Metadata) -> u64 {
    mixed([found.dev(), found.ino()])
}

fn stage_in(
    store: &DirectoryStore,
    prefix: &StorePrefix,
    make: &dyn Fn(&Path) -> io::Result<Temporary>,
) -> Result<DirectoryStaged> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ResourceBusy => store.conflict(prefix.as_str(), "another process is doing the same"),
        _ => store.refused("writing", prefix.as_str(), error),
    };
    let mut target = path_of(store, prefix);
    if prefix.is_root() {
        // A root that is itself a link stays one.
        target = match target.canonicalize() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => target,
            other => other.map_err(failed)?,
        };
        if target.file_name().is_none() {
            return Err(store.conflict("", "the root of a file system cannot be replaced"));
        }
    } else {
        refuse_outside(store, prefix, &target)?;
    }
    aside::recover(&target).map_err(failed)?;
    refuse_other_kinds(store, prefix, &target)?;
    let folder = make(&target).map_err(failed)?;
    let root = fs::File::open(folder.path()).map_err(failed)?.into();
    let place = if prefix.is_root() {
        store.place.clone()
    } else {
        store.place.child(prefix.as_str())?
    };
    let mut staged = DirectoryStore::at(folder.path().to_owned(), store.shown.clone(), place)
        .with_durability(store.durability);
    staged.hidden = Some(Hidden::new(root, folder.lasts()));
    staged.unsynced = Arc::clone(&store.unsynced);
    staged.unsynced.note();
    Ok(DirectoryStaged {
        store: Arc::new(staged),
        folder,
        target,
    })
}

/// Refuses a target that is there and no folder; says whether it is there.
fn refuse_other_kinds(store: &DirectoryStore, prefix: &StorePrefix, target: &Path) -> Result<bool> {
    match kind_of(target) {
        Ok(None) => Ok(false),
        Ok(Some(kind)) if kind.is_dir() => Ok(true),
        Ok(Some(kind)) if kind.is_symlink() => {
            Err(store.conflict(prefix.as_str(), "a link is in the place of the folder"))
        }
        Ok(Some(_)) => Err(store.conflict(prefix.as_str(), "a file is in the place of the folder")),
        Err(error) => Err(store.refused("writing", prefix.as_str(), error)),
    }
}

impl Staged for DirectoryStaged {
    fn store(&self) -> Arc<dyn Store> {
        Arc::<DirectoryStore>::clone(&self.store)
    }

    fn token(&self) -> Option<u64> {
        self.folder.metadata().ok().map(|found| token_of(&found))
    }

    fn discard(mut self: Box<Self>) {
        self.folder.make_fleeting();
    }

    fn publish(self: Box<Self>) -> Result<()> {
        let Self {
            store,
            mut folder,
            target,
        } = *self;
        let failed = |error| store.refused("writing", "", error);
        for _ in 0..ATTEMPTS_MAX {
            let is_there = refuse_other_kinds(&store, &StorePrefix::root(), &target)?;
            let result = if is_there {
                exchange(folder.path(), &target)
            } else {
                folder.place(&target)
            };
            match result {
                // From here on the folder holds the old tree, which goes when it is dropped.
                Ok(()) => {
                    folder.make_fleeting();
                    store.unsynced.note();
                    return sync_place(&store, &target).map_err(failed);
                }
                Err(error) if is_absent(&error) || error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Err(failed(io::ErrorKind::ResourceBusy.into()))
    }
}

/// Removes what killed writers left in a folder, and if `deep` in those below.
pub(super) fn sweep(store: &DirectoryStore, folder: &StorePrefix, deep: bool) -> Result<()> {
    let failed = |error| store.refused("sweeping", folder.as_str(), error);
    if folder.is_root() {
        aside::recover(&store.root).map_err(failed)?;
        sweep_beside(&store.root).map_err(failed)?;
    }
    let mut pending = vec![path_of(store, folder)];
    while let Some(folder) = pending.pop() {
        match sweep_folder(&folder, "", aside::recover_from) {
            Err(error) if is_absent(&error) => continue,
            other => other.map_err(failed)?,
        }
        if !deep {
            break;
        }
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let is_hidden = entry.file_name().as_bytes().ends_with(PARTIAL_SUFFIX.as_bytes());
            if !is_hidden && entry.file_type().map_err(failed)?.is_dir() {
                pending.push(entry.path());
            }
        }
    }
    Ok(())
}

fn sync_place(store: &DirectoryStore, target: &Path) -> io::Result<()> {
    match (store.durability, target.parent()) {
        (Durability::Each, Some(above)) => sync_directory(above),
        _ => Ok(()),
    }
}

fn path_of(store: &DirectoryStore, prefix: &StorePrefix) -> PathBuf {
    // Without the slash at the end, which would follow a link.
    let below = prefix.as_str().trim_end_matches('/');
    if below.is_empty() {
        store.root.clone()
    } else {
        store.root.join(below)
    }
}

/// What has a name, links not followed; `None` when nothing has.
fn kind_of(path: &Path) -> io::Result<Option<FileType>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found.file_type())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether nothing has the name: not there, or a part above is a file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
