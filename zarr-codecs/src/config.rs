//! A codec as it stands in metadata.

use serde_json::{Map, Value};

use crate::{CodecError, Result};

/// The name of a codec and its configuration, in the form of the Zarr V3 specification.
#[derive(Debug, Clone)]
pub struct CodecConfig {
    /// The registered name, such as `gzip`.
    pub name: String,
    /// The members of `configuration`.
    pub configuration: Map<String, Value>,
    /// The JSON that this was read from, in whichever format, so that writing it back changes nothing.
    pub source: Option<Value>,
}

impl PartialEq for CodecConfig {
    /// Where a codec was read from makes no difference.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.configuration == other.configuration
    }
}

impl CodecConfig {
    /// Makes a codec of a name and a configuration.
    pub fn new(name: impl Into<String>, configuration: Map<String, Value>) -> Self {
        Self {
            name: name.into(),
            configuration,
            source: None,
        }
    }

    /// Makes a codec of a name and a JSON object; anything but an object means an empty configuration.
    pub fn of(name: impl Into<String>, configuration: Value) -> Self {
        let Value::Object(configuration) = configuration else {
            return Self::new(name, Map::new());
        };
        Self::new(name, configuration)
    }

    /// Reads the V3 form: a name, or an object with `name` and `configuration`.
    ///
    /// # Errors
    /// [`CodecError::Config`] for anything else, and for a member that must be understood and is not known.
    pub fn from_json(mut value: Value) -> Result<Self> {
        if let Some(codec) = Self::from_usual(&mut value) {
            return Ok(codec);
        }
        if let Some(name) = value.as_str() {
            return Ok(Self {
                source: Some(value.clone()),
                ..Self::new(name, Map::new())
            });
        }
        let name = value.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| CodecError::config("?", "expected a name or an object with a name"))?;
        let configuration = match value.get("configuration") {
            None => Map::new(),
            Some(Value::Object(members)) => members.clone(),
            Some(_) => return Err(CodecError::config(name, "expected an object")),
        };
        let codec = Self::new(name, configuration);
        let members = value.as_object().into_iter().flat_map(Map::keys);
        if members.eq(codec.members()) {
            return Ok(codec);
        }
        if let Some(member) = unknown_member(&value) {
            let reason = format!("member `{member}` is not known and must be understood");
            return Err(CodecError::config(name, reason));
        }
        Ok(Self {
            source: Some(value),
            ..codec
        })
    }

    /// Takes the usual form apart, as it is written anyway; there are as many codecs as arrays.
    fn from_usual(value: &mut Value) -> Option<Self> {
        let members = value.as_object_mut()?;
        if !members.keys().eq(["name", "configuration"]) {
            return None;
        }
        let name = members["name"].as_str()?.to_owned();
        let configuration = members["configuration"].as_object_mut();
        let configuration = configuration.filter(|configuration| !configuration.is_empty())?;
        Some(Self::new(name, std::mem::take(configuration)))
    }

    /// Whether whoever does not know the codec may do without it: `must_understand` is false.
    pub fn may_be_ignored(&self) -> bool {
        self.source.as_ref().is_some_and(may_be_ignored)
    }

    /// The members of its V3 form.
    fn members(&self) -> impl Iterator<Item = &'static str> {
        // zarr-python 3 refuses codecs of numcodecs without a configuration, and writes an empty one of texts and bytes.
        let has_configuration = !self.configuration.is_empty()
            || self.name.starts_with("numcodecs.")
            || ["vlen-utf8", "vlen-bytes"].contains(&self.name.as_str());
        ["name"]
            .into_iter()
            .chain(has_configuration.then_some("configuration"))
    }

    /// The V3 form: an object with `name` and, unless empty, `configuration`; those of codecs of
    /// numcodecs, of texts and of bytes always have one.
    pub fn to_json(&self) -> Value {
        if let Some(source) = self
            .source
            .as_ref()
            .filter(|source| source.is_string() || source.get("name").is_some())
        {
            return source.clone();
        }
        let member = |name: &str| match name {
            "name" => Value::from(self.name.as_str()),
            _ => self.configuration.clone().into(),
        };
        Value::Object(
            self.members()
                .map(|name| (name.to_owned(), member(name)))
                .collect(),
        )
    }
}

/// Whether an extension object says that whoever does not know it may do without it.
pub fn may_be_ignored(extension: &Value) -> bool {
    extension.get("must_understand") == Some(&Value::Bool(false))
}

