//! `packbits`: elements in as few bits as they have, eight booleans to a byte (Zarr extension *packbits codec*).
//!
//! ```text
//! count of padding u8 (padding_encoding first_byte) | bits, the first in the lowest place | count of padding u8 (last_byte)
//! ```
//!
//! `first_bit` and `last_bit` choose which bits of each component are stored; the others decode as the sign of signed
//! integers, and as 0 for all else.
//!
//! Numcodecs has a codec of the same name with the bits the other way round, which is `numcodecs.packbits` here.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind,
    CodecRegistry, Configuration, DataType, Result, chain::make_room,
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
    first_bit: u32,
    last_bit: Option<u32>,
}

/// Which bits of the components of a type are stored.
#[derive(Debug, Clone, Copy)]
struct Field {
    /// The size of a component in bytes.
    size: usize,
    first_bit: u32,
    /// How many bits are stored.
    stored: u32,
    is_signed: bool,
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
    let first_bit = configuration.integer("first_bit", 0..=63, Some(0))? as u32;
    let last_bit = match configuration.integer("last_bit", 0..=63, Some(63))? as u32 {
        last if last < first_bit => {
            return Err(configuration.error("last_bit", "must not be below `first_bit`"));
        }
        last => configuration
            .get("last_bit")
            .filter(|bit| !bit.is_null())
            .map(|_| last),
    };
    Ok(Codec::ArrayToBytes(Arc::new(PackBits {
        padding,
        first_bit,
        last_bit,
    })))
}

/// The number of bits of a component, its size in bytes, and whether it is a signed integer.
fn component(data_type: &DataType) -> Option<(u32, usize, bool)> {
    let (size, is_signed) = match data_type {
        DataType::Bool => return Some((1, 1, false)),
        DataType::Narrow(narrow) => {
            return Some((narrow.bits(), narrow.component_size(), narrow.is_signed_integer()));
        }
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::DateTime64(_)
        | DataType::TimeDelta64(_) => (data_type.size()?, true),
        DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64 => (data_type.size()?, false),
        DataType::Complex64 => (4, false),
        DataType::Complex128 => (8, false),
        _ => return None,
    };
    Some((size as u32 * 8, size, is_signed))
}

impl PackBits {
    /// # Errors
    /// `Mismatch` for a type that is not packed, and for bits that its components do not have.
    fn field(&self, data_type: &DataType) -> Result<Field> {
        let (bits, size, is_signed) = component(data_type)
            .ok_or_else(|| CodecError::mismatch(NAME, format!("elements of {data_type} are not packed")))?;
        let last_bit = self.last_bit.unwrap_or(bits - 1);
        if last_bit >= bits || self.first_bit > last_bit {
            let reason = format!(
                "{data_type} has {bits} bits, not those from {} to {last_bit}",
                self.first_bit
            );
            return Err(CodecError::mismatch(NAME, reason));
        }
        Ok(Field {
            size,
            first_bit: self.first_bit,
            stored: last_bit - self.first_bit + 1,
            is_signed,
        })
    }
}

impl Field {
    /// How many bits all components of elements of so many bytes are stored in.
    const fn n_bits(self, decoded: usize) -> usize {
        (decoded / self.size).saturating_mul(self.stored as usize)
    }

    /// Packs components to the end of `out`; the last byte is filled up with 0.
    fn pack(self, elements: &[u8], out: &mut Vec<u8>) {
        let (mut bits, mut n_bits) = (0_u128, 0);
        for component in elements.chunks_exact(self.size) {
            bits |= u128::from(load(component) >> self.first_bit & ones(self.stored)) << n_bits;
            n_bits += self.stored;
            while n_bits >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                n_bits -= 8;
            }
        }
        if n_bits > 0 {
            out.push(bits as u8);
        }
    }

    /// Unpacks to the end of `out` so many components.
    fn unpack(self, packed: &[u8], n_components: usize, out: &mut Vec<u8>) {
        let mut bytes = packed.iter();
        let (mut bits, mut n_bits) = (0_u128, 0);
        for _ in 0..n_components {
            while n_bits < self.stored {
                bits |= u128::from(bytes.next().copied().unwrap_or(0)) << n_bits;
                n_bits += 8;
            }
            let mut number = (bits as u64 & ones(self.stored)) << self.first_bit;
            if self.is_signed {
                let above = 64 - self.first_bit - self.stored;
                number = ((number << above) as i64 >> above) as u64;
            }
            store(number, self.size, out);
            bits >>= self.stored;
            n_bits -= self.stored;
        }
    }
}

/// So many ones, at most 64.
const fn ones(bits: u32) -> u64 {
    u64::MAX >> (64 - bits)
}

/// The bits of a component in native byte order.
fn load(component: &[u8]) -> u64 {
    let in_order = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
    match ByteOrder::NATIVE {
        ByteOrder::Little => component.iter().rev().fold(0, in_order),
        ByteOrder::Big => component.iter().fold(0, in_order),
    }
}

/// Writes so many of the lowest bytes of a number in native byte order.
fn store(number: u64, size: usize, out: &mut Vec<u8>) {
    match ByteOrder::NATIVE {
        ByteOrder::Little => out.extend_from_slice(&number.to_le_bytes()[..size]),
        ByteOrder::Big => out.extend_from_slice(&number.to_be_bytes()[8 - size..]),
    }
}

/// The number of bits of the last byte that hold no element.
const fn unused_bits(n_bits: usize) -> u8 {
    (n_bits.next_multiple_of(8) - n_bits) as u8
}

