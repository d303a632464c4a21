//! Rows about stores, consolidated metadata and codecs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{AsRecorded, Better, Compared, Finding, LeftOut, Wrong, items, parsed};
use crate::conformance::transcripts::compare::same;

type Held = BTreeMap<String, Vec<u8>>;

/// What the store of the step holds, before it or after.
fn held(step: &Compared<'_>, snapshot: &super::Snapshot) -> Held {
    let keys = Compared::keys_of(snapshot, step.variable()).into_iter();
    keys.map(|(key, value)| (key.to_owned(), value.to_vec()))
        .collect()
}

/// The part of a key below a path.
fn below<'k>(key: &'k str, path: &str) -> Option<&'k str> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Some(key);
    }
    key.strip_prefix(path)?.strip_prefix('/')
}

/// The path that a step is about.
fn path<'s>(step: &Compared<'s>, name: &str) -> &'s str {
    step.step[name].as_str().unwrap_or_default().trim_matches('/')
}

/// Whether a step has made of its store what it was to make.
fn makes(step: &Compared<'_>, better: &Held) -> bool {
    step.failure().is_none() && held(step, step.after) == *better
}

/// Lists of keys show what is stored, which the steps before have been held against.
fn lists_what_is_held(step: &Compared<'_>) -> Finding {
    if step.op() == "store_keys" && !step.is_as_recorded() {
        step.lists(held(step, step.after).into_keys().collect())
    } else {
        AsRecorded
    }
}

/// Steps that may change documents of nodes.
const CHANGES: [&str; 22] = [
    "a_append",
    "a_resize",
    "array",
    "attrs_del",
    "attrs_put",
    "attrs_set",
    "attrs_update",
    "copy",
    "copy_all",
    "create",
    "g_create_dataset",
    "g_create_group",
    "g_del",
    "g_move",
    "g_require_dataset",
    "g_require_group",
    "g_set",
    "group",
    "open",
    "save",
    "save_array",
    "save_group",
];

/// Whether a document was changed after the last time that documents were consolidated, so that these have gone.
fn is_outdated(step: &Compared<'_>) -> bool {
    let made = step
        .earlier
        .iter()
        .rposition(|earlier| earlier["op"] == "consolidate_metadata");
    let changes = |earlier: &Value| CHANGES.contains(&earlier["op"].as_str().unwrap_or_default());
    let held = step.before.keys().any(|key| key.ends_with(".zmetadata"));
    !held && made.is_some_and(|made| step.earlier[made..].iter().any(changes))
}

/// What is refused changes nothing, neither in the store nor in memory, and changed documents are not opened as they were.
pub(super) fn b28(step: &Compared<'_>) -> Finding {
    if step.op() == "open_consolidated" && step.recorded_class().is_empty() && is_outdated(step) {
        return step.refused(&["'.zmetadata'"]);
    }
    if step.lists_keys() && is_outdated(step) {
        let recorded = step.recorded_ok().and_then(Value::as_array).into_iter().flatten();
        let keys = recorded
            .filter_map(Value::as_str)
            .filter(|key| !key.ends_with(".zmetadata"));
        return step.lists(keys.map(str::to_owned).collect());
    }
    if step.recorded_class().is_empty() {
        return AsRecorded;
    }
    let is_refused = ["ReadOnlyError", "PermissionError"]
        .iter()
        .any(|class| step.recorded_class().contains(class));
    match step.failure() {
        Some(_) if !step.is_unchanged() => Wrong,
        Some(_) if step.op() == "consolidate_metadata" || (is_refused && step.is_as_recorded()) => LeftOut,
        _ => AsRecorded,
    }
}

/// A group in the place of a store is refused.
pub(super) fn b29(step: &Compared<'_>) -> Finding {
    let is_store = |earlier: &&Value| earlier["op"] == "new_store" || earlier["op"] == "get_store";
    let name = step.step["store"]["var"].as_str().unwrap_or_default();
    let is_node = step
        .earlier
        .iter()
        .rfind(|earlier| earlier["as"] == name)
        .is_some_and(|earlier| !is_store(&earlier));
    if step.op() != "consolidate_metadata" || !is_node {
        return AsRecorded;
    }
    step.refused(&["a store is needed"])
}

