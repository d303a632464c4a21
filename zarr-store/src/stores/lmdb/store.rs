//! The environment as a store.

use std::{fs, io, ops::Bound, path::Path, str};

use heed::{Env, Error, MdbError, RoTxn, WithoutTls};

use super::environment::{Table, open};
use crate::{
    ByteRange, Capabilities, KeyLock, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{
        Strays,
        directory::lock_file::LockFile,
        ranges::push_filled_ranges,
        sorted::{after, list_level},
    },
};

/// The longest key in bytes.
const KEY_SIZE_MAX: usize = 511;

/// Keys and values in the unnamed table of an LMDB environment: a directory with `data.mdb` and `lock.mdb`.
///
/// `LMDBStore` of zarr-python 2 and this read each other's directories, one after the other; zarr-python lists
/// only keys that are ASCII.
/// Reading takes no lock and never waits. Each change is a transaction of its own, which survives the end of
/// the process at once, and a loss of power after [`flush`](Store::flush).
/// A directory can be open once in a process.
/// While a chunk is written in part, its lock lies in the directory, a file whose name ends in `.zt-partial`: several
/// processes of this library may write to one chunk at a time.
#[derive(Debug)]
pub struct LmdbStore {
    shown: String,
    environment: Env<WithoutTls>,
    /// `None` when the environment is read and has never been written.
    table: Option<Table>,
    is_writable: bool,
    strays: Strays,
}

impl LmdbStore {
    /// Opens an environment that is there, for reading.
    ///
    /// # Errors
    /// `Io` when it is not there, `Corrupt` when it is none, `Conflict` when this process has it open.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_mode(path.as_ref(), false)
    }

    /// Opens an environment to read and change it, and makes it if it is not there.
    ///
    /// # Errors
    /// Those of [`LmdbStore::open`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_mode(path.as_ref(), true)
    }

    fn with_mode(path: &Path, is_writable: bool) -> Result<Self> {
        let shown = path.display().to_string();
        if is_writable {
            fs::create_dir_all(path).map_err(|error| StoreError::io("creating", &shown, error))?;
        } else {
            // Opening it would leave a lock file in a directory that is something else.
            fs::metadata(path.join("data.mdb")).map_err(|error| StoreError::io("opening", &shown, error))?;
        }
        let (environment, table) =
            open(path, is_writable).map_err(|error| failure("opening", shown.clone(), &error))?;
        Ok(Self {
            shown,
            environment,
            table,
            is_writable,
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

    fn failed(&self, action: &'static str, key: &str, error: &Error) -> StoreError {
        failure(action, self.describe(key), error)
    }

    /// Reads in a transaction: a state of the table that no writer changes. `None` when there is no table.
    fn read<T>(
        &self,
        key: &str,
        action: impl FnOnce(&RoTxn<'_>, &Table) -> std::result::Result<T, Error>,
    ) -> Result<Option<T>> {
        let Some(table) = &self.table else {
            return Ok(None);
        };
        let read = || {
            let transaction = self.environment.read_txn()?;
            action(&transaction, table)
        };
        read()
            .map(Some)
            .map_err(|error| self.failed("reading", key, &error))
    }

    /// Changes the table in a transaction, which is undone when something fails.
    fn change<T>(
        &self,
        action: &'static str,
        key: &str,
        change: impl FnOnce(&mut heed::RwTxn<'_>, &Table) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        let Some(table) = self.table.as_ref().filter(|_| self.is_writable) else {
            return Err(StoreError::NotSupported {
                operation: "changing an environment opened for reading",
                store: self.describe(key),
            });
        };
        let run = || {
            let mut transaction = self.environment.write_txn()?;
            let changed = change(&mut transaction, table)?;
            transaction.commit()?;
            Ok(changed)
        };
        run().map_err(|error| self.failed(action, key, &error))
    }
}

/// Gives an error of LMDB the kind that it has for all stores.
fn failure(action: &'static str, what: String, error: &Error) -> StoreError {
    let kind = match error {
        Error::EnvAlreadyOpened => {
            return StoreError::Conflict {
                what,
                reason: "this process has the environment open already".to_owned(),
            };
        }
        Error::Mdb(MdbError::Corrupted | MdbError::Invalid | MdbError::PageNotFound) => {
            return StoreError::Corrupt {
                what,
                reason: error.to_string(),
            };
        }
        Error::Mdb(MdbError::MapFull) => io::ErrorKind::StorageFull,
        Error::Mdb(MdbError::ReadersFull) => io::ErrorKind::ResourceBusy,
        Error::Io(error) => error.kind(),
        _ => io::ErrorKind::Other,
    };
    StoreError::io(action, what, io::Error::new(kind, error.to_string()))
}

/// Whether LMDB could hold a key; one that it could not is not there.
fn fits(key: &StoreKey) -> bool {
    key.as_str().len() <= KEY_SIZE_MAX
}

impl Store for LmdbStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        if !fits(key) {
            return Ok(false);
        }
        let found = self.read(key.as_str(), |transaction, table| {
            let Some(value) = table.get(transaction, key.as_str().as_bytes())? else {
                return Ok(Ok(false));
            };
            let what = || self.describe(key.as_str());
            let pushed = push_filled_ranges(value.len() as u64, ranges, buffer, what, |range, memory| {
                memory.copy_from_slice(&value[range.start as usize..range.end as usize]);
                Ok(())
            });
            Ok(pushed.map(|()| true))
        });
        found?.unwrap_or(Ok(false))
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        if !fits(key) {
            return Ok(None);
        }
        let size = self.read(key.as_str(), |transaction, table| {
            let value = table.get(transaction, key.as_str().as_bytes())?;
            Ok(value.map(|value| value.len() as u64))
        });
        Ok(size?.flatten())
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        if !fits(key) {
            return Err(StoreError::InvalidKey {
                key: key.as_str().chars().take(80).collect(),
                reason: "over 511 bytes, the most that LMDB takes",
            });
        }
        self.change("writing", key.as_str(), |transaction, table| {
            table.put(transaction, key.as_str().as_bytes(), value)
        })
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        if !self.is_writable {
            return Ok(KeyLock::default());
        }
        let lock = LockFile::lock_in_database(self.environment.path(), "", key);
        let lock = lock.map_err(|error| StoreError::io("locking", self.describe(key.as_str()), error))?;
        Ok(KeyLock { file: Some(lock) })
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        if self.is_writable && !fits(key) {
            return Ok(());
        }
        self.change("erasing", key.as_str(), |transaction, table| {
            table.delete(transaction, key.as_str().as_bytes()).map(drop)
        })
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let listing = self.read(prefix.as_str(), |transaction, table| {
            Ok(list_level(prefix, self.strays, |from| {
                next_key(transaction, table, from, self.strays)
                    .map_err(|error| self.failed("listing", prefix.as_str(), &error))
            }))
        });
        listing?.unwrap_or_else(|| Ok(Listing::default()))
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
        self.change("erasing", prefix.as_str(), |transaction, table| {
            if prefix.is_root() {
                return table.clear(transaction);
            }
            let end = after(prefix.as_str());
            let range = (
                Bound::Included(prefix.as_str().as_bytes()),
                Bound::Excluded(end.as_bytes()),
            );
            table.delete_range(transaction, &range).map(drop)
        })
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        let renamed = self.change("renaming", from.as_str(), |transaction, table| {
            let below = |transaction: &RoTxn<'_>, prefix: &StorePrefix| {
                let found = table.prefix_iter(transaction, prefix.as_str().as_bytes())?;
                found
                    .map(|found| Ok(found?.0.to_vec()))
                    .collect::<std::result::Result<Vec<_>, Error>>()
            };
            if !below(transaction, to)?.is_empty() {
                return Ok(None);
            }
            let keys = below(transaction, from)?;
            for key in &keys {
                let value = table.get(transaction, key)?.unwrap_or_default().to_vec();
                let target = [to.as_str().as_bytes(), &key[from.as_str().len()..]].concat();
                table.put(transaction, &target, &value)?;
                table.delete(transaction, key)?;
            }
            Ok(Some(!keys.is_empty()))
        })?;
        renamed.ok_or_else(|| StoreError::Conflict {
            what: self.describe(to.as_str()),
            reason: "there are keys below it already".to_owned(),
        })
    }

    fn flush(&self) -> Result<()> {
        if !self.is_writable {
            return Ok(());
        }
        self.environment
            .force_sync()
            .map_err(|error| self.failed("flushing", "", &error))
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.shown.clone()
        } else {
            format!("{}: {key}", self.shown)
        }
    }
}

