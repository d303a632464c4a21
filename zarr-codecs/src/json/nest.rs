//! Documents that are put into others as they are.

use super::{Style, write::is_plain};

/// How deep a document may be that is looked at here.
const DEPTH_MAX: usize = 16;
/// How many members an object may have whose members are not sorted, as each name is compared with all others.
const N_UNSORTED_MAX: usize = 32;
/// How many digits a number may have: so many are kept by a float, and are those that it is written with.
const N_DIGITS_MAX: usize = 15;

/// Writes a document to the end of a text, with `depth` lists and objects around it, if it is laid out in a style
/// already: then but for what its lines begin with, its bytes are those that
/// [`write_into`](super::write_into) gives.
///
/// Says whether it is; nothing is written if not. A document with what is rare (escapes, exponents) counts as one that
/// is not. This takes a tenth of the time that parsing and writing take.
///
/// ```
/// use zarr_codecs::json::{Style, nest_into};
/// let mut text = String::from("{\n    \"a\": ");
/// assert!(nest_into(&mut text, "{\n    \"b\": 1\n}", Style::V2, 1));
/// assert_eq!(text, "{\n    \"a\": {\n        \"b\": 1\n    }");
/// assert!(!nest_into(&mut text, "{\"b\": 1}", Style::V2, 1));
/// ```
pub fn nest_into(out: &mut String, document: &str, style: Style<'_>, depth: usize) -> bool {
    let (Some(indent), true) = (style.indent, style.ascii) else {
        return false;
    };
    let start = out.len();
    let mut nesting = Nesting {
        out,
        text: document,
        at: 0,
        copied: 0,
        indent,
        margin: indent.repeat(depth),
        style,
    };
    let is_nested = nesting.value(0).is_some() && nesting.at == document.len();
    if is_nested {
        nesting.out.push_str(&document[nesting.copied..]);
    } else {
        out.truncate(start);
    }
    is_nested
}

struct Nesting<'a> {
    out: &'a mut String,
    text: &'a str,
    at: usize,
    /// So many bytes of the text are written.
    copied: usize,
    indent: &'a str,
    /// What is put before each line.
    margin: String,
    style: Style<'a>,
}

