//! `cargo xtask miri`: the unsafe code that Miri can run.
//!
//! Miri interprets a program and checks every access to memory. It cannot call C libraries, so it sees what is of Rust
//! alone: the output that threads fill together, the planes of bytes that are arranged with AVX2, and the blocks of LZ4
//! that are decoded in Rust. The bindings to C libraries are left to the fuzz targets and to `cargo xtask malformed`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::root;

/// Tests that reach unsafe code without a C library: the package, its target, and what their names begin with.
const TESTS: [(&str, &[&str], &str); 3] = [
    ("zarr-codecs", &["--lib"], "bytes_to_bytes::byte_planes"),
    (
        "zarr-codecs",
        &["--lib"],
        "bytes_to_bytes::lz4_block::tests::alone",
    ),
    ("zarr-core", &["--test", "it"], "disjoint"),
];

pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    ensure!(arguments.is_empty(), "usage: miri");
    let mut is_sound = true;
    for (package, target, tests) in TESTS {
        let status = Command::new("cargo")
            .args(["+nightly", "miri", "test", "--package", package])
            .args(target)
            .arg(tests)
            .current_dir(root()?)
            // The paths for vectors are taken where the target has them; threads are counted by reading files.
            .env("RUSTFLAGS", "-C target-feature=+avx2,+avx512vbmi,+avx512vl")
            .env("MIRIFLAGS", "-Zmiri-disable-isolation")
            .env_remove("RUSTUP_TOOLCHAIN")
            .status()
            .context("cargo cannot be run")?;
        is_sound &= status.success();
    }
    Ok(is_sound)
}
