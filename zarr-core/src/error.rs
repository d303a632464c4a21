//! What can go wrong with nodes, and where.

use zarr_codecs::CodecError;
use zarr_store::StoreError;

/// An error of an array, a group or their metadata.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed; its error names the key.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A metadata document is damaged or says what cannot be.
    #[error("{document}#{pointer}: {reason}")]
    Metadata {
        /// The document, in the words of the store.
        document: String,
        /// The member, as a JSON pointer; empty for the whole document.
        pointer: String,
        /// What is wrong.
        reason: String,
    },
    /// No node is there.
    #[error("nothing found at path '{path}' in {store}")]
    NotFound {
        /// The path of the node.
        path: String,
        /// The store.
        store: String,
    },
    /// A node is there already.
    #[error("path '{path}' contains {found}")]
    Exists {
        /// The path of the node.
        path: String,
        /// `a group` or `an array`, or `a folder that is not empty`.
        found: &'static str,
    },
    /// The node is of the other kind.
    #[error("path '{path}' contains {found}")]
    WrongKind {
        /// The path of the node.
        path: String,
        /// `a group` or `an array`.
        found: &'static str,
    },
    /// A path is no path of a node.
    #[error("path {path:?}: {reason}")]
    Path {
        /// The path as given.
        path: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// A chunk could not be read or written.
    #[error("array '{array}', chunk {chunk:?} ({key})")]
    Chunk {
        /// The path of the array.
        array: String,
        /// The position of the chunk in the grid.
        chunk: Vec<u64>,
        /// The key of the chunk, in the words of the store.
        key: String,
        /// What is wrong with it.
        source: Box<CodecError>,
    },
    /// The codecs of an array cannot be built.
    #[error("array '{array}' ({document})")]
    Codecs {
        /// The path of the array.
        array: String,
        /// The metadata document, in the words of the store.
        document: String,
        /// What is wrong with them.
        source: CodecError,
    },
    /// A Rust type does not fit the array's data type.
    #[error("array '{array}': stored as {stored}, asked for {asked}")]
    Type {
        /// The path of the array.
        array: String,
        /// The data type of the array.
        stored: String,
        /// The Rust type.
        asked: &'static str,
    },
    /// A value that was read is none of its type.
    #[error("array '{array}': {reason}")]
    Value {
        /// The path of the array.
        array: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was asked for does not lie in the array.
    #[error("{reason}")]
    Selection {
        /// What is wrong.
        reason: String,
    },
    /// The shape of the data is not that of the selection.
    #[error("expected data of shape {expected:?}, got {got:?}")]
    Shape {
        /// The shape of the selection.
        expected: Vec<u64>,
        /// The shape or the number of elements given.
        got: Vec<u64>,
    },
    /// What was given does not go together with the array.
    #[error("array '{array}': {reason}")]
    Incompatible {
        /// The path of the array.
        array: String,
        /// What does not, in the words of zarr-python where it has any.
        reason: String,
    },
    /// The metadata of a view cannot be changed: they are not the stored ones.
    #[error("array '{array}': operation not permitted for views")]
    View {
        /// The path of the array.
        array: String,
    },
    /// A parameter of a new node makes no sense.
    #[error("{reason}")]
    Create {
        /// Which one, and why.
        reason: String,
    },
    /// The array is too large to be held in memory.
    #[error("array '{array}': {size} bytes are too much to read at once, limit {limit}")]
    TooLarge {
        /// The path of the array.
        array: String,
        /// The size in bytes.
        size: u128,
        /// The most bytes allowed.
        limit: u64,
    },
    /// The node may only be read.
    #[error("'{path}' is read-only")]
    ReadOnly {
        /// The path of the node.
        path: String,
    },
}

impl Error {
    pub(crate) fn selection(reason: impl Into<String>) -> Self {
        Self::Selection {
            reason: reason.into(),
        }
    }

    pub(crate) fn create(reason: impl Into<String>) -> Self {
        Self::Create {
            reason: reason.into(),
        }
    }
}
