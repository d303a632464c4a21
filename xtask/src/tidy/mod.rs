//! Checks what the compiler does not: the layers, the sizes of files, words that must not be there.

mod defects;
mod layers;
mod scan;
mod sources;

use std::path::Path;

use anyhow::{Result, bail};

/// A fault: where it is and why it is one.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    file: String,
    line: usize,
    reason: String,
}

/// Files that must lie at the root of the workspace.
const ROOT_FILES: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "DESIGN.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "CORRECTNESS.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "deny.toml",
    "clippy.toml",
    "rustfmt.toml",
];

/// Prints each finding as `file:line: reason`.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    if !arguments.is_empty() {
        bail!("usage: cargo xtask tidy");
    }
    let root = crate::root()?;
    let mut findings = missing_files(root);
    findings.extend(layers::check(root)?);
    findings.extend(sources::check(root)?);
    for Finding { file, line, reason } in &findings {
        println!("{file}:{line}: {reason}");
    }
    println!("tidy: {} found", findings.len());
    Ok(findings.is_empty())
}

fn missing_files(root: &Path) -> Vec<Finding> {
    let missing = ROOT_FILES.iter().filter(|name| !root.join(name).is_file());
    missing
        .map(|name| Finding {
            file: (*name).into(),
            line: 1,
            reason: "this file must exist".into(),
        })
        .collect()
}
