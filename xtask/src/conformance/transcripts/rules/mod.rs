//! What the rows of the list of defects change in any scenario that is marked with them.
//!
//! A scenario that `deviations.json` declares by its id is compared with what stands there, and with nothing else.
//! Any other one must come to what was recorded, except where the rule of its row says what is better: the rule
//! looks at one step, sees by what was recorded and by the stores before it whether the step shows the defect, and
//! if so holds the outcome against the better one. A step that shows the defect and comes to what was recorded is
//! wrong; a step that the rule says nothing of must be as recorded. Where the better behaviour is that a call
//! changes nothing, the stores must be as before it, and what is looked at later must be what another run shows
//! that leaves the call out.
//!
//! A rule is added as a function of its row's name in the file of its theme, a line in [`RULES`], a row in
//! `deviations.json` and in `docs/deviations.md`, and a test beside it that gives it a wrong outcome. Rows without
//! a rule deviate only where the scenario is declared by its id.

mod copied;
mod copies;
mod nodes;
mod stores;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub(super) use self::copied::Copied;
use super::{
    compare::{matches, same, shown_outcome},
    outcome::{Failure, Fault, Outcome},
};

/// What stores and files hold: keys behind the name of the variable, files behind `file`.
pub(super) type Snapshot = BTreeMap<String, Vec<u8>>;

/// What a row says of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing: it must come to what was recorded.
    AsRecorded,
    /// It came to the better behaviour.
    Better,
    /// It changed nothing, as is better; what is looked at later is as if it had been left out.
    LeftOut,
    /// It shows the defect, or something that is neither recorded nor better.
    Wrong,
}

use Finding::{AsRecorded, Better, LeftOut, Wrong};

type Rule = fn(&Compared<'_>) -> Finding;

/// The rules, by their rows.
const RULES: &[(&str, Rule)] = &[
    ("B01", nodes::b01),
    ("B02", nodes::b02),
    ("B03", nodes::b03),
    ("B04", nodes::b04),
    ("B05", nodes::b05),
    ("B07", nodes::b07),
    ("B08", nodes::b08),
    ("B09", nodes::b09),
    ("B10", nodes::b10),
    ("B11", nodes::b11),
    ("B12", nodes::b12),
    ("B13", copies::b13),
    ("B14", copies::b14),
    ("B15", copies::b15),
    ("B16", copies::b16),
    ("B17", nodes::b17),
    ("B18", copies::b18),
    ("B19", copies::b18),
    ("B21", copies::b21),
    ("B22", copies::b22),
    ("B23", copies::b23),
    ("B24", copies::b24),
    ("B25", copies::b25),
    ("B26", copies::b26),
    ("B27", copies::b27),
    ("B28", stores::b28),
    ("B29", stores::b29),
    ("B30", stores::b30),
    ("B31", stores::b31),
    ("B32", stores::b32),
    ("B33", stores::b33),
    ("B34", stores::b34),
    ("B35", stores::b35),
    ("B36", stores::b36),
    ("B37", stores::b37),
    ("B38", nodes::b38),
    ("B39", nodes::b39),
    ("B40", nodes::b40),
    ("B41", nodes::b41),
    ("B42", stores::b42),
    ("B44", copies::b44),
    ("B45", copies::b45),
    ("B46", copies::b46),
    ("B47", nodes::b47),
    ("B49", stores::b49),
];

/// Operations that show what is there.
const LOOKS: &[&str] = &[
    "a_hexdigest",
    "a_props",
    "a_read",
    "attrs",
    "attrs_get",
    "exists",
    "file_hex",
    "file_size",
    "file_text",
    "g_contains",
    "g_get",
    "g_members",
    "g_props",
    "g_visit",
    "get_store",
    "h5_attrs",
    "h5_names",
    "info",
    "load",
    "loader_contains",
    "loader_get",
    "loader_info",
    "ls",
    "open_consolidated",
    "repr",
    "store_contains",
    "store_docs",
    "store_get",
    "store_getsize",
    "store_keys",
    "store_len",
    "store_listdir",
    "tree",
    "tree_ascii",
    "zip_entries",
];
/// Operations that list keys.
const KEYS: [&str; 2] = ["store_keys", "ls"];

/// A step, what was recorded of it and what it came to.
#[derive(Clone, Copy)]
pub(super) struct Compared<'a> {
    pub(super) step: &'a Value,
    /// The steps before it.
    pub(super) earlier: &'a [Value],
    pub(super) recorded: &'a Value,
    pub(super) outcome: &'a Outcome,
    pub(super) log: Option<&'a Value>,
    /// What was there before the step, and what is there after it.
    pub(super) before: &'a Snapshot,
    pub(super) after: &'a Snapshot,
    /// The nodes that the copies of earlier steps spoke of, and those of this one.
    pub(super) copied: &'a [Copied],
    pub(super) copying: &'a [Copied],
}

