//! LMDB environments as zarr-python 2 makes them.

mod environment;
mod store;

pub use store::LmdbStore;
