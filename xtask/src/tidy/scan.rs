//! Rust source without its comments and literals, so that words in them are not taken for code.

/// Replaces comments, strings and characters by spaces; line breaks stay where they are.
pub(super) fn code_only(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let skipped = if after_word {
            quoted(rest)
        } else {
            raw(rest).or_else(|| quoted(rest))
        };
        if let Some(length) = skipped {
            let (gone, left) = rest.split_at(length);
            out.extend(gone.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = left;
            after_word = false;
        } else {
            out.push(first);
            after_word = is_word(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// Whether a character belongs to a word of the language.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length in bytes of the comment, string or character that begins here.
fn quoted(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(block_comment(text));
    }
    if text.starts_with('"') {
        return Some(until_quote(text, '"'));
    }
    if text.starts_with('\'') {
        return character(text);
    }
    None
}

/// Length of the raw string that begins here, with its prefix.
fn raw(text: &str) -> Option<usize> {
    let body = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix("cr"))
        .or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let content = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let start = text.len() - content.len();
    Some(content.find(&end).map_or(text.len(), |at| start + at + end.len()))
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

fn until_quote(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// A character literal; a lifetime is none.
fn character(text: &str) -> Option<usize> {
    let mut inside = text[1..].chars();
    let first = inside.next()?;
    if first == '\\' {
        return Some(until_quote(text, '\''));
    }
    (inside.next()? == '\'').then(|| 2 + first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &str) {
        assert_eq!(code_only(source), expected, "{source}");
    }

    #[test]
    fn comments_become_spaces() {
        check("a // b\nc", "a     \nc");
        check("a/*b/*c*/d*/e", "a           e");
    }

    #[test]
    fn strings_become_spaces() {
        check("f(\"a\\\"b\", c)", "f(      , c)");
        check("r#\"a\"b\"# c", "         c");
        check("bar\"x\" c", "bar    c");
    }

    #[test]
    fn characters_become_spaces_and_lifetimes_stay() {
        check("'a' '\\'' 'é' &'a str", "             &'a str");
    }

    #[test]
    fn line_breaks_stay() {
        check("\"a\nb\" c", "  \n   c");
    }
}
