//! Files and directories under a temporary name, until they are whole.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::key::PARTIAL_SUFFIX;

/// The most bytes of a name that its temporary name repeats; the rest is ours.
const REPEATED_MAX: usize = 180;

/// A file or directory under a temporary name, removed unless it is moved to its place.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: Option<PathBuf>,
}

impl Temporary {
    /// Makes an empty file beside `target`, readable and writable.
    pub(crate) fn file_beside(target: &Path) -> io::Result<(Self, File)> {
        let path = sibling(target)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok((Self { path: Some(path) }, file))
    }

    /// Makes an empty directory beside `target`, and the directories above it.
    pub(crate) fn directory_beside(target: &Path) -> io::Result<Self> {
        let path = sibling(target)?;
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(&path)?,
            other => other?,
        }
        Ok(Self { path: Some(path) })
    }

    /// Makes a name beside `target` for what is about to be removed.
    pub(crate) fn name_beside(target: &Path) -> io::Result<Self> {
        sibling(target).map(|path| Self { path: Some(path) })
    }

    pub(crate) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    /// Puts the file in the place of `target`, whatever value is there.
    pub(crate) fn replace(mut self, target: &Path) -> io::Result<()> {
        fs::rename(self.path(), target)?;
        self.path = None;
        Ok(())
    }

    /// Puts the file or directory at `target`, where nothing may be.
    pub(crate) fn place(&self, target: &Path) -> io::Result<()> {
        rename_to_absent(self.path(), target)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What cannot be removed stays hidden; the error that led here is the one to report.
        if let Some(path) = self.path.take() {
            let _ = match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(&path),
                other => other,
            };
        }
    }
}

/// A path of a temporary name in the same directory.
pub(crate) fn sibling(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let name = String::from_utf8_lossy(name.as_bytes());
    Ok(target.with_file_name(temporary_name(&name)))
}

/// Renames to a name that nobody uses.
#[cfg(target_os = "linux")]
pub(crate) fn rename_to_absent(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => rename_if_absent(from, to),
        other => Ok(other?),
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn rename_to_absent(from: &Path, to: &Path) -> io::Result<()> {
    rename_if_absent(from, to)
}

/// The best that file systems allow which cannot refuse to replace.
fn rename_if_absent(from: &Path, to: &Path) -> io::Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    fs::rename(from, to)
}

/// A name that nobody else uses, hidden from listings.
fn temporary_name(name: &str) -> String {
    static RANDOM: OnceLock<RandomState> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let random = RANDOM
        .get_or_init(RandomState::new)
        .hash_one(CALLS.fetch_add(1, Ordering::Relaxed));
    let end = (0..=REPEATED_MAX.min(name.len()))
        .rev()
        .find(|end| name.is_char_boundary(*end))
        .unwrap_or_default();
    format!(
        ".{}.{}-{random:016x}{PARTIAL_SUFFIX}",
        &name[..end],
        process::id()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_fits_a_directory_and_is_no_key() {
        for name in ["0.0", &"ä".repeat(127)] {
            let temporary = temporary_name(name);
            assert!(crate::StoreKey::new(temporary.as_str()).is_err());
            assert!(temporary.len() <= 255, "{temporary}");
            assert_ne!(temporary, temporary_name(name));
        }
    }
}
