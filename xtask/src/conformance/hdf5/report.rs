//! What was found, as a page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{
    WAYS,
    declared::{DECLARED, number},
};

/// The file in which a path is the name of a type and that of a case.
const MATRIX: &str = "matrix.h5";
/// What a case of the matrix has behind its name where the extents may grow.
const GROWS: &str = ", may grow";

/// The names of types, layouts and filters in the matrix, in their order.
#[derive(Default)]
pub(super) struct Names {
    types: Vec<String>,
    layouts: Vec<String>,
    filters: Vec<String>,
}

impl Names {
    pub(super) fn new(told: &Value) -> Result<Self> {
        let list = |name: &str| texts(&told[name]).with_context(|| format!("no {name} are told"));
        Ok(Self {
            types: list("types")?,
            layouts: list("layouts")?,
            filters: list("filters")?,
        })
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let items = value.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A difference.
pub(super) struct Finding {
    pub(super) way: &'static str,
    /// Which program sees it: `zarr`, `file` or `h5diff`.
    pub(super) look: &'static str,
    pub(super) file: String,
    pub(super) path: String,
    pub(super) told: String,
}

/// All that was compared, and what differed.
#[derive(Default)]
pub(super) struct Report {
    names: Names,
    /// The nodes of each file.
    nodes: BTreeMap<String, Vec<String>>,
    versions: BTreeSet<String>,
    findings: Vec<(Finding, Option<usize>)>,
}

impl Report {
    pub(super) fn new(names: Names, nodes: &Value) -> Result<Self> {
        let nodes = nodes.as_object().context("no files are told")?.iter();
        let nodes = nodes.map(|(file, paths)| {
            let paths = texts(paths).with_context(|| format!("the nodes of {file}"))?;
            Ok((file.clone(), paths))
        });
        Ok(Self {
            names,
            nodes: nodes.collect::<Result<_>>()?,
            ..Self::default()
        })
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.nodes.keys().map(String::as_str)
    }

    pub(super) fn add_version(&mut self, version: &str) {
        self.versions.insert(version.to_owned());
    }

    pub(super) fn add(&mut self, finding: Finding) {
        let meant = number(finding.way, &finding.path, &finding.told);
        self.findings.push((finding, meant));
    }

    /// What is not declared.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = String> {
        let found = self.findings.iter().filter(|(_, meant)| meant.is_none());
        found.map(|(finding, _)| {
            let Finding {
                way,
                look,
                file,
                path,
                told,
            } = finding;
            format!("{way}, {look}: {file} {path}: {told}")
        })
    }

    pub(super) fn totals(&self) -> String {
        let n_nodes: usize = self.nodes.values().map(Vec::len).sum();
        let n_undeclared = self.undeclared().count();
        format!(
            "{} files, {n_nodes} nodes, {} ways: {} differences, {n_undeclared} of them not declared",
            self.nodes.len(),
            WAYS.len(),
            self.findings.len()
        )
    }

    /// What stands in a cell: `=`, or the numbers of what is declared and `!` for what is not.
    fn cell(&self, is_meant: impl Fn(&Finding) -> bool) -> String {
        let found = self.findings.iter().filter(|(finding, _)| is_meant(finding));
        let marks: BTreeSet<_> = found.map(|(_, meant)| *meant).collect();
        if marks.is_empty() {
            return "=".to_owned();
        }
        let marks = marks
            .into_iter()
            .map(|mark| mark.map_or_else(|| "!".to_owned(), |number| number.to_string()));
        marks.collect::<Vec<_>>().join(" ")
    }

    /// The cell of a type and a case; nothing for what HDF5 does not make.
    fn matrix_cell(&self, kind: &str, case: &str) -> String {
        let paths = [format!("/{kind}/{case}"), format!("/{kind}/{case}{GROWS}")];
        let nodes = self.nodes.get(MATRIX);
        if !nodes.is_some_and(|nodes| paths.iter().any(|path| nodes.contains(path))) {
            return String::new();
        }
        let is_of = |found: &str| {
            let found = found.split_once("/@").map_or(found, |(path, _)| path);
            paths.iter().any(|path| path == found)
        };
        self.cell(|finding| finding.file == MATRIX && is_of(&finding.path))
    }

    fn matrix_table(&self, text: &mut String, cases: &[String], has_attributes: bool) {
        let titles = cases.iter().map(String::as_str);
        let titles: Vec<_> = titles.chain(has_attributes.then_some("attributes")).collect();
        let _ = writeln!(text, "| type | {} |", titles.join(" | "));
        let _ = writeln!(text, "|---|{}", "---|".repeat(titles.len()));
        for kind in &self.names.types {
            let mut cells: Vec<_> = cases.iter().map(|case| self.matrix_cell(kind, case)).collect();
            if has_attributes {
                let group = format!("/attributes/{kind}");
                let below = format!("{group}/@");
                cells.push(self.cell(|finding| {
                    finding.file == MATRIX && (finding.path == group || finding.path.starts_with(&below))
                }));
            }
            let _ = writeln!(text, "| `{}` | {} |", kind.replace('_', " "), cells.join(" | "));
        }
        text.push('\n');
    }

    fn files_table(&self, text: &mut String) {
        let titles: Vec<_> = WAYS.iter().map(|way| way.title).collect();
        let _ = writeln!(text, "| file | nodes | {} |", titles.join(" | "));
        let _ = writeln!(text, "|---|---:|{}", "---|".repeat(titles.len()));
        for (file, nodes) in self.nodes.iter().filter(|(file, _)| *file != MATRIX) {
            let cells = WAYS
                .iter()
                .map(|way| self.cell(|finding| finding.file == *file && finding.way == way.name));
            let cells: Vec<_> = cells.collect();
            let shown = file.replacen("testdata-", "testdata: ", 1);
            let _ = writeln!(text, "| {shown} | {} | {} |", nodes.len(), cells.join(" | "));
        }
        text.push('\n');
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = HEAD.to_owned();
        let versions: Vec<_> = self.versions.iter().map(String::as_str).collect();
        let _ = writeln!(text, "{}.\n{}.\n", versions.join("; "), self.totals());
        text.push_str("## What is not the same\n\n");
        for (place, declared) in DECLARED.iter().enumerate() {
            let count = self
                .findings
                .iter()
                .filter(|(_, meant)| *meant == Some(place + 1))
                .count();
            let _ = writeln!(text, "{}. {} ({count} times)", place + 1, declared.reason);
        }
        text.push_str("\n## Types and layouts, without filters\n\n");
        self.matrix_table(&mut text, &self.names.layouts, true);
        text.push_str("## Types and filters\n\nEach in chunks whose extents are fixed, and in chunks whose extents may grow, of which some are missing.\n\n");
        self.matrix_table(&mut text, &self.names.filters, false);
        text.push_str("## Files\n\nThose of libraries, odd ones, and all that are in `testdata/`.\n\n");
        self.files_table(&mut text);
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

const HEAD: &str = "\
# HDF5, compared with h5py, zarr-python and h5diff

`cargo xtask conformance hdf5 --out docs/conformance-hdf5.md` makes this page.
Every file goes into Zarr V2 and V3 and back, with its chunks encoded anew and with `--keep-codecs`, and from HDF5 to HDF5.

* zarr-python 2 reads V2 and zarr-python 3 reads V3: shapes, types, values, attributes, names of dimensions and members are what the tables of [hdf5.md](hdf5.md) say, worked out from the file by h5py.
* h5py finds in the file that comes back the same types (named ones too), shapes, extents, layouts, chunk shapes, stored chunks, filters, fill values, times of allocation and filling, values, attributes, links, and orders of creation.
* `h5diff -v` says of the file that comes back what it says of a copy of the first, byte for byte: no differences. It cannot read datasets through LZF, nor HDF5's times, in any copy.

`=` is the same on all ways; a number is one of the list below; nothing is what HDF5, h5py or the filter does not make.

";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_stands_in_its_cell() {
        let names =
            json!({"types": ["i4", "opaque_tagged"], "layouts": ["scalar"], "filters": ["szip", "nbit"]});
        let nodes = json!({
            MATRIX: ["/i4/scalar", "/i4/szip, may grow", "/opaque_tagged/scalar"],
            "a.nc": ["/", "/x"],
        });
        let mut report = Report::new(Names::new(&names).unwrap(), &nodes).unwrap();
        for (file, path, told) in [
            (
                MATRIX,
                "/i4/szip, may grow/@units",
                "its filter 4 `szip` is not built in",
            ),
            ("a.nc", "/x", "its values are 1 and not 2"),
        ] {
            report.add(Finding {
                way: "v3",
                look: "file",
                file: file.to_owned(),
                path: path.to_owned(),
                told: told.to_owned(),
            });
        }
        let text = report.markdown();
        assert!(
            text.contains("| `i4` | = | = |\n| `opaque tagged` | = | = |"),
            "{text}"
        );
        assert!(text.contains("| `i4` | 1 |  |"), "{text}");
        assert!(text.contains("| a.nc | 2 | = | ! | = | = | = |"), "{text}");
        let undeclared: Vec<_> = report.undeclared().collect();
        assert_eq!(undeclared, ["v3, file: a.nc /x: its values are 1 and not 2"]);
    }
}
