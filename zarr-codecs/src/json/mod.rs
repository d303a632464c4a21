//! JSON as metadata documents and the codec `json2` have it.
//!
//! `serde_json` holds the values; text goes in and out here because Zarr documents differ from plain JSON.
//! Reading: `NaN`, `Infinity` and `-Infinity` may stand bare (zarr-python writes them into attributes), a
//! member may not stand twice (readers would disagree which one counts), and nesting is bounded.
//! Writing: the bytes are those of Python's `json.dumps`, so that documents equal zarr-python's.

mod members;
mod write;

use std::fmt::Write;

use serde_json::{Map, Number, Value};

pub use self::members::members;
pub(crate) use self::write::new_line;
pub use self::write::{Style, python_float, write, write_into};

/// How deep values may nest.
const DEPTH_MAX: usize = 128;
/// About how many members a metadata document has; objects within are small.
const N_MEMBERS: usize = 12;

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
    let mut parser = Parser::new(text, false);
    let value = parser.value(0)?;
    parser.end()?;
    Ok(value)
}

/// Whether two values are written alike, members in the same order and numbers with the same digits.
pub fn is_same(one: &Value, other: &Value) -> bool {
    // Objects are equal in any order; all else that is equal has the same text, for numbers keep their digits.
    let is_plain = !one.is_object() && !one.is_array();
    is_plain && one == other || write(one, Style::V3) == write(other, Style::V3)
}

/// Reads values from a text one after the other.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Whether texts may have control characters that are not escaped.
    takes_controls: bool,
}

impl<'a> Parser<'a> {
    pub(crate) const fn new(text: &'a str, takes_controls: bool) -> Self {
        Self {
            text,
            at: 0,
            takes_controls,
        }
    }

    /// Where in the text the parser is, in bytes.
    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// Takes a sign that must come next.
    pub(crate) fn expect(&mut self, sign: &str, reason: &'static str) -> Result<(), JsonError> {
        self.space();
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.error(reason))
        }
    }

    /// Checks that nothing follows.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at < self.text.len() {
            return Err(self.error("text after the document"));
        }
        Ok(())
    }

    pub(crate) fn error(&self, reason: &'static str) -> JsonError {
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

    /// Takes a value; `depth` lists and objects are around it.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.space();
        match self.peek() {
            Some(b'{' | b'[') if depth >= DEPTH_MAX => Err(self.error("nested over 128 levels")),
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
        self.at += 1;
        self.space();
        if self.take("}") {
            return Ok(Map::new().into());
        }
        let mut members = Map::with_capacity(if depth == 0 { N_MEMBERS } else { 2 });
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
        let start = self.at + 1;
        let mut end = start;
        let mut is_plain = true;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_plain = false;
                    end += 2;
                }
                Some(byte) => {
                    is_plain &= *byte >= b' ';
                    end += 1;
                }
                None => return Err(self.error("text without an end")),
            }
        }
        if is_plain {
            self.at = end + 1;
            return Ok(self.text[start..end].to_owned());
        }
        let quoted = &self.text[self.at..=end];
        let is_control = |byte: u8| byte < b' ';
        let string = if self.takes_controls && quoted.bytes().any(is_control) {
            serde_json::from_str(&escaped(quoted))
        } else {
            serde_json::from_str(quoted)
        };
        let string = string.map_err(|_| self.error("text with a bad escape"))?;
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
        let text = &self.text[self.at..self.at + length];
        let number = if is_small_integer(text) {
            Number::from_string_unchecked(text.to_owned())
        } else {
            // A number of a thousand digits is an attack, not a number.
            let number = Some(text).filter(|text| text.len() <= 1000);
            let number = number.and_then(|text| text.parse().ok());
            number.ok_or_else(|| self.error("not a number"))?
        };
        self.at += length;
        Ok(number.into())
    }
}

/// Whether a text is a number that needs no closer look, as nearly all in documents are.
fn is_small_integer(text: &str) -> bool {
    match text.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [b'1'..=b'9', digits @ ..] => digits.len() < 18 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The text with its control characters escaped.
fn escaped(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len() + 16);
    for c in quoted.chars() {
        if c < ' ' {
            write!(text, "\\u{:04x}", u32::from(c)).expect("writing to a String succeeds");
        } else {
            text.push(c);
        }
    }
    text
}

/// A number that JSON has no digits for, or more digits than any type here.
pub fn bare(word: &str) -> Value {
    Value::Number(Number::from_string_unchecked(word.to_owned()))
}

/// A float as a number; NaN and the infinities, which JSON has no digits for, as the bare words that Python writes.
pub fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| bare(&python_float(number)), Value::Number)
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
