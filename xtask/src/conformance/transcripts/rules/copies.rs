//! Rows about copies and trees.

use serde_json::Value;

use super::{
    AsRecorded, Better, Compared, Finding, LeftOut, Wrong,
    copied::{has_needless_documents, is_complete, lines},
    items, parsed,
};
use crate::conformance::transcripts::compare::same;

const IF_EXISTS: [&str; 4] = ["raise", "replace", "skip", "skip_initialized"];

/// Whether a dry run tells of all nodes and changes nothing.
fn dry_run(step: &Compared<'_>) -> Finding {
    let last = lines(step.log).and_then(|lines| lines.last().cloned());
    let is_told = last.is_none_or(|line| line.starts_with("dry run: "));
    if is_complete(step, false) == Better && is_told && step.is_unchanged() {
        LeftOut
    } else {
        Wrong
    }
}

/// `copy_all` honours its options, and attributes have any name.
pub(super) fn b13(step: &Compared<'_>) -> Finding {
    if ["attrs", "h5_attrs"].contains(&step.op()) {
        return b13_attributes(step);
    }
    if !step.is_copy() {
        return AsRecorded;
    }
    let if_exists = step.step["if_exists"].as_str();
    if if_exists.is_some_and(|word| !IF_EXISTS.contains(&word)) {
        return step.refused(&["if_exists must be one of"]);
    }
    if step.op() != "copy_all" {
        return AsRecorded;
    }
    let fails =
        ["TypeError", "PermissionError", "zarr.errors.ReadOnlyError"].contains(&step.recorded_class());
    let is_dry = step.step["dry_run"] == true;
    match (is_dry, fails) {
        (true, true) => dry_run(step),
        (true, false) if !step.is_unchanged() => Wrong,
        (true, false) if step.is_as_recorded() => LeftOut,
        (false, true) => is_complete(step, true),
        (false, false) if step.step["without_attrs"] == true && !keeps_attributes(step) => Wrong,
        _ => AsRecorded,
    }
}

/// Whether the attributes of the destination are those from before.
fn keeps_attributes(step: &Compared<'_>) -> bool {
    let variable = step.step["dest"].as_str().unwrap_or_default();
    let variable = variable.split(':').next().unwrap_or_default();
    let path = step.copying.first().map_or("", |root| &root.path);
    let key = if path.is_empty() {
        format!("{variable}:.zattrs")
    } else {
        format!("{variable}:{path}/.zattrs")
    };
    step.before.get(&key) == step.after.get(&key)
}

/// The attributes of a destination that `copy_all` was to leave alone, or could not write.
fn b13_attributes(step: &Compared<'_>) -> Finding {
    let into = |earlier: &&Value| earlier["op"] == "copy_all" && earlier["dest"] == step.step["target"];
    let Some(copy) = step.earlier.iter().rev().find(into) else {
        return AsRecorded;
    };
    if copy["dry_run"] == true || step.is_as_recorded() {
        return AsRecorded;
    }
    let is_root = |copied: &&super::Copied| !copied.is_member;
    let copied = step.copied.iter().rev().find(is_root);
    let held = Compared::keys_of(step.after, step.variable())
        .get(".zattrs")
        .map(|bytes| serde_json::from_slice(bytes).unwrap_or_default());
    let better = match (copy["without_attrs"] == true, copied) {
        (false, Some(copied)) => Value::Object(copied.attributes.clone()),
        _ => held.unwrap_or_else(|| serde_json::json!({})),
    };
    step.is(&better)
}

/// No attribute document without attributes.
pub(super) fn b14(step: &Compared<'_>) -> Finding {
    if has_needless_documents(step) {
        Wrong
    } else {
        AsRecorded
    }
}

/// A dry run shows what would be done where an array would be replaced by a group.
pub(super) fn b15(step: &Compared<'_>) -> Finding {
    let fails = ["AttributeError", "TypeError"].contains(&step.recorded_class());
    if step.is_copy() && step.step["dry_run"] == true && fails {
        dry_run(step)
    } else {
        AsRecorded
    }
}

