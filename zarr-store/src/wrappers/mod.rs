mod cached;
mod counting;
mod forward;
mod nested;
mod prefix;
mod read_only;
mod staged;

pub use cached::{CacheState, CachedStore};
pub use counting::{CountingStore, Counts};
pub use nested::NestedStore;
pub use prefix::PrefixStore;
pub use read_only::ReadOnlyStore;
