//! The table `zarr` as a store.

use std::{
    io,
    ops::Bound,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, Error, ErrorCode, MAIN_DB, OptionalExtension, TransactionBehavior, params};

use super::connections::Connections;
use crate::{
    ByteRange, Capabilities, KeyLock, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{
        Strays,
        directory::lock_file::LockFile,
        ranges::push_filled_ranges,
        sorted::{after, list_level},
    },
};

/// The largest value that SQLite takes, in bytes.
const VALUE_SIZE_MAX: u64 = 1_000_000_000;

/// Keys and values in the table `zarr(k TEXT PRIMARY KEY, v BLOB)` of an SQLite database.
///
/// `SQLiteStore` of zarr-python 2 and this read each other's files, also at the same time.
/// Each change is a transaction of its own, which survives the end of the process at once, and a loss of power
/// after [`flush`](Store::flush).
/// While the store is open, files `-wal` and `-shm` lie beside the database; closing the last store removes
/// them.
/// While a chunk is written in part, its lock lies beside the database as well, a file whose name ends in `.zt-partial`:
/// several processes of this library may write to one chunk at a time. zarr-python has no such locks, so what it writes
/// to must be other chunks.
///
/// ```
/// use zarr_store::{SqliteStore, Store, StoreExt, StoreKey};
/// let store = SqliteStore::in_memory()?;
/// let key = StoreKey::new("foo/.zgroup")?;
/// store.set(&key, b"{}")?;
/// assert_eq!(store.get(&key, 100)?.as_deref(), Some(&b"{}"[..]));
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
#[derive(Debug)]
pub struct SqliteStore {
    shown: String,
    /// The file of the database, without links; `None` for one in memory.
    path: Option<PathBuf>,
    connections: Connections,
    is_writable: bool,
    strays: Strays,
}

impl SqliteStore {
    /// Opens a database that is there, for reading.
    ///
    /// # Errors
    /// `Io` when it is not there or is no database.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_mode(path.as_ref(), false)
    }

    /// Opens a database to read and change it, and makes it if it is not there.
    ///
    /// # Errors
    /// `Io` when it cannot be made or is no database.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_mode(path.as_ref(), true)
    }

    fn with_mode(path: &Path, is_writable: bool) -> Result<Self> {
        let shown = path.display().to_string();
        let io_failed = |error| StoreError::io("opening", &shown, error);
        // SQLite has meanings of its own for names such as `:memory:`, and resolves others when it pleases.
        let path = std::path::absolute(path).map_err(io_failed)?;
        let connections = Connections::open(&path, is_writable)
            .map_err(|error| failure("opening", shown.clone(), error))?;
        let path = path.canonicalize().map_err(io_failed)?;
        let store = Self {
            path: Some(path),
            shown,
            connections,
            is_writable,
            strays: Strays::default(),
        };
        if !is_writable {
            store.check_table()?;
        }
        Ok(store)
    }

    /// Makes an empty database in memory.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn in_memory() -> Result<Self> {
        let shown = ":memory:".to_owned();
        let connections =
            Connections::in_memory().map_err(|error| failure("opening", shown.clone(), error))?;
        Ok(Self {
            shown,
            path: None,
            connections,
            is_writable: true,
            strays: Strays::default(),
        })
    }

    /// Chooses what listings make of names that are no keys, as others may have written them; they are left out unless
    /// told otherwise.
    #[must_use]
    pub fn with_strays(mut self, strays: Strays) -> Self {
        self.strays = strays;
        self
    }

    /// Refuses a file that is no database, or one of something else.
    fn check_table(&self) -> Result<()> {
        let looked = self.connections.read(|connection| {
            connection.prepare("SELECT k, v FROM zarr LIMIT 0")?;
            Ok::<_, Error>(())
        });
        looked.map_err(|error| self.failed("opening", "", error))
    }

    fn failed(&self, action: &'static str, key: &str, error: Error) -> StoreError {
        failure(action, self.describe(key), error)
    }

    fn told(&self, action: &'static str, key: &str, stopped: Failed) -> StoreError {
        match stopped {
            Failed::Database(error) => self.failed(action, key, error),
            Failed::Store(error) => error,
        }
    }

    fn refuse_readers(&self, operation: &'static str, key: &str) -> Result<()> {
        if self.is_writable {
            return Ok(());
        }
        Err(StoreError::NotSupported {
            operation,
            store: self.describe(key),
        })
    }

    /// Reads by means of the row's place, straight into the buffer, in one transaction.
    fn read_ranges(
        &self,
        connection: &Connection,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> std::result::Result<bool, Failed> {
        let transaction = connection.unchecked_transaction()?;
        let row: Option<i64> = transaction
            .prepare_cached("SELECT rowid FROM zarr WHERE k = ?1")?
            .query_row([key.as_str()], |row| row.get(0))
            .optional()?;
        let Some(row) = row else { return Ok(false) };
        let value = transaction.blob_open(MAIN_DB, "zarr", "v", row, true)?;
        let what = || self.describe(key.as_str());
        push_filled_ranges(value.len() as u64, ranges, buffer, what, |range, memory| {
            if memory.is_empty() {
                return Ok(());
            }
            value
                .read_at_exact(memory, range.start as usize)
                .map_err(|error| self.failed("reading", key.as_str(), error))
        })?;
        Ok(true)
    }
}

