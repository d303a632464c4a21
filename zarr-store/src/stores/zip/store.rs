//! `ZipStore`: reading members in place, writing a new archive beside the old one.

use std::{
    fmt,
    fs::OpenOptions,
    io,
    ops::Bound,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf, absolute},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    thread,
};

use rustix::fs::OFlags;

use super::{
    archive_file::ArchiveFile,
    close_error::CloseError,
    directory::{Contents, Members, read_contents},
    member::Member,
    spool::{Encoded, Spool},
};
use crate::{
    ByteRange, Capabilities, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{Strays, sorted::list_map, sync::sync_directory, temporary::sweep_beside},
};

/// A ZIP archive.
///
/// # Reading
/// Only the directory of the archive is kept in memory.
/// Members without compression are read in place, also in part; deflated ones are inflated.
/// Many threads may read at once.
/// The checksum of a member is compared whenever its whole value is read.
/// A member whose name is no valid key, or that is a link, is no key: see [`skipped`](Self::skipped).
///
/// # Writing
/// What is set goes without compression into a new archive under a temporary name beside the old one.
/// It takes the place of the old one at [`close`](Self::close) or [`flush`](Store::flush), so until then,
/// and after a crash, other readers see the old archive; they never see half of one.
/// The first change after opening or flushing copies the members that are there, compressed as they are,
/// so flushing after each of many values is slow.
/// Flushing and closing wait until the archive is on the disk; one that is completed when the store is dropped is only
/// sure to leave the old archive or the new one after a loss of power.
/// Where the archive cannot be completed, as on a full disk, the old one stays, what was set is kept, and `flush` may be
/// called again.
/// Where values were set twice or erased, completing copies what still counts once more; each name stands
/// once in the directory of a finished archive.
///
/// Two stores that write the same archive do not see each other: the last to finish wins, so one process at a time may
/// write an archive.
///
/// ```
/// use zarr_store::{Store, StoreExt, StoreKey, ZipStore};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("example.zip");
/// let store = ZipStore::create(&path)?;
/// let key = StoreKey::new("foo/.zgroup")?;
/// store.set(&key, b"{}")?;
/// store.close()?;
///
/// let store = ZipStore::open(&path)?;
/// assert_eq!(store.get(&key, 100)?.as_deref(), Some(&b"{}"[..]));
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
pub struct ZipStore {
    path: PathBuf,
    /// The path in the words of the user.
    shown: String,
    verifies: bool,
    deflates: bool,
    members: RwLock<Members>,
    skipped: Vec<String>,
    strays: Strays,
    /// `None` for an archive that is only read.
    writer: Option<Mutex<Writer>>,
    close_error: CloseError,
}

/// The archive that is published, and the one in the making.
struct Writer {
    published: Option<Arc<ArchiveFile>>,
    spool: Option<Spool>,
    /// Whether the archive may take the place of one that is there.
    replaces: bool,
    /// Whether the name of the archive may be lost with the power.
    has_unsynced_name: bool,
}

