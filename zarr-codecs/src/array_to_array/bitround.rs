//! `bitround`: numbers rounded to so many bits, to be compressed better.
//!
//! There are two of this name, and both write floats alike: that of V2, `numcodecs.bitround` in V3, takes floats alone
//! (numcodecs `BitRound`); the registered one takes integers and complex numbers too (Zarr extension *bitround codec*).
//!
//! Decoding changes nothing, so that whatever the configuration, what was stored can be read.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecError, CodecKind, Configuration, DataType, Result, V2Codec,
    numeric::{Filter, Kernel, Types},
};

const NAME: &str = "bitround";

/// That of numcodecs.
#[derive(Debug, Clone)]
struct BitRound {
    keep_bits: i64,
}

/// The registered one.
#[derive(Debug, Clone)]
struct Registered {
    keep_bits: i64,
}

fn keep_bits(configuration: &Map<String, Value>) -> Result<i64> {
    let configuration = Configuration::new(NAME, configuration, &["keepbits"])?;
    let keep_bits = match configuration.get("keepbits") {
        Some(Value::Bool(value)) => i64::from(*value),
        _ => configuration.integer("keepbits", i64::MIN..=i64::MAX, None)?,
    };
    if keep_bits < 0 {
        return Err(CodecError::config(NAME, "keepbits must be zero or positive"));
    }
    Ok(keep_bits)
}

fn build<K: Kernel>(kernel: K) -> Codec {
    Codec::ArrayToArray(Arc::new(Filter {
        kernel,
        decoded: None,
        encoded: None,
    }))
}

/// Rounds to a multiple of two to the power of `dropped`, of two that are as near to the one whose last bit is 0.
///
/// What goes beyond 64 bits is lost.
const fn rounded(bits: u64, dropped: u32) -> u64 {
    if dropped == 0 {
        return bits;
    }
    let half = (1 << (dropped - 1)) - 1;
    bits.wrapping_add((bits >> dropped & 1) + half) & u64::MAX << dropped
}

/// Changes components of a size, given as unsigned integers.
macro_rules! each {
    ($bits:ty, $decoded:expr, $out:expr, $change:expr) => {{
        let (from, to) = ($decoded.as_chunks().0, $out.as_chunks_mut().0);
        for (from, to) in from.iter().zip(to) {
            let bits = <$bits>::from_ne_bytes(*from);
            *to = ($change(u64::from(bits)) as $bits).to_ne_bytes();
        }
    }};
}

impl BitRound {
    /// How many bits of a mantissa are dropped.
    fn dropped(&self, mantissa: u32) -> Result<u32> {
        let kept = u32::try_from(self.keep_bits).ok();
        kept.and_then(|kept| mantissa.checked_sub(kept))
            .ok_or_else(|| CodecError::mismatch(NAME, "Keepbits too large for given dtype"))
    }
}

impl Kernel for BitRound {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = false;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let dropping = |dropped| move |bits| rounded(bits, dropped);
        match types.decoded {
            DataType::Float16 => each!(u16, decoded, out, dropping(self.dropped(10)?)),
            DataType::Float32 => each!(u32, decoded, out, dropping(self.dropped(23)?)),
            DataType::Float64 => each!(u64, decoded, out, dropping(self.dropped(52)?)),
            _ => {
                let reason = "Only float arrays (16-64bit) can be bit-rounded";
                return Err(CodecError::mismatch(NAME, reason));
            }
        }
        Ok(())
    }

    fn decode(&self, _: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(encoded);
        Ok(())
    }
}

/// What a component of the registered codec is, and how many bytes it has.
#[derive(Debug, Clone, Copy)]
enum Component {
    /// An IEEE float with a mantissa of so many bits.
    Float {
        size: usize,
        mantissa: u32,
    },
    Integer {
        size: usize,
        is_signed: bool,
    },
}

