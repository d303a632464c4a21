//! `vlen-utf8`, `vlen-bytes`, `vlen-array`: elements of variable size (Zarr extensions of these names; numcodecs
//! `VLenUTF8`, `VLenBytes`, `VLenArray`).
//!
//! ```text
//! count u32 | length u32 | bytes | length u32 | bytes | ...        (little endian)
//! ```

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ByteOrder, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind,
    Configuration, DataType, Result, Slot, V2Codec, chain::make_room,
};

const UTF8: &str = "vlen-utf8";
const BYTES: &str = "vlen-bytes";
const ARRAY: &str = "vlen-array";

#[derive(Debug)]
struct Vlen {
    name: &'static str,
    items: Items,
}

/// What the items are.
#[derive(Debug)]
enum Items {
    Texts,
    Bytes,
    /// Arrays whose elements are stored in a byte order.
    Arrays(ByteOrder),
}

/// Whether items lie close together in memory that is UTF-8, each from the beginning of a character to the end of one.
///
/// Texts are short, and to look at all of them as one takes a fraction of looking at each.
fn are_texts_together(chunk: ChunkRef<'_>) -> bool {
    let bounds = |slot: Slot| (slot.offset as usize, (slot.offset + slot.length) as usize);
    let (mut first, mut last, mut size) = (usize::MAX, 0, 0);
    for (start, end) in chunk.slots().map(bounds) {
        (first, last, size) = (first.min(start), last.max(end), size + (end - start));
    }
    // A chunk may point to few of all the texts that there are.
    let together = chunk.heap.get(first..last).filter(|all| all.len() <= 2 * size);
    let Some(Ok(all)) = together.map(std::str::from_utf8) else {
        return false;
    };
    let mut bounds = chunk.slots().map(bounds);
    bounds.all(|(start, end)| all.is_char_boundary(start - first) && all.is_char_boundary(end - first))
}

impl Vlen {
    /// Checks that items are texts.
    fn check_texts(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec) -> Result<()> {
        if spec.data_type != DataType::String || are_texts_together(chunk) {
            return Ok(());
        }
        let is_text = |item: &[u8]| std::str::from_utf8(item).is_ok();
        match chunk.items().position(|item| !is_text(item)) {
            Some(index) => Err(self.corrupt(&format!("item {index} is not UTF-8"))),
            None => Ok(()),
        }
    }

    fn check_item(&self, item: &[u8], index: usize, spec: &ChunkSpec) -> Result<()> {
        match &spec.data_type {
            DataType::VlenArray(inner)
                if !inner.size().is_some_and(|size| item.len().is_multiple_of(size)) =>
            {
                Err(self.corrupt(&format!(
                    "item {index} of {} bytes is no array of {inner}",
                    item.len()
                )))
            }
            _ => Ok(()),
        }
    }

    /// Turns the elements of an item into stored byte order or back.
    fn reorder(&self, item: &mut [u8], spec: &ChunkSpec) {
        if let (Items::Arrays(order), DataType::VlenArray(inner)) = (&self.items, &spec.data_type) {
            inner.reorder(item, *order);
        }
    }

    fn corrupt(&self, reason: &str) -> CodecError {
        CodecError::corrupt(self.name, reason)
    }
}