impl ArrayToBytes for PackBits {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        let field = self.field(&spec.data_type)?;
        let extra = usize::from(self.padding != Padding::None);
        Ok(spec.size().map(|size| field.n_bits(size).div_ceil(8) + extra))
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let field = self.field(&spec.data_type)?;
        let unused = unused_bits(field.n_bits(chunk.elements.len()));
        if self.padding == Padding::FirstByte {
            out.push(unused);
        }
        if spec.data_type == DataType::Bool {
            out.extend(chunk.elements.chunks(8).map(|elements| {
                let bits = elements.iter().enumerate();
                bits.fold(0, |byte, (place, element)| {
                    byte | u8::from(*element != 0) << place
                })
            }));
        } else {
            field.pack(chunk.elements, out);
        }
        if self.padding == Padding::LastByte {
            out.push(unused);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let field = self.field(&spec.data_type)?;
        let size = spec
            .size()
            .ok_or_else(|| CodecError::value("chunk", "its size is not known"))?;
        let n_bits = field.n_bits(size);
        let (unused, bytes) = match self.padding {
            Padding::None => (None, Some(encoded)),
            // So zarrs has elements of whole bytes. At their front the count cannot be told from a chunk that was cut.
            Padding::LastByte if field.stored % 8 == 0 && encoded.len() == n_bits / 8 => {
                (None, Some(encoded))
            }
            Padding::FirstByte => (encoded.first(), encoded.get(1..)),
            Padding::LastByte => (
                encoded.last(),
                encoded.len().checked_sub(1).map(|end| &encoded[..end]),
            ),
        };
        let bytes = bytes.filter(|bytes| bytes.len() == n_bits.div_ceil(8));
        let bytes = bytes.ok_or_else(|| {
            let n_elements = size / spec.data_type.size().unwrap_or(1);
            let reason = format!("{} bytes do not hold {n_elements} elements", encoded.len());
            CodecError::corrupt(NAME, reason)
        })?;
        if let Some(found) = unused.filter(|unused| **unused != unused_bits(n_bits)) {
            let reason = format!("its padding is {found}, {} was expected", unused_bits(n_bits));
            return Err(CodecError::corrupt(NAME, reason));
        }
        make_room(&mut out.elements, size)?;
        if spec.data_type == DataType::Bool {
            let bits = bytes
                .iter()
                .flat_map(|byte| (0..8).map(move |place| byte >> place & 1));
            out.elements.extend(bits.take(size));
        } else {
            field.unpack(bytes, size / field.size, &mut out.elements);
        }
        Ok(())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToBytes,
    doc: "elements in as few bits as they have, eight booleans to a byte",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        NarrowType,
        testing::{check_codec, spec},
    };

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

    /// Configuration, type, elements, their bytes, and what those decode to.
    type Case<'a> = (Value, DataType, &'a [u8], &'a [u8], &'a [u8]);

    /// By the algorithm of the specification, worked out by hand.
    #[test]
    fn bits_are_chosen_and_signs_extended() {
        let narrow = |name| DataType::Narrow(NarrowType::new(name).unwrap());
        let cases: [Case<'_>; 5] = [
            (
                json!({}),
                narrow("int4"),
                &[0xfe, 0x07, 0xf8],
                &[0x7e, 0x08],
                &[0xfe, 0x07, 0xf8],
            ),
            (
                json!({}),
                narrow("float6_e3m2fn"),
                &[0x3f, 0x01, 0x20],
                &[0x7f, 0x00, 0x02],
                &[0x3f, 0x01, 0x20],
            ),
            (
                json!({"last_bit": 3}),
                DataType::Int8,
                &[0x0f, 0x05, 0x38],
                &[0x5f, 0x08],
                &[0xff, 0x05, 0xf8],
            ),
            (
                json!({"first_bit": 4}),
                DataType::UInt8,
                &[0xff, 0x51, 0x20],
                &[0x5f, 0x02],
                &[0xf0, 0x50, 0x20],
            ),
            (
                json!({}),
                narrow("complex_float4_e2m1fn"),
                &[1, 2, 3, 4],
                &[0x21, 0x43],
                &[1, 2, 3, 4],
            ),
        ];
        for (configuration, data_type, elements, expected, back) in cases {
            let n_elements = elements.len() / data_type.size().unwrap();
            let spec = spec(&[n_elements as u64], data_type);
            let codec = codec(&configuration).unwrap();
            let mut encoded = Vec::new();
            codec
                .encode(ChunkRef { elements, heap: &[] }, &spec, &mut encoded)
                .unwrap();
            assert_eq!(encoded, expected, "{configuration}");
            let mut decoded = ChunkBuffer::default();
            codec.decode(expected, &spec, &mut decoded).unwrap();
            assert_eq!(decoded.elements, back, "{configuration}");
        }
    }

    #[test]
    fn chunks_come_back() {
        for data_type in [
            DataType::Bool,
            DataType::Int64,
            DataType::UInt16,
            DataType::Float64,
            DataType::Complex128,
        ] {
            check_codec(
                NAME,
                json!({"padding_encoding": "first_byte"}),
                &spec(&[5, 3], data_type),
            );
        }
    }

    #[test]
    fn what_has_no_such_bits_is_refused() {
        let all = codec(&json!({})).unwrap();
        assert!(all.encoded_size(&spec(&[3], DataType::Raw(2))).is_err());
        let high = codec(&json!({"first_bit": 9})).unwrap();
        assert!(high.encoded_size(&spec(&[3], DataType::UInt8)).is_err());
        for configuration in [
            json!({"padding_encoding": "start"}),
            json!({"first_bit": 64}),
            json!({"first_bit": 5, "last_bit": 3}),
        ] {
            assert!(codec(&configuration).is_err());
        }
    }
}
