//! `lz4` (numcodecs `LZ4`): a block of LZ4 after its decoded size.
//!
//! ```text
//! decoded size i32 little endian | block
//! ```
//!
//! Blocks are made by the C library, which finds the same matches as numcodecs and knows accelerations, and decoded
//! in Rust, which no damage harms.

#![expect(unsafe_code, reason = "the encoder is a C library")]

use std::sync::Arc;

use lz4_flex::block;
use lz4_sys::LZ4_compress_fast;
use serde_json::{Map, Value};

use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "lz4";

/// The most bytes that LZ4 takes at once.
const SIZE_MAX: usize = 0x7E00_0000;

#[derive(Debug)]
struct Lz4 {
    /// How much of finding matches is skipped; the library takes what is out of its range as its nearest.
    acceleration: i32,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["acceleration"])?;
    let acceleration = configuration.encoder_integer("acceleration", 1)?;
    Ok(Codec::BytesToBytes(Arc::new(Lz4 {
        acceleration: acceleration.clamp(0, i32::MAX.into()) as i32,
    })))
}

impl BytesToBytes for Lz4 {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if decoded.len() > SIZE_MAX {
            let reason = format!("{} bytes, the most is {SIZE_MAX}", decoded.len());
            return Err(CodecError::mismatch(NAME, reason));
        }
        out.extend_from_slice(&(decoded.len() as u32).to_le_bytes());
        out.reserve(bound(decoded.len()));
        let room = out.spare_capacity_mut();
        let room_size = room.len().min(i32::MAX as usize) as i32;
        // SAFETY: the library reads the bytes of `decoded`, whose number fits, and writes at most as many as there is
        // room for.
        let size = unsafe {
            LZ4_compress_fast(
                decoded.as_ptr().cast(),
                room.as_mut_ptr().cast(),
                decoded.len() as i32,
                room_size,
                self.acceleration,
            )
        };
        let size = usize::try_from(size)
            .ok()
            .filter(|size| *size > 0)
            .ok_or_else(|| CodecError::mismatch(NAME, "LZ4 does not compress it"))?;
        // SAFETY: the library has written so many bytes to the room behind the end.
        unsafe { out.set_len(out.len() + size) };
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
        bound(decoded).saturating_add(size_of::<i32>())
    }
}

/// The most bytes of a block, by the format.
fn bound(decoded: usize) -> usize {
    decoded.saturating_add(decoded / 255).saturating_add(16)
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

    const LZ4: Lz4 = Lz4 { acceleration: 1 };

    #[test]
    fn chunks_come_back() {
        for acceleration in [-1, 0, 1, 100, 1_000_000_000_000_i64] {
            let configuration = json!({ "acceleration": acceleration });
            check_codec(NAME, configuration, &spec(&[], DataType::UInt8));
        }
    }

    #[test]
    fn sizes_that_lie_are_errors() {
        let mut encoded = Vec::new();
        LZ4.encode(b"one two three one two three", &mut encoded).unwrap();
        for size in [0, 26, 28, u32::MAX, i32::MAX as u32] {
            encoded[..4].copy_from_slice(&size.to_le_bytes());
            assert!(LZ4.decode(&encoded, &mut [0; 99]).is_err(), "{size}");
        }
    }
}
