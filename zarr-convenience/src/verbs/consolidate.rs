//! `consolidate_metadata` and `open_consolidated` (`v2-semantics` 9).

use std::sync::Arc;

use zarr_core::{
    CONSOLIDATED_KEY, ConsolidatedMetadata, ConsolidatedStore, Error as CoreError, Freshness, Node, NodePath,
    Options, Result as CoreResult, ZarrFormat,
    store::{Store, StoreKey},
};

use crate::{Error, OpenMode, Result, open::read_only};

/// How a hierarchy is opened through its consolidated metadata.
#[derive(Debug, Clone)]
pub struct OpenConsolidated {
    /// The key of the document of V2.
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
    /// Refuses a key of metadata that are stored in the document of their group.
    fn check_key_of_v3(&self) -> Result<()> {
        if self.metadata_key.as_str() != CONSOLIDATED_KEY {
            let key = &self.metadata_key;
            let reason = format!(
                "metadata of format 3 are consolidated in the group's own document, not under '{key}'"
            );
            return Err(Error::Argument(reason));
        }
        Ok(())
    }

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

/// Whether metadata are read from consolidated metadata where there are some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UseConsolidated {
    /// From the documents of the nodes, as `open` of zarr-python 2 does; in a store that cannot list, such as a web
    /// server, groups from consolidated metadata, if there are any.
    #[default]
    Needed,
    /// From the documents of the nodes, which are all that is looked at.
    Never,
    /// From consolidated metadata that say what the documents say, as far as [`AUTO_FOLDERS_MAX`] folders tell.
    Auto,
    /// From consolidated metadata alone, which must be there and are not compared with the documents.
    Must,
}

/// How many folders are compared before consolidated metadata are used on their own.
///
/// A hierarchy of so many nodes is compared as a whole. A larger one is compared from the node that is opened on, level
/// by level; a change below may then go unseen, which is what `never` is for.
pub const AUTO_FOLDERS_MAX: usize = 256;

impl UseConsolidated {
    /// Reads `needed`, `auto`, `must` or `never`.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other word.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "needed" => Ok(Self::Needed),
            "auto" => Ok(Self::Auto),
            "must" => Ok(Self::Must),
            "never" => Ok(Self::Never),
            other => {
                let reason =
                    format!("consolidated must be one of needed, auto, must, never; found '{other}'");
                Err(Error::Argument(reason))
            }
        }
    }
}

/// Collects the documents of all nodes in one, and opens the node at `path` through it.
///
/// Those of a V2 hierarchy are all collected, and stored under the key; `path` says what is opened. Those of V3 are
/// collected at and below the group at `path`, and stored in its own document.
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
/// [`CoreError::NotFound`] when nothing is at `path`, [`CoreError::WrongKind`] for a V3 array, [`CoreError::Metadata`]
/// for a document that is no JSON; [`Error::Argument`] for a key of V3 metadata, which have none; when the store can be
/// neither listed nor written.
pub fn consolidate_metadata(store: &Arc<dyn Store>, path: &NodePath, how: &OpenConsolidated) -> Result<Node> {
    let node = Node::find(store, path, &how.options, None)?;
    let format = node.as_ref().map_or(ZarrFormat::V2, Node::format);
    let root = match (&node, format) {
        (Some(Node::Array(_)), ZarrFormat::V3) => {
            return Err(CoreError::WrongKind {
                path: path.as_str().to_owned(),
                found: "an array",
            }
            .into());
        }
        (_, ZarrFormat::V3) => {
            how.check_key_of_v3()?;
            path.clone()
        }
        (_, ZarrFormat::V2) => NodePath::root(),
    };
    let metadata = ConsolidatedMetadata::collect(store.as_ref(), &root, format, &how.options)?;
    if !metadata.contains(path) {
        return Err(CoreError::NotFound {
            path: path.as_str().to_owned(),
            store: store.describe(""),
        }
        .into());
    }
    metadata.write(store.as_ref(), &how.metadata_key)?;
    open_through(metadata, store, path, how)
}

