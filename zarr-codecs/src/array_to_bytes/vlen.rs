//! `vlen-utf8`, `vlen-bytes`: elements of variable size (Zarr extensions of these names; numcodecs `VLenUTF8`,
//! `VLenBytes`).
//!
//! ```text
//! count u32 | length u32 | bytes | length u32 | bytes | ...        (little endian)
//! ```

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, Configuration,
    DataType, Result, V2Codec,
};

const UTF8: &str = "vlen-utf8";
const BYTES: &str = "vlen-bytes";

#[derive(Debug)]
struct Vlen {
    name: &'static str,
    data_type: DataType,
}

impl Vlen {
    fn check_item(&self, item: &[u8], index: usize) -> Result<()> {
        if self.data_type == DataType::String && std::str::from_utf8(item).is_err() {
            return Err(self.corrupt(&format!("item {index} is not UTF-8")));
        }
        Ok(())
    }

    fn corrupt(&self, reason: &str) -> CodecError {
        CodecError::corrupt(self.name, reason)
    }
}

impl ArrayToBytes for Vlen {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        if spec.data_type == self.data_type {
            return Ok(None);
        }
        let reason = format!("elements must be {}, not {}", self.data_type, spec.data_type);
        Err(CodecError::mismatch(self.name, reason))
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let count = |count: usize| {
            u32::try_from(count).map(u32::to_le_bytes).map_err(|_| {
                CodecError::mismatch(self.name, format!("{count} is more than 32 bits can count"))
            })
        };
        let n_elements = spec.n_elements().unwrap_or(u64::MAX) as usize;
        out.extend_from_slice(&count(n_elements)?);
        for (index, item) in chunk.items().enumerate() {
            self.check_item(item, index)?;
            out.extend_from_slice(&count(item.len())?);
            out.extend_from_slice(item);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let cut = || self.corrupt("it ends within an item");
        let (count, mut rest) = split_u32(encoded).ok_or_else(cut)?;
        let n_elements = spec.n_elements().unwrap_or(u64::MAX);
        if u64::from(count) != n_elements {
            return Err(self.corrupt(&format!("{count} items, the chunk has {n_elements}")));
        }
        // Every item takes at least its length: no memory is asked for that the data do not pay for.
        if rest.len() / 4 < count as usize {
            return Err(cut());
        }
        out.elements.reserve(count as usize * crate::SLOT_SIZE);
        out.heap.reserve(rest.len() - count as usize * 4);
        for index in 0..count as usize {
            let (length, tail) = split_u32(rest).ok_or_else(cut)?;
            let (item, tail) = tail.split_at_checked(length as usize).ok_or_else(cut)?;
            self.check_item(item, index)?;
            out.push_item(item);
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(());
        }
        Err(self.corrupt(&format!("{} bytes follow the last item", rest.len())))
    }
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn build(name: &'static str, data_type: DataType, configuration: &Map<String, Value>) -> Result<Codec> {
    Configuration::new(name, configuration, &[])?;
    Ok(Codec::ArrayToBytes(Arc::new(Vlen { name, data_type })))
}

/// How the registry knows the codec of texts.
pub const UTF8_ENTRY: CodecEntry = CodecEntry {
    name: UTF8,
    aliases: &[],
    v2: Some(V2Codec::same(UTF8)),
    kind: CodecKind::ArrayToBytes,
    doc: "texts of any length, each after its length",
    feature: None,
    build: |configuration, _| build(UTF8, DataType::String, configuration),
};

/// How the registry knows the codec of byte strings.
pub const BYTES_ENTRY: CodecEntry = CodecEntry {
    name: BYTES,
    v2: Some(V2Codec::same(BYTES)),
    doc: "byte strings of any length, each after its length",
    build: |configuration, _| build(BYTES, DataType::Bytes, configuration),
    ..UTF8_ENTRY
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};
    use crate::{CodecConfig, CodecRegistry};

    #[test]
    fn chunks_come_back() {
        for shape in [&[2, 5][..], &[], &[0]] {
            check_codec(UTF8, json!({}), &spec(shape, DataType::String));
            check_codec(BYTES, json!({}), &spec(shape, DataType::Bytes));
        }
    }

    fn decode(name: &str, n_elements: u64, encoded: &[u8]) -> Result<()> {
        let codec = CodecRegistry::default().build(&CodecConfig::of(name, json!({})))?;
        let Codec::ArrayToBytes(codec) = codec else {
            unreachable!("the codec makes bytes of an array")
        };
        let data_type = if name == UTF8 {
            DataType::String
        } else {
            DataType::Bytes
        };
        codec.decode(
            encoded,
            &spec(&[n_elements], data_type),
            &mut ChunkBuffer::default(),
        )
    }

    #[test]
    fn counts_and_lengths_that_lie_are_errors() {
        let good = [2, 0, 0, 0, 1, 0, 0, 0, b'a', 0, 0, 0, 0];
        assert!(decode(UTF8, 2, &good).is_ok());
        assert!(decode(UTF8, 3, &good).is_err());
        assert!(decode(UTF8, 2, &[&good[..], &[0]].concat()).is_err());
        for (at, value) in [(0, 1), (0, 3), (3, 255), (4, 2), (4, 6), (7, 255)] {
            let mut bad = good;
            bad[at] = value;
            assert!(decode(UTF8, 2, &bad).is_err(), "{bad:?}");
        }
        // A count of 2^32 - 1 must not cost its slots.
        assert!(decode(UTF8, u64::from(u32::MAX), &[255, 255, 255, 255, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn texts_are_utf8() {
        let encoded = [1, 0, 0, 0, 1, 0, 0, 0, 0xFF];
        assert!(decode(UTF8, 1, &encoded).is_err());
        assert!(decode(BYTES, 1, &encoded).is_ok());
    }
}
