//! Measuring: the criterion benches of the crates, and the adapter for side-by-side runs.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// Runs what the arguments name.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    match arguments {
        [what] if what == "adapter" => adapter(),
        names => benches(names),
    }
}

/// Runs what is named `[[bench]]` and nothing else: unit tests do not know the arguments of criterion.
fn benches(names: &[String]) -> Result<bool> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(crate::root()?)
        .no_deps()
        .exec()?;
    let mut command = crate::cargo();
    command.arg("bench");
    for package in &metadata.packages {
        for bench in package.targets.iter().filter(|target| target.is_bench()) {
            command.args(["--package", package.name.as_str(), "--bench", &bench.name]);
        }
    }
    Ok(command.arg("--").args(names).status()?.success())
}

/// Builds the program that side-by-side benchmarks run of ours, and prints its path last.
fn adapter() -> Result<bool> {
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
        .find_map(|message| Some(message.get("executable")?.as_str()?.to_owned()));
    println!(
        "{}",
        executable.context("cargo does not say where the adapter is")?
    );
    Ok(true)
}
