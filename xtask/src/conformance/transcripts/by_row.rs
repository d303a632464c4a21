//! Scenarios that are compared by the rules of their row, because they are not declared themselves.

use serde_json::Value;

use super::rules::{Compared, REFUSALS};

/// What the rules make of a scenario that is not declared by its id.
pub(super) struct ByRow<'a> {
    row: Option<&'a str>,
    /// Whether the scenario has no mark and no declaration: of those, only what copies write is told (row B14).
    is_plain: bool,
    is_refused: bool,
    unmade: Vec<String>,
    /// The first step that no rule explains.
    pub(super) wrong: Option<String>,
}

impl<'a> ByRow<'a> {
    pub(super) const fn new(row: Option<&'a str>, is_plain: bool) -> Self {
        Self {
            row,
            is_plain,
            is_refused: false,
            unmade: Vec::new(),
            wrong: None,
        }
    }

    pub(super) const fn applies(&self) -> bool {
        self.row.is_some() || self.is_plain
    }

    pub(super) fn title(&self) -> String {
        self.row
            .map_or_else(|| "B14 (not marked)".to_owned(), str::to_owned)
    }

    /// Whether a refusal is to be held against what was there before.
    pub(super) fn wants_snapshots(&self) -> bool {
        self.row
            .is_some_and(|row| row == "B16" || REFUSALS.iter().any(|(of, _)| *of == row))
    }

    /// Whether a step is about a name that a refused step did not bind.
    pub(super) fn is_unmade(&self, step: &Value) -> bool {
        let names = ["target", "source", "dest", "base"].map(|name| step[name].as_str());
        let stores = [step["store"].as_str(), step["store"]["var"].as_str()];
        names.into_iter().chain(stores).flatten().any(|name| {
            let name = name.split(':').next().unwrap_or_default();
            self.unmade.iter().any(|unmade| unmade == name)
        })
    }

    /// Compares a step; what a verified refusal left as it was is not compared with what the original made of it.
    pub(super) fn compare(
        &mut self,
        compared: &Compared<'_>,
        is_unchanged: impl FnOnce() -> bool,
        report: impl FnOnce() -> String,
    ) {
        if !self.applies() || self.wrong.is_some() || self.is_unmade(compared.step) {
            return;
        }
        if super::compare::matches(compared.recorded, compared.outcome, compared.log)
            || compared.lacks_empty_attributes()
            || (self.is_refused && compared.only_looks() && !compared.is_unsupported())
        {
            return;
        }
        let Some(row) = self.row else {
            self.wrong = Some(report());
            return;
        };
        if compared.is_refused(row) {
            if is_unchanged() {
                self.is_refused = true;
                self.unmade
                    .extend(compared.step["as"].as_str().map(str::to_owned));
            } else {
                self.wrong = Some(report());
            }
        } else if !compared.is_better(row) {
            self.wrong = Some(report());
        }
    }
}
