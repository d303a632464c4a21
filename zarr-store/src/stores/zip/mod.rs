//! A store in one ZIP archive.

mod archive_file;
mod close_error;
mod damage;
mod directory;
mod member;
mod output;
mod records;
mod spool;
mod store;

pub use close_error::CloseError;
pub use store::ZipStore;
