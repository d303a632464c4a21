//! The public interface of `zarr-convenience`, as a user sees it.
#![allow(
    clippy::unwrap_used,
    clippy::clone_on_ref_ptr,
    reason = "a test that cannot go on fails, and clones whatever it needs twice"
)]

mod opaque;
