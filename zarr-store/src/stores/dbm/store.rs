//! The database as a store.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt, fs::FileExt},
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use rustix::fs::{FlockOperation, flock};

use super::index::{Span, parse_line, push_line};
use crate::{
    ByteRange, Capabilities, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{ranges::push_filled_ranges, sorted::list_map, temporary::Temporary},
};

/// Values begin at multiples of this many bytes.
const BLOCK_SIZE: u64 = 512;
/// The largest index that is read, in bytes.
const INDEX_SIZE_MAX: u64 = 1 << 30;

/// The database that Python's `dbm` makes where the system has no other: `NAME.dir`, `NAME.dat`.
///
/// `DBMStore` of zarr-python writes it on such systems, and opens what is written here if it is told
/// `open=dbm.dumb.open`; keys that are not ASCII it cannot list.
/// A value is put behind the others and then named in the index, so that whoever is killed leaves the old value
/// or the new one; the room of old values is not used again.
/// One process may have a database open to change it.
#[derive(Debug)]
pub struct DbmStore {
    /// The name without an ending, in the words of the user.
    shown: String,
    index_path: PathBuf,
    blocks: File,
    is_writable: bool,
    contents: RwLock<Contents>,
}

/// What the files hold.
#[derive(Debug)]
struct Contents {
    spans: BTreeMap<StoreKey, Span>,
    /// Lines of keys that are none of ours; they are kept.
    foreign: Vec<Vec<u8>>,
    /// Where lines are added; not used by readers.
    index: File,
    /// Where the next value goes.
    end: u64,
}

impl DbmStore {
    /// Opens a database that is there, for reading.
    ///
    /// # Errors
    /// `Io` when it is not there or cannot be read, `Corrupt` when its index is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_mode(path.as_ref(), false)
    }

    /// Opens a database to read and change it, and makes it if it is not there.
    ///
    /// # Errors
    /// Those of [`DbmStore::open`]; `Conflict` when another process changes it.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::with_mode(path.as_ref(), true)
    }

    fn with_mode(path: &Path, is_writable: bool) -> Result<Self> {
        let shown = path.display().to_string();
        let failed = |error| StoreError::io("opening", &shown, error);
        let open = |path: &Path| {
            OpenOptions::new()
                .read(true)
                .write(is_writable)
                .create(is_writable)
                .truncate(false)
                .open(path)
        };
        let index_path = with_ending(path, ".dir");
        let blocks = open(&with_ending(path, ".dat")).map_err(failed)?;
        if is_writable && let Err(error) = flock(&blocks, FlockOperation::NonBlockingLockExclusive) {
            return Err(match error {
                rustix::io::Errno::WOULDBLOCK => StoreError::Conflict {
                    what: shown,
                    reason: "another store or process has the database open to change it".to_owned(),
                },
                other => failed(other.into()),
            });
        }
        let mut index = open(&index_path).map_err(failed)?;
        let mut text = Vec::new();
        let read = Read::by_ref(&mut index)
            .take(INDEX_SIZE_MAX + 1)
            .read_to_end(&mut text);
        if read.map_err(failed)? as u64 > INDEX_SIZE_MAX {
            return Err(StoreError::TooLarge {
                what: shown,
                size: text.len() as u64,
                limit: INDEX_SIZE_MAX,
            });
        }
        let (spans, foreign) = parse(&text).map_err(|number| StoreError::Corrupt {
            what: index_path.display().to_string(),
            reason: format!("line {number} is none of an index"),
        })?;
        let end = blocks.metadata().map_err(failed)?.len();
        let contents = RwLock::new(Contents {
            spans,
            foreign,
            index,
            end,
        });
        Ok(Self {
            shown,
            index_path,
            blocks,
            is_writable,
            contents,
        })
    }

    // Contents are changed in single steps after all that can fail.
    fn read(&self) -> RwLockReadGuard<'_, Contents> {
        self.contents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Contents> {
        self.contents.write().unwrap_or_else(PoisonError::into_inner)
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

    /// Writes a value behind the others.
    fn append(&self, contents: &mut Contents, value: &[u8]) -> io::Result<Span> {
        let position = contents.end.next_multiple_of(BLOCK_SIZE);
        self.blocks.write_all_at(value, position)?;
        // The room before the value becomes zeros by itself; an empty value leaves none.
        contents.end = contents.end.max(position + value.len() as u64);
        Ok(Span {
            position,
            size: value.len() as u64,
        })
    }

    /// Writes the index anew and puts it in the place of the old one.
    fn replace_index(&self, contents: &mut Contents, is_synced: bool) -> io::Result<()> {
        let mut lines = String::new();
        for (key, span) in &contents.spans {
            push_line(&mut lines, key.as_str(), *span);
        }
        let mut bytes = lines.into_bytes();
        for line in &contents.foreign {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        let (temporary, mut file) = Temporary::file_beside(&self.index_path)?;
        file.write_all(&bytes)?;
        if is_synced {
            file.sync_all()?;
        }
        temporary.replace(&self.index_path)?;
        contents.index = file;
        Ok(())
    }

    /// Puts an index in the place of the old one, in one step as seen by others.
    fn replace(&self, contents: &mut Contents, spans: BTreeMap<StoreKey, Span>) -> io::Result<()> {
        let before = std::mem::replace(&mut contents.spans, spans);
        self.replace_index(contents, false)
            .inspect_err(|_| contents.spans = before)
    }

    /// Erases the keys that are told, in one step as seen by others.
    fn erase_where(&self, what: &str, is_erased: impl Fn(&StoreKey) -> bool) -> Result<()> {
        self.refuse_readers("erasing a key of a database opened for reading", what)?;
        let mut contents = self.write();
        let kept: BTreeMap<_, _> = contents
            .spans
            .iter()
            .filter(|(key, _)| !is_erased(key))
            .map(|(key, span)| (key.clone(), *span))
            .collect();
        if kept.len() == contents.spans.len() {
            return Ok(());
        }
        self.replace(&mut contents, kept)
            .map_err(|error| StoreError::io("erasing", self.describe(what), error))
    }
}

/// A key's place, or the number of the line that is damaged.
type Parsed = (BTreeMap<StoreKey, Span>, Vec<Vec<u8>>);

fn parse(text: &[u8]) -> std::result::Result<Parsed, usize> {
    let mut spans = BTreeMap::new();
    let mut foreign = Vec::new();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            continue;
        }
        let (key, span) = parse_line(line).ok_or(number + 1)?;
        let key = String::from_utf8(key).ok().map(StoreKey::new);
        match key {
            // A later line replaces an earlier one.
            Some(Ok(key)) => drop(spans.insert(key, span)),
            _ => foreign.push(line.to_owned()),
        }
    }
    Ok((spans, foreign))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().as_bytes().to_vec();
    name.extend_from_slice(ending.as_bytes());
    PathBuf::from(std::ffi::OsStr::from_bytes(&name))
}

