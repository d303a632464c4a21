//! A process, and what it took.

use std::{path::Path, process::Command, time::Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// What a process took, from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cost {
    /// Seconds on the clock.
    pub(super) wall: f64,
    /// Seconds of processors, all threads together.
    pub(super) cpu: f64,
    /// The most bytes in memory at once.
    pub(super) peak: f64,
}

/// What a run said and took.
#[derive(Debug)]
pub(super) struct Run {
    /// The JSON that it printed last; null if it prints none.
    pub(super) said: Value,
    pub(super) cost: Cost,
}

/// Runs a program as the only child of a small process, so that what the system says of children is of it.
pub(super) fn run(words: &[String], environment: &[(&str, String)], from: &Path) -> Result<Run> {
    let output = Command::new(std::env::current_exe()?)
        .args(["bench", "measured"])
        .args(words)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(from)
        .output()?;
    ensure!(
        output.status.success(),
        "{}: {}",
        words.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8(output.stdout)?;
    parse(&text).with_context(|| format!("{} said: {text}", words.join(" ")))
}

/// The last line has the cost, the one before it what the program said.
fn parse(text: &str) -> Option<Run> {
    let mut lines = text.lines().rev();
    let cost: Value = serde_json::from_str(lines.next()?).ok()?;
    let said = lines.next().and_then(|line| serde_json::from_str(line).ok());
    let number = |name: &str| cost.get(name)?.as_f64();
    Some(Run {
        said: said.unwrap_or(Value::Null),
        cost: Cost {
            wall: number("wall")?,
            cpu: number("cpu")?,
            peak: number("peak")?,
        },
    })
}

/// The small process: runs the words as a command and prints what it took.
pub(super) fn measured(words: &[String]) -> Result<bool> {
    let (program, arguments) = words.split_first().context("no program is named")?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .status()
        .with_context(|| format!("starting {program}"))?;
    let wall = started.elapsed().as_secs_f64();
    let (cpu, peak) = of_children()?;
    println!("{}", json!({"wall": wall, "cpu": cpu, "peak": peak}));
    Ok(status.success())
}

/// Processor time and peak memory of the children that have ended.
#[cfg(unix)]
fn of_children() -> Result<(f64, f64)> {
    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::TimeValLike,
    };
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |micros: i64| micros as f64 / 1e6;
    let cpu = seconds(usage.user_time().num_microseconds()) + seconds(usage.system_time().num_microseconds());
    // Macs count bytes.
    let unit = if cfg!(target_os = "macos") { 1.0 } else { 1024.0 };
    Ok((cpu, usage.max_rss() as f64 * unit))
}

#[cfg(not(unix))]
fn of_children() -> Result<(f64, f64)> {
    anyhow::bail!("what a process took is not measured on this system")
}

/// The value in the middle, or the mean of the two in the middle; 0 of nothing.
pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        let of = |values: &[f64]| median(values.iter().copied()).to_string();
        assert_eq!(of(&[3.0, 1.0, 2.0]), "2");
        assert_eq!(of(&[4.0, 1.0, 3.0, 2.0]), "2.5");
        assert_eq!(of(&[5.0]), "5");
        assert_eq!(of(&[]), "0");
    }

    #[test]
    fn what_a_program_says_may_be_nothing() {
        let run = parse("warning\n{\"check\": 7}\n{\"wall\": 1.5, \"cpu\": 2, \"peak\": 3}\n").unwrap();
        assert_eq!(run.said["check"].as_u64(), Some(7));
        assert_eq!(run.cost.wall.to_string(), "1.5");
        let run = parse("{\"wall\": 1, \"cpu\": 2, \"peak\": 3}").unwrap();
        assert_eq!(run.said, Value::Null);
        assert_eq!(run.cost.peak.to_string(), "3");
        assert!(parse("{\"check\": 7}").is_none());
    }
}
