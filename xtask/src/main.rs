//! Jobs of the workspace, run as `cargo xtask JOB`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "jobs report to the terminal"
)]

mod bench;
mod ci;
mod conformance;
mod fixtures;
mod fuzz;
mod kills;
mod malformed;
mod miri;
mod peers;
mod properties;
mod stores;
mod tidy;

use std::process::ExitCode;

use anyhow::{Context, Result};

/// A job: its name, what it does, and the function that does it; `Ok(false)` says that it found faults.
struct Job {
    name: &'static str,
    help: &'static str,
    run: fn(&[String]) -> Result<bool>,
}

const JOBS: &[Job] = &[
    Job {
        name: "ci",
        help: "run every step of continuous integration [--no-tests]",
        run: ci::run,
    },
    Job {
        name: "tidy",
        help: "check layers, file sizes and forbidden words",
        run: tidy::run,
    },
    Job {
        name: "peers",
        help: "make the environments of the other implementations: peers DIR",
        run: peers::run,
    },
    Job {
        name: "conformance",
        help: "compare with the other implementations: conformance [cross [--peers DIR] [--out FILE.md] [--quick] | codecs [--peers DIR] [--cases N] [--seed N] [--only CODEC] [--out FILE.md] | field DIR | hdf5 [--peers DIR] [--out FILE.md] | transcripts FILE.json [--only ID]]",
        run: conformance::run,
    },
    Job {
        name: "fixtures",
        help: "remake testdata/ with the reference implementations [--peers DIR]",
        run: fixtures::run,
    },
    Job {
        name: "properties",
        help: "hold arrays, codecs, selections and changes against a model, and dry runs against copies: properties [CASES] [SEED]",
        run: properties::run,
    },
    Job {
        name: "kills",
        help: "kill the command at random moments, run it again and compare: kills [KILLS of each operation] [SEED]",
        run: kills::run,
    },
    Job {
        name: "malformed",
        help: "copy HDF5 files with bytes changed at random, within limits: malformed [CASES] [SEED]",
        run: malformed::run,
    },
    Job {
        name: "fuzz",
        help: "have libFuzzer look for data that break a promise: fuzz [TARGET ...] [SECONDS for each] [--asan]",
        run: fuzz::run,
    },
    Job {
        name: "miri",
        help: "run what Miri can of the unsafe code (needs the nightly toolchain with its component miri)",
        run: miri::run,
    },
    Job {
        name: "stores",
        help: "test stores far away against servers on loopback [--peers DIR]",
        run: stores::run,
    },
    Job {
        name: "bench",
        help: "run the benchmarks of the crates [NAME ...]; bench peers [--peers HOME] [--dir DIR] [--rounds N] [--side N] [--only WORD] [--out FILE.md]: side by side with the others; bench scaling [--dir DIR] [--out FILE.md]: cost as the work grows; bench adapter: build our side of such runs; bench counts [--record]: compare instructions with xtask/counts.json",
        run: bench::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let job = arguments
        .first()
        .and_then(|name| JOBS.iter().find(|job| job.name == name));
    let Some(job) = job else {
        usage(arguments.first());
        return ExitCode::from(2);
    };
    match (job.run)(&arguments[1..]) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", job.name);
            ExitCode::FAILURE
        }
    }
}

fn usage(unknown: Option<&String>) {
    if let Some(name) = unknown {
        eprintln!("xtask: no job is called {name}");
    }
    eprintln!("usage: cargo xtask JOB [ARGUMENT ...]");
    for Job { name, help, .. } in JOBS {
        eprintln!("  {name:<12} {help}");
    }
}

/// The root of the workspace, which holds this crate's directory.
fn root() -> Result<&'static std::path::Path> {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("this crate lies in no workspace")
}

/// The command that runs cargo: the one that runs this program.
fn cargo() -> std::process::Command {
    let mut command = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root().unwrap_or_else(|_| std::path::Path::new(".")));
    command
}

/// Builds the command `zarr`; gives where it is.
fn built_command() -> Result<std::path::PathBuf> {
    let built = cargo().args(["build", "--package", "zarr-cli"]).status()?;
    anyhow::ensure!(built.success(), "the command was not built");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().map(|root| root.join("target")),
        |directory| Ok(directory.into()),
    )?;
    let name = format!("zarr{}", std::env::consts::EXE_SUFFIX);
    Ok(target.join("debug").join(name))
}
