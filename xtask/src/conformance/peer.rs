//! Runs the programs of the other implementations; `xtask/peers/README.md` has their protocol.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cell::Placed;
use super::process;
use super::verdict::{Outcome, Reading, Trouble};
use crate::peers::{python_in, zarrs_in};

/// How long a program may take for all its cells.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// How long it may take to tell its version.
const VERSION_TIME_LIMIT: Duration = Duration::from_secs(60);

/// Another implementation.
pub(crate) struct Peer {
    /// What it is called in reports.
    pub(crate) name: &'static str,
    /// The versions of the format it claims to know.
    pub(crate) formats: &'static [u8],
    /// The program and what comes before the verb.
    command: Vec<OsString>,
}

/// The peers that could be, whether or not they are there.
pub(crate) fn find(home: &Path) -> Vec<Peer> {
    let script = |name: &'static str, formats, environment: &str, script: &str| {
        let program = crate::root()
            .map(|root| root.join("xtask/peers").join(script))
            .unwrap_or_default();
        Peer {
            name,
            formats,
            command: vec![python_in(home, environment).into(), program.into()],
        }
    };
    vec![
        script("zarr-python 2", &[2], "v2", "peer_zarr2.py"),
        script("zarr-python 3", &[2, 3], "v3", "peer_zarr3.py"),
        script("tensorstore", &[2, 3], "ts", "peer_tensorstore.py"),
        Peer {
            name: "zarrs",
            formats: &[2, 3],
            command: vec![zarrs_in(home).into()],
        },
    ]
}

impl Peer {
    /// The versions of its libraries; an error if it is not there or does not run.
    pub(crate) fn version(&self) -> Result<String> {
        let ended = process::run(self.program().arg("version"), VERSION_TIME_LIMIT)
            .with_context(|| format!("starting {}", self.name))?;
        ensure!(
            ended.status.is_some_and(|status| status.success()),
            "{}: {}",
            self.name,
            ended.complaint.trim().lines().last().unwrap_or_default()
        );
        Ok(ended.lines.join(" "))
    }

    /// Writes the cells.
    pub(crate) fn write(&self, cells: &[Placed<'_>], work: &Path) -> Result<Vec<Outcome<()>>> {
        let lines = self.run("write", cells, work)?;
        let blame = |message: &str| format!("{} does not write: {}", self.name, clean(message, work));
        Ok(lines
            .iter()
            .map(|line| outcome(line, blame).map(|_| ()))
            .collect())
    }

    /// Reads the cells.
    pub(crate) fn read(&self, cells: &[Placed<'_>], work: &Path) -> Result<Vec<Outcome<Reading>>> {
        let lines = self.run("read", cells, work)?;
        let blame = |message: &str| format!("{} does not read: {}", self.name, clean(message, work));
        Ok(lines
            .iter()
            .map(|line| outcome(line, blame).and_then(reading))
            .collect())
    }

    /// One line a cell; a program that dies is started again after the cell at which it died.
    ///
    /// One whose time is over is not: the cells that it has not come to have failed.
    fn run(&self, verb: &str, cells: &[Placed<'_>], work: &Path) -> Result<Vec<Value>> {
        let file = work.join("cells.json");
        let mut lines: Vec<Value> = Vec::with_capacity(cells.len());
        while lines.len() < cells.len() {
            let rest = &cells[lines.len()..];
            let document = json!({"cells": rest.iter().map(Placed::to_json).collect::<Vec<_>>()});
            std::fs::write(&file, document.to_string())?;
            let (more, end) = self.run_once(verb, &file)?;
            let is_over = end.is_none();
            ensure!(
                more.len() <= rest.len(),
                "{} printed more lines than there are cells",
                self.name
            );
            for (line, placed) in more.iter().zip(rest) {
                ensure!(
                    line["id"] == json!(placed.cell.id()),
                    "{} left out {}",
                    self.name,
                    placed.cell.id()
                );
            }
            let is_complete = more.len() == rest.len();
            lines.extend(more);
            if is_over {
                let error = format!("the process did not end within {} s", TIME_LIMIT.as_secs());
                lines.resize(cells.len(), json!({"error": error}));
            } else if !is_complete {
                let end = end.unwrap_or_default();
                lines.push(json!({"error": format!("the process died: {end}")}));
            }
        }
        Ok(lines)
    }

    /// The answers, and how the program ended; `None` if its time was over.
    fn run_once(&self, verb: &str, file: &Path) -> Result<(Vec<Value>, Option<String>)> {
        let ended = process::run(self.program().arg(verb).arg(file), TIME_LIMIT)
            .with_context(|| format!("starting {}", self.name))?;
        // A line cut short by the end of the process is not an answer.
        let lines = ended
            .lines
            .iter()
            .map_while(|line| serde_json::from_str(line).ok());
        let complaint = ended.complaint.lines().find(|line| !line.trim().is_empty());
        let complaint = complaint.unwrap_or_default();
        // What stands before the bracket is the time and the process of a log line.
        let complaint = complaint
            .split_once("] ")
            .map_or(complaint, |(_, message)| message);
        let end = ended.status.map(|status| format!("{status}: {complaint}"));
        Ok((lines.collect(), end))
    }

    fn program(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

fn outcome(line: &Value, blame: impl Fn(&str) -> String) -> Outcome<&Value> {
    let text = |value: &Value| blame(value.as_str().unwrap_or_default());
    if let Some(message) = line.get("refused") {
        return Err(Trouble::Refused(text(message)));
    }
    match line.get("error") {
        Some(message) => Err(Trouble::Failed(text(message))),
        None => Ok(line),
    }
}

/// A message without what differs from array to array and from machine to machine.
fn clean(message: &str, work: &Path) -> String {
    let message = message.split(" [tensorstore_spec=").next().unwrap_or_default();
    let message = message.split(" [source locations=").next().unwrap_or_default();
    let work = work.to_string_lossy();
    let mut parts = message.split(&*work);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part
            .find(|c: char| !(c.is_alphanumeric() || "./-_".contains(c)))
            .unwrap_or(part.len());
        text.push_str("ARRAY");
        text.push_str(&part[end..]);
    }
    // Where a codec stands in the chain depends on the order.
    (0..4).fold(text, |text, at| {
        text.replace(&format!("value at position {at}"), "a value")
    })
}

fn reading(line: &Value) -> Outcome<Reading> {
    let shape: Option<Vec<u64>> = line["shape"]
        .as_array()
        .and_then(|shape| shape.iter().map(Value::as_u64).collect());
    match (line["sha256"].as_str(), line["dtype"].as_str(), shape) {
        (Some(sha256), Some(dtype), Some(shape)) => Ok(Reading {
            sha256: sha256.into(),
            dtype: dtype.into(),
            shape,
        }),
        _ => Err(Trouble::Failed(format!("not an answer: {line}"))),
    }
}

/// The directory that `cargo xtask peers` fills where none is named.
pub(crate) fn default_home() -> Result<PathBuf> {
    Ok(crate::root()?.join("target/peers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_loses_places() {
        let work = Path::new("/tmp/x1");
        assert_eq!(clean("no `/tmp/x1/zarrs/12.zarr/.zarray`", work), "no `ARRAY`");
        assert_eq!(
            clean("NOT_FOUND: it [tensorstore_spec='{}'] more", work),
            "NOT_FOUND: it"
        );
        assert_eq!(
            clean("Error parsing value at position 2: no", work),
            "Error parsing a value: no"
        );
    }
}
