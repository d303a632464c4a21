//! Replacing a directory where the file system cannot exchange two in one step.
//!
//! Between the two renames that it takes, nothing has the name. Then the old tree lies in a locked directory beside it,
//! whose name no sweep takes for debris. When its owner was killed, whoever opens, stages or sweeps next puts the tree
//! back, or removes it if the new one has its place already.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::{Errno, retry_on_intr},
};

use crate::{
    key::{LASTING_SUFFIX, PARTIAL_SUFFIX},
    stores::temporary::{lasting_sibling, mixed_bytes, remove_at_once, rename_to_absent},
};

/// What the names of such directories have before the ending.
const PART: &str = "replaced";

/// A directory that holds a tree under the name that it had, and an empty directory named after the number of the tree
/// that takes its place.
#[derive(Debug)]
struct Aside {
    path: PathBuf,
    target: PathBuf,
    _lock: File,
}

/// Puts `staged` in the place of `target`, and what was there in the place of `staged`.
///
/// # Errors
/// The old tree then has its place, or gets it back when it is next looked for.
pub(super) fn replace(staged: &Path, target: &Path) -> io::Result<()> {
    let aside = Aside::lock(target)?;
    aside.settle()?;
    // Something else was put in the place of a tree that waits here, and now that is replaced.
    if is_there(&aside.tree())? {
        remove_at_once(&aside.tree(), target)?;
    }
    aside.take(staged)?;
    if let Err(error) = fs::rename(staged, target) {
        rename_to_absent(&aside.tree(), target)?;
        return Err(error);
    }
    // From here on the new tree is in its place, and the old one goes in any case.
    let _ = fs::rename(aside.tree(), staged);
    Ok(())
}

