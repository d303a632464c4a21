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
        match BASE64_STANDARD.decode_slice(encoded, out) {
            Ok(size) => Ok(size),
            Err(DecodeSliceError::OutputSliceTooSmall) => Err(CodecError::too_large(NAME, room)),
            Err(DecodeSliceError::DecodeError(_)) => decode_as_python(encoded, out),
        }
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.div_ceil(3).saturating_mul(4)
    }

    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        Some(self.encoded_size_max(decoded))
    }
}

/// Decodes what is not quite base 64 as numcodecs does: signs that are no letters are passed over, and padding that
/// completes four letters ends the text.
fn decode_as_python(encoded: &[u8], out: &mut [u8]) -> Result<usize> {
    let room = out.len();
    let (mut size, mut n_letters, mut n_pads, mut bits) = (0, 0, 0, 0_u32);
    for &sign in encoded {
        if sign == b'=' && n_letters >= 2 {
            n_pads += 1;
            if n_letters + n_pads >= 4 {
                return Ok(size);
            }
        }
        let Some(value) = letter_value(sign) else {
            continue;
        };
        (n_pads, n_letters) = (0, (n_letters + 1) % 4);
        bits = bits << 6 | value;
        // The first letter of four completes no byte.
        if n_letters != 1 {
            let byte = bits >> [0, 6, 4, 2][n_letters];
            *out.get_mut(size).ok_or(CodecError::too_large(NAME, room))? = byte as u8;
            size += 1;
        }
    }
    if n_letters == 0 {
        return Ok(size);
    }
    Err(CodecError::corrupt(
        NAME,
        "it ends within four letters, without padding",
    ))
}

/// The six bits that a letter stands for.
const fn letter_value(sign: u8) -> Option<u32> {
    let value = match sign {
        b'A'..=b'Z' => sign - b'A',
        b'a'..=b'z' => sign - b'a' + 26,
        b'0'..=b'9' => sign - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value as u32)
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
        for bad in ["Zg", "Zg=", "Z===", "Z=g=", "Zg=a", "Zm9vZ"] {
            assert!(Base64.decode(bad.as_bytes(), &mut [0; 8]).is_err(), "{bad}");
        }
    }

    /// What numcodecs 0.15.2 makes of them.
    #[test]
    fn strange_signs_are_passed_over() {
        let cases = [
            ("Zm9v!", "foo"),
            ("Zh==", "f"),
            ("Zm\n9v", "foo"),
            ("Zg==Zm9v", "f"),
            ("=Zm9v", "foo"),
            ("Zm=9v", "foo"),
            ("Zm9=v", "fo"),
            ("Zg=!=", "f"),
            ("Zm9v====", "foo"),
            ("Zm9vZg==!!", "foof"),
            ("Zm==9v", "f"),
            ("====", ""),
            ("\u{1}\u{2}", ""),
        ];
        for (encoded, expected) in cases {
            let mut out = [0; 8];
            let size = Base64.decode(encoded.as_bytes(), &mut out).unwrap();
            assert_eq!(&out[..size], expected.as_bytes(), "{encoded}");
        }
        assert!(matches!(
            Base64.decode(b"Zm9v!Zm9v", &mut [0; 4]),
            Err(CodecError::TooLarge { .. })
        ));
    }
}