/// The first member of an extension object that the specification does not name and that must be understood.
pub fn unknown_member(extension: &Value) -> Option<&str> {
    const KNOWN: [&str; 3] = ["name", "configuration", "must_understand"];
    let members = extension.as_object().into_iter().flatten();
    let mut unknown =
        members.filter(|(name, value)| !KNOWN.contains(&name.as_str()) && !may_be_ignored(value));
    unknown.next().map(|(name, _)| name.as_str())
}

/// Reads the members of a configuration and names the one that is wrong.
#[derive(Debug, Clone, Copy)]
pub struct Configuration<'a> {
    codec: &'static str,
    members: &'a Map<String, Value>,
}

impl<'a> Configuration<'a> {
    /// Begins to read the configuration of `codec`, which may have the `known` members and no others.
    ///
    /// # Errors
    /// [`CodecError::Config`] for a member that is not known: to ignore it might decode wrong values.
    pub fn new(codec: &'static str, members: &'a Map<String, Value>, known: &[&str]) -> Result<Self> {
        match members.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(CodecError::config(codec, format!("member `{name}` is not known"))),
            None => Ok(Self { codec, members }),
        }
    }

    /// An integer of the given range; `default` where it is absent, an error if there is no default.
    ///
    /// # Errors
    /// [`CodecError::Config`] for another type, a fraction, or a number out of range.
    pub fn integer(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
        default: Option<i64>,
    ) -> Result<i64> {
        let Some(value) = self.present(name) else {
            return default.ok_or_else(|| self.error(name, "is missing"));
        };
        let number = value
            .as_i64()
            .ok_or_else(|| self.error(name, "must be an integer"))?;
        if !range.contains(&number) {
            return Err(self.error(name, &format!("must be within {range:?}, found {number}")));
        }
        Ok(number)
    }

    /// An integer that only encoding needs; `default` where it is absent.
    ///
    /// Whatever its value, what was encoded with it can be read: [`encoder_setting`] checks it where it is used.
    ///
    /// # Errors
    /// [`CodecError::Config`] for another type and a fraction.
    pub fn encoder_integer(&self, name: &str, default: i64) -> Result<i64> {
        self.integer(name, i64::MIN..=i64::MAX, Some(default))
    }

    /// A number, whole or not; `default` where it is absent.
    ///
    /// # Errors
    /// [`CodecError::Config`] for another type.
    pub fn number(&self, name: &str, default: f64) -> Result<f64> {
        self.present(name).map_or(Ok(default), |value| {
            value.as_f64().ok_or_else(|| self.error(name, "must be a number"))
        })
    }

    /// A boolean; `default` where it is absent.
    ///
    /// # Errors
    /// [`CodecError::Config`] for another type.
    pub fn boolean(&self, name: &str, default: bool) -> Result<bool> {
        self.present(name).map_or(Ok(default), |value| {
            value
                .as_bool()
                .ok_or_else(|| self.error(name, "must be true or false"))
        })
    }

    /// A text; `default` where it is absent, an error if there is no default.
    ///
    /// # Errors
    /// [`CodecError::Config`] for another type.
    pub fn text(&self, name: &str, default: Option<&'a str>) -> Result<&'a str> {
        let Some(value) = self.present(name) else {
            return default.ok_or_else(|| self.error(name, "is missing"));
        };
        value.as_str().ok_or_else(|| self.error(name, "must be a text"))
    }

    /// A member as it is; `None` where it is absent.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name)
    }

    /// An error about a member.
    pub fn error(&self, name: &str, reason: &str) -> CodecError {
        CodecError::config(self.codec, format!("`{name}` {reason}"))
    }

    fn present(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }
}

/// Checks an integer that came from [`Configuration::encoder_integer`].
///
/// # Errors
/// [`CodecError::Config`] when it is out of range: such data can be read, not written.
pub fn encoder_setting(
    codec: &'static str,
    name: &str,
    value: i64,
    range: std::ops::RangeInclusive<i32>,
) -> Result<i32> {
    let checked = i32::try_from(value).ok().filter(|value| range.contains(value));
    checked.ok_or_else(|| {
        let reason = format!("`{name}` must be within {range:?} to encode, found {value}");
        CodecError::config(codec, reason)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn codecs_of_numcodecs_have_a_configuration_even_if_it_is_empty() {
        let json = |name: &str| CodecConfig::new(name, Map::new()).to_json();
        assert_eq!(json("crc32c"), json!({"name": "crc32c"}));
        assert_eq!(
            json("numcodecs.crc32"),
            json!({"name": "numcodecs.crc32", "configuration": {}})
        );
    }
}