/// Puts back the tree that had the name of `target` when its owner was killed between the renames, and removes one
/// whose place is taken by its successor; leaves alone what a living process is at.
pub(super) fn recover(target: &Path) -> io::Result<()> {
    let Ok(path) = path_of(target) else { return Ok(()) };
    if !is_there(&path)? {
        return Ok(());
    }
    match Aside::open(path, target, FlockOperation::NonBlockingLockExclusive) {
        Ok(aside) => aside.settle(),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotFound) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Does so for the tree that a directory of such a name holds; others are left alone.
pub(super) fn recover_from(path: &Path) -> io::Result<()> {
    let ending = format!(".{PART}{LASTING_SUFFIX}");
    if !path.as_os_str().as_bytes().ends_with(ending.as_bytes()) {
        return Ok(());
    }
    let held = fs::read_dir(path).into_iter().flatten().flatten();
    let tree = held.map(|held| held.file_name()).find(|name| !is_mark(name));
    tree.map_or(Ok(()), |name| recover(&path.with_file_name(name)))
}

impl Aside {
    /// Makes the directory, once no other process has it.
    fn lock(target: &Path) -> io::Result<Self> {
        let path = path_of(target)?;
        loop {
            match fs::create_dir(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            match Self::open(path.clone(), target, FlockOperation::LockExclusive) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => return other,
            }
        }
    }

    /// Locks the directory of a path; `NotFound` when somebody removed it meanwhile.
    fn open(path: PathBuf, target: &Path, how: FlockOperation) -> io::Result<Self> {
        let lock = File::open(&path)?;
        // Where nothing can be locked, whoever is disturbed begins again.
        if retry_on_intr(|| flock(&lock, how)) == Err(Errno::WOULDBLOCK) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if fs::symlink_metadata(&path)?.ino() != lock.metadata()?.ino() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let target = target.to_owned();
        Ok(Self {
            path,
            target,
            _lock: lock,
        })
    }

    /// Where the old tree is.
    fn tree(&self) -> PathBuf {
        self.path.join(self.target.file_name().unwrap_or_default())
    }

    /// Takes the old tree from its place, which the staged one is to get.
    fn take(&self, staged: &Path) -> io::Result<()> {
        self.remove_marks();
        fs::create_dir(self.mark(&fs::symlink_metadata(staged)?))?;
        fs::rename(&self.target, self.tree())
    }

    /// What says which tree is to have the place.
    fn mark(&self, of: &fs::Metadata) -> PathBuf {
        self.path.join(format!("{}{PARTIAL_SUFFIX}", of.ino()))
    }

    /// Puts the old tree back, or removes it if its successor has its place; one of a third origin decides nothing.
    fn settle(&self) -> io::Result<()> {
        let tree = self.tree();
        if !is_there(&tree)? {
            return Ok(());
        }
        match fs::symlink_metadata(&self.target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => rename_to_absent(&tree, &self.target),
            Err(error) => Err(error),
            Ok(found) if is_there(&self.mark(&found))? => remove_at_once(&tree, &self.target),
            Ok(_) => Ok(()),
        }
    }

    fn remove_marks(&self) {
        let held = fs::read_dir(&self.path).into_iter().flatten().flatten();
        for mark in held.filter(|held| is_mark(&held.file_name())) {
            let _ = fs::remove_dir(mark.path());
        }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What still holds a tree stays, with its mark, until it is settled.
        if matches!(is_there(&self.tree()), Ok(false)) {
            self.remove_marks();
            let _ = fs::remove_dir(&self.path);
        }
    }
}

fn path_of(target: &Path) -> io::Result<PathBuf> {
    lasting_sibling(target, &whole_name_in_hex(target), PART)
}

/// What tells a name from others that begin with the same bytes, as that of the directory may not have all of it.
fn whole_name_in_hex(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().as_bytes();
    format!("{:016x}", mixed_bytes(name.iter().copied()))
}

fn is_mark(name: &OsStr) -> bool {
    name.as_bytes().ends_with(PARTIAL_SUFFIX.as_bytes())
}

fn is_there(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if super::trees::is_absent(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DirectoryStore, Store, StoreKey, StorePrefix};

    /// A folder in which the owner of a tree `x.zarr` was killed between the renames, and what was to replace it.
    fn killed() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (target, staged) = (folder.path().join("x.zarr"), folder.path().join("new"));
        for (tree, value) in [(&target, "old"), (&staged, "new")] {
            fs::create_dir_all(tree.join("a")).unwrap();
            fs::write(tree.join("a/0"), value).unwrap();
        }
        Aside::lock(&target).unwrap().take(&staged).unwrap();
        assert!(!target.exists());
        (folder, target, staged)
    }

    #[track_caller]
    fn check(folder: &Path, expected: &[(&str, &str)]) {
        let found = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let value = fs::read_to_string(path.join("a/0")).unwrap_or_default();
            (path.file_name().unwrap().to_string_lossy().into_owned(), value)
        });
        let mut found: Vec<_> = found.filter(|(name, _)| name != "new").collect();
        found.sort();
        let expected = expected
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(found, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_tree_is_replaced() {
        let (folder, target, staged) = killed();
        recover(&target).unwrap();
        replace(&staged, &target).unwrap();
        assert_eq!(fs::read(staged.join("a/0")).unwrap(), b"old");
        check(folder.path(), &[("x.zarr", "new")]);
        assert_eq!(
            replace(&folder.path().join("none"), &target).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        check(folder.path(), &[("x.zarr", "new")]);
    }

    #[test]
    fn a_tree_whose_owner_was_killed_is_there_for_whoever_comes_next() {
        let whoever: [fn(&Path); 5] = [
            |target| drop(DirectoryStore::open(target).unwrap()),
            |target| drop(DirectoryStore::create(target).unwrap()),
            |target| {
                let above = DirectoryStore::open(target.parent().unwrap()).unwrap();
                above.sweep(&StorePrefix::root(), false).unwrap();
            },
            |target| {
                let above = DirectoryStore::open(target.parent().unwrap()).unwrap();
                drop(above.stage(&StorePrefix::new("x.zarr").unwrap()).unwrap());
            },
            |target| {
                let other = target.with_file_name("new");
                let error = replace(&other.join("none"), target).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::NotFound);
            },
        ];
        for come in whoever {
            let (folder, target, _) = killed();
            come(&target);
            check(folder.path(), &[("x.zarr", "old")]);
        }
    }

    #[test]
    fn an_old_tree_goes_when_its_successor_has_its_place() {
        let (folder, target, staged) = killed();
        fs::rename(&staged, &target).unwrap();
        let above = DirectoryStore::open(folder.path()).unwrap();
        above.sweep(&StorePrefix::root(), true).unwrap();
        check(folder.path(), &[("x.zarr", "new")]);
    }

    #[test]
    fn an_old_tree_stays_where_something_else_has_its_place() {
        let (folder, target, staged) = killed();
        let above = DirectoryStore::open(folder.path()).unwrap();
        let key = StoreKey::new("x.zarr/a/0").unwrap();
        above.set(&key, b"other").unwrap();
        above.sweep(&StorePrefix::root(), true).unwrap();
        let kept = path_of(&target).unwrap();
        let kept_name = kept.file_name().unwrap().to_str().unwrap();
        check(folder.path(), &[(kept_name, ""), ("x.zarr", "other")]);
        assert_eq!(fs::read(kept.join("x.zarr/a/0")).unwrap(), b"old");
        // It is in nobody's way.
        replace(&staged, &target).unwrap();
        check(folder.path(), &[("x.zarr", "new")]);
    }

    #[test]
    fn what_a_living_process_put_aside_is_left_alone() {
        let (folder, target, staged) = killed();
        recover(&target).unwrap();
        let aside = Aside::lock(&target).unwrap();
        aside.take(&staged).unwrap();
        recover(&target).unwrap();
        assert!(!target.exists());
        drop(aside);
        recover(&target).unwrap();
        check(folder.path(), &[("x.zarr", "old")]);
    }

    #[test]
    fn names_of_any_length_are_told_apart() {
        let names = ["x".repeat(254) + "y", "x".repeat(255), "x".to_owned()];
        let paths = names.map(|name| path_of(&Path::new("/").join(name)).unwrap());
        assert!(paths.iter().all(|path| path.file_name().unwrap().len() <= 255));
        assert_ne!(paths[0], paths[1]);
    }
}
