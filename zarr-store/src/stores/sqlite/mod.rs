//! SQLite databases as zarr-python 2 makes them.

mod connections;
mod store;

pub use store::SqliteStore;
