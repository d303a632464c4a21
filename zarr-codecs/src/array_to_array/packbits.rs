//! `packbits`: eight booleans to a byte (numcodecs `PackBits`).
//!
//! ```text
//! number of bits that mean nothing, 0 to 7 | bits, the first in the most significant place
//! ```
//!
//! The V3 core codec of the same name has another layout; this one is `numcodecs.packbits` there.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, DataType, Result, StoredType,
    V2Codec,
    numeric::{Filter, Kernel, Types},
};

const NAME: &str = "packbits";

#[derive(Debug, Clone)]
struct PackBits;

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    Configuration::new(NAME, configuration, &[])?;
    Ok(Codec::ArrayToArray(Arc::new(Filter {
        kernel: PackBits,
        decoded: Some(StoredType::native(DataType::Bool)),
        encoded: Some(StoredType::bytes()),
    })))
}

impl Kernel for PackBits {
    const NAME: &'static str = NAME;
    const FLATTENS: bool = true;

    fn encode(&self, _: Types<'_>, decoded: &[u8], out: &mut [u8]) -> Result<()> {
        let Some((padding, bytes)) = out.split_first_mut() else {
            return Ok(());
        };
        *padding = (bytes.len() * 8 - decoded.len()) as u8;
        let (whole, rest) = decoded.as_chunks::<8>();
        for (byte, bits) in bytes.iter_mut().zip(whole) {
            *byte = pack(*bits);
        }
        if let Some(byte) = bytes.get_mut(whole.len()) {
            let mut bits = [0; 8];
            bits[..rest.len()].copy_from_slice(rest);
            *byte = pack(bits);
        }
        Ok(())
    }

    fn decode(&self, _: Types<'_>, encoded: &[u8], out: &mut [u8]) -> Result<()> {
        let bytes = encoded.get(1..).unwrap_or_default();
        for (bits, byte) in out.chunks_mut(8).zip(bytes) {
            for (place, bit) in bits.iter_mut().enumerate() {
                *bit = byte >> (7 - place) & 1;
            }
        }
        Ok(())
    }

    fn encoded_size(&self, _: Types<'_>, decoded: usize) -> usize {
        decoded.div_ceil(8) + 1
    }

    fn decoded_size(&self, _: Types<'_>, encoded: &[u8]) -> Result<usize> {
        let corrupt = |reason: &str| CodecError::corrupt(NAME, reason);
        let (padding, bytes) = encoded
            .split_first()
            .ok_or_else(|| corrupt("the number of bits that mean nothing is missing"))?;
        // More than 7 make no sense; numcodecs believes them, and so what is left does not fill a chunk.
        let bits = bytes
            .len()
            .checked_mul(8)
            .ok_or_else(|| corrupt("it has too many bits"))?;
        Ok(bits.saturating_sub((*padding).into()))
    }

    fn encoded_shape(&self, decoded: &[u64]) -> Vec<u64> {
        let count = decoded
            .iter()
            .fold(1_u64, |count, length| count.saturating_mul(*length));
        vec![count.div_ceil(8).saturating_add(1)]
    }
}

/// Any byte but zero is true.
fn pack(bits: [u8; 8]) -> u8 {
    bits.into_iter()
        .fold(0, |byte, bit| byte << 1 | u8::from(bit != 0))
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.packbits",
    aliases: &[],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToArray,
    doc: "eight booleans to a byte, behind a count of padding",
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
        for shape in [&[0][..], &[1], &[8], &[3, 3], &[1001]] {
            check_codec("numcodecs.packbits", json!({}), &spec(shape, DataType::Bool));
        }
    }

    #[test]
    fn the_first_bit_is_the_most_significant() {
        let types = Types {
            decoded: &DataType::Bool,
            encoded: &DataType::UInt8,
        };
        let mut out = [0; 3];
        PackBits
            .encode(types, &[1, 0, 0, 1, 1, 1, 0, 0, 1], &mut out)
            .unwrap();
        assert_eq!(out, [7, 0x9C, 0x80]);
    }

    #[test]
    fn padding_is_taken_off_whatever_it_is() {
        let types = Types {
            decoded: &DataType::Bool,
            encoded: &DataType::UInt8,
        };
        assert_eq!(PackBits.decoded_size(types, &[7, 0x80]).unwrap(), 1);
        assert!(PackBits.decoded_size(types, &[]).is_err());
        // Of these numcodecs makes arrays without elements.
        for encoded in [&[8, 0][..], &[255, 0], &[1]] {
            assert_eq!(PackBits.decoded_size(types, encoded).unwrap(), 0, "{encoded:?}");
        }
    }
}
