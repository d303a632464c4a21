//! Rows about opening, saving, loading, and about arrays and their documents.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{AsRecorded, Better, Compared, Finding, LeftOut, Wrong, items, parsed, same_but};
use crate::conformance::transcripts::compare::same;

/// The modes in which things are opened.
const MODES: [&str; 6] = ["r", "r+", "a", "w", "w-", "x"];

/// The names in the directory of an archive.
fn names_in(archive: &[u8]) -> BTreeSet<Vec<u8>> {
    let entries = archive
        .windows(4)
        .enumerate()
        .filter(|(_, mark)| mark == b"PK\x01\x02");
    let name = |at: usize| {
        let length = u16::from_le_bytes(archive.get(at + 28..at + 30)?.try_into().ok()?);
        Some(archive.get(at + 46..at + 46 + usize::from(length))?.to_vec())
    };
    entries.filter_map(|(at, _)| name(at)).collect()
}

/// Whether an archive still has all that it had.
fn keeps_archive(step: &Compared<'_>, archive: &str) -> bool {
    let names = |snapshot: &super::Snapshot| snapshot.get(archive).map(|bytes| names_in(bytes));
    matches!((names(step.before), names(step.after)), (Some(before), Some(after)) if before.is_subset(&after))
}

fn shows(step: &Compared<'_>, part: &str) -> bool {
    let shown = step.value().and_then(|value| value["repr"].as_str());
    shown.is_some_and(|shown| shown.contains(part))
}

/// Consolidating the metadata of an archive keeps what is in it.
pub(super) fn b01(step: &Compared<'_>) -> Finding {
    match (step.op(), step.archive()) {
        ("consolidate_metadata", Some(archive)) => {
            if shows(step, "Group") && keeps_archive(step, &archive) {
                Better
            } else {
                Wrong
            }
        }
        _ => AsRecorded,
    }
}

/// A mode that cannot be is refused before the archive is touched.
pub(super) fn b02(step: &Compared<'_>) -> Finding {
    let mode = step.step["mode"].as_str().unwrap_or("r+");
    if step.op() != "open_consolidated" || step.archive().is_none() || ["r", "r+"].contains(&mode) {
        return AsRecorded;
    }
    if step.failure().is_some() && step.is_unchanged() {
        LeftOut
    } else {
        Wrong
    }
}

/// Every mode works on archives.
pub(super) fn b03(step: &Compared<'_>) -> Finding {
    let message = step.recorded["error"]["message"].as_str();
    if message.is_none_or(|message| !message.contains("ZipFile requires mode")) {
        return AsRecorded;
    }
    let mode = step.step["mode"].as_str().unwrap_or("r+");
    let archive = step.archive().and_then(|archive| step.before.get(&archive));
    let is_refused = match (mode, step.op()) {
        ("w-" | "x", _) => archive.is_some(),
        // What is not consolidated cannot be opened as such.
        (_, "open_consolidated") => {
            archive.is_none_or(|archive| !names_in(archive).contains(&b".zmetadata"[..]))
        }
        _ => archive.is_none(),
    };
    match (is_refused, step.failure(), step.value()) {
        (true, Some(failure), _) if step.is_unchanged() && !failure.ours.contains("requires mode") => LeftOut,
        (false, _, Some(_)) if shows(step, "<zarr.") => Better,
        _ => Wrong,
    }
}

/// An archive that is there is opened for changes, unless it is to be overwritten.
pub(super) fn b04(step: &Compared<'_>) -> Finding {
    let makes = ["group", "create", "array"].contains(&step.op());
    match step.archive() {
        Some(archive) if makes && step.step["overwrite"] != true => {
            if !keeps_archive(step, &archive) {
                Wrong
            } else if step.is_as_recorded() {
                AsRecorded
            } else if step.failure().is_some() && step.is_unchanged() {
                LeftOut
            } else {
                Wrong
            }
        }
        _ => AsRecorded,
    }
}

