//! Whether a step came to what was recorded.

use serde_json::Value;

use super::outcome::{Fault, Outcome};

/// Origins of errors of which only the failure counts.
const FOREIGN: [&str; 2] = ["runtime", "h5py"];
/// Most characters of a value in a report.
const SHOWN_MAX: usize = 160;

/// Whether an outcome and its log are what was recorded or declared.
pub(super) fn matches(expected: &Value, outcome: &Outcome, log: Option<&Value>) -> bool {
    let result = match (expected.get("ok"), expected.get("error"), outcome) {
        (Some(expected), None, Ok(value)) => same(expected, value),
        (None, Some(expected), Err(Fault::Failed(failure))) => {
            let is_foreign = expected["origin"]
                .as_str()
                .is_some_and(|origin| FOREIGN.contains(&origin));
            let same_class = expected
                .get("class")
                .is_none_or(|class| class == failure.class.as_str());
            let same_text = match (&failure.message, expected.get("message")) {
                (Some(message), Some(expected)) => expected == message.as_str(),
                _ => true,
            };
            is_foreign || (same_class && same_text)
        }
        _ => false,
    };
    result
        && expected
            .get("log")
            .is_none_or(|expected| log.is_some_and(|log| same(expected, log)))
}

/// Whether two values are the same: numbers by value and kind, members in any order.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            let (x, y) = (x.to_string(), y.to_string());
            let is_float = |text: &str| text.contains(['.', 'e', 'E']);
            x == y || (is_float(&x) && is_float(&y) && x.parse::<f64>().ok() == y.parse::<f64>().ok())
        }
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(name, x)| y.get(name).is_some_and(|y| same(x, y)))
        }
        _ => a == b,
    }
}

/// What was recorded, in short.
pub(super) fn shown(expected: &Value, other: &str) -> String {
    let text = match (expected.get("ok"), expected.get("error")) {
        (Some(value), _) => value.to_string(),
        (_, Some(error)) => match error.get("class") {
            Some(_) => format!("{}: {}", error["class"].as_str().unwrap_or(""), error["message"]),
            None => "an error".to_owned(),
        },
        _ => String::new(),
    };
    match expected.get("log") {
        Some(log) => excerpt(&format!("{text} log {log}"), other),
        None => excerpt(&text, other),
    }
}

/// What came, in short.
pub(super) fn shown_outcome(outcome: &Outcome, log: Option<&Value>) -> String {
    let text = match outcome {
        Ok(value) => value.to_string(),
        Err(Fault::Failed(failure)) => {
            let message = failure.message.as_deref().unwrap_or(&failure.ours);
            format!("{}: {message:?}", failure.class)
        }
        Err(Fault::Unsupported(what)) => format!("unsupported: {what}"),
    };
    match log {
        Some(log) => format!("{text} log {log}"),
        None => text,
    }
}

/// A text from a little before where it begins to differ from another.
pub(super) fn excerpt(text: &str, other: &str) -> String {
    const BEFORE: usize = 40;
    if text.chars().count() <= SHOWN_MAX {
        return text.to_owned();
    }
    let equal = text
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let start = equal.saturating_sub(BEFORE);
    let part: String = text.chars().skip(start).take(SHOWN_MAX).collect();
    let dots = if start > 0 { "..." } else { "" };
    format!("{dots}{part}...")
}
