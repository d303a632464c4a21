pub mod directory;
pub mod memory;
mod ranges;
mod sorted;
mod temporary;
#[cfg(feature = "zip")]
pub mod zip;
