//! Creation options, between Python's keywords and ours.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use zarr_convenience::{
    Chunks, Creation,
    core::{
        ArrayBuilder, ArrayData, Options, Order,
        codecs::{ByteOrder, DataType},
    },
};

use super::{
    codecs,
    outcome::{Failure, Fault, Outcome},
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
        let object_codec = step.get("object_codec").filter(|codec| !codec.is_null()).cloned();
        if let Some(codec) = &object_codec {
            filters.get_or_insert_default().insert(0, codecs::complete(codec));
        }
        if step.get("filters").is_some() || filters.is_some() {
            creation.filters = Some(filters.clone());
        }
        for name in ["fill_value", "fillvalue"] {
            if let Some(fill) = step.get(name) {
                creation.fill_value = Some(fill_value(fill)?);
            }
        }
        if let Some(order) = step["order"].as_str() {
            creation.order = Some(if order == "F" { Order::F } else { Order::C });
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

/// Python's `chunks`.
pub(super) fn chunks_of(value: &Value) -> Outcome<Chunks> {
    let one = |value: &Value| match value.as_i64() {
        Some(length) if length >= 0 => Some(length as u64),
        _ => None,
    };
    Ok(match value {
        Value::Null | Value::Bool(true) => Chunks::Auto,
        Value::Bool(false) => Chunks::Whole,
        Value::Array(lengths) => Chunks::Shape(lengths.iter().map(one).collect()),
        Value::Number(_) => match one(value) {
            Some(length) => Chunks::Each(length),
            None => Chunks::Whole,
        },
        other => return Err(Fault::unsupported(format!("chunks {other}"))),
    })
}

/// The outer `None` is for what is not asked for, the inner one for no compressor.
#[expect(clippy::option_option, reason = "creation options have this form")]
fn compressor(step: &Value) -> Outcome<Option<Option<Value>>> {
    match step.get("compressor") {
        Some(Value::Null) => return Ok(Some(None)),
        Some(config @ Value::Object(_)) => return Ok(Some(Some(codecs::complete(config)))),
        Some(other) => {
            let message = format!("bad compressor; expected Codec object, found {other}");
            return Err(Failure::class("zarr.errors.BadCompressorError", message).into());
        }
        None => {}
    }
    let Some(id) = step.get("compression") else {
        return Ok(None);
    };
    let Some(id) = id.as_str() else {
        return Ok(Some(None));
    };
    let mut config = codecs::complete(&json!({"id": id}));
    if let (Some(level), Some(_)) = (step["compression_opts"].as_i64(), config.get("level")) {
        config["level"] = level.into();
    }
    Ok(Some(Some(config)))
}

/// A fill value as documents have it.
fn fill_value(value: &Value) -> Outcome {
    Ok(match Scalar::from_json(value, None)? {
        Scalar::Bytes(bytes) => BASE64_STANDARD.encode(bytes).into(),
        Scalar::Null => Value::Null,
        scalar => scalar.to_json(),
    })
}
