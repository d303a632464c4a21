//! Consolidated metadata: every document of a hierarchy in one (`.zmetadata`, as zarr-python 2 writes it).
//!
//! Nothing here lists chunks: nodes are found by walking folders, and no folder of an array is listed.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};
use zarr_store::{
    ByteRange, Capabilities, IoHints, Lasting, Listing, MemoryStore, ReadBuffer, Staged, Store, StoreError,
    StoreExt, StoreKey, StorePrefix,
};

use crate::{
    Error, NodePath, Options, Result,
    hierarchy::{self, V2_ARRAY, V2_ATTRIBUTES, V2_GROUP, V3_NODE},
    metadata::{
        Wrong,
        json::{self, Style},
    },
};

/// The key of the document unless another is asked for.
pub const CONSOLIDATED_KEY: &str = ".zmetadata";
/// The names of documents that are collected.
const V2_DOCUMENTS: [&str; 3] = [V2_ARRAY, V2_ATTRIBUTES, V2_GROUP];
/// The member that says how the document is built.
const FORMAT_MEMBER: &str = "zarr_consolidated_format";
/// The largest consolidated document, in bytes: some 100 000 nodes with attributes.
const SIZE_MAX: u64 = 256 << 20;

/// The documents of all nodes of a hierarchy, by their keys.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{CONSOLIDATED_KEY, ConsolidatedMetadata, Group, NodePath, Options, ZarrFormat};
/// use zarr_core::store::{MemoryStore, Store, StoreKey};
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let options = Options::default();
/// Group::create(Arc::clone(&store), &NodePath::new("foo")?, ZarrFormat::V2, &options)?;
/// let found = ConsolidatedMetadata::collect(store.as_ref(), &options)?;
/// let keys: Vec<_> = found.documents().keys().map(StoreKey::as_str).collect();
/// assert_eq!(keys, [".zgroup", "foo/.zgroup"]);
/// found.write(store.as_ref(), &StoreKey::new(CONSOLIDATED_KEY)?)?;
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsolidatedMetadata {
    documents: BTreeMap<StoreKey, Value>,
}

impl ConsolidatedMetadata {
    /// Reads the documents of every node of a store of format V2, groups without a document of their own
    /// passed through.
    ///
    /// # Errors
    /// [`Error::Metadata`] for a document that is no JSON, and for a root of format V3, whose metadata are
    /// consolidated in its own document; when the store cannot list.
    pub fn collect(store: &dyn Store, options: &Options) -> Result<Self> {
        let mut documents = BTreeMap::new();
        let mut take = |key: StoreKey| -> Result<bool> {
            let found = hierarchy::read_document(store, &key, options)?;
            let is_there = found.is_some();
            documents.extend(found.map(|document| (key, document)));
            Ok(is_there)
        };
        let mut pending = vec![StorePrefix::root()];
        while let Some(prefix) = pending.pop() {
            if take(prefix.key(V2_ARRAY)?)? {
                // What else lies there are chunks.
                take(prefix.key(V2_ATTRIBUTES)?)?;
                take(prefix.key(V2_GROUP)?)?;
                continue;
            }
            let listing = store.list_dir(&prefix)?;
            for key in listing.keys {
                if prefix.is_root() && key.name() == V3_NODE {
                    let reason = "metadata of format V3 are not consolidated in a document of their own";
                    return Err(hierarchy::wrong_member(store, &key, Wrong::new("", reason)));
                }
                if V2_DOCUMENTS.contains(&key.name()) {
                    take(key)?;
                }
            }
            pending.extend(listing.prefixes);
        }
        Ok(Self { documents })
    }

    /// Reads a consolidated document.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Metadata`] when it is damaged or of another form.
    pub fn read(store: &dyn Store, key: &StoreKey) -> Result<Self> {
        let options = Options {
            document_size_max: SIZE_MAX,
            ..Options::default()
        };
        let document = hierarchy::read_document(store, key, &options)?;
        let document = document.ok_or_else(|| Error::NotFound {
            path: key.to_string(),
            store: store.describe(""),
        })?;
        Self::parse(document).map_err(|wrong| hierarchy::wrong_member(store, key, wrong))
    }

