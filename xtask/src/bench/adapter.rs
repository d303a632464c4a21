//! The program that side-by-side runs measure of ours.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Builds it, and says where it is.
pub(super) fn build() -> Result<PathBuf> {
    let arguments = [
        "build",
        "--release",
        "--package",
        "xtask",
        "--bin",
        "bench-adapter",
        "--features",
        "hdf5",
        "--message-format",
        "json",
    ];
    let output = crate::cargo()
        .args(arguments)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "the adapter was not built");
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let executable = messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some("bench-adapter"))
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    executable.context("cargo does not say where the adapter is")
}