/// A directory with something else in it is not deleted, and a save that fails changes nothing.
pub(super) fn b05(step: &Compared<'_>) -> Finding {
    const DOCUMENTS: [&str; 4] = [".zarray", ".zgroup", ".zmetadata", "zarr.json"];
    if !["save", "save_array", "save_group"].contains(&step.op()) {
        return AsRecorded;
    }
    let files = step.files_before();
    let is_foreign = !files.is_empty() && !DOCUMENTS.iter().any(|name| files.contains_key(name));
    if is_foreign && step.recorded_ok().is_some() && step.step["path"].is_null() {
        return step.refused(&["is no Zarr node and holds"]);
    }
    match step.failure() {
        Some(_) if !files.is_empty() && !step.is_unchanged() => Wrong,
        Some(_) if !files.is_empty() && step.is_as_recorded() => LeftOut,
        _ => AsRecorded,
    }
}

/// A subgroup is a loader of its own.
pub(super) fn b07(step: &Compared<'_>) -> Finding {
    let are_items_whole = || {
        let items = step.value().and_then(Value::as_object).into_iter().flatten();
        let is_loader = |item: &Value| {
            let shown = item["repr"].as_str();
            shown.is_some_and(|shown| shown.starts_with("<LazyLoader: "))
        };
        let (loaders, others): (Vec<_>, Vec<_>) =
            items.map(|(_, item)| item).partition(|item| is_loader(item));
        !loaders.is_empty() && others.iter().all(|item| item["dtype"].is_string())
    };
    let is_better = match step.op() {
        "loader_get" => shows(step, "<LazyLoader: "),
        "loader_items" => are_items_whole(),
        _ => return AsRecorded,
    };
    if step.recorded["error"]["message"] != "Ellipsis" {
        AsRecorded
    } else if is_better {
        Better
    } else {
        Wrong
    }
}

/// Modes that do not exist are refused.
pub(super) fn b08(step: &Compared<'_>) -> Finding {
    let mode = step.step["mode"].as_str();
    let opens = ["open", "open_group", "open_array"].contains(&step.op());
    if !opens || mode.is_none_or(|mode| MODES.contains(&mode)) {
        return AsRecorded;
    }
    step.refused(&["mode"])
}

/// `group` tests the path that it is given.
pub(super) fn b09(step: &Compared<'_>) -> Finding {
    let path = |step: &Value| {
        step["path"]
            .as_str()
            .map(|path| path.trim_matches('/').to_owned())
    };
    if step.op() == "group" && step.recorded_class() == "zarr.errors.GroupNotFoundError" {
        let group = format!(
            "<zarr.hierarchy.Group '/{}'>",
            path(step.step).unwrap_or_default()
        );
        return if shows(step, &group) { Better } else { Wrong };
    }
    let (Some(recorded), "store_keys") = (step.recorded_ok(), step.op()) else {
        return AsRecorded;
    };
    let mut better = items(recorded);
    let groups = step.earlier.iter().filter(|earlier| earlier["op"] == "group");
    for path in groups.filter_map(path) {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let nodes = ends.map(|end| &path[..end]).filter(|node| !node.is_empty());
        better.extend(nodes.map(|node| format!("{node}/.zgroup")));
    }
    step.lists(better)
}

/// Messages name the path.
pub(super) fn b10(step: &Compared<'_>) -> Finding {
    let recorded = step.recorded["error"]["message"].as_str();
    if recorded.is_none_or(|message| !message.contains("%r")) {
        return AsRecorded;
    }
    let paths = [
        &step.step["path"],
        &step.step["store"]["path"],
        &step.step["store"]["pathlike"],
    ];
    let path = paths.into_iter().find_map(Value::as_str);
    let names_it = step.failure().is_some_and(|failure| {
        let text = failure.message.as_ref().unwrap_or(&failure.ours);
        let is_kind = failure.class == step.recorded_class();
        is_kind && !text.contains("%r") && path.is_none_or(|path| text.contains(path))
    });
    if names_it { Better } else { Wrong }
}

