//! JSON as metadata documents and the codec `json2` have it.
//!
//! `serde_json` holds the values; text goes in and out here because Zarr documents differ from plain JSON.
//! Reading: `NaN`, `Infinity` and `-Infinity` may stand bare (zarr-python writes them into attributes), a
//! member may not stand twice (readers would disagree which one counts), and nesting is bounded.
//! Writing: the bytes are those of Python's `json.dumps`, so that documents equal zarr-python's.

mod marks;
mod members;
mod nest;
mod write;

use std::{borrow::Cow, collections::HashSet, fmt::Write};

use serde_json::{Map, Number, Value};

pub use self::members::{MemberTexts, MembersBelow, members, members_along};
pub use self::nest::nest_into;
pub(crate) use self::write::new_line;
pub use self::write::{Style, python_float, write, write_into, write_text_into};

/// How deep values may nest.
const DEPTH_MAX: usize = 128;
/// How many members most metadata documents have at most.
const N_MEMBERS: usize = 10;

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
    let mut parser = Parser::new(utf8(bytes)?, false);
    let value = parser.value(0)?;
    parser.end()?;
    Ok(value)
}

/// Reads a document that is an object, at less cost than [`parse`]: its members in their order.
///
/// ```
/// use zarr_codecs::json::parse_object;
/// let members = parse_object(br#"{"zarr_format": 2, "order": "C"}"#)?;
/// assert_eq!(members[1], ("order".into(), "C".into()));
/// # Ok::<(), zarr_codecs::json::JsonError>(())
/// ```
///
/// # Errors
/// Those of [`parse`], and for what is no object.
pub fn parse_object(bytes: &[u8]) -> Result<Vec<(Cow<'_, str>, Value)>, JsonError> {
    /// So many names are compared with each other sooner than they are hashed.
    const FEW: usize = 32;
    let mut parser = Parser::new(utf8(bytes)?, false);
    parser.space();
    if parser.peek() != Some(b'{') {
        return Err(parser.error("expected an object"));
    }
    let mut members: Vec<(Cow<'_, str>, Value)> = Vec::with_capacity(N_MEMBERS);
    let mut names = HashSet::new();
    parser.members(0, |name, value| {
        let is_new = if members.len() < FEW {
            members.iter().all(|(known, _)| *known != name)
        } else {
            if names.is_empty() {
                names.extend(members.iter().map(|(known, _)| known.clone()));
            }
            names.insert(name.clone())
        };
        members.push((name, value));
        is_new
    })?;
    parser.end()?;
    Ok(members)
}

fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    str::from_utf8(bytes).map_err(|error| JsonError {
        offset: error.valid_up_to(),
        reason: "not UTF-8",
    })
}

/// Whether two values are written alike, members in the same order and numbers with the same digits.
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let is_same = |((name, one), (other_name, other))| name == other_name && is_same(one, other);
            one.len() == other.len() && one.iter().zip(other).all(is_same)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        // 2.50 is written as 2.5.
        (Value::Number(_), Value::Number(_)) => {
            one == other || write(one, Style::V3) == write(other, Style::V3)
        }
        _ => one == other,
    }
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
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        self.at += rest.iter().position(|byte| !is_space(byte)).unwrap_or(rest.len());
    }

    /// Takes a text if it comes next.
    fn take(&mut self, expected: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.starts_with(expected.as_bytes());
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
        let mut members = Map::new();
        self.members(depth, |name, value| {
            if members.is_empty() {
                members = Map::with_capacity(if depth == 0 { N_MEMBERS } else { 2 });
            }
            members.insert(name.into_owned(), value).is_none()
        })?;
        Ok(members.into())
    }

    /// The members of an object, from its brace on; `add` says whether one is new.
    fn members(
        &mut self,
        depth: usize,
        mut add: impl FnMut(Cow<'a, str>, Value) -> bool,
    ) -> Result<(), JsonError> {
        self.at += 1;
        self.space();
        if self.take("}") {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a member name"));
            }
            let name = self.text()?;
            self.space();
            if !self.take(":") {
                return Err(self.error("expected a colon"));
            }
            let value = self.value(depth + 1)?;
            if !add(name, value) {
                return Err(self.error("member given twice"));
            }
            self.space();
            if self.take("}") {
                return Ok(());
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

    fn string(&mut self) -> Result<String, JsonError> {
        self.text().map(Cow::into_owned)
    }

    /// A string, from its quotation mark on; the escapes are left to `serde_json`.
    fn text(&mut self) -> Result<Cow<'a, str>, JsonError> {
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
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        let quoted = &self.text[self.at..=end];
        let is_control = |byte: u8| byte < b' ';
        let string = if self.takes_controls && quoted.bytes().any(is_control) {
            serde_json::from_str(&escaped(quoted))
        } else {
            serde_json::from_str(quoted)
        };
        let string: String = string.map_err(|_| self.error("text with a bad escape"))?;
        self.at = end + 1;
        Ok(string.into())
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
            assert!(parse_object(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(parse(b"\xff").is_err());
        assert!(parse(("[".repeat(128) + &"]".repeat(128)).as_bytes()).is_ok());
    }

    #[test]
    fn a_member_given_twice_is_found_among_few_and_many() {
        for n_members in [2, 31, 32, 33, 34, 100] {
            for (first, second) in [(0, 1), (0, n_members - 1), (n_members - 2, n_members - 1)] {
                let mut names: Vec<_> = (0..n_members).map(|number| format!("\"{number}\": 1")).collect();
                let whole = format!("{{{}}}", names.join(","));
                let members = parse_object(whole.as_bytes()).unwrap();
                assert_eq!(members.len(), n_members);
                assert_eq!(members[second], (second.to_string().into(), 1.into()));
                names[second] = names[first].clone();
                let text = format!("{{{}}}", names.join(","));
                let expected = parse(text.as_bytes()).unwrap_err();
                assert_eq!(parse_object(text.as_bytes()), Err(expected), "{text}");
            }
        }
    }

    #[test]
    fn values_are_the_same_if_they_are_written_alike() {
        let same = [
            ("2.50", "2.5"),
            ("[1, {\"a\": null}]", "[1,{\"a\":null}]"),
            ("\"a\"", "\"\\u0061\""),
        ];
        for (one, other) in same {
            let (one, other) = (parse(one.as_bytes()).unwrap(), parse(other.as_bytes()).unwrap());
            assert!(is_same(&one, &other), "{one} {other}");
        }
        let different = [
            ("1", "1.0"),
            ("{\"a\": 1, \"b\": 2}", "{\"b\": 2, \"a\": 1}"),
            ("[1]", "[1, 2]"),
            ("\"1\"", "1"),
            ("null", "false"),
            ("[]", "{}"),
        ];
        for (one, other) in different {
            let (one, other) = (parse(one.as_bytes()).unwrap(), parse(other.as_bytes()).unwrap());
            assert!(!is_same(&one, &other), "{one} {other}");
        }
    }

    #[test]
    fn large_integers_keep_their_digits() {
        let text = b"123456789012345678901234567890";
        assert_eq!(write(&parse(text).unwrap(), Style::V2), text);
    }
}
