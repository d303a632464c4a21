//! Replays recorded scenarios of zarr-python 2 with our library (`v2-semantics` 19).

mod arrays;
mod attributes;
mod closable;
mod codecs;
mod compare;
mod consolidated;
mod deviations;
mod files;
mod filters;
#[cfg(feature = "hdf5")]
mod h5;
#[cfg(not(feature = "hdf5"))]
#[path = "h5_absent.rs"]
mod h5;
mod indexing;
mod nodes;
mod objects;
mod open;
mod options;
mod outcome;
mod pure;
mod rules;
mod scalar;
mod session;
mod store_kinds;
mod stores;
mod values;
mod verbs;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::{
    deviations::Deviations,
    outcome::{Failure, Fault, Outcome},
    rules::{Compared, Copied, Watch},
    session::Session,
};

/// Does what a step says.
type Operation = fn(&mut Session, &Value) -> Outcome;

/// The operations, by theme.
const OPERATIONS: &[&[(&str, Operation)]] = &[
    files::OPERATIONS,
    stores::OPERATIONS,
    verbs::OPERATIONS,
    open::OPERATIONS,
    consolidated::OPERATIONS,
    nodes::OPERATIONS,
    attributes::OPERATIONS,
    arrays::OPERATIONS,
    codecs::OPERATIONS,
    pure::OPERATIONS,
    h5::OPERATIONS,
];

/// What a scenario came to.
enum Verdict {
    Pass,
    Deviates(String),
    Fail(String),
    Unsupported(String),
}

/// Leaves HDF5 to others: its operations are then unsupported.
const WITHOUT_HDF5: &str = "--without-hdf5";

/// Runs the job again in a build that has HDF5.
fn run_with_hdf5(arguments: &[String]) -> Result<bool> {
    println!("building the job again with HDF5; {WITHOUT_HDF5} does without");
    let directory = std::env::current_dir()?;
    let arguments = arguments.iter().map(|argument| {
        // Cargo may run the job in another directory.
        let path = directory.join(argument);
        if path.is_file() {
            path.into_os_string()
        } else {
            argument.into()
        }
    });
    let status = crate::cargo()
        .args([
            "run",
            "--package",
            "xtask",
            "--bin",
            "xtask",
            "--features",
            "hdf5",
            "--",
        ])
        .args(["conformance", "transcripts"])
        .args(arguments)
        .status()?;
    Ok(status.success())
}

/// `conformance transcripts FILE.json [--only ID]`.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let rest: Vec<_> = arguments
        .iter()
        .filter(|argument| *argument != WITHOUT_HDF5)
        .collect();
    let (file, only) = match &rest[..] {
        [] => {
            println!("not run: conformance transcripts FILE.json [--only ID] needs a file");
            return Ok(true);
        }
        [file] => (file, None),
        [file, option, id] if *option == "--only" => (file, Some(id)),
        _ => bail!("usage: cargo xtask conformance transcripts FILE.json [--only ID]"),
    };
    if !cfg!(feature = "hdf5") && !arguments.iter().any(|argument| argument == WITHOUT_HDF5) {
        return run_with_hdf5(arguments);
    }
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let scenarios: Vec<Value> = serde_json::from_str(&text).with_context(|| format!("parsing {file}"))?;
    let deviations = Deviations::read()?;
    let (mut passed, mut failed, mut deviates) = (0, 0, 0);
    let mut unsupported: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for scenario in &scenarios {
        let id = scenario["id"].as_str().unwrap_or("?");
        if only.is_some_and(|only| *only != id) {
            continue;
        }
        match replay(scenario, &deviations)? {
            Verdict::Pass => {
                passed += 1;
                println!("{id:<16} pass");
            }
            Verdict::Deviates(row) => {
                deviates += 1;
                println!("{id:<16} deviates {row}");
            }
            Verdict::Fail(why) => {
                failed += 1;
                println!("{id:<16} fail {why}");
            }
            Verdict::Unsupported(what) => {
                failed += 1;
                println!("{id:<16} unsupported {what}");
                unsupported.entry(what).or_default().push(id);
            }
        }
    }
    for (what, ids) in &unsupported {
        println!("unsupported: {what}: {}", ids.join(" "));
    }
    println!("{passed} passed, {failed} failed, {deviates} deviates");
    Ok(failed == 0)
}

