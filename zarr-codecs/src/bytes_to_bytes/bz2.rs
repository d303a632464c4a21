//! `bz2` (numcodecs `BZ2`): streams of bzip2, one after the other.
//!
//! Reading follows Python's `bz2.decompress`: no bytes decode to nothing, what follows a stream and is none is
//! passed over, and a stream that is cut is an error.

use std::sync::Arc;

use bzip2::{Action, Compress, Compression, Decompress, Error, Status};
use serde_json::{Map, Value};

use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
    encoder_setting,
};

const NAME: &str = "bz2";

#[derive(Debug)]
struct Bz2 {
    level: i64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["level"])?;
    let level = configuration.encoder_integer("level", 1)?;
    Ok(Codec::BytesToBytes(Arc::new(Bz2 { level })))
}

impl BytesToBytes for Bz2 {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let level = encoder_setting(NAME, "level", self.level, 1..=9)?;
        let mut compress = Compress::new(Compression::new(level as u32), 0);
        let failed = |error: Error| CodecError::mismatch(NAME, error.to_string());
        loop {
            out.reserve(decoded.len() / 2 + 4096);
            let rest = &decoded[compress.total_in() as usize..];
            let status = compress.compress_vec(rest, out, Action::Finish).map_err(failed)?;
            if status == Status::StreamEnd {
                return Ok(());
            }
        }
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let (mut rest, mut size) = (encoded, 0);
        while !rest.is_empty() {
            match decode_stream(rest, &mut out[size..]) {
                Ok((used, made)) => {
                    size += made;
                    rest = &rest[used..];
                }
                Err(Stop::NoStream(_)) if rest.len() < encoded.len() => break,
                Err(Stop::NoStream(error) | Stop::Other(error)) => return Err(error),
            }
        }
        Ok(size)
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.saturating_add(decoded / 50).saturating_add(1024)
    }

    fn is_checksum(&self) -> bool {
        true
    }
}

/// Why a stream does not decode.
enum Stop {
    /// It is damaged, or none.
    NoStream(CodecError),
    /// It is cut, or more than there is room for.
    Other(CodecError),
}

/// Decodes one stream; tells how much input it used and how much output it made.
fn decode_stream(encoded: &[u8], out: &mut [u8]) -> std::result::Result<(usize, usize), Stop> {
    let mut decompress = Decompress::new(false);
    loop {
        let (used, made) = (decompress.total_in() as usize, decompress.total_out() as usize);
        let status = decompress
            .decompress(&encoded[used..], &mut out[made..])
            .map_err(|error| {
                Stop::NoStream(match error {
                    Error::DataMagic => CodecError::corrupt(NAME, "a stream of bzip2 is expected"),
                    error => CodecError::corrupt(NAME, error.to_string()),
                })
            })?;
        let now = (decompress.total_in() as usize, decompress.total_out() as usize);
        if status == Status::StreamEnd {
            return Ok(now);
        }
        if now == (used, made) {
            return Err(Stop::Other(if made == out.len() {
                CodecError::too_large(NAME, out.len())
            } else {
                CodecError::corrupt(NAME, "it ends within a stream")
            }));
        }
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.bz2",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "bzip2",
    feature: Some("bz2"),
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
        check_codec(NAME, json!({"level": 1}), &spec(&[], DataType::UInt8));
    }

    #[test]
    fn streams_are_read_one_after_the_other() {
        let (bz2, mut encoded) = (Bz2 { level: 9 }, Vec::new());
        bz2.encode(b"one ", &mut encoded).unwrap();
        bz2.encode(b"two", &mut encoded).unwrap();
        let mut out = [0; 7];
        assert_eq!(bz2.decode(&encoded, &mut out).unwrap(), 7);
        assert_eq!(&out, b"one two");
        encoded.push(0);
        assert_eq!(bz2.decode(&encoded, &mut [0; 9]).unwrap(), 7);
        assert_eq!(bz2.decode(&[], &mut []).unwrap(), 0);
        assert!(bz2.decode(&[0], &mut [0; 9]).is_err());
    }
}