    fn parse(document: Value) -> Result<Self, Wrong> {
        let Value::Object(mut members) = document else {
            return Err(Wrong::expected("", "an object", &document));
        };
        let format = members.get(FORMAT_MEMBER);
        if format.and_then(Value::as_f64) != Some(1.0) {
            let found = format.map_or_else(|| "None".to_owned(), python_text);
            let reason = format!("unsupported zarr consolidated metadata format: {found}");
            return Err(Wrong::new(format!("/{FORMAT_MEMBER}"), reason));
        }
        let documents = match members.remove("metadata") {
            Some(Value::Object(documents)) => documents,
            Some(other) => return Err(Wrong::expected("/metadata", "an object", &other)),
            None => return Err(Wrong::new("/metadata", "is missing")),
        };
        let keyed = documents.into_iter().map(|(key, document)| {
            let key = StoreKey::new(key).map_err(|error| Wrong::new("/metadata", error.to_string()))?;
            Ok((key, document))
        });
        Ok(Self {
            documents: keyed.collect::<Result<_, Wrong>>()?,
        })
    }

    /// The documents.
    pub const fn documents(&self) -> &BTreeMap<StoreKey, Value> {
        &self.documents
    }

    /// Whether there is a node at a path.
    pub fn contains(&self, path: &NodePath) -> bool {
        [V2_ARRAY, V2_GROUP]
            .iter()
            .any(|name| path.key(name).is_ok_and(|key| self.documents.contains_key(&key)))
    }

    /// Stores the document as zarr-python 2 writes it.
    ///
    /// # Errors
    /// [`Error::Create`] for a key that is that of another document, and for a document that is too large to
    /// be read again; when the store fails, which leaves the document that was there.
    pub fn write(&self, store: &dyn Store, key: &StoreKey) -> Result<()> {
        if V2_DOCUMENTS.contains(&key.name()) || key.name() == V3_NODE {
            let reason = format!("consolidated metadata cannot be stored as '{key}', the document of a node");
            return Err(Error::create(reason));
        }
        let documents = self.documents.iter();
        let documents: Map<_, _> = documents
            .map(|(key, document)| (key.to_string(), document.clone()))
            .collect();
        // The macro of `serde_json` takes values apart and fails for the numbers of JSON that it does not know.
        let members = [("metadata", documents.into()), (FORMAT_MEMBER, 1.into())];
        let members: Map<_, _> = members
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect();
        let bytes = json::write(&members.into(), Style::V2);
        if bytes.len() as u64 > SIZE_MAX {
            let size = bytes.len();
            let reason =
                format!("consolidated metadata of {size} bytes are too large to be read, limit {SIZE_MAX}");
            return Err(Error::create(reason));
        }
        Ok(store.set(key, &bytes)?)
    }
}

/// A value as zarr-python has it in its texts.
fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A store whose documents come from consolidated metadata, and whose chunks come from another store.
///
/// Documents cannot be changed through it: such a change is refused with [`StoreError::NotSupported`] before
/// anything is written.
/// Chunks can, as far as the other store allows it.
/// Groups are listed from the documents alone.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{ConsolidatedMetadata, ConsolidatedStore};
/// use zarr_core::store::{MemoryStore, Store, StoreKey};
/// let chunks = Arc::new(MemoryStore::new());
/// let store = ConsolidatedStore::new(&ConsolidatedMetadata::default(), chunks);
/// assert!(store.set(&StoreKey::new(".zgroup")?, b"{}").is_err());
/// assert!(store.set(&StoreKey::new("0.0")?, b"1").is_ok());
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ConsolidatedStore {
    documents: MemoryStore,
    chunks: Arc<dyn Store>,
}

