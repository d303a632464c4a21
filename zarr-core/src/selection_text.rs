//! The text form of a selection, as `NumPy` would write it.

use std::fmt;

use crate::{Error, IndexArray, Result, Selection, SelectionItem, selection::Kind};

/// Reads a selection.
pub(crate) fn parse(text: &str) -> Result<Selection> {
    let text = text.trim();
    let text = text
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(text);
    let (mut items, mut fields) = (Vec::new(), Vec::new());
    for part in split(unbracketed(text))? {
        match quoted(part) {
            Some(name) => fields.push(name.to_owned()),
            None => items.push(item(part)?),
        }
    }
    Ok(Selection::new(items).fields(fields))
}

/// The inside of brackets that are no list: those around something else than integers and truths.
fn unbracketed(text: &str) -> &str {
    let inside = text
        .trim()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match inside {
        // Two lists begin and end like one.
        Some(inside) if list(inside).is_none() && is_balanced(inside) => inside,
        _ => text,
    }
}

fn is_balanced(text: &str) -> bool {
    let mut depth = 0_i32;
    text.bytes().all(|byte| {
        depth += i32::from(byte == b'[') - i32::from(byte == b']');
        depth >= 0
    })
}

/// Splits at the commas that are neither in brackets nor in quotes.
fn split(text: &str) -> Result<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut depth, mut quote, mut start) = (0_i32, None, 0);
    for (place, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open != c => {}
            (Some(_), _) => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..place]);
                start = place + 1;
            }
            _ => {}
        }
    }
    if depth != 0 || quote.is_some() {
        return Err(Error::selection(format!(
            "{text:?} has a bracket or a quote without its other"
        )));
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.trim().is_empty());
    Ok(parts)
}

/// The name of a field.
fn quoted(part: &str) -> Option<&str> {
    let part = part.trim();
    let inside = |quote: char| {
        let inside = part.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inside.contains(quote)).then_some(inside)
    };
    inside('\'').or_else(|| inside('"'))
}

fn item(text: &str) -> Result<SelectionItem> {
    let bad = || {
        Error::selection(format!(
            "{text:?} is neither an integer, a slice, a list nor an ellipsis"
        ))
    };
    let text = text.trim();
    if let Some(inside) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return list(inside).ok_or_else(bad);
    }
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| bad());
    let bound = |text: &str| (!text.trim().is_empty()).then(|| number(text)).transpose();
    let parts: Vec<_> = text.split(':').collect();
    Ok(match parts[..] {
        ["..."] => SelectionItem::Ellipsis,
        [one] => SelectionItem::Index(number(one)?),
        [start, stop] => SelectionItem::Slice {
            start: bound(start)?,
            stop: bound(stop)?,
            step: 1,
        },
        [start, stop, step] => SelectionItem::Slice {
            start: bound(start)?,
            stop: bound(stop)?,
            step: bound(step)?.unwrap_or(1),
        },
        _ => return Err(bad()),
    })
}

/// Integers or truths between commas.
fn list(text: &str) -> Option<SelectionItem> {
    let parts = text.split(',').map(str::trim);
    // A comma may stand behind the last one.
    let parts: Vec<_> = match text.trim() {
        "" => Vec::new(),
        _ => parts
            .clone()
            .take(parts.clone().count() - usize::from(text.trim().ends_with(',')))
            .collect(),
    };
    let truth = |part: &&str| match part.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    if !parts.is_empty()
        && let Some(values) = parts.iter().map(truth).collect()
    {
        return Some(SelectionItem::Mask(values));
    }
    let values: Option<Vec<i64>> = parts.iter().map(|part| part.parse().ok()).collect();
    values.map(SelectionItem::indices)
}

/// Writes a selection; what [`parse`] reads, but for the kinds that have no such form.
pub(crate) fn write(selection: &Selection, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut separator = "";
    for field in selection.field_names() {
        let quote = if field.contains('\'') { '"' } else { '\'' };
        write!(f, "{separator}{quote}{field}{quote}")?;
        separator = ", ";
    }
    let (name, items) = match &selection.kind {
        Kind::Items(items) => ("", items),
        Kind::Orthogonal(items) => ("orthogonal", items),
        Kind::Blocks(items) => ("blocks", items),
        Kind::Coordinates(arrays) => {
            write!(f, "{separator}coordinates(")?;
            for (index, array) in arrays.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                write_array(array, f)?;
            }
            return f.write_str(")");
        }
        Kind::Mask { shape, .. } => return write!(f, "{separator}mask of shape {shape:?}"),
    };
    if !name.is_empty() {
        write!(f, "{separator}{name}(")?;
        separator = "";
    }
    for item in items {
        f.write_str(separator)?;
        separator = ", ";
        match item {
            SelectionItem::Index(index) => write!(f, "{index}")?,
            SelectionItem::Ellipsis => f.write_str("...")?,
            SelectionItem::Slice { start, stop, step } => {
                let text = |bound: &Option<i64>| bound.map_or_else(String::new, |bound| bound.to_string());
                write!(f, "{}:{}", text(start), text(stop))?;
                if *step != 1 {
                    write!(f, ":{step}")?;
                }
            }
            SelectionItem::Indices(array) => write_array(array, f)?,
            SelectionItem::Mask(values) => write!(f, "{values:?}")?,
        }
    }
    f.write_str(if name.is_empty() { "" } else { ")" })
}

fn write_array(array: &IndexArray, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (array.shape(), array.values()) {
        ([], [one]) => write!(f, "{one}"),
        ([_], values) => write!(f, "{values:?}"),
        (shape, values) => write!(f, "{values:?} of shape {shape:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for text in [
            "",
            "0:10, ..., -1",
            "::2, 5:",
            "[4, 0, 4], :",
            "[true, false], 0",
            "[1, 2], [3, 4]",
            "'bar', 0:2",
            "'a, b', 'c]', [-1]",
            "\"it's\", 'a \"b\"', 0",
            "[]",
        ] {
            assert_eq!(Selection::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn brackets_around_a_selection_are_no_list() {
        for (text, same) in [
            ("(0, 1)", "0, 1"),
            ("[0:2, 1]", "0:2, 1"),
            ("[...]", "..."),
            ("[[0, 2], :]", "[0, 2], :"),
            ("[[0, 2]]", "[0, 2]"),
            ("([0, 2], [1, 3])", "[0, 2], [1, 3]"),
            ("[ 3 ]", "[3]"),
            ("[1,2,]", "[1, 2]"),
            ("[True, FALSE]", "[true, false]"),
            ("\"bar\"", "'bar'"),
        ] {
            assert_eq!(
                Selection::parse(text).unwrap(),
                Selection::parse(same).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_selection_is_refused() {
        for text in [
            "a:b",
            "1:2:3:4",
            "[1, x]",
            "[1, true]",
            "[1",
            "1]",
            "'bar",
            "'a'b'",
            "1.5",
            "[0:2], 1",
        ] {
            assert!(Selection::parse(text).is_err(), "{text}");
        }
    }
}
