//! Consolidated metadata: every document of a hierarchy in one.
//!
//! V2 has a document of its own, `.zmetadata`; V3 a member of the group's document. Both are read without reading
//! what is in them: a node's document is parsed when the node is opened.

mod collect;
mod documents;
mod freshness;
mod outdate;
mod store;
mod v2_form;
mod v3_form;

use std::{borrow::Cow, ops::Range};

use zarr_store::{Store, StoreExt, StoreKey};

use self::documents::Documents;
use crate::{
    Error, NodePath, Options, Result, ZarrFormat,
    hierarchy::{self, V2_ARRAY, V2_GROUP, V3_NODE},
    locks::StoreLocks,
};

pub use self::freshness::{Difference, Freshness};
pub use self::outdate::{consolidated_groups, outdate, outdate_above, outdate_group, without_inline};
pub(crate) use self::outdate::{outdate_v2, outdate_v3, outdate_v3_at};
pub use self::store::ConsolidatedStore;

/// The key of the document of V2 unless another is asked for.
pub const CONSOLIDATED_KEY: &str = ".zmetadata";
/// The largest document with consolidated metadata, in bytes: some 100 000 nodes with attributes.
pub(crate) const SIZE_MAX: u64 = 256 << 20;

/// The documents of all nodes of a hierarchy, by their keys.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{CONSOLIDATED_KEY, ConsolidatedMetadata, Group, NodePath, Options, ZarrFormat};
/// use zarr_core::store::{MemoryStore, Store, StoreKey};
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let options = Options::default();
/// Group::create(Arc::clone(&store), &NodePath::new("foo")?, ZarrFormat::V2, &options)?;
/// let found = ConsolidatedMetadata::collect(store.as_ref(), &NodePath::root(), ZarrFormat::V2, &options)?;
/// let keys: Vec<_> = found.documents().map(|(key, _)| key.as_str()).collect();
/// assert_eq!(keys, [".zgroup", "foo/.zgroup"]);
/// found.write(store.as_ref(), &StoreKey::new(CONSOLIDATED_KEY)?)?;
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolidatedMetadata {
    format: ZarrFormat,
    /// The node at and below which the documents are; in V2 the root.
    path: NodePath,
    documents: Documents,
    /// Whether the documents are texts as they stand in the document that is written; those of V2 are parts of it then.
    is_laid_out: bool,
}

impl ConsolidatedMetadata {
    /// Reads the documents of every node at and below a path.
    ///
    /// In V2 groups without a document of their own are passed through; in V3 they are no nodes, nor is what is in
    /// them. No folder of an array is listed, and no chunk is asked for.
    ///
    /// # Errors
    /// [`Error::Metadata`] for a document that is no JSON; when the store cannot list.
    pub fn collect(
        store: &dyn Store,
        path: &NodePath,
        format: ZarrFormat,
        options: &Options,
    ) -> Result<Self> {
        collect::collect(store, path, format, options)
    }

    /// Reads the document of a V2 hierarchy.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none, [`Error::Metadata`] when it is damaged or of another form. What is
    /// wrong in the document of a node is found when the node is opened.
    pub fn read(store: &dyn Store, key: &StoreKey) -> Result<Self> {
        let document = store.get(key, SIZE_MAX)?.ok_or_else(|| Error::NotFound {
            path: key.to_string(),
            store: store.describe(""),
        })?;
        let documents =
            v2_form::read(&document).map_err(|wrong| hierarchy::wrong_member(store, key, wrong))?;
        Ok(Self {
            format: ZarrFormat::V2,
            path: NodePath::root(),
            documents,
            is_laid_out: false,
        })
    }

    /// Reads what the document of a V3 group has of the nodes below; `None` if it has nothing of them.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no group, [`Error::Metadata`] for consolidated metadata that are damaged
    /// or of another form than `inline`.
    pub fn read_inline(store: &dyn Store, path: &NodePath) -> Result<Option<Self>> {
        let key = path.key(V3_NODE)?;
        let document = store.get(&key, SIZE_MAX)?.ok_or_else(|| Error::NotFound {
            path: path.as_str().to_owned(),
            store: store.describe(""),
        })?;
        let documents =
            v3_form::read(&document, path).map_err(|wrong| hierarchy::wrong_member(store, &key, wrong))?;
        Ok(documents.map(|documents| Self {
            format: ZarrFormat::V3,
            path: path.clone(),
            documents,
            is_laid_out: false,
        }))
    }

