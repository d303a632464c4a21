//! Objects and JSON.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::Object;
use crate::{
    CodecError, Result,
    json::{Style, bare, float, python_float, write_into},
};

/// What becomes of the keys of maps, as Python's `json` has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRules {
    /// Whether members whose key JSON cannot have are left out; they are an error otherwise.
    pub(crate) skip: bool,
    /// Whether members are sorted by their keys.
    pub(crate) sort: bool,
}

impl Object {
    /// Takes a value of JSON; bare `NaN` and infinities are floats.
    ///
    /// # Errors
    /// [`CodecError::Value`] for a number that is none.
    pub fn from_json(value: &Value) -> Result<Self> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::number(number.as_str())
                .ok_or_else(|| CodecError::value("object", format!("{number} is no number")))?,
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect::<Result<_>>()?),
            Value::Object(members) => {
                let member =
                    |(name, value): (&String, &Value)| Ok((name.as_str().into(), Self::from_json(value)?));
                Self::Map(members.iter().map(member).collect::<Result<_>>()?)
            }
        })
    }

    /// The value as JSON; keys that are numbers, truths or null become texts, as in Python.
    ///
    /// # Errors
    /// [`CodecError::Value`] for what JSON does not have: bytes, extensions, and keys that are one of those, lists or
    /// maps.
    pub fn to_json(&self) -> Result<Value> {
        self.to_json_with(KeyRules {
            skip: false,
            sort: false,
        })
    }

    /// The value as a line of JSON, laid out as Python's `json.dumps` does; all that is not ASCII stands as it is.
    ///
    /// # Errors
    /// Those of [`Object::to_json`].
    pub fn to_text(&self) -> Result<String> {
        let style = Style {
            indent: None,
            separators: (", ", ": "),
            sorted: false,
            ascii: false,
        };
        let mut text = String::new();
        write_into(&mut text, &self.to_json()?, style, 0);
        Ok(text)
    }

    pub(crate) fn to_json_with(&self, rules: KeyRules) -> Result<Value> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => integer_json(&value.to_string()),
            Self::BigInt(digits) => integer_json(digits),
            Self::Float(value) => float(*value),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => items
                .iter()
                .map(|item| item.to_json_with(rules))
                .collect::<Result<Value>>()?,
            Self::Map(members) => map_json(members, rules)?,
            Self::Bytes(_) | Self::Extension(..) => {
                let reason = format!("{} cannot stand in JSON", self.kind());
                return Err(CodecError::value("object", reason));
            }
        })
    }

    fn number(text: &str) -> Option<Self> {
        match text {
            "NaN" => Some(Self::Float(f64::NAN)),
            "Infinity" => Some(Self::Float(f64::INFINITY)),
            "-Infinity" => Some(Self::Float(f64::NEG_INFINITY)),
            _ => Self::integer(text).or_else(|| text.parse().ok().map(Self::Float)),
        }
    }

    /// Reads an integer of any size from its digits.
    pub(super) fn integer(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = text.parse().ok().map(Self::Int);
        number.or_else(|| Some(Self::BigInt(text.to_owned())))
    }

    /// The text of a key, as Python writes it.
    fn key(&self) -> Option<String> {
        Some(match self {
            Self::Text(text) => text.clone(),
            Self::Null => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::BigInt(digits) => digits.clone(),
            Self::Float(value) => python_float(*value),
            _ => return None,
        })
    }

    /// Which of two keys comes first; `None` where Python would not say.
    fn before(&self, other: &Self) -> Option<Ordering> {
        let number = |value: &Self| match value {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        };
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            _ => number(self)?.partial_cmp(&number(other)?),
        }
    }
}

fn integer_json(digits: &str) -> Value {
    digits
        .parse::<Number>()
        .map_or_else(|_| bare(digits), Value::Number)
}

fn map_json(members: &[(Object, Object)], rules: KeyRules) -> Result<Value> {
    let mut members: Vec<_> = members.iter().collect();
    if rules.sort {
        let mut differ = false;
        members.sort_by(|a, b| {
            a.0.before(&b.0).unwrap_or_else(|| {
                differ = true;
                Ordering::Equal
            })
        });
        if differ {
            return Err(CodecError::value(
                "object",
                "keys of different types cannot be sorted",
            ));
        }
    }
    let mut object = Map::new();
    for (key, value) in members {
        match key.key() {
            Some(name) => drop(object.insert(name, value.to_json_with(rules)?)),
            None if rules.skip => {}
            None => {
                let reason = format!("keys must be text, a number, a truth or null, not {}", key.kind());
                return Err(CodecError::value("object", reason));
            }
        }
    }
    Ok(object.into())
}
