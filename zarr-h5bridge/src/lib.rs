#![doc = include_str!("../README.md")]

mod bridge;
mod child;
pub mod hdf5;

pub use bridge::{Hdf5Sink, Hdf5Source, Hdf5Store, ReferenceOptions, ReferenceReport, write_references};
pub use child::{ChildLimits, run_child};
pub use hdf5::is_hdf5;
