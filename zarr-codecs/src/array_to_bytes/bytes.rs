//! `bytes`: the elements themselves, in a given byte order (Zarr V3 specification, *bytes codec*).

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind,
    CodecRegistry, Configuration, DataType, Result,
};

const NAME: &str = "bytes";

#[derive(Debug)]
struct BytesCodec {
    /// `None` for elements of one byte, which have no order.
    endian: Option<ByteOrder>,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["endian"])?;
    let endian = match configuration.text("endian", Some(""))? {
        "" => None,
        "little" => Some(ByteOrder::Little),
        "big" => Some(ByteOrder::Big),
        _ => return Err(configuration.error("endian", "must be `little` or `big`")),
    };
    Ok(Codec::ArrayToBytes(Arc::new(BytesCodec { endian })))
}

impl BytesCodec {
    fn order(&self) -> ByteOrder {
        self.endian.unwrap_or(ByteOrder::Little)
    }
}

impl ArrayToBytes for BytesCodec {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        if spec.data_type.is_variable() {
            return Err(CodecError::mismatch(
                NAME,
                format!("{} has no fixed size", spec.data_type),
            ));
        }
        // Records of old documents are little-endian without saying so.
        let is_record = matches!(spec.data_type, DataType::Struct(_));
        if self.endian.is_none() && spec.data_type.has_byte_order() && !is_record {
            return Err(CodecError::config(
                NAME,
                format!("`endian` is missing for {}", spec.data_type),
            ));
        }
        Ok(spec.size())
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.extend_from_slice(chunk.elements);
        spec.data_type.reorder(&mut out[start..], self.order());
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let start = out.elements.len();
        out.elements.extend_from_slice(encoded);
        spec.data_type.reorder(&mut out.elements[start..], self.order());
        Ok(())
    }

    fn byte_order(&self) -> Option<ByteOrder> {
        Some(self.order())
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &["endian"],
    v2: None,
    kind: CodecKind::ArrayToBytes,
    doc: "the elements as they are, little or big endian",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};

    #[test]
    fn chunks_come_back() {
        for data_type in [
            DataType::UInt8,
            DataType::Int32,
            DataType::Complex128,
            DataType::Raw(3),
        ] {
            check_codec(NAME, json!({"endian": "big"}), &spec(&[3, 5], data_type.clone()));
            check_codec(NAME, json!({"endian": "little"}), &spec(&[3, 5], data_type));
        }
    }

    #[test]
    fn numbers_need_a_byte_order() {
        let codec = BytesCodec { endian: None };
        assert!(codec.encoded_size(&spec(&[2], DataType::UInt8)).is_ok());
        assert!(codec.encoded_size(&spec(&[2], DataType::Int16)).is_err());
        assert!(codec.encoded_size(&spec(&[2], DataType::String)).is_err());
    }
}
