//! Texts broken into lines as Python's `textwrap` breaks them.

/// Breaks a text into lines of at most `width` characters, the first behind one indent and the others behind
/// another; blanks at the breaks go, and what is too long for a line is cut.
pub(crate) fn wrap(text: &str, width: usize, (first, others): (&str, &str)) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut pieces: std::collections::VecDeque<_> = pieces(text).into();
    while let Some(next) = pieces.front() {
        if is_blank(next) && !lines.is_empty() {
            pieces.pop_front();
            continue;
        }
        let indent = if lines.is_empty() { first } else { others };
        let room = width.saturating_sub(indent.chars().count()).max(1);
        let mut line: Vec<Vec<char>> = Vec::new();
        let mut used = 0;
        while let Some(piece) = pieces.front().filter(|piece| used + piece.len() <= room) {
            used += piece.len();
            line.extend([piece.clone()]);
            pieces.pop_front();
        }
        if let Some(long) = pieces.front_mut().filter(|piece| piece.len() > room) {
            let left = room - used;
            let hyphen = long[..left].iter().rposition(|c| *c == '-').filter(|at| *at > 0);
            let cut = long.drain(..hyphen.map_or(left, |at| at + 1)).collect();
            line.push(cut);
        }
        if line.last().is_some_and(|piece| is_blank(piece)) {
            line.pop();
        }
        if !line.is_empty() {
            lines.push(format!("{indent}{}", line.concat().iter().collect::<String>()));
        }
    }
    lines.join("\n")
}

fn is_blank(piece: &[char]) -> bool {
    piece.iter().all(|c| c.is_whitespace())
}

/// Words, the blanks between them, and the parts of words with hyphens.
fn pieces(text: &str) -> Vec<Vec<char>> {
    let mut pieces: Vec<Vec<char>> = Vec::new();
    let chars: Vec<char> = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    for (at, c) in chars.iter().enumerate() {
        let breaks = at == 0 || (*c == ' ') != (chars[at - 1] == ' ') || is_after_hyphen(&chars, at);
        match pieces.last_mut() {
            Some(piece) if !breaks => piece.push(*c),
            _ => pieces.push(vec![*c]),
        }
    }
    pieces
}

/// Whether a word may be broken before a character: behind a hyphen between letters.
fn is_after_hyphen(chars: &[char], at: usize) -> bool {
    let letter = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(|c| c.is_alphabetic());
    let is_hyphen = |at: usize| chars.get(at) == Some(&'-');
    let before = |n| at.checked_sub(n);
    at > 0
        && is_hyphen(at - 1)
        && letter(before(2))
        && (letter(before(3)) || (before(3).is_some_and(is_hyphen) && letter(before(4))))
        && letter(Some(at))
        && (letter(Some(at + 1)) || (is_hyphen(at + 1) && letter(Some(at + 2))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed in runs of `textwrap.TextWrapper` with these indents.
    #[test]
    fn lines_break_where_python_breaks_them() {
        let check =
            |text: &str, width, expected: &str| assert_eq!(wrap(text, width, ("k : ", "  : ")), expected);
        check("aa bb cc", 80, "k : aa bb cc");
        check("aa bb cc", 9, "k : aa bb\n  : cc");
        check("aa   bb", 7, "k : aa\n  : bb");
        check("abcdefghijk", 9, "k : abcde\n  : fghij\n  : k");
        check("well-known things", 11, "k : well-\n  : known\n  : things");
        check("a-b 1-2-3 x", 9, "k : a-b\n  : 1-2-3\n  : x");
        check("x abcdefgh", 9, "k : x abc\n  : defgh");
    }
}