impl ArrayToBytes for Vlen {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        let expected = match (&self.items, &spec.data_type) {
            (Items::Texts, DataType::String) | (Items::Bytes, DataType::Bytes) => return Ok(None),
            (Items::Arrays(_), DataType::VlenArray(inner)) if !inner.is_variable() => return Ok(None),
            (Items::Texts, _) => "string",
            (Items::Bytes, _) => "variable_length_bytes",
            (Items::Arrays(_), _) => "arrays of elements of a fixed size",
        };
        let reason = format!("elements must be {expected}, not {}", spec.data_type);
        Err(CodecError::mismatch(self.name, reason))
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let count = |count: usize| {
            u32::try_from(count).map(u32::to_le_bytes).map_err(|_| {
                CodecError::mismatch(self.name, format!("{count} is more than 32 bits can count"))
            })
        };
        let n_elements = spec.n_elements().unwrap_or(u64::MAX) as usize;
        self.check_texts(chunk, spec)?;
        out.extend_from_slice(&count(n_elements)?);
        for (index, item) in chunk.items().enumerate() {
            self.check_item(item, index, spec)?;
            out.extend_from_slice(&count(item.len())?);
            let start = out.len();
            out.extend_from_slice(item);
            self.reorder(&mut out[start..], spec);
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
        make_room(&mut out.elements, count as usize * crate::SLOT_SIZE)?;
        make_room(&mut out.heap, rest.len() - count as usize * 4)?;
        for index in 0..count as usize {
            let (length, tail) = split_u32(rest).ok_or_else(cut)?;
            let (item, tail) = tail.split_at_checked(length as usize).ok_or_else(cut)?;
            self.check_item(item, index, spec)?;
            let start = out.heap.len();
            out.push_item(item);
            self.reorder(&mut out.heap[start..], spec);
            rest = tail;
        }
        if rest.is_empty() {
            return self.check_texts(out.as_ref(), spec);
        }
        Err(self.corrupt(&format!("{} bytes follow the last item", rest.len())))
    }
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn build(name: &'static str, items: Items, configuration: &Map<String, Value>) -> Result<Codec> {
    Configuration::new(name, configuration, &[])?;
    Ok(Codec::ArrayToBytes(Arc::new(Vlen { name, items })))
}

/// Builds the codec of arrays: the type of their elements is that of the chunk, the byte order is configured.
fn build_arrays(configuration: &Map<String, Value>) -> Result<Codec> {
    let configuration = Configuration::new(ARRAY, configuration, &["dtype"])?;
    let order = match configuration.get("dtype") {
        None => return Err(configuration.error("dtype", "is missing")),
        Some(dtype) if first_text(dtype).is_some_and(|text| text.starts_with('>')) => ByteOrder::Big,
        Some(_) => ByteOrder::Little,
    };
    let items = Items::Arrays(order);
    Ok(Codec::ArrayToBytes(Arc::new(Vlen { name: ARRAY, items })))
}

/// The first type of a record that says something of the byte order, or the only one.
fn first_text(dtype: &Value) -> Option<&str> {
    match dtype {
        Value::String(text) => Some(text)
            .filter(|text| text.starts_with(['<', '>']))
            .map(String::as_str),
        Value::Array(fields) => fields.iter().find_map(|field| first_text(field.get(1)?)),
        _ => None,
    }
}

/// How the registry knows the codec of texts.
pub const UTF8_ENTRY: CodecEntry = CodecEntry {
    name: UTF8,
    aliases: &[],
    v2: Some(V2Codec::same(UTF8)),
    kind: CodecKind::ArrayToBytes,
    doc: "texts of any length, each after its length",
    feature: None,
    build: |configuration, _| build(UTF8, Items::Texts, configuration),
};

/// How the registry knows the codec of byte strings.
pub const BYTES_ENTRY: CodecEntry = CodecEntry {
    name: BYTES,
    v2: Some(V2Codec::same(BYTES)),
    doc: "byte strings of any length, each after its length",
    build: |configuration, _| build(BYTES, Items::Bytes, configuration),
    ..UTF8_ENTRY
};

/// How the registry knows the codec of arrays.
pub const ARRAY_ENTRY: CodecEntry = CodecEntry {
    name: ARRAY,
    v2: Some(V2Codec::same(ARRAY)),
    doc: "arrays of any length, each after its size",
    build: |configuration, _| build_arrays(configuration),
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
        for (dtype, inner) in [
            ("|u1", DataType::UInt8),
            ("<U1", DataType::FixedUtf32(1)),
            (">i4", DataType::Int32),
        ] {
            let arrays = DataType::VlenArray(Box::new(inner));
            check_codec(ARRAY, json!({"dtype": dtype}), &spec(&[7], arrays));
        }
    }

    #[test]
    fn arrays_have_whole_elements_in_their_byte_order() {
        // numcodecs: VLenArray('>i2').encode([[1, -2], None])
        let encoded = [2, 0, 0, 0, 4, 0, 0, 0, 0, 1, 255, 254, 0, 0, 0, 0];
        let Codec::ArrayToBytes(codec) = build_arrays(json!({"dtype": ">i2"}).as_object().unwrap()).unwrap()
        else {
            unreachable!("the codec makes bytes of an array")
        };
        let chunk = spec(&[2], DataType::VlenArray(Box::new(DataType::Int16)));
        let mut decoded = ChunkBuffer::default();
        codec.decode(&encoded, &chunk, &mut decoded).unwrap();
        let expected = [1_i16.to_ne_bytes(), (-2_i16).to_ne_bytes()].concat();
        assert!(decoded.as_ref().items().eq([&expected[..], &[]]));
        let chunk = spec(&[2], DataType::VlenArray(Box::new(DataType::Int64)));
        assert!(
            codec
                .decode(&encoded, &chunk, &mut ChunkBuffer::default())
                .is_err()
        );
        assert!(build_arrays(&Map::new()).is_err());
    }

    #[test]
    fn texts_are_whole_characters_wherever_they_lie() {
        let heap = "aé😀z".as_bytes();
        let spec = spec(&[2], DataType::String);
        let codec = CodecRegistry::default()
            .build(&CodecConfig::of(UTF8, json!({})))
            .unwrap();
        let Codec::ArrayToBytes(codec) = codec else {
            unreachable!("the codec makes bytes of an array")
        };
        let is_taken = |slots: [(u64, u64); 2], heap: &[u8]| {
            let slots = slots.map(|(offset, length)| Slot { offset, length }.to_bytes());
            let elements = &slots.concat();
            codec
                .encode(ChunkRef { elements, heap }, &spec, &mut Vec::new())
                .is_ok()
        };
        for slots in [
            [(0, 1), (1, 2)],
            [(3, 4), (7, 1)],
            [(1, 6), (8, 0)],
            [(0, 3), (0, 3)],
            [(0, 0), (0, 0)],
            // Nothing is a text wherever it is.
            [(0, 8), (5, 0)],
        ] {
            assert!(is_taken(slots, heap), "{slots:?}");
        }
        for slots in [
            [(0, 2), (2, 1)],
            [(0, 1), (2, 1)],
            [(3, 3), (6, 2)],
            [(4, 4), (0, 1)],
        ] {
            assert!(!is_taken(slots, heap), "{slots:?}");
        }
        // What no text has does not matter, close by or far away.
        for gap in [1, 100] {
            let heap = [b"ab", &vec![0xff; gap][..], b"cd"].concat();
            assert!(is_taken([(0, 2), (2 + gap as u64, 2)], &heap), "{gap}");
            assert!(!is_taken([(0, 3), (2 + gap as u64, 2)], &heap), "{gap}");
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
