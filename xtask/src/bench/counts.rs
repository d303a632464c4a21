//! Counts the instructions of small fixed work, and compares them with those on record.
//!
//! Instructions do not depend on how busy a machine is, so a change that makes work dearer is seen on any. They do
//! depend on the compiler, on the C library and on the kind of processor: the record says with which compiler it was
//! made, and `--record` makes it anew.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// The numbers on record.
const RECORD: &str = "xtask/counts.json";

/// How many percent more are a failure, and fewer a reason to record them.
const TOLERANCE: f64 = 3.0;

/// The function that is counted.
const COUNTED: &str = "*bench_counted::measured*";

/// Counts, and compares with the record or makes it.
pub(super) fn run(records: bool) -> Result<bool> {
    let program = super::adapter::build_one("bench-counted", &[])?;
    let folder = tempfile::tempdir()?;
    let mut counts = BTreeMap::new();
    for name in names(&program)? {
        let count = count(&program, &name, folder.path())?;
        counts.insert(name, count);
    }
    let compiler = compiler()?;
    let path = crate::root()?.join(RECORD);
    if records {
        let record = json!({"compiler": compiler, "instructions": counts});
        fs::write(&path, format!("{record:#}\n"))?;
        println!("recorded in {RECORD}");
        return Ok(true);
    }
    let record: Value = serde_json::from_slice(&fs::read(&path).context(RECORD)?)?;
    if record["compiler"] != compiler.as_str() {
        println!(
            "the record was made with {}, this is {compiler}",
            record["compiler"]
        );
    }
    let verdicts: Vec<_> = counts
        .iter()
        .map(|(name, count)| Verdict::new(*count, record["instructions"][name].as_u64()))
        .collect();
    for ((name, count), verdict) in counts.iter().zip(&verdicts) {
        println!("{name:<14} {count:>12} {}", verdict.text());
    }
    Ok(verdicts.iter().all(|verdict| verdict.is_good()))
}

/// The workloads that the program has.
fn names(program: &Path) -> Result<Vec<String>> {
    let output = Command::new(program).output()?;
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// The instructions of a workload.
fn count(program: &Path, name: &str, folder: &Path) -> Result<u64> {
    let file = folder.join(name);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={COUNTED}"))
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(program)
        .arg(name)
        .output()
        .context("valgrind, which counts the instructions, cannot be run")?;
    ensure!(
        output.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(&file)?;
    let total = total(&text).filter(|total| *total > 0);
    total.with_context(|| format!("{name}: nothing was counted"))
}

/// The sum that a file of callgrind ends with.
fn total(text: &str) -> Option<u64> {
    let mut numbers = text.lines().filter_map(|line| line.strip_prefix("totals:"));
    numbers.next_back()?.trim().parse().ok()
}

fn compiler() -> Result<String> {
    let compiler = std::env::var_os("RUSTC").map_or_else(|| PathBuf::from("rustc"), PathBuf::from);
    let output = Command::new(compiler).arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// What becomes of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    /// Nothing is on record.
    Unknown,
    /// It differs by so many percent.
    Differs(f64),
}

impl Verdict {
    fn new(count: u64, recorded: Option<u64>) -> Self {
        recorded
            .filter(|recorded| *recorded > 0)
            .map_or(Self::Unknown, |recorded| {
                Self::Differs((count as f64 / recorded as f64 - 1.0) * 100.0)
            })
    }

    fn is_good(self) -> bool {
        matches!(self, Self::Differs(percent) if percent <= TOLERANCE)
    }

    fn text(self) -> String {
        match self {
            Self::Unknown => "is not on record".to_owned(),
            Self::Differs(percent) if percent > TOLERANCE => format!("{percent:+.1} %: MORE"),
            Self::Differs(percent) if percent < -TOLERANCE => format!("{percent:+.1} %: fewer, record it"),
            Self::Differs(percent) => format!("{percent:+.1} %"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_percent_more_are_too_many() {
        assert!(Verdict::new(1029, Some(1000)).is_good());
        assert!(!Verdict::new(1031, Some(1000)).is_good());
        assert!(Verdict::new(50, Some(100)).is_good());
        assert!(!Verdict::new(100, None).is_good());
    }

    #[test]
    fn the_sum_is_the_last_line_of_its_kind() {
        assert_eq!(total("summary: 7\n\ntotals: 12\n"), Some(12));
        assert_eq!(total("events: Ir\n"), None);
    }
}
