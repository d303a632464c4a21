//! Everything continuous integration checks, in order; `.ci/run` runs this list.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// One step: cargo with these arguments, and one variable of the environment.
struct Step<'a> {
    name: &'a str,
    arguments: &'a [&'a str],
    variable: Option<(&'a str, &'a str)>,
}

const TEST: Step<'_> = Step {
    name: "test",
    arguments: &["test", "--workspace"],
    variable: None,
};

const STEPS: &[Step<'_>] = &[
    Step {
        name: "fmt",
        arguments: &["fmt", "--all", "--check"],
        variable: None,
    },
    Step {
        name: "clippy",
        arguments: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        variable: None,
    },
    Step {
        name: "tidy",
        arguments: &["xtask", "tidy"],
        variable: None,
    },
    Step {
        name: "doc",
        arguments: &["doc", "--workspace", "--no-deps"],
        variable: Some(("RUSTDOCFLAGS", "-D warnings")),
    },
];

/// The crates that build without any of their features, each by itself, as together they lend each other theirs;
/// `zarr-h5bridge` needs a library of the system then.
const WITHOUT_FEATURES: [&str; 5] = [
    "zarr-store",
    "zarr-codecs",
    "zarr-core",
    "zarr-convenience",
    "zarr-cli",
];

/// Runs the steps to the end, so that one run shows every fault; `--no-tests` leaves the tests out.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let tests = match arguments {
        [] => true,
        [flag] if flag == "--no-tests" => false,
        _ => bail!("usage: cargo xtask ci [--no-tests]"),
    };
    let first = tests.then_some(&TEST);
    let bare = WITHOUT_FEATURES.map(|package| {
        let what = ["clippy", "-p", package, "--no-default-features", "--all-targets"];
        [&what[..], &["--", "-D", "warnings"]].concat()
    });
    let bare = bare.each_ref().map(|arguments| Step {
        name: "bare",
        arguments,
        variable: None,
    });
    let mut done = Vec::new();
    for step in first.into_iter().chain(STEPS).chain(&bare) {
        println!("== {}: cargo {}", step.name, step.arguments.join(" "));
        let started = Instant::now();
        let passed = run_step(step).with_context(|| format!("running step {}", step.name))?;
        done.push((step.name, passed, started.elapsed()));
    }
    for (name, passed, took) in &done {
        println!("{}", line(name, *passed, *took));
    }
    Ok(done.iter().all(|(_, passed, _)| *passed))
}

fn run_step(step: &Step<'_>) -> Result<bool> {
    let mut command = crate::cargo();
    command.args(step.arguments).envs(step.variable);
    Ok(command.status()?.success())
}

fn line(name: &str, passed: bool, took: Duration) -> String {
    let verdict = if passed { "ok" } else { "FAILED" };
    format!("{name:<8} {verdict:<6} {:8.1} s", took.as_secs_f64())
}
