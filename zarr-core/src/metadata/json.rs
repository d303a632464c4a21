//! JSON as metadata documents have it.
//!
//! `serde_json` holds the values; text goes in and out here because Zarr documents differ from plain JSON.
//! Reading: `NaN`, `Infinity` and `-Infinity` may stand bare (zarr-python writes them into attributes), a
//! member may not stand twice (readers would disagree which one counts), and nesting is bounded.
//! Writing: the bytes are those of Python's `json.dumps`, so that documents equal zarr-python's.

use std::fmt::Write;

use serde_json::{Map, Number, Value};

/// How deep values may nest.
const DEPTH_MAX: usize = 128;

/// Where a text is no JSON, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not valid JSON at byte {offset}: {reason}")]
pub struct JsonError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// Reads a document.
///
/// # Errors
/// [`JsonError`] for what is no JSON, is no UTF-8, has a member twice or nests over 128 levels.
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = str::from_utf8(bytes).map_err(|error| JsonError {
        offset: error.valid_up_to(),
        reason: "not UTF-8",
    })?;
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.space();
    if parser.at < text.len() {
        return Err(parser.error("text after the document"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl Parser<'_> {
    fn error(&self, reason: &'static str) -> JsonError {
        JsonError {
            offset: self.at,
            reason,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Takes a text if it comes next.
    fn take(&mut self, expected: &str) -> bool {
        let found = self.text[self.at..].starts_with(expected);
        self.at += if found { expected.len() } else { 0 };
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.space();
        match self.peek() {
            Some(b'{' | b'[') if depth == DEPTH_MAX => Err(self.error("nested over 128 levels")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number(),
            _ if self.take("true") => Ok(Value::Bool(true)),
            _ if self.take("false") => Ok(Value::Bool(false)),
            _ if self.take("null") => Ok(Value::Null),
            _ => Err(self.error("expected a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut members = Map::new();
        self.at += 1;
        self.space();
        if self.take("}") {
            return Ok(members.into());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a member name"));
            }
            let name = self.string()?;
            self.space();
            if !self.take(":") {
                return Err(self.error("expected a colon"));
            }
            let value = self.value(depth + 1)?;
            if members.insert(name, value).is_some() {
                return Err(self.error("member given twice"));
            }
            self.space();
            if self.take("}") {
                return Ok(members.into());
            }
            if !self.take(",") {
                return Err(self.error("expected a comma or a brace"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        let mut items = Vec::new();
        self.at += 1;
        self.space();
        if self.take("]") {
            return Ok(items.into());
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take("]") {
                return Ok(items.into());
            }
            if !self.take(",") {
                return Err(self.error("expected a comma or a bracket"));
            }
        }
    }

    /// A string, from its quotation mark on; the escapes are left to `serde_json`.
    fn string(&mut self) -> Result<String, JsonError> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(_) => end += 1,
                None => return Err(self.error("text without an end")),
            }
        }
        let quoted = &self.text[self.at..=end];
        let string = serde_json::from_str(quoted).map_err(|_| self.error("text with a bad escape"))?;
        self.at = end + 1;
        Ok(string)
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.take(word) {
                return Ok(bare(word));
            }
        }
        let is_part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
        let length = self.text.as_bytes()[self.at..]
            .iter()
            .take_while(|byte| is_part(byte))
            .count();
        // A number of a thousand digits is an attack, not a number.
        let text = &self.text[self.at..self.at + length];
        let number = Some(text)
            .filter(|text| text.len() <= 1000)
            .and_then(|text| text.parse::<Number>().ok());
        let number = number.ok_or_else(|| self.error("not a number"))?;
        self.at += length;
        Ok(number.into())
    }
}

/// A number that JSON has no digits for.
pub(crate) fn bare(word: &str) -> Value {
    Value::Number(Number::from_string_unchecked(word.to_owned()))
}

/// A float as a number; NaN and the infinities, which JSON has no digits for, as the bare words that Python writes.
pub fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| bare(&python_float(number)), Value::Number)
}

/// How a document is laid out.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    indent: usize,
    sorted: bool,
}

impl Style {
    /// As zarr-python 2 writes V2 documents: four blanks a level, members by name.
    pub const V2: Self = Self {
        indent: 4,
        sorted: true,
    };
    /// As zarr-python 3 writes V3 documents: two blanks a level, members in their order.
    pub const V3: Self = Self {
        indent: 2,
        sorted: false,
    };
}

/// Writes a document: ASCII only, as Python's `json.dumps` would.
pub fn write(value: &Value, style: Style) -> Vec<u8> {
    let mut out = String::new();
    write_value(&mut out, value, style, 0);
    out.into_bytes()
}

fn write_value(out: &mut String, value: &Value, style: Style, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                new_line(out, index, style, depth + 1);
                write_value(out, item, style, depth + 1);
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
                write_text(out, name);
                out.push_str(": ");
                write_value(out, value, style, depth + 1);
            }
            new_line(out, 0, style, depth);
            out.push('}');
        }
    }
}

fn new_line(out: &mut String, index: usize, style: Style, depth: usize) {
    if index > 0 {
        out.push(',');
    }
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', style.indent * depth));
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
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
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}").expect("writing to a String succeeds");
                }
            }
        }
    }
    out.push('"');
}

fn write_number(out: &mut String, number: &Number) {
    let text = number.as_str();
    let is_integer = text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(float) if !is_integer && float.is_finite() && text.bytes().any(|byte| byte.is_ascii_digit()) => {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
            (1.5e300, "1.5e+300"),
            (f64::from(0.1_f32), "0.10000000149011612"),
        ];
        for (number, expected) in cases {
            assert_eq!(python_float(number), expected);
        }
    }

    #[test]
    fn documents_are_written_as_python_writes_them() {
        let value = json!({"b": [1, 2.50], "a": {}, "\u{7f}ä😀": [], "n": null});
        let text = String::from_utf8(write(&value, Style::V2)).unwrap();
        let expected = "{\n    \"a\": {},\n    \"b\": [\n        1,\n        2.5\n    ],\n    \"n\": null,\n    \"\\u007f\\u00e4\\ud83d\\ude00\": []\n}";
        assert_eq!(text, expected);
    }

    #[test]
    fn bare_words_come_back() {
        let value = parse(b"[NaN, -Infinity, Infinity]").unwrap();
        assert_eq!(
            write(&value, Style::V2),
            b"[\n    NaN,\n    -Infinity,\n    Infinity\n]"
        );
    }

    #[test]
    fn bad_documents_are_refused() {
        let deep = "[".repeat(1_000_000);
        let long = "9".repeat(1_000_000);
        let bad = [
            "",
            "{",
            "{\"a\":1,\"a\":2}",
            "[1] 2",
            "\u{feff}{}",
            "{\"a\" 1}",
            "\"\\ud800\"",
            "01",
            "'a'",
            "[1,]",
            "\"a\nb\"",
            "-",
            "nul",
            &deep,
            &long,
        ];
        for text in bad {
            assert!(parse(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(parse(b"\xff").is_err());
        assert!(parse(("[".repeat(128) + &"]".repeat(128)).as_bytes()).is_ok());
    }

    #[test]
    fn large_integers_keep_their_digits() {
        let text = b"123456789012345678901234567890";
        assert_eq!(write(&parse(text).unwrap(), Style::V2), text);
    }
}
