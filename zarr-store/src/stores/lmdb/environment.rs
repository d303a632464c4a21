//! The opening of an environment: the only `unsafe` part.
#![allow(unsafe_code, reason = "a file is mapped into memory")]

use std::path::Path;

use heed::{Database, Env, EnvFlags, EnvOpenOptions, Error, WithoutTls, types::Bytes};

/// Keys and values as bytes.
pub(super) type Table = Database<Bytes, Bytes>;

/// The most transactions that read at once, in all processes.
const READERS_MAX: u32 = 1024;
/// The largest database, in bytes; that of zarr-python. Only addresses are taken, not memory or disk.
const MAP_SIZE: usize = if cfg!(target_pointer_width = "64") {
    1 << 40
} else {
    1 << 28
};
/// The smallest that is tried where addresses are limited, in bytes.
const MAP_SIZE_MIN: usize = 1 << 28;

/// Opens the environment in a directory that is there, and its table.
///
/// `None` for the table means that there is none to be read.
pub(super) fn open(path: &Path, is_writable: bool) -> Result<(Env<WithoutTls>, Option<Table>), Error> {
    let mut map_size = MAP_SIZE;
    loop {
        match open_with(path, is_writable, map_size) {
            Err(Error::Io(error))
                if error.kind() == std::io::ErrorKind::OutOfMemory && map_size > MAP_SIZE_MIN =>
            {
                map_size /= 4;
            }
            Err(error) => return Err(error),
            Ok(environment) => {
                let table = table(&environment, is_writable)?;
                return Ok((environment, table));
            }
        }
    }
}

fn open_with(path: &Path, is_writable: bool, map_size: usize) -> Result<Env<WithoutTls>, Error> {
    let mut options = EnvOpenOptions::new().read_txn_without_tls();
    options.map_size(map_size).max_readers(READERS_MAX);
    // Pages of values are whole on the disk before a commit returns; which commit was the last one may be
    // lost with the power, until a flush.
    let flags = if is_writable {
        EnvFlags::NO_META_SYNC
    } else {
        EnvFlags::READ_ONLY
    };
    // SAFETY: without its second sync a commit may be undone by a loss of power, never be half there.
    unsafe { options.flags(flags) };
    // SAFETY: the map is changed by LMDB alone, under the lock in `lock.mdb`, and the map is not writable, so
    // that nothing of ours can change it. Programs that write into the file without LMDB are beyond anybody's
    // care, as they are for zarr-python.
    unsafe { options.open(path) }
}

fn table(environment: &Env<WithoutTls>, is_writable: bool) -> Result<Option<Table>, Error> {
    if is_writable {
        let mut transaction = environment.write_txn()?;
        let table = environment.create_database(&mut transaction, None)?;
        transaction.commit()?;
        return Ok(Some(table));
    }
    let transaction = environment.read_txn()?;
    let table = environment.open_database(&transaction, None)?;
    transaction.commit()?;
    Ok(table)
}