/// The first key from a bound on.
fn next_key(connection: &Connection, from: Bound<&str>) -> std::result::Result<Option<String>, Error> {
    let (query, from) = match from {
        Bound::Excluded(from) => ("SELECT k FROM zarr WHERE k > ?1 ORDER BY k LIMIT 1", from),
        Bound::Included(from) => ("SELECT k FROM zarr WHERE k >= ?1 ORDER BY k LIMIT 1", from),
        Bound::Unbounded => ("SELECT k FROM zarr WHERE k >= ?1 ORDER BY k LIMIT 1", ""),
    };
    connection
        .prepare_cached(query)?
        .query_row([from], |row| row.get(0))
        .optional()
}

/// What stops a read: the database, or what was asked of it.
enum Failed {
    Database(Error),
    Store(StoreError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Gives an error of SQLite the kind that it has for all stores.
fn failure(action: &'static str, what: String, error: Error) -> StoreError {
    let kind = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            return StoreError::Corrupt {
                what,
                reason: error.to_string(),
            };
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => io::ErrorKind::ResourceBusy,
        Some(ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
        Some(ErrorCode::ReadOnly) => io::ErrorKind::ReadOnlyFilesystem,
        Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
            io::ErrorKind::PermissionDenied
        }
        Some(ErrorCode::TooBig) => io::ErrorKind::FileTooLarge,
        Some(ErrorCode::OutOfMemory) => io::ErrorKind::OutOfMemory,
        _ => io::ErrorKind::Other,
    };
    StoreError::io(action, what, io::Error::new(kind, error))
}

impl Store for SqliteStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        let found = self
            .connections
            .read(|connection| self.read_ranges(connection, key, ranges, buffer));
        found.map_err(|stopped| self.told("reading", key.as_str(), stopped))
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        let size = self.connections.read(|connection| {
            connection
                .prepare_cached("SELECT octet_length(v) FROM zarr WHERE k = ?1")?
                .query_row([key.as_str()], |row| row.get(0))
                .optional()
        });
        let size: Option<i64> = size.map_err(|error| self.failed("reading", key.as_str(), error))?;
        Ok(size.map(|size| size as u64))
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.refuse_readers("setting a key of a database opened for reading", key.as_str())?;
        if value.len() as u64 > VALUE_SIZE_MAX {
            return Err(StoreError::TooLarge {
                what: self.describe(key.as_str()),
                size: value.len() as u64,
                limit: VALUE_SIZE_MAX,
            });
        }
        let set = self.connections.write(|connection| {
            connection
                .prepare_cached("REPLACE INTO zarr VALUES (?1, ?2)")?
                .execute(params![key.as_str(), value])
        });
        set.map(drop)
            .map_err(|error| self.failed("writing", key.as_str(), error))
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        let path = self.path.as_ref().filter(|_| self.is_writable);
        let Some((folder, name)) = path.and_then(|path| Some((path.parent()?, path.file_name()?))) else {
            return Ok(KeyLock::default());
        };
        let lock = LockFile::lock_in_database(folder, &name.to_string_lossy(), key);
        let lock = lock.map_err(|error| StoreError::io("locking", self.describe(key.as_str()), error))?;
        Ok(KeyLock { file: Some(lock) })
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.refuse_readers("erasing a key of a database opened for reading", key.as_str())?;
        let erased = self.connections.write(|connection| {
            connection
                .prepare_cached("DELETE FROM zarr WHERE k = ?1")?
                .execute([key.as_str()])
        });
        erased
            .map(drop)
            .map_err(|error| self.failed("erasing", key.as_str(), error))
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let failed = |error| self.failed("listing", prefix.as_str(), error);
        let listing = self.connections.read(|connection| {
            // One transaction, so that what others do meanwhile is in the listing whole or not at all.
            let transaction = connection.unchecked_transaction()?;
            let listing = list_level(prefix, self.strays, |from| {
                next_key(&transaction, from).map_err(failed)
            })?;
            Ok(listing)
        });
        listing.map_err(|stopped| self.told("listing", prefix.as_str(), stopped))
    }

    fn capabilities(&self) -> Capabilities {
        if self.is_writable {
            Capabilities::ALL
        } else {
            Capabilities::READ_ONLY
        }
    }

    /// Erases all keys below the prefix in one step.
    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.refuse_readers(
            "erasing a prefix of a database opened for reading",
            prefix.as_str(),
        )?;
        let erased = self.connections.write(|connection| {
            if prefix.is_root() {
                return connection.execute("DELETE FROM zarr", []);
            }
            connection
                .prepare_cached("DELETE FROM zarr WHERE k >= ?1 AND k < ?2")?
                .execute([prefix.as_str(), &after(prefix.as_str())])
        });
        erased
            .map(drop)
            .map_err(|error| self.failed("erasing", prefix.as_str(), error))
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.refuse_readers(
            "renaming a prefix of a database opened for reading",
            from.as_str(),
        )?;
        let renamed = self.connections.write(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_taken: bool = transaction.query_row(
                "SELECT EXISTS(SELECT 1 FROM zarr WHERE k >= ?1 AND k < ?2)",
                [to.as_str(), &after(to.as_str())],
                |row| row.get(0),
            )?;
            if is_taken {
                return Err(Failed::Store(StoreError::Conflict {
                    what: self.describe(to.as_str()),
                    reason: "there are keys below it already".to_owned(),
                }));
            }
            // Both count characters, not bytes.
            let n_renamed = transaction.execute(
                "UPDATE zarr SET k = ?1 || substr(k, length(?2) + 1) WHERE k >= ?2 AND k < ?3",
                [to.as_str(), from.as_str(), &after(from.as_str())],
            )?;
            transaction.commit()?;
            Ok(n_renamed > 0)
        });
        renamed.map_err(|stopped| self.told("renaming", from.as_str(), stopped))
    }

    /// Moves the log into the database and waits until both are on the disk.
    fn flush(&self) -> Result<()> {
        if !self.is_writable {
            return Ok(());
        }
        let flushed = self.connections.write(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get::<_, i64>(0))
        });
        flushed
            .map(drop)
            .map_err(|error| self.failed("flushing", "", error))
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.shown.clone()
        } else {
            format!("{}: {key}", self.shown)
        }
    }
}
