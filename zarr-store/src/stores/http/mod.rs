//! Hierarchies that a web server hands out.

mod address;
mod client;
mod store;

pub use store::{HttpOptions, HttpStore};
