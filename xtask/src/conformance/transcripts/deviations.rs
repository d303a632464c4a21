//! Where we differ from zarr-python 2.18 on purpose.
//!
//! The file names a row of the list of defects, and for scenarios what is to come instead, step by step.
//! What is declared follows from the row's better behaviour; it was written by hand.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

/// The declared differences.
#[derive(Debug)]
pub(super) struct Deviations {
    rows: Map<String, Value>,
    scenarios: Map<String, Value>,
}

impl Deviations {
    /// Reads the file beside this source.
    pub(super) fn read() -> Result<Self> {
        let document: Value =
            serde_json::from_str(include_str!("../deviations.json")).context("deviations.json")?;
        let part = |name: &str| document[name].as_object().cloned().unwrap_or_default();
        let deviations = Self {
            rows: part("rows"),
            scenarios: part("scenarios"),
        };
        for (id, scenario) in &deviations.scenarios {
            let row = scenario["row"].as_str().unwrap_or_default();
            ensure!(
                deviations.rows.contains_key(row),
                "{id}: row {row:?} is not declared"
            );
        }
        Ok(deviations)
    }

    /// Whether a row is declared.
    pub(super) fn has(&self, row: &str) -> bool {
        self.rows.contains_key(row)
    }

    /// The row that a scenario shows and the steps that come to something else, by their numbers from 1.
    ///
    /// The recording marks most scenarios with the row that they were made for. Where another one shows the
    /// same behaviour by the way, the declaration says that it is not marked, and so does the verdict.
    pub(super) fn of(&self, id: &str, quirk: Option<&str>) -> Option<Declared<'_>> {
        let scenario = self.scenarios.get(id)?;
        let row = scenario["row"].as_str()?;
        let steps = scenario["steps"].as_object()?;
        let is_unmarked = quirk.is_none() && scenario["unmarked"] == true;
        let title = if is_unmarked {
            format!("{row} (not marked)")
        } else {
            row.to_owned()
        };
        (quirk == Some(row) || is_unmarked).then_some(Declared { title, steps })
    }
}

/// What is to come in a scenario instead of what was recorded.
#[derive(Debug)]
pub(super) struct Declared<'a> {
    /// The row.
    pub(super) title: String,
    steps: &'a Map<String, Value>,
}

impl Declared<'_> {
    /// The result of a step.
    ///
    /// It is declared in full, or as the recorded one `without` some members or `with` others.
    pub(super) fn step(&self, number: usize, recorded: &Value) -> Value {
        let Some(declared) = self.steps.get(&number.to_string()) else {
            return recorded.clone();
        };
        if declared.get("without").is_none() && declared.get("with").is_none() {
            return declared.clone();
        }
        let mut result = recorded.clone();
        for name in declared["without"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            match &mut result["ok"] {
                Value::Object(members) => drop(members.remove(name)),
                Value::Array(items) => items.retain(|item| item != name),
                _ => {}
            }
        }
        for (name, value) in declared["with"].as_object().into_iter().flatten() {
            result["ok"][name] = value.clone();
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_declared_row_stands_in_the_documentation() {
        let declared: Value = serde_json::from_str(include_str!("../deviations.json")).unwrap();
        let documented = include_str!("../../../../docs/deviations.md");
        for row in declared["rows"].as_object().unwrap().keys() {
            let stands = documented
                .lines()
                .any(|line| line.starts_with("| ") && line.contains(row.as_str()));
            assert!(stands, "{row}");
        }
    }
}
