//! `zfp`: numbers as a zfp stream without a header (Zarr extension *zfp codec*).
//!
//! The configuration says what the header would. Integers of less than 32 bits are moved up to the sign bit of an
//! `int32`, binary16 become binary32, as the extension has it; what it says of `uint32` and `uint64` cannot be done, and
//! they are refused.

use std::sync::Arc;

use half::f16;
use serde_json::{Map, Value};

use super::zfp::{self, Mode, NumberType};
use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry,
    Configuration, DataType, Result,
    chain::{make_room, reserve},
};

const NAME: &str = "zfp";

#[derive(Debug)]
struct Zfp {
    mode: Mode,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let known = [
        "mode",
        "tolerance",
        "rate",
        "precision",
        "minbits",
        "maxbits",
        "maxprec",
        "minexp",
    ];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    let number = |name| match configuration.get(name).and_then(Value::as_f64) {
        Some(number) if number >= 0.0 => Ok(number),
        _ => Err(configuration.error(name, "must be a number of at least 0")),
    };
    let count = |name, most| {
        configuration
            .integer(name, 0..=most, None)
            .map(|count| count as u32)
    };
    let mode = match configuration.text("mode", None)? {
        "reversible" => Mode::Reversible,
        "fixed_accuracy" => Mode::Accuracy(number("tolerance")?),
        "fixed_rate" => Mode::Rate(number("rate")?),
        "fixed_precision" => Mode::Precision(count("precision", 128)?),
        "expert" => {
            let (n_bits_min, n_bits_max) = (count("minbits", 1 << 15)?, count("maxbits", 1 << 15)?);
            if n_bits_max < n_bits_min {
                return Err(configuration.error("maxbits", "must not be below `minbits`"));
            }
            Mode::Expert {
                n_bits_min,
                n_bits_max,
                n_planes_max: count("maxprec", 64)?,
                exponent_min: configuration.integer("minexp", -16495..=16272, None)? as i32,
            }
        }
        other => {
            return Err(configuration.error("mode", &format!("`{other}` is not known")));
        }
    };
    Ok(Codec::ArrayToBytes(Arc::new(Zfp { mode })))
}

/// What elements become before they are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Promotion {
    None,
    /// Of integers: how many bits they are moved up, and what is subtracted first.
    Integer {
        size: usize,
        middle: i32,
    },
    Half,
}

impl Promotion {
    fn of(data_type: &DataType) -> Option<(Self, NumberType)> {
        let integer = |size: usize, middle| (Self::Integer { size, middle }, NumberType::Int32);
        Some(match data_type {
            DataType::Int32 => (Self::None, NumberType::Int32),
            DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => {
                (Self::None, NumberType::Int64)
            }
            DataType::Float32 => (Self::None, NumberType::Float32),
            DataType::Float64 => (Self::None, NumberType::Float64),
            DataType::Float16 => (Self::Half, NumberType::Float32),
            DataType::Int8 => integer(1, 0),
            DataType::UInt8 => integer(1, 1 << 7),
            DataType::Int16 => integer(2, 0),
            DataType::UInt16 => integer(2, 1 << 15),
            _ => return None,
        })
    }

    fn promote(self, elements: &[u8]) -> Vec<u8> {
        match self {
            Self::None => elements.to_vec(),
            Self::Half => elements
                .as_chunks()
                .0
                .iter()
                .flat_map(|element| f16::from_ne_bytes(*element).to_f32().to_ne_bytes())
                .collect(),
            Self::Integer { size, middle } => {
                let is_signed = middle == 0;
                elements
                    .chunks_exact(size)
                    .flat_map(|element| {
                        let number = match (element, is_signed) {
                            ([byte], true) => i32::from(*byte as i8),
                            ([byte], false) => i32::from(*byte),
                            ([first, second], true) => i16::from_ne_bytes([*first, *second]).into(),
                            ([first, second], false) => u16::from_ne_bytes([*first, *second]).into(),
                            _ => 0,
                        };
                        ((number - middle) << (31 - 8 * size as u32)).to_ne_bytes()
                    })
                    .collect()
            }
        }
    }

