//! `DirectoryStore`: each value a file, each prefix a directory.

use std::{
    ffi::CStr,
    fs::{self, File},
    io,
    ops::Range,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt, fs::FileExt},
    },
    path::{Path, PathBuf, absolute},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, SeekFrom, Stat, fstat, openat, seek, statat, unlinkat},
    io::{Errno, retry_on_intr},
};

use super::{
    aside,
    changes::Changes,
    listing,
    names::with_path,
    pending::{self, PendingFile},
    pinned::Pinned,
    places::{self, refuse_debris},
    trees,
    write::{reports_late, write_value},
};
use crate::{
    ByteRange, Capabilities, Journal, KeyLock, Lasting, Listing, PendingValue, ReadBuffer, ReadOnlyStore,
    Result, Staged, Store, StoreError, StoreKey, StorePrefix,
    key::LASTING_SUFFIX,
    stores::{
        Strays,
        ranges::push_filled_ranges,
        sync::sync_directory,
        temporary::{Temporary, lasting_sibling, mixed},
    },
};

/// When what was set is safe from a loss of power; it is never seen in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// At the next [`Store::flush`].
    #[default]
    Atomic,
    /// When the call returns; some five times slower.
    Each,
}

/// A directory of the local file system.
///
/// A value is written to a temporary file beside its place (`.<name>.<process>-<random>.zt-partial`) and
/// renamed, so that readers in any process see the old value or the new one.
///
/// # What counts as missing
/// A key is missing when no file has its name, when its folder is not there, when a part of its path is
/// itself a file, and when it is a link to nothing.
/// A folder, pipe, socket or device in its place, a link to itself, and what may not be read are errors; but bytes of a
/// disk, a block device, are read where the reader asks for bytes alone ([`ReadBuffer::want_generation`]).
///
/// # Links
/// Reading, setting and erasing one key follow links, because data sets are spread over disks that way.
/// Removing or replacing a whole prefix removes a link itself, never what it points to, and refuses to
/// work through a link that leaves the root.
///
/// # What is never listed
/// Temporary files of this library and others (`*.partial`, `*.__lock`, a name ending in `#` and digits),
/// `.DS_Store`, `Thumbs.db`, and names that are no valid part of a key.
/// Setting a key of such a name is refused, as a copy would lose it.
///
/// ```
/// use zarr_store::{DirectoryStore, Store, StoreExt, StoreKey};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("example.zarr");
/// let store = DirectoryStore::create(path)?;
/// let key = StoreKey::new("foo/.zgroup")?;
/// store.set(&key, b"{}")?;
/// assert_eq!(store.get(&key, 100)?.as_deref(), Some(&b"{}"[..]));
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct DirectoryStore {
    pub(super) root: PathBuf,
    /// The root in the words of the user.
    pub(super) shown: String,
    /// Where the keys will be once this store is published in another; for errors only.
    pub(super) place: StorePrefix,
    pub(super) durability: Durability,
    pub(super) strays: Strays,
    /// The root, where nobody sees the keys before this store is published in another.
    pub(super) hidden: Option<Hidden>,
    /// The root that is read, whatever takes its place.
    pub(super) pinned: Option<Pinned>,
    /// What changed since the last flush.
    pub(super) unsynced: Arc<Changes>,
    /// Whether files must be synced to learn that writing them failed.
    syncs_values: OnceLock<bool>,
}

/// The root of a tree that nobody sees.
///
/// Nothing but publishing takes the place of such a root, so keys are looked up from it. The root of any other store
/// may be replaced at any time, and what is set must not go into a tree that is being removed.
#[derive(Debug)]
pub(super) struct Hidden {
    pub(super) root: OwnedFd,
    /// Whether another process goes on with the tree when this one is killed.
    ///
    /// It reads the documents it finds, so these are never cut short; chunks that are cut short are not counted as
    /// done, and are written again.
    pub(super) lasts: bool,
    changes: AtomicU64,
}

