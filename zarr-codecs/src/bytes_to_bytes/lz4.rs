//! `lz4` (numcodecs `LZ4`): a block of LZ4 after its decoded size.
//!
//! ```text
//! decoded size i32 little endian | block
//! ```

use std::sync::Arc;

use lz4_flex::block;
use serde_json::{Map, Value};

use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "lz4";

/// The most bytes that LZ4 takes at once.
const SIZE_MAX: usize = 0x7E00_0000;

#[derive(Debug)]
struct Lz4;

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["acceleration"])?;
    // Any acceleration makes blocks that decode alike; the encoder has but one.
    configuration.encoder_integer("acceleration", 1)?;
    Ok(Codec::BytesToBytes(Arc::new(Lz4)))
}

impl BytesToBytes for Lz4 {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if decoded.len() > SIZE_MAX {
            let reason = format!("{} bytes, the most is {SIZE_MAX}", decoded.len());
            return Err(CodecError::mismatch(NAME, reason));
        }
        out.extend_from_slice(&(decoded.len() as u32).to_le_bytes());
        let start = out.len();
        out.resize(start + block::get_maximum_output_size(decoded.len()), 0);
        let size = block::compress_into(decoded, &mut out[start..])
            .map_err(|error| CodecError::mismatch(NAME, error.to_string()))?;
        out.truncate(start + size);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let corrupt = |reason: &str| CodecError::corrupt(NAME, reason);
        let (size, encoded) = encoded
            .split_first_chunk()
            .ok_or_else(|| corrupt("it is shorter than its size"))?;
        let size = usize::try_from(i32::from_le_bytes(*size)).map_err(|_| corrupt("its size is negative"))?;
        let room = out.len();
        let out = out.get_mut(..size).ok_or(CodecError::too_large(NAME, room))?;
        let got = block::decompress_into(encoded, out).map_err(|error| corrupt(&error.to_string()))?;
        if got != size {
            return Err(corrupt(&format!("its size is {got}, not {size} as it says")));
        }
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.saturating_add(decoded / 255).saturating_add(32)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.lz4",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "LZ4 block",
    feature: Some("lz4"),
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_codec, spec};

    #[test]
    fn chunks_come_back() {
        check_codec(NAME, json!({"acceleration": 1}), &spec(&[], DataType::UInt8));
    }

    #[test]
    fn sizes_that_lie_are_errors() {
        let mut encoded = Vec::new();
        Lz4.encode(b"one two three one two three", &mut encoded).unwrap();
        for size in [0, 26, 28, u32::MAX, i32::MAX as u32] {
            encoded[..4].copy_from_slice(&size.to_le_bytes());
            assert!(Lz4.decode(&encoded, &mut [0; 99]).is_err(), "{size}");
        }
    }
}
