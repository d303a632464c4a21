//! The store over a document of references.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    document::{self, Entries, Entry},
    files::{Files, Refusal, Target},
};
use crate::{
    ByteRange, Capabilities, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{
        ranges::{push_filled_ranges, push_shared_ranges},
        sorted::list_map,
    },
};

/// The largest document in bytes.
const DOCUMENT_SIZE_MAX: u64 = 256 << 20;

/// A document in kerchunk's format, to be read: what its keys stand for lies in it, or in other files.
///
/// References are followed to files beneath the directory of the document and beneath those that were allowed
/// ([`with_allowed`](Self::with_allowed)), by relative paths, absolute ones and `file://`; nothing else is opened. Every
/// offset and size is compared with the size of the file before anything is read.
///
/// ```
/// use zarr_store::{ReferenceStore, StoreExt, StoreKey};
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path();
/// std::fs::write(folder.join("data.bin"), b"....chunk...")?;
/// let refs = r#"{"version": 1, "refs": {".zgroup": "{\"zarr_format\":2}", "a/0": ["data.bin", 4, 5]}}"#;
/// std::fs::write(folder.join("refs.json"), refs)?;
///
/// let store = ReferenceStore::open(folder.join("refs.json"))?;
/// assert_eq!(store.get(&StoreKey::new("a/0")?, 1 << 20)?.as_deref(), Some(&b"chunk"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ReferenceStore {
    path: PathBuf,
    entries: Entries,
    files: Files,
}

impl ReferenceStore {
    /// Opens a document, and none of the files that it refers to.
    ///
    /// # Errors
    /// `Io` when it cannot be read, `TooLarge`, and `Corrupt` with the member that is wrong, or has something that is not
    /// supported: generated keys, and templates with arguments.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let what = || path.display().to_string();
        let failed = |error| StoreError::io("opening", what(), error);
        let document = read_document(path).map_err(failed)?;
        let document = document.ok_or_else(|| StoreError::TooLarge {
            what: what(),
            size: fs::metadata(path).map_or(DOCUMENT_SIZE_MAX, |status| status.len()),
            limit: DOCUMENT_SIZE_MAX,
        })?;
        let entries =
            document::parse(&document).map_err(|reason| StoreError::Corrupt { what: what(), reason })?;
        let base = path.parent().filter(|base| !base.as_os_str().is_empty());
        let base = base.unwrap_or(Path::new(".")).to_owned();
        Ok(Self {
            path: path.to_owned(),
            entries,
            files: Files::beneath(base).map_err(failed)?,
        })
    }

    /// Also follows references to files beneath another directory.
    ///
    /// # Errors
    /// `Io` when it is not there.
    pub fn with_allowed(mut self, directory: impl AsRef<Path>) -> Result<Self> {
        let directory = directory.as_ref();
        self.files
            .allow(directory)
            .map_err(|error| StoreError::io("opening", directory.display().to_string(), error))?;
        Ok(self)
    }

    /// Opens the file that a key refers to, and finds where in it the value lies.
    fn find(&self, key: &StoreKey, url: &str, part: Option<(u64, u64)>) -> Result<(Arc<Target>, u64, u64)> {
        let what = || format!("{} -> {url:?}", self.describe(key.as_str()));
        let target = self.files.open(url).map_err(|refusal| match refusal {
            Refusal::Policy(reason) => StoreError::Refused { what: what(), reason },
            Refusal::Io(error) => StoreError::io("opening", what(), error),
        })?;
        let (offset, size) = part.unwrap_or((0, target.size));
        if offset.checked_add(size).is_none_or(|end| end > target.size) {
            return Err(StoreError::Corrupt {
                what: what(),
                reason: format!(
                    "{size} bytes at {offset} lie beyond the end of a file of {} bytes",
                    target.size
                ),
            });
        }
        Ok((target, offset, size))
    }

    fn not_supported<T>(&self, operation: &'static str) -> Result<T> {
        Err(StoreError::NotSupported {
            operation,
            store: self.describe(""),
        })
    }
}

/// The bytes of a document; `None` if they are too many.
fn read_document(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut document = Vec::new();
    let mut file = File::open(path)?;
    if file.metadata()?.len() > DOCUMENT_SIZE_MAX {
        return Ok(None);
    }
    file.by_ref()
        .take(DOCUMENT_SIZE_MAX + 1)
        .read_to_end(&mut document)?;
    Ok((document.len() as u64 <= DOCUMENT_SIZE_MAX).then_some(document))
}

impl Store for ReferenceStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        let what = || self.describe(key.as_str());
        match self.entries.get(key) {
            None => return Ok(false),
            Some(Entry::Inline(value)) => push_shared_ranges(value, ranges, buffer, what)?,
            Some(Entry::File { url, part }) => {
                let (target, offset, size) = self.find(key, url, *part)?;
                push_filled_ranges(size, ranges, buffer, what, |range, memory| {
                    let read = target
                        .file
                        .read_exact_at(memory, offset.saturating_add(range.start));
                    read.map_err(|error| StoreError::io("reading", what(), error))
                })?;
            }
        }
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        Ok(match self.entries.get(key) {
            None => None,
            Some(Entry::Inline(value)) => Some(value.len() as u64),
            Some(Entry::File { url, part }) => Some(self.find(key, url, *part)?.2),
        })
    }

    fn set(&self, _: &StoreKey, _: &[u8]) -> Result<()> {
        self.not_supported("writing")
    }

    fn erase(&self, _: &StoreKey) -> Result<()> {
        self.not_supported("erasing")
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        list_map(&self.entries, prefix)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.path.display().to_string()
        } else {
            format!("{}: {key}", self.path.display())
        }
    }
}
