//! Objects taken apart without reading what is in them.

use super::{
    JsonError, Parser,
    marks::{BLOCK, Marks},
};

/// Members in their order, each by its name with the text of its value.
pub type MemberTexts<'a> = Vec<(String, &'a str)>;
/// The members of objects that lie one within the other.
pub type MembersBelow<'a> = Vec<Result<MemberTexts<'a>, JsonError>>;

/// What of a list or object tells where it ends.
const IS_MARK: [bool; 256] = {
    let mut is_mark = [false; 256];
    is_mark[b'"' as usize] = true;
    is_mark[b'{' as usize] = true;
    is_mark[b'}' as usize] = true;
    is_mark[b'[' as usize] = true;
    is_mark[b']' as usize] = true;
    is_mark
};

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
pub fn members(text: &str) -> Result<MemberTexts<'_>, JsonError> {
    members_along(text, &[]).map(|(members, _)| members)
}

/// The members of an object and, in the same pass, those of the objects that names lead to, one within the other.
///
/// There are fewer than names where a member is not there or is no object. What is wrong in one of them is counted from
/// where it begins.
///
/// ```
/// use zarr_codecs::json::members_along;
/// let (members, below) = members_along(r#"{"a": {"b": [1], "c": 2}, "d": 3}"#, &["a", "c"])?;
/// assert_eq!(members, [("a".into(), r#"{"b": [1], "c": 2}"#), ("d".into(), "3")]);
/// assert_eq!(below, [Ok(vec![("b".into(), "[1]"), ("c".into(), "2")])]);
/// # Ok::<(), zarr_codecs::json::JsonError>(())
/// ```
///
/// # Errors
/// Those of [`members`], for the outermost object.
pub fn members_along<'a>(
    text: &'a str,
    names: &[&str],
) -> Result<(MemberTexts<'a>, MembersBelow<'a>), JsonError> {
    let mut parser = Parser::new(text, false);
    let mut below = Vec::new();
    let members = parser.member_texts(names, &mut below)?;
    parser.end()?;
    Ok((members, below))
}

