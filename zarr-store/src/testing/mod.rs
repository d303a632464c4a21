//! What every store must pass, a store that fails on demand, and one that lies far away.

mod check;
mod distant;
mod faulty;

pub use check::{check_store, check_store_but};
pub use distant::DistantStore;
pub use faulty::{Fault, FaultyStore, Operation};
