//! The public interface of `zarr-core`, as a user sees it.
#![expect(clippy::cast_lossless, reason = "tests count in whatever type is at hand")]

mod arrays;
mod documents;
mod properties;
mod zarr_python;
