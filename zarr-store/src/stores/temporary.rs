//! Files and directories under a temporary name, until they are whole.

use std::{
    fs::{self, File, OpenOptions},
    hash::{BuildHasher, RandomState},
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rustix::{
    fs::{CWD, FlockOperation, Mode, OFlags, flock, openat},
    io::Errno,
};

use crate::key::{LASTING_SUFFIX, PARTIAL_SUFFIX};

/// The most bytes of a name that its temporary name repeats; the rest is ours.
const REPEATED_MAX: usize = 180;
/// How often something is made again because it was swept away before it was locked.
const ATTEMPTS_MAX: usize = 16;

/// A file or directory under a temporary name, removed unless it is moved to its place.
///
/// As long as it is in use it is locked, so that what a killed process left can be told from it. What is in use for an
/// instant is not: its owner misses it when it is swept away, and makes it again.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: Option<PathBuf>,
    /// The lock of a directory; a file is locked by whoever writes it.
    lock: Option<File>,
    /// Whether it stays when it is dropped.
    lasts: bool,
}

impl Temporary {
    /// Makes an empty file beside `target`, readable and writable.
    pub(crate) fn file_beside(target: &Path) -> io::Result<(Self, File)> {
        for _ in 0..ATTEMPTS_MAX {
            let (temporary, file) = Self::unlocked_file_beside(target)?;
            let is_taken = flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK);
            if !is_taken && temporary.is_there() {
                return Ok((temporary, file));
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// The same of a file that may be swept away at any time: for work that is soon done, and done again then.
    pub(crate) fn unlocked_file_beside(target: &Path) -> io::Result<(Self, File)> {
        let path = sibling(target)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        Ok((Self::at(path, None), file))
    }

    const fn at(path: PathBuf, lock: Option<File>) -> Self {
        Self {
            path: Some(path),
            lock,
            lasts: false,
        }
    }

    /// Takes the directory of a name that outlives its process, which holds the work of a name.
    ///
    /// It is made if it is not there, and made anew unless `keeps` says of its device and number that it is the
    /// one that is meant.
    pub(crate) fn lasting_directory(
        target: &Path,
        work: &str,
        keeps: impl Fn(&fs::Metadata) -> bool,
    ) -> io::Result<Self> {
        let path = lasting_sibling(target, work, "tree")?;
        if let Ok(found) = fs::symlink_metadata(&path) {
            let lock = lock(&path)?.ok_or(io::ErrorKind::ResourceBusy)?;
            if keeps(&found) {
                return Ok(Self::at(path, Some(lock)).made_lasting());
            }
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        let lock = lock(&path)?;
        Ok(Self::at(path, lock).made_lasting())
    }

    const fn made_lasting(mut self) -> Self {
        self.lasts = true;
        self
    }

    /// Whether it stays when it is dropped.
    pub(crate) const fn lasts(&self) -> bool {
        self.lasts
    }

    /// What tells the directory from others that have its name.
    pub(crate) fn metadata(&self) -> io::Result<fs::Metadata> {
        fs::symlink_metadata(self.path())
    }

    /// From now on it is removed when it is dropped.
    pub(crate) const fn make_fleeting(&mut self) {
        self.lasts = false;
    }

    /// Makes an empty directory beside `target`, and the directories above it.
    pub(crate) fn directory_beside(target: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS_MAX {
            let mut directory = Self::unlocked_directory_beside(target)?;
            let lock = lock(directory.path());
            let is_taken = matches!(lock, Ok(None));
            directory.lock = lock.unwrap_or_default();
            if !is_taken && directory.is_there() {
                return Ok(directory);
            }
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// The same of a directory that may be swept away at any time: for work that is soon done, and done again then.
    pub(crate) fn unlocked_directory_beside(target: &Path) -> io::Result<Self> {
        let path = sibling(target)?;
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir_all(&path)?,
            other => other?,
        }
        Ok(Self::at(path, None))
    }

    /// Makes a name beside `target` for what is about to be removed.
    pub(crate) fn name_beside(target: &Path) -> io::Result<Self> {
        let lock = lock(target).unwrap_or_default();
        sibling(target).map(|path| Self::at(path, lock))
    }

    /// Whether it is still there: before it was locked, somebody may have taken it for debris.
    ///
    /// Where nothing can be locked, nothing is swept either.
    fn is_there(&self) -> bool {
        fs::symlink_metadata(self.path()).is_ok()
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

    /// Puts the file or directory at `target`, where nothing may be, and leaves it there.
    pub(crate) fn place_for_good(mut self, target: &Path) -> io::Result<()> {
        self.place(target)?;
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
        if let Some(path) = self.path.take().filter(|_| !self.lasts) {
            let _ = match fs::remove_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => fs::remove_dir_all(&path),
                other => other,
            };
        }
    }
}

/// Locks a directory or file; `None` when somebody else has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let file = File::from(openat(CWD, path, flags, Mode::empty())?);
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Removes what killed processes left in a folder, of names that begin with a dot and `start`; what outlives its process
/// is shown to `lasting`.
pub(crate) fn sweep_folder(
    folder: &Path,
    start: &str,
    lasting: impl Fn(&Path) -> io::Result<()>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.strip_prefix('.')) else {
            continue;
        };
        if !name.ends_with(PARTIAL_SUFFIX) || !name.starts_with(start) {
            continue;
        }
        let path = entry.path();
        if name.ends_with(LASTING_SUFFIX) {
            lasting(&path)?;
            continue;
        }
        // What cannot be locked is in use, or has gone meanwhile; so has what is found to have another name once it is
        // locked.
        let Ok(Some(lock)) = lock(&path) else { continue };
        let number = lock.metadata()?.ino();
        if !fs::symlink_metadata(&path).is_ok_and(|found| found.ino() == number) {
            continue;
        }
        // What is not locked may be in use all the same. It goes as a whole, so that its owner either misses it or has
        // given it a name for good.
        let _ = remove_at_once(&path, &path.with_file_name(name));
    }
    Ok(())
}

/// Removes a file or directory, which first gets a temporary name beside `target`, so that it goes as a whole.
pub(crate) fn remove_at_once(path: &Path, target: &Path) -> io::Result<()> {
    let aside = sibling(target)?;
    fs::rename(path, &aside)?;
    drop(Temporary::at(aside, None));
    Ok(())
}

/// Removes what was to take the place of a file or directory when its writer was killed.
pub(crate) fn sweep_beside(target: &Path) -> io::Result<()> {
    let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
        return Ok(());
    };
    let name = String::from_utf8_lossy(name.as_bytes());
    match sweep_folder(folder, &format!("{}.", repeated(&name)), |_| Ok(())) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The path in the same directory that holds a part of the work of a name.
pub(crate) fn lasting_sibling(target: &Path, work: &str, part: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let name = String::from_utf8_lossy(name.as_bytes());
    Ok(target.with_file_name(format!(".{}.{work}.{part}{LASTING_SUFFIX}", repeated(&name))))
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

/// One number that stands for several.
pub(crate) fn mixed<const N: usize>(numbers: [u64; N]) -> u64 {
    mixed_bytes(numbers.into_iter().flat_map(u64::to_le_bytes))
}

/// One number that stands for bytes (FNV-1a).
pub(crate) fn mixed_bytes(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A name that nobody else uses, hidden from listings.
fn temporary_name(name: &str) -> String {
    static RANDOM: OnceLock<RandomState> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let random = RANDOM
        .get_or_init(RandomState::new)
        .hash_one(CALLS.fetch_add(1, Ordering::Relaxed));
    let (name, process) = (repeated(name), process::id());
    format!(".{name}.{process}-{random:016x}{PARTIAL_SUFFIX}")
}

/// As much of a name as its temporary names repeat.
fn repeated(name: &str) -> &str {
    let end = (0..=REPEATED_MAX.min(name.len()))
        .rev()
        .find(|end| name.is_char_boundary(*end));
    &name[..end.unwrap_or_default()]
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
