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

    /// The row that a scenario shows and the steps that come to something else, by their numbers from 1.
    pub(super) fn of(&self, id: &str, quirk: Option<&str>) -> Option<(&str, &Map<String, Value>)> {
        let scenario = self.scenarios.get(id)?;
        let row = scenario["row"].as_str()?;
        // What the recording does not call a defect is none of ours to improve.
        let steps = scenario["steps"].as_object()?;
        (quirk == Some(row)).then_some((row, steps))
    }
}
