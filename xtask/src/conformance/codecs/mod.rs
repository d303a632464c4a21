//! Generated configurations and inputs of every codec, made by other libraries and by us, each read by the other.
//!
//! `xtask/peers/peer_codecs.py` makes the cases of numcodecs under zarr-python 2 and 3, `peer_documents.py` those of
//! whole documents of V3 with zarrs, tensorstore and zarr-python 3; both judge what we write.
//! Here their chunks are read, ours are written, and damaged ones are tried.

mod case;
mod declared;
mod items;
mod report;

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use self::{
    case::Case,
    report::{Report, Row},
};
use super::{page::Page, process};
use crate::peers::{python_in, zarrs_in};

/// How long the other side may take for all of its cases.
const TIME_LIMIT: Duration = Duration::from_secs(3000);

const USAGE: &str = "usage: conformance codecs [--peers DIR] [--cases N] [--seed N] [--side TEXT] [--only CODEC] [--out FILE.md]";

/// What the command line asks for.
struct Options {
    page: Page,
    cases: String,
    seed: String,
    /// What the names of the sides to be compared with have in them.
    side: String,
    only: Option<String>,
}

/// A library, and the script that makes its cases.
struct Side {
    name: &'static str,
    environment: &'static str,
    script: &'static str,
    /// What the script is told first: the format of the arrays, or the library.
    kind: &'static str,
    needs_zarrs: bool,
}

const SIDES: [Side; 6] = [
    with_numcodecs("zarr-python 2, format 2", "v2", "2"),
    with_numcodecs("zarr-python 3, format 2", "v3", "2"),
    with_numcodecs("zarr-python 3, format 3", "v3", "3"),
    Side {
        needs_zarrs: true,
        ..of_documents("zarrs, documents of format 3", "ts", "zarrs")
    },
    of_documents("tensorstore, documents of format 3", "ts", "tensorstore"),
    of_documents("zarr-python 3, documents of format 3", "v3", "zarr"),
];

const fn with_numcodecs(name: &'static str, environment: &'static str, format: &'static str) -> Side {
    Side {
        name,
        environment,
        script: "peer_codecs.py",
        kind: format,
        needs_zarrs: false,
    }
}

const fn of_documents(name: &'static str, environment: &'static str, library: &'static str) -> Side {
    Side {
        name,
        environment,
        script: "peer_documents.py",
        kind: library,
        needs_zarrs: false,
    }
}

/// Runs the comparison; `Ok(false)` if values differed anywhere or nothing was compared.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let options = parse(arguments)?;
    let mut report = Report::default();
    for side in SIDES.iter().filter(|side| side.name.contains(&options.side)) {
        let python = python_in(&options.page.home, side.environment);
        let is_there = python.exists() && (!side.needs_zarrs || zarrs_in(&options.page.home).exists());
        if !is_there {
            println!("skipped: {} is not there; cargo xtask peers makes it", side.name);
            continue;
        }
        compare(side, &python, &options, &mut report)?;
    }
    options.page.write(&report.markdown())?;
    println!("{}", report.totals());
    Ok(report.is_clean())
}

fn parse(arguments: &[String]) -> Result<Options> {
    let (mut cases, mut seed, mut side, mut only) = ("200".to_owned(), "1".to_owned(), String::new(), None);
    let page = Page::parse_with(arguments, USAGE, |flag, rest| {
        let mut value = || rest.next().cloned().context(USAGE);
        match flag {
            "--cases" => cases = value()?,
            "--seed" => seed = value()?,
            "--side" => side = value()?,
            "--only" => only = Some(value()?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    Ok(Options {
        page,
        cases,
        seed,
        side,
        only,
    })
}

/// Compares all cases of one side.
fn compare(side: &Side, python: &Path, options: &Options, report: &mut Report) -> Result<()> {
    let work = tempfile::tempdir()?;
    let script = crate::root()?.join("xtask/peers").join(side.script);
    let peer = |arguments: &[&str]| -> Result<Vec<String>> {
        let mut command = Command::new(python);
        command
            .arg(&script)
            .arg(side.kind)
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
    let mut make = vec!["make", directory, &options.seed, &options.cases];
    make.extend(options.only.as_deref());
    let mut cases = Vec::new();
    for line in peer(&make)? {
        let line: Value = serde_json::from_str(&line)?;
        match line["name"].as_str() {
            Some(name) => cases.push(Case::new(work.path(), side.kind, name, &line)),
            None => report.refused(&line),
        }
    }
    cases.retain(|case| {
        let row = report.row(case.codec());
        match case.refused_codec() {
            Some(codec) => refuse(case, codec, row),
            None => read(case, row),
        }
        case.refused_codec().is_none()
    });
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

/// Reads what the other side wrote with a codec of its own; that is an error which names the codec.
fn refuse(case: &Case, codec: &str, row: &mut Row) {
    row.made += 1;
    match case.read() {
        Err(error) if format!("{error:#}").contains(codec) => row.declined += 1,
        Err(error) => row.fail(case, &format!("the error does not name the codec: {error:#}")),
        Ok(_) => row.fail(case, "we read a codec that is not known"),
    }
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
