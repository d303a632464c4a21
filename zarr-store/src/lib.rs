//! Stores of Zarr hierarchies: keys to bytes, safely and atomically.
