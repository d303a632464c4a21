//! What rows of the list of defects change in any scenario that is marked with them.
//!
//! A scenario that the file declares by its id is compared with what stands there. Any other one that differs is
//! compared with the better behaviour of the row that it is marked with: each rule takes one kind of step and one
//! relation between what was recorded and what came, so that other differences stay failures.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    compare::same,
    outcome::{Failure, Fault, Outcome},
};

/// Rows of which the better behaviour is to refuse, with a part of our reason.
pub(super) const REFUSALS: &[(&str, &[&str])] = &[
    ("B05", &["is no Zarr node and holds"]),
    ("B08", &["mode"]),
    ("B13", &["if_exists must be one of"]),
    ("B18", &["cannot be copied to"]),
    ("B19", &["cannot be copied to"]),
    (
        "B26",
        &[
            "is that of the destination itself",
            "the group itself",
            "cannot be copied to",
        ],
    ),
    ("B27", &["exists in destination"]),
    ("B29", &["group"]),
    ("B32", &["lies in the node that is to be moved"]),
    ("B34", &["is not a valid store key"]),
    ("B39", &["must be at least 1", "is negative"]),
];
/// Rows of which the better behaviour is to succeed, with the operations and the recorded classes of errors.
const SUCCESSES: &[(&str, &[&str], &[&str])] = &[
    (
        "B01",
        &["open", "consolidate_metadata", "load"],
        &["zarr.errors.PathNotFoundError"],
    ),
    (
        "B03",
        &["open", "open_group", "open_array", "open_consolidated"],
        &["ValueError"],
    ),
    ("B07", &["loader_get", "loader_items"], &["KeyError"]),
    ("B09", &["group"], &["zarr.errors.GroupNotFoundError"]),
    (
        "B13",
        &["copy_all"],
        &["TypeError", "PermissionError", "zarr.errors.ReadOnlyError"],
    ),
    ("B15", &["copy", "copy_all"], &["AttributeError", "TypeError"]),
    ("B21", &["copy", "copy_all"], &["TypeError", "ValueError"]),
    ("B22", &["copy", "copy_all"], &["TypeError", "ValueError"]),
    ("B23", &["copy", "copy_all"], &["zarr.errors.MetadataError"]),
    ("B24", &["copy", "copy_all"], &["AttributeError", "TypeError"]),
    (
        "B33",
        &[
            "a_resize",
            "a_append",
            "g_move",
            "g_del",
            "store_del",
            "store_rmdir",
            "store_rename",
            "create",
            "open",
            "g_create_group",
            "g_create_dataset",
            "copy",
            "copy_all",
            "copy_store",
        ],
        &["NotImplementedError", "zarr.errors.CopyError"],
    ),
    (
        "B42",
        &["codec_encode", "codec_decode", "codec_config"],
        &["RuntimeError", "ValueError", "IndexError", "TypeError"],
    ),
    (
        "B45",
        &["tree", "tree_ascii", "copy", "copy_all"],
        &["AttributeError", "KeyError"],
    ),
    (
        "B46",
        &["copy", "copy_all", "tree", "tree_ascii"],
        &["AttributeError"],
    ),
];
/// Operations that show what is there, and change nothing.
const LOOKS: &[&str] = &[
    "a_read",
    "a_props",
    "attrs",
    "exists",
    "file_size",
    "file_text",
    "g_contains",
    "g_members",
    "g_visit",
    "h5_names",
    "info",
    "load",
    "ls",
    "repr",
    "store_contains",
    "store_docs",
    "store_get",
    "store_keys",
    "store_len",
    "store_listdir",
    "tree",
    "zip_entries",
];
/// Operations that list keys.
const KEYS: [&str; 2] = ["store_keys", "ls"];

/// A step, what was recorded of it and what it came to.
pub(super) struct Compared<'a> {
    pub(super) step: &'a Value,
    /// The steps before it.
    pub(super) before: &'a [Value],
    pub(super) recorded: &'a Value,
    pub(super) outcome: &'a Outcome,
    pub(super) log: Option<&'a Value>,
}