impl Store for DbmStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        // Values are never written over, so the place stays good after the lock is gone.
        let Some(span) = self.read().spans.get(key).copied() else {
            return Ok(false);
        };
        let what = || self.describe(key.as_str());
        push_filled_ranges(span.size, ranges, buffer, what, |range, memory| {
            let start = span.position.saturating_add(range.start);
            self.blocks.read_exact_at(memory, start).map_err(|error| {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    let reason = format!("{} bytes at {} lie outside the file", span.size, span.position);
                    StoreError::Corrupt { what: what(), reason }
                } else {
                    StoreError::io("reading", what(), error)
                }
            })
        })?;
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(self.read().spans.get(key).map(|span| span.size))
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        self.refuse_readers("setting a key of a database opened for reading", key.as_str())?;
        let mut contents = self.write();
        let write = |contents: &mut Contents| -> io::Result<Span> {
            let span = self.append(contents, value)?;
            let mut line = String::new();
            push_line(&mut line, key.as_str(), span);
            let end = contents.index.metadata()?.len();
            // A part of a line would make the whole index unreadable.
            contents
                .index
                .write_all_at(line.as_bytes(), end)
                .inspect_err(|_| {
                    let _ = contents.index.set_len(end);
                })?;
            Ok(span)
        };
        let span = write(&mut contents)
            .map_err(|error| StoreError::io("writing", self.describe(key.as_str()), error))?;
        contents.spans.insert(key.clone(), span);
        Ok(())
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        self.erase_where(key.as_str(), |found| found == key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        list_map(&self.read().spans, prefix)
    }

    fn capabilities(&self) -> Capabilities {
        if self.is_writable {
            Capabilities::ALL
        } else {
            Capabilities::READ_ONLY
        }
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        self.erase_where(prefix.as_str(), |key| prefix.strip(key).is_some())
    }

    fn rename_prefix(&self, from: &StorePrefix, to: &StorePrefix) -> Result<bool> {
        self.refuse_readers(
            "renaming a prefix of a database opened for reading",
            from.as_str(),
        )?;
        let mut contents = self.write();
        if contents.spans.keys().any(|key| to.strip(key).is_some()) {
            return Err(StoreError::Conflict {
                what: self.describe(to.as_str()),
                reason: "there are keys below it already".to_owned(),
            });
        }
        if !contents.spans.keys().any(|key| from.strip(key).is_some()) {
            return Ok(false);
        }
        let renamed = contents.spans.iter().map(|(key, span)| {
            let key = match from.strip(key) {
                Some(name) => to.key(name)?,
                None => key.clone(),
            };
            Ok((key, *span))
        });
        let renamed = renamed.collect::<Result<_>>()?;
        self.replace(&mut contents, renamed)
            .map_err(|error| StoreError::io("renaming", self.describe(from.as_str()), error))?;
        Ok(true)
    }

    /// Waits until the values and then the index are on the disk; the index is written anew, each key once.
    fn flush(&self) -> Result<()> {
        if !self.is_writable {
            return Ok(());
        }
        let mut contents = self.write();
        self.blocks
            .sync_all()
            .and_then(|()| self.replace_index(&mut contents, true))
            .map_err(|error| StoreError::io("flushing", &self.shown, error))
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.shown.clone()
        } else {
            format!("{}: {key}", self.shown)
        }
    }
}
