//! `zlib` (RFC 1950; numcodecs `Zlib`).
//!
//! The encoder is zlib itself: what numcodecs writes comes out byte for byte, at every level but 0.
//! zlib-rs was tried: at level 6 it made a slow wave of 1 MiB with noise in its last byte 718 KB where zlib made
//! it 384 KB, and at level 1 longer than it was.

use std::{cell::RefCell, sync::Arc};

use flate2::{Compress, Compression, FlushCompress, Status};
use serde_json::{Map, Value};

use super::deflate::{self, Container};
use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "zlib";

thread_local! {
    /// The last compressor and its level.
    static COMPRESS: RefCell<Option<(u32, Compress)>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Zlib {
    level: i64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["level"])?;
    let level = configuration.encoder_integer("level", 1)?;
    Ok(Codec::BytesToBytes(Arc::new(Zlib { level })))
}

impl BytesToBytes for Zlib {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if u32::try_from(decoded.len()).is_err() {
            let reason = format!("{} bytes, the most is 2^32 - 1", decoded.len());
            return Err(CodecError::mismatch(NAME, reason));
        }
        let level = deflate::level(NAME, self.level)? as u32;
        COMPRESS.with_borrow_mut(|slot| {
            if slot.as_ref().is_some_and(|(kept, _)| *kept != level) {
                *slot = None;
            }
            let (_, compress) =
                slot.get_or_insert_with(|| (level, Compress::new(Compression::new(level), true)));
            compress.reset();
            loop {
                let rest = &decoded[compress.total_in() as usize..];
                out.reserve(rest.len() / 2 + 4096);
                let status = compress
                    .compress_vec(rest, out, FlushCompress::Finish)
                    .map_err(|error| CodecError::mismatch(NAME, error.to_string()))?;
                if status == Status::StreamEnd {
                    return Ok(());
                }
            }
        })
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        // What follows the stream is passed over, as it is by Python.
        deflate::decompress(NAME, Container::Zlib, encoded, out).map(|decompressed| decompressed.made)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        deflate::compressed_size_max(decoded)
    }

    fn is_checksum(&self) -> bool {
        true
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.zlib",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "DEFLATE with an Adler-32",
    feature: Some("gzip"),
    build,
};

/// How a registry knows `zlib` where speed counts and nobody compares encoded bytes: the same streams, whose encoder
/// is libdeflate.
///
/// It is in no registry unless it is put there, behind [`ENTRY`].
pub const FAST_ENTRY: CodecEntry = CodecEntry {
    doc: "DEFLATE with an Adler-32, encoded fast",
    build: build_fast,
    ..ENTRY
};

/// `zlib` by another encoder.
#[derive(Debug)]
struct Fast(Zlib);

fn build_fast(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["level"])?;
    let level = configuration.encoder_integer("level", 1)?;
    Ok(Codec::BytesToBytes(Arc::new(Fast(Zlib { level }))))
}

impl BytesToBytes for Fast {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        deflate::compress(Container::Zlib, deflate::level(NAME, self.0.level)?, decoded, out)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        self.0.decode(encoded, out)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        self.0.encoded_size_max(decoded)
    }

    fn is_checksum(&self) -> bool {
        self.0.is_checksum()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::DataType;
    use crate::testing::{check_codec, spec};

    #[test]
    fn chunks_come_back() {
        for level in [-1, 0, 1, 9] {
            check_codec(NAME, json!({"level": level}), &spec(&[], DataType::UInt8));
        }
    }

    #[test]
    fn what_the_fast_encoder_makes_is_zlib() {
        let plain: Vec<_> = (0..70_000_u32).map(|n| (n.wrapping_mul(n) / 97) as u8).collect();
        for level in [-1, 0, 1, 9] {
            let (fast, mut encoded) = (Fast(Zlib { level }), Vec::new());
            fast.encode(&plain, &mut encoded).unwrap();
            assert!(encoded.len() <= fast.encoded_size_max(plain.len()));
            let mut decoded = vec![0; plain.len()];
            let size = flate2::Decompress::new(true)
                .decompress(&encoded, &mut decoded, flate2::FlushDecompress::Finish)
                .unwrap();
            assert_eq!((size, &decoded), (Status::StreamEnd, &plain));
        }
    }

    #[test]
    fn what_follows_the_stream_is_passed_over() {
        let (zlib, mut encoded) = (Zlib { level: 1 }, Vec::new());
        zlib.encode(b"one", &mut encoded).unwrap();
        let twice = [encoded.as_slice(), &encoded].concat();
        assert_eq!(zlib.decode(&twice, &mut [0; 6]).unwrap(), 3);
    }
}
