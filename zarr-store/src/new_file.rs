//! Files that are seen when they are complete.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf, absolute},
};

use crate::stores::{
    sync::{sync_directory, sync_file},
    temporary::{Temporary, rename_to_absent, sweep_beside},
};

/// A file that gets its name when it is complete; until then it lies in a hidden directory beside its place, which goes
/// with it when it is dropped.
///
/// The directory is new and locked as long as it is in use. So nobody else's file or link is written to, whoever writes
/// the file may make and lock it in ways of its own, and what a killed process left can be told from it: that goes with
/// the next file of the name, and with [`Store::sweep`](crate::Store::sweep).
///
/// ```
/// use std::io::Write;
/// use zarr_store::NewFile;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("example.npy");
/// let new = NewFile::beside(&path)?;
/// new.create()?.write_all(b"all of it")?;
/// assert!(!path.exists());
/// new.replace()?;
/// assert_eq!(std::fs::read(&path)?, b"all of it");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct NewFile {
    folder: Temporary,
    path: PathBuf,
    target: PathBuf,
}

impl NewFile {
    /// Prepares a file that will be at `target`, and removes what killed processes left of others.
    ///
    /// # Errors
    /// When the directory of the target is not there or cannot be written to.
    pub fn beside(target: &Path) -> io::Result<Self> {
        let target = absolute(target)?;
        let (Some(above), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        // Else it would be made.
        fs::metadata(above)?;
        Self::sweep(&target)?;
        let folder = Temporary::directory_beside(&target)?;
        let path = folder.path().join(name);
        Ok(Self { folder, path, target })
    }

    /// Removes what killed processes left of files that were to be at `target`.
    ///
    /// # Errors
    /// When the directory of the target cannot be listed.
    pub fn sweep(target: &Path) -> io::Result<()> {
        sweep_beside(&absolute(target)?)
    }

    /// Where the file is to be made and written.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the file.
    ///
    /// # Errors
    /// When it was made already, and when it cannot be.
    pub fn create(&self) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&self.path)
    }

    /// Gives the file its name, which nothing may have, and waits until both are on the disk.
    ///
    /// # Errors
    /// `AlreadyExists` when something has the name.
    pub fn publish(self) -> io::Result<()> {
        self.put(rename_to_absent)
    }

    /// Gives the file its name, which another may have, and waits until both are on the disk; also after a loss of power
    /// there is the old file or the new one.
    ///
    /// # Errors
    /// The old file is then as it was, unless only its name could not be synced.
    pub fn replace(self) -> io::Result<()> {
        self.put(|from, to| fs::rename(from, to))
    }

    fn put(self, rename: impl FnOnce(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
        sync_file(&File::open(&self.path)?)?;
        rename(&self.path, &self.target)?;
        drop(self.folder);
        self.target.parent().map_or(Ok(()), sync_directory)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, io::Write, os::unix::fs::symlink, rc::Rc};

    use super::*;
    use crate::{DirectoryStore, Store, StorePrefix, stores::sync::watching::watch};

    fn written(target: &Path, bytes: &[u8]) -> NewFile {
        let new = NewFile::beside(target).unwrap();
        new.create().unwrap().write_all(bytes).unwrap();
        new
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn a_file_is_seen_when_it_is_complete_and_goes_when_it_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.npy");
        drop(written(&target, b"1"));
        assert_eq!(names(folder.path()), [""; 0]);
        let first = written(&target, b"1");
        let second = written(&target, b"2");
        first.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"1");
        assert_eq!(second.publish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        written(&target, b"3").replace().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"3");
        assert_eq!(names(folder.path()), ["x.npy"]);
        let lost = NewFile::beside(&folder.path().join("none/x")).unwrap_err();
        assert_eq!(lost.kind(), io::ErrorKind::NotFound);
        assert_eq!(names(folder.path()), ["x.npy"]);
    }

    #[test]
    fn a_sweep_takes_what_was_left_and_leaves_what_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.npy");
        let kept = written(&target, b"1");
        for left in [".x.npy.123.zt-partial", ".x.npy.124-2f.zt-partial"] {
            fs::create_dir(folder.path().join(left)).unwrap();
            symlink("/etc/passwd", folder.path().join(left).join("x.npy")).unwrap();
        }
        let store = DirectoryStore::open(folder.path()).unwrap();
        store.sweep(&StorePrefix::root(), false).unwrap();
        NewFile::sweep(&target).unwrap();
        assert_eq!(names(folder.path()).len(), 1);
        kept.publish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"1");
    }

    #[test]
    fn a_file_is_synced_before_it_has_its_name_and_the_name_after() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x.npy");
        fs::write(&target, "old").unwrap();
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (noted, watched) = (Rc::clone(&seen), target.clone());
        let watcher = move |what| {
            noted
                .borrow_mut()
                .push((what, fs::read_to_string(&watched).unwrap()));
            Ok(())
        };
        watch(watcher, || written(&target, b"new").replace()).unwrap();
        let expected = [("file", "old"), ("folder", "new")].map(|(what, value)| (what, value.to_owned()));
        assert_eq!(seen.take(), expected);
        let full = |what| match what {
            "file" => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        };
        watch(full, || written(&target, b"newer").replace()).unwrap_err();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["x.npy"]);
    }
}
