//! Filters that this program brings and the library lacks.

use std::ffi::CStr;

use super::libhdf5;

/// Changes the bytes of a chunk by the filter of a number with a configuration; `None` if it cannot.
pub(crate) type Change = fn(i32, &[u32], &[u8]) -> Option<Vec<u8>>;

/// A filter: its registered number, and what it does to the bytes of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilterCode {
    pub(crate) id: i32,
    pub(crate) name: &'static CStr,
    /// Undoes the filter.
    pub(crate) decode: Change,
    /// Applies it.
    pub(crate) encode: Change,
}

/// Gives filters to the library, which calls them where it reads and writes chunks itself.
pub(crate) fn register_filters(codes: &'static [FilterCode]) {
    libhdf5::register_filters(codes);
}
