//! The comparison as a Markdown page.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write};

use super::cell::Cell;
use super::verdict::Verdict;

/// Longest message that is shown whole, in characters.
const MESSAGE_LENGTH: usize = 300;

/// Someone who took part, with the versions of its libraries; without them it was not there.
pub(crate) struct Party {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its versions.
    pub(crate) version: Option<String>,
}

/// What one reader made of one writer's arrays, cell by cell; `None` where a format is not theirs.
pub(crate) struct Pair {
    /// Who wrote.
    pub(crate) writer: &'static str,
    /// Who read.
    pub(crate) reader: &'static str,
    /// One verdict a cell of the grid.
    pub(crate) verdicts: Vec<Option<Verdict>>,
}

/// A whole comparison.
pub(crate) struct Report<'a> {
    /// The grid.
    pub(crate) cells: &'a [Cell],
    /// Who took part.
    pub(crate) parties: Vec<Party>,
    /// Who read whom.
    pub(crate) pairs: Vec<Pair>,
}

/// How many cells came to each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Equal values.
    pub(crate) passed: usize,
    /// Different values, or an error.
    pub(crate) failed: usize,
    /// Combinations that one of the two does not know.
    pub(crate) refused: usize,
    /// One of the two was not there.
    pub(crate) skipped: usize,
}

impl Totals {
    fn add(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed(_) => self.failed += 1,
            Verdict::Refused(_) => self.refused += 1,
            Verdict::Skipped(_) => self.skipped += 1,
        }
    }

    fn count(self) -> usize {
        self.passed + self.failed + self.refused + self.skipped
    }

    /// The counts in the width of a table's cell: `24/48 r24`.
    fn brief(self) -> String {
        if self.count() == 0 {
            return String::new();
        }
        let mut text = format!("{}/{}", self.passed, self.count());
        for (letter, count) in [('r', self.refused), ('f', self.failed), ('s', self.skipped)] {
            if count > 0 {
                let _ = write!(text, " {letter}{count}");
            }
        }
        text
    }
}

impl Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            refused,
            skipped,
        } = self;
        write!(
            f,
            "{passed} passed, {failed} failed, {refused} refused, {skipped} skipped"
        )
    }
}

impl Report<'_> {
    /// The sum over all pairs.
    pub(crate) fn totals(&self) -> Totals {
        self.pairs.iter().fold(Totals::default(), |mut all, pair| {
            pair.verdicts
                .iter()
                .flatten()
                .for_each(|verdict| all.add(verdict));
            all
        })
    }

    /// The page.
    pub(crate) fn markdown(&self) -> String {
        let mut page = self.head();
        page += &self.pair_table();
        page += "## By data type\n\n";
        page += "Both orders of bytes together; ";
        page += LEGEND;
        page += &self.table("data type", |cell| cell.dtype.bare().to_owned());
        page += "## By codec\n\n";
        page += &self.table("codec", |cell| cell.codec.to_owned());
        page += "## By order and separator\n\n";
        page += &self.table("order, separator", |cell| {
            format!("{} `{}`", cell.order, cell.separator)
        });
        page += "## By grid, shards and names of chunks\n\n";
        page += &self.table("grid, shards, chunk key encoding", |cell| {
            let keys = if cell.format == 2 { "format 2" } else { cell.keys };
            format!(
                "{}, {}, {keys} `{}`",
                cell.grid_name(),
                cell.shards.name(),
                cell.separator
            )
        });
        page += &self.reasons("Refused", |verdict| match verdict {
            Verdict::Refused(message) => Some(message),
            _ => None,
        });
        page += &self.reasons("Failed", |verdict| match verdict {
            Verdict::Failed(message) => Some(message),
            _ => None,
        });
        let _ = writeln!(page, "Altogether: {}.", self.totals());
        page
    }

    fn head(&self) -> String {
        let mut page = String::from(HEAD);
        let _ = writeln!(page, "The grid has {} cells.\n", self.cells.len());
        page += "| library | versions |\n|---|---|\n";
        for Party { name, version } in &self.parties {
            let _ = writeln!(
                page,
                "| {name} | {} |",
                version.as_deref().unwrap_or("not there: skipped")
            );
        }
        page + "\n"
    }

    fn pair_table(&self) -> String {
        let mut page = String::from("## Who reads whom\n\n");
        page += "| writer | reader | format | cells | equal | refused | failed | skipped |\n";
        page += "|---|---|---|---|---|---|---|---|\n";
        for pair in &self.pairs {
            for format in [2, 3] {
                let totals = self.count(pair, |cell| cell.format == format);
                let Totals {
                    passed,
                    failed,
                    refused,
                    skipped,
                } = totals;
                let (writer, reader, count) = (pair.writer, pair.reader, totals.count());
                if count > 0 {
                    let _ = writeln!(
                        page,
                        "| {writer} | {reader} | {format} | {count} | {passed} | {refused} | {failed} | {skipped} |"
                    );
                }
            }
        }
        page + "\n"
    }

    fn is_present(&self, pair: &Pair) -> bool {
        let is_there = |name| {
            self.parties
                .iter()
                .any(|party| party.name == name && party.version.is_some())
        };
        is_there(pair.writer) && is_there(pair.reader)
    }

    fn count(&self, pair: &Pair, has: impl Fn(&Cell) -> bool) -> Totals {
        let mut totals = Totals::default();
        for (cell, verdict) in self.cells.iter().zip(&pair.verdicts) {
            if let Some(verdict) = verdict.as_ref().filter(|_| has(cell)) {
                totals.add(verdict);
            }
        }
        totals
    }

    /// A row for each format and value of a property, a column for each pair.
    ///
    /// Pairs of which one was not there have no column.
    fn table(&self, title: &str, property: impl Fn(&Cell) -> String) -> String {
        let pairs: Vec<&Pair> = self.pairs.iter().filter(|pair| self.is_present(pair)).collect();
        let mut page = format!("| format | {title} |");
        for pair in &pairs {
            let _ = write!(page, " {} → {} |", pair.writer, pair.reader);
        }
        page += "\n|---|---|";
        page += &"---|".repeat(pairs.len());
        page += "\n";
        for format in [2, 3] {
            for value in distinct(self.cells.iter().map(&property)) {
                let is_in_row = |cell: &Cell| cell.format == format && property(cell) == value;
                if !self.cells.iter().any(is_in_row) {
                    continue;
                }
                let _ = write!(page, "| {format} | {value} |");
                for pair in &pairs {
                    let _ = write!(page, " {} |", self.count(pair, is_in_row).brief());
                }
                page += "\n";
            }
        }
        page + "\n"
    }

    /// Every message with the pairs and the cells that it concerns.
    fn reasons(&self, title: &str, select: impl Fn(&Verdict) -> Option<&String>) -> String {
        let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
        for pair in &self.pairs {
            for (cell, verdict) in self.cells.iter().zip(&pair.verdicts) {
                if let Some(message) = verdict.as_ref().and_then(&select) {
                    let group = groups
                        .entry(message.replace(cell.dtype.text, "DTYPE"))
                        .or_default();
                    group.pairs.push(format!("{} → {}", pair.writer, pair.reader));
                    group.cells.push(cell);
                }
            }
        }
        let mut page = format!("## {title}\n\n");
        if groups.is_empty() {
            page += "None.\n";
        }
        for (message, group) in groups {
            let message: String = message.replace('`', "'").chars().take(MESSAGE_LENGTH).collect();
            let _ = writeln!(page, "- `{message}`");
            let _ = writeln!(page, "  - {}: {}", group.cells.len(), self.describe(&group.cells));
            let _ = writeln!(page, "  - {}", distinct(group.pairs.into_iter()).join(", "));
        }
        page + "\n"
    }

    /// What cells have in common, property by property.
    fn describe(&self, cells: &[&Cell]) -> String {
        let one = |name: &str, property: &dyn Fn(&Cell) -> String| {
            let all = distinct(self.cells.iter().map(property));
            let these = distinct(cells.iter().map(|cell| property(cell)));
            let others: Vec<String> = all
                .iter()
                .filter(|value| !these.contains(value))
                .cloned()
                .collect();
            if others.is_empty() && all.len() > 1 {
                format!("every {name}")
            } else if others.len() < these.len() && these.len() > 2 {
                format!("every {name} but {}", others.join(", "))
            } else {
                format!("{name} {}", these.join(", "))
            }
        };
        [
            one("format", &|cell| cell.format.to_string()),
            one("data type", &|cell| format!("`{}`", cell.dtype.text)),
            one("codec", &|cell| cell.codec.to_owned()),
            one("order", &|cell| cell.order.to_string()),
            one("shape", &|cell| format!("{:?}", cell.shape)),
            one("grid", &|cell| cell.grid_name().to_owned()),
            one("sharding", &|cell| cell.shards.name().to_owned()),
        ]
        .join("; ")
    }
}

