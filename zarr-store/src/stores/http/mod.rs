//! Hierarchies that a web server hands out.

mod address;
mod body;
mod client;
mod store;

pub use store::{HttpOptions, HttpStore};
