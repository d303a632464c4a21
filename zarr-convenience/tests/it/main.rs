//! The convenience functions, as a user of the library sees them.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![expect(clippy::panic, reason = "helpers of tests fail as tests do")]

mod archives;
mod consolidate;
mod consolidate_v3;
mod copy;
mod copy_exists;
mod copy_shards;
mod copy_store;
mod copy_store_nodes;
mod copy_values;
mod dataset;
mod diff;
mod distant;
mod dry_run;
mod formats;
mod help;
#[path = "../../../zarr-core/tests/it/indented.rs"]
mod indented;
mod info;
mod load;
mod migrate;
mod n5;
mod opaque;
mod open;
mod outdated;
mod python_pattern;
mod rechunk;
mod rectilinear;
mod requests;
mod resume;
mod save;
mod tree;
mod v2_fixtures;
mod xarray_documents;
