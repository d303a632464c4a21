//! The programs that are measured.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Builds it, and says where it is.
pub(super) fn build() -> Result<PathBuf> {
    build_one("bench-adapter", &["--features", "hdf5"])
}

/// Builds a program of this package with every optimisation, and says where it is.
pub(super) fn build_one(name: &str, more: &[&str]) -> Result<PathBuf> {
    let output = crate::cargo()
        .args(["build", "--release", "--package", "xtask", "--bin", name])
        .args(["--message-format", "json"])
        .args(more)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    ensure!(output.status.success(), "{name} was not built");
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let executable = messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .filter(|message| message.pointer("/target/name").and_then(Value::as_str) == Some(name))
        .find_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    executable.with_context(|| format!("cargo does not say where {name} is"))
}
