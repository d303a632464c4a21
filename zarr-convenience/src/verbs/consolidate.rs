//! `consolidate_metadata` and `open_consolidated` (`v2-semantics` 9).

use std::sync::Arc;

use zarr_core::{
    CONSOLIDATED_KEY, ConsolidatedMetadata, ConsolidatedStore, Error as CoreError, Node, NodePath, Options,
    store::{Store, StoreKey},
};

use crate::{Error, OpenMode, Result, open::read_only};

/// How a hierarchy is opened through its consolidated metadata.
#[derive(Debug, Clone)]
pub struct OpenConsolidated {
    /// The key of the document.
    pub metadata_key: StoreKey,
    /// Whether chunks may be written: [`OpenMode::Read`] or [`OpenMode::Update`].
    pub mode: OpenMode,
    /// The store that holds the chunks, if they are not beside the document.
    pub chunk_store: Option<Arc<dyn Store>>,
    /// How the nodes are opened.
    pub options: Options,
}

impl Default for OpenConsolidated {
    /// The usual key, and chunks that may be written.
    fn default() -> Self {
        Self {
            metadata_key: StoreKey::new(CONSOLIDATED_KEY).expect("the name is a valid key"),
            mode: OpenMode::Update,
            chunk_store: None,
            options: Options::default(),
        }
    }
}

impl OpenConsolidated {
    /// Reads Python's word for a mode, of which two can be used here.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other word.
    pub fn parse_mode(text: &str) -> Result<OpenMode> {
        match text {
            "r" => Ok(OpenMode::Read),
            "r+" => Ok(OpenMode::Update),
            other => Err(Error::Argument(format!(
                "invalid mode, expected either 'r' or 'r+'; found '{other}'"
            ))),
        }
    }
}

/// Collects the documents of all nodes of a V2 hierarchy in one, and opens the node at `path` through it.
///
/// Nothing is written unless all documents can be read and the node is among them.
///
/// ```
/// use std::sync::Arc;
/// use zarr_convenience::{OpenConsolidated, OpenMode, consolidate_metadata, open};
/// use zarr_convenience::core::{NodePath, Options, store::{MemoryStore, Store}};
/// let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
/// let what = (&Default::default(), &Options::default());
/// open(&store, &NodePath::new("foo")?, OpenMode::Append, None, what)?;
/// let how = OpenConsolidated::default();
/// let node = consolidate_metadata(&store, &NodePath::new("foo")?, &how)?;
/// assert_eq!(node.path().to_string(), "/foo");
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
///
/// # Errors
/// [`CoreError::NotFound`] when nothing is at `path`, [`CoreError::Metadata`] for a document that is no JSON or
/// a hierarchy of format V3; when the store can be neither listed nor written.
pub fn consolidate_metadata(store: &Arc<dyn Store>, path: &NodePath, how: &OpenConsolidated) -> Result<Node> {
    let metadata = ConsolidatedMetadata::collect(store.as_ref(), &how.options)?;
    if !metadata.contains(path) {
        return Err(CoreError::NotFound {
            path: path.as_str().to_owned(),
            store: store.describe(""),
        }
        .into());
    }
    metadata.write(store.as_ref(), &how.metadata_key)?;
    open_through(&metadata, store, path, how)
}

/// Opens a node whose metadata, and those of all nodes below, come from the consolidated document alone.
///
/// What was changed since the document was made is not seen.
/// Changes of metadata are refused; chunks may be written if the mode says so.
///
/// # Errors
/// [`Error::Argument`] for a mode that creates, before the store is touched; [`CoreError::NotFound`] when the
/// document or the node is not there, [`CoreError::Metadata`] for a document that is damaged or of another form.
pub fn open_consolidated(store: &Arc<dyn Store>, path: &NodePath, how: &OpenConsolidated) -> Result<Node> {
    if !matches!(how.mode, OpenMode::Read | OpenMode::Update) {
        let reason = "consolidated metadata are opened to be read or updated, not to be created";
        return Err(Error::Argument(reason.to_owned()));
    }
    let metadata = ConsolidatedMetadata::read(store.as_ref(), &how.metadata_key)?;
    open_through(&metadata, store, path, how)
}

fn open_through(
    metadata: &ConsolidatedMetadata,
    store: &Arc<dyn Store>,
    path: &NodePath,
    how: &OpenConsolidated,
) -> Result<Node> {
    let chunks = how.chunk_store.as_ref().unwrap_or(store);
    let view: Arc<dyn Store> = Arc::new(ConsolidatedStore::new(metadata, Arc::clone(chunks)));
    let node = Node::open(view, path, &how.options)?;
    Ok(if how.mode == OpenMode::Read {
        read_only(node)
    } else {
        node
    })
}
