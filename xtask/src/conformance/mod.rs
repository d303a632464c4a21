//! Compares what we read and write with what others read and write.

mod cell;
mod codecs;
mod cross;
mod dtype;
mod faults;
mod field;
mod grid;
mod hdf5;
mod page;
pub(crate) mod peer;
mod process;
mod report;
mod subject;
mod transcripts;
mod v3;
mod values;
mod verdict;

use anyhow::{Result, bail};

/// A suite: its name and the function that runs it.
type Suite = (&'static str, fn(&[String]) -> Result<bool>);

const SUITES: &[Suite] = &[
    ("cross", cross::run),
    ("codecs", codecs::run),
    ("field", field::run),
    ("hdf5", hdf5::run),
    ("transcripts", transcripts::run),
    ("v3", v3::run),
];

/// Runs the suite that is named, or all of them.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let Some(name) = arguments.first() else {
        let mut passed = true;
        for (name, suite) in SUITES {
            println!("== {name}");
            passed &= suite(&[])?;
        }
        return Ok(passed);
    };
    let Some((_, suite)) = SUITES.iter().find(|(suite, _)| suite == name) else {
        let names: Vec<_> = SUITES.iter().map(|(name, _)| *name).collect();
        bail!("no suite is called {name}; there is {}", names.join(", "));
    };
    suite(&arguments[1..])
}