impl Compared<'_> {
    /// Whether the step came to the better behaviour of a row.
    pub(super) fn is_better(&self, row: &str) -> bool {
        match (self.recorded.get("ok"), self.recorded.get("error"), self.outcome) {
            (_, Some(error), Ok(_)) => self.succeeds(row, error),
            (recorded, _, Err(Fault::Failed(failure))) => self.refuses(row, recorded.is_some(), failure),
            (Some(recorded), _, Ok(value)) => self.shows(row, recorded, value),
            (_, _, Err(Fault::Unsupported(_))) | (None, None, Ok(_)) => false,
        }
    }

    /// Whether the step is refused where the original did something, so that it is to leave everything as it was.
    pub(super) fn is_refused(&self, row: &str) -> bool {
        matches!(self.outcome, Err(Fault::Failed(failure)) if self.refuses(row, self.recorded.get("ok").is_some(), failure))
    }

    pub(super) fn is_unsupported(&self) -> bool {
        matches!(self.outcome, Err(Fault::Unsupported(_)))
    }

    /// Whether the step only shows what is there.
    pub(super) fn only_looks(&self) -> bool {
        LOOKS.contains(&self.op())
    }

    /// Whether what was recorded has documents of no attributes that copies before it wrote (row B14).
    pub(super) fn lacks_empty_attributes(&self) -> bool {
        let copies = |step: &Value| step["op"] == "copy" || step["op"] == "copy_all";
        if !self.before.iter().any(copies) {
            return false;
        }
        let (Some(recorded), Ok(value)) = (self.recorded.get("ok"), self.outcome) else {
            return false;
        };
        if self.op() == "store_docs" {
            let mut recorded = recorded.clone();
            if let Some(members) = recorded.as_object_mut() {
                members.retain(|key, shown| !(key.ends_with(".zattrs") && shown["text"] == "{}"));
            }
            return same(&recorded, value);
        }
        self.keys(recorded, value, &|key| key.ends_with(".zattrs"))
    }

    fn op(&self) -> &str {
        self.step["op"].as_str().unwrap_or_default()
    }

    /// It succeeds where the original failed, and logs all that the original did.
    fn succeeds(&self, row: &str, error: &Value) -> bool {
        let class = error["class"].as_str().unwrap_or_default();
        let begins_alike = match (
            self.recorded["log"].as_array(),
            self.log.and_then(Value::as_array),
        ) {
            (Some(recorded), Some(log)) => log.starts_with(recorded),
            (None, _) => true,
            _ => false,
        };
        begins_alike
            && SUCCESSES
                .iter()
                .any(|(of, ops, classes)| *of == row && ops.contains(&self.op()) && classes.contains(&class))
    }

    /// It is refused, for the reason of the row and before anything is logged.
    fn refuses(&self, row: &str, was_done: bool, failure: &Failure) -> bool {
        let is_quiet = self.log.and_then(Value::as_array).is_none_or(Vec::is_empty);
        let has_reason = REFUSALS
            .iter()
            .any(|(of, reasons)| *of == row && reasons.iter().any(|reason| failure.ours.contains(reason)));
        let recorded = self.recorded["error"]["class"].as_str();
        match row {
            "B16" => {
                let copies = ["copy", "copy_all"].contains(&self.op());
                let is_asked = self.step["if_exists"] == "skip_initialized";
                copies && is_asked && failure.class == "zarr.errors.CopyError"
            }
            "B46" => {
                recorded == Some("AttributeError") && ["TypeError", "ValueError"].contains(&&*failure.class)
            }
            _ => has_reason && is_quiet && (was_done || recorded.is_some()),
        }
    }

    /// It shows something else, in the one way that the row is about.
    fn shows(&self, row: &str, recorded: &Value, value: &Value) -> bool {
        if self
            .recorded
            .get("log")
            .is_some_and(|log| self.log.is_none_or(|ours| !same(log, ours)))
        {
            return false;
        }
        let op = self.op();
        match row {
            "B09" => KEYS.contains(&op) && adds(recorded, value, &|key| key.ends_with(".zgroup")),
            "B11" => op == "a_read" && same(&without_zeros(recorded), value),
            "B12" => op == "store_get" && same(&without_dots(recorded), &without_dots(value)),
            "B13" if op == "attrs" => {
                let unwanted = |step: &Value| {
                    step["op"] == "copy_all" && (step["dry_run"] == true || step["without_attrs"] == true)
                };
                self.before.iter().any(unwanted) && value.as_object().is_some_and(serde_json::Map::is_empty)
            }
            "B25" if op == "a_props" => same_but(recorded, value, "dimension_separator"),
            "B25" => self.keys(recorded, value, &|key| key.ends_with(".zattrs") || is_chunk(key)),
            "B17" => op == "a_props" && same_but(recorded, value, "nchunks_initialized"),
            "B28" => self.keys(recorded, value, &|key| key == ".zmetadata"),
            "B29" => self.keys(recorded, value, &|key| key.starts_with(".zmetadata/")),
            "B30" => op == "store_get" && same(&without_foreign(recorded), &parsed(value)),
            "B31" => ["store_keys", "g_visit"].contains(&op) && damaged_names_of(recorded, value),
            "B33" => match op {
                "store_keys" => items(recorded) == items(value) && is_strict(value),
                "zip_entries" => names(recorded) == names(value),
                _ => false,
            },
            "B35" => match op {
                "store_getsize" => value.as_u64() < recorded.as_u64(),
                "store_listdir" => items(value).is_subset(&items(recorded)),
                "store_keys" => items(recorded).is_subset(&items(value)),
                _ => false,
            },
            "B36" => op == "lru_state" && same_but(recorded, value, "current_size"),
            "B37" => {
                KEYS.contains(&op)
                    && with_slashes(recorded) == items(value).into_iter().map(str::to_owned).collect()
            }
            "B38" => op == "a_read" && same_but(recorded, value, "data") && is_zero(&value["data"]),
            "B40" => KEYS.contains(&op) && adds(recorded, value, &is_chunk),
            "B41" => op == "store_get" && has_shorter_fill_value(recorded, value),
            "B49" => op == "store_getsize" && value.as_i64() > recorded.as_i64(),
            _ => false,
        }
    }

    /// A list of keys that is the recorded one without some that one would not write.
    fn keys(&self, recorded: &Value, value: &Value, is_needless: &dyn Fn(&str) -> bool) -> bool {
        let (recorded, ours) = (items(recorded), items(value));
        KEYS.contains(&self.op())
            && ours.is_subset(&recorded)
            && recorded.difference(&ours).all(|key| is_needless(key))
    }
}

