//! The document: kerchunk's format, versions 0 and 1.
//!
//! ```json
//! {"version": 1,
//!  "templates": {"u": "data"},
//!  "refs": {".zgroup": "{\"zarr_format\": 2}",
//!           "a/0.0": ["{{u}}/x.h5", 4016, 24],
//!           "a/0.1": ["file:///data/whole_chunk"],
//!           "a/0.2": "base64:AAAA"}}
//! ```
//!
//! Version 0 has what is under `refs` alone. Of version 1, templates that are texts are put in; those that take arguments
//! and keys that are generated (`gen`) are an error, which names them.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::StoreKey;

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A value that the document has itself.
    Inline(Bytes),
    /// A file, or a part of it.
    File {
        /// The words of the document for it, templates put in.
        url: Box<str>,
        /// Where the value begins in the file, and its size, in bytes; the whole file without.
        part: Option<(u64, u64)>,
    },
}

pub(super) type Entries = BTreeMap<StoreKey, Entry>;

/// What begins a text that is not the value itself.
const BASE64: &str = "base64:";
/// The longest text that a template may become; more would be a bomb.
const URL_SIZE_MAX: usize = 4096;

/// Reads a document; an error names the member and what is wrong with it.
pub(super) fn parse(text: &[u8]) -> Result<Entries, String> {
    let document: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let Value::Object(mut members) = document else {
        return Err("it must be an object".to_owned());
    };
    let Some(version) = members.get("version") else {
        return entries(members, &Templates::default());
    };
    if version.as_u64() != Some(1) {
        return Err(format!("/version: is {version}, and only 1 is known"));
    }
    if members
        .get("gen")
        .is_some_and(|list| list.as_array().is_none_or(|list| !list.is_empty()))
    {
        return Err("/gen: keys that are generated are not supported".to_owned());
    }
    let templates = match members.remove("templates") {
        None => Templates::default(),
        Some(Value::Object(templates)) => Templates::new(templates)?,
        Some(_) => return Err("/templates: must be an object".to_owned()),
    };
    match members.remove("refs") {
        Some(Value::Object(refs)) => entries(refs, &templates).map_err(|reason| format!("/refs{reason}")),
        Some(_) => Err("/refs: must be an object".to_owned()),
        None => Err("it has no member `refs`".to_owned()),
    }
}

fn entries(refs: Map<String, Value>, templates: &Templates) -> Result<Entries, String> {
    let mut entries = Entries::new();
    for (name, value) in refs {
        let named = |reason: String| {
            let shown: String = name.chars().take(80).flat_map(char::escape_debug).collect();
            format!("/{shown}: {reason}")
        };
        let key = StoreKey::new(name.clone()).map_err(|error| named(error.to_string()))?;
        let entry = entry(value, templates).map_err(named)?;
        entries.insert(key, entry);
    }
    Ok(entries)
}

fn entry(value: Value, templates: &Templates) -> Result<Entry, String> {
    Ok(match value {
        Value::String(text) => Entry::Inline(inline(text)?),
        // Documents of nodes may stand as they are.
        Value::Object(_) => Entry::Inline(value.to_string().into()),
        Value::Array(list) => {
            let number = |value: &Value| {
                value
                    .as_u64()
                    .ok_or_else(|| format!("{value} is no offset or size in bytes"))
            };
            let (url, part) = match list.as_slice() {
                [Value::String(url)] => (url, None),
                [Value::String(url), offset, size] => (url, Some((number(offset)?, number(size)?))),
                _ => return Err("must be [url] or [url, offset, size]".to_owned()),
            };
            if part.is_some_and(|(offset, size)| offset.checked_add(size).is_none()) {
                return Err("offset and size are beyond all files".to_owned());
            }
            Entry::File {
                url: templates.fill(url)?.into(),
                part,
            }
        }
        _ => return Err("must be a text, an object or a list".to_owned()),
    })
}

/// The bytes that a text stands for.
fn inline(text: String) -> Result<Bytes, String> {
    match text.strip_prefix(BASE64) {
        None => Ok(text.into()),
        Some(encoded) => STANDARD
            .decode(encoded)
            .map(Bytes::from)
            .map_err(|error| format!("is no base64: {error}")),
    }
}

/// Texts that stand for `{{name}}` in addresses.
#[derive(Debug, Default)]
struct Templates(BTreeMap<String, String>);

impl Templates {
    fn new(members: Map<String, Value>) -> Result<Self, String> {
        let texts = members.into_iter().map(|(name, value)| match value {
            Value::String(text) if !text.contains("{{") && !text.contains("{%") => Ok((name, text)),
            Value::String(_) => Err(format!(
                "/templates/{name}: templates with arguments are not supported"
            )),
            _ => Err(format!("/templates/{name}: must be a text")),
        });
        texts.collect::<Result<_, _>>().map(Self)
    }

