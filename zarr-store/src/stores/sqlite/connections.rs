//! The connections of a store to its database.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Result};

/// How long a connection waits for others that change the database.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it waits before it tries again what the library does not wait for by itself.
const PAUSE: Duration = Duration::from_millis(2);
/// How many connections are kept for readers to come.
const KEPT_MAX: usize = 64;

/// One connection that writes, and others that read beside it.
///
/// A database in memory has the one connection only.
#[derive(Debug)]
pub(super) struct Connections {
    path: Option<PathBuf>,
    flags: OpenFlags,
    writer: Mutex<Connection>,
    idle: Mutex<Vec<Connection>>,
    /// Whether the log that lets readers and writers work side by side was switched on here.
    has_begun_log: bool,
}

impl Connections {
    /// Opens a database in a file; one that is to be changed is made if it is not there.
    pub(super) fn open(path: &Path, is_writable: bool) -> Result<Self> {
        let access = if is_writable {
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
        } else {
            OpenFlags::SQLITE_OPEN_READ_ONLY
        };
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let writer = connect(path, flags)?;
        let mut has_begun_log = false;
        if is_writable {
            has_begun_log = patiently(|| begin_log(&writer))?;
            make_table(&writer)?;
        }
        Ok(Self {
            path: Some(path.to_owned()),
            flags,
            writer: Mutex::new(writer),
            idle: Mutex::default(),
            has_begun_log,
        })
    }

    /// Makes an empty database in memory.
    pub(super) fn in_memory() -> Result<Self> {
        let writer = Connection::open_in_memory()?;
        make_table(&writer)?;
        Ok(Self {
            path: None,
            flags: OpenFlags::default(),
            writer: Mutex::new(writer),
            idle: Mutex::default(),
            has_begun_log: false,
        })
    }

    /// Reads by a connection that nobody else uses meanwhile.
    pub(super) fn read<T, E: From<rusqlite::Error>>(
        &self,
        action: impl FnOnce(&Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let Some(path) = &self.path else {
            return self.write(|connection| action(connection));
        };
        let free = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => connect(path, self.flags)?,
        };
        let result = action(&connection);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT_MAX && connection.is_autocommit() {
            idle.push(connection);
        }
        result
    }

    /// Changes the database; others of this store wait.
    pub(super) fn write<T, E>(
        &self,
        action: impl FnOnce(&mut Connection) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        action(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Connections {
    /// Leaves a single file behind, as it was found, unless others still use it.
    fn drop(&mut self) {
        self.idle
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        if self.has_begun_log {
            let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
            let ended = writer
                .busy_timeout(Duration::ZERO)
                .and_then(|()| set_journal(writer, "DELETE"));
            // Others use the database then, and the last of them ends the log.
            drop(ended);
        }
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// The table of zarr-python.
fn make_table(connection: &Connection) -> Result<()> {
    connection.execute_batch("CREATE TABLE IF NOT EXISTS zarr(k TEXT PRIMARY KEY, v BLOB)")
}

/// Switches the log on where the file system can have one; says whether it was off.
///
/// What is committed to it survives the end of the process at once, and a loss of power after a flush.
fn begin_log(connection: &Connection) -> Result<bool> {
    let before: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    let is_new =
        !before.eq_ignore_ascii_case("wal") && set_journal(connection, "WAL")?.eq_ignore_ascii_case("wal");
    if is_new || before.eq_ignore_ascii_case("wal") {
        connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    }
    Ok(is_new)
}

/// Tries again as long as others are in the way: who switches the log on while another does is told so at once, lest both
/// wait for each other.
fn patiently<T>(action: impl Fn() -> Result<T>) -> Result<T> {
    let begun = Instant::now();
    loop {
        match action() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < PATIENCE =>
            {
                thread::sleep(PAUSE);
            }
            result => return result,
        }
    }
}

fn set_journal(connection: &Connection, mode: &str) -> Result<String> {
    connection.query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| row.get(0))
}