/// The cells and pairs that share a message.
#[derive(Default)]
struct Group<'a> {
    pairs: Vec<String>,
    cells: Vec<&'a Cell>,
}

const HEAD: &str = "# Cross-reading with other implementations

Made by `cargo xtask conformance cross --peers DIR --out FILE.md`; `cargo xtask peers DIR` makes the peers.

Each cell of the grid is an array that one library writes and another reads.
A cell is equal if the reader sees the generator's values, compared by SHA-256, and its shape and data type.
A refusal counts as one only where the reader cannot read what it writes of that combination itself, or where \
it is declared in `xtask/src/conformance/faults.rs` as a limit of the reader's own.
The first grid is every data type × codec × order (C, F) × separator (`.`, `/`) × format, with chunks cut at the edges and two chunks missing.
Beside it stand arrays of no, one and three dimensions, empty arrays, other fill values, and more codecs.
Shards (plain, with the index first, and of shards) and rectilinear grids, whose chunks or shards differ in length, are combined with data types, codecs and every chunk key encoding.

";

const LEGEND: &str = "`24/48 r24` is 24 equal of 48 and 24 refused; `f` is failed, `s` skipped.\n\n";

/// The different values in the order of their first appearance.
fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::grid;

    #[test]
    fn the_page_counts_and_names_every_verdict() {
        let cells = &grid::cells(true)[..4];
        let verdicts = vec![
            Some(Verdict::Passed),
            Some(Verdict::Refused("no such codec".into())),
            Some(Verdict::Failed("the values differ".into())),
            None,
        ];
        let parties = ["a", "b"]
            .map(|name| Party {
                name,
                version: Some("1".into()),
            })
            .into();
        let report = Report {
            cells,
            parties,
            pairs: vec![Pair {
                writer: "a",
                reader: "b",
                verdicts,
            }],
        };
        assert_eq!(
            report.totals().to_string(),
            "1 passed, 1 failed, 1 refused, 0 skipped"
        );
        let page = report.markdown();
        assert!(page.contains("| a | b | 2 | 3 | 1 | 1 | 1 | 0 |"), "{page}");
        assert!(page.contains("- `no such codec`"), "{page}");
        assert!(page.contains("1/3 r1 f1"), "{page}");
    }
}