impl ZipStore {
    /// Opens an archive for reading only.
    ///
    /// # Errors
    /// `Io` when there is none or it cannot be read, `Corrupt` when its directory is damaged,
    /// `NotSupported` for an archive of several disks, `TooLarge` beyond 2^24 members.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::read(path.as_ref(), false)
    }

    /// Makes a new archive, which must not be there.
    ///
    /// # Errors
    /// `Conflict` when there is one, `Io` when no file can be made in the directory.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.symlink_metadata().is_ok() {
            return Err(StoreError::Conflict {
                what: path.display().to_string(),
                reason: "there is a file already".to_owned(),
            });
        }
        Self::begin(path, false)
    }

    /// Makes a new archive, which takes the place of one that is there when it is complete; a link to one stays.
    ///
    /// # Errors
    /// `Io` when no file can be made in the directory, `Conflict` when something else than a file has the name.
    pub fn create_or_replace(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let Ok(found) = path.metadata() else {
            return Self::begin(path, true);
        };
        if !found.is_file() {
            return Err(StoreError::Conflict {
                what: path.display().to_string(),
                reason: "not a file".to_owned(),
            });
        }
        let target = path.canonicalize();
        Self::begin(target.as_deref().unwrap_or(path), true)
    }

    /// Opens an archive for changes, or makes a new one.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and [`create`](Self::create).
    pub fn update(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::begin(path, false),
            _ => Self::read(path, true),
        }
    }

    fn read(path: &Path, is_writable: bool) -> Result<Self> {
        let shown = path.display().to_string();
        let failed = |error| StoreError::io("opening", &shown, error);
        // A link stays one when the archive it leads to is replaced.
        let path = path.canonicalize().map_err(failed)?;
        // Without `NONBLOCK`, opening a pipe would wait for somebody to write into it.
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(&path)
            .map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(StoreError::Conflict {
                what: shown,
                reason: "not a file".to_owned(),
            });
        }
        let file = Arc::new(ArchiveFile::from(file));
        let contents = read_contents(&file).map_err(|damage| damage.at(&shown))?;
        let writer = is_writable.then(|| Writer {
            published: Some(file),
            spool: None,
            replaces: true,
            has_unsynced_name: false,
        });
        Ok(Self::with(path, shown, contents, writer))
    }

    fn begin(path: &Path, replaces: bool) -> Result<Self> {
        let shown = path.display().to_string();
        let failed = |error| StoreError::io("creating", &shown, error);
        let path = absolute(path).map_err(failed)?;
        let writer = Writer {
            published: None,
            spool: Some(Spool::begin(&path).map_err(failed)?),
            replaces,
            has_unsynced_name: false,
        };
        Ok(Self::with(path, shown, Contents::default(), Some(writer)))
    }

    fn with(path: PathBuf, shown: String, contents: Contents, writer: Option<Writer>) -> Self {
        Self {
            path,
            shown,
            verifies: true,
            deflates: false,
            members: RwLock::new(contents.members),
            skipped: contents.skipped,
            strays: Strays::default(),
            writer: writer.map(Mutex::new),
            close_error: CloseError::default(),
        }
    }

    /// Chooses whether members that are set are deflated; they are not unless told otherwise, since chunks are
    /// compressed already, and what is not deflated is read in place.
    ///
    /// Members that are there stay as they are.
    #[must_use]
    pub fn with_deflate(mut self, deflates: bool) -> Self {
        self.deflates = deflates;
        self
    }

    /// Chooses whether the checksums of members are compared; they are unless told otherwise.
    #[must_use]
    pub fn with_checksums(mut self, verifies: bool) -> Self {
        self.verifies = verifies;
        self
    }

    /// Chooses what listings make of members that are no keys; they are left out unless told otherwise.
    ///
    /// Links are no keys whatever is chosen.
    #[must_use]
    pub fn with_strays(mut self, strays: Strays) -> Self {
        self.strays = strays;
        self
    }

    /// The names, cut to 80 characters, of members that are no keys: they are kept but not reached.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Completes the archive and puts it in its place.
    ///
    /// Dropping the store does so too, but can only leave an error in [`close_error`](Self::close_error).
    ///
    /// # Errors
    /// What was there before is then intact, and what was set is lost.
    pub fn close(self) -> Result<()> {
        let result = self.flush();
        if let Some(mut writer) = self.writer() {
            // Else dropping would try again what just failed.
            writer.spool = None;
        }
        result
    }

    /// Gives up what was set since the last flush: dropping the store then changes nothing.
    ///
    /// For the time when an operation failed half-way; the store must not be used after it.
    pub fn abandon(&self) {
        if let Some(mut writer) = self.writer() {
            writer.spool = None;
        }
    }

    /// Where an error is found after the store was dropped without [`close`](Self::close).
    pub fn close_error(&self) -> CloseError {
        self.close_error.clone()
    }

    fn writer(&self) -> Option<MutexGuard<'_, Writer>> {
        let writer = self.writer.as_ref()?;
        Some(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The writer, for a change to a key.
    fn changing(&self, operation: &'static str, key: &str) -> Result<MutexGuard<'_, Writer>> {
        self.writer().ok_or_else(|| StoreError::NotSupported {
            operation,
            store: self.describe(key),
        })
    }

    fn member(&self, key: &StoreKey) -> Option<Arc<Member>> {
        self.read_members().get(key).cloned()
    }

    fn read_members(&self) -> std::sync::RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change_members<T>(&self, change: impl FnOnce(&mut Members) -> T) -> T {
        change(&mut self.members.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// The archive in the making, begun with the members that are there.
    fn spool<'a>(&self, writer: &'a mut Writer) -> io::Result<&'a mut Spool> {
        if writer.spool.is_none() {
            let spool = match &writer.published {
                None => Spool::begin(&self.path)?,
                Some(published) => {
                    let continued = Spool::continue_from(&self.path, published, &self.read_members());
                    let (spool, moved) = continued?;
                    self.change_members(|members| *members = moved);
                    spool
                }
            };
            writer.spool = Some(spool);
        }
        writer.spool.as_mut().ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Sees to it that what was set can be read from the file.
    fn settle(&self) -> io::Result<()> {
        let Some(mut writer) = self.writer() else {
            return Ok(());
        };
        writer.spool.as_mut().map_or(Ok(()), Spool::settle)
    }

    fn erase_all(&self, writer: &mut Writer, keys: &[StoreKey]) -> io::Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let spool = self.spool(writer)?;
        for key in keys {
            if self.change_members(|members| members.remove(key)).is_some() {
                spool.supersede();
            }
        }
        Ok(())
    }

    /// Completes the archive in the making, if there is one.
    fn publish(&self, writer: &mut Writer, syncs: bool) -> io::Result<()> {
        let Some(spool) = &mut writer.spool else {
            return Ok(());
        };
        let moved = spool.complete(&self.read_members())?;
        if let Some(moved) = moved {
            self.change_members(|members| *members = moved);
        }
        spool.publish(writer.replaces, syncs)?;
        writer.published = Some(spool.file());
        writer.replaces = true;
        writer.has_unsynced_name = true;
        writer.spool = None;
        Ok(())
    }

    /// Completes the archive, and waits until it is on the disk under its name.
    fn publish_durably(&self, writer: &mut Writer) -> io::Result<()> {
        self.publish(writer, true)?;
        if let Some(folder) = self.path.parent().filter(|_| writer.has_unsynced_name) {
            sync_directory(folder)?;
            writer.has_unsynced_name = false;
        }
        Ok(())
    }
}

impl Store for ZipStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        let Some(member) = self.member(key) else {
            return Ok(false);
        };
        let failed = |error| StoreError::io("reading", self.describe(key.as_str()), error);
        self.settle().map_err(failed)?;
        member.read(key.as_str(), ranges, buffer, self.verifies, || {
            self.describe(key.as_str())
        })?;
        buffer.set_generation(Some(member.generation().map_err(failed)?));
        // A value that is set again lies elsewhere in the archive, or in another one.
        buffer.set_settled(true);
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(self.member(key).map(|member| member.size))
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        let failed = |error| StoreError::io("writing", self.describe(key.as_str()), error);
        // Outside the lock, so that threads do it at the same time.
        let encoded = self.writer.is_some().then(|| Encoded::new(value, self.deflates));
        let encoded = encoded.transpose().map_err(failed)?;
        let mut writer = self.changing("setting a key of an archive opened for reading", key.as_str())?;
        let Some(encoded) = encoded else { return Ok(()) };
        let spool = self.spool(&mut writer).map_err(failed)?;
        let member = spool.add(key, &encoded).map_err(failed)?;
        let old = self.change_members(|members| members.insert(key.clone(), Arc::new(member)));
        if old.is_some() {
            spool.supersede();
        }
        Ok(())
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        let mut writer = self.changing("erasing a key of an archive opened for reading", key.as_str())?;
        if self.member(key).is_none() {
            return Ok(());
        }
        self.erase_all(&mut writer, std::slice::from_ref(key))
            .map_err(|error| StoreError::io("erasing", self.describe(key.as_str()), error))
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        match self.skipped.first() {
            Some(name) if self.strays != Strays::Passed => Err(StoreError::Conflict {
                what: self.describe(name),
                reason: "a member that is no key, or a link".to_owned(),
            }),
            _ => list_map(&self.read_members(), prefix),
        }
    }

    fn capabilities(&self) -> Capabilities {
        let granted = if self.writer.is_some() {
            Capabilities {
                deferred: true,
                ..Capabilities::ALL
            }
        } else {
            Capabilities::READ_ONLY
        };
        Capabilities {
            generations: true,
            ..granted
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        let operation = "erasing a prefix of an archive opened for reading";
        let mut writer = self.changing(operation, prefix.as_str())?;
        let keys: Vec<_> = self
            .read_members()
            .range::<str, _>((Bound::Included(prefix.as_str()), Bound::Unbounded))
            .map(|(key, _)| key)
            .take_while(|key| prefix.strip(key).is_some())
            .cloned()
            .collect();
        self.erase_all(&mut writer, &keys)
            .map_err(|error| StoreError::io("erasing", self.describe(prefix.as_str()), error))
    }

    /// Completes the archive, puts it in its place and waits until it is on the disk; the next change begins another.
    fn flush(&self) -> Result<()> {
        let Some(mut writer) = self.writer() else {
            return Ok(());
        };
        self.publish_durably(&mut writer)
            .map_err(|error| StoreError::io("completing", &self.shown, error))
    }

    /// By the archive, and the place of the member in it.
    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        let failed = |error| StoreError::io("reading", self.describe(key.as_str()), error);
        self.settle().map_err(failed)?;
        let member = self.member(key);
        let generation = member.map(|member| member.generation()).transpose();
        generation.map_err(failed)
    }

    /// Removes archives in the making beside this one.
    fn sweep(&self, _: &StorePrefix, _: bool) -> Result<()> {
        sweep_beside(&self.path).map_err(|error| StoreError::io("sweeping", &self.shown, error))
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.shown.clone()
        } else {
            format!("{}: {key}", self.shown)
        }
    }
}

