//! A store that remembers what was read.

mod memory;
mod store;

pub use store::{CacheState, CachedStore};
