//! Files that are seen when they are complete.

#[cfg(feature = "hdf5")]
use std::{fs, thread, time::Duration};
use std::{
    fs::File,
    io::{self, BufWriter},
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use anyhow::Result;
use zarr_convenience::{Error, core::store};

/// Removes the new file that a process left which was ended while this one waited for it.
#[cfg(feature = "hdf5")]
pub(crate) fn remove_left(path: &Path) {
    // Mostly there is none; what cannot be removed is hidden.
    let _ = store::NewFile::sweep(path);
}

/// How long it is waited for a file that somebody else has open, and how often it is looked at.
#[cfg(feature = "hdf5")]
const LOCK_WAIT: Duration = Duration::from_secs(1);
#[cfg(feature = "hdf5")]
const LOCK_TRIES: u32 = 50;

/// Locks a file, and says `false` if somebody else has it open after as many pauses as it is waited for; one that cannot
/// be locked is taken to be free.
///
/// A process that is just being started has what is open in the one it comes from, for a moment and for nothing.
#[cfg(feature = "hdf5")]
fn locks(file: &File, mut pause: impl FnMut()) -> bool {
    let is_locked_out = || matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock));
    let mut is_free = || {
        let is_free = !is_locked_out();
        if !is_free {
            pause();
        }
        is_free
    };
    (0..LOCK_TRIES).any(|_| is_free())
}

/// A file that is hidden beside its place until it is published, and removed unless it is.
///
/// A link at its place stays, and what it leads to is replaced. A pipe or a device cannot be replaced by what is written to
/// it: that goes there as it comes, as it does for `-`, which is standard output.
pub(crate) struct NewFile {
    /// None for a pipe or a device.
    new: Option<store::NewFile>,
    path: PathBuf,
    /// The file that it takes the place of, locked so that nobody else changes it meanwhile.
    #[cfg(feature = "hdf5")]
    old: Option<File>,
}

impl NewFile {
    /// A file that will be at `path`.
    ///
    /// # Errors
    /// When no file can be made there.
    pub(crate) fn beside(path: &Path) -> Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let found = path.metadata();
        let is_other = is_output(&path) || found.is_ok_and(|found| !found.is_file() && !found.is_dir());
        let new = (!is_other).then(|| store::NewFile::beside(&path));
        let new = new
            .transpose()
            .map_err(|error| failed(&path, "creating", error))?;
        Ok(Self {
            new,
            path,
            #[cfg(feature = "hdf5")]
            old: None,
        })
    }

    /// A copy of the file at `path`, which will take its place.
    ///
    /// # Errors
    /// When somebody else has the file open, and when it cannot be copied.
    #[cfg(feature = "hdf5")]
    pub(crate) fn changed(path: &Path) -> Result<Self> {
        let failed = |error| failed(path, "copying", error);
        // What has the name may be a link, which stays.
        let path = fs::canonicalize(path).map_err(failed)?;
        let old = fs::OpenOptions::new().read(true).write(true).open(&path);
        let old = old.map_err(failed)?;
        if !locks(&old, || thread::sleep(LOCK_WAIT / LOCK_TRIES)) {
            let reason = format!("{}: another program has the file open", path.display());
            return Err(Error::Copy(reason).into());
        }
        let mut new = Self::beside(&path)?;
        new.old = Some(old);
        fs::copy(&path, new.temporary()).map_err(failed)?;
        Ok(new)
    }

    #[cfg_attr(
        not(feature = "hdf5"),
        expect(dead_code, reason = "only HDF5 makes its files itself")
    )]
    /// Where it is until it is published.
    pub(crate) fn temporary(&self) -> &Path {
        self.new.as_ref().map_or(&self.path, store::NewFile::path)
    }

    /// Makes it, to be written to.
    pub(crate) fn create(&self) -> io::Result<BufWriter<File>> {
        let file = match &self.new {
            Some(new) => new.create(),
            None if is_output(&self.path) => io::stdout().as_fd().try_clone_to_owned().map(File::from),
            None => File::options().write(true).open(&self.path),
        };
        Ok(BufWriter::with_capacity(1 << 16, file?))
    }

    /// Gives the file its name, which must still be free or have the file that it was made of.
    pub(crate) fn publish(self) -> Result<()> {
        #[cfg(feature = "hdf5")]
        if self.old.is_some() {
            return self.replace();
        }
        match self.new.map_or(Ok(()), store::NewFile::publish) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let reason = format!("{}: appeared while the copy was made", self.path.display());
                Err(Error::Copy(reason).into())
            }
            published => Ok(published.map_err(|error| failed(&self.path, "publishing", error))?),
        }
    }

    /// Gives the file its name, and takes it from an older one.
    pub(crate) fn replace(self) -> Result<()> {
        let replaced = self.new.map_or(Ok(()), store::NewFile::replace);
        Ok(replaced.map_err(|error| failed(&self.path, "publishing", error))?)
    }
}

/// Whether what is written goes to standard output, and to no file of that name.
fn is_output(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn failed(path: &Path, action: &'static str, source: io::Error) -> Error {
    Error::File {
        what: path.display().to_string(),
        action,
        source,
    }
}

#[cfg(test)]
#[cfg(feature = "hdf5")]
mod tests {
    use super::*;

    /// A folder with a file, and what opens the file as another program does.
    fn place() -> (tempfile::TempDir, PathBuf, impl Fn() -> File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.h5");
        fs::write(&path, "old").unwrap();
        let opened = path.clone();
        let open = move || {
            fs::OpenOptions::new()
                .read(true)
                .write(true)
                .open(&opened)
                .unwrap()
        };
        (folder, path, open)
    }

    #[test]
    fn a_file_is_waited_for_until_it_is_let_go() {
        let (_folder, _, open) = place();
        let (file, other) = (open(), open());
        other.try_lock().unwrap();
        let mut other = Some(other);
        let mut pauses = 0;
        assert!(locks(&file, || {
            pauses += 1;
            if pauses == LOCK_TRIES - 1 {
                drop(other.take());
            }
        }));
        assert_eq!(pauses, LOCK_TRIES - 1);
        assert!(open().try_lock().is_err(), "it is locked now");
    }

    #[test]
    fn a_file_that_is_not_let_go_is_refused_after_the_last_pause() {
        let (folder, path, open) = place();
        let (file, other) = (open(), open());
        other.try_lock().unwrap();
        let mut pauses = 0;
        assert!(!locks(&file, || pauses += 1));
        assert_eq!(pauses, LOCK_TRIES);
        let Err(refused) = NewFile::changed(&path) else {
            panic!("somebody has the file");
        };
        assert!(
            refused
                .to_string()
                .ends_with("x.h5: another program has the file open"),
            "{refused}"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(other);
        NewFile::changed(&path).unwrap();
    }

    #[test]
    fn a_file_that_is_changed_is_locked_until_the_copy_has_its_place() {
        let (folder, path, open) = place();
        let new = NewFile::changed(&path).unwrap();
        assert!(open().try_lock().is_err());
        assert_eq!(fs::read(new.temporary()).unwrap(), b"old");
        fs::write(new.temporary(), "new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        new.publish().unwrap();
        open().try_lock().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