/// A node of the other kind is in the way of `skip_initialized`.
pub(super) fn b16(step: &Compared<'_>) -> Finding {
    let is_asked = step.is_copy() && step.step["if_exists"] == "skip_initialized";
    let variable = step.step["dest"].as_str().unwrap_or_default();
    let held = Compared::keys_of(step.before, variable.split(':').next().unwrap_or_default());
    let clashes = step.copying.iter().any(|node| {
        let other = if node.array.is_some() {
            ".zgroup"
        } else {
            ".zarray"
        };
        held.contains_key(format!("{}/{other}", node.path).as_str())
    });
    if !is_asked || !clashes {
        return AsRecorded;
    }
    match step.failure() {
        Some(failure) if failure.class == "zarr.errors.CopyError" => step.refused(&[""]),
        _ => Wrong,
    }
}

/// Nothing is copied onto or into itself (rows B18 and B19).
pub(super) fn b18(step: &Compared<'_>) -> Finding {
    let [source, dest] = ["source", "dest"].map(|name| {
        let text = step.step[name].as_str().unwrap_or_default();
        text.split(':').next().unwrap_or_default()
    });
    let is_same_store = source == dest
        || Compared::keys_of(step.before, source) == Compared::keys_of(step.before, dest)
            && !Compared::keys_of(step.before, source).is_empty();
    let is_itself = step.copying.first().is_some_and(|node| {
        let rest = node.path.strip_prefix(&node.source);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || node.source.is_empty())
    });
    if !step.is_copy() || !is_same_store || !is_itself {
        return AsRecorded;
    }
    // Where nothing would be written there is nothing to refuse.
    let writes_nothing = step.recorded_ok().is_none_or(|counts| counts[0] == 0);
    if writes_nothing && step.is_as_recorded() && step.is_unchanged() {
        return AsRecorded;
    }
    step.refused(&["cannot be copied to"])
}

/// Arrays without dimensions, without elements and with long chunks go to HDF5.
pub(super) fn b21(step: &Compared<'_>) -> Finding {
    if !step.is_copy() || !["TypeError", "ValueError"].contains(&step.recorded_class()) {
        return AsRecorded;
    }
    let is_odd = |node: &super::Copied| {
        let array = node.array.as_ref();
        array.is_some_and(|array| array.ndim == 0 || array.size == 0)
    };
    match step.value() {
        Some(_) => is_complete(step, true),
        None if step.copying.iter().any(is_odd) => Wrong,
        None => AsRecorded,
    }
}

/// Attributes and texts of HDF5 are copied, in the forms that JSON has.
pub(super) fn b22(step: &Compared<'_>) -> Finding {
    if step.is_copy() && ["TypeError", "ValueError"].contains(&step.recorded_class()) {
        return is_complete(step, true);
    }
    let target = step.step["target"].as_str().unwrap_or_default();
    let path = target.split_once(':').map_or("", |(_, path)| path);
    let copied = step.copied.iter().rev().find(|copied| copied.path == path);
    match copied {
        Some(copied) if step.op() == "attrs" => step.is(&Value::Object(copied.attributes.clone())),
        _ => AsRecorded,
    }
}

/// Records with texts become documents that can be read.
pub(super) fn b23(step: &Compared<'_>) -> Finding {
    if step.is_copy() && step.recorded_class() == "zarr.errors.MetadataError" {
        is_complete(step, true)
    } else {
        AsRecorded
    }
}

/// An attribute called `filters` is copied like any other.
pub(super) fn b24(step: &Compared<'_>) -> Finding {
    if step.is_copy() && ["AttributeError", "TypeError"].contains(&step.recorded_class()) {
        return is_complete(step, true);
    }
    let target = step.step["target"].as_str().unwrap_or_default();
    let path = target.split_once(':').map_or("", |(_, path)| path);
    let copied = step.copied.iter().rev().find(|copied| copied.path == path);
    let filters = copied.and_then(|copied| copied.attributes.get("filters"));
    match (step.op(), filters, step.recorded_ok()) {
        ("h5_attrs" | "attrs", Some(filters), Some(recorded)) => {
            let mut better = recorded.clone();
            better["filters"] = filters.clone();
            step.is(&better)
        }
        _ => AsRecorded,
    }
}

