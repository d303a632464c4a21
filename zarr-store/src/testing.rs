//! What every store must pass, and a store that fails on demand.
