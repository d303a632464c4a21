//! Attributes of arrays and groups.

use std::rc::Rc;

use serde_json::{Map, Value};
use zarr_convenience::core::{Attributes, Error as CoreError};

use super::{
    Operation,
    outcome::{Doing, Failure, Fault, Outcome, phrase},
    session::{Session, text},
    verbs::missing,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("attrs", all),
    ("attrs_get", get),
    ("attrs_set", set),
    ("attrs_del", del),
    ("attrs_update", update),
    ("attrs_put", put),
    ("attrs_asdict_mutate", asdict_mutate),
];

/// The attributes as transcripts show them: numbers that JSON lacks are texts.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Number(number) if ["NaN", "Infinity", "-Infinity"].contains(&number.to_string().as_str()) => {
            number.to_string().into()
        }
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), shown(value)));
            members.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// A value of a transcript as an attribute.
fn attribute(value: &Value) -> Outcome {
    let refused = || Failure::class("TypeError", format!("{value} is not JSON serializable")).into();
    match value {
        Value::Array(items) => items.iter().map(attribute).collect(),
        Value::Object(members) => {
            if let (Some(Value::String(kind)), Some(inner)) = (members.get("np"), members.get("value")) {
                return typed(kind, inner).ok_or_else(refused);
            }
            match (members.iter().next(), members.len()) {
                (Some((name, inner)), 1) => match (name.as_str(), inner) {
                    // Documents may have these words; only the parser of documents makes numbers of them.
                    ("float", Value::String(text)) => {
                        zarr_convenience::core::metadata::json::parse(text.as_bytes())
                            .map_err(|error| Fault::unsupported(format!("attribute {text}: {error}")))
                    }
                    ("float" | "json", inner) => Ok(inner.clone()),
                    ("tuple", inner) => attribute(inner),
                    ("object" | "text" | "hex" | "complex", _) => Err(refused()),
                    _ => nested(members),
                },
                _ if members.contains_key("arange")
                    || (members.contains_key("data") && members.contains_key("dtype")) =>
                {
                    Err(refused())
                }
                _ => nested(members),
            }
        }
        plain => Ok(plain.clone()),
    }
}

fn nested(members: &Map<String, Value>) -> Outcome {
    let members = members
        .iter()
        .map(|(name, value)| Ok((name.clone(), attribute(value)?)));
    Ok(members.collect::<Outcome<Map<_, _>>>()?.into())
}

/// A typed number of `NumPy`; what JSON lacks is `None`.
fn typed(kind: &str, value: &Value) -> Option<Value> {
    let kind = kind.trim_start_matches(['<', '>', '|', '=']);
    match kind {
        "f4" | "float32" => Some(f64::from(value.as_f64()? as f32).into()),
        "bool" | "bool_" | "b1" | "?" => None,
        _ if kind.starts_with(['c', 'S', 'U', 'V', 'M', 'm']) => None,
        _ => Some(value.clone()),
    }
}

/// A key, which Python makes a text of.
fn key(step: &Value) -> Outcome<String> {
    Ok(match &step["key"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => return Err(Fault::unsupported(format!("key {other}"))),
    })
}

fn attributes(session: &mut Session, step: &Value) -> Outcome<Rc<Attributes>> {
    session.attributes(text(step, "target")?)
}

fn done<T>(result: Result<T, CoreError>) -> Outcome<T> {
    result.map_err(|error| phrase(&error.into(), Doing::Attributes))
}

fn all(session: &mut Session, step: &Value) -> Outcome {
    Ok(shown(&done(attributes(session, step)?.to_map())?.into()))
}

fn get(session: &mut Session, step: &Value) -> Outcome {
    let key = key(step)?;
    let found = done(attributes(session, step)?.get(&key))?;
    found.as_ref().map(shown).ok_or_else(|| missing(&key))
}

fn set(session: &mut Session, step: &Value) -> Outcome {
    let value = attribute(&step["value"])?;
    done(attributes(session, step)?.set(&key(step)?, value))?;
    Ok(Value::Null)
}

fn del(session: &mut Session, step: &Value) -> Outcome {
    let key = key(step)?;
    let removed = done(attributes(session, step)?.remove(&key))?;
    removed.map(|_| Value::Null).ok_or_else(|| missing(&key))
}

fn values(step: &Value) -> Outcome<Map<String, Value>> {
    let values = step["values"].as_object().cloned().unwrap_or_default();
    values
        .iter()
        .map(|(name, value)| Ok((name.clone(), attribute(value)?)))
        .collect()
}

fn update(session: &mut Session, step: &Value) -> Outcome {
    done(attributes(session, step)?.update(values(step)?))?;
    Ok(Value::Null)
}

fn put(session: &mut Session, step: &Value) -> Outcome {
    done(attributes(session, step)?.put(values(step)?))?;
    Ok(Value::Null)
}

/// What is handed out is a copy: changing it changes nothing.
fn asdict_mutate(session: &mut Session, step: &Value) -> Outcome {
    let mut copy = done(attributes(session, step)?.to_map())?;
    copy.insert(key(step)?, attribute(&step["value"])?);
    Ok(Value::Null)
}
