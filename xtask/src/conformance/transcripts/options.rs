//! Creation options, between Python's keywords and ours.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use zarr_convenience::{
    Chunks, Creation, codec_parameters,
    core::{
        ArrayBuilder, ArrayData, Options, Order,
        codecs::{ByteOrder, DataType},
    },
    data_type_text,
};

use super::{
    codecs,
    outcome::{Failure, Fault, Outcome, quoted},
    scalar::Scalar,
    values,
};

/// What is asked of a new array.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) creation: Creation,
    pub(super) write_empty_chunks: bool,
    /// The codec that is to hold objects.
    object_codec: Option<Value>,
}

impl Asked {
    /// Reads the options of a step; `separator` is what the store itself asks for.
    pub(super) fn of(step: &Value, separator: Option<char>) -> Outcome<Self> {
        let mut creation = Creation::default();
        if let Some(chunks) = step.get("chunks") {
            creation.chunks = Some(chunks_of(chunks)?);
        }
        if let Some(compressor) = compressor(step)? {
            creation.compressor = Some(compressor);
        }
        let mut filters = match step.get("filters") {
            Some(Value::Array(filters)) => Some(filters.iter().map(codecs::complete).collect::<Vec<_>>()),
            _ => None,
        };
        // Only objects take it; zarr-python warns and goes on without.
        let object_codec = step
            .get("object_codec")
            .filter(|codec| !codec.is_null() && holds_objects(step))
            .cloned();
        if let Some(codec) = &object_codec {
            filters.get_or_insert_default().insert(0, codecs::complete(codec));
        }
        if step.get("filters").is_some() || filters.is_some() {
            creation.filters = Some(filters.clone());
        }
        for name in ["fill_value", "fillvalue"] {
            if let Some(fill) = step.get(name) {
                creation.fill_value = Some(fill_value(fill, dtype_of(step))?);
            }
        }
        if let Some(order) = step.get("order") {
            creation.order = Some(order_of(order)?);
        }
        if let Some(found) = step.get("dimension_separator").filter(|found| !found.is_null())
            && ![".", "/"].iter().any(|known| found == known)
        {
            let message = format!(
                "dimension_separator must be either '.' or '/', found: {}",
                python(found)
            );
            return Err(Failure::new("ValueError", message).into());
        }
        let asked = step["dimension_separator"]
            .as_str()
            .and_then(|text| text.chars().next());
        if let (Some(asked), Some(separator)) = (asked, separator)
            && asked != separator
        {
            let message = format!(
                "Specified dimension_separator: {asked}conflicts with store's separator: {separator}"
            );
            return Err(Failure::new("ValueError", message).into());
        }
        creation.dimension_separator = asked.or(separator);
        Ok(Self {
            creation,
            write_empty_chunks: step["write_empty_chunks"].as_bool().unwrap_or(true),
            object_codec: object_codec.or_else(|| filters.and_then(|filters| filters.into_iter().next())),
        })
    }

    /// The data type that a step asks for.
    pub(super) fn data_type(&self, dtype: Option<&Value>) -> Outcome<(DataType, ByteOrder)> {
        let Some(dtype) = dtype else {
            return Ok((DataType::Float64, ByteOrder::Little));
        };
        match values::data_type(dtype)? {
            (DataType::Unknown { name, .. }, order) if name.ends_with('O') => {
                Ok((values::object_type(self.object_codec.as_ref())?, order))
            }
            found => Ok(found),
        }
    }

    /// The data of a step, in the type that it asks for.
    pub(super) fn data(&self, value: &Value, dtype: Option<&Value>) -> Outcome<(ArrayData, ByteOrder)> {
        let wanted = dtype.or_else(|| value.get("dtype"));
        if wanted.is_none() {
            return Ok((values::array(value, None)?, ByteOrder::Little));
        }
        let (data_type, order) = self.data_type(wanted)?;
        Ok((values::array(value, Some(&data_type))?, order))
    }

    /// The builder of an array.
    pub(super) fn builder(
        &self,
        shape: &[u64],
        data_type: &DataType,
        byte_order: ByteOrder,
    ) -> Outcome<ArrayBuilder> {
        let builder = ArrayBuilder::new(shape.to_vec(), data_type.clone()).byte_order(byte_order);
        Ok(self.creation.apply(builder, shape, data_type, byte_order)?)
    }

    pub(super) fn options(&self, base: &Options) -> Options {
        Options {
            write_empty_chunks: self.write_empty_chunks,
            ..base.clone()
        }
    }
}

/// Python's `order`, in upper or lower case.
fn order_of(value: &Value) -> Outcome<Order> {
    let text = value
        .as_str()
        .map_or_else(|| python(value), str::to_owned)
        .to_uppercase();
    match text.as_str() {
        "C" => Ok(Order::C),
        "F" => Ok(Order::F),
        _ => {
            let message = format!("order must be either 'C' or 'F', found: {}", quoted(&text));
            Err(Failure::new("ValueError", message).into())
        }
    }
}

/// A value as Python prints it.
pub(super) fn python(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(python).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", quoted(name), python(value)))
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Number(_) => value.to_string(),
    }
}

/// The data type that a step names, itself or for its data.
fn dtype_of(step: &Value) -> Option<&Value> {
    let given = step.get("dtype").filter(|dtype| !dtype.is_null());
    given.or_else(|| ["data", "arr"].iter().find_map(|name| step[*name].get("dtype")))
}

fn holds_objects(step: &Value) -> bool {
    dtype_of(step).and_then(Value::as_str).is_some_and(|dtype| {
        matches!(dtype, "O" | "|O" | "object" | "str" | "bytes") || dtype.starts_with("array:")
    })
}

