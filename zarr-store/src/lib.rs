#![doc = include_str!("../README.md")]

#[cfg(not(unix))]
compile_error!("directories are written with calls that only Unix has");

mod byte_range;
mod error;
mod generation;
mod journal;
mod key;
mod new_file;
mod pending;
mod read_buffer;
mod store;
mod store_ext;
/// What holds the bytes.
pub mod stores;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
/// What changes how a store is reached.
pub mod wrappers;

pub use byte_range::ByteRange;
pub use bytes::Bytes;
pub use error::StoreError;
pub use generation::may_be_same;
pub use journal::Journal;
pub use key::{StoreKey, StorePrefix};
pub use new_file::NewFile;
pub use pending::{KeyLock, PendingValue};
pub use read_buffer::ReadBuffer;
pub use store::{Capabilities, IoHints, Lasting, Listing, Staged, Store};
pub use store_ext::StoreExt;
pub use stores::Strays;
pub use stores::dbm::DbmStore;
pub use stores::directory::{DirectoryStore, Durability};
#[cfg(feature = "http")]
pub use stores::http::{HttpOptions, HttpStore};
#[cfg(feature = "lmdb")]
pub use stores::lmdb::LmdbStore;
pub use stores::memory::MemoryStore;
#[cfg(feature = "object_store")]
pub use stores::object::ObjectStore;
#[cfg(feature = "reference")]
pub use stores::reference::ReferenceStore;
#[cfg(feature = "sqlite")]
pub use stores::sqlite::SqliteStore;
pub use stores::temp::TempStore;
#[cfg(feature = "zip")]
pub use stores::zip::{CloseError, ZipStore};
pub use wrappers::{CacheState, CachedStore, CountingStore, Counts, NestedStore, PrefixStore, ReadOnlyStore};

/// The result of an operation on a store.
pub type Result<T> = std::result::Result<T, StoreError>;
