//! The layers: which crate of the workspace may depend on which.

use std::path::Path;

use anyhow::Result;
use cargo_metadata::{DependencyKind, MetadataCommand};

use super::Finding;

/// The edges that may exist; a crate that is not in the table may depend on none of ours.
const EDGES: &[(&str, &[&str])] = &[
    ("zarr-core", &["zarr-store", "zarr-codecs"]),
    ("zarr-convenience", &["zarr-core"]),
    ("zarr-h5bridge", &["zarr-convenience"]),
    ("zarr-cli", &["zarr-convenience", "zarr-h5bridge"]),
    ("zarr-fuzz", &["zarr-convenience"]),
];

/// The crate of jobs, which may depend on any.
const JOBS: &str = "xtask";

/// A dependency of one package of the workspace on another.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    is_for_tests: bool,
}

/// Finds the edges that the table does not have.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = MetadataCommand::new().current_dir(root).no_deps().exec()?;
    let names: Vec<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let manifest = std::fs::read_to_string(&package.manifest_path)?;
        let file = package
            .manifest_path
            .strip_prefix(root.to_str().unwrap_or_default());
        let file = file.unwrap_or(&package.manifest_path).to_string();
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| names.contains(&d.name.as_str()))
        {
            let edge = Edge {
                from: &package.name,
                to: &dependency.name,
                is_for_tests: dependency.kind == DependencyKind::Development,
            };
            if let Some(reason) = fault(&edge) {
                findings.push(Finding {
                    file: file.clone(),
                    line: line_of(&manifest, edge.to),
                    reason,
                });
            }
        }
    }
    Ok(findings)
}

/// Why an edge must not be; a crate's tests may use the crate itself with other features.
fn fault(edge: &Edge<'_>) -> Option<String> {
    let Edge {
        from,
        to,
        is_for_tests,
    } = *edge;
    let allowed = EDGES
        .iter()
        .find(|(name, _)| *name == from)
        .is_some_and(|(_, below)| below.contains(&to));
    let is_itself = from == to && is_for_tests;
    if from == JOBS || allowed || is_itself {
        return None;
    }
    Some(format!(
        "{from} must not depend on {to}; the layers are in xtask/src/tidy/layers.rs"
    ))
}

/// The line of a manifest that names a dependency, or 1.
fn line_of(manifest: &str, dependency: &str) -> usize {
    let names_it = |line: &str| {
        let rest = line.trim_start().trim_start_matches('"').strip_prefix(dependency);
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=', '"']))
    };
    manifest.lines().position(names_it).map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(from: &str, to: &str, is_for_tests: bool) -> bool {
        fault(&Edge {
            from,
            to,
            is_for_tests,
        })
        .is_none()
    }

    #[test]
    fn edges_of_the_table_are_allowed() {
        assert!(allowed("zarr-core", "zarr-store", false));
        assert!(allowed("zarr-core", "zarr-store", true));
        assert!(allowed("zarr-cli", "zarr-h5bridge", false));
        assert!(allowed("xtask", "zarr-core", false));
    }

    #[test]
    fn upward_and_skipping_edges_are_faults() {
        assert!(!allowed("zarr-codecs", "zarr-store", false));
        assert!(!allowed("zarr-store", "zarr-core", true));
        assert!(!allowed("zarr-cli", "zarr-core", false));
        assert!(!allowed("zarr-convenience", "zarr-store", false));
        assert!(!allowed("a-new-crate", "zarr-store", false));
    }

    #[test]
    fn only_tests_may_depend_on_their_own_crate() {
        assert!(allowed("zarr-store", "zarr-store", true));
        assert!(!allowed("zarr-store", "zarr-store", false));
    }

    #[test]
    fn the_line_is_the_one_that_names_the_dependency() {
        let manifest = "[dependencies]\nzarr-store-extra = \"1\"\nzarr-store.workspace = true\n";
        assert_eq!(line_of(manifest, "zarr-store"), 3);
        assert_eq!(line_of(manifest, "zarr-core"), 1);
    }
}
