//! `bitround`: floats rounded to so many bits of their mantissa (numcodecs `BitRound`).
//!
//! Decoding changes nothing, so that whatever the configuration, what was stored can be read.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, DataType, Result, V2Codec,
    numeric::{Filter, Kernel, Types},
};

const NAME: &str = "bitround";

#[derive(Debug, Clone)]
struct BitRound {
    keep_bits: i64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["keepbits"])?;
    let keep_bits = match configuration.get("keepbits") {
        Some(Value::Bool(value)) => i64::from(*value),
        _ => configuration.integer("keepbits", i64::MIN..=i64::MAX, None)?,
    };
    if keep_bits < 0 {
        return Err(CodecError::config(NAME, "keepbits must be zero or positive"));
    }
    Ok(Codec::ArrayToArray(Arc::new(Filter {
        kernel: BitRound { keep_bits },
        decoded: None,
        encoded: None,
    })))
}

impl BitRound {
    /// How many bits of a mantissa are dropped.
    fn dropped(&self, mantissa: u32) -> Result<u32> {
        let kept = u32::try_from(self.keep_bits).ok();
        kept.and_then(|kept| mantissa.checked_sub(kept))
            .ok_or_else(|| CodecError::mismatch(NAME, "Keepbits too large for given dtype"))
    }
}

macro_rules! round_bits {
    ($bits:ty, $dropped:expr, $decoded:expr, $out:expr) => {{
        let (dropped, one): (u32, $bits) = ($dropped, 1);
        if dropped == 0 {
            $out.copy_from_slice($decoded);
            return Ok(());
        }
        // Half of the last bit kept, less what makes a tie go to the even neighbour.
        let half = (one << (dropped - 1)) - 1;
        let mask = <$bits>::MAX << dropped;
        let (from, to) = ($decoded.as_chunks().0, $out.as_chunks_mut().0);
        for (from, to) in from.iter().zip(to) {
            let bits = <$bits>::from_ne_bytes(*from);
            let rounded = bits.wrapping_add((bits >> dropped & 1) + half) & mask;
            *to = rounded.to_ne_bytes();
        }
    }};
}

impl Kernel for BitRound {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = false;

    fn encode(&self, types: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        match types.decoded {
            DataType::Float16 => round_bits!(u16, self.dropped(10)?, decoded, out),
            DataType::Float32 => round_bits!(u32, self.dropped(23)?, decoded, out),
            DataType::Float64 => round_bits!(u64, self.dropped(52)?, decoded, out),
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

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.bitround",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToArray,
    doc: "floats rounded to bits of their mantissa",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_lossy_codec, spec};

    #[test]
    fn chunks_come_back() {
        for (data_type, keep_bits) in [
            (DataType::Float16, 0),
            (DataType::Float16, 10),
            (DataType::Float32, 7),
            (DataType::Float64, 51),
        ] {
            check_lossy_codec(NAME, json!({"keepbits": keep_bits}), &spec(&[5, 7], data_type));
        }
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
        for keep_bits in [json!(-1), json!(2.5), json!("a"), json!(null)] {
            let configuration = json!({"keepbits": keep_bits});
            let result = build(configuration.as_object().unwrap(), &CodecRegistry::default());
            assert!(
                matches!(result, Err(CodecError::Config { .. })),
                "{configuration}"
            );
        }
    }
}
