#![doc = include_str!("../README.md")]

mod bridge;
pub mod hdf5;

pub use bridge::{Hdf5Sink, Hdf5Source};
pub use hdf5::is_hdf5;
