//! Values as Python's `repr` shows them.

use std::fmt::Write;

use zarr_core::codecs::Object;
use zarr_core::metadata::json::python_float;

/// A text in the quotes that Python chooses, with escapes for what is not printed.
///
/// ```
/// use zarr_convenience::text_repr;
/// assert_eq!(text_repr("it's\n"), "\"it's\\n\"");
/// ```
pub fn text_repr(text: &str) -> String {
    let mark = mark(text.contains('\''), text.contains('"'));
    let mut shown = String::from(mark);
    for c in text.chars() {
        match c {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            c if c == mark => shown.extend(['\\', c]),
            c if is_printed(c) => shown.push(c),
            c => escape(&mut shown, c),
        }
    }
    shown.push(mark);
    shown
}

/// Bytes as Python shows them: `b'a\x00'`.
pub fn bytes_repr(bytes: &[u8]) -> String {
    let mark = mark(bytes.contains(&b'\''), bytes.contains(&b'"'));
    let mut shown = format!("b{mark}");
    for byte in bytes {
        match byte {
            b'"' | b'\'' if char::from(*byte) != mark => shown.push(char::from(*byte)),
            byte => write!(shown, "{}", byte.escape_ascii()).expect("writing to a String succeeds"),
        }
    }
    shown.push(mark);
    shown
}

/// The value of an object array as Python shows it: `None`, `[1, 'a']`, `{'k': 1.5}`.
pub fn object_repr(object: &Object) -> String {
    match object {
        Object::Null => "None".to_owned(),
        Object::Bool(true) => "True".to_owned(),
        Object::Bool(false) => "False".to_owned(),
        Object::Int(number) => number.to_string(),
        Object::BigInt(digits) => digits.clone(),
        Object::Float(number) => python_float(*number)
            .replace("Infinity", "inf")
            .replace("NaN", "nan"),
        Object::Text(text) => text_repr(text),
        Object::Bytes(bytes) => bytes_repr(bytes),
        Object::List(items) => {
            let items: Vec<_> = items.iter().map(object_repr).collect();
            format!("[{}]", items.join(", "))
        }
        Object::Map(members) => {
            let member = |(key, value)| format!("{}: {}", object_repr(key), object_repr(value));
            let members: Vec<_> = members.iter().map(|(key, value)| member((key, value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Object::Extension(code, data) => format!("ExtType(code={code}, data={})", bytes_repr(data)),
    }
}

const fn mark(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

/// Whether Python prints a character as it is; of those that Unicode has not assigned it would escape some more.
fn is_printed(c: char) -> bool {
    const INVISIBLE: [(char, char); 11] = [
        ('\u{ad}', '\u{ad}'),
        ('\u{600}', '\u{605}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{200b}', '\u{200f}'),
        ('\u{202a}', '\u{202e}'),
        ('\u{2060}', '\u{206f}'),
        ('\u{e000}', '\u{f8ff}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{fff9}', '\u{fffb}'),
        ('\u{e0001}', '\u{e007f}'),
        ('\u{f0000}', '\u{10ffff}'),
    ];
    let is_space = c.is_whitespace() && c != ' ';
    !c.is_control()
        && !is_space
        && !INVISIBLE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&c))
}

fn escape(shown: &mut String, c: char) {
    let code = u32::from(c);
    let written = match code {
        0..=0xff => write!(shown, "\\x{code:02x}"),
        0x100..=0xffff => write!(shown, "\\u{code:04x}"),
        _ => write!(shown, "\\U{code:08x}"),
    };
    written.expect("writing to a String succeeds");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed in Python 3.13.
    #[test]
    fn texts_and_bytes_have_the_quotes_of_python() {
        for (text, expected) in [
            ("a", "'a'"),
            ("e'f", "\"e'f\""),
            ("c\"d", "'c\"d'"),
            ("'\"", "'\\'\"'"),
            ("\\\n\t\r\0\u{7f}", "'\\\\\\n\\t\\r\\x00\\x7f'"),
            (
                "é\u{a0}\u{2028}\u{e000}\u{1f600}",
                "'é\\xa0\\u2028\\ue000\u{1f600}'",
            ),
        ] {
            assert_eq!(text_repr(text), expected);
        }
        assert_eq!(bytes_repr(b"e'f"), "b\"e'f\"");
        assert_eq!(bytes_repr(b"c\"d'\0\n\xff\\"), "b'c\"d\\'\\x00\\n\\xff\\\\'");
    }

    /// Observed in Python 3.13.
    #[test]
    fn objects_are_shown_as_python_shows_them() {
        let text = |text: &str| Object::Text(text.to_owned());
        let list = Object::List(vec![
            Object::Int(1),
            text("x"),
            Object::Null,
            Object::Float(f64::INFINITY),
        ]);
        let map = Object::Map(vec![(text("k"), list), (Object::Int(2), Object::Float(1e16))]);
        assert_eq!(object_repr(&map), "{'k': [1, 'x', None, inf], 2: 1e+16}");
        assert_eq!(object_repr(&Object::Bool(true)), "True");
        assert_eq!(object_repr(&Object::Float(f64::NAN)), "nan");
    }
}