/// Python's `chunks`; numbers with fractions are cut.
pub(super) fn chunks_of(value: &Value) -> Outcome<Chunks> {
    let negative = |length: i64| Failure::class("ValueError", format!("chunks of length {length}"));
    // -1 and null are for the whole length.
    let one = |value: &Value| match (value.as_i64(), value) {
        (Some(-1), _) | (None, Value::Null) => Ok(None),
        (Some(length), _) if length >= 0 => Ok(Some(length as u64)),
        (Some(length), _) => Err(negative(length).into()),
        (None, Value::Number(number)) => {
            let length = number.as_f64().unwrap_or_default().trunc();
            if length < 0.0 {
                Err(negative(length as i64).into())
            } else {
                Ok(Some(length as u64))
            }
        }
        (None, Value::Bool(truth)) => Ok(Some((*truth).into())),
        _ => Err(Fault::from(Failure::class(
            "TypeError",
            format!("chunks {value}"),
        ))),
    };
    Ok(match value {
        Value::Null | Value::Bool(true) => Chunks::Auto,
        Value::Bool(false) => Chunks::Whole,
        Value::Array(lengths) => Chunks::Shape(lengths.iter().map(one).collect::<Outcome<_>>()?),
        Value::Number(number) if number.as_i64().is_some() => one(value)?.map_or(Chunks::Whole, Chunks::Each),
        other => return Err(Failure::class("TypeError", format!("chunks {other}")).into()),
    })
}

/// The outer `None` is for what is not asked for, the inner one for no compressor.
///
/// `compressor` counts before `compression`, which h5py and old releases have.
#[expect(clippy::option_option, reason = "creation options have this form")]
fn compressor(step: &Value) -> Outcome<Option<Option<Value>>> {
    match step.get("compressor") {
        Some(Value::String(word)) if word == "default" => {}
        Some(Value::Null | Value::Bool(false)) => return Ok(Some(None)),
        Some(Value::String(word)) if word == "none" || word.is_empty() => return Ok(Some(None)),
        Some(Value::Array(items)) if items.is_empty() => return Ok(Some(None)),
        Some(Value::Number(number)) if number.as_f64() == Some(0.0) => return Ok(Some(None)),
        Some(config) if config.get("id").is_some() => return Ok(Some(Some(codecs::complete(config)))),
        Some(other) => {
            let message = format!("bad compressor; expected Codec object, found {}", python(other));
            return Err(Failure::new("zarr.errors.BadCompressorError", message).into());
        }
        None => {}
    }
    match step.get("compression") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(Value::String(word)) if word == "none" => Ok(Some(None)),
        Some(Value::String(word)) if word == "default" => Ok(None),
        Some(Value::String(id)) => Ok(Some(Some(compression(id, &step["compression_opts"])?))),
        Some(config) if config.get("id").is_some() => Ok(Some(Some(codecs::complete(config)))),
        Some(other) => {
            let message = format!("bad value for compression: {}", python(other));
            Err(Failure::new("ValueError", message).into())
        }
    }
}

/// The codec of an id; its options are named, in the order of its parameters, or the first of them.
fn compression(id: &str, options: &Value) -> Outcome {
    // A word of h5py, which takes no options.
    if id == "lzf" && options.is_null() {
        return Ok(json!({"id": id}));
    }
    let Some(parameters) = codec_parameters(id) else {
        return Err(Failure::new("KeyError", quoted(id)).into());
    };
    let mut config = json!({"id": id});
    match options {
        Value::Null => {}
        Value::Object(named) => named
            .iter()
            .for_each(|(name, value)| config[name] = value.clone()),
        Value::Array(values) => {
            for ((name, _), value) in parameters.iter().zip(values) {
                config[*name] = value.clone();
            }
        }
        one => {
            let name = parameters.first();
            let name = name.ok_or_else(|| Failure::class("TypeError", format!("{id} takes no options")))?;
            config[name.0] = one.clone();
        }
    }
    Ok(codecs::complete(&config))
}

/// A fill value as documents have it.
///
/// Documents have texts for several kinds of values, so that what Python tells apart is told here: types of bytes take
/// the text of anything, and types of texts take nothing but texts.
fn fill_value(value: &Value, dtype: Option<&Value>) -> Outcome {
    let scalar = Scalar::from_json(value, None)?;
    let data_type = dtype.and_then(|dtype| values::data_type(dtype).ok());
    match (&scalar, data_type) {
        (Scalar::Float(number), Some((DataType::FixedBytes(_), _))) if *number != 0.0 => {
            return Ok(BASE64_STANDARD.encode(scalar.shown()).into());
        }
        (Scalar::Text(text), Some((DataType::FixedBytes(_), _))) if !text.is_ascii() => {
            return Err(Failure::class("ValueError", format!("fill_value {text:?} is not ASCII")).into());
        }
        (Scalar::Text(text), Some((DataType::FixedBytes(_), _))) => {
            return Ok(BASE64_STANDARD.encode(text).into());
        }
        (Scalar::Float(_) | Scalar::Bytes(_), Some((data_type @ DataType::FixedUtf32(_), order))) => {
            let (given, dtype) = (scalar.shown(), data_type_text(&data_type, order));
            let message =
                format!("fill_value {given} is not valid for dtype {dtype}; must be a  unicode string");
            return Err(Failure::new("ValueError", message).into());
        }
        _ => {}
    }
    Ok(match scalar {
        Scalar::Bytes(bytes) => BASE64_STANDARD.encode(bytes).into(),
        Scalar::Null => Value::Null,
        scalar => scalar.to_json(),
    })
}
