//! `zfpy` (numcodecs `ZFPY`): numbers as a zfp stream with a full header.
//!
//! The settings are for encoding alone: the header of a stream says all that decoding needs.
//! Chunks have the dimensions that they have in their array, unless a filter of numcodecs has made them flat;
//! those without any element, which zfp does not know, have no bytes.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::zfp::{self, Mode, NumberType};
use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry,
    Configuration, DataType, Result, V2Codec, chain::lengthen,
};

const NAME: &str = "zfpy";

/// The modes of the library, by its numbers.
const RATE: i64 = 2;
const PRECISION: i64 = 3;
const ACCURACY: i64 = 4;
const REVERSIBLE: i64 = 5;

#[derive(Debug)]
struct Zfpy {
    mode: i64,
    tolerance: f64,
    rate: f64,
    precision: f64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    // `compression_kwargs` repeats the setting of the mode, and is not looked at by anybody.
    let known = ["mode", "tolerance", "rate", "precision", "compression_kwargs"];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    Ok(Codec::ArrayToBytes(Arc::new(Zfpy {
        mode: configuration.encoder_integer("mode", ACCURACY)?,
        tolerance: configuration.number("tolerance", -1.0)?,
        rate: configuration.number("rate", -1.0)?,
        precision: configuration.number("precision", -1.0)?,
    })))
}

impl Zfpy {
    /// What the settings mean; one below zero is none, and then nothing is lost.
    fn mode(&self) -> Result<Mode> {
        let mode = match self.mode {
            ACCURACY if self.tolerance >= 0.0 => Mode::Accuracy(self.tolerance),
            RATE if self.rate >= 0.0 => Mode::Rate(self.rate),
            PRECISION if self.precision >= 0.0 => Mode::Precision(self.precision as u32),
            RATE..=REVERSIBLE => Mode::Reversible,
            mode => {
                let reason = format!("`mode` {mode} is not supported to encode, 2 to 5 are");
                return Err(CodecError::config(NAME, reason));
            }
        };
        Ok(mode)
    }
}

/// The type of the numbers of a chunk; times are integers.
fn number_type(spec: &ChunkSpec) -> Result<NumberType> {
    let number_type = match spec.data_type {
        DataType::Int32 => NumberType::Int32,
        DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => NumberType::Int64,
        DataType::Float32 => NumberType::Float32,
        DataType::Float64 => NumberType::Float64,
        _ => {
            let reason = format!("Unknown dtype: {}", spec.data_type);
            return Err(CodecError::mismatch(NAME, reason));
        }
    };
    match spec.shape.len() {
        0 => Err(CodecError::mismatch(
            NAME,
            "There are no dimensions, 1 to 4 are supported",
        )),
        1..=4 => Ok(number_type),
        _ => Err(CodecError::mismatch(
            NAME,
            "Greater than 4 dimensions not supported",
        )),
    }
}

impl ArrayToBytes for Zfpy {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        number_type(spec).map(|_| None)
    }

    fn tells_shape(&self) -> bool {
        true
    }

    fn check_transposed(&self) -> Result<()> {
        // numcodecs refuses them too, though it can read them.
        let reason = "The zfp codec does not support F order arrays.";
        Err(CodecError::mismatch(NAME, reason))
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let (number_type, mode) = (number_type(spec)?, self.mode()?);
        if chunk.elements.is_empty() {
            return Ok(());
        }
        zfp::encode(chunk.elements, number_type, &spec.shape, mode, out)
            .map_err(|reason| CodecError::mismatch(NAME, reason))
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let number_type = number_type(spec)?;
        let size = spec.size().ok_or(CodecError::too_large(NAME, usize::MAX))?;
        if size == 0 {
            let is_right = encoded.is_empty();
            let wrong = || CodecError::corrupt(NAME, "a chunk without elements has no bytes");
            return is_right.then_some(()).ok_or_else(wrong);
        }
        let start = out.elements.len();
        lengthen(&mut out.elements, size)?;
        zfp::decode(encoded, number_type, &spec.shape, &mut out.elements[start..])
            .map_err(|reason| CodecError::corrupt(NAME, reason))
    }
}

