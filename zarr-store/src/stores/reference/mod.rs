//! Values that lie in other files, as a document of references says.

mod document;
mod files;
mod store;

pub use store::ReferenceStore;
