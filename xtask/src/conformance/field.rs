//! The public conformance suite: a directory of arrays that our reader must succeed on.
//!
//! `field DIR` takes a checkout of the suite, whose arrays are in `data/`, or a directory of arrays. The suite runs
//! `$ZARR_CLI --array_path=ARRAY` and looks at the exit status; here the values are compared as well where
//! `values/NAME.txt` has them, in the form of fill values, one a line.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::process;

/// How long an array may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Runs the suite on a directory, or on the one of our own.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let directory = match arguments {
        [] => crate::root()?.join("testdata/field"),
        [directory] => PathBuf::from(directory),
        _ => bail!("usage: cargo xtask conformance field [DIR]"),
    };
    let arrays = arrays(&directory)?;
    ensure!(!arrays.is_empty(), "{} has no arrays", directory.display());
    let command = command()?;
    let (mut n_passed, mut n_compared) = (0, 0);
    for array in &arrays {
        let name = array
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let values = directory.join("values").join(format!("{name}.txt"));
        let outcome = read(&command, array).and_then(|lines| {
            let is_known = values.is_file();
            if is_known {
                compare(&lines, &std::fs::read_to_string(&values)?)?;
            }
            Ok((lines.len(), is_known))
        });
        match outcome {
            Ok((n_elements, is_known)) => {
                n_passed += 1;
                n_compared += usize::from(is_known);
                let how = if is_known { "equal" } else { "read" };
                println!("pass {name}: {n_elements} elements {how}");
            }
            Err(error) => println!("fail {name}: {error:#}"),
        }
    }
    let n_failed = arrays.len() - n_passed;
    println!("{n_passed} passed, {n_failed} failed, the values of {n_compared} compared");
    Ok(n_failed == 0)
}

/// The arrays of a checkout or of a directory, by name.
fn arrays(directory: &Path) -> Result<Vec<PathBuf>> {
    let data = directory.join("data");
    let data = if data.is_dir() { data.as_path() } else { directory };
    let entries = std::fs::read_dir(data).with_context(|| format!("listing {}", data.display()))?;
    let mut arrays = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.join(".zarray").is_file() || path.join("zarr.json").is_file() {
            arrays.push(path);
        }
    }
    arrays.sort();
    Ok(arrays)
}

/// The words of the reader: those of `ZARR_CLI` as in the suite, or our own command, which is built.
fn command() -> Result<Vec<String>> {
    if let Ok(words) = std::env::var("ZARR_CLI") {
        return Ok(words.split_whitespace().map(str::to_owned).collect());
    }
    let built = crate::cargo()
        .args(["build", "--quiet", "--package", "zarr-cli"])
        .status()?;
    ensure!(built.success(), "building zarr-cli failed");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(crate::root()?.join("target"), PathBuf::from);
    let zarr = target
        .join("debug")
        .join(format!("zarr{}", std::env::consts::EXE_SUFFIX));
    Ok(vec![
        zarr.to_string_lossy().into_owned(),
        "conformance-read".to_owned(),
    ])
}

fn read(command: &[String], array: &Path) -> Result<Vec<String>> {
    let (program, words) = command.split_first().context("ZARR_CLI is empty")?;
    let mut command = Command::new(program);
    command
        .args(words)
        .arg(format!("--array_path={}", array.display()));
    let ended = process::run(&mut command, LIMIT)?;
    match ended.status {
        Some(status) if status.success() => Ok(ended.lines),
        Some(status) => bail!("{status}: {}", ended.complaint.trim_end()),
        None => bail!("it took more than {} seconds", LIMIT.as_secs()),
    }
}

/// Compares elements; numbers by their values, however their digits are written.
fn compare(found: &[String], expected: &str) -> Result<()> {
    let expected: Vec<_> = expected.lines().collect();
    ensure!(
        found.len() == expected.len(),
        "{} elements, expected {}",
        found.len(),
        expected.len()
    );
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let parsed = |text: &str| serde_json::from_str::<Value>(text);
        let is_same = match (parsed(found), parsed(expected)) {
            (Ok(Value::Number(one)), Ok(Value::Number(other))) => match (one.as_i64(), other.as_i64()) {
                (Some(one), Some(other)) => one == other,
                _ => one.as_f64().map(f64::to_bits) == other.as_f64().map(f64::to_bits),
            },
            (Ok(one), Ok(other)) => one == other,
            _ => false,
        };
        ensure!(is_same, "element {index} is {found}, expected {expected}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: &str, expected: &str) -> bool {
        compare(&[found.to_owned()], expected).is_ok()
    }

    #[test]
    fn elements_are_compared_by_value() {
        assert!(check("1e30", "1000000000000000000000000000000.0"));
        assert!(check("\"NaN\"", "\"NaN\"\n"));
        assert!(!check("\"NaN\"", "1.0"));
        assert!(!check("0.0", "-0.0"));
        assert!(!check("9223372036854775807", "9223372036854775806"));
        assert!(!check("1", "1\n2"));
        assert!(!check("x", "x"));
    }

    #[test]
    fn our_six_arrays_are_found() {
        let arrays = arrays(&crate::root().unwrap().join("testdata/field")).unwrap();
        assert_eq!(arrays.len(), 6);
    }
}