/// Opens a node whose metadata, and those of all nodes below, come from consolidated metadata alone.
///
/// They are those of the V2 document, else those of the V3 group at the path or the nearest one above.
/// What was changed since they were made is not seen; [`open_reading`] compares.
/// Changes of metadata are refused; chunks may be written if the mode says so.
///
/// # Errors
/// [`Error::Argument`] for a mode that creates, before the store is touched; [`CoreError::NotFound`] when there are no
/// consolidated metadata (it names their key) or the node is not there, [`CoreError::Metadata`] for those that are
/// damaged or of another form.
pub fn open_consolidated(store: &Arc<dyn Store>, path: &NodePath, how: &OpenConsolidated) -> Result<Node> {
    if !matches!(how.mode, OpenMode::Read | OpenMode::Update) {
        let reason = "consolidated metadata are opened to be read or updated, not to be created";
        return Err(Error::Argument(reason.to_owned()));
    }
    let metadata = find_consolidated(store, path, &how.metadata_key)?.ok_or_else(|| CoreError::NotFound {
        path: how.metadata_key.to_string(),
        store: store.describe(""),
    })?;
    open_through(metadata, store, path, how)
}

/// The consolidated metadata that a node is in: the V2 document under a key, else those of the V3 group at a path or the
/// nearest one above.
///
/// # Errors
/// [`CoreError::Metadata`] for consolidated metadata that are damaged or of another form.
pub fn find_consolidated(
    store: &Arc<dyn Store>,
    path: &NodePath,
    metadata_key: &StoreKey,
) -> Result<Option<ConsolidatedMetadata>> {
    let found = |read: CoreResult<_>| match read {
        Ok(metadata) => Ok(metadata),
        Err(CoreError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    let v2 = ConsolidatedMetadata::read(store.as_ref(), metadata_key);
    if let Some(metadata) = found(v2.map(Some))? {
        return Ok(Some(metadata));
    }
    let mut group = Some(path.clone());
    while let Some(path) = group {
        if let Some(metadata) = found(ConsolidatedMetadata::read_inline(store.as_ref(), &path))? {
            return Ok(Some(metadata));
        }
        group = path.parent();
    }
    Ok(None)
}

/// Opens a node to be read, through consolidated metadata where a policy says so.
///
/// With [`UseConsolidated::Auto`] the comparison is given as well where there was something to compare; if it is not
/// fresh, the node was opened by its own documents.
///
/// # Errors
/// Those of [`open_consolidated`] and [`Node::open`].
pub fn open_reading(
    store: &Arc<dyn Store>,
    path: &NodePath,
    policy: UseConsolidated,
    options: &Options,
) -> Result<(Node, Option<Freshness>)> {
    let how = OpenConsolidated {
        mode: OpenMode::Read,
        options: options.clone(),
        ..OpenConsolidated::default()
    };
    let by_documents = || Node::open(Arc::clone(store), path, options).map(read_only);
    match policy {
        UseConsolidated::Needed => {
            let node = by_documents()?;
            let needs = matches!(node, Node::Group(_)) && !store.capabilities().lists;
            let metadata = if needs {
                find_consolidated(store, path, &how.metadata_key)?
            } else {
                None
            };
            let metadata = metadata.filter(|metadata| metadata.contains(path));
            let through = metadata.map(|metadata| open_through(metadata, store, path, &how));
            Ok((through.unwrap_or(Ok(node))?, None))
        }
        UseConsolidated::Never => Ok((by_documents()?, None)),
        UseConsolidated::Must => Ok((open_consolidated(store, path, &how)?, None)),
        UseConsolidated::Auto => {
            let Some(metadata) = find_consolidated(store, path, &how.metadata_key)? else {
                return Ok((by_documents()?, None));
            };
            let freshness = metadata.freshness(store.as_ref(), path, AUTO_FOLDERS_MAX, options)?;
            let node = if freshness.is_fresh() {
                open_through(metadata, store, path, &how)?
            } else {
                by_documents()?
            };
            Ok((node, Some(freshness)))
        }
    }
}

fn open_through(
    metadata: ConsolidatedMetadata,
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