/// Copies keep the separator, and chunks that are missing.
pub(super) fn b25(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value)) = (step.recorded_ok(), step.value()) else {
        return AsRecorded;
    };
    let member = step.step["target"]
        .as_str()
        .and_then(|target| target.split_once(':'));
    let key = step.step["key"]
        .as_str()
        .and_then(|key| key.strip_suffix("/.zarray"));
    let path = member.map(|(_, path)| path).or(key);
    let copied = step
        .copied
        .iter()
        .rev()
        .find(|copied| Some(&*copied.path) == path);
    let separator = copied.and_then(|copied| copied.array.as_ref()?.separator);
    match (step.op(), separator) {
        ("a_props", Some(separator)) => {
            let mut better = recorded.clone();
            better["dimension_separator"] = separator.to_string().into();
            step.is(&better)
        }
        ("store_get", Some(separator)) if separator != '.' => {
            let (recorded, ours) = (parsed(recorded), parsed(value));
            let is_kept = ours["dimension_separator"] == separator.to_string();
            let mut better = recorded.clone();
            better["dimension_separator"] = separator.to_string().into();
            match is_kept && same(&better, &ours) {
                true if same(&recorded, &ours) => AsRecorded,
                true => Better,
                false => Wrong,
            }
        }
        _ if step.lists_keys() => {
            let ours = items(value);
            let is_filled = |copied: &super::Copied| ours.iter().any(|key| copied.is_absent_chunk(key));
            if step.copied.iter().any(is_filled) {
                Wrong
            } else {
                AsRecorded
            }
        }
        _ => AsRecorded,
    }
}

/// The group itself has no name in itself.
pub(super) fn b26(step: &Compared<'_>) -> Finding {
    const REASONS: [&str; 3] = [
        "is that of the destination itself",
        "the group itself",
        "cannot be copied to",
    ];
    let names_itself = step.step["name"]
        .as_str()
        .is_some_and(|name| name.trim_matches('/').is_empty());
    let is_about =
        step.op() == "copy" || ["g_del", "g_create_dataset", "g_create_group"].contains(&step.op());
    if !is_about || !names_itself {
        return AsRecorded;
    }
    let fails = !step.recorded_class().is_empty();
    if fails && step.is_as_recorded() && step.is_unchanged() {
        return AsRecorded;
    }
    step.refused(&REASONS)
}

/// `copy_store` finds clashes before it writes, and what it makes can be opened from above.
pub(super) fn b27(step: &Compared<'_>) -> Finding {
    let is_partial = lines(step.recorded.get("log")).is_some_and(|lines| !lines.is_empty());
    if step.op() == "copy_store" && step.recorded_class() == "zarr.errors.CopyError" {
        return match step.failure() {
            Some(failure) if failure.class == "zarr.errors.CopyError" => {
                let finding = step.refused(&["exists in destination"]);
                if is_partial || finding == Wrong {
                    finding
                } else {
                    AsRecorded
                }
            }
            _ => Wrong,
        };
    }
    AsRecorded
}

