//! `jenkins_lookup3`: a checksum behind the data (numcodecs `JenkinsLookup3`; Bob Jenkins' `hashlittle` of lookup3.c,
//! which is in the public domain).
//!
//! ```text
//! data | checksum of prefix and data u32 little endian
//! ```

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "numcodecs.jenkins_lookup3";
const ID: &str = "jenkins_lookup3";

const SIZE: usize = 4;

#[derive(Debug)]
struct Jenkins {
    start: u32,
    /// Bytes that are hashed before the data and not stored.
    prefix: Vec<u8>,
}

/// Builds the codec. A prefix is a list of bytes: numcodecs holds one and cannot store it.
fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(ID, configuration, &["initval", "prefix"])?;
    let start = configuration.integer("initval", 0..=i64::from(u32::MAX), Some(0))?;
    let wrong = || configuration.error("prefix", "must be a list of bytes");
    let prefix = match configuration.get("prefix") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(bytes)) => bytes
            .iter()
            .map(|byte| {
                byte.as_u64()
                    .and_then(|byte| u8::try_from(byte).ok())
                    .ok_or_else(wrong)
            })
            .collect::<Result<_>>()?,
        Some(_) => return Err(wrong()),
    };
    Ok(Codec::BytesToBytes(Arc::new(Jenkins {
        start: start as u32,
        prefix,
    })))
}

impl Jenkins {
    fn checksum(&self, data: &[u8]) -> u32 {
        if self.prefix.is_empty() {
            return lookup3(data, self.start);
        }
        lookup3(&[&self.prefix, data].concat(), self.start)
    }
}

/// `hashlittle`: three words that every 12 bytes are added to and mixed.
fn lookup3(data: &[u8], start: u32) -> u32 {
    let mut state = [0xdead_beef_u32
        .wrapping_add(data.len() as u32)
        .wrapping_add(start); 3];
    if data.is_empty() {
        return state[2];
    }
    // The last 1 to 12 bytes are mixed otherwise.
    let (body, tail) = data.split_at((data.len() - 1) / 12 * 12);
    for block in body.as_chunks().0 {
        add(&mut state, block);
        mix(&mut state);
    }
    let mut last = [0; 12];
    last[..tail.len()].copy_from_slice(tail);
    add(&mut state, &last);
    finish(&mut state);
    state[2]
}

fn add(state: &mut [u32; 3], block: &[u8; 12]) {
    for (word, bytes) in state.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = word.wrapping_add(u32::from_le_bytes(*bytes));
    }
}

fn mix(state: &mut [u32; 3]) {
    let [a, b, c] = state;
    let step = |to: &mut u32, from: &mut u32, other: &mut u32, bits: u32| {
        *to = to.wrapping_sub(*from) ^ from.rotate_left(bits);
        *from = from.wrapping_add(*other);
    };
    step(a, c, b, 4);
    step(b, a, c, 6);
    step(c, b, a, 8);
    step(a, c, b, 16);
    step(b, a, c, 19);
    step(c, b, a, 4);
}

fn finish(state: &mut [u32; 3]) {
    let [a, b, c] = state;
    let step = |to: &mut u32, from: &u32, bits: u32| {
        *to = (*to ^ *from).wrapping_sub(from.rotate_left(bits));
    };
    step(c, b, 14);
    step(a, c, 11);
    step(b, a, 25);
    step(c, b, 16);
    step(a, c, 4);
    step(b, a, 14);
    step(c, b, 24);
}

impl BytesToBytes for Jenkins {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.reserve(decoded.len() + SIZE);
        out.extend_from_slice(decoded);
        out.extend(self.checksum(decoded).to_le_bytes());
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        let (data, stored) = encoded.split_last_chunk::<SIZE>().ok_or_else(|| {
            let reason = if encoded.is_empty() {
                "it is empty"
            } else {
                "it is shorter than a checksum"
            };
            CodecError::corrupt(ID, reason)
        })?;
        let (stored, computed) = (u32::from_le_bytes(*stored), self.checksum(data));
        if stored != computed {
            return Err(CodecError::Checksum {
                codec: ID,
                stored,
                computed,
            });
        }
        let room = out.len();
        let target = out.get_mut(..data.len()).ok_or(CodecError::too_large(ID, room))?;
        target.copy_from_slice(data);
        Ok(data.len())
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded.saturating_add(SIZE)
    }

    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        decoded.checked_add(SIZE)
    }

    fn is_checksum(&self) -> bool {
        true
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[ID],
    v2: Some(V2Codec::same(ID)),
    kind: CodecKind::BytesToBytes,
    doc: "Bob Jenkins' lookup3 at the end, which may begin at another value or with a prefix",
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
        check_codec(
            NAME,
            json!({"initval": 7, "prefix": [1, 2]}),
            &spec(&[4], DataType::UInt8),
        );
    }

    #[test]
    fn checksums_are_the_published_ones() {
        // From the comments of lookup3.c; the third is of numcodecs.
        assert_eq!(lookup3(b"", 0), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago", 0), 0x1777_0551);
        assert_eq!(lookup3(b"Four score and seven years ago", 1), 0xcd62_8161);
        let mut out = Vec::new();
        let jenkins = Jenkins {
            start: 0,
            prefix: b"abc".to_vec(),
        };
        jenkins.encode(b"hello world, 13", &mut out).unwrap();
        assert_eq!(out[15..], [0x6b, 0x7d, 0x04, 0xa6]);
    }

    #[test]
    fn settings_are_checked() {
        for bad in [
            json!({"initval": -1}),
            json!({"initval": 1_u64 << 32}),
            json!({"prefix": [256]}),
            json!({"prefix": "a"}),
        ] {
            assert!(
                build(bad.as_object().unwrap(), &CodecRegistry::default()).is_err(),
                "{bad}"
            );
        }
    }
}
