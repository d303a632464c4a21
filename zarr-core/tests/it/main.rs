//! The public interface of `zarr-core`, as a user sees it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::clone_on_ref_ptr,
    clippy::needless_pass_by_value,
    reason = "a test that fails says so by a panic, and is easier to read without borrows"
)]

mod arrays;
mod attributes;
mod casts;
mod creating;
mod disjoint;
mod documents;
mod elements;
mod groups;
mod indented;
mod items;
mod kept_indices;
mod long_doubles;
mod moving;
mod n5_contract;
mod properties;
mod raw_chunks;
mod records;
mod rectilinear;
mod requests;
mod resize;
mod selections;
mod shard_pieces;
mod shard_writers;
mod shards;
mod stored;
mod v3_documents;
mod v3_page;
mod v3_types;
mod views;
mod zarr_python;