/// The groups above that `copy_store` makes, in lists of keys and where they are opened (row B27).
pub(super) fn made_above(step: &Compared<'_>) -> Finding {
    let recorded = step.recorded_ok().map(items).unwrap_or_default();
    if step.lists_keys() && !recorded.is_empty() {
        let groups = groups_above(step).into_iter().filter(|(_, dest_path)| {
            let documents = [".zarray", ".zgroup"].map(|name| format!("/{name}"));
            let is_node = |key: &&String| documents.iter().any(|name| key.ends_with(name));
            recorded
                .iter()
                .filter(is_node)
                .any(|key| key.starts_with(dest_path.as_str()))
        });
        let keys = groups.map(|(group, _)| match group.as_str() {
            "" => ".zgroup".to_owned(),
            group => format!("{group}/.zgroup"),
        });
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() {
            return AsRecorded;
        }
        return step.lists(recorded.iter().cloned().chain(keys).collect());
    }
    let opened = step.step["path"].as_str().unwrap_or_default();
    let is_above = || groups_above(step).iter().any(|(group, _)| group == opened);
    if step.op() == "open" && step.recorded_class() == "zarr.errors.PathNotFoundError" && is_above() {
        let shown = step.value().and_then(|value| value["repr"].as_str());
        let group = format!("<zarr.hierarchy.Group '/{opened}'");
        return match shown {
            Some(shown) if shown.starts_with(&group) && step.is_unchanged() => Better,
            _ => Wrong,
        };
    }
    AsRecorded
}

/// The paths above those that earlier `copy_store`s wrote to in the store of a step, each with that path.
fn groups_above(step: &Compared<'_>) -> Vec<(String, String)> {
    let copies = step
        .earlier
        .iter()
        .filter(|earlier| earlier["op"] == "copy_store" && earlier["dest"] == step.variable());
    let mut groups = Vec::new();
    for copy in copies {
        let dest_path = copy["dest_path"].as_str().unwrap_or_default().trim_matches('/');
        let mut above = dest_path.rsplit_once('/').map_or("", |(above, _)| above);
        while !dest_path.is_empty() {
            groups.push((above.to_owned(), dest_path.to_owned()));
            if above.is_empty() {
                break;
            }
            above = above.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }
    groups
}

/// Trees of N5 show nodes, and nothing behind the names of groups.
pub(super) fn b44(step: &Compared<'_>) -> Finding {
    let recorded = step.recorded_ok().and_then(Value::as_str);
    match (step.op(), recorded) {
        ("tree" | "tree_ascii", Some(recorded)) => {
            let lines: Vec<_> = recorded
                .lines()
                .map(|line| line.split(" <zarr.").next().unwrap_or_default())
                .collect();
            step.is(&lines.join("\n").into())
        }
        _ => AsRecorded,
    }
}

/// Links that lead nowhere or round and round are shown.
pub(super) fn b45(step: &Compared<'_>) -> Finding {
    if !["AttributeError", "KeyError", "RecursionError"].contains(&step.recorded_class()) {
        return AsRecorded;
    }
    if step.is_copy() {
        return is_complete(step, true);
    }
    if !["tree", "tree_ascii"].contains(&step.op()) {
        return AsRecorded;
    }
    let made = ["h5_softlink", "h5_group", "h5_dataset"];
    let mut names = step
        .earlier
        .iter()
        .filter(|earlier| made.iter().any(|op| earlier["op"] == *op))
        .filter_map(|earlier| earlier["name"].as_str());
    let Some(text) = step.value().and_then(Value::as_str) else {
        return Wrong;
    };
    let is_shown = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or_default();
        text.lines().any(|line| line.split(' ').any(|word| word == last))
    };
    if names.all(is_shown) && step.is_unchanged() {
        Better
    } else {
        Wrong
    }
}

/// A root array is shown and copied by its path; what is no node is an error of its kind.
pub(super) fn b46(step: &Compared<'_>) -> Finding {
    if step.recorded_class() != "AttributeError" {
        return AsRecorded;
    }
    match (step.op(), step.value(), step.failure()) {
        ("tree" | "tree_ascii", Some(value), _) => {
            let is_root = value.as_str().is_some_and(|text| text.starts_with("/ ("));
            if is_root && step.is_unchanged() {
                Better
            } else {
                Wrong
            }
        }
        ("copy", Some(_), _) => is_complete(step, true),
        (_, None, Some(failure)) if ["TypeError", "ValueError"].contains(&&*failure.class) => {
            step.refused(&[""])
        }
        _ => Wrong,
    }
}
