//! `quantize`: floats rounded to so many decimal digits (numcodecs `Quantize`).
//!
//! They are rounded to a multiple of the largest power of two that keeps the digits, so that the lower bits of
//! their mantissa are zero. Decoding only casts.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
    numeric::{
        BLOCK, Filter, Float, Kernel, Kind, NUMBER_SIZE_MAX, Types, cast_numbers, kind_of, require,
        stored_type, with_number, with_types,
    },
};

const NAME: &str = "quantize";

#[derive(Debug, Clone)]
struct Quantize {
    digits: f64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["digits", "dtype", "astype"])?;
    let digits = configuration.get("digits");
    let digits = digits.ok_or_else(|| configuration.error("digits", "is missing"))?;
    let digits = digits
        .as_f64()
        .ok_or_else(|| configuration.error("digits", "must be a number"))?;
    let decoded = stored_type(&configuration, "dtype")?;
    let encoded = stored_type(&configuration, "astype")?;
    for stored in decoded.iter().chain(&encoded) {
        if !Kind::of(&stored.data_type).is_some_and(Kind::is_float) {
            return Err(CodecError::config(
                NAME,
                "only floating point data types are supported",
            ));
        }
    }
    Ok(Codec::ArrayToArray(Arc::new(Filter {
        kernel: Quantize { digits },
        decoded,
        encoded,
    })))
}

impl Quantize {
    /// The power of two by which elements are multiplied to have no fraction.
    fn scale(&self) -> Result<f64> {
        let exponent = 10_f64.powf(-self.digits).log10();
        let exponent = if exponent < 0.0 {
            exponent.floor()
        } else {
            exponent.ceil()
        };
        let scale = 10_f64.powf(-exponent).log2().ceil().exp2();
        if scale.is_finite() && scale > 0.0 {
            return Ok(scale);
        }
        let reason = format!("`digits` is out of range to encode, found {}", self.digits);
        Err(CodecError::config(NAME, reason))
    }
}

fn float_kind(data_type: &crate::DataType) -> Result<Kind> {
    let kind = kind_of(NAME, data_type)?;
    let reason = || CodecError::mismatch(NAME, "only floating point data types are supported");
    Some(kind).filter(|kind| kind.is_float()).ok_or_else(reason)
}

fn round_all<F: Float>(scale: f64, elements: &mut [u8]) {
    let scale = F::of_f64(scale);
    for element in elements.chunks_exact_mut(F::SIZE) {
        scale.mul(F::load(element)).round().div(scale).store(element);
    }
}

impl Kernel for Quantize {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = false;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let (from, to) = (float_kind(types.decoded)?, float_kind(types.encoded)?);
        let (scale, cast) = (self.scale()?, cast_numbers(from, to));
        let mut buffer = [0; BLOCK * NUMBER_SIZE_MAX];
        let blocks = decoded.chunks(BLOCK * from.size());
        for (decoded, out) in blocks.zip(out.chunks_mut(BLOCK * to.size())) {
            let block = &mut buffer[..decoded.len()];
            block.copy_from_slice(decoded);
            with_number!(floats from, F => round_all::<F>(scale, block), else => {});
            cast(block, out);
        }
        Ok(())
    }

    fn decode(&self, types: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        cast_numbers(float_kind(types.encoded)?, float_kind(types.decoded)?)(encoded, out);
        Ok(())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.quantize",
    aliases: &[NAME],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |members, _| require(NAME, members, &["digits", "dtype"]),
        to_v2: |members| with_types(members, Some("astype")),
    }),
    kind: CodecKind::ArrayToArray,
    doc: "floats rounded to decimal digits",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_lossy_codec, spec};

    #[test]
    fn chunks_come_back() {
        for digits in [0, 2, -1] {
            let configuration = json!({"digits": digits, "dtype": ">f2", "astype": "<f4"});
            check_lossy_codec(NAME, configuration, &spec(&[9], DataType::Float16));
            check_lossy_codec(NAME, json!({"digits": digits}), &spec(&[600], DataType::Float64));
        }
    }

    #[test]
    fn only_floats_are_quantized() {
        for configuration in [
            json!({"digits": 1, "dtype": "<i4"}),
            json!({"digits": 1, "dtype": "<f4", "astype": "<i4"}),
            json!({"digits": "1", "dtype": "<f4"}),
            json!({"dtype": "<f4"}),
        ] {
            let result = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            assert!(
                matches!(result, Err(CodecError::Config { .. })),
                "{configuration}"
            );
        }
    }

    /// From numcodecs, which computes with them when it encodes.
    #[test]
    fn digits_out_of_range_can_be_decoded_only() {
        for digits in [310, 400, -400] {
            let quantize = Quantize {
                digits: f64::from(digits),
            };
            let float = DataType::Float64;
            let types = Types {
                decoded: &float,
                encoded: &float,
            };
            assert!(quantize.encode(types, &[0; 8], &mut [0; 8]).is_err(), "{digits}");
            assert!(quantize.decode(types, &[0; 8], &mut [0; 8]).is_ok());
        }
    }
}
