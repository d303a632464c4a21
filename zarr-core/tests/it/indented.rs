//! The form of documents, which those in `testdata/` lack to be small.

/// Puts in the line breaks and spaces that `json.dumps` puts in.
pub(crate) fn indented(compact: &str, indent: usize) -> String {
    let mut text = String::new();
    let (mut depth, mut is_in_text, mut before) = (0, false, ' ');
    for c in compact.chars() {
        let closes = !is_in_text && matches!(c, '}' | ']');
        let is_empty = closes && matches!(before, '{' | '[');
        depth -= usize::from(closes);
        let breaks = closes || matches!(before, '{' | '[' | ',');
        if !is_in_text && breaks && !is_empty {
            text.push('\n');
            text.extend(std::iter::repeat_n(' ', indent * depth));
        }
        text.push(c);
        if !is_in_text && c == ':' {
            text.push(' ');
        }
        depth += usize::from(!is_in_text && matches!(c, '{' | '['));
        if c == '"' && !(is_in_text && before == '\\') {
            is_in_text = !is_in_text;
            // What a text ends with says nothing of what comes next.
            before = ' ';
        } else {
            before = if is_in_text && before == '\\' { ' ' } else { c };
        }
    }
    text
}
