//! Objects in a cloud, or in what behaves like one.

mod runtime;
mod store;

pub use store::ObjectStore;
