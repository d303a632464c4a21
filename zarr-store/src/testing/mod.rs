//! What every store must pass, and a store that fails on demand.

mod check;
mod faulty;

pub use check::{check_store, check_store_but};
pub use faulty::{Fault, FaultyStore, Operation};
