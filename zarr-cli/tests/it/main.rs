//! The `zarr` command, run as a user runs it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do, and kills are counted on standard error"
)]

mod consolidated;
mod copies;
mod damage;
mod diff;
mod documents;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(unix)]
mod interrupt;
mod kill;
#[cfg(feature = "hdf5")]
mod malformed;
mod nodes;
mod output;
mod pages;
mod place;
#[cfg(feature = "hdf5")]
mod references;
mod refusals;
#[cfg(feature = "http")]
mod requests;
mod tree;
mod verbs;
