//! `json2`: elements as JSON (numcodecs `JSON`).
//!
//! ```text
//! [1, "a", null, "|O", [3]]      the elements, in lists within lists for more dimensions; data type; shape
//! ```

use std::sync::Arc;

use serde_json::{Map, Value};

use super::values::{Nested, check_shape, checked_dtype, each, named_order, nest, push};
use crate::{
    ArrayToBytes, ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind,
    CodecRegistry, Configuration, Object, Result, V2Codec,
    json::{JsonError, Parser, Style, new_line, write_into},
    object::KeyRules,
    text_encoding::TextEncoding,
};

const NAME: &str = "json2";

/// The most bytes of text that one element may have, since values in memory are many times larger.
const ITEM_SIZE_MAX: usize = 1 << 26;

#[derive(Debug)]
struct Json {
    encoding: TextEncoding,
    keys: KeyRules,
    allow_nan: bool,
    ascii: bool,
    indent: Option<String>,
    separators: (String, String),
    strict: bool,
    order: ByteOrder,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let known = [
        "encoding",
        "endian",
        "skipkeys",
        "ensure_ascii",
        // Values in memory have no circles.
        "check_circular",
        "allow_nan",
        "indent",
        "separators",
        "sort_keys",
        "strict",
    ];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    let encoding = configuration.text("encoding", Some("utf-8"))?;
    let encoding = TextEncoding::of(encoding)
        .ok_or_else(|| configuration.error("encoding", &format!("`{encoding}` is not known")))?;
    let indent = indent(&configuration)?;
    configuration.boolean("check_circular", true)?;
    Ok(Codec::ArrayToBytes(Arc::new(Json {
        encoding,
        keys: KeyRules {
            skip: configuration.boolean("skipkeys", false)?,
            sort: configuration.boolean("sort_keys", true)?,
        },
        allow_nan: configuration.boolean("allow_nan", true)?,
        ascii: configuration.boolean("ensure_ascii", true)?,
        separators: separators(&configuration, indent.is_some())?,
        indent,
        strict: configuration.boolean("strict", true)?,
        order: named_order(&configuration)?,
    })))
}

/// What a level is indented with: a text, or so many blanks.
fn indent(configuration: &Configuration<'_>) -> Result<Option<String>> {
    const BLANKS_MAX: i64 = 64;
    match configuration.get("indent") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Bool(one)) => Ok(Some(" ".repeat(usize::from(*one)))),
        Some(_) => {
            let blanks = configuration.integer("indent", i64::MIN..=BLANKS_MAX, None)?;
            Ok(Some(" ".repeat(blanks.max(0) as usize)))
        }
    }
}

fn separators(configuration: &Configuration<'_>, is_indented: bool) -> Result<(String, String)> {
    let wrong = || configuration.error("separators", "must be two texts");
    match configuration.get("separators") {
        None | Some(Value::Null) if is_indented => Ok((", ".to_owned(), ": ".to_owned())),
        None | Some(Value::Null) => Ok((",".to_owned(), ":".to_owned())),
        Some(Value::Array(texts)) if texts.len() == 2 => {
            let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(wrong);
            Ok((text(&texts[0])?, text(&texts[1])?))
        }
        Some(_) => Err(wrong()),
    }
}

impl Json {
    fn style(&self) -> Style<'_> {
        Style {
            indent: self.indent.as_deref(),
            separators: (&self.separators.0, &self.separators.1),
            // Keys are sorted before they become texts.
            sorted: false,
            ascii: self.ascii,
        }
    }

    fn write(&self, value: &Object, depth: usize, out: &mut String) -> Result<()> {
        let json = value.to_json_with(self.keys)?;
        if !self.allow_nan && has_special_float(&json) {
            let reason = "Out of range float values are not JSON compliant";
            return Err(CodecError::mismatch(NAME, reason));
        }
        write_into(out, &json, self.style(), depth);
        Ok(())
    }

    fn text(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec) -> Result<String> {
        let style = self.style();
        let dtype = checked_dtype(NAME, false, self.order, spec)?;
        let mut elements = Vec::new();
        each(chunk, spec, &mut |value| {
            elements.push(value);
            Ok(())
        })?;
        let mut elements = elements.iter();
        let mut text = "[".to_owned();
        nest(&spec.shape, &mut |place| {
            match place {
                Nested::Open { index, depth, .. } => {
                    new_line(&mut text, index, style, depth);
                    text.push('[');
                }
                Nested::Element { index, depth } => {
                    new_line(&mut text, index, style, depth);
                    self.write(elements.next().unwrap_or(&Object::Null), depth, &mut text)?;
                }
                Nested::Close { count, depth } => {
                    if count > 0 {
                        new_line(&mut text, 0, style, depth);
                    }
                    text.push(']');
                }
            }
            Ok(())
        })?;
        let is_first = spec.shape.first() == Some(&0);
        new_line(&mut text, usize::from(!is_first), style, 1);
        write_into(&mut text, &dtype.into(), style, 1);
        new_line(&mut text, 1, style, 1);
        write_into(&mut text, &Value::from(spec.shape.clone()), style, 1);
        new_line(&mut text, 0, style, 0);
        text.push(']');
        Ok(text)
    }

    fn read(&self, text: &str, spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let corrupt = |error: JsonError| CodecError::corrupt(NAME, error.to_string());
        let mut parser = Parser::new(text, !self.strict);
        parser.expect("[", "expected a list").map_err(corrupt)?;
        let comma = |parser: &mut Parser<'_>, index: usize| match index {
            0 => Ok(()),
            _ => parser.expect(",", "expected a comma").map_err(corrupt),
        };
        nest(&spec.shape, &mut |place| match place {
            Nested::Open { index, .. } => {
                comma(&mut parser, index)?;
                parser.expect("[", "expected a list").map_err(corrupt)
            }
            Nested::Element { index, depth } => {
                comma(&mut parser, index)?;
                let start = parser.offset();
                let value = parser.value(depth).map_err(corrupt)?;
                if parser.offset() - start > ITEM_SIZE_MAX {
                    return Err(CodecError::corrupt(NAME, "an element has over 64 MiB"));
                }
                push(&Object::from_json(&value)?, spec, out)
            }
            Nested::Close { .. } => parser.expect("]", "expected the end of a list").map_err(corrupt),
        })?;
        comma(&mut parser, usize::from(spec.shape.first() != Some(&0)))?;
        let dtype = parser.value(1).map_err(corrupt)?;
        if !dtype.is_string() {
            return Err(CodecError::corrupt(
                NAME,
                "there are more elements than the shape says",
            ));
        }
        parser.expect(",", "expected a comma").map_err(corrupt)?;
        let shape = parser.value(1).map_err(corrupt)?;
        check_shape(NAME, &Object::from_json(&shape)?, spec)?;
        parser
            .expect("]", "expected the end of the list")
            .map_err(corrupt)?;
        parser.end().map_err(corrupt)
    }
}

