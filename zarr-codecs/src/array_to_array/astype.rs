//! `astype`: elements of another type (numcodecs `AsType`).
//!
//! Casts between all types of numbers and units of time are `NumPy`'s. Texts are not cast.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecKind, CodecRegistry, Configuration, DataType, Result, V2Codec,
    numeric::{Filter, Kernel, Types, UnitCast, cast_between, kind_of, require, stored_type, with_types},
};

const NAME: &str = "astype";

#[derive(Debug, Clone)]
struct AsType;

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["encode_dtype", "decode_dtype"])?;
    let encoded = stored_type(&configuration, "encode_dtype")?;
    let encoded = encoded.ok_or_else(|| configuration.error("encode_dtype", "is missing"))?;
    let decoded = stored_type(&configuration, "decode_dtype")?;
    for stored in decoded.iter().chain([&encoded]) {
        let other = decoded.as_ref().unwrap_or(&encoded);
        if let DataType::Unknown { .. } = stored.data_type {
            kind_of(NAME, &stored.data_type)?;
        }
        check(&stored.data_type, &other.data_type)?;
        check(&other.data_type, &stored.data_type)?;
    }
    Ok(Codec::ArrayToArray(Arc::new(Filter {
        kernel: AsType,
        decoded,
        encoded: Some(encoded),
    })))
}

/// Refuses what is not cast, by both types.
fn check(from: &DataType, to: &DataType) -> Result<()> {
    if UnitCast::between(from, to).is_none() {
        cast_between(NAME, from, to)?;
    }
    Ok(())
}

fn cast(from: &DataType, to: &DataType, elements: &[u8], out: &mut [u8]) -> Result<()> {
    if let Some(cast) = UnitCast::between(from, to) {
        return cast.run(NAME, elements, out);
    }
    cast_between(NAME, from, to)?(elements, out);
    Ok(())
}

impl Kernel for AsType {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = false;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        cast(types.decoded, types.encoded, decoded, out)
    }

    fn decode(&self, types: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        cast(types.encoded, types.decoded, encoded, out)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.astype",
    aliases: &[NAME],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |members, _| require(NAME, members, &["encode_dtype", "decode_dtype"]),
        to_v2: |members| with_types(members, None),
    }),
    kind: CodecKind::ArrayToArray,
    doc: "elements cast to another type",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::CodecError;
    use crate::testing::{check_codec, check_lossy_codec, spec};

    #[test]
    fn chunks_come_back() {
        for (decoded, encoded, data_type) in [
            ("<i2", ">i8", DataType::Int16),
            (">u4", "<f8", DataType::UInt32),
            ("|b1", "<c8", DataType::Bool),
        ] {
            let configuration = json!({"encode_dtype": encoded, "decode_dtype": decoded});
            check_codec(NAME, configuration, &spec(&[5, 7], data_type));
        }
        check_codec(NAME, json!({"encode_dtype": "<f8"}), &spec(&[3], DataType::Int32));
        let configuration = json!({"encode_dtype": "|u1", "decode_dtype": "<i4"});
        check_lossy_codec(NAME, configuration, &spec(&[600], DataType::Int32));
    }

    #[test]
    fn both_types_are_named_where_there_is_no_cast() {
        let configuration = json!({"encode_dtype": "<U4", "decode_dtype": "<i4"});
        let result = build(configuration.as_object().unwrap(), &CodecRegistry::default());
        let message = result.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(
            message.contains("int32") && message.contains("fixed_length_utf32[4]"),
            "{message}"
        );
    }

    #[test]
    fn types_must_be_numbers() {
        for configuration in [
            json!({"decode_dtype": "<i4"}),
            json!({"encode_dtype": "<U4", "decode_dtype": "<i4"}),
            json!({"encode_dtype": "<i4", "decode_dtype": "|O"}),
            json!({"encode_dtype": "x", "decode_dtype": "<i4"}),
        ] {
            let result = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            assert!(
                matches!(result, Err(CodecError::Config { .. })),
                "{configuration}"
            );
        }
    }
}