fn items(list: &Value) -> BTreeSet<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Whether a list is the recorded one with more keys of a kind.
fn adds(recorded: &Value, value: &Value, is_expected: &dyn Fn(&str) -> bool) -> bool {
    let (recorded, ours) = (items(recorded), items(value));
    recorded.is_subset(&ours) && ours.difference(&recorded).all(|key| is_expected(key))
}

fn is_chunk(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// Whether every recorded name is one of ours that may have lost its first characters.
fn damaged_names_of(recorded: &Value, value: &Value) -> bool {
    let split = |key: &'_ str| -> (String, String) {
        let (above, name) = key.rsplit_once('/').unwrap_or(("", key));
        (above.to_owned(), name.to_owned())
    };
    let ours: Vec<_> = items(value).into_iter().map(split).collect();
    items(recorded).into_iter().map(split).all(|(above, name)| {
        ours.iter()
            .any(|(folder, whole)| *folder == above && whole.ends_with(&name))
    })
}

/// An array of texts that are empty where the default value became the text 0.
fn without_zeros(recorded: &Value) -> Value {
    let mut array = recorded.clone();
    for text in array["data"].as_array_mut().into_iter().flatten() {
        if *text == "0" || *text == "30" {
            *text = "".into();
        }
    }
    array
}

/// Whether two documents differ only in a fill value that one cut to the length of the type.
fn has_shorter_fill_value(recorded: &Value, value: &Value) -> bool {
    let (recorded, ours) = (parsed(recorded), parsed(value));
    let is_cut = match (recorded["fill_value"].as_str(), ours["fill_value"].as_str()) {
        (Some(whole), Some(cut)) => whole.len() > cut.len() && whole.starts_with(cut) && !cut.is_empty(),
        _ => false,
    };
    is_cut && same_but(&recorded, &ours, "fill_value")
}

fn names(entries: &Value) -> BTreeSet<&str> {
    let entries = entries.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry["name"].as_str()).collect()
}

/// Whether no key is listed twice.
fn is_strict(list: &Value) -> bool {
    list.as_array()
        .is_some_and(|keys| keys.len() == items(list).len())
}

/// Whether two objects differ in one member only.
fn same_but(a: &Value, b: &Value, name: &str) -> bool {
    let without = |value: &Value| {
        let mut value = value.clone();
        value
            .as_object_mut()
            .and_then(|members| members.remove(name))
            .map(|_| value)
    };
    matches!((without(a), without(b)), (Some(a), Some(b)) if same(&a, &b))
}

