//! Runs the programs of the other implementations; `xtask/peers/README.md` has their protocol.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::cell::Placed;
use super::verdict::{Outcome, Reading, Trouble};
use crate::peers::{python_in, zarrs_in};

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
        let output = self
            .start()
            .arg("version")
            .output()
            .with_context(|| format!("starting {}", self.name))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "{}: {}",
            self.name,
            complaint.trim().lines().last().unwrap_or_default()
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
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
    fn run(&self, verb: &str, cells: &[Placed<'_>], work: &Path) -> Result<Vec<Value>> {
        let file = work.join("cells.json");
        let mut lines: Vec<Value> = Vec::with_capacity(cells.len());
        while lines.len() < cells.len() {
            let rest = &cells[lines.len()..];
            let document = json!({"cells": rest.iter().map(Placed::to_json).collect::<Vec<_>>()});
            std::fs::write(&file, document.to_string())?;
            let (more, end) = self.run_once(verb, &file)?;
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
            if !is_complete {
                lines.push(json!({"error": format!("the process died: {end}")}));
            }
        }
        Ok(lines)
    }

    fn run_once(&self, verb: &str, file: &Path) -> Result<(Vec<Value>, String)> {
        let complaints = file.with_extension("stderr");
        let mut child = self
            .start()
            .arg(verb)
            .arg(file)
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&complaints)?)
            .spawn()
            .with_context(|| format!("starting {}", self.name))?;
        let output = child.stdout.take().context("a pipe was asked for")?;
        let mut lines = Vec::new();
        for line in BufReader::new(output).lines() {
            // A line cut short by the end of the process is not an answer.
            let Ok(value) = serde_json::from_str(&line?) else {
                break;
            };
            lines.push(value);
        }
        let status = child.wait()?;
        let complaint = std::fs::read(&complaints).unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint);
        let first = complaint
            .lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default();
        // What stands before the bracket is the time and the process of a log line.
        let first = first.split_once("] ").map_or(first, |(_, message)| message);
        Ok((lines, format!("{status}: {first}")))
    }

    fn start(&self) -> Command {
        let mut command = Command::new(&self.command[0]);
        command
            .args(&self.command[1..])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null());
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
