//! What can go wrong in a verb.

use std::io;

/// An error of a convenience function.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A node, its metadata or its store.
    #[error(transparent)]
    Core(#[from] zarr_core::Error),
    /// A source that is not Zarr.
    #[error("{what}: {reason}")]
    Source {
        /// The file and the object.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// Something is where a copy would go: zarr-python's `CopyError`.
    #[error("{0}")]
    Copy(String),
    /// What is there is not what was required: zarr-python's `TypeError` of `require_dataset`.
    #[error("{0}")]
    Mismatch(String),
    /// An argument makes no sense.
    #[error("{0}")]
    Argument(String),
    /// What was asked for would destroy data, or run what it should not.
    #[error("{what}: {reason}")]
    Refused {
        /// What was to be changed.
        what: String,
        /// Why it is not.
        reason: String,
    },
    /// A value that was to be copied was removed meanwhile, and nothing can be told of what it was.
    #[error("{what}: vanished before it was copied")]
    Vanished {
        /// The key.
        what: String,
    },
    /// The verb was told to stop; what it had not completed is not visible.
    #[error("cancelled")]
    Cancelled,
    /// A file outside any store.
    #[error("{what}: {action} failed")]
    File {
        /// The file.
        what: String,
        /// What was being done.
        action: &'static str,
        /// The reason given by the system.
        source: io::Error,
    },
}

impl Error {
    /// Whether the same may succeed another time, from where it ended: it was stopped, or a disk was full.
    pub const fn can_be_continued(&self) -> bool {
        use zarr_core::{Error as CoreError, store::StoreError};
        matches!(
            self,
            Self::Cancelled | Self::File { .. } | Self::Core(CoreError::Store(StoreError::Io { .. }))
        )
    }
}

impl From<zarr_core::store::StoreError> for Error {
    fn from(error: zarr_core::store::StoreError) -> Self {
        Self::Core(error.into())
    }
}