/// The default fill value of texts is empty.
pub(super) fn b11(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value)) = (step.recorded_ok(), step.value()) else {
        return AsRecorded;
    };
    match step.op() {
        "a_read" => {
            let mut better = recorded.clone();
            let is_text = better["dtype"]
                .as_str()
                .is_some_and(|dtype| dtype.contains(['U', 'S', 'O']));
            let items = better["data"].as_array_mut().into_iter().flatten();
            for item in items.filter(|item| is_text && (**item == "0" || **item == "30")) {
                *item = "".into();
            }
            step.is(&better)
        }
        "store_get" => {
            let (recorded, ours) = (parsed(recorded), parsed(value));
            let is_zero = recorded["fill_value"] == "0" || recorded["fill_value"] == "MA==";
            let is_empty = ours["fill_value"] == "" && same_but(&recorded, &ours, "fill_value");
            match (is_zero, is_empty) {
                (false, _) => AsRecorded,
                (true, true) => Better,
                (true, false) => Wrong,
            }
        }
        _ => AsRecorded,
    }
}

/// The separator is recorded where it is no dot, or where it was asked for.
pub(super) fn b12(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value), "store_get") = (step.recorded_ok(), step.value(), step.op()) else {
        return AsRecorded;
    };
    if step.is_as_recorded() {
        return AsRecorded;
    }
    let without_dot = |document: Value| {
        let mut document = document;
        if document["dimension_separator"] == "."
            && let Some(members) = document.as_object_mut()
        {
            members.remove("dimension_separator");
        }
        document
    };
    let (recorded, ours) = (without_dot(parsed(recorded)), without_dot(parsed(value)));
    let is_kept = recorded.is_object() && same(&recorded, &ours);
    let mut slashed = recorded;
    slashed["dimension_separator"] = "/".into();
    if is_kept || same(&slashed, &ours) {
        Better
    } else {
        Wrong
    }
}

/// Chunks are counted by the keys that are chunks of the grid.
pub(super) fn b17(step: &Compared<'_>) -> Finding {
    let (Some(recorded), "a_props") = (step.recorded_ok(), step.op()) else {
        return AsRecorded;
    };
    let numbers = |name: &str| -> Vec<u64> {
        let list = recorded[name].as_array().into_iter().flatten();
        list.filter_map(Value::as_u64).collect()
    };
    let (shape, chunks) = (numbers("shape"), numbers("chunks"));
    let separator = recorded["dimension_separator"].as_str().unwrap_or(".");
    let path = recorded["path"].as_str().unwrap_or_default();
    let keys = Compared::keys_of(step.after, step.variable());
    let in_array = keys.keys().filter_map(|key| {
        let rest = key.strip_prefix(path)?;
        if path.is_empty() {
            Some(rest)
        } else {
            rest.strip_prefix('/')
        }
    });
    let is_chunk = |name: &&str| {
        if shape.is_empty() {
            return *name == "0";
        }
        let parts: Vec<Option<u64>> = name.split(separator).map(|part| part.parse().ok()).collect();
        let grid = shape.iter().zip(&chunks);
        parts.len() == shape.len()
            && parts.iter().zip(grid).all(|(part, (length, chunk))| {
                part.is_some_and(|part| part < length.div_ceil((*chunk).max(1)))
            })
    };
    let mut better = recorded.clone();
    better["nchunks_initialized"] = in_array.filter(is_chunk).count().into();
    step.is(&better)
}

fn is_zero(data: &Value) -> bool {
    match data {
        Value::Array(items) => items.iter().all(is_zero),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.bytes().all(|digit| digit == b'0'),
        other => *other == false,
    }
}

