//! A store in a directory of the local file system.

mod aside;
mod changes;
mod listing;
pub(crate) mod lock_file;
mod names;
mod pending;
mod pinned;
mod places;
mod store;
mod trees;
mod write;

pub use store::{DirectoryStore, Durability};
