//! `gzip` (RFC 1952; Zarr V3 specification, *gzip codec*).
//!
//! Members that follow each other decode to what they decode to one after the other; zeros after a member are
//! padding, anything else is an error.
//! No bytes at all are no members, and decode to nothing, as in Python.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::deflate::{self, Container, Decompressed};
use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "gzip";

#[derive(Debug)]
struct Gzip {
    level: i64,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["level"])?;
    let level = configuration.encoder_integer("level", 1)?;
    Ok(Codec::BytesToBytes(Arc::new(Gzip { level })))
}

impl BytesToBytes for Gzip {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        deflate::compress(Container::Gzip, deflate::level(NAME, self.level)?, decoded, out)
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let (mut rest, mut size) = (encoded, 0);
        while !rest.is_empty() {
            let Decompressed { used, made } =
                deflate::decompress(NAME, Container::Gzip, rest, &mut out[size..])?;
            size += made;
            rest = &rest[used..];
            let padding = rest.iter().take_while(|byte| **byte == 0).count();
            rest = &rest[padding..];
            if !rest.is_empty() && !rest.starts_with(&[0x1f, 0x8b]) {
                let reason = format!("{} bytes that are no gzip member follow the last", rest.len());
                return Err(CodecError::corrupt(NAME, reason));
            }
        }
        Ok(size)
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
    name: NAME,
    aliases: &["numcodecs.gzip"],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "DEFLATE with a CRC-32, as files of gzip",
    feature: Some("gzip"),
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
        for level in [0, 1, 6, 9] {
            check_codec(NAME, json!({"level": level}), &spec(&[], DataType::UInt8));
        }
    }

    fn gzip() -> Gzip {
        Gzip { level: 1 }
    }

    #[test]
    fn members_and_padding_are_read() {
        let mut encoded = Vec::new();
        gzip().encode(b"one ", &mut encoded).unwrap();
        gzip().encode(b"", &mut encoded).unwrap();
        encoded.extend_from_slice(&[0; 512]);
        gzip().encode(b"two", &mut encoded).unwrap();
        encoded.push(0);
        let mut out = [0; 7];
        assert_eq!(gzip().decode(&encoded, &mut out).unwrap(), 7);
        assert_eq!(&out, b"one two");
    }

    #[test]
    fn junk_after_a_member_is_an_error() {
        let mut encoded = Vec::new();
        gzip().encode(b"one", &mut encoded).unwrap();
        encoded.push(1);
        assert!(gzip().decode(&encoded, &mut [0; 9]).is_err());
    }

    #[test]
    fn impossible_levels_can_be_read() {
        let mut encoded = Vec::new();
        gzip().encode(b"one", &mut encoded).unwrap();
        let odd = Gzip { level: 99 };
        assert_eq!(odd.decode(&encoded, &mut [0; 3]).unwrap(), 3);
        assert!(matches!(
            odd.encode(b"one", &mut encoded),
            Err(CodecError::Config { .. })
        ));
    }
}