impl Drop for ZipStore {
    fn drop(&mut self) {
        let result = match self.writer() {
            Some(writer) if writer.spool.is_some() && thread::panicking() => {
                // Whatever was to be written is not all there.
                let reason = "dropped by a panic, so the archive was not completed";
                Err(io::Error::other(reason))
            }
            Some(mut writer) => self.publish(&mut writer, false),
            None => Ok(()),
        };
        let result = result.map_err(|error| StoreError::io("completing", &self.shown, error));
        *self.close_error.slot() = result.err();
    }
}

impl fmt::Debug for ZipStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipStore")
            .field("path", &self.path)
            .field("writes", &self.writer.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, fs, rc::Rc};

    use super::*;
    use crate::{StoreExt, stores::sync::watching::watch};

    /// What is synced while an archive is written, each with what is read from the archive in its place then.
    fn synced(action: impl FnOnce(&Path)) -> Vec<(&'static str, Option<String>)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        let seen = Rc::new(RefCell::new(Vec::new()));
        let (noted, watched) = (Rc::clone(&seen), path.clone());
        let watcher = move |what| {
            let store = ZipStore::open(&watched).ok();
            let value = store.and_then(|store| store.get(&key(), 100).unwrap());
            let value = value.map(|value| String::from_utf8(value.to_vec()).unwrap());
            noted.borrow_mut().push((what, value));
            Ok(())
        };
        watch(watcher, || action(&path));
        seen.take()
    }

    fn key() -> StoreKey {
        StoreKey::new("a").unwrap()
    }

    #[test]
    fn an_archive_is_synced_before_it_has_its_name_and_the_name_after() {
        let old_and_new = |value: &str, before: Option<&str>| {
            [
                ("file", before.map(str::to_owned)),
                ("folder", Some(value.to_owned())),
            ]
        };
        let seen = synced(|path| {
            let store = ZipStore::create(path).unwrap();
            store.set(&key(), b"1").unwrap();
            store.flush().unwrap();
            // Nothing is left to be synced.
            store.flush().unwrap();
            store.set(&key(), b"2").unwrap();
            store.close().unwrap();
        });
        assert_eq!(
            seen,
            [old_and_new("1", None), old_and_new("2", Some("1"))].concat()
        );
    }

    #[test]
    fn a_store_that_is_dropped_syncs_what_replaces_an_archive() {
        let seen = synced(|path| {
            for value in [&b"1"[..], b"2"] {
                let store = ZipStore::update(path).unwrap();
                store.set(&key(), value).unwrap();
            }
        });
        assert_eq!(seen, [("file", Some("1".to_owned()))]);
    }

    #[test]
    fn what_cannot_be_synced_replaces_nothing_and_may_be_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        fs::write(&path, "old").unwrap();
        let store = ZipStore::create_or_replace(&path).unwrap();
        store.set(&key(), b"1").unwrap();
        for failing in ["file", "folder"] {
            let watcher = move |what| match what {
                what if what == failing => Err(io::ErrorKind::StorageFull.into()),
                _ => Ok(()),
            };
            watch(watcher, || store.flush()).unwrap_err();
            assert_eq!(fs::read(&path).unwrap() == b"old", failing == "file");
        }
        store.flush().unwrap();
        let value = ZipStore::open(&path).unwrap().get(&key(), 100).unwrap();
        assert_eq!(value.as_deref(), Some(&b"1"[..]));
    }
}