impl Component {
    fn of(data_type: &DataType) -> Option<Self> {
        let float = |size, mantissa| Self::Float { size, mantissa };
        let integer = |size, is_signed| Self::Integer { size, is_signed };
        Some(match data_type {
            DataType::Float16 => float(2, 10),
            DataType::Float32 | DataType::Complex64 => float(4, 23),
            DataType::Float64 | DataType::Complex128 => float(8, 52),
            DataType::Narrow(narrow) => match narrow.name() {
                "bfloat16" | "complex_bfloat16" => float(2, 7),
                "complex_float16" => float(2, 10),
                _ => return None,
            },
            DataType::Int8 => integer(1, true),
            DataType::Int16 => integer(2, true),
            DataType::Int32 => integer(4, true),
            DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => integer(8, true),
            DataType::UInt8 => integer(1, false),
            DataType::UInt16 => integer(2, false),
            DataType::UInt32 => integer(4, false),
            DataType::UInt64 => integer(8, false),
            _ => return None,
        })
    }

    /// Rounds a component, given as its bits.
    ///
    /// Floats keep so many bits of their mantissa, and what is not a number remains one. Integers keep so many from
    /// the highest that is set, which of negative ones is that of the sign; where rounding up would be too large for
    /// the type, or turn a number negative, they are cut.
    fn round(self, bits: u64, kept: u32) -> u64 {
        match self {
            Self::Float { size, mantissa } => {
                let above_sign = u64::MAX >> (65 - 8 * size as u32);
                let infinity = above_sign & u64::MAX << mantissa;
                let dropped = mantissa.saturating_sub(kept);
                if bits & above_sign > infinity {
                    return bits & u64::MAX << dropped | 1 << (mantissa - 1);
                }
                rounded(bits, dropped)
            }
            Self::Integer { size, is_signed } => {
                let width = 8 * size as u32;
                let n_bits = 64 - bits.leading_zeros();
                let dropped = n_bits.saturating_sub(kept);
                let is_positive = is_signed && n_bits < width;
                let most = u64::MAX >> (64 - width + u32::from(is_positive));
                let rounded = rounded(bits, dropped);
                if rounded > most || rounded < bits >> 1 {
                    return bits & u64::MAX << dropped;
                }
                rounded
            }
        }
    }
}

impl Kernel for Registered {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = false;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let component = Component::of(types.decoded).ok_or_else(|| {
            CodecError::mismatch(NAME, format!("elements of {} are not rounded", types.decoded))
        })?;
        if self.keep_bits == 0 {
            return Err(CodecError::mismatch(NAME, "keepbits must be at least 1"));
        }
        let kept = u32::try_from(self.keep_bits).unwrap_or(u32::MAX);
        let round = |bits| component.round(bits, kept);
        let (Component::Float { size, .. } | Component::Integer { size, .. }) = component;
        match size {
            1 => each!(u8, decoded, out, round),
            2 => each!(u16, decoded, out, round),
            4 => each!(u32, decoded, out, round),
            _ => each!(u64, decoded, out, round),
        }
        Ok(())
    }

    fn decode(&self, _: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(encoded);
        Ok(())
    }
}

/// How the registry knows the registered codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToArray,
    doc: "numbers rounded to bits of their mantissa, or from their highest bit on",
    feature: None,
    build: |configuration, _| {
        let keep_bits = keep_bits(configuration)?;
        Ok(build(Registered { keep_bits }))
    },
};

