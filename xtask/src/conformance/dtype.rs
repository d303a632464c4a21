//! The data types of the grid, by their `NumPy` texts, and their names in format 3.
//!
//! Three have texts of our own: `<record` and `>record`, which have fields, and `text` and `bytes`, whose elements are of any length.

use serde_json::{Value, json};

/// A data type as `NumPy` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dtype {
    /// The whole text, such as `<i4`.
    pub(crate) text: &'static str,
    /// The letter of the kind, such as `i`.
    pub(crate) kind: char,
    /// Bytes of an element; 0 where elements are of any length.
    pub(crate) size: usize,
}

impl Dtype {
    /// Takes one of the texts of the grid apart.
    pub(crate) fn new(text: &'static str) -> Self {
        let own = match text {
            "text" => Some(('T', 0)),
            "bytes" => Some(('B', 0)),
            "<record" | ">record" => Some(('R', 15)),
            _ => None,
        };
        if let Some((kind, size)) = own {
            return Self { text, kind, size };
        }
        let kind = char::from(text.as_bytes()[1]);
        let digits: String = text[2..].chars().take_while(char::is_ascii_digit).collect();
        let count: usize = digits.parse().expect("a text of the grid has a size");
        let size = if kind == 'U' { count * 4 } else { count };
        Self { text, kind, size }
    }

    /// Whether elements are of any length.
    pub(crate) fn is_variable(self) -> bool {
        matches!(self.kind, 'T' | 'B')
    }

    /// The fields of a record.
    pub(crate) fn fields(self) -> Vec<(&'static str, Self)> {
        let fields = match self.text {
            "<record" => ["<i4", "<f8", "|S3"],
            ">record" => [">i4", ">f8", "|S3"],
            _ => return Vec::new(),
        };
        let names = ["a", "b", "c"];
        names.into_iter().zip(fields.map(Self::new)).collect()
    }

    /// The data type of a format 2 document.
    pub(crate) fn v2(self) -> Value {
        match self.kind {
            'T' | 'B' => json!("|O"),
            'R' => self
                .fields()
                .into_iter()
                .map(|(name, field)| json!([name, field.text]))
                .collect(),
            _ => json!(self.text),
        }
    }

    /// The filter that makes bytes of elements of any length.
    pub(crate) fn object_codec(self) -> Option<&'static str> {
        match self.kind {
            'T' => Some("vlen-utf8"),
            'B' => Some("vlen-bytes"),
            _ => None,
        }
    }

    /// Whether the parts of an element have their most significant byte first.
    pub(crate) fn is_big_endian(self) -> bool {
        self.text.starts_with('>')
    }

    /// Bytes of the parts whose order of bytes matters: all of an integer, half of a complex number.
    pub(crate) fn part_size(self) -> usize {
        match self.kind {
            'c' => self.size / 2,
            'U' => 4,
            'S' | 'V' | 'R' | 'T' | 'B' => 1,
            _ => self.size,
        }
    }

    /// The text without the order of bytes.
    pub(crate) fn bare(self) -> &'static str {
        self.text.trim_start_matches(['<', '>', '|'])
    }

    /// The data type of a format 3 document, as zarr-python 3 writes it.
    pub(crate) fn v3(self) -> Value {
        let bits = self.size * 8;
        match self.kind {
            'b' => json!("bool"),
            'i' => json!(format!("int{bits}")),
            'u' => json!(format!("uint{bits}")),
            'f' => json!(format!("float{bits}")),
            'c' => json!(format!("complex{bits}")),
            'S' => extension("null_terminated_bytes", &json!({"length_bytes": self.size})),
            'U' => extension("fixed_length_utf32", &json!({"length_bytes": self.size})),
            'V' => extension("raw_bytes", &json!({"length_bytes": self.size})),
            'T' => json!("string"),
            'B' => json!("variable_length_bytes"),
            'R' => json!("struct"),
            _ => {
                let name = if self.kind == 'M' {
                    "numpy.datetime64"
                } else {
                    "numpy.timedelta64"
                };
                let unit = self.text[4..].trim_matches(['[', ']']);
                extension(name, &json!({"unit": unit, "scale_factor": 1}))
            }
        }
    }

    /// Whether a library that names this type means this one: its `NumPy` text or its name in format 3.
    pub(crate) fn is_named(self, reported: &str) -> bool {
        let v3 = self.v3();
        let name = v3.as_str().or_else(|| v3["name"].as_str()).unwrap_or_default();
        let raw = format!("r{}", self.size * 8);
        let whole = match self.kind {
            'T' => &["|O", "string"][..],
            'B' => &["|O", "variable_length_bytes", "bytes"],
            'R' => &["|V15"],
            _ => &[],
        };
        if whole.contains(&reported) {
            return true;
        }
        reported.split(" / ").any(|part| {
            let is_raw = self.kind == 'V' && part == raw;
            part.trim_start_matches(['<', '>', '|', '=']) == self.bare() || part == name || is_raw
        })
    }
}

fn extension(name: &str, configuration: &Value) -> Value {
    json!({"name": name, "configuration": configuration})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gives_kind_and_size() {
        let check = |text, kind, size, part| {
            let dtype = Dtype::new(text);
            assert_eq!(
                (dtype.kind, dtype.size, dtype.part_size()),
                (kind, size, part),
                "{text}"
            );
        };
        check("<i4", 'i', 4, 4);
        check(">U4", 'U', 16, 4);
        check("<c16", 'c', 16, 8);
        check("|V6", 'V', 6, 1);
        check("<M8[ns]", 'M', 8, 8);
    }

    #[test]
    fn a_type_is_known_by_each_of_its_names() {
        assert!(Dtype::new(">i4").is_named("<i4"));
        assert!(Dtype::new("<i4").is_named("int32 / <i4"));
        assert!(Dtype::new("|V6").is_named("r48"));
        assert!(Dtype::new("<M8[s]").is_named("numpy.datetime64"));
        assert!(!Dtype::new("<M8[s]").is_named("<M8[ns]"));
        assert!(!Dtype::new("<i4").is_named("<u4"));
    }
}
