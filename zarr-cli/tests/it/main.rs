//! The `zarr` command, run as a user runs it.

mod copies;
mod damage;
mod kill;
mod output;
mod place;
mod refusals;
mod verbs;