impl<'a> Compared<'a> {
    fn op(&self) -> &'a str {
        self.step["op"].as_str().unwrap_or_default()
    }

    fn is_copy(&self) -> bool {
        ["copy", "copy_all"].contains(&self.op())
    }

    fn lists_keys(&self) -> bool {
        KEYS.contains(&self.op())
    }

    fn recorded_ok(&self) -> Option<&'a Value> {
        self.recorded.get("ok")
    }

    /// The class of the recorded error, or nothing.
    fn recorded_class(&self) -> &'a str {
        self.recorded["error"]["class"].as_str().unwrap_or_default()
    }

    fn value(&self) -> Option<&'a Value> {
        self.outcome.as_ref().ok()
    }

    fn failure(&self) -> Option<&'a Failure> {
        match self.outcome {
            Err(Fault::Failed(failure)) => Some(failure),
            _ => None,
        }
    }

    fn is_as_recorded(&self) -> bool {
        matches(self.recorded, self.outcome, self.log)
    }

    fn is_quiet(&self) -> bool {
        copied::lines(self.log).is_none_or(|lines| lines.is_empty())
    }

    fn is_unchanged(&self) -> bool {
        self.before == self.after
    }

    /// Refused with a reason, before anything is logged or changed.
    fn refused(&self, reasons: &[&str]) -> Finding {
        let has_reason = |failure: &Failure| reasons.iter().any(|reason| failure.ours.contains(reason));
        if self.failure().is_some_and(has_reason) && self.is_quiet() && self.is_unchanged() {
            LeftOut
        } else {
            Wrong
        }
    }

    /// Whether the value is another one than was recorded, namely this.
    fn is(&self, better: &Value) -> Finding {
        match (self.recorded_ok(), self.value()) {
            (Some(recorded), _) if same(recorded, better) => AsRecorded,
            (_, Some(value)) if same(better, value) && self.has_recorded_log() => Better,
            _ => Wrong,
        }
    }

    /// As [`Self::is`], for a list whose order is that of keys.
    fn lists(&self, better: BTreeSet<String>) -> Finding {
        self.is(&better.into_iter().collect::<Vec<_>>().into())
    }

    fn has_recorded_log(&self) -> bool {
        let recorded = self.recorded.get("log");
        recorded.is_none_or(|recorded| self.log.is_some_and(|log| same(recorded, log)))
    }

    /// The keys of the store of a variable, before the step or after it.
    fn keys_of<'s>(snapshot: &'s Snapshot, variable: &str) -> BTreeMap<&'s str, &'s [u8]> {
        let of = |key: &'s str| key.split_once(':').filter(|(name, _)| *name == variable);
        let all = snapshot.iter();
        all.filter_map(|(key, value)| Some((of(key)?.1, value.as_slice())))
            .collect()
    }

    /// The variable of the store or node that the step is about.
    fn variable(&self) -> &'a str {
        let named = [
            &self.step["store"],
            &self.step["store"]["var"],
            &self.step["target"],
        ];
        let text = named.into_iter().find_map(Value::as_str).unwrap_or_default();
        text.split(':').next().unwrap_or_default()
    }

    /// The files of the store of the step, by their names in it.
    fn files_before(&self) -> BTreeMap<&'a str, &'a [u8]> {
        let place = self.step["store"]["path"].as_str().unwrap_or_default();
        let files = Self::keys_of(self.before, "file").into_iter();
        files
            .filter_map(|(name, bytes)| {
                let rest = name.strip_prefix(place)?;
                Some((rest.strip_prefix('/').filter(|_| !place.is_empty())?, bytes))
            })
            .collect()
    }

    /// The archive that the step names, if it is there.
    fn archive(&self) -> Option<String> {
        let place = self.step["store"]["path"]
            .as_str()
            .filter(|path| path.strip_suffix(".zip").is_some())?;
        let key = format!("file:{place}");
        self.before.contains_key(&key).then_some(key)
    }
}

