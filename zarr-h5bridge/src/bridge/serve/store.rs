//! The store.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zarr_convenience::core::store::{
    ByteRange, Capabilities, Listing, MemoryStore, ReadBuffer, Store, StoreError, StoreKey, StorePrefix,
};
use zarr_convenience::core::{Group, NodePath, Options, ZarrFormat};
use zarr_convenience::{Error, Lost, Result, Source, SourceNode};

use super::super::source::{Hdf5Source, source_error};
use super::array::{Place, ServedArray};

type Kept<T> = std::result::Result<T, StoreError>;

/// The documents of format 2, which are never names of chunks.
const DOCUMENTS: [&str; 3] = [".zarray", ".zattrs", ".zgroup"];
/// How many chunks of an array are listed.
const LISTED_MAX: usize = 1 << 24;

/// An HDF5 file, to be read as the Zarr V2 hierarchy that it would be.
///
/// Documents are made of the file's metadata. The values of chunks are the bytes of the file, at the addresses where it
/// has them, if Zarr has codecs for its filters; a dataset in one piece is shown in chunks that are parts of it. All other
/// chunks, as those of texts, compact datasets, and filters that Zarr lacks, are read by the HDF5 library and shown
/// uncompressed. Nodes that Zarr cannot have are not there; [`Hdf5Source`] names them.
///
/// Nodes are looked at when they are first asked for. The file must not change meanwhile.
///
/// ```
/// use std::sync::Arc;
/// use zarr_convenience::core::{Array, NodePath, Options, Selection};
/// use zarr_h5bridge::Hdf5Store;
///
/// let store = Hdf5Store::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/sample.h5"))?;
/// let sst = Array::open(Arc::new(store), &NodePath::new("ocean/sst")?, &Options::default())?;
/// assert_eq!(sst.shape(), [12, 18]);
/// assert_eq!(sst.read_vec::<f64>(&Selection::parse("0, :2")?)?.len(), 2);
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
#[derive(Debug)]
pub struct Hdf5Store {
    source: Hdf5Source,
    shown: String,
    entries: Mutex<HashMap<NodePath, Arc<Entry>>>,
}

/// A node.
#[derive(Debug)]
pub(super) enum Entry {
    Group {
        documents: MemoryStore,
        members: BTreeMap<String, SourceNode>,
        /// What is in the group and is no node, or what its attributes lose.
        lost: Vec<Lost>,
    },
    Array {
        array: Box<ServedArray>,
        lost: Vec<Lost>,
    },
}

