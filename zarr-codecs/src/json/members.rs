//! Objects taken apart without reading what is in them.

use super::{JsonError, Parser};

/// The members of an object in their order, each with the text of its value.
///
/// What is in a value is not read, only where it ends, so that a large document costs little until a part of it is
/// asked for. A value that is no JSON is found when it is read.
///
/// ```
/// use zarr_codecs::json::members;
/// assert_eq!(members(r#"{"a": {"b": [1]}, "c": NaN}"#)?, [("a".into(), r#"{"b": [1]}"#), ("c".into(), "NaN")]);
/// assert!(members("[1]").is_err());
/// # Ok::<(), zarr_codecs::json::JsonError>(())
/// ```
///
/// # Errors
/// [`JsonError`] for what is no object, and where a name or the end of a value is not found. Names may come twice.
pub fn members(text: &str) -> Result<Vec<(String, &str)>, JsonError> {
    let mut parser = Parser::new(text, false);
    parser.expect("{", "expected an object")?;
    let mut members = Vec::new();
    parser.space();
    if parser.take("}") {
        parser.end()?;
        return Ok(members);
    }
    loop {
        parser.space();
        if parser.peek() != Some(b'"') {
            return Err(parser.error("expected a member name"));
        }
        let name = parser.string()?;
        parser.expect(":", "expected a colon")?;
        members.push((name, parser.skip()?));
        parser.space();
        if parser.take("}") {
            parser.end()?;
            return Ok(members);
        }
        parser.expect(",", "expected a comma or a brace")?;
    }
}

impl<'a> Parser<'a> {
    /// Passes over a value and gives its text.
    fn skip(&mut self) -> Result<&'a str, JsonError> {
        self.space();
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                None => return Err(self.error("text ends within a value")),
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']' | b',' | b' ' | b'\n' | b'\r' | b'\t') if depth == 0 => break,
                Some(b'}' | b']') => depth -= 1,
                Some(b'"') => self.pass_string()?,
                Some(_) => {}
            }
            self.at += 1;
            if depth == 0 && matches!(self.text.as_bytes()[self.at - 1], b'}' | b']' | b'"') {
                break;
            }
        }
        if start == self.at {
            return Err(self.error("expected a value"));
        }
        Ok(&self.text[start..self.at])
    }

    /// Goes on to the quotation mark that ends a string.
    fn pass_string(&mut self) -> Result<(), JsonError> {
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
        self.at = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_end() {
        let text = r#" { "a" : "x,}\"" , "b":[{"c":"]"},[]],"d":-1.5e3 ,"e":{} } "#;
        let found = members(text).unwrap();
        let expected = [
            ("a", r#""x,}\"""#),
            ("b", r#"[{"c":"]"},[]]"#),
            ("d", "-1.5e3"),
            ("e", "{}"),
        ];
        assert_eq!(found.len(), expected.len());
        for ((name, value), (expected_name, expected_value)) in found.iter().zip(expected) {
            assert_eq!((name.as_str(), *value), (expected_name, expected_value));
        }
        assert!(members("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let deep = format!("{{\"a\":{}", "[".repeat(1_000_000));
        let bad = [
            "",
            "[]",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":}",
            "{\"a\":,}",
            "{\"a\":1",
            "{\"a\":\"",
            "{\"a\":1}x",
            "{\"a\":1 2}",
            "{a:1}",
            "{\"a\":\"\\",
            &deep,
        ];
        for text in bad {
            members(text).unwrap_err();
        }
    }
}
