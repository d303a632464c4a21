//! `cast_value`: numbers as numbers of another type (Zarr extension `cast_value`).
//!
//! A number is taken for what it is and not for its bits. What the other type cannot hold is an error unless the
//! configuration says what becomes of it: `out_of_range` for what is too large, `rounding` for fractions,
//! `scalar_map` for single values such as NaN.
//! Decoding casts back by the same rules.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToArray, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration,
    DataType, FillValue, Result, chain::make_room,
};

use super::casting::{OutOfRange, Rounding, Scalar, ScalarType};

const NAME: &str = "cast_value";

#[derive(Debug)]
struct CastValue {
    data_type: DataType,
    to: ScalarType,
    rounding: Rounding,
    out_of_range: OutOfRange,
    /// Values and what becomes of them, in the JSON of both types.
    encode: Vec<(Value, Value)>,
    decode: Vec<(Value, Value)>,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let known = ["data_type", "rounding", "out_of_range", "scalar_map"];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    let json = configuration.get("data_type").cloned().unwrap_or_default();
    let data_type =
        DataType::from_json(&json).map_err(|error| configuration.error("data_type", &error.to_string()))?;
    let to = ScalarType::of(&data_type)
        .ok_or_else(|| configuration.error("data_type", "must be a type of integers or floats"))?;
    let rounding = configuration.text("rounding", Some("nearest-even"))?;
    let rounding =
        Rounding::parse(rounding).ok_or_else(|| configuration.error("rounding", "is not known"))?;
    let out_of_range = match configuration.text("out_of_range", Some("error"))? {
        "error" => OutOfRange::Error,
        "clamp" => OutOfRange::Clamp,
        "wrap" => OutOfRange::Wrap,
        _ => return Err(configuration.error("out_of_range", "must be `error`, `clamp` or `wrap`")),
    };
    let map = configuration.get("scalar_map").cloned().unwrap_or_default();
    let pairs = |name: &str| match map.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(pairs)) => pairs
            .iter()
            .map(|pair| match pair.as_array().map(Vec::as_slice) {
                Some([from, to]) => Ok((from.clone(), to.clone())),
                _ => Err(configuration.error("scalar_map", "must have pairs of values")),
            })
            .collect(),
        Some(_) => Err(configuration.error("scalar_map", "must have lists of pairs")),
    };
    if !map.is_null()
        && map
            .as_object()
            .is_none_or(|map| map.keys().any(|key| key != "encode" && key != "decode"))
    {
        return Err(configuration.error("scalar_map", "may have `encode` and `decode`"));
    }
    Ok(Codec::ArrayToArray(Arc::new(CastValue {
        to,
        rounding,
        out_of_range,
        encode: pairs("encode")?,
        decode: pairs("decode")?,
        data_type,
    })))
}

/// A cast of one way.
struct Cast {
    from: ScalarType,
    to: ScalarType,
    map: Vec<(Scalar, Scalar)>,
}

impl CastValue {
    fn cast(from: &DataType, to: &DataType, pairs: &[(Value, Value)]) -> Result<Cast> {
        let of = |data_type| {
            ScalarType::of(data_type).ok_or_else(|| {
                CodecError::mismatch(
                    NAME,
                    format!("elements must be integers or floats, not {data_type}"),
                )
            })
        };
        let (from_scalar, to_scalar) = (of(from)?, of(to)?);
        let value = |json, data_type: &DataType, scalar: ScalarType| {
            let value = FillValue::from_json(json, data_type)
                .map_err(|error| CodecError::config(NAME, format!("`scalar_map`: {error}")))?;
            Ok::<_, CodecError>(scalar.load(value.as_bytes()))
        };
        let pair = |(key, result)| Ok((value(key, from, from_scalar)?, value(result, to, to_scalar)?));
        Ok(Cast {
            from: from_scalar,
            to: to_scalar,
            map: pairs
                .iter()
                .map(|(key, result)| pair((key, result)))
                .collect::<Result<_>>()?,
        })
    }