fn has_special_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_str().ends_with(['N', 'y']),
        Value::Array(items) => items.iter().any(has_special_float),
        Value::Object(members) => members.values().any(has_special_float),
        _ => false,
    }
}

impl ArrayToBytes for Json {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        checked_dtype(NAME, false, self.order, spec).map(|_| None)
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let text = self.text(chunk, spec)?;
        self.encoding
            .encode(&text, out)
            .map_err(|reason| CodecError::mismatch(NAME, reason))
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let text = self.encoding.decode(encoded);
        let text = text.map_err(|reason| CodecError::corrupt(NAME, reason))?;
        self.read(&text, spec, out)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToBytes,
    doc: "elements as JSON: any values of object arrays, numbers and texts",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};
    use crate::{DataType, json};

    fn codec(configuration: &Value) -> Arc<dyn ArrayToBytes> {
        match build(configuration.as_object().unwrap(), &CodecRegistry::default()).unwrap() {
            Codec::ArrayToBytes(codec) => codec,
            other => panic!("the codec makes bytes of an array: {other:?}"),
        }
    }

    #[test]
    fn chunks_come_back() {
        for shape in [&[9][..], &[], &[0], &[2, 3], &[2, 0, 3]] {
            check_codec(NAME, json!({}), &spec(shape, DataType::Object));
            check_codec(NAME, json!({"indent": 1}), &spec(shape, DataType::Object));
        }
        check_codec(NAME, json!({}), &spec(&[5], DataType::Int16));
        check_codec(
            NAME,
            json!({"encoding": "utf-16"}),
            &spec(&[2, 2], DataType::UInt64),
        );
    }

    #[track_caller]
    fn check(configuration: &Value, items: &str, encoded: &str) {
        let Value::Array(items) = json::parse(items.as_bytes()).unwrap() else {
            panic!("not a list")
        };
        let mut chunk = ChunkBuffer::default();
        for item in &items {
            chunk.push_item(&Object::from_json(item).unwrap().to_item());
        }
        let spec = spec(&[items.len() as u64], DataType::Object);
        let codec = codec(configuration);
        let mut out = Vec::new();
        codec.encode(chunk.as_ref(), &spec, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), encoded);
    }

    #[test]
    fn texts_are_those_of_numcodecs() {
        // numcodecs 0.15: JSON(**configuration).encode(items)
        check(
            &json!({}),
            r#"[{"b": [1.0, 1e16], "a": NaN}, "é", 1180591620717411303424]"#,
            r#"[{"a":NaN,"b":[1.0,1e+16]},"\u00e9",1180591620717411303424,"|O",[3]]"#,
        );
        check(
            &json!({"indent": 0}),
            r#"[1.5, NaN, "é\u007f"]"#,
            "[\n1.5, \nNaN, \n\"\\u00e9\\u007f\", \n\"|O\", \n[\n3\n]\n]",
        );
        check(
            &json!({"indent": "\t", "ensure_ascii": false, "sort_keys": false, "separators": [";", "="]}),
            r#"[{"b": 1, "a": []}]"#,
            "[\n\t{\n\t\t\"b\"=1;\n\t\t\"a\"=[]\n\t};\n\t\"|O\";\n\t[\n\t\t1\n\t]\n]",
        );
    }
}