impl Hidden {
    pub(super) const fn new(root: OwnedFd, lasts: bool) -> Self {
        let changes = AtomicU64::new(0);
        Self { root, lasts, changes }
    }
}

impl DirectoryStore {
    /// Opens a directory that is there.
    ///
    /// # Errors
    /// `Io` when there is none, `Conflict` when something else is there.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let store = Self::create(path)?;
        fs::metadata(&store.root).map_err(|error| StoreError::io("opening", &store.shown, error))?;
        Ok(store)
    }

    /// Opens a directory that may be absent; the first `set` makes it, and those above it.
    ///
    /// # Errors
    /// `Conflict` when something else is there, `Io` when that cannot be told.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let shown = path.as_ref().display().to_string();
        let failed = |error| StoreError::io("opening", &shown, error);
        let root = absolute(path.as_ref()).map_err(failed)?;
        if root.as_os_str().as_bytes().contains(&0) {
            return Err(failed(io::ErrorKind::InvalidInput.into()));
        }
        let look = || match fs::metadata(&root) {
            // Its owner may have been killed while it was replaced.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                aside::recover(&root).and_then(|()| fs::metadata(&root))
            }
            found => found,
        };
        match look() {
            Ok(found) if !found.is_dir() => Err(StoreError::Conflict {
                what: shown,
                reason: "not a directory".to_owned(),
            }),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(Self::at(root, shown, StorePrefix::root())),
        }
    }

    pub(super) fn at(root: PathBuf, shown: String, place: StorePrefix) -> Self {
        Self {
            root,
            shown,
            place,
            durability: Durability::default(),
            strays: Strays::default(),
            hidden: None,
            pinned: None,
            unsynced: Arc::default(),
            syncs_values: OnceLock::new(),
        }
    }

    /// Chooses when what was set is safe from a loss of power.
    #[must_use]
    pub fn with_durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Chooses what listings make of names that are no keys, and of links that lead out of the root.
    #[must_use]
    pub fn with_strays(mut self, strays: Strays) -> Self {
        self.strays = strays;
        self
    }

    /// Keeps to the directory that has the path now, for reading only.
    ///
    /// Keys are looked up from the directory itself, which is quicker, and nothing is read of another one that takes
    /// its place: where that makes a difference, reading ends in `Conflict`.
    ///
    /// ```
    /// use zarr_store::{DirectoryStore, Store, StoreExt, StoreKey};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("example.zarr");
    /// let key = StoreKey::new("foo")?;
    /// DirectoryStore::create(&path)?.set(&key, b"old")?;
    /// let pinned = DirectoryStore::open(&path)?.pinned()?;
    /// assert_eq!(pinned.get(&key, 100)?.as_deref(), Some(&b"old"[..]));
    /// assert!(pinned.set(&key, b"new").is_err());
    /// # Ok::<(), zarr_store::StoreError>(())
    /// ```
    ///
    /// # Errors
    /// `Io` when the directory is not there or cannot be opened.
    pub fn pinned(mut self) -> Result<ReadOnlyStore> {
        let failed = |error| StoreError::io("opening", &self.shown, error);
        self.pinned = Some(Pinned::new(&self.root).map_err(failed)?);
        Ok(ReadOnlyStore::new(Arc::new(self)))
    }

    /// The root directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Removes everything below the root, in one step as seen by others; the root stays.
    ///
    /// # Errors
    /// `Conflict` for the root of the file system, `Io` when the directory cannot be replaced.
    pub fn clear(&self) -> Result<()> {
        Box::new(trees::stage(self, &StorePrefix::root())?).publish()
    }

    /// Removes the directory itself, in one step as seen by others.
    ///
    /// It first gets a temporary name: one that is no key, and that the next [`Store::sweep`] of a store of its name
    /// removes, should this process be killed.
    ///
    /// # Errors
    /// `Io` when it cannot be removed; a part may be left under the temporary name.
    pub fn remove(self) -> Result<()> {
        trees::remove_folder(&self.root).map_err(|error| self.refused("erasing", "", error))
    }

    /// The status of the value of a key, which must be a regular file.
    fn value_size(&self, key: &StoreKey, status: &Stat) -> Result<u64> {
        let reason = match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => return Ok(status.st_size as u64),
            FileType::Directory => "a folder is in the place of the value",
            FileType::Fifo => "a pipe is in the place of the value",
            FileType::Socket => "a socket is in the place of the value",
            _ => "a device is in the place of the value",
        };
        Err(self.conflict(key.as_str(), reason))
    }

    pub(super) fn conflict(&self, key: &str, reason: &str) -> StoreError {
        StoreError::Conflict {
            what: self.describe(key),
            reason: reason.to_owned(),
        }
    }

    /// The error of a change that the system refused.
    pub(super) fn refused(&self, action: &'static str, key: &str, error: io::Error) -> StoreError {
        match error.kind() {
            io::ErrorKind::NotADirectory => self.conflict(key, "a file is in the place of a folder above"),
            io::ErrorKind::IsADirectory => self.conflict(key, "a folder is in the place of the value"),
            _ => StoreError::io(action, self.describe(key), error),
        }
    }

    /// Calls the system with the path of a key, and the directory that the path begins in.
    fn call<T>(
        &self,
        key: &StoreKey,
        call: impl Fn(BorrowedFd<'_>, &CStr) -> rustix::io::Result<T>,
    ) -> rustix::io::Result<T> {
        let pinned = self.pinned.as_ref().map(Pinned::root);
        let (from, root) = match self.hidden.as_ref().map(|hidden| hidden.root.as_fd()).or(pinned) {
            Some(root) => (root, None),
            None => (CWD, Some(self.root.as_path())),
        };
        with_path(root, key.as_str(), |path| retry_on_intr(|| call(from, path)))
    }

    /// Writes a value to a temporary file and renames it, or to its place at once where nobody looks.
    fn write(&self, key: &StoreKey, value: &[u8]) -> io::Result<()> {
        if let Some(hidden) = &self.hidden
            && !(hidden.lasts && key.is_document())
        {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
            let mut file =
                File::from(self.call(key, |from, path| openat(from, path, flags, Mode::from(0o666)))?);
            let syncs = self.syncs(&file);
            return write_value(&mut file, value, syncs);
        }
        let target = self.root.join(key.as_str());
        let (temporary, mut file) = Temporary::unlocked_file_beside(&target)?;
        let syncs = self.syncs(&file);
        write_value(&mut file, value, syncs)?;
        temporary.replace(&target)
    }

    /// Sets a value, for which folders may have been made before; makes its folder if it is not there.
    fn set_below(&self, key: &StoreKey, value: &[u8], had_made_folders: bool) -> Result<()> {
        let ((), has_made_folders) = pending::in_folder(self, key, || self.write(key, value))?;
        self.sync_names(key.as_str(), had_made_folders || has_made_folders)
            .map_err(|error| self.refused("writing", key.as_str(), error))
    }

    /// The status of what a key leads to, if anything.
    fn stat(&self, key: &StoreKey) -> Result<Option<Stat>> {
        let status = self.call(key, |from, path| statat(from, path, AtFlags::empty()));
        self.found("reading", key.as_str(), status)
    }

    /// What was found; nothing is found where a key is missing.
    fn found<T>(&self, action: &'static str, key: &str, found: rustix::io::Result<T>) -> Result<Option<T>> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT | Errno::NOTDIR) => self.check_pinned(key).map(|()| None),
            Err(error) => Err(StoreError::io(action, self.describe(key), error.into())),
        }
    }

    /// Refuses to tell what is missing of a directory that may be half removed.
    pub(super) fn check_pinned(&self, key: &str) -> Result<()> {
        match &self.pinned {
            Some(pinned) if !pinned.is_in_place(&self.root) => {
                Err(self.conflict(key, "the store was replaced or removed while it was read"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a file must be synced before it is closed.
    pub(super) fn syncs(&self, file: &File) -> bool {
        let reports_late = *self.syncs_values.get_or_init(|| reports_late(file));
        reports_late || self.durability == Durability::Each
    }

    /// Syncs the folder of a key or prefix, and those above it when they may be new.
    pub(super) fn sync_names(&self, below: &str, with_ancestors: bool) -> io::Result<()> {
        self.unsynced.note();
        if let Some(hidden) = &self.hidden {
            hidden.changes.fetch_add(1, Ordering::Release);
        }
        if self.durability == Durability::Atomic {
            return Ok(());
        }
        let target = self.root.join(below);
        let depth = if with_ancestors { usize::MAX } else { 1 };
        let above_root = self.root.parent();
        target
            .ancestors()
            .skip(1)
            .take_while(|folder| Some(*folder) != above_root)
            .chain(above_root.filter(|_| with_ancestors))
            .take(depth)
            .try_for_each(sync_directory)
    }
}

impl Store for DirectoryStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        let failed = |error: io::Error| StoreError::io("reading", self.describe(key.as_str()), error);
        // Without `NONBLOCK`, opening a pipe would wait for somebody to write into it.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = self.call(key, |from, path| openat(from, path, flags, Mode::empty()));
        let Some(file) = self.found("reading", key.as_str(), file)?.map(File::from) else {
            return Ok(false);
        };
        let what = || self.describe(key.as_str());
        let read =
            |range: Range<u64>, memory: &mut [u8]| file.read_exact_at(memory, range.start).map_err(failed);
        // The end costs half of what the status does, and what is no file has none, or one where it begins; only a disk is
        // taken for a file. If anything is wrong, the status tells what.
        if !buffer.wants_generation()
            && let Ok(size @ 1..) = seek(&file, SeekFrom::End(0))
            && push_filled_ranges(size, ranges, buffer, what, read).is_ok()
        {
            return Ok(true);
        }
        let status = fstat(&file).map_err(|error| failed(error.into()))?;
        let size = self.value_size(key, &status)?;
        push_filled_ranges(size, ranges, buffer, what, read)?;
        buffer.set_generation(Some(generation(&status)));
        buffer.set_settled(is_settled(&status, SystemTime::now()));
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        let status = self.stat(key)?;
        status.map(|status| self.value_size(key, &status)).transpose()
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        refuse_debris(key)?;
        self.set_below(key, value, false)
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        places::check_set(self, keys)
    }

    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>> {
        refuse_debris(key)?;
        Ok(Some(Box::new(PendingFile::new(self, key)?)))
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        if self.hidden.is_some() {
            return Ok(KeyLock::default());
        }
        pending::lock(self, key)
    }

    fn set_locked(&self, key: &StoreKey, value: &[u8], mut lock: KeyLock) -> Result<()> {
        refuse_debris(key)?;
        let Some(file) = &mut lock.file else {
            return self.set_below(key, value, false);
        };
        let has_made_folders = file.has_made_folders;
        match file.publish(key.name(), value, |file| self.syncs(file)) {
            Ok(true) => self
                .sync_names(key.as_str(), has_made_folders)
                .map_err(|error| self.refused("writing", key.as_str(), error)),
            Ok(false) => self.set_below(key, value, has_made_folders),
            // The folder has gone, with the lock in it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.set_below(key, value, true),
            Err(error) => Err(self.refused("writing", key.as_str(), error)),
        }
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        match self.call(key, |from, path| unlinkat(from, path, AtFlags::empty())) {
            Ok(()) => self
                .sync_names(key.as_str(), false)
                .map_err(|error| self.refused("erasing", key.as_str(), error)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(error) => Err(self.refused("erasing", key.as_str(), error.into())),
        }
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        listing::list_dir(self, prefix)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            pieces: true,
            generations: true,
            ..Capabilities::ALL
        }
    }

    /// Renames the folder away and then removes it, so that it goes in one step as seen by others.
    ///
    /// The root is left to [`DirectoryStore::clear`].
    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        trees::erase_prefix(self, prefix)
    }

    /// Waits until everything that changed since the last flush is on the disk.
    fn flush(&self) -> Result<()> {
        let synced = self.unsynced.sync(|| sync_file_system(&self.root));
        synced.map_err(|error| StoreError::io("flushing", &self.shown, error))
    }

    fn set_new(
        &self,
        folder: &StorePrefix,
        values: &[(&str, &[u8])],
        ready: &mut dyn FnMut() -> bool,
    ) -> Result<bool> {
        if folder.is_root() || self.durability == Durability::Each {
            return Ok(false);
        }
        trees::set_new(self, folder, values, ready)
    }

    fn changes(&self) -> Option<u64> {
        let hidden = self.hidden.as_ref()?;
        Some(hidden.changes.load(Ordering::Acquire))
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        trees::rename_prefix(self, from, to)
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        Ok(Some(Box::new(trees::stage(self, target)?)))
    }

    /// By device, number, size and times of the file.
    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(self.stat(key)?.as_ref().map(generation))
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<()> {
        trees::sweep(self, folder, deep)
    }

    fn lasting(&self) -> Option<&dyn Lasting> {
        Some(self)
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() && self.place.is_root() {
            self.shown.clone()
        } else {
            format!("{}: {}{key}", self.shown, self.place)
        }
    }
}

impl Lasting for DirectoryStore {
    /// The journal lies in the root, or beside it as long as there is no root.
    fn open_journal(&self, name: &str) -> Result<Journal> {
        let failed = |error| StoreError::io("opening the journal of", &self.shown, error);
        let beside = lasting_sibling(&self.root, name, "journal").map_err(failed)?;
        let path = if beside.exists() || !self.root.exists() {
            beside
        } else {
            self.root.join(format!(".{name}.journal{LASTING_SUFFIX}"))
        };
        Journal::open(&path, &self.shown)
    }

    fn stage_lasting(&self, target: &StorePrefix, name: &str, token: Option<u64>) -> Result<Box<dyn Staged>> {
        Ok(Box::new(trees::stage_lasting(self, target, name, token)?))
    }
}

/// What tells the file of a value from those that had its name before.
#[allow(
    clippy::unnecessary_cast,
    reason = "the types of the members are those of the C library where rustix goes through it"
)]
fn generation(status: &Stat) -> u64 {
    mixed([
        status.st_dev,
        status.st_ino,
        status.st_size as u64,
        status.st_mtime as u64,
        status.st_mtime_nsec as u64,
        status.st_ctime as u64,
        status.st_ctime_nsec as u64,
    ])
}

/// Whether a file was left alone for so long that any change from `now` on gives it other times.
///
/// The coarsest file systems keep times of two seconds. The number of a file that was removed may be given to the next
/// one, so it does not tell them apart.
fn is_settled(status: &Stat, now: SystemTime) -> bool {
    const TICK_MAX: u64 = 2;
    let now = now.duration_since(SystemTime::UNIX_EPOCH);
    let last = (status.st_mtime as u64).max(status.st_ctime as u64);
    // Seconds are cut off of both. A time that lies ahead is not of this clock, and tells nothing.
    now.is_ok_and(|now| now.as_secs().checked_sub(last).is_some_and(|age| age > TICK_MAX))
}

/// Syncs the file system that holds `root`: one call for any number of files and folders.
fn sync_file_system(root: &Path) -> io::Result<()> {
    match File::open(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        #[cfg(target_os = "linux")]
        Ok(root) => Ok(rustix::fs::syncfs(root)?),
        #[cfg(not(target_os = "linux"))]
        Ok(_) => {
            rustix::fs::sync();
            Ok(())
        }
    }
}
