//! All that the command prints.
//!
//! A reader that goes away, as in `zarr tree x | head`, is no error: the rest is not printed, and the work
//! is done to its end.

use std::io::{self, Write};

use anyhow::{Context, Result};

/// Prints a text and the end of its line on standard output.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    let written = output
        .write_all(text.as_bytes())
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush());
    unless_closed(written).context("writing to standard output failed")
}

/// Prints a JSON document on standard output.
pub(crate) fn json(document: &serde_json::Value) -> Result<()> {
    line(&document.to_string())
}

/// Prints a line on standard error; if that fails there is nowhere left to say so.
pub(crate) fn notice(text: &str) {
    let _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