/// Without a fill value, chunks that are not stored read as zeros.
pub(super) fn b38(step: &Compared<'_>) -> Finding {
    match (step.op(), step.recorded_ok(), step.value()) {
        ("a_read", Some(recorded), Some(value)) if !step.is_as_recorded() => {
            if same_but(recorded, value, "data") && is_zero(&value["data"]) {
                Better
            } else {
                Wrong
            }
        }
        _ => AsRecorded,
    }
}

/// Negative lengths and empty chunks are refused.
pub(super) fn b39(step: &Compared<'_>) -> Finding {
    let has = |name: &str, is_bad: fn(&i64) -> bool| {
        let value = &step.step[name];
        let list = value
            .as_array()
            .map_or(std::slice::from_ref(value), Vec::as_slice);
        list.iter().filter_map(Value::as_i64).any(|n| is_bad(&n))
    };
    let makes = ["create", "array", "g_create_dataset", "open_array", "a_resize"].contains(&step.op());
    let is_bad = has("shape", |length| *length < 0) || has("chunks", |chunk| *chunk == 0);
    if !makes || !is_bad || (step.recorded_ok().is_none() && step.is_as_recorded() && step.is_unchanged()) {
        return AsRecorded;
    }
    step.refused(&["must be at least 1", "is negative"])
}

/// Minus zero is stored where the fill value is zero.
pub(super) fn b40(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value), true) = (step.recorded_ok(), step.value(), step.lists_keys()) else {
        return AsRecorded;
    };
    let (recorded, ours) = (items(recorded), items(value));
    let is_written = step
        .earlier
        .iter()
        .any(|earlier| earlier["op"] == "a_write" && earlier["value"].to_string().contains("-0.0"));
    let is_chunk = |key: &String| {
        let name = key.rsplit('/').next().unwrap_or_default();
        name.split('.').all(|part| part.parse::<u64>().is_ok())
    };
    if recorded == ours || !is_written {
        AsRecorded
    } else if recorded.is_subset(&ours) && ours.difference(&recorded).all(is_chunk) {
        Better
    } else {
        Wrong
    }
}

/// A fill value is no longer than its type.
pub(super) fn b41(step: &Compared<'_>) -> Finding {
    let (Some(recorded), Some(value), "store_get") = (step.recorded_ok(), step.value(), step.op()) else {
        return AsRecorded;
    };
    let (recorded, ours) = (parsed(recorded), parsed(value));
    let (Some(whole), Some(dtype)) = (recorded["fill_value"].as_str(), recorded["dtype"].as_str()) else {
        return AsRecorded;
    };
    let Some(length) = dtype.get(2..).and_then(|digits| digits.parse::<usize>().ok()) else {
        return AsRecorded;
    };
    let cut = ours["fill_value"].as_str().unwrap_or_default();
    let (is_longer, is_cut) = match dtype.as_bytes()[1] {
        b'U' => (
            whole.chars().count() > length,
            cut.chars().eq(whole.chars().take(length)),
        ),
        // Bytes stand there in base64: three bytes are four digits.
        b'S' => {
            let digits = length.div_ceil(3) * 4;
            let is_longer = whole.trim_end_matches('=').len() > (length * 4).div_ceil(3);
            let whole_groups = length / 3 * 4;
            (
                is_longer,
                cut.len() == digits && cut.get(..whole_groups) == whole.get(..whole_groups),
            )
        }
        _ => return AsRecorded,
    };
    match (is_longer, is_cut && same_but(&recorded, &ours, "fill_value")) {
        (false, _) => AsRecorded,
        (true, true) => Better,
        (true, false) => Wrong,
    }
}

/// The attributes that are handed out are a copy.
pub(super) fn b47(step: &Compared<'_>) -> Finding {
    if step.op() != "attrs_asdict_mutate" {
        AsRecorded
    } else if step.failure().is_none() && step.is_unchanged() {
        LeftOut
    } else {
        Wrong
    }
}
