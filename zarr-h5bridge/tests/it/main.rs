//! Reads the files of `testdata`, whose values are computed here again from the formula of `make_sample.py`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

mod attributes;
mod bridge;
mod chunks;
mod diff;
mod filters;
mod hostile;
mod links;
mod moved;
mod odd;
mod outside;
mod pieces;
mod records;
mod resume;
mod round_trip;
mod second_names;
mod serve;
mod sink;
mod unwritten;
mod values;

use std::path::PathBuf;

use zarr_h5bridge::hdf5::{File, Values};

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../testdata")
        .join(name)
}

fn sample() -> File {
    File::open(testdata("sample.h5")).unwrap()
}

fn awkward() -> File {
    File::open(testdata("awkward.h5")).unwrap()
}

/// The number at place k is (k * step) % modulus.
fn wave(n: usize, step: u64, modulus: u64) -> Vec<u64> {
    (0..n as u64).map(|k| k * step % modulus).collect()
}

/// The bytes of all values, one after the other.
fn bytes<T, const N: usize>(values: impl IntoIterator<Item = T>, encode: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    values.into_iter().flat_map(encode).collect()
}

fn fixed(values: Values) -> Vec<u8> {
    match values {
        Values::Fixed(bytes) => bytes,
        Values::Variable(_) | Values::Mixed(_) => panic!("the values are of any length"),
    }
}

fn variable(values: Values) -> Vec<Vec<u8>> {
    match values {
        Values::Fixed(_) | Values::Mixed(_) => panic!("the values are not all of any length"),
        Values::Variable(items) => items,
    }
}

fn read(file: &File, path: &str) -> Vec<u8> {
    fixed(file.dataset(path).unwrap().read_all().unwrap())
}
