//! Generated configurations and inputs of every codec, made by numcodecs and by us, each read by the other.
//!
//! `xtask/peers/peer_codecs.py` makes the cases under zarr-python 2 and 3 and judges what we write;
//! here their chunks are read, ours are written, and damaged ones are tried.

mod case;
mod items;
mod report;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use self::{
    case::Case,
    report::{Report, Row},
};
use super::{peer, process};
use crate::peers::python_in;

/// How long the other side may take for all of its cases.
const TIME_LIMIT: Duration = Duration::from_secs(3000);

const USAGE: &str =
    "usage: conformance codecs [--peers DIR] [--cases N] [--seed N] [--only CODEC] [--out FILE.md]";

/// What the command line asks for.
struct Options {
    home: PathBuf,
    cases: String,
    seed: String,
    only: Option<String>,
    out: Option<PathBuf>,
}

/// A library with numcodecs in it, and the format of the arrays that hold the chunks.
struct Side {
    name: &'static str,
    environment: &'static str,
    format: &'static str,
}

const SIDES: [Side; 3] = [
    Side {
        name: "zarr-python 2, format 2",
        environment: "v2",
        format: "2",
    },
    Side {
        name: "zarr-python 3, format 2",
        environment: "v3",
        format: "2",
    },
    Side {
        name: "zarr-python 3, format 3",
        environment: "v3",
        format: "3",
    },
];

/// Runs the comparison; `Ok(false)` if values differed anywhere or nothing was compared.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let options = parse(arguments)?;
    let mut report = Report::default();
    for side in &SIDES {
        let python = python_in(&options.home, side.environment);
        if !python.exists() {
            println!("skipped: {} is not there; cargo xtask peers makes it", side.name);
            continue;
        }
        compare(side, &python, &options, &mut report)?;
    }
    let text = report.markdown();
    match &options.out {
        Some(file) => {
            std::fs::write(file, &text).with_context(|| format!("writing {}", file.display()))?;
            println!("{}", report.totals());
        }
        None => println!("{text}"),
    }
    Ok(report.is_clean())
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        home: peer::default_home()?,
        cases: "200".to_owned(),
        seed: "1".to_owned(),
        only: None,
        out: None,
    };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let value = rest.next().context(USAGE)?;
        match argument.as_str() {
            "--peers" => options.home = value.into(),
            "--cases" => options.cases.clone_from(value),
            "--seed" => options.seed.clone_from(value),
            "--only" => options.only = Some(value.clone()),
            "--out" => options.out = Some(value.into()),
            _ => bail!(USAGE),
        }
    }
    options.home = std::path::absolute(&options.home)?;
    Ok(options)
}

/// Compares all cases of one side.
fn compare(side: &Side, python: &Path, options: &Options, report: &mut Report) -> Result<()> {
    let work = tempfile::tempdir()?;
    let script = crate::root()?.join("xtask/peers/peer_codecs.py");
    let peer = |arguments: &[&str]| -> Result<Vec<String>> {
        let mut command = Command::new(python);
        command
            .arg(&script)
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let ended = process::run(&mut command, TIME_LIMIT)?;
        ensure!(
            ended.status.is_some_and(|status| status.success()),
            "{}: {}",
            side.name,
            ended.complaint.trim().lines().last().unwrap_or_default()
        );
        Ok(ended.lines)
    };
    report.add_side(side.name, peer(&["version"])?.join(" "));
    let directory = work.path().to_str().context("a temporary path is text")?;
    let mut make = vec!["make", directory, side.format, &options.seed, &options.cases];
    make.extend(options.only.as_deref());
    let mut cases = Vec::new();
    for line in peer(&make)? {
        let line: Value = serde_json::from_str(&line)?;
        match line["name"].as_str() {
            Some(name) => cases.push(Case::new(work.path(), name, &line)),
            None => report.refused(&line),
        }
    }
    for case in &cases {
        read(case, report.row(case.codec()));
    }
    cases.retain(|case| write(case, report.row(case.codec())));
    let names: Vec<_> = cases.iter().map(Case::name).collect();
    std::fs::write(work.path().join("names"), names.join("\n"))?;
    for (case, line) in cases.iter().zip(peer(&["check", directory])?) {
        let line: Value = serde_json::from_str(&line)?;
        ensure!(line["name"] == case.name(), "answers out of order: {line}");
        let row = report.row(case.codec());
        match line["error"].as_str() {
            None => row.written += 1,
            Some(error) => row.fail(case, &format!("reads ours: {error}")),
        }
    }
    Ok(())
}

/// Reads what the other side wrote, whole and damaged.
fn read(case: &Case, row: &mut Row) {
    row.made += 1;
    match case.read() {
        Ok(true) => row.read += 1,
        Ok(false) => row.fail(case, "we read other values"),
        Err(error) => row.fail(case, &format!("we do not read: {error:#}")),
    }
    match case.read_damaged() {
        Ok(count) => row.damaged += count,
        Err(error) => row.fail(case, &format!("damage: {error:#}")),
    }
}

/// Writes what the other side is to read; whether that went well.
fn write(case: &Case, row: &mut Row) -> bool {
    match case.write() {
        Ok(is_same) => row.same_bytes += usize::from(is_same),
        Err(error) => {
            row.fail(case, &format!("we do not write: {error:#}"));
            return false;
        }
    }
    true
}