/// What a stream says that it holds: the type of its numbers, and the shape of their array.
///
/// # Errors
/// `Corrupt` when the stream has no such header; what follows it is not looked at.
///
/// # Examples
/// ```
/// use zarr_codecs::{DataType, array_to_bytes::zfpy};
///
/// let header = b"zfp\x05\x27\0\0\x10\0\0\xf0\xca\0\0\0\0";
/// assert_eq!(zfpy::contents(header)?, (DataType::Float64, vec![2, 3]));
/// # Ok::<(), zarr_codecs::CodecError>(())
/// ```
pub fn contents(encoded: &[u8]) -> Result<(DataType, Vec<u64>)> {
    let (number_type, shape) = zfp::contents(encoded).map_err(|reason| CodecError::corrupt(NAME, reason))?;
    let data_type = match number_type {
        NumberType::Int32 => DataType::Int32,
        NumberType::Int64 => DataType::Int64,
        NumberType::Float32 => DataType::Float32,
        NumberType::Float64 => DataType::Float64,
    };
    Ok((data_type, shape))
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.zfpy",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToBytes,
    doc: "numbers to a given accuracy, rate or precision, or exactly",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};
    use crate::{CodecChain, CodecConfig, Limits, Scratch, TimeUnit};

    const TYPES: [DataType; 4] = [
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
    ];

    fn build(configuration: Value) -> Result<Arc<dyn ArrayToBytes>> {
        let codec = CodecRegistry::default().build(&CodecConfig::of(NAME, configuration))?;
        let Codec::ArrayToBytes(codec) = codec else {
            unreachable!("the codec makes bytes of an array")
        };
        Ok(codec)
    }

    fn encode(configuration: Value, spec: &ChunkSpec) -> Result<Vec<u8>> {
        let elements = crate::testing::smooth(spec.size().unwrap());
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let mut encoded = Vec::new();
        build(configuration)?.encode(chunk, spec, &mut encoded)?;
        Ok(encoded)
    }

    fn decode(encoded: &[u8], spec: &ChunkSpec) -> Result<Vec<u8>> {
        let mut decoded = ChunkBuffer::default();
        build(json!({}))?.decode(encoded, spec, &mut decoded)?;
        Ok(decoded.elements)
    }

    #[test]
    fn chunks_come_back_where_nothing_is_bounded() {
        let times = DataType::DateTime64(TimeUnit::new("s", 1).unwrap());
        for data_type in TYPES.into_iter().chain([times]) {
            for shape in [
                &[1][..],
                &[4],
                &[9],
                &[0],
                &[5, 3],
                &[4, 1, 6],
                &[2, 0, 1],
                &[2, 3, 1, 5],
            ] {
                for configuration in [json!({"mode": 5}), json!({"tolerance": -1, "rate": 4})] {
                    check_codec(NAME, configuration, &spec(shape, data_type.clone()));
                }
            }
        }
    }

    /// Cuts, bytes more and every other bit of bounded streams; the size is all that can be relied on.
    #[test]
    fn damaged_streams_are_errors_or_of_the_right_size() {
        for (data_type, shape) in TYPES
            .into_iter()
            .zip([&[9][..], &[5, 6], &[4, 5, 2], &[2, 3, 4, 5]])
        {
            let spec = spec(shape, data_type);
            for configuration in [
                json!({"mode": 2, "rate": 7}),
                json!({"mode": 2, "rate": 40}),
                json!({"mode": 3, "precision": 9}),
                json!({"mode": 4, "tolerance": 0.5}),
                json!({"mode": 4, "tolerance": 0}),
            ] {
                let mut encoded = encode(configuration, &spec).unwrap();
                let is_right = |encoded: &[u8]| {
                    decode(encoded, &spec).is_ok_and(|decoded| Some(decoded.len()) == spec.size())
                };
                assert!(is_right(&encoded));
                for length in 0..encoded.len() {
                    assert!(decode(&encoded[..length], &spec).is_err(), "cut to {length}");
                }
                assert!(decode(&[&encoded[..], &[0; 8]].concat(), &spec).is_err());
                for bit in 0..encoded.len() * 8 {
                    encoded[bit / 8] ^= 1 << (bit % 8);
                    assert!(
                        decode(&encoded, &spec).is_err() || is_right(&encoded),
                        "bit {bit}"
                    );
                    encoded[bit / 8] ^= 1 << (bit % 8);
                }
            }
        }
    }

    #[test]
    fn streams_of_other_arrays_are_errors() {
        let encoded = encode(json!({}), &spec(&[4, 6], DataType::Int32)).unwrap();
        for other in [
            spec(&[6, 4], DataType::Int32),
            spec(&[4, 7], DataType::Int32),
            spec(&[4, 1, 6], DataType::Int32),
            spec(&[4, 6], DataType::Float32),
        ] {
            let result = decode(&encoded, &other);
            assert!(matches!(result, Err(CodecError::Corrupt { .. })), "{other:?}");
        }
        for shape in [&[0][..], &[4, 0]] {
            assert!(decode(&encoded, &spec(shape, DataType::Int32)).is_err());
        }
        // Filters of numcodecs give the compressor one dimension.
        let flat = encode(json!({}), &spec(&[24], DataType::Int32)).unwrap();
        let decoded = decode(&flat, &spec(&[4, 6], DataType::Int32)).unwrap();
        assert_eq!(decoded, crate::testing::smooth(96));
    }

    #[test]
    fn what_zfp_does_not_take_is_refused() {
        let codec = build(json!({})).unwrap();
        for (data_type, shape) in [
            (DataType::UInt8, &[4][..]),
            (DataType::UInt64, &[4]),
            (DataType::Complex64, &[4]),
            (DataType::String, &[4]),
            (DataType::Float32, &[]),
            (DataType::Float32, &[1, 1, 1, 1, 1]),
        ] {
            let spec = spec(shape, data_type);
            assert!(codec.encoded_size(&spec).is_err(), "{spec:?}");
            assert!(
                codec.decode(&[], &spec, &mut ChunkBuffer::default()).is_err(),
                "{spec:?}"
            );
        }
        assert!(encode(json!({}), &spec(&[4097, 1, 1, 1], DataType::Int32)).is_err());
    }

    #[test]
    fn settings_are_checked_where_something_is_encoded() {
        let spec = spec(&[8], DataType::Int32);
        for configuration in [
            json!({"mode": 1}),
            json!({"mode": 6}),
            json!({"mode": 2, "rate": 1e9}),
            json!({"mode": 2, "rate": 0.01}),
        ] {
            assert!(build(configuration.clone()).is_ok(), "{configuration}");
            assert!(encode(configuration.clone(), &spec).is_err(), "{configuration}");
        }
        for configuration in [
            json!({"mode": "rate"}),
            json!({"tolerance": "0.1"}),
            json!({"level": 1}),
        ] {
            assert!(build(configuration.clone()).is_err(), "{configuration}");
        }
        let all = json!({"mode": 3, "compression_kwargs": {"precision": 4}, "tolerance": -1, "rate": -1, "precision": 4});
        assert_eq!(
            encode(all, &spec).unwrap(),
            encode(json!({"mode": 3, "precision": 4.9}), &spec).unwrap()
        );
    }

    #[test]
    fn chunks_in_fortran_order_are_read_and_not_written() {
        let limits = Limits::default();
        let codecs = [
            CodecConfig::of("transpose", json!({"order": [1, 0]})),
            CodecConfig::of(NAME, json!({})),
        ];
        let chain = CodecChain::new(&codecs, &CodecRegistry::default(), &limits).unwrap();
        let mut scratch = Scratch::default();
        let elements = crate::testing::smooth(96);
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let mut result = |shape| {
            let codec = chain.for_chunk(spec(shape, DataType::Int32), &limits).unwrap();
            codec.encode(chunk, &mut scratch).map(<[u8]>::to_vec)
        };
        assert!(matches!(result(&[4, 6]), Err(CodecError::Mismatch { .. })));
        let encoded = result(&[1, 24]).unwrap();
        assert_eq!(
            decode(&encoded, &spec(&[24, 1], DataType::Int32)).unwrap(),
            elements
        );
    }
}