impl ConsolidatedStore {
    /// Joins the documents with the store that holds the chunks.
    #[expect(clippy::missing_panics_doc, reason = "memory takes every valid key")]
    pub fn new(metadata: &ConsolidatedMetadata, chunks: Arc<dyn Store>) -> Self {
        let documents = MemoryStore::new();
        for (key, document) in metadata.documents() {
            let set = documents.set(key, &json::write(document, Style::V2));
            set.expect("memory takes every valid key");
        }
        Self { documents, chunks }
    }

    /// Whether a key is that of a document, there or not.
    fn is_document(key: &StoreKey) -> bool {
        V2_DOCUMENTS.contains(&key.name()) || key.name() == V3_NODE
    }

    /// Where a key is looked up.
    fn side(&self, key: &StoreKey) -> &dyn Store {
        if Self::is_document(key) {
            &self.documents
        } else {
            self.chunks.as_ref()
        }
    }

    /// Whether a folder is that of an array or lies in one.
    fn is_in_array(&self, prefix: &StorePrefix) -> Result<bool, StoreError> {
        let mut prefix = prefix.clone();
        loop {
            let document = prefix.key(V2_ARRAY)?;
            if self.documents.exists(&document)? {
                return Ok(true);
            }
            if prefix.is_root() {
                return Ok(false);
            }
            prefix = StoreKey::new(prefix.as_str().trim_end_matches('/'))?.parent();
        }
    }

    fn refuse<T>(&self, operation: &'static str, key: &str) -> Result<T, StoreError> {
        Err(StoreError::NotSupported {
            operation,
            store: self.describe(key),
        })
    }
}

#[deny(clippy::missing_trait_methods)]
impl Store for ConsolidatedStore {
    fn get_ranges(
        &self,
        key: &StoreKey,
        ranges: &[ByteRange],
        buffer: &mut ReadBuffer,
    ) -> Result<bool, StoreError> {
        self.side(key).get_ranges(key, ranges, buffer)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        self.side(key).size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        if Self::is_document(key) {
            return self.refuse("changing consolidated metadata", key.as_str());
        }
        self.chunks.set(key, value)
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StoreError> {
        if Self::is_document(key) {
            return self.refuse("erasing consolidated metadata", key.as_str());
        }
        self.chunks.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing, StoreError> {
        let mut listing = self.documents.list_dir(prefix)?;
        if self.is_in_array(prefix)? {
            let chunks = self.chunks.list_dir(prefix)?;
            let keys = chunks.keys.into_iter();
            listing.keys.extend(keys.filter(|key| !Self::is_document(key)));
            listing.prefixes.extend(chunks.prefixes);
            listing.keys.sort();
            listing.prefixes.sort();
            listing.prefixes.dedup();
        }
        Ok(listing)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // Groups can be listed whatever holds the chunks.
            lists: true,
            ..self.chunks.capabilities()
        }
    }

    /// Refused: whole nodes go with their documents.
    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<(), StoreError> {
        self.refuse("erasing consolidated nodes", prefix.as_str())
    }

    /// Refused: whole nodes move with their documents.
    fn rename_prefix(&self, from: &StorePrefix, _to: &StorePrefix) -> Result<bool, StoreError> {
        self.refuse("moving consolidated nodes", from.as_str())
    }

    fn flush(&self) -> Result<(), StoreError> {
        self.chunks.flush()
    }

    /// Refused: whole nodes come with their documents.
    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>, StoreError> {
        self.refuse("replacing consolidated nodes", target.as_str())
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        self.side(key).generation(key)
    }

    fn sweep(&self, folder: &StorePrefix, deep: bool) -> Result<(), StoreError> {
        self.chunks.sweep(folder, deep)
    }

    /// Whole nodes come with their documents.
    fn lasting(&self) -> Option<&dyn Lasting> {
        None
    }

    fn io_hints(&self) -> IoHints {
        self.chunks.io_hints()
    }

    fn node_format(&self) -> Option<&'static str> {
        self.chunks.node_format()
    }

    fn describe(&self, key: &str) -> String {
        self.chunks.describe(key)
    }
}
