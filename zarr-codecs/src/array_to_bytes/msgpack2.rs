//! `msgpack2`: elements as `MessagePack` (numcodecs `MsgPack`).
//!
//! ```text
//! [elements..., data type, shape]      elements in lists within lists for more dimensions
//! ```

use std::sync::Arc;

use serde_json::{Map, Value};

use super::values::{Nested, check_shape, checked_dtype, each, named_order, nest, push};
use crate::{
    ArrayToBytes, ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind,
    CodecRegistry, Configuration, Object, Result, V2Codec,
    object::{Packing, Reader, list_header},
};

const NAME: &str = "msgpack2";

#[derive(Debug)]
struct MessagePack {
    packing: Packing,
    /// Whether texts are read as bytes.
    raw: bool,
    order: ByteOrder,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let known = ["endian", "raw", "use_bin_type", "use_single_float"];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    let packing = Packing::new(
        configuration.boolean("use_bin_type", true)?,
        configuration.boolean("use_single_float", false)?,
    );
    let raw = configuration.boolean("raw", false)?;
    let order = named_order(&configuration)?;
    Ok(Codec::ArrayToBytes(Arc::new(MessagePack { packing, raw, order })))
}

impl MessagePack {
    fn check(&self, spec: &ChunkSpec) -> Result<String> {
        if spec.shape.is_empty() {
            return Err(CodecError::mismatch(NAME, "a chunk must have dimensions"));
        }
        checked_dtype(NAME, true, self.order, spec)
    }

    fn read(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let corrupt = |reason: &'static str| CodecError::corrupt(NAME, reason);
        let check = |found: usize, expected: u64| match found as u64 {
            found if found == expected => Ok(()),
            found => Err(CodecError::corrupt(
                NAME,
                format!("{found} items, expected {expected}"),
            )),
        };
        let mut reader = Reader::new(encoded, self.raw);
        let length = spec.shape.first().copied().unwrap_or(0);
        check(reader.list().map_err(corrupt)?, length.saturating_add(2))?;
        nest(&spec.shape, &mut |place| match place {
            Nested::Open { count, .. } => check(reader.list().map_err(corrupt)?, count as u64),
            Nested::Element { depth, .. } => push(&reader.value(depth).map_err(corrupt)?, spec, out),
            Nested::Close { .. } => Ok(()),
        })?;
        if !matches!(
            reader.value(1).map_err(corrupt)?,
            Object::Text(_) | Object::Bytes(_)
        ) {
            return Err(corrupt("the data type is no text"));
        }
        check_shape(NAME, &reader.value(1).map_err(corrupt)?, spec)?;
        reader.end().map_err(corrupt)
    }
}

impl ArrayToBytes for MessagePack {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        self.check(spec).map(|_| None)
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let failed = |reason: &'static str| CodecError::mismatch(NAME, reason);
        let dtype = self.check(spec)?;
        let mut elements = Vec::new();
        each(chunk, spec, &mut |value| {
            elements.push(value);
            Ok(())
        })?;
        let mut elements = elements.iter();
        let length = spec.shape.first().copied().unwrap_or(0) as usize;
        list_header(out, length.saturating_add(2)).map_err(failed)?;
        nest(&spec.shape, &mut |place| match place {
            Nested::Open { count, .. } => list_header(out, count).map_err(failed),
            Nested::Element { .. } => {
                let value = elements.next().unwrap_or(&Object::Null);
                self.packing.write(value, out).map_err(failed)
            }
            Nested::Close { .. } => Ok(()),
        })?;
        let shape: Vec<Object> = spec.shape.iter().map(|length| (*length).into()).collect();
        self.packing.write(&dtype.into(), out).map_err(failed)?;
        self.packing.write(&shape.into(), out).map_err(failed)
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        self.check(spec)?;
        self.read(encoded, spec, out)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: Some(V2Codec::same(NAME)),
    kind: CodecKind::ArrayToBytes,
    doc: "elements as `MessagePack`: any values of object arrays, numbers, texts and bytes",
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
        for shape in [&[9][..], &[0], &[2, 3], &[2, 0, 3], &[20]] {
            check_codec(NAME, json!({}), &spec(shape, DataType::Object));
        }
        for data_type in [
            DataType::Bool,
            DataType::Int64,
            DataType::Float64,
            DataType::Raw(5),
        ] {
            let configuration = json!({"use_bin_type": data_type != DataType::Bool});
            if data_type != DataType::Bool {
                check_codec(NAME, configuration, &spec(&[3, 2], data_type));
            }
        }
    }

    #[test]
    fn chunks_without_dimensions_are_refused() {
        let Codec::ArrayToBytes(codec) = build(&Map::new(), &CodecRegistry::default()).unwrap() else {
            unreachable!("the codec makes bytes of an array")
        };
        assert!(codec.encoded_size(&spec(&[], DataType::Object)).is_err());
        assert!(codec.encoded_size(&spec(&[1], DataType::Complex64)).is_err());
        assert!(codec.encoded_size(&spec(&[1], DataType::String)).is_err());
    }
}
