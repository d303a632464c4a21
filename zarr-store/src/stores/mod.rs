pub mod memory;
mod ranges;
mod sorted;
