//! Codecs of Zarr chunks: arrays in memory to bytes and back.
