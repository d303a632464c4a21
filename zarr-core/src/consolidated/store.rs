//! A hierarchy seen through its consolidated metadata.

use std::sync::Arc;

use zarr_store::{
    ByteRange, Capabilities, Listing, PendingValue, ReadBuffer, Staged, Store, StoreError, StoreKey,
    StorePrefix, forward_to_store,
};

use super::{CONSOLIDATED_KEY, ConsolidatedMetadata};
use crate::{
    ZarrFormat,
    hierarchy::{V2_ARRAY, V3_NODE, is_document},
    metadata::{json, v3},
};

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
/// let documents = MemoryStore::new();
/// documents.set(&StoreKey::new(".zmetadata")?, br#"{"zarr_consolidated_format": 1, "metadata": {}}"#)?;
/// let metadata = ConsolidatedMetadata::read(&documents, &StoreKey::new(".zmetadata")?)?;
/// let store = ConsolidatedStore::new(metadata, chunks);
/// assert!(store.set(&StoreKey::new(".zgroup")?, b"{}").is_err());
/// assert!(store.set(&StoreKey::new("0.0")?, b"1").is_ok());
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug)]
pub struct ConsolidatedStore {
    metadata: ConsolidatedMetadata,
    chunks: Arc<dyn Store>,
}

impl ConsolidatedStore {
    /// Joins the documents with the store that holds the chunks.
    pub fn new(metadata: ConsolidatedMetadata, chunks: Arc<dyn Store>) -> Self {
        Self { metadata, chunks }
    }

    /// Whether there is an array at a prefix.
    fn is_array(&self, prefix: &StorePrefix) -> Result<bool, StoreError> {
        let documents = &self.metadata.documents;
        Ok(match self.metadata.format {
            ZarrFormat::V2 => documents.contains(&prefix.key(V2_ARRAY)?),
            ZarrFormat::V3 => documents.get(&prefix.key(V3_NODE)?).is_some_and(|document| {
                let document = json::parse(&document);
                document.is_ok_and(|document| v3::is_array(document.get(v3::NODE_TYPE)) == Ok(true))
            }),
        })
    }

    /// Whether a folder is that of an array or lies in one.
    fn is_in_array(&self, prefix: &StorePrefix) -> Result<bool, StoreError> {
        let mut prefix = prefix.clone();
        loop {
            if self.is_array(&prefix)? {
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
        if !is_document(key) {
            return self.chunks.get_ranges(key, ranges, buffer);
        }
        buffer.clear();
        let Some(document) = self.metadata.documents.get(key) else {
            return Ok(false);
        };
        buffer.push_ranges(&document, ranges, || self.describe(key.as_str()))?;
        Ok(true)
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        if is_document(key) {
            let document = self.metadata.documents.get(key);
            return Ok(document.map(|document| document.len() as u64));
        }
        self.chunks.size(key)
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<(), StoreError> {
        if is_document(key) {
            return self.refuse("changing consolidated metadata", key.as_str());
        }
        self.chunks.set(key, value)
    }

    fn begin_set(&self, key: &StoreKey) -> Result<Option<Box<dyn PendingValue + '_>>, StoreError> {
        if is_document(key) {
            return self.refuse("changing consolidated metadata", key.as_str());
        }
        self.chunks.begin_set(key)
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StoreError> {
        if is_document(key) || key.name() == CONSOLIDATED_KEY {
            return self.refuse("changing consolidated metadata", key.as_str());
        }
        self.chunks.erase(key)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing, StoreError> {
        let mut listing = self.metadata.documents.list(prefix);
        if self.is_in_array(prefix)? {
            let chunks = self.chunks.list_dir(prefix)?;
            let keys = chunks.keys.into_iter();
            listing.keys.extend(keys.filter(|key| !is_document(key)));
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

    /// Refused: whole nodes come with their documents.
    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>, StoreError> {
        self.refuse("replacing consolidated nodes", target.as_str())
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>, StoreError> {
        if is_document(key) {
            return Ok(None);
        }
        self.chunks.generation(key)
    }

    forward_to_store! {
        to chunks: check_set, lock, flush, sweep, io_hints, node_format, describe;
        // Whole nodes come with their documents.
        without: set_new, set_locked, changes, lasting;
    }
}