/// Does the steps in a directory of their own, whatever they come to, and compares.
fn replay(scenario: &Value, deviations: &Deviations) -> Result<Verdict> {
    let steps = scenario["steps"].as_array().context("a scenario without steps")?;
    let expected = scenario["expected"]
        .as_array()
        .context("a scenario without results")?;
    let id = scenario["id"].as_str().unwrap_or_default();
    let row = scenario["quirk"].as_str();
    let declared = deviations.of(id, row);
    let mut watch = Watch::new(row);
    let (mut recorded_wrong, mut declared_wrong) = (None, None);
    let mut run = Run::new()?;
    for (index, (step, expected)) in steps.iter().zip(expected).enumerate() {
        let expected = &files::in_no_order(step, expected);
        let done = run.step(step);
        if let Err(Fault::Unsupported(what)) = &done.outcome
            && !watch.is_unmade(step)
        {
            return Ok(match (&declared, recorded_wrong, declared_wrong) {
                (None, Some(why), _) | (Some(_), _, Some(why)) => Verdict::Fail(why),
                _ => Verdict::Unsupported(what.clone()),
            });
        }
        let log = done.log.as_ref();
        let report = |expected: &Value| {
            let got = compare::shown_outcome(&done.outcome, log);
            let wanted = compare::shown(expected, &got);
            let operation = step["op"].as_str().unwrap_or_default();
            let got = compare::excerpt(&got, &wanted);
            format!("step {} ({operation}): expected {wanted}, got {got}", index + 1)
        };
        if !compare::matches(expected, &done.outcome, log) && recorded_wrong.is_none() {
            recorded_wrong = Some(report(expected));
        }
        if let Some(declared) = &declared {
            let better = files::in_no_order(step, &declared.step(index + 1, expected));
            if !compare::matches(&better, &done.outcome, log) && declared_wrong.is_none() {
                declared_wrong = Some(report(&better));
            }
            continue;
        }
        let compared = Compared {
            step,
            earlier: &steps[..index],
            recorded: expected,
            outcome: &done.outcome,
            log,
            before: &done.before,
            after: &run.held,
            copied: &run.copied[..done.n_copied],
            copying: &run.copied[done.n_copied..],
        };
        watch.compare(index, &compared, || report(expected));
    }
    if let Some(declared) = declared {
        let title = declared.title;
        return Ok(match (recorded_wrong, declared_wrong) {
            (Some(_), None) => Verdict::Deviates(title),
            (Some(_), Some(why)) => Verdict::Fail(format!("(declared {title}) {why}")),
            (None, _) => Verdict::Fail(format!("(declared {title}) it came to what was recorded")),
        });
    }
    if let Some(left_out) = watch.left_out().map(<[_]>::to_vec) {
        let mut run = Run::new()?;
        for (index, step) in steps.iter().enumerate() {
            if !left_out.contains(&index) {
                let done = run.step(step);
                watch.compare_without(index, &done.outcome, done.log.as_ref());
            }
        }
    }
    let title = watch.title();
    Ok(match (watch.finish(), row) {
        (Ok(_), _) if recorded_wrong.is_none() => Verdict::Pass,
        (Ok(_), Some(row)) if !deviations.has(row) => Verdict::Fail(format!("{row} is not declared")),
        (Ok(true), _) => Verdict::Deviates(title),
        (Ok(false), _) => Verdict::Fail(recorded_wrong.unwrap_or_default()),
        (Err(why), Some(row)) => Verdict::Fail(format!("(marked {row}) {why}")),
        (Err(why), None) => Verdict::Fail(why),
    })
}

/// A scenario that is being done.
struct Run {
    session: Session,
    /// What is there after the steps so far.
    held: rules::Snapshot,
    copied: Vec<Copied>,
    _directory: tempfile::TempDir,
}

/// What a step came to.
struct Done {
    outcome: Outcome,
    log: Option<Value>,
    before: rules::Snapshot,
    /// How many nodes copies before it spoke of.
    n_copied: usize,
}

impl Run {
    fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        Ok(Self {
            session: Session::new(directory.path()),
            held: rules::Snapshot::new(),
            copied: Vec::new(),
            _directory: directory,
        })
    }

    fn step(&mut self, step: &Value) -> Done {
        let n_copied = self.copied.len();
        self.copied.extend(Copied::of(&self.session, step));
        self.session.log = None;
        // What a step binds is not what it changes.
        let before = self.session.snapshot();
        let outcome = perform(&mut self.session, step);
        self.held = self.session.snapshot();
        Done {
            outcome,
            log: self.session.log.take(),
            before,
            n_copied,
        }
    }
}

fn perform(session: &mut Session, step: &Value) -> Outcome {
    let name = step["op"].as_str().unwrap_or_default();
    let operation = OPERATIONS
        .iter()
        .copied()
        .flatten()
        .find(|(known, _)| *known == name);
    let Some((_, operation)) = operation else {
        return Err(Fault::unsupported(name));
    };
    // In zarr-python 2 the 3 is a draft that came to nothing, and not the format V3.
    match step["zarr_version"].as_u64() {
        Some(2) => operation(session, step),
        None if step["zarr_version"].is_null() => operation(session, step),
        Some(3) => Err(draft()),
        _ if name != "open" => Err(draft()),
        _ => Err(Failure::new("ValueError", "zarr_version must be either 2 or 3").into()),
    }
}

fn draft() -> Fault {
    let message =
        "# V3 reading and writing is experimental! To enable support, set:\nZARR_V3_EXPERIMENTAL_API=1";
    Failure::new("NotImplementedError", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a scenario has a step that needs HDF5.
    fn needs_hdf5(scenario: &Value) -> bool {
        let steps = scenario["steps"].as_array().into_iter().flatten();
        steps
            .filter_map(|step| step["op"].as_str())
            .any(|op| op.starts_with("h5_"))
    }

    #[test]
    fn the_recorded_runs_of_the_project_come_to_what_they_should() {
        let deviations = Deviations::read().unwrap();
        for text in [
            include_str!("../../../../testdata/transcripts/own.json"),
            include_str!("../../../../testdata/transcripts/gaps.json"),
            include_str!("../../../../testdata/transcripts/families.json"),
        ] {
            let scenarios: Vec<Value> = serde_json::from_str(text).unwrap();
            for scenario in scenarios {
                if needs_hdf5(&scenario) && !cfg!(feature = "hdf5") {
                    continue;
                }
                if let Verdict::Fail(why) | Verdict::Unsupported(why) =
                    replay(&scenario, &deviations).unwrap()
                {
                    panic!("{}: {why}", scenario["id"]);
                }
            }
        }
    }
}
