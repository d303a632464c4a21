//! Functions without a store.

use serde_json::{Value, json};
use zarr_convenience::core::{
    NodePath, guess_chunk_shape,
    metadata::json::{Style, write},
};

use super::{
    Operation,
    options::chunks_of,
    outcome::{Failure, Fault, Outcome},
    session::Session,
    values,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("json_document", json_document),
    ("normalize_chunks", normalize_chunks),
    ("guess_chunks", guess_chunks),
    ("normalize_path", normalize_path),
];

#[expect(clippy::unnecessary_wraps, reason = "operations have one form")]
fn json_document(_: &mut Session, step: &Value) -> Outcome {
    Ok(String::from_utf8_lossy(&write(&step["value"], Style::V2)).into())
}

/// Each case: `chunks`, a shape and, if it matters, the size of an element.
fn normalize_chunks(_: &mut Session, step: &Value) -> Outcome {
    const ITEM_SIZE: usize = 8;
    let mut shown = Vec::new();
    for case in step["cases"].as_array().into_iter().flatten() {
        let shape = values::lengths(&case[1])?;
        let size = case[2].as_u64().map_or(ITEM_SIZE, |size| size as usize);
        shown.push(match chunks_of(&case[0])?.resolve(&shape) {
            Ok(Some(chunks)) => json!(chunks),
            Ok(None) => json!(guess_chunk_shape(&shape, size)),
            Err(error) => match Fault::from(error) {
                Fault::Failed(failure) => {
                    json!({"error": format!("{}: {}", failure.class, failure.message.unwrap_or(failure.ours))})
                }
                unsupported @ Fault::Unsupported(_) => return Err(unsupported),
            },
        });
    }
    Ok(shown.into())
}

/// Each case: a shape and the size of an element; a step may be one case of its own.
fn guess_chunks(_: &mut Session, step: &Value) -> Outcome {
    let guess = |shape: &Value, size: &Value| -> Outcome {
        let size = size
            .as_u64()
            .ok_or_else(|| Fault::unsupported(format!("size {size}")))?;
        Ok(json!(guess_chunk_shape(&values::lengths(shape)?, size as usize)))
    };
    let size_of = |case: &Value| {
        let names = ["typesize", "itemsize", "item_size"];
        names
            .iter()
            .find_map(|name| case.get(name).cloned())
            .unwrap_or_default()
    };
    match step["cases"].as_array() {
        Some(cases) => cases
            .iter()
            .map(|case| match case {
                Value::Object(_) => guess(&case["shape"], &size_of(case)),
                _ => guess(&case[0], &case[1]),
            })
            .collect(),
        None => guess(&step["shape"], &size_of(step)),
    }
}

/// One value, or each of several; what is no text is taken by its text (`v2-semantics` 2.6).
fn normalize_path(_: &mut Session, step: &Value) -> Outcome {
    let normal = |value: &Value| -> Outcome {
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => return Err(Fault::unsupported(format!("path {other}"))),
        };
        let path = NodePath::new(&text).map_err(|error| {
            let wanted = "path containing '.' or '..' segment not allowed";
            if error.to_string().contains(wanted) {
                Failure::new("ValueError", wanted)
            } else {
                Failure::class("ValueError", error.to_string())
            }
        })?;
        Ok(path.as_str().into())
    };
    match step["values"].as_array() {
        Some(values) => values.iter().map(normal).collect(),
        None => normal(step.get("value").unwrap_or(&step["path"])),
    }
}