    fn fill(&self, url: &str) -> Result<String, String> {
        let (mut filled, mut rest) = (String::new(), url);
        while let Some((before, name)) = rest.split_once("{{") {
            let (name, after) = name.split_once("}}").ok_or("`{{` has no `}}`")?;
            let text = self
                .0
                .get(name.trim())
                .ok_or_else(|| format!("no template is called `{}`", name.trim()))?;
            filled.push_str(before);
            filled.push_str(text);
            rest = after;
            if filled.len() > URL_SIZE_MAX {
                break;
            }
        }
        filled.push_str(rest);
        if filled.len() > URL_SIZE_MAX {
            return Err(format!("an address of more than {URL_SIZE_MAX} bytes"));
        }
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Entry {
        let entries = parse(text.as_bytes()).unwrap();
        assert_eq!(entries.len(), 1, "{text}");
        entries.into_values().next().unwrap()
    }

    fn file(url: &str, part: Option<(u64, u64)>) -> Entry {
        let url = url.into();
        Entry::File { url, part }
    }

    #[test]
    fn both_versions_are_read() {
        let inline = Entry::Inline(Bytes::from_static(b"{}"));
        assert_eq!(one(r#"{"a/.zattrs": "{}"}"#), inline);
        assert_eq!(one(r#"{"version": 1, "refs": {"a": "{}"}}"#), inline);
        assert_eq!(one(r#"{"version": 1, "gen": [], "refs": {"a": {}}}"#), inline);
        assert_eq!(
            one(r#"{"a": "base64:AAH/"}"#),
            Entry::Inline(Bytes::from_static(&[0, 1, 255]))
        );
        assert_eq!(one(r#"{"a": ["x.h5"]}"#), file("x.h5", None));
        assert_eq!(one(r#"{"a": ["x.h5", 7, 0]}"#), file("x.h5", Some((7, 0))));
    }

    #[test]
    fn templates_that_are_texts_are_put_in() {
        let text = r#"{"version": 1, "templates": {"u": "dir", "v": "x"},
                       "refs": {"a": ["{{u}}/{{ v }}.h5{{v}}", 1, 2]}}"#;
        assert_eq!(one(text), file("dir/x.h5x", Some((1, 2))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let deep = "[".repeat(1000);
        let bomb = format!(
            r#"{{"version": 1, "templates": {{"u": "{}"}}, "refs": {{"a": ["{}"]}}}}"#,
            "x".repeat(1000),
            "{{u}}".repeat(1000)
        );
        for (text, words) in [
            ("[]", "must be an object"),
            ("{", "EOF"),
            (deep.as_str(), "recursion"),
            (r#"{"version": 2, "refs": {}}"#, "/version: is 2"),
            (r#"{"version": true, "refs": {}}"#, "/version: is true"),
            (r#"{"version": 1}"#, "no member `refs`"),
            (r#"{"version": 1, "refs": []}"#, "/refs: must be"),
            (r#"{"version": 1, "gen": [{}], "refs": {}}"#, "/gen: "),
            (
                r#"{"version": 1, "templates": {"f": "{{c}}"}, "refs": {}}"#,
                "/templates/f: ",
            ),
            (
                r#"{"version": 1, "templates": {"f": 1}, "refs": {}}"#,
                "/templates/f: ",
            ),
            (
                r#"{"version": 1, "refs": {"a": ["{{f(c='x')}}"]}}"#,
                "/refs/a: no template is called `f(c='x')`",
            ),
            (r#"{"a": ["{{u"]}"#, "/a: `{{` has no `}}`"),
            (bomb.as_str(), "/refs/a: an address of more than"),
            (r#"{"../a": "x"}"#, "/../a: "),
            (r#"{"a//b": "x"}"#, "/a//b: "),
            ("{\"\\u001b\": \"x\"}", "/\\u{1b}: "),
            (r#"{"a": 1}"#, "/a: must be a text"),
            (r#"{"a": null}"#, "/a: must be a text"),
            (r#"{"a": []}"#, "/a: must be [url]"),
            (r#"{"a": ["x", 1]}"#, "/a: must be [url]"),
            (r#"{"a": [1, 2, 3]}"#, "/a: must be [url]"),
            (r#"{"a": ["x", -1, 3]}"#, "-1 is no offset"),
            (r#"{"a": ["x", 1.5, 3]}"#, "1.5 is no offset"),
            (r#"{"a": ["x", 1, true]}"#, "true is no offset"),
            (r#"{"a": ["x", 18446744073709551615, 1]}"#, "beyond all files"),
            (r#"{"a": ["x", 18446744073709551616, 1]}"#, "is no offset"),
            (r#"{"a": "base64:#"}"#, "/a: is no base64"),
        ] {
            let reason = parse(text.as_bytes()).unwrap_err();
            assert!(reason.contains(words), "{text}: {reason}");
        }
    }
}
