//! `shuffle`: the first bytes of all elements, then all second bytes, and so on (numcodecs `Shuffle`).

use std::{array, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    BytesToBytes, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry, Configuration, Result, V2Codec,
};

const NAME: &str = "shuffle";

/// As many elements at once as stay in the innermost cache with their planes.
const BLOCK: usize = 1024;

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
        let planes = &mut out[start..];
        match self.element_size {
            1 => planes.copy_from_slice(decoded),
            2 => shuffle::<2>(decoded, planes),
            4 => shuffle::<4>(decoded, planes),
            8 => shuffle::<8>(decoded, planes),
            size => {
                let count = decoded.len() / size;
                for (element, bytes) in decoded.chunks_exact(size).enumerate() {
                    for (byte, &value) in bytes.iter().enumerate() {
                        planes[byte * count + element] = value;
                    }
                }
            }
        }
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
        unshuffle_bytes(self.element_size, encoded, elements);
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

fn shuffle<const N: usize>(elements: &[u8], planes: &mut [u8]) {
    let (elements, _) = elements.as_chunks::<N>();
    let count = elements.len();
    for (index, block) in elements.chunks(BLOCK).enumerate() {
        for byte in 0..N {
            let plane = &mut planes[byte * count + index * BLOCK..][..block.len()];
            for (target, element) in plane.iter_mut().zip(block) {
                *target = element[byte];
            }
        }
    }
}

/// Puts the bytes of whole elements together again.
pub(super) fn unshuffle_bytes(element_size: usize, planes: &[u8], elements: &mut [u8]) {
    match element_size {
        1 => elements.copy_from_slice(planes),
        2 => unshuffle::<2>(planes, elements),
        4 => unshuffle::<4>(planes, elements),
        8 => unshuffle::<8>(planes, elements),
        size => {
            let count = planes.len() / size;
            for (element, bytes) in elements.chunks_exact_mut(size).enumerate() {
                for (byte, value) in bytes.iter_mut().enumerate() {
                    *value = planes[byte * count + element];
                }
            }
        }
    }
}

fn unshuffle<const N: usize>(planes: &[u8], elements: &mut [u8]) {
    let (elements, _) = elements.as_chunks_mut::<N>();
    let count = elements.len();
    for (index, block) in elements.chunks_mut(BLOCK).enumerate() {
        let planes: [&[u8]; N] =
            array::from_fn(|byte| &planes[byte * count + index * BLOCK..][..block.len()]);
        for (position, element) in block.iter_mut().enumerate() {
            *element = array::from_fn(|byte| planes[byte][position]);
        }
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
