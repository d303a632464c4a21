//! The lines of an index: `'key', (position, size)`, as Python writes a text and a tuple.

/// Where a value lies in the file of blocks, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) position: u64,
    pub(super) size: u64,
}

/// Adds the line of a key; what is not printable ASCII is escaped byte by byte.
pub(super) fn push_line(lines: &mut String, key: &str, span: Span) {
    use std::fmt::Write;
    lines.push('\'');
    for byte in key.bytes() {
        match byte {
            b'\'' | b'\\' => lines.extend(['\\', char::from(byte)]),
            b' '..=b'~' => lines.push(char::from(byte)),
            // Writing to a text cannot fail.
            _ => {
                let _ = write!(lines, "\\x{byte:02x}");
            }
        }
    }
    let Span { position, size } = span;
    let _ = writeln!(lines, "', ({position}, {size})");
}

/// Reads a line; `None` when it is none of an index.
///
/// The key is bytes: the file is Latin-1, and each character of the text is one byte of the key.
pub(super) fn parse_line(line: &[u8]) -> Option<(Vec<u8>, Span)> {
    let (&quote, mut rest) = line.split_first()?;
    if quote != b'\'' && quote != b'"' {
        return None;
    }
    let mut key = Vec::new();
    loop {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        if byte == quote {
            break;
        }
        if byte != b'\\' {
            key.push(byte);
            continue;
        }
        let (&escape, after) = rest.split_first()?;
        rest = after;
        key.push(match escape {
            b'\\' | b'\'' | b'"' => escape,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    let rest = std::str::from_utf8(rest).ok()?.trim();
    let pair = rest.strip_prefix(',')?.trim_start();
    let (position, size) = pair.strip_prefix('(')?.strip_suffix(')')?.split_once(',')?;
    let span = Span {
        position: position.trim().parse().ok()?,
        size: size.trim().parse().ok()?,
    };
    Some((key, span))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span {
        position: 512,
        size: 7,
    };

    #[test]
    fn lines_are_those_of_python() {
        // What `dbm.dumb` of Python 3.13 wrote for these keys.
        for (line, key) in [
            (r"'foo/.zarray', (512, 7)", "foo/.zarray"),
            (r#""it's", (512, 7)"#, "it's"),
            (r#"'it\'s "x"', (512, 7)"#, "it's \"x\""),
            (r"'back\\slash', (512, 7)", "back\\slash"),
        ] {
            assert_eq!(parse_line(line.as_bytes()), Some((key.into(), SPAN)), "{line}");
        }
        let latin = b"'\xc3\\xa9', (512, 7)";
        assert_eq!(parse_line(latin), Some(("é".into(), SPAN)));
    }

    #[test]
    fn a_line_that_was_written_is_read() {
        for key in ["a", "it's \"x\"", "ä/日本", "100%"] {
            let mut lines = String::new();
            push_line(&mut lines, key, SPAN);
            let line = lines.strip_suffix('\n').unwrap();
            assert!(line.is_ascii());
            assert_eq!(parse_line(line.as_bytes()), Some((key.into(), SPAN)));
        }
    }

    #[test]
    fn every_cut_of_a_line_is_refused() {
        let line = br"'a\x41', (512, 7)";
        for end in 0..line.len() {
            assert_eq!(parse_line(&line[..end]), None, "{end}");
        }
        for line in [
            "'a', (-1, 7)",
            "'a', (1, 99999999999999999999)",
            "a, (1, 2)",
            r"'\u00e9', (1, 2)",
        ] {
            assert_eq!(parse_line(line.as_bytes()), None, "{line}");
        }
    }
}
