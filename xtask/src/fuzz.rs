//! `cargo xtask fuzz`: libFuzzer on the targets of `fuzz/`.
//!
//! The stable compiler can count which branches a run takes, which is all that libFuzzer needs; with `--asan` the nightly
//! one watches memory as well, also that of the C libraries' callers. What is found stays in `target/fuzz`: inputs that
//! reach something new in `corpus/TARGET`, those that break a promise in `found/`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use zarr_fuzz::{TARGETS, Target, target};

use crate::root;

/// How long a target runs unless told, in seconds.
const SECONDS: u64 = 60;

/// The counters of branches and comparisons that libFuzzer reads.
const COVERAGE: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cdebug-assertions",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let (mut seconds, mut chosen, mut watches_memory) = (SECONDS, Vec::new(), false);
    for argument in arguments {
        if argument == "--asan" {
            watches_memory = true;
        } else if let Ok(number) = argument.parse() {
            seconds = number;
        } else {
            let names = || {
                TARGETS
                    .iter()
                    .map(|target| target.name)
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            let found = target(argument)
                .with_context(|| format!("there is no target {argument}, but {}", names()))?;
            chosen.push(*found);
        }
    }
    if chosen.is_empty() {
        chosen = TARGETS.to_vec();
    }
    let folder = root()?.join("target").join("fuzz");
    let program = build(&folder, watches_memory)?;
    let mut is_sound = true;
    for target in &chosen {
        println!("== {}", target.name);
        is_sound &= run_target(target, &program, &folder, seconds)?;
    }
    Ok(is_sound)
}

/// Builds the program with coverage; gives where it is.
fn build(folder: &Path, watches_memory: bool) -> Result<PathBuf> {
    let host = host()?;
    let mut flags = COVERAGE.to_vec();
    let mut command = if watches_memory {
        flags.push("-Zsanitizer=address");
        let mut command = Command::new("cargo");
        command
            .arg("+nightly")
            .env_remove("RUSTUP_TOOLCHAIN")
            .current_dir(root()?);
        command
    } else {
        crate::cargo()
    };
    let folder = folder.join(if watches_memory { "asan" } else { "build" });
    // With a target named, the flags are not those of build scripts.
    let status = command
        .args([
            "build",
            "--release",
            "--package",
            "zarr-fuzz",
            "--features",
            "libfuzzer",
        ])
        .args(["--bin", "zarr-fuzz", "--target", &host])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .status()?;
    ensure!(status.success(), "the targets were not built");
    Ok(folder.join(host).join("release").join("zarr-fuzz"))
}

/// The name of this system among those that rustc knows.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .context("rustc cannot be run")?;
    let text = String::from_utf8(output.stdout)?;
    match text.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) => Ok(host.to_owned()),
        None => bail!("rustc does not say what system this is"),
    }
}

/// Whether a target ran without a fault.
fn run_target(target: &Target, program: &Path, folder: &Path, seconds: u64) -> Result<bool> {
    let corpus = folder.join("corpus").join(target.name);
    let found = folder.join("found");
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&found)?;
    for (number, seed) in (target.seeds)().iter().enumerate() {
        fs::write(corpus.join(format!("seed-{number}")), seed)?;
    }
    let prefix = format!("-artifact_prefix={}/{}-", found.display(), target.name);
    let status = Command::new(program)
        .arg(&corpus)
        .args([&format!("-max_total_time={seconds}"), &prefix])
        .args([
            "-rss_limit_mb=1024",
            "-malloc_limit_mb=256",
            "-timeout=10",
            "-max_len=16384",
        ])
        .args(["-print_final_stats=1", "-verbosity=0"])
        .env("ZARR_FUZZ_TARGET", target.name)
        .status()?;
    Ok(status.success())
}
