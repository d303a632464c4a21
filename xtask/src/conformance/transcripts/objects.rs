//! Values of object arrays and their codecs, between transcripts and the library.

use serde_json::{Map, Value, json};
use zarr_convenience::core::{
    codecs::{ByteOrder, DataType, Object, StoredType},
    metadata::{json, v2_data_type},
};

use super::{
    outcome::{Failure, Fault, Outcome},
    scalar::to_hex,
};

/// Adds what a codec of objects makes of its own configuration.
pub(super) fn complete(config: &mut Value) {
    match config["id"].as_str() {
        Some("json2") if config["separators"].is_null() => {
            let pair = if config["indent"].is_null() {
                [",", ":"]
            } else {
                [", ", ": "]
            };
            config["separators"] = json!(pair);
        }
        Some("vlen-array") => {
            let dtype = config["dtype"]
                .as_str()
                .and_then(|text| StoredType::from_numpy(text).ok());
            if let Some(text) = dtype.and_then(|stored| stored.to_numpy()) {
                config["dtype"] = text.into();
            }
        }
        _ => {}
    }
}

/// Whether a codec writes values, behind which it says what they are.
pub(super) fn writes_values(config: &Value) -> bool {
    matches!(config["id"].as_str(), Some("json2" | "msgpack2"))
}

/// The data type, byte order and shape of what such a codec wrote.
pub(super) fn contents(config: &Value, encoded: &[u8]) -> Outcome<(DataType, ByteOrder, Vec<u64>)> {
    let strange = || -> Fault {
        Failure::class("TypeError", "it is no list with a type and a shape at its end").into()
    };
    let list = if config["id"] == "json2" {
        json::parse(encoded)
            .ok()
            .and_then(|value| Object::from_json(&value).ok())
    } else {
        Object::from_item(encoded).ok()
    };
    let list = list.ok_or_else(|| Failure::class("ValueError", "it is no value"))?;
    let items = match list {
        Object::List(items) if items.len() > 1 => items,
        Object::Text(text) if text.chars().nth(1).is_some() => return Err(strange()),
        Object::List(_) | Object::Text(_) => {
            return Err(Failure::class("IndexError", "it has no type and no shape").into());
        }
        _ => return Err(strange()),
    };
    let [.., dtype, Object::List(shape)] = &items[..] else {
        return Err(strange());
    };
    let length = |length: &Object| match length {
        Object::Int(length) => u64::try_from(*length).map_err(|_| strange()),
        _ => Err(strange()),
    };
    let shape = shape.iter().map(length).collect::<Outcome<_>>()?;
    let text = match dtype {
        Object::Text(text) => text.clone(),
        Object::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => return Err(strange()),
    };
    if text == "|O" {
        return Ok((DataType::Object, ByteOrder::NATIVE, shape));
    }
    let (data_type, order) = v2_data_type(&text.into()).map_err(|_| strange())?;
    Ok((data_type, order, shape))
}

/// The transcript's form of a value.
pub(super) fn shown(value: &Object) -> Value {
    match value {
        Object::Bytes(bytes) => json!({"hex": to_hex(bytes)}),
        Object::List(items) => items.iter().map(shown).collect(),
        Object::Float(number) if !number.is_finite() => json::python_float(*number).into(),
        Object::Map(members) => {
            let member = |(key, value): &(Object, Object)| (key.to_text().unwrap_or_default(), shown(value));
            let named = members.iter().map(|(key, value)| match key {
                Object::Text(name) => (name.clone(), shown(value)),
                _ => member(&(key.clone(), value.clone())),
            });
            named.collect::<Map<_, _>>().into()
        }
        plain => plain.to_json().unwrap_or_default(),
    }
}