fn parsed(shown: &Value) -> Value {
    shown["text"]
        .as_str()
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// A document without a separator that is a dot.
fn without_dots(shown: &Value) -> Value {
    let mut document = parsed(shown);
    if document["dimension_separator"] == "." {
        document
            .as_object_mut()
            .map(|members| members.remove("dimension_separator"));
    }
    document
}

/// The text of a consolidated document without keys that only end like documents.
fn without_foreign(shown: &Value) -> Value {
    let mut document = parsed(shown);
    if let Some(members) = document["metadata"].as_object_mut() {
        members.retain(|key, _| {
            let name = key.rsplit('/').next().unwrap_or_default();
            [".zarray", ".zgroup", ".zattrs"].contains(&name)
        });
    }
    document
}

fn with_slashes(recorded: &Value) -> BTreeSet<String> {
    items(recorded)
        .into_iter()
        .map(|key| {
            if key.starts_with(|c: char| c.is_ascii_digit()) {
                key.replace('.', "/")
            } else {
                key.to_owned()
            }
        })
        .collect()
}

fn is_zero(data: &Value) -> bool {
    match data {
        Value::Array(items) => items.iter().all(is_zero),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.bytes().all(|digit| digit == b'0'),
        other => other == false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the values are written where it is called"
    )]
    fn is_better(row: &str, step: Value, recorded: Value, outcome: Outcome, log: Option<Value>) -> bool {
        let compared = Compared {
            step: &step,
            before: &[],
            recorded: &recorded,
            outcome: &outcome,
            log: log.as_ref(),
        };
        compared.is_better(row)
    }

    #[test]
    fn refusals_need_the_reason_of_their_row_and_an_empty_log() {
        let step = || json!({"op": "copy"});
        let done = || json!({"ok": [1, 0, 48]});
        let refused = |text: &str| Err(Failure::class("ValueError", text).into());
        let reason = "spam: cannot be copied to '/spam'";
        assert!(is_better("B18", step(), done(), refused(reason), None));
        assert!(!is_better(
            "B18",
            step(),
            done(),
            refused("the disk is full"),
            None
        ));
        assert!(!is_better("B14", step(), done(), refused(reason), None));
        let log = Some(json!(["copy /spam (3, 4) float32"]));
        assert!(!is_better("B18", step(), done(), refused(reason), log));
    }

    #[test]
    fn successes_need_the_error_and_the_log_of_the_original() {
        let failed = |class: &str| json!({"error": {"class": class}, "log": ["copy /foo"]});
        let step = || json!({"op": "copy"});
        let log = |line: &str| Some(json!([line, "dry run: 1 copied, 0 skipped"]));
        let done = || Ok(json!([1, 0, 0]));
        assert!(is_better(
            "B15",
            step(),
            failed("AttributeError"),
            done(),
            log("copy /foo")
        ));
        assert!(!is_better(
            "B15",
            step(),
            failed("AttributeError"),
            done(),
            log("copy /bar")
        ));
        assert!(!is_better(
            "B15",
            step(),
            failed("KeyError"),
            done(),
            log("copy /foo")
        ));
        let other = json!({"op": "a_read"});
        assert!(!is_better(
            "B15",
            other,
            failed("AttributeError"),
            done(),
            log("copy /foo")
        ));
    }

    #[test]
    fn lists_may_lack_only_what_the_row_is_about() {
        let step = || json!({"op": "store_keys"});
        let recorded = || json!({"ok": [".zgroup", "a/.zattrs", "a/0"]});
        assert!(is_better(
            "B25",
            step(),
            recorded(),
            Ok(json!([".zgroup", "a/0"])),
            None
        ));
        assert!(!is_better(
            "B25",
            step(),
            recorded(),
            Ok(json!(["a/.zattrs", "a/0"])),
            None
        ));
        assert!(!is_better(
            "B25",
            step(),
            recorded(),
            Ok(json!([".zgroup", "a/0", "b"])),
            None
        ));
        assert!(!is_better(
            "B33",
            step(),
            recorded(),
            Ok(json!([".zgroup", "a/0"])),
            None
        ));
    }

    #[test]
    fn members_other_than_the_counted_ones_must_be_the_same() {
        let step = || json!({"op": "a_props"});
        let recorded = || json!({"ok": {"shape": [4], "nchunks_initialized": 1}});
        let ours = |length: u64| Ok(json!({"shape": [length], "nchunks_initialized": 4}));
        assert!(is_better("B17", step(), recorded(), ours(4), None));
        assert!(!is_better("B17", step(), recorded(), ours(5), None));
    }
}
