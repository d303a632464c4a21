mod counting;
mod prefix;
mod read_only;

pub use counting::{CountingStore, Counts};
pub use prefix::PrefixStore;
pub use read_only::ReadOnlyStore;
