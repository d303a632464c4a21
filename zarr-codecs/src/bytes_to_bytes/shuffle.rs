//! `shuffle`: the first bytes of all elements, then all second bytes, and so on (numcodecs `Shuffle`).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::byte_planes;
use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "shuffle";

#[derive(Debug)]
struct Shuffle {
    element_size: usize,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["elementsize"])?;
    // Elements of less than two bytes are copied as they are, even those of less than none.
    let sizes = i64::MIN..=i64::from(i32::MAX);
    let element_size = configuration.integer("elementsize", sizes, Some(4))?;
    Ok(Codec::BytesToBytes(Arc::new(Shuffle {
        element_size: element_size.max(1) as usize,
    })))
}

impl BytesToBytes for Shuffle {
    fn encode(&self, decoded: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if !decoded.len().is_multiple_of(self.element_size) {
            return Err(CodecError::mismatch(NAME, self.ragged(decoded.len())));
        }
        let start = out.len();
        out.resize(start + decoded.len(), 0);
        byte_planes::shuffle(self.element_size, decoded, &mut out[start..]);
        Ok(())
    }

    fn decode(&self, encoded: &[u8], out: &mut [u8]) -> Result<usize> {
        if !encoded.len().is_multiple_of(self.element_size) {
            return Err(CodecError::corrupt(NAME, self.ragged(encoded.len())));
        }
        let room = out.len();
        let elements = out
            .get_mut(..encoded.len())
            .ok_or(CodecError::too_large(NAME, room))?;
        let count = encoded.len() / self.element_size;
        byte_planes::unshuffle(self.element_size, |byte| &encoded[byte * count..], elements);
        Ok(encoded.len())
    }

    fn encoded_size_max(&self, decoded: usize) -> usize {
        decoded
    }

    fn encoded_size(&self, decoded: usize) -> Option<usize> {
        Some(decoded)
    }
}

impl Shuffle {
    fn ragged(&self, length: usize) -> String {
        format!(
            "{length} bytes are no whole number of elements of {}",
            self.element_size
        )
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.shuffle",
    aliases: &[NAME],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::BytesToBytes,
    doc: "bytes of equal weight side by side",
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
        for element_size in [1, 2, 3, 4, 8, 16] {
            let spec = spec(&[], DataType::Raw(element_size));
            check_codec(NAME, json!({"elementsize": element_size}), &spec);
        }
    }

    #[test]
    fn bytes_of_equal_weight_lie_side_by_side() {
        for (element_size, expected) in [(0, b"aAbBcC"), (2, b"abcABC"), (3, b"aBAcbC")] {
            let (shuffle, mut encoded) = (
                Shuffle {
                    element_size: element_size.max(1),
                },
                Vec::new(),
            );
            shuffle.encode(b"aAbBcC", &mut encoded).unwrap();
            assert_eq!(encoded, expected);
        }
    }

    #[test]
    fn ragged_lengths_are_errors() {
        let shuffle = Shuffle { element_size: 4 };
        assert!(matches!(
            shuffle.decode(&[0; 5], &mut [0; 8]),
            Err(CodecError::Corrupt { .. })
        ));
        assert!(shuffle.encode(&[0; 5], &mut Vec::new()).is_err());
    }
}