    fn run(&self, cast: &Cast, elements: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let n_elements = elements.len() / cast.from.size();
        make_room(out, n_elements.saturating_mul(cast.to.size()))?;
        for element in elements.chunks_exact(cast.from.size()) {
            let scalar = cast.from.load(element);
            let mapped = cast.map.iter().find(|(key, _)| key.is_same(scalar));
            let scalar = match mapped {
                Some((_, result)) => *result,
                None => cast
                    .to
                    .cast(scalar, self.rounding, self.out_of_range)
                    .map_err(|reason| CodecError::mismatch(NAME, reason))?,
            };
            cast.to.store(scalar, out);
        }
        Ok(())
    }
}

impl ArrayToArray for CastValue {
    fn encoded_spec(&self, decoded: &ChunkSpec) -> Result<ChunkSpec> {
        if self.out_of_range == OutOfRange::Wrap && !self.to.is_integer() {
            return Err(CodecError::config(
                NAME,
                "`out_of_range` may be `wrap` for integers only",
            ));
        }
        let cast = Self::cast(&decoded.data_type, &self.data_type, &self.encode)?;
        // That the way back makes sense is asked now.
        Self::cast(&self.data_type, &decoded.data_type, &self.decode)?;
        let mut fill_value = Vec::new();
        self.run(&cast, decoded.fill_value.as_bytes(), &mut fill_value)?;
        Ok(ChunkSpec {
            shape: decoded.shape.clone(),
            data_type: self.data_type.clone(),
            fill_value: FillValue::new(fill_value),
        })
    }

    fn encode(&self, decoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let cast = Self::cast(&spec.data_type, &self.data_type, &self.encode)?;
        self.run(&cast, decoded, out)
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let cast = Self::cast(&self.data_type, &spec.data_type, &self.decode)?;
        self.run(&cast, encoded, out)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToArray,
    doc: "numbers as numbers of another type, by their values",
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
            json!({"data_type": "int32"}),
            &spec(&[3, 5], DataType::Int8),
        );
        check_codec(
            NAME,
            json!({"data_type": "float64"}),
            &spec(&[3, 5], DataType::UInt16),
        );
    }

    /// Worked out by the specification.
    #[test]
    fn integers_and_narrow_floats_take_what_they_can() {
        let cast = |to: &str, mode: &str, number: f64| {
            encode_elements(
                &ENTRY,
                json!({"data_type": to, "out_of_range": mode}),
                DataType::Float64,
                &number.to_ne_bytes(),
            )
        };
        assert_eq!(cast("int4", "clamp", 99.0).unwrap(), [7]);
        assert_eq!(cast("int4", "wrap", 9.0).unwrap(), [0xf9]);
        assert!(cast("int4", "error", 8.0).is_err());
        assert_eq!(cast("uint2", "clamp", f64::INFINITY).unwrap(), [3]);
        assert!(cast("uint2", "clamp", f64::NAN).is_err());
        assert_eq!(cast("float8_e4m3fn", "error", 1.0).unwrap(), [0x38]);
        assert_eq!(cast("float8_e4m3fn", "clamp", 1e9).unwrap(), [0x7e]);
        assert!(cast("float8_e4m3fn", "error", 1e9).is_err());
        assert!(cast("float32", "wrap", 1.0).is_err());
    }

    #[test]
    fn configurations_that_make_no_sense_are_refused() {
        for configuration in [
            json!({}),
            json!({"data_type": "string"}),
            json!({"data_type": "bool"}),
            json!({"data_type": "int8", "rounding": "up"}),
            json!({"data_type": "int8", "out_of_range": "ignore"}),
            json!({"data_type": "int8", "scalar_map": {"encode": [["NaN"]]}}),
            json!({"data_type": "int8", "scalar_map": {"encode": [["NaN", 1000]]}}),
            json!({"data_type": "int8", "scalar_map": []}),
            json!({"data_type": "int8", "more": 1}),
        ] {
            assert!(
                encode_elements(&ENTRY, configuration.clone(), DataType::Float32, &[0; 4]).is_err(),
                "{configuration}"
            );
        }
    }
}
