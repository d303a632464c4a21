//! The literals of Python that headers of NumPy's files are made of: dictionaries, lists, tuples, texts, integers,
//! `True`, `False` and `None`.

use std::{fmt::Write, str::Chars};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// How deep literals may nest; records of records are two brackets a level.
const DEPTH_MAX: usize = 64;

/// Reads a literal; tuples become lists.
///
/// # Errors
/// When it is not understood, and when anything but white space follows it.
pub(super) fn parse(text: &str) -> Result<Value> {
    let mut parser = Parser { rest: text };
    let value = parser.value(0)?;
    parser.skip_space();
    ensure!(
        parser.rest.is_empty(),
        "{} follows the literal",
        excerpt(parser.rest)
    );
    Ok(value)
}

/// A text as a literal, in the quotes that Python would choose.
pub(super) fn text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut literal = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            c if c == quote || c == '\\' => literal.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(literal, "\\x{:02x}", u32::from(c));
            }
            c => literal.push(c),
        }
    }
    literal.push(quote);
    literal
}

fn excerpt(text: &str) -> String {
    format!("{:?}", text.chars().take(20).collect::<String>())
}

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Goes past a sign, if it comes next.
    fn takes(&mut self, sign: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        ensure!(depth < DEPTH_MAX, "nests deeper than {DEPTH_MAX} levels");
        self.skip_space();
        match self.rest.chars().next().context("ends too early")? {
            '{' => self.dictionary(depth),
            '(' => self.sequence('(', ')', depth),
            '[' => self.sequence('[', ']', depth),
            quote @ ('\'' | '"') => self.text(quote).map(Value::from),
            _ => self.word(),
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Value> {
        self.takes('{');
        let mut members = Map::new();
        while !self.takes('}') {
            let Value::String(name) = self.value(depth + 1)? else {
                bail!("a member's name is no text")
            };
            ensure!(
                self.takes(':'),
                "expected `:` after `{name}`, found {}",
                excerpt(self.rest)
            );
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            self.ends_item('}')?;
        }
        Ok(members.into())
    }

    fn sequence(&mut self, open: char, close: char, depth: usize) -> Result<Value> {
        self.takes(open);
        let mut items = Vec::new();
        while !self.takes(close) {
            items.push(self.value(depth + 1)?);
            self.ends_item(close)?;
        }
        Ok(items.into())
    }

    /// Goes past the comma after an item, which may be left out after the last one.
    fn ends_item(&mut self, close: char) -> Result<()> {
        if self.takes(',') || self.rest.starts_with(close) {
            return Ok(());
        }
        bail!("expected `,` or `{close}`, found {}", excerpt(self.rest))
    }

    fn text(&mut self, quote: char) -> Result<String> {
        let mut text = String::new();
        let mut chars = self.rest.chars();
        chars.next();
        loop {
            match chars.next().context("a text does not end")? {
                c if c == quote => break,
                '\\' => text.push(escaped(&mut chars)?),
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Ok(text)
    }

    /// A number, or one of the words that are literals.
    fn word(&mut self) -> Result<Value> {
        let is_in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '_');
        let end = self.rest.find(|c| !is_in_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = match word {
            "True" => true.into(),
            "False" => false.into(),
            "None" => Value::Null,
            // Python 2 marked long integers.
            _ => match word.trim_end_matches('L').parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => bail!("{} is no literal", excerpt(self.rest)),
            },
        };
        self.rest = rest;
        Ok(value)
    }
}

/// The character that an escape stands for.
fn escaped(chars: &mut Chars<'_>) -> Result<char> {
    match chars.next().context("a text does not end")? {
        'x' => numbered(chars, 2),
        'u' => numbered(chars, 4),
        'U' => numbered(chars, 8),
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        c @ ('\\' | '\'' | '"') => Ok(c),
        c => bail!("the escape `\\{c}` is not understood"),
    }
}

/// The character whose number follows.
fn numbered(chars: &mut Chars<'_>, n_digits: usize) -> Result<char> {
    let digits: String = chars.by_ref().take(n_digits).collect();
    let code = u32::from_str_radix(&digits, 16).ok();
    code.filter(|_| digits.len() == n_digits)
        .and_then(char::from_u32)
        .with_context(|| format!("{digits:?} is no character"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for (literal, value) in [
            ("{'a': (2,), 'b': [], }", json!({"a": [2], "b": []})),
            (
                "[('wind speed (m/s)', '<f4'), ('True', '<i4')]",
                json!([["wind speed (m/s)", "<f4"], ["True", "<i4"]]),
            ),
            (
                r#"("it's", 'say "x"', 'a\'b\\')"#,
                json!(["it's", "say \"x\"", "a'b\\"]),
            ),
            (r"'\x41\u00e9\U0001f40d\t'", json!("Aé🐍\t")),
            ("(True, False, None, -3, 10L)", json!([true, false, null, -3, 10])),
            ("  ( ( ) , ) \n", json!([[]])),
        ] {
            assert_eq!(parse(literal).unwrap(), value, "{literal}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        for text in [
            "", "{", "{'a'}", "{'a' 1}", "{1: 2}", "[1 2]", "(1,,)", "'a", r"'\q'", r"'\xg0'", "1.5", "os",
            "[] x", "'a' 'b",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }

    #[test]
    fn texts_come_back() {
        for original in ["a", "it's", "\"", "'\"", "\\", "tab\there", "\u{1}", "größe", ""] {
            assert_eq!(parse(&text(original)).unwrap(), json!(original), "{original:?}");
        }
        assert_eq!(text("it's"), "\"it's\"");
    }
}