    fn of_nodes(
        path: NodePath,
        format: ZarrFormat,
        text: Vec<u8>,
        places: Vec<(StoreKey, Range<usize>)>,
    ) -> Self {
        let documents = Documents::new(text.into(), places).expect("a walk comes to a folder once");
        Self {
            format,
            path,
            documents,
            is_laid_out: true,
        }
    }

    /// The documents by their keys, as texts.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = (&StoreKey, &[u8])> {
        self.documents.iter()
    }

    /// The format of the documents.
    pub const fn format(&self) -> ZarrFormat {
        self.format
    }

    /// The number of nodes.
    pub fn n_nodes(&self) -> usize {
        let names = [V2_ARRAY, V2_GROUP, V3_NODE];
        self.documents()
            .filter(|(key, _)| names.contains(&key.name()))
            .count()
    }

    /// Whether there is a node at a path.
    pub fn contains(&self, path: &NodePath) -> bool {
        [V2_ARRAY, V2_GROUP, V3_NODE]
            .iter()
            .any(|name| path.key(name).is_ok_and(|key| self.documents.contains(&key)))
    }

    /// Stores the documents: those of V2 under a key, as zarr-python 2 does, those of V3 in that of their group.
    ///
    /// # Errors
    /// [`Error::Create`] for a key that is that of a node's document, and for what is too large to be read again;
    /// when the store fails, which leaves the document that was there.
    pub fn write(&self, store: &dyn Store, key: &StoreKey) -> Result<()> {
        if hierarchy::is_document(key) {
            let reason = format!("consolidated metadata cannot be stored as '{key}', the document of a node");
            return Err(Error::create(reason));
        }
        match self.format {
            ZarrFormat::V2 if self.is_laid_out => Self::set(store, key, self.documents.text()),
            ZarrFormat::V2 => {
                let documents = self.laid_out(store)?;
                let documents = documents.iter().map(|(key, text)| (key.as_str(), text.as_ref()));
                let (document, _) = v2_form::write(documents);
                Self::set(store, key, &document)
            }
            ZarrFormat::V3 => {
                let key = self.path.key(V3_NODE)?;
                let _guard = StoreLocks::of(store).lock(&key)?;
                let own = hierarchy::read_node_document(store, &key, &Options::default())?;
                let own = own.ok_or_else(|| Error::NotFound {
                    path: self.path.as_str().to_owned(),
                    store: store.describe(""),
                })?;
                let documents = self.laid_out(store)?;
                let name = |key: &StoreKey| {
                    let name = self.path.prefix().strip(key)?.strip_suffix(V3_NODE)?;
                    name.strip_suffix('/').map(str::to_owned)
                };
                let documents: Vec<_> = documents
                    .iter()
                    .filter_map(|(key, text)| Some((name(key)?, text.as_ref())))
                    .collect();
                let documents = documents.iter().map(|(name, text)| (name.as_str(), *text));
                Self::set(store, &key, &v3_form::write(own, documents.collect()))
            }
        }
    }

    fn set(store: &dyn Store, key: &StoreKey, document: &[u8]) -> Result<()> {
        if document.len() as u64 > SIZE_MAX {
            let size = document.len();
            let reason =
                format!("consolidated metadata of {size} bytes are too large to be read, limit {SIZE_MAX}");
            return Err(Error::create(reason));
        }
        Ok(store.set(key, document)?)
    }

    /// The documents as they stand in the one that is written.
    fn laid_out(&self, store: &dyn Store) -> Result<Vec<LaidOut<'_>>> {
        let lay_out = |(key, document)| {
            if self.is_laid_out {
                return Ok((key, Cow::Borrowed(document)));
            }
            let mut text = String::new();
            collect::lay_out(&mut text, (store, key), document, self.format)?;
            Ok((key, text.into_bytes().into()))
        };
        self.documents.iter().map(lay_out).collect()
    }
}

/// A document as it stands in the one that is written.
type LaidOut<'a> = (&'a StoreKey, Cow<'a, [u8]>);

/// Where a part of a text is in it.
fn place_of(part: &str, text: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    start..start + part.len()
}
