//! Databases of Python's `dbm.dumb`: an index of lines and a file of blocks.

mod index;
mod store;

pub use store::DbmStore;