    fn demote(self, promoted: Vec<u8>) -> Vec<u8> {
        let words = || promoted.as_chunks::<4>().0.iter();
        match self {
            Self::None => promoted,
            Self::Half => words()
                .flat_map(|word| f16::from_f32(f32::from_ne_bytes(*word)).to_ne_bytes())
                .collect(),
            Self::Integer { size, middle } => {
                let half = 1 << (8 * size as u32 - 1);
                let (least, most) = if middle == 0 {
                    (-half, half - 1)
                } else {
                    (0, 2 * half - 1)
                };
                words()
                    .flat_map(|word| {
                        let number = (i32::from_ne_bytes(*word) >> (31 - 8 * size as u32)) + middle;
                        let bytes = (number.clamp(least, most) as u16).to_ne_bytes();
                        let start = if cfg!(target_endian = "big") { 2 - size } else { 0 };
                        bytes.into_iter().skip(start).take(size)
                    })
                    .collect()
            }
        }
    }
}

fn promotion(spec: &ChunkSpec) -> Result<(Promotion, NumberType)> {
    if spec.shape.len() > 4 {
        let reason = format!(
            "a chunk has {} dimensions, at most 4 are supported",
            spec.shape.len()
        );
        return Err(CodecError::mismatch(NAME, reason));
    }
    Promotion::of(&spec.data_type).ok_or_else(|| {
        CodecError::mismatch(NAME, format!("elements of {} are not supported", spec.data_type))
    })
}

/// The shape as the format has it, in which a single element has one dimension.
fn field(shape: &[u64]) -> &[u64] {
    if shape.is_empty() { &[1] } else { shape }
}

impl ArrayToBytes for Zfp {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        promotion(spec).map(|_| None)
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let (promotion, number_type) = promotion(spec)?;
        if chunk.elements.is_empty() {
            return Ok(());
        }
        let promoted;
        let elements = if promotion == Promotion::None {
            chunk.elements
        } else {
            promoted = promotion.promote(chunk.elements);
            &promoted
        };
        zfp::encode_bare(elements, number_type, field(&spec.shape), self.mode, out)
            .map_err(|reason| CodecError::mismatch(NAME, reason))
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let (promotion, number_type) = promotion(spec)?;
        let n_elements = spec.n_elements().unwrap_or(0) as usize;
        if n_elements == 0 {
            let wrong = || CodecError::corrupt(NAME, "a chunk without elements has no bytes");
            return encoded.is_empty().then_some(()).ok_or_else(wrong);
        }
        let width = if matches!(number_type, NumberType::Int64 | NumberType::Float64) {
            8
        } else {
            4
        };
        let too_large = || CodecError::too_large(NAME, usize::MAX);
        let mut elements = Vec::new();
        reserve(
            &mut elements,
            n_elements.checked_mul(width).ok_or_else(too_large)?,
        )?;
        zfp::decode_bare(encoded, number_type, field(&spec.shape), self.mode, &mut elements)
            .map_err(|reason| CodecError::corrupt(NAME, reason))?;
        let elements = promotion.demote(elements);
        make_room(&mut out.elements, elements.len())?;
        out.elements.extend_from_slice(&elements);
        Ok(())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToBytes,
    doc: "numbers to a given accuracy, rate or precision, or exactly, without a header",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};

    #[test]
    fn chunks_come_back() {
        for data_type in [
            DataType::Int8,
            DataType::UInt8,
            DataType::Int16,
            DataType::UInt16,
            DataType::Int32,
            DataType::Int64,
            DataType::Float16,
            DataType::Float32,
            DataType::Float64,
        ] {
            for shape in [&[][..], &[5], &[3, 4], &[2, 3, 4], &[2, 1, 3, 2]] {
                check_codec(
                    NAME,
                    json!({"mode": "reversible"}),
                    &spec(shape, data_type.clone()),
                );
            }
        }
    }

    #[test]
    fn configurations_that_lack_something_are_refused() {
        for configuration in [
            json!({}),
            json!({"mode": 4}),
            json!({"mode": "fixed_rate"}),
            json!({"mode": "fixed_accuracy", "tolerance": -1}),
            json!({"mode": "expert", "minbits": 5, "maxbits": 3, "maxprec": 1, "minexp": 0}),
            json!({"mode": "fastest"}),
        ] {
            let built = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            assert!(built.is_err(), "{configuration}");
        }
    }
}