/// How the registry knows `bitround` of numcodecs, which is that of V2.
pub const NUMCODECS_ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.bitround",
    doc: "floats rounded to bits of their mantissa",
    build: |configuration, _| {
        let keep_bits = keep_bits(configuration)?;
        Ok(build(BitRound { keep_bits }))
    },
    ..ENTRY
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        NarrowType,
        testing::{check_lossy_codec, encode_elements, spec},
    };

    #[test]
    fn chunks_come_back() {
        for (data_type, keep_bits) in [
            (DataType::Float16, 0),
            (DataType::Float16, 10),
            (DataType::Float32, 7),
            (DataType::Float64, 51),
        ] {
            let configuration = json!({"keepbits": keep_bits});
            check_lossy_codec("numcodecs.bitround", configuration, &spec(&[5, 7], data_type));
        }
        for data_type in [
            DataType::Int8,
            DataType::UInt64,
            DataType::Complex64,
            DataType::Float64,
            DataType::Narrow(NarrowType::new("bfloat16").unwrap()),
        ] {
            check_lossy_codec(NAME, json!({"keepbits": 3}), &spec(&[5, 7], data_type));
        }
    }

    fn rounded_by(data_type: DataType, keep_bits: u64, elements: &[u8]) -> Vec<u8> {
        encode_elements(&ENTRY, json!({"keepbits": keep_bits}), data_type, elements).unwrap()
    }

    /// The table of the extension's sample data.
    #[test]
    fn integers_are_rounded_as_the_extension_shows() {
        for (number, expected) in [
            (0, 0),
            (1, 1),
            (10, 10),
            (11, 12),
            (100, 96),
            (123, 128),
            (200, 192),
            (208, 192),
            (209, 224),
            (255, 224),
        ] {
            assert_eq!(rounded_by(DataType::UInt8, 3, &[number]), [expected], "{number}");
        }
    }

    /// The table of the extension's sample data.
    #[test]
    fn floats_are_rounded_as_the_extension_shows() {
        for (bits, expected) in [
            (0_u32, 0_u32),
            (0x3dcc_cccd, 0x3dd0_0000),
            (0x3f99_999a, 0x3fa0_0000),
            (0x4144_cccd, 0x4140_0000),
            (0x42f6_cccd, 0x42f0_0000),
            (0x449a_5000, 0x44a0_0000),
            (0x7fc0_0000, 0x7fc0_0000),
            (0x7f80_0000, 0x7f80_0000),
            (0xff80_0000, 0xff80_0000),
        ] {
            let rounded = rounded_by(DataType::Float32, 3, &bits.to_ne_bytes());
            assert_eq!(rounded, expected.to_ne_bytes(), "{bits:#x}");
            // Of complex numbers each part is rounded by itself.
            let both = [bits.to_ne_bytes(), 0x3dcc_cccd_u32.to_ne_bytes()].concat();
            let rounded = rounded_by(DataType::Complex64, 3, &both);
            assert_eq!(
                rounded,
                [expected.to_ne_bytes(), 0x3dd0_0000_u32.to_ne_bytes()].concat()
            );
        }
    }

    #[test]
    fn what_is_at_the_end_of_a_type_remains_what_it_is() {
        // Of the largest numbers too much is cut, not rounded over into others.
        assert_eq!(rounded_by(DataType::Int8, 3, &[127]), [112]);
        assert_eq!(
            rounded_by(DataType::UInt64, 2, &u64::MAX.to_ne_bytes()),
            (3_u64 << 62).to_ne_bytes()
        );
        assert_eq!(
            rounded_by(DataType::Int64, 2, &i64::MAX.to_ne_bytes()),
            (3_i64 << 61).to_ne_bytes()
        );
        assert_eq!(
            rounded_by(DataType::Int16, 3, &i16::MIN.to_ne_bytes()),
            i16::MIN.to_ne_bytes()
        );
        // A NaN is one whatever its bits are.
        for bits in [0x7f80_0001_u32, 0x7fff_ffff, 0xffff_ffff] {
            let rounded = rounded_by(DataType::Float32, 2, &bits.to_ne_bytes());
            assert!(
                f32::from_ne_bytes(rounded.try_into().unwrap()).is_nan(),
                "{bits:#x}"
            );
        }
        // More bits than there are change nothing.
        assert_eq!(rounded_by(DataType::Float16, 60, &[1, 2]), [1, 2]);
        let none = encode_elements(&ENTRY, json!({"keepbits": 0}), DataType::UInt8, &[3]);
        assert!(none.is_err());
    }

    #[test]
    fn what_cannot_be_rounded_can_be_read() {
        for (data_type, keep_bits) in [
            (DataType::Float64, 60),
            (DataType::Int64, 3),
            (DataType::Complex64, 3),
        ] {
            let codec = BitRound { keep_bits };
            let types = Types {
                decoded: &data_type,
                encoded: &data_type,
            };
            let mut out = [0; 8];
            assert!(codec.encode(types, &[1; 8], &mut out).is_err(), "{data_type}");
            codec.decode(types, &[1; 8], &mut out).unwrap();
            assert_eq!(out, [1; 8]);
        }
    }

    #[test]
    fn bits_are_a_number_of_at_least_zero() {
        for given in [json!(-1), json!(2.5), json!("a"), json!(null)] {
            let configuration = json!({"keepbits": given});
            let result = keep_bits(configuration.as_object().unwrap());
            assert!(
                matches!(result, Err(CodecError::Config { .. })),
                "{configuration}"
            );
        }
    }
}