impl Hdf5Store {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Source`] if it cannot be opened, is something else, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let shown = path.as_ref().display().to_string();
        let source = Hdf5Source::open(path)?;
        let entries = Mutex::default();
        Ok(Self {
            source,
            shown,
            entries,
        })
    }

    /// Shows the values of virtual datasets and of external raw data whose files lie beneath these directories, or beneath
    /// that of the file itself, as [`Hdf5Source::allowing_external`] reads them.
    ///
    /// # Errors
    /// [`Error::Source`] if a directory is not there.
    pub fn allowing_external(mut self, directories: &[PathBuf]) -> Result<Self> {
        self.source = self.source.allowing_external(directories)?;
        Ok(self)
    }

    /// The file itself.
    pub(super) const fn source(&self) -> &Hdf5Source {
        &self.source
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<NodePath, Arc<Entry>>> {
        // A panic elsewhere cannot leave the map half changed.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node at a path, looked at once; `None` if there is none.
    pub(super) fn entry(&self, path: &NodePath) -> Result<Option<Arc<Entry>>> {
        if let Some(entry) = self.entries().get(path) {
            return Ok(Some(Arc::clone(entry)));
        }
        let node = match path.parent() {
            None => self.source.root(),
            Some(parent) => match self.entry(&parent)?.as_deref() {
                Some(Entry::Group { members, .. }) => match members.get(path.name()) {
                    Some(node) => node.clone(),
                    None => return Ok(None),
                },
                _ => return Ok(None),
            },
        };
        let entry = Arc::new(self.make(&node)?);
        Ok(Some(Arc::clone(
            self.entries().entry(path.clone()).or_insert(entry),
        )))
    }

    /// Forgets what is known of a node.
    pub(super) fn forget(&self, path: &NodePath) {
        self.entries().remove(path);
    }

    fn make(&self, node: &SourceNode) -> Result<Entry> {
        let attributes = self.source.attributes(node)?;
        let mut lost = attributes.lost;
        if let SourceNode::Array(array) = node {
            let array = Box::new(ServedArray::new(Arc::clone(array), attributes.members)?);
            return Ok(Entry::Array { array, lost });
        }
        let mut members = BTreeMap::new();
        for member in self.source.members(node.path())? {
            if let SourceNode::Other { path, what } = &member {
                lost.push(Lost {
                    what: path.to_string(),
                    reason: what.clone(),
                });
            } else {
                members.insert(member.path().name().to_owned(), member);
            }
        }
        Ok(Entry::Group {
            documents: group_documents(attributes.members)?,
            members,
            lost,
        })
    }

    /// What a key is: the node that it belongs to, and the rest of its name.
    fn find<'a>(&self, key: &'a StoreKey) -> Kept<Option<(Arc<Entry>, &'a str)>> {
        let (folder, name) = key.as_str().rsplit_once('/').unwrap_or(("", key.as_str()));
        let Ok(path) = NodePath::new(folder) else {
            return Ok(None);
        };
        let entry = self
            .entry(&path)
            .map_err(|error| self.unreadable(key.as_str(), error))?;
        Ok(entry.map(|entry| (entry, name)))
    }

    /// The place of a chunk.
    fn place(&self, key: &StoreKey, array: &ServedArray, name: &str) -> Kept<Option<Place>> {
        let Some(position) = array.position(name) else {
            return Ok(None);
        };
        array
            .place(&position)
            .map_err(|error| self.unreadable(key.as_str(), error))
    }

    /// An error of the file as one of the store.
    fn unreadable(&self, key: &str, error: Error) -> StoreError {
        let what = self.describe(key);
        match error {
            Error::Core(zarr_convenience::core::Error::Store(error)) => error,
            Error::File { action, source, .. } => StoreError::Io { action, what, source },
            error => StoreError::Corrupt {
                what,
                reason: error.to_string(),
            },
        }
    }

    fn not_supported<T>(&self, operation: &'static str) -> Kept<T> {
        Err(StoreError::NotSupported {
            operation,
            store: self.shown.clone(),
        })
    }
}

/// The documents of a group.
fn group_documents(attributes: serde_json::Map<String, serde_json::Value>) -> Result<MemoryStore> {
    let documents = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&documents);
    let group = Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default())?;
    if !attributes.is_empty() {
        group.attrs().put(attributes)?;
    }
    drop(group);
    Ok(Arc::into_inner(documents).unwrap_or_default())
}

impl Entry {
    pub(super) fn documents(&self) -> &MemoryStore {
        match self {
            Self::Group { documents, .. } => documents,
            Self::Array { array, .. } => array.documents(),
        }
    }

    pub(super) fn lost(&self) -> &[Lost] {
        match self {
            Self::Group { lost, .. } | Self::Array { lost, .. } => lost,
        }
    }
}

impl Store for Hdf5Store {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Kept<bool> {
        buffer.clear();
        let Some((entry, name)) = self.find(key)? else {
            return Ok(false);
        };
        if DOCUMENTS.contains(&name) {
            return entry
                .documents()
                .get_ranges(&StoreKey::new(name)?, ranges, buffer);
        }
        let Entry::Array { array, .. } = entry.as_ref() else {
            return Ok(false);
        };
        let what = || self.describe(key.as_str());
        match self.place(key, array, name)? {
            None => return Ok(false),
            Some(Place::Made(bytes)) => buffer.push_ranges(&bytes, ranges, what)?,
            Some(Place::File { address, size }) => {
                let mut wanted = Vec::with_capacity(ranges.len());
                for &range in ranges {
                    wanted.push(range.resolve(size).ok_or_else(|| StoreError::OutOfRange {
                        what: what(),
                        range,
                        size,
                    })?);
                }
                let total = wanted.iter().fold(0_u64, |sum, range| {
                    sum.saturating_add(range.end.saturating_sub(range.start))
                });
                let limit = buffer.limit();
                if total > limit {
                    let (what, size) = (what(), total);
                    return Err(StoreError::TooLarge { what, size, limit });
                }
                let file = array.dataset().file();
                // Before memory is taken: what the file says of itself may be anything.
                file.check_bytes(address, size)
                    .map_err(|error| self.unreadable(key.as_str(), source_error(error)))?;
                buffer
                    .reserve(total)
                    .map_err(|error| StoreError::io("reading", what(), error))?;
                buffer.set_value_size(Some(size));
                for range in wanted {
                    let length = usize::try_from(range.end.saturating_sub(range.start))
                        .map_err(|_| StoreError::io("reading", what(), io::ErrorKind::OutOfMemory.into()))?;
                    let read = buffer.push_with(length, |memory| {
                        file.read_into(address.saturating_add(range.start), memory)
                    });
                    if let Err(error) = read {
                        buffer.clear();
                        return Err(self.unreadable(key.as_str(), source_error(error)));
                    }
                }
            }
        }
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Kept<Option<u64>> {
        let Some((entry, name)) = self.find(key)? else {
            return Ok(None);
        };
        if DOCUMENTS.contains(&name) {
            return entry.documents().size(&StoreKey::new(name)?);
        }
        let Entry::Array { array, .. } = entry.as_ref() else {
            return Ok(None);
        };
        Ok(self.place(key, array, name)?.map(|place| match place {
            Place::File { size, .. } => size,
            Place::Made(bytes) => bytes.len() as u64,
        }))
    }

    fn set(&self, _: &StoreKey, _: &[u8]) -> Kept<()> {
        self.not_supported("writing")
    }

    fn erase(&self, _: &StoreKey) -> Kept<()> {
        self.not_supported("erasing")
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Kept<Listing> {
        let mut listing = Listing::default();
        let Ok(path) = NodePath::new(prefix.as_str().trim_end_matches('/')) else {
            return Ok(listing);
        };
        let failed = |error| self.unreadable(prefix.as_str(), error);
        let Some(entry) = self.entry(&path).map_err(failed)? else {
            return Ok(listing);
        };
        for key in entry.documents().list_dir(&StorePrefix::default())?.keys {
            listing.keys.push(prefix.key(key.as_str())?);
        }
        match entry.as_ref() {
            Entry::Group { members, .. } => {
                for name in members.keys() {
                    listing.prefixes.push(prefix.child(&format!("{name}/"))?);
                }
                listing.prefixes.sort();
            }
            Entry::Array { array, .. } => {
                let positions = array.positions(LISTED_MAX).map_err(failed)?;
                let positions = positions.ok_or_else(|| StoreError::NotSupported {
                    operation: "listing more than 16,777,216 chunks",
                    store: self.describe(prefix.as_str()),
                })?;
                for position in positions {
                    // One of the fill value alone is not there, as reading it would find.
                    if array.why_made().is_none() || array.place(&position).map_err(failed)?.is_some() {
                        listing.keys.push(prefix.key(&ServedArray::name(&position))?);
                    }
                }
            }
        }
        listing.keys.sort();
        Ok(listing)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::READ_ONLY
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.shown.clone()
        } else {
            format!("{}: {key}", self.shown)
        }
    }
}
