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
    /// Parts of texts that rows are about, each with what stands in its place; for scenarios of these rows that are
    /// not declared themselves.
    texts: Map<String, Value>,
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
            texts: part("texts"),
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

    /// The row that a scenario shows and the steps that come to something else, by their numbers from 1.
    ///
    /// The recording marks most scenarios with the row that they were made for. Where another one shows the
    /// same behaviour by the way, the declaration says that it is not marked, and so does the verdict.
    pub(super) fn of(&self, id: &str, quirk: Option<&str>) -> Option<Declared<'_>> {
        let Some(scenario) = self.scenarios.get(id) else {
            let row = quirk?;
            return Some(Declared {
                title: row.to_owned(),
                steps: None,
                texts: Some(self.texts.get(row)?.as_object()?),
            });
        };
        let row = scenario["row"].as_str()?;
        let steps = scenario["steps"].as_object()?;
        let is_unmarked = quirk.is_none() && scenario["unmarked"] == true;
        let title = if is_unmarked {
            format!("{row} (not marked)")
        } else {
            row.to_owned()
        };
        (quirk == Some(row) || is_unmarked).then_some(Declared {
            title,
            steps: Some(steps),
            texts: None,
        })
    }
}

/// What is to come in a scenario instead of what was recorded.
#[derive(Debug)]
pub(super) struct Declared<'a> {
    /// The row.
    pub(super) title: String,
    steps: Option<&'a Map<String, Value>>,
    texts: Option<&'a Map<String, Value>>,
}

impl Declared<'_> {
    /// Whether the scenario itself is declared, and not only texts of its row.
    pub(super) const fn is_by_scenario(&self) -> bool {
        self.steps.is_some()
    }

    /// The result of a step.
    ///
    /// It is declared in full, or as the recorded one `without` some members or `with` others.
    pub(super) fn step(&self, number: usize, recorded: &Value) -> Value {
        let declared = self.steps.and_then(|steps| steps.get(&number.to_string()));
        let Some(declared) = declared else {
            return self.reworded(recorded);
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

    /// The recorded result with other texts of errors, where the row is about these.
    fn reworded(&self, recorded: &Value) -> Value {
        let mut result = recorded.clone();
        if let Some(message) = recorded["error"]["message"].as_str() {
            let texts = self.texts.into_iter().flatten();
            let better = texts.fold(message.to_owned(), |message, (from, to)| {
                message.replace(from, to.as_str().unwrap_or_default())
            });
            result["error"]["message"] = better.into();
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
