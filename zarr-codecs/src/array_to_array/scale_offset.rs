//! `scale_offset`: numbers less an offset, times a factor (Zarr extension `scale_offset`).
//!
//! Everything is computed in the type of the elements. What an integer cannot hold, and what is no multiple of the
//! factor where it is decoded, is an error and not another number.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToArray, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration,
    DataType, FillValue, Result,
    chain::lengthen,
    numeric::{Arithmetic, Kind, Number, with_number},
};

const NAME: &str = "scale_offset";

#[derive(Debug)]
struct ScaleOffset {
    offset: Option<Value>,
    scale: Option<Value>,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["offset", "scale"])?;
    Ok(Codec::ArrayToArray(Arc::new(ScaleOffset {
        offset: configuration.get("offset").cloned(),
        scale: configuration.get("scale").cloned(),
    })))
}

/// Which way the numbers go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Encode,
    Decode,
}

impl ScaleOffset {
    /// Offset and factor as elements; the numbers that change nothing where they are not given.
    fn parameters(&self, data_type: &DataType) -> Result<(FillValue, FillValue)> {
        let read = |name: &str, value: &Option<Value>, usual: i64| {
            let usual = Value::from(usual);
            FillValue::from_json(value.as_ref().unwrap_or(&usual), data_type)
                .map_err(|error| CodecError::config(NAME, format!("`{name}`: {error}")))
        };
        Ok((read("offset", &self.offset, 0)?, read("scale", &self.scale, 1)?))
    }

    fn run(&self, way: Way, data_type: &DataType, from: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let kind = kind(data_type)?;
        let (offset, scale) = self.parameters(data_type)?;
        let start = out.len();
        lengthen(out, from.len())?;
        let to = &mut out[start..];
        if kind.is_integer() {
            return with_number!(integers kind, N => {
                let [offset, scale] = [&offset, &scale].map(|value| i128::from(N::load(value.as_bytes())));
                for (from, to) in from.chunks_exact(N::SIZE).zip(to.chunks_exact_mut(N::SIZE)) {
                    let number = integer(way, i128::from(N::load(from)), offset, scale)?;
                    let number = N::try_from(number).map_err(|_| {
                        CodecError::mismatch(NAME, format!("{number} is no {data_type}"))
                    })?;
                    number.store(to);
                }
                Ok(())
            }, else => Ok(()));
        }
        with_number!(floats kind, N => {
            let [offset, scale] = [&offset, &scale].map(|value| N::load(value.as_bytes()));
            for (from, to) in from.chunks_exact(N::SIZE).zip(to.chunks_exact_mut(N::SIZE)) {
                let number = N::load(from);
                let number = match way {
                    Way::Encode => number.sub(offset).mul(scale),
                    Way::Decode => number.div(scale).add(offset),
                };
                number.store(to);
            }
        }, else => ());
        Ok(())
    }
}

fn kind(data_type: &DataType) -> Result<Kind> {
    // Times count units, and are no numbers here.
    let is_number = !matches!(data_type, DataType::DateTime64(_) | DataType::TimeDelta64(_));
    Kind::of(data_type)
        .filter(|kind| is_number && (kind.is_integer() || kind.is_float()))
        .ok_or_else(|| CodecError::mismatch(NAME, format!("elements must be numbers, not {data_type}")))
}

fn integer(way: Way, number: i128, offset: i128, scale: i128) -> Result<i128> {
    match way {
        // Of numbers of 64 bits the product has less than 130 bits, and 127 are here.
        Way::Encode => (number - offset)
            .checked_mul(scale)
            .ok_or_else(|| CodecError::mismatch(NAME, format!("{number} becomes too large"))),
        Way::Decode => match number.checked_rem(scale) {
            Some(0) => Ok(number / scale + offset),
            _ => Err(CodecError::corrupt(
                NAME,
                format!("{number} is no multiple of {scale}"),
            )),
        },
    }
}

impl ArrayToArray for ScaleOffset {
    fn encoded_spec(&self, decoded: &ChunkSpec) -> Result<ChunkSpec> {
        let data_type = &decoded.data_type;
        let mut fill_value = Vec::new();
        self.run(
            Way::Encode,
            data_type,
            decoded.fill_value.as_bytes(),
            &mut fill_value,
        )?;
        Ok(ChunkSpec {
            fill_value: FillValue::new(fill_value),
            ..decoded.clone()
        })
    }

    fn encode(&self, decoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        self.run(Way::Encode, &spec.data_type, decoded, out)
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        self.run(Way::Decode, &spec.data_type, encoded, out)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToArray,
    doc: "numbers less an offset, times a factor",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, encode_elements, spec};

    #[test]
    fn chunks_come_back() {
        check_codec(
            NAME,
            json!({"offset": 0, "scale": 1}),
            &spec(&[3, 5], DataType::UInt64),
        );
        check_codec(NAME, json!({}), &spec(&[3, 5], DataType::Int8));
    }

    #[test]
    fn integers_do_not_wrap() {
        let encoded = |offset: i64, scale: i64, number: u8| {
            encode_elements(
                &ENTRY,
                json!({"offset": offset, "scale": scale}),
                DataType::UInt8,
                &[number],
            )
        };
        assert_eq!(encoded(0, 2, 100).unwrap(), [200]);
        assert!(
            encoded(5, 2, 100).unwrap_err().to_string().contains("-10"),
            "the fill value"
        );
        assert!(encoded(0, 2, 128).is_err());
        assert!(encoded(-1, 1, 0).is_err(), "no offset of the type");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for data_type in [
            DataType::Bool,
            DataType::Complex64,
            DataType::Raw(2),
            DataType::String,
        ] {
            assert!(encode_elements(&ENTRY, json!({}), data_type, &[]).is_err());
        }
    }
}