/// Only keys whose last part is a document's name are consolidated, and a damaged one is named.
pub(super) fn b30(step: &Compared<'_>) -> Finding {
    const NAMES: [&str; 3] = [".zarray", ".zgroup", ".zattrs"];
    if step.op() == "consolidate_metadata" && step.recorded_class().ends_with("JSONDecodeError") {
        let names_it = |ours: &str| NAMES.iter().any(|name| ours.contains(name));
        let is_named = step.failure().is_some_and(|failure| names_it(&failure.ours));
        return if is_named && step.is_unchanged() {
            LeftOut
        } else {
            Wrong
        };
    }
    let (Some(recorded), Some(value), "store_get") = (step.recorded_ok(), step.value(), step.op()) else {
        return AsRecorded;
    };
    let mut better = parsed(recorded);
    let Some(members) = better["metadata"].as_object_mut() else {
        return AsRecorded;
    };
    let all = members.len();
    members.retain(|key, _| NAMES.contains(&key.rsplit('/').next().unwrap_or_default()));
    let is_all = members.len() == all;
    match same(&better, &parsed(value)) {
        _ if is_all => AsRecorded,
        true => Better,
        false => Wrong,
    }
}

/// Everything keeps its name below what is moved.
fn moved(step: &Compared<'_>, source: &str, dest: &str) -> Held {
    let all = held(step, step.before).into_iter();
    all.map(|(key, value)| match below(&key, source) {
        Some(rest) => (format!("{dest}/{rest}"), value),
        None => (key, value),
    })
    .collect()
}

/// Moves keep names.
pub(super) fn b31(step: &Compared<'_>) -> Finding {
    let (source, dest) = match step.op() {
        "store_rename" => (path(step, "src"), path(step, "dst")),
        "g_move" if !step.variable().is_empty() => (path(step, "source"), path(step, "dest")),
        "g_visit" => return visits_whole_names(step),
        _ => return lists_what_is_held(step),
    };
    if step.recorded_ok().is_none() {
        return AsRecorded;
    }
    let mut better = moved(step, source, dest);
    let keys = held(step, step.after);
    // A group that is moved may be the first in its folder, which is then made a group.
    let above = keys.iter().filter(|(key, _)| {
        key.strip_suffix("/.zgroup")
            .is_some_and(|group| below(dest, group).is_some())
    });
    better.extend(above.map(|(key, value)| (key.clone(), value.clone())));
    if step.failure().is_none() && better == keys {
        AsRecorded
    } else {
        Wrong
    }
}

/// Names that have lost their first characters are whole.
fn visits_whole_names(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value)) = (step.recorded_ok(), step.value()) else {
        return AsRecorded;
    };
    if step.is_as_recorded() {
        return AsRecorded;
    }
    let keys = held(step, step.after);
    let is_there = |name: &String| {
        [".zgroup", ".zarray"]
            .iter()
            .any(|document| keys.contains_key(&format!("{name}/{document}")))
    };
    let ours = items(value);
    if ours.iter().all(is_there) && ours.len() >= items(recorded).len() {
        Better
    } else {
        Wrong
    }
}

/// A group is not moved into itself.
pub(super) fn b32(step: &Compared<'_>) -> Finding {
    if step.op() == "g_move" && below(path(step, "dest"), path(step, "source")).is_some() {
        step.refused(&["lies in the node that is to be moved"])
    } else {
        AsRecorded
    }
}

/// Archives replace and delete, and list each key once.
pub(super) fn b33(step: &Compared<'_>) -> Finding {
    if step.recorded_class() == "NotImplementedError" {
        return b33_change(step);
    }
    match (step.op(), step.recorded_ok()) {
        ("store_keys", Some(recorded))
            if recorded.as_array().map(Vec::len) != Some(items(recorded).len()) =>
        {
            step.lists(items(recorded))
        }
        ("store_len", Some(_)) => step.is(&held(step, step.after).len().into()),
        ("zip_entries", Some(recorded)) => {
            // The last of a name is the one that counts.
            let entries = recorded.as_array().into_iter().flatten();
            let last: BTreeMap<_, _> = entries.map(|entry| (entry["name"].as_str(), entry)).collect();
            step.is(&last.into_values().cloned().collect::<Vec<_>>().into())
        }
        _ => lists_what_is_held(step),
    }
}

/// A change that the original cannot make.
fn b33_change(step: &Compared<'_>) -> Finding {
    let before = held(step, step.before);
    let without = |path: &str| {
        let mut better = before.clone();
        better.retain(|key, _| below(key, path).is_none());
        better
    };
    let is_made = match step.op() {
        "store_del" => {
            let mut better = before.clone();
            better.remove(path(step, "key")).is_some() && makes(step, &better)
        }
        "store_rmdir" => makes(step, &without(path(step, "path"))),
        "g_del" => makes(step, &without(path(step, "name"))),
        "store_rename" => makes(step, &moved(step, path(step, "src"), path(step, "dst"))),
        "a_resize" => {
            let documents = held(step, step.after);
            let mut documents = documents.iter().filter(|(key, _)| key.ends_with(".zarray"));
            documents.any(|(_, bytes)| {
                let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
                let shape = &step.step["shape"];
                document["shape"] == *shape || document["shape"] == json!([shape])
            }) && step.failure().is_none()
        }
        _ => false,
    };
    if is_made { Better } else { Wrong }
}

