//! What outside data may do: give an error or a value, and nothing else.
//!
//! A [`Target`] is a function of bytes that panics where the library breaks a promise. The tests run each on its seeds and
//! on changes of them; `cargo xtask fuzz` has libFuzzer look for more.
#![allow(clippy::panic, reason = "a target panics to tell of a broken promise")]

mod archive;
mod array;
mod change;
mod codec;
mod hierarchy;
mod names;

pub use change::changed;

/// Something that reads data of unknown origin.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of the target on the command line.
    pub name: &'static str,
    /// Reads data; panics where the library does what it must not.
    pub run: fn(&[u8]),
    /// Data that are as they should be.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    array::V2,
    array::V3,
    hierarchy::V2,
    hierarchy::V3,
    hierarchy::N5,
    hierarchy::REFERENCES,
    codec::CODEC,
    archive::ZIP,
    names::DATA_TYPE,
    names::KEY,
    names::SELECTION,
    names::PATTERN,
];

/// The target of a name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