impl<'a> Parser<'a> {
    /// Passes over an object and gives the texts of its members; those of the objects along names go to `below`.
    fn member_texts(
        &mut self,
        names: &[&str],
        below: &mut MembersBelow<'a>,
    ) -> Result<MemberTexts<'a>, JsonError> {
        self.expect("{", "expected an object")?;
        let mut members = Vec::new();
        let mut next = names.split_first();
        self.space();
        if self.take("}") {
            return Ok(members);
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a member name"));
            }
            let name = self.string()?;
            self.expect(":", "expected a colon")?;
            self.space();
            let value = match next.take_if(|(next, _)| **next == name) {
                Some((_, names)) if self.peek() == Some(b'{') => self.along(names, below)?,
                _ => self.skip()?,
            };
            members.push((name, value));
            self.space();
            if self.take("}") {
                return Ok(members);
            }
            self.expect(",", "expected a comma or a brace")?;
        }
    }

    /// Passes over an object on the way of names.
    fn along(&mut self, names: &[&str], below: &mut MembersBelow<'a>) -> Result<&'a str, JsonError> {
        let start = self.at;
        let mut deeper = Vec::new();
        match self.member_texts(names, &mut deeper) {
            Ok(members) => {
                below.push(Ok(members));
                below.append(&mut deeper);
                Ok(&self.text[start..self.at])
            }
            Err(JsonError { offset, reason }) => {
                let offset = offset - start;
                below.push(Err(JsonError { offset, reason }));
                self.at = start;
                self.skip()
            }
        }
    }

    /// Passes over a value and gives its text.
    fn skip(&mut self) -> Result<&'a str, JsonError> {
        self.space();
        let start = self.at;
        let mut depth = match self.peek() {
            Some(b'{' | b'[') => self.pass_blocks(),
            _ => 0,
        };
        if depth == 0 && self.at > start {
            return Ok(&self.text[start..self.at]);
        }
        loop {
            if depth > 0 {
                let is_mark = |byte: &u8| IS_MARK[usize::from(*byte)];
                let rest = &self.text.as_bytes()[self.at..];
                self.at += rest.iter().position(is_mark).unwrap_or(rest.len());
            }
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

    /// Passes over an object or list block by block, behind its end or to where it must be looked at sign by sign: the last
    /// bytes of the text, and what is escaped. Gives how many levels are still open.
    fn pass_blocks(&mut self) -> usize {
        let (mut depth, mut is_inside) = (0, false);
        while let Some(block) = self.text.as_bytes()[self.at..].first_chunk::<BLOCK>() {
            let marks = Marks::of(block);
            if marks.has_backslash {
                break;
            }
            let strings = marks.strings(is_inside);
            let (opens, mut closes) = (marks.opens & !strings, marks.closes & !strings);
            let mut closed = 0;
            while closes != 0 {
                let place = closes.trailing_zeros();
                closed += 1;
                let opened = (opens & !(u64::MAX << place)).count_ones() as usize;
                if depth + opened == closed {
                    self.at += place as usize + 1;
                    return 0;
                }
                closes &= closes - 1;
            }
            depth = depth + opens.count_ones() as usize - closed;
            is_inside = strings >> (BLOCK - 1) == 1;
            self.at += BLOCK;
        }
        if is_inside {
            // Nothing was escaped so far, so the last quotation mark is that which begins the string. By bytes: a block may
            // end within a letter.
            let passed = &self.text.as_bytes()[..self.at];
            self.at = passed.iter().rposition(|byte| *byte == b'"').unwrap_or(self.at);
        }
        depth
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

    /// Where a value of levels ends, found sign by sign.
    fn end_of(text: &str) -> Option<usize> {
        let (mut depth, mut is_inside, mut is_escaped) = (0, false, false);
        for (at, byte) in text.bytes().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_inside => is_escaped = true,
                b'"' => is_inside = !is_inside,
                b'{' | b'[' if !is_inside => depth += 1,
                b'}' | b']' if !is_inside => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(at + 1);
            }
        }
        None
    }

    #[test]
    fn any_text_ends_where_it_ends_sign_by_sign() {
        let mut random = fastrand::Rng::with_seed(7);
        let signs = ['{', '}', '[', ']', '"', '\\', ',', 'a', 'ä', '😀'];
        let mut n_ended = 0;
        for _ in 0..20_000 {
            // Mostly letters, so that values are longer than a block.
            let mut sign = || {
                signs[if random.u8(..) < 200 {
                    random.usize(7..signs.len())
                } else {
                    random.usize(..7)
                }]
            };
            let text: String = std::iter::once('{').chain((0..200).map(|_| sign())).collect();
            // A backslash outside of a string is no JSON, and escapes nothing.
            let found = Parser::new(&text, false).skip().ok().map(str::len);
            assert_eq!(found, end_of(&text), "{text}");
            n_ended += usize::from(found.is_some());
        }
        assert!((4_000..16_000).contains(&n_ended), "{n_ended}");
    }

    #[test]
    fn blocks_may_end_within_a_letter() {
        for before in 0..70 {
            for end in ["\"}", "\\n\"}"] {
                let value = format!("{{\"{}{}{end}", "a".repeat(before), "ä€😀".repeat(20));
                let text = format!("{{\"x\":{value}}}");
                // Whether it is JSON does not matter for where it ends.
                assert_eq!(members(&text).unwrap(), [("x".to_owned(), &value[..])], "{text}");
            }
        }
    }

    #[test]
    fn values_end_where_they_end_in_blocks_of_any_sign() {
        // Longer than a block, with signs in strings and escaped ones, at all distances from where blocks end.
        let values = [
            (r#"{"name ]": [[{"}": "{["}]], "other": {"b":"#, "1}}"),
            (
                r#"["over a block: } ] { [ , : # } ] { [ , : # } ] { [ , : # }","#,
                "[[]]]",
            ),
            (
                r#"{"a": "\"}", "b": {"c": [1, 2, "]"], "d": "\\"}, "e": ""#,
                r#"\\"}"#,
            ),
        ];
        for (start, end) in values {
            for (before, within) in (0..70).flat_map(|before| (0..70).map(move |within| (before, within))) {
                let value = format!("{start}{}{end}", " ".repeat(within));
                let text = format!(r#"{{"x":{}{value},"y": {value}}}"#, " ".repeat(before));
                let expected =
                    [("x", &value), ("y", &value)].map(|(name, value)| (name.to_owned(), &value[..]));
                assert_eq!(members(&text).unwrap(), expected, "{text}");
            }
        }
    }

    #[test]
    fn objects_along_names_are_taken_apart_as_if_alone() {
        let texts = [
            r#"{"a": {"b": {"c": [1, {"d": "}"}]}, "e": 2}, "a": {"f": 3}}"#,
            r#" {"x": 1, "a": { } }"#,
            r#"{"a": {"b": 1}}"#,
            r#"{"a": [{"b": 1}], "b": {"c": 2}}"#,
            r#"{"a": {"b": {"c": [}]}, "e": 1}"#,
            r#"{"a": {"b": {]}, "e": {"b": 1}}"#,
            r#"{"a": {1: 2}}"#,
            r#"{"b": 1}"#,
        ];
        for text in texts {
            let (outer, along) = members_along(text, &["a", "b"]).unwrap();
            assert_eq!(outer, members(text).unwrap());
            let mut expected = Vec::new();
            let mut level = Ok(outer);
            for name in ["a", "b"] {
                let found = level.iter().flatten().find(|(found, _)| found == name);
                let Some((_, inner)) = found.filter(|(_, inner)| inner.starts_with('{')) else {
                    break;
                };
                level = members(inner);
                expected.push(level.clone());
            }
            assert_eq!(along, expected, "{text}");
        }
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