/// The first key from a bound on; keys that are no text are passed over if `strays` says so.
fn next_key(
    transaction: &RoTxn<'_>,
    table: &Table,
    from: Bound<&str>,
    strays: Strays,
) -> std::result::Result<Option<String>, Error> {
    // A key longer than LMDB takes cannot be searched for; it ends like its beginning.
    let cut = |text: &str| text.as_bytes()[..text.len().min(KEY_SIZE_MAX)].to_vec();
    let mut from = match from {
        Bound::Included(text) => Bound::Included(cut(text)),
        Bound::Excluded(text) => Bound::Excluded(cut(text)),
        Bound::Unbounded => Bound::Unbounded,
    };
    loop {
        let found = match &from {
            // The empty key is no key to LMDB.
            Bound::Included(bytes) if bytes.is_empty() => table.first(transaction)?,
            Bound::Included(bytes) => table.get_greater_than_or_equal_to(transaction, bytes)?,
            Bound::Excluded(bytes) => table.get_greater_than(transaction, bytes)?,
            Bound::Unbounded => table.first(transaction)?,
        };
        let Some((key, _)) = found else { return Ok(None) };
        match str::from_utf8(key) {
            Ok(key) => return Ok(Some(key.to_owned())),
            Err(_) if strays == Strays::Passed => {}
            Err(_) => {
                let name = String::from_utf8_lossy(key);
                return Err(Error::Decoding(format!("the key {name:?} is not UTF-8").into()));
            }
        }
        from = Bound::Excluded(key.to_vec());
    }
}
