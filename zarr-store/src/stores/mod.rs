#[cfg(any(feature = "http", feature = "object_store"))]
mod answers;
pub mod dbm;
pub mod directory;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "lmdb")]
pub mod lmdb;
pub mod memory;
#[cfg(feature = "object_store")]
pub mod object;
pub(crate) mod ranges;
#[cfg(feature = "reference")]
pub mod reference;
#[cfg(any(feature = "http", feature = "object_store"))]
mod secrets;
mod sorted;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod strays;
pub(crate) mod sync;
pub mod temp;
pub(crate) mod temporary;
#[cfg(feature = "zip")]
pub mod zip;

pub use strays::Strays;
