//! The defects of zarr-python 2 that are done better: each is declared, and a test is named after it.

use std::collections::BTreeSet;

use super::Finding;

/// The document that declares them, a row of its table each.
pub(super) const DECLARED: &str = "docs/deviations.md";
/// The number of the last one; they are called `B01` and so on.
const LAST: u32 = 50;

/// Reports each defect that the text of [`DECLARED`] has no row for, or that no test is named after.
pub(super) fn check(declared: &str, tested: &BTreeSet<u32>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for number in 1..=LAST {
        let row = format!("B{number:02}");
        let line = declared
            .lines()
            .position(|line| names(line).any(|name| name == row));
        let reason = match (line, tested.contains(&number)) {
            (None, _) => format!("{row} has no row in the table"),
            (Some(_), false) => {
                format!("{row} has no test; one that shows what is better is called b{number:02}_...")
            }
            (Some(_), true) => continue,
        };
        findings.push(Finding {
            file: DECLARED.into(),
            line: line.unwrap_or(0) + 1,
            reason,
        });
    }
    findings
}

/// The names in the first column of a line of the table.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let cell = line.strip_prefix("| ").and_then(|line| line.split(" |").next());
    cell.into_iter().flat_map(|cell| cell.split(", "))
}

/// The numbers of the defects that tests of a file are named after.
pub(super) fn tested(code: &str) -> impl Iterator<Item = u32> {
    let mut is_test = false;
    code.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(rest) = line.strip_prefix("fn ") {
            let number = std::mem::take(&mut is_test).then(|| number(rest)).flatten();
            return number;
        }
        is_test = line == "#[test]" || is_test && line.starts_with("#[");
        None
    })
}

/// The number in a name like `b07_what_is_shown`.
fn number(name: &str) -> Option<u32> {
    let (digits, _) = name.strip_prefix('b')?.split_once('_')?;
    (digits.len() == 2).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tests_count_and_only_by_their_names() {
        let code = "#[test]\n#[expect(dead_code)]\nfn b01_a() {}\nfn b02_a() {}\n#[test]\nfn shows_b03_a() {}\n\
                    #[test]\nfn b4_a() {}\n    #[test]\n    fn b05_a() {}\n#[test]\nfn b06() {}\n";
        assert_eq!(tested(code).collect::<Vec<_>>(), [1, 5]);
    }

    #[test]
    fn a_defect_needs_a_row_and_a_test() {
        let rows: Vec<String> = (1..=LAST)
            .map(|number| format!("| B{number:02} | a | b |"))
            .collect();
        let all: BTreeSet<u32> = (1..=LAST).collect();
        assert_eq!(check(&rows.join("\n"), &all), []);
        let mut tests = all.clone();
        tests.remove(&2);
        let found = check(&rows.join("\n"), &tests);
        assert_eq!((found.len(), found[0].line), (1, 2));
        assert!(
            found[0].reason.starts_with("B02 has no test"),
            "{}",
            found[0].reason
        );
        let joined = rows
            .join("\n")
            .replace("| B18 | a | b |\n| B19 |", "| B18, B19 |");
        assert_eq!(check(&joined, &all), []);
        let found = check(&rows[1..].join("\n"), &all);
        assert_eq!(found[0].reason, "B01 has no row in the table");
    }
}
