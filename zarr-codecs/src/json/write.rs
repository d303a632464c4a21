//! JSON texts as Python writes them, byte for byte.

use std::fmt::Write;

use serde_json::{Number, Value};

/// How a document is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// What a line begins with, once a level; `None` for a single line.
    pub indent: Option<&'a str>,
    /// What stands between items, and between the name of a member and its value.
    pub separators: (&'a str, &'a str),
    /// Whether members are sorted by name.
    pub sorted: bool,
    /// Whether all that is not ASCII is escaped.
    pub ascii: bool,
}

impl Style<'_> {
    /// As zarr-python 2 writes V2 documents: four blanks a level, members by name.
    pub const V2: Self = Self {
        indent: Some("    "),
        separators: (",", ": "),
        sorted: true,
        ascii: true,
    };
    /// As zarr-python 3 writes V3 documents: two blanks a level, members in their order.
    pub const V3: Self = Self {
        indent: Some("  "),
        sorted: false,
        ..Self::V2
    };
}

/// Writes a document as Python's `json.dumps` would.
pub fn write(value: &Value, style: Style<'_>) -> Vec<u8> {
    // Most documents of arrays are smaller.
    let mut out = String::with_capacity(768);
    write_into(&mut out, value, style, 0);
    out.into_bytes()
}

/// Writes a value to the end of a text; `depth` lists and objects are around it.
pub fn write_into(out: &mut String, value: &Value, style: Style<'_>, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text_into(out, text, style),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                new_line(out, index, style, depth + 1);
                write_into(out, item, style, depth + 1);
            }
            new_line(out, 0, style, depth);
            out.push(']');
        }
        Value::Object(members) if members.is_empty() => out.push_str("{}"),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            if style.sorted {
                members.sort_by_key(|(name, _)| *name);
            }
            out.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                new_line(out, index, style, depth + 1);
                write_text_into(out, name, style);
                out.push_str(style.separators.1);
                write_into(out, value, style, depth + 1);
            }
            new_line(out, 0, style, depth);
            out.push('}');
        }
    }
}

/// Goes on to an item of a list or object, or to its end as if that were the first.
pub(crate) fn new_line(out: &mut String, index: usize, style: Style<'_>, depth: usize) {
    if index > 0 {
        out.push_str(style.separators.0);
    }
    if let Some(indent) = style.indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(indent, depth));
    }
}

/// Writes a text to the end of another, as a value or the name of a member is written.
pub fn write_text_into(out: &mut String, text: &str, style: Style<'_>) {
    out.push('"');
    if text.bytes().all(is_plain) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ if !style.ascii && c >= ' ' => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to a String succeeds");
                }
            }
        }
    }
    out.push('"');
}

/// Whether a character stands for itself in a text of any style.
pub(super) const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

fn write_number(out: &mut String, number: &Number) {
    let text = number.as_str();
    let is_integer = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    let float = (!is_integer).then(|| text.parse::<f64>().ok()).flatten();
    match float {
        Some(float) if float.is_finite() && text.bytes().any(|byte| byte.is_ascii_digit()) => {
            out.push_str(&python_float(float));
        }
        _ => out.push_str(text),
    }
}

/// The text of a float as Python's `repr` gives it: shortest, plain for exponents from -4 to 15.
#[expect(clippy::missing_panics_doc, reason = "a float in this format has an exponent")]
pub fn python_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').expect("the format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if number != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{number}");
    if plain.contains('.') { plain } else { plain + ".0" }
}
