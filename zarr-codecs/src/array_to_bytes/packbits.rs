//! `packbits`: eight booleans to a byte (Zarr extension *packbits codec*).
//!
//! ```text
//! count of padding u8 (padding_encoding first_byte) | bits, the first in the lowest place | count of padding u8 (last_byte)
//! ```
//!
//! Numcodecs has a codec of the same name with the bits the other way round, which is `numcodecs.packbits` here.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry,
    Configuration, DataType, Result,
};

const NAME: &str = "packbits";

/// Where the number of unused bits stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    None,
    FirstByte,
    LastByte,
}

#[derive(Debug)]
struct PackBits {
    padding: Padding,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let known = ["padding_encoding", "first_bit", "last_bit"];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    let padding = match configuration.text("padding_encoding", Some("none"))? {
        "none" => Padding::None,
        "first_byte" => Padding::FirstByte,
        "last_byte" => Padding::LastByte,
        _ => {
            return Err(
                configuration.error("padding_encoding", "must be `none`, `first_byte` or `last_byte`")
            );
        }
    };
    // A boolean has one bit, so that these cannot choose another.
    for name in ["first_bit", "last_bit"] {
        if configuration
            .get(name)
            .is_some_and(|bit| !bit.is_null() && *bit != 0)
        {
            return Err(configuration.error(name, "must be null or 0 for booleans"));
        }
    }
    Ok(Codec::ArrayToBytes(Arc::new(PackBits { padding })))
}

/// The number of bits of the last byte that hold no element.
const fn unused_bits(n_elements: usize) -> u8 {
    (n_elements.next_multiple_of(8) - n_elements) as u8
}

impl ArrayToBytes for PackBits {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        if spec.data_type != DataType::Bool {
            let reason = format!("elements must be bool, not {}", spec.data_type);
            return Err(CodecError::mismatch(NAME, reason));
        }
        let extra = usize::from(self.padding != Padding::None);
        Ok(spec.size().map(|n_elements| n_elements.div_ceil(8) + extra))
    }

    fn encode(&self, chunk: ChunkRef<'_>, _: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let unused = unused_bits(chunk.elements.len());
        if self.padding == Padding::FirstByte {
            out.push(unused);
        }
        out.extend(chunk.elements.chunks(8).map(|elements| {
            let bits = elements.iter().enumerate();
            bits.fold(0, |byte, (place, element)| {
                byte | u8::from(*element != 0) << place
            })
        }));
        if self.padding == Padding::LastByte {
            out.push(unused);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let n_elements = spec
            .size()
            .ok_or_else(|| CodecError::value("chunk", "its size is not known"))?;
        let (unused, bytes) = match self.padding {
            Padding::None => (None, Some(encoded)),
            Padding::FirstByte => (encoded.first(), encoded.get(1..)),
            Padding::LastByte => (
                encoded.last(),
                encoded.len().checked_sub(1).map(|end| &encoded[..end]),
            ),
        };
        let bytes = bytes.filter(|bytes| bytes.len() == n_elements.div_ceil(8));
        let bytes = bytes.ok_or_else(|| {
            let reason = format!("{} bytes do not hold {n_elements} elements", encoded.len());
            CodecError::corrupt(NAME, reason)
        })?;
        if let Some(found) = unused.filter(|unused| **unused != unused_bits(n_elements)) {
            let reason = format!("its padding is {found}, {} was expected", unused_bits(n_elements));
            return Err(CodecError::corrupt(NAME, reason));
        }
        let bits = bytes
            .iter()
            .flat_map(|byte| (0..8).map(move |place| byte >> place & 1));
        out.elements.extend(bits.take(n_elements));
        Ok(())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToBytes,
    doc: "eight booleans to a byte, the first in the lowest bit",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::spec;

    fn codec(configuration: &Value) -> Result<Arc<dyn ArrayToBytes>> {
        match build(configuration.as_object().unwrap(), &CodecRegistry::default())? {
            Codec::ArrayToBytes(codec) => Ok(codec),
            _ => unreachable!("the codec makes bytes of an array"),
        }
    }

    /// The bytes are what zarrs 0.23 makes of these elements.
    #[test]
    fn bits_lie_as_in_zarrs() {
        let elements = [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0];
        let spec = spec(&[11], DataType::Bool);
        for (padding, expected) in [
            ("none", &[0x0d, 0x03][..]),
            ("first_byte", &[0x05, 0x0d, 0x03]),
            ("last_byte", &[0x0d, 0x03, 0x05]),
        ] {
            let codec = codec(&json!({"padding_encoding": padding, "first_bit": null})).unwrap();
            let chunk = ChunkRef {
                elements: &elements,
                heap: &[],
            };
            let mut encoded = Vec::new();
            codec.encode(chunk, &spec, &mut encoded).unwrap();
            assert_eq!(encoded, expected);
            assert_eq!(codec.encoded_size(&spec).unwrap(), Some(expected.len()));
            let mut decoded = ChunkBuffer::default();
            codec.decode(expected, &spec, &mut decoded).unwrap();
            assert_eq!(decoded.elements, elements);
        }
    }

    #[test]
    fn sizes_and_padding_that_do_not_fit_are_errors() {
        let spec = spec(&[11], DataType::Bool);
        for (padding, encoded) in [
            ("none", &[0x0d][..]),
            ("none", &[]),
            ("first_byte", &[0x04, 0x0d, 0x03]),
            ("first_byte", &[]),
            ("last_byte", &[0x0d, 0x03, 0x06]),
            ("last_byte", &[0x0d, 0x03]),
        ] {
            let codec = codec(&json!({ "padding_encoding": padding })).unwrap();
            let result = codec.decode(encoded, &spec, &mut ChunkBuffer::default());
            assert!(
                matches!(result, Err(CodecError::Corrupt { .. })),
                "{padding} {encoded:?}"
            );
        }
    }

    #[test]
    fn what_is_no_boolean_is_refused() {
        let bits = codec(&json!({})).unwrap();
        assert!(bits.encoded_size(&spec(&[3], DataType::UInt8)).is_err());
        for configuration in [
            json!({"padding_encoding": "start"}),
            json!({"first_bit": 1}),
            json!({"last_bit": 3}),
        ] {
            assert!(codec(&configuration).is_err());
        }
    }
}