/// Keys stay below the root, and temporary files are none.
pub(super) fn b34(step: &Compared<'_>) -> Finding {
    let leaves = |key: &str| key.starts_with('/') || key.split('/').any(|part| part == "..");
    let in_log = |line: &Value| {
        line.as_str()
            .is_some_and(|line| line.strip_prefix("copy ").is_some_and(leaves))
    };
    let mut logged = step.recorded["log"].as_array().into_iter().flatten();
    let is_bad_key = ["store_set", "store_get", "store_del", "store_contains"].contains(&step.op())
        && step.step["key"].as_str().is_some_and(leaves);
    let mut stored = step.step["items"].as_object().into_iter().flatten();
    let is_bad_key = is_bad_key || stored.any(|(key, _)| leaves(key));
    if (is_bad_key || logged.any(in_log)) && step.recorded_ok().is_some() {
        return step.refused(&["is not a valid store key"]);
    }
    match step.recorded_ok() {
        Some(recorded) if step.op() == "store_keys" => {
            let keys = items(recorded).into_iter();
            step.lists(keys.filter(|key| !key.contains(".partial")).collect())
        }
        _ => AsRecorded,
    }
}

/// SQLite takes names as they are.
pub(super) fn b35(step: &Compared<'_>) -> Finding {
    let (Some(_), before) = (step.recorded_ok(), held(step, step.before)) else {
        return AsRecorded;
    };
    let folder = path(step, "path");
    let in_folder = || {
        before
            .iter()
            .filter_map(|(key, value)| Some((below(key, folder)?, value)))
    };
    match step.op() {
        "store_listdir" => {
            let names: BTreeSet<String> = in_folder()
                .filter_map(|(rest, _)| rest.split('/').next())
                .map(str::to_owned)
                .collect();
            step.lists(names)
        }
        "store_getsize" => {
            let direct = in_folder().filter(|(rest, _)| !rest.contains('/'));
            step.is(&direct.map(|(_, value)| value.len()).sum::<usize>().into())
        }
        "store_rmdir" => {
            let mut better = before.clone();
            better.retain(|key, _| below(key, folder).is_none());
            if makes(step, &better) { AsRecorded } else { Wrong }
        }
        _ => lists_what_is_held(step),
    }
}

/// A cache that has forgotten its values has the size of none.
pub(super) fn b36(step: &Compared<'_>) -> Finding {
    match (step.op(), step.recorded_ok()) {
        ("lru_state", Some(recorded)) if recorded["cached_keys"] == json!([]) => {
            let mut better = recorded.clone();
            better["current_size"] = 0.into();
            step.is(&better)
        }
        ("store_set", None) if step.recorded_class() == "KeyError" => {
            if step.value().is_some_and(Value::is_null) {
                Better
            } else {
                Wrong
            }
        }
        _ => AsRecorded,
    }
}

/// A temporary store has the separator that it was given.
pub(super) fn b37(step: &Compared<'_>) -> Finding {
    match step.recorded_ok() {
        Some(recorded) if step.op() == "store_keys" => {
            let keys = items(recorded).into_iter().map(|key| {
                let (above, name) = key.rsplit_once('/').unwrap_or(("", &key));
                let is_chunk = name.split('.').all(|part| part.parse::<u64>().is_ok());
                match (is_chunk, above) {
                    (false, _) => key,
                    (true, "") => name.replace('.', "/"),
                    (true, above) => format!("{above}/{}", name.replace('.', "/")),
                }
            });
            step.lists(keys.collect())
        }
        _ => AsRecorded,
    }
}

/// The stored size is that of all keys below.
pub(super) fn b49(step: &Compared<'_>) -> Finding {
    if step.op() != "store_getsize" || step.recorded_ok().is_none() {
        return AsRecorded;
    }
    let keys = held(step, step.after).into_iter();
    let sizes = keys.filter_map(|(key, value)| below(&key, path(step, "path")).map(|_| value.len()));
    step.is(&sizes.sum::<usize>().into())
}

/// Chunks of nothing are decoded to nothing.
pub(super) fn b42(step: &Compared<'_>) -> Finding {
    const CLASSES: [&str; 4] = ["RuntimeError", "ValueError", "IndexError", "TypeError"];
    match step.value() {
        Some(value) if step.op() == "codec_decode" && CLASSES.contains(&step.recorded_class()) => {
            if *value == json!({"hex": ""}) || value["shape"] == json!([0]) {
                Better
            } else {
                Wrong
            }
        }
        _ => AsRecorded,
    }
}
