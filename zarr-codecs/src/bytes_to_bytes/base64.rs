//! `base64`: bytes as text, three bytes in four letters (RFC 4648, section 4; numcodecs `Base64`).

use std::sync::Arc;

use base64::{DecodeSliceError, Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};

use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "base64";

#[derive(Debug)]
struct Base64;

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    Configuration::new(NAME, configuration, &[])?;
    Ok(Codec::BytesToBytes(Arc::new(Base64)))
}

impl BytesToBytes for Base64 {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.resize(start + self.encoded_size_max(decoded.len()), 0);
        let size = BASE64_STANDARD.encode_slice(decoded, &mut out[start..]);
        let size = size.map_err(|error| CodecError::mismatch(NAME, error.to_string()))?;
        out.truncate(start + size);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let room = out.len();
        BASE64_STANDARD
            .decode_slice(encoded, out)
            .map_err(|error| match error {
                DecodeSliceError::OutputSliceTooSmall => CodecError::too_large(NAME, room),
                DecodeSliceError::DecodeError(error) => CodecError::corrupt(NAME, error.to_string()),
            })
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.div_ceil(3).saturating_mul(4)
    }

    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        Some(self.encoded_size_max(decoded))
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &["numcodecs.base64"],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "bytes as letters, three in four",
    feature: None,
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
        check_codec(NAME, json!({}), &spec(&[4], DataType::UInt8));
    }

    #[test]
    fn letters_are_those_of_the_rfc() {
        let mut out = Vec::new();
        Base64.encode(b"foobar?", &mut out).unwrap();
        assert_eq!(out, b"Zm9vYmFyPw==");
        for bad in ["Zg", "Zg=", "Z===", "Zm9v!", "Zh=="] {
            assert!(Base64.decode(bad.as_bytes(), &mut [0; 8]).is_err(), "{bad}");
        }
    }
}