impl<'a> Nesting<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Passes over what must come next.
    fn pass(&mut self, expected: &str) -> Option<()> {
        self.rest().strip_prefix(expected.as_bytes())?;
        self.at += expected.len();
        Some(())
    }

    /// Passes over the beginning of a line, with `level` lists and objects around it.
    fn line(&mut self, level: usize) -> Option<()> {
        self.pass("\n")?;
        self.out.push_str(&self.text[self.copied..self.at]);
        self.out.push_str(&self.margin);
        self.copied = self.at;
        (0..level).try_for_each(|_| self.pass(self.indent))
    }

    fn value(&mut self, level: usize) -> Option<()> {
        match self.rest() {
            [b'{', b'}', ..] | [b'[', b']', ..] => self.at += 2,
            [b'{', ..] if level < DEPTH_MAX => self.object(level)?,
            [b'[', ..] if level < DEPTH_MAX => {
                self.at += 1;
                self.items(level, b']', |nesting| nesting.value(level + 1))?;
            }
            [b'"', ..] => {
                self.string()?;
            }
            [b'-' | b'0'..=b'9', ..] => self.number()?,
            [b't', ..] => self.pass("true")?,
            [b'f', ..] => self.pass("false")?,
            _ => self.pass("null")?,
        }
        Some(())
    }

    fn object(&mut self, level: usize) -> Option<()> {
        self.at += 1;
        let mut names: Vec<&str> = Vec::new();
        self.items(level, b'}', |nesting| {
            let name = nesting.string()?;
            let is_next = if nesting.style.sorted {
                let is_next = names.last().is_none_or(|last| *last < name);
                names.clear();
                is_next
            } else {
                names.len() < N_UNSORTED_MAX && !names.contains(&name)
            };
            names.push(name);
            nesting.pass(nesting.style.separators.1)?;
            nesting.value(level + 1).filter(|()| is_next)
        })
    }

    /// Passes over items, a line each, and the bracket behind them.
    fn items(&mut self, level: usize, end: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        loop {
            self.line(level + 1)?;
            item(self)?;
            if self.pass(self.style.separators.0).is_none() {
                break;
            }
        }
        self.line(level)?;
        (self.rest().first() == Some(&end)).then(|| self.at += 1)
    }

    /// Passes over a text without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.pass("\"")?;
        let start = self.at;
        self.at += self.rest().iter().position(|byte| !is_plain(*byte))?;
        self.pass("\"")?;
        Some(&self.text[start..self.at - 1])
    }

    /// Passes over a number of few digits and no exponent.
    fn number(&mut self) -> Option<()> {
        let is_negative = self.pass("-").is_some();
        let whole = self.digits();
        if whole.is_empty() || (whole.len() > 1 && whole[0] == b'0') {
            return None;
        }
        let is_zero = whole == b"0";
        let mut n_digits = whole.len();
        if self.pass(".").is_some() {
            let fraction = self.digits();
            let is_shortest = fraction == b"0" || fraction.last().is_some_and(|digit| *digit != b'0');
            // Python writes what is smaller with an exponent.
            let is_small = is_zero && fraction.starts_with(b"0000");
            if !is_shortest || is_small {
                return None;
            }
            n_digits += fraction.len();
        } else if is_zero && is_negative {
            return None;
        }
        let is_over = !matches!(self.rest(), [b'.' | b'e' | b'E' | b'+' | b'-', ..]);
        (is_over && n_digits <= N_DIGITS_MAX).then_some(())
    }

    fn digits(&mut self) -> &'a [u8] {
        let rest = self.rest();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        &rest[..count]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::{parse, write, write_into};

    /// What comes out as it does where the document is parsed and written; whether it was nested at all.
    fn check(document: &str, style: Style<'_>) -> bool {
        let mut is_nested = false;
        for depth in 0..3 {
            let mut nested = "before".to_owned();
            is_nested = nest_into(&mut nested, document, style, depth);
            let mut expected = "before".to_owned();
            if is_nested {
                let value = parse(document.as_bytes()).expect(document);
                write_into(&mut expected, &value, style, depth);
            }
            assert_eq!(nested, expected, "{document}");
        }
        is_nested
    }

    #[test]
    fn documents_that_are_laid_out_are_nested_as_they_are() {
        let value = json!({
            "attributes": {}, "chunks": [10, 7], "compressor": {"clevel": 5, "id": "blosc", "shuffle": -1},
            "dtype": [["a", "<f4"], ["b", "|S3", []]], "fill_value": 0.0, "filters": null, "order": "C",
            "tests": [true, false, {"a": {"b": [[1.5, -2.25, 100.0, 0.0001, 4_096.125]]}}],
        });
        for style in [Style::V2, Style::V3] {
            let text = String::from_utf8(write(&value, style)).unwrap();
            assert!(check(&text, style));
            for plain in [
                "0",
                "-7",
                "\"a b~\"",
                "[]",
                "{}",
                "null",
                "0.1",
                "-0.0",
                "999999999999999",
            ] {
                assert!(check(plain, style), "{plain}");
            }
            // Whatever is changed, it is refused or comes out as it should.
            for at in 0..text.len() {
                for with in [
                    "", " ", "\n", "0", "1", ".", "e", "-", "\"", ",", "}", "]", "{", "a", "\u{7f}", "é",
                ] {
                    if text.is_char_boundary(at) {
                        check(&format!("{}{with}{}", &text[..at], &text[at..]), style);
                        check(&format!("{}{with}{}", &text[..at], &text[at + 1..]), style);
                    }
                }
            }
        }
    }

    #[test]
    fn what_may_be_written_otherwise_is_refused() {
        let refused = [
            "",
            " 1",
            "1 ",
            "1\n",
            "-0",
            "01",
            "1.",
            "1.50",
            "1.00",
            ".5",
            "1e5",
            "1E5",
            "1.5e3",
            "+1",
            "-",
            "--1",
            "0.00001",
            "1234567890123456",
            "123456789.01234567",
            "1.2.3",
            "NaN",
            "Infinity",
            "-Infinity",
            "tru",
            "\"é\"",
            "\"\\n\"",
            "\"\u{7f}\"",
            "\"\t\"",
            "\"a",
            "[",
            "{",
            "[1]",
            "[ ]",
            "{\"a\":1}",
            "[\n]",
            "{\n}",
            "[\n    1,\n]",
            "[\n    1\n    ]",
            "[\n1\n]",
            "[\n    1\n]]",
            "[\n    1\n}",
            "{\n    \"a\":1\n}",
            "{\n    \"b\": 1,\n    \"a\": 2\n}",
            "{\n    \"a\": 1,\n    \"a\": 2\n}",
            "{\n    1: 1\n}",
        ];
        for document in refused {
            assert!(!check(document, Style::V2), "{document}");
        }
        let twice = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"a\": 2\n}";
        assert!(!check(twice, Style::V3));
        assert!(check(&twice.replacen('a', "c", 1), Style::V3));
        let deep: Vec<_> = (0..40)
            .map(|level| format!("[\n{}", "  ".repeat(level + 1)))
            .collect();
        assert!(!check(&deep.concat(), Style::V3));
        let line = Style {
            indent: None,
            ..Style::V2
        };
        assert!(!check("{}", line));
        assert!(!check(
            "\"a\"",
            Style {
                ascii: false,
                ..Style::V2
            }
        ));
    }
}