/// The items of a list of texts.
fn items(list: &Value) -> BTreeSet<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Whether two objects differ in one member only.
fn same_but(a: &Value, b: &Value, name: &str) -> bool {
    let without = |value: &Value| {
        let mut value = value.clone();
        let members = value.as_object_mut();
        members.and_then(|members| members.remove(name)).map(|_| value)
    };
    matches!((without(a), without(b)), (Some(a), Some(b)) if same(&a, &b))
}

/// The document that a step shows.
fn parsed(shown: &Value) -> Value {
    let text = shown["text"].as_str();
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// The rules at work on a scenario.
pub(super) struct Watch<'a> {
    row: Option<&'a str>,
    rule: Option<Rule>,
    is_better: bool,
    left_out: Vec<usize>,
    /// Names that were not bound because their step was refused.
    unmade: Vec<String>,
    /// Looks that are to be as if what was left out had not been done.
    looks: Vec<Look>,
    wrong: Option<String>,
}

struct Look {
    index: usize,
    shown: String,
    report: String,
}

impl<'a> Watch<'a> {
    pub(super) fn new(row: Option<&'a str>) -> Self {
        let rule = RULES.iter().find(|(of, _)| Some(*of) == row);
        Self {
            row,
            rule: rule.map(|(_, rule)| *rule),
            is_better: false,
            left_out: Vec::new(),
            unmade: Vec::new(),
            looks: Vec::new(),
            wrong: None,
        }
    }

    pub(super) fn title(&self) -> String {
        self.row
            .map_or_else(|| "B14, B25, B27 (not marked)".to_owned(), str::to_owned)
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

    /// Compares a step; `index` counts from 0.
    pub(super) fn compare(&mut self, index: usize, compared: &Compared<'_>, report: impl FnOnce() -> String) {
        let is_unbound = self.is_unmade(compared.step)
            && match compared.outcome {
                Err(Fault::Failed(failure)) => failure.class == "NameError",
                Err(Fault::Unsupported(_)) => true,
                Ok(_) => false,
            };
        if self.wrong.is_some() || is_unbound {
            return;
        }
        let finding = match self.rule.map_or(AsRecorded, |rule| rule(compared)) {
            AsRecorded if !compared.is_as_recorded() => match copied::needless(compared) {
                AsRecorded => copies::made_above(compared),
                finding => finding,
            },
            finding => finding,
        };
        match finding {
            Better => self.is_better = true,
            LeftOut => {
                self.is_better |= !compared.is_as_recorded();
                self.left_out.push(index);
                let is_unbound = compared.outcome.is_err();
                let name = compared.step["as"].as_str().filter(|_| is_unbound);
                self.unmade.extend(name.map(str::to_owned));
            }
            AsRecorded if compared.is_as_recorded() => {}
            AsRecorded if !self.left_out.is_empty() && LOOKS.contains(&compared.op()) => {
                self.looks.push(Look {
                    index,
                    shown: shown_outcome(compared.outcome, compared.log),
                    report: report(),
                });
            }
            AsRecorded | Wrong => self.wrong = Some(report()),
        }
    }

    /// The steps to leave out of a second run, if there has to be one.
    pub(super) fn left_out(&self) -> Option<&[usize]> {
        (self.wrong.is_none() && !self.looks.is_empty()).then_some(&self.left_out)
    }

    /// Compares a step of the run that leaves some out.
    pub(super) fn compare_without(&mut self, index: usize, outcome: &Outcome, log: Option<&Value>) {
        let shown = shown_outcome(outcome, log);
        let Some(look) = self.looks.iter().find(|look| look.index == index) else {
            return;
        };
        if look.shown == shown {
            self.is_better = true;
        } else if self.wrong.is_none() {
            self.wrong = Some(format!("{}; without what was refused it is {shown}", look.report));
        }
    }

    /// Whether some step was better than was recorded, or what was wrong.
    pub(super) fn finish(self) -> Result<bool, String> {
        self.wrong.map_or(Ok(self.is_better), Err)
    }
}
