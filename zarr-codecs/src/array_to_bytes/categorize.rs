//! `categorize`: texts as numbers of labels (numcodecs `Categorize`).
//!
//! A text that is label `i` becomes `i + 1`, of two equal labels the later; any other becomes 0, and 0 becomes
//! the empty text. Texts are of fixed length, or objects, which are texts of any length here.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecEntry, CodecError, CodecKind, CodecRegistry,
    Configuration, DataType, Result, SLOT_SIZE, Slot, StoredType, V2Codec,
    chain::make_room,
    numeric::{Kind, cast_numbers, kind_of, require, stored_type, with_types},
    padded::{utf32, without_padding},
};

const NAME: &str = "categorize";

#[derive(Debug)]
struct Categorize {
    labels: Vec<String>,
    /// The type of the texts; `None` for objects.
    texts: Option<StoredType>,
    codes: StoredType,
    kind: Kind,
}

fn build(configuration: &Map<String, Value>, _: &CodecRegistry) -> Result<Codec> {
    let configuration = Configuration::new(NAME, configuration, &["labels", "dtype", "astype"])?;
    let wrong = || configuration.error("labels", "must be a list of texts");
    let labels = match configuration.get("labels") {
        Some(Value::Array(labels)) => {
            let labels = labels.iter().map(|label| label.as_str().map(str::to_owned));
            labels.collect::<Option<_>>().ok_or_else(wrong)?
        }
        Some(Value::String(text)) => text.chars().map(String::from).collect(),
        _ => return Err(wrong()),
    };
    let texts = stored_type(&configuration, "dtype")?;
    let texts = match texts.ok_or_else(|| configuration.error("dtype", "is missing"))? {
        texts if matches!(texts.data_type, DataType::FixedUtf32(_)) => Some(texts),
        StoredType {
            data_type: DataType::Unknown { name, .. },
            ..
        } if name.ends_with('O') => None,
        _ => {
            let reason = "only unicode ('U') and object ('O') dtypes are supported";
            return Err(CodecError::config(NAME, reason));
        }
    };
    let codes = stored_type(&configuration, "astype")?.unwrap_or_else(StoredType::bytes);
    if matches!(codes.data_type, DataType::Unknown { .. }) {
        return Err(CodecError::config(NAME, "encoding as object array not supported"));
    }
    let kind = kind_of(NAME, &codes.data_type)?;
    Ok(Codec::ArrayToBytes(Arc::new(Categorize {
        labels,
        texts,
        codes,
        kind,
    })))
}

impl Categorize {
    /// The bytes of a code, as they are stored.
    fn code(&self, number: usize) -> Vec<u8> {
        let mut code = vec![0; self.kind.size()];
        cast_numbers(Kind::Int64, self.kind)(&(number as i64).to_ne_bytes(), &mut code);
        self.codes.data_type.reorder(&mut code, self.codes.byte_order);
        code
    }

    /// The number that bytes are the code of.
    fn number(&self, code: &[u8]) -> i64 {
        let mut native = [0; 16];
        let native = &mut native[..code.len()];
        native.copy_from_slice(code);
        self.codes.data_type.reorder(native, self.codes.byte_order);
        let mut number = [0; 8];
        cast_numbers(self.kind, Kind::Int64)(native, &mut number);
        i64::from_ne_bytes(number)
    }

    /// The codes by the texts that they stand for; `key` makes the bytes of a text.
    fn codes(&self, key: impl Fn(&str) -> Option<Vec<u8>>) -> Result<HashMap<Vec<u8>, Vec<u8>>> {
        let mut codes = HashMap::new();
        for (index, label) in self.labels.iter().enumerate() {
            let code = self.code(index + 1);
            if self.kind != Kind::Bool && self.number(&code) != index as i64 + 1 {
                let reason = format!("label {} does not fit {}", index + 1, self.codes);
                return Err(CodecError::config(NAME, reason));
            }
            if let Some(key) = key(label) {
                codes.insert(key, code);
            }
        }
        Ok(codes)
    }

    /// Calls `each` with the index of every element's label, which is none for the empty text.
    fn each_label(&self, encoded: &[u8], mut each: impl FnMut(Option<usize>)) {
        let codes: Vec<_> = (0..self.labels.len()).map(|index| self.code(index + 1)).collect();
        for code in encoded.chunks_exact(self.kind.size()) {
            let index = usize::try_from(self.number(code).wrapping_sub(1)).ok();
            each(index.filter(|index| codes.get(*index).is_some_and(|label| label == code)));
        }
    }
}

impl ArrayToBytes for Categorize {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        let is_taken = match &self.texts {
            None => spec.data_type == DataType::String,
            Some(texts) => {
                let native = |data_type: &DataType| StoredType::native(data_type.clone());
                native(&texts.data_type).lies_as(&native(&spec.data_type))
            }
        };
        if !is_taken {
            let takes = self
                .texts
                .as_ref()
                .map_or(&DataType::String, |texts| &texts.data_type);
            let reason = format!("it takes elements of {takes}, and is given {}", spec.data_type);
            return Err(CodecError::mismatch(NAME, reason));
        }
        let count = spec.n_elements().and_then(|count| usize::try_from(count).ok());
        Ok(count.and_then(|count| count.checked_mul(self.kind.size())))
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let other = self.code(0);
        if self.texts.is_none() {
            let codes = self.codes(|label| Some(label.as_bytes().to_vec()))?;
            for item in chunk.items() {
                out.extend_from_slice(codes.get(item).unwrap_or(&other));
            }
            return Ok(());
        }
        let size = spec.data_type.size().unwrap_or(1).max(1);
        // Labels without their padding, which can be many times what they are.
        let codes = self.codes(|label| {
            let label = utf32(label);
            let used = without_padding(&label);
            (used.len() <= size).then(|| used.to_vec())
        })?;
        for element in chunk.elements.chunks_exact(size) {
            out.extend_from_slice(codes.get(without_padding(element)).unwrap_or(&other));
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let expected = self.encoded_size(spec)?;
        if expected != Some(encoded.len()) {
            let reason = format!("{} bytes are not the codes of such a chunk", encoded.len());
            return Err(CodecError::corrupt(NAME, reason));
        }
        if self.texts.is_none() {
            // Each label lies in the heap once, however many elements are it.
            let mut slots = Vec::with_capacity(self.labels.len());
            for label in &self.labels {
                let slot = Slot {
                    offset: out.heap.len() as u64,
                    length: label.len() as u64,
                };
                slots.push(slot.to_bytes());
                out.heap.extend_from_slice(label.as_bytes());
            }
            let nothing = Slot { offset: 0, length: 0 }.to_bytes();
            make_room(&mut out.elements, encoded.len() / self.kind.size() * SLOT_SIZE)?;
            self.each_label(encoded, |label| {
                out.elements
                    .extend_from_slice(label.map_or(&nothing, |label| &slots[label]));
            });
            return Ok(());
        }
        let size = spec.data_type.size().unwrap_or(1);
        let texts: Vec<_> = self.labels.iter().map(|label| utf32(label)).collect();
        make_room(&mut out.elements, encoded.len() / self.kind.size() * size)?;
        self.each_label(encoded, |label| {
            let end = out.elements.len() + size;
            if let Some(label) = label {
                let text = &texts[label];
                out.elements.extend_from_slice(&text[..text.len().min(size)]);
            }
            out.elements.resize(end, 0);
        });
        Ok(())
    }

    fn viewed_as(&self) -> Option<&StoredType> {
        self.texts.as_ref()
    }

    fn stored_as(&self, _: &StoredType) -> StoredType {
        self.codes.clone()
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: "numcodecs.categorize",
    aliases: &[NAME],
    v2: Some(V2Codec {
        id: NAME,
        from_v2: |members, _| require(NAME, members, &["labels", "dtype"]),
        to_v2: |members| {
            let mut members = with_types(members, None);
            if members
                .get("dtype")
                .and_then(Value::as_str)
                .is_some_and(|text| text.ends_with('O'))
            {
                members.insert("dtype".into(), "|O".into());
            }
            members.entry("astype").or_insert("|u1".into());
            members
        },
    }),
    kind: CodecKind::ArrayToBytes,
    doc: "texts as numbers of labels",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{check_codec, spec};

    fn categorize(configuration: &Value) -> Result<Arc<dyn ArrayToBytes>> {
        match build(configuration.as_object().unwrap(), &CodecRegistry::default())? {
            Codec::ArrayToBytes(codec) => Ok(codec),
            _ => unreachable!("a codec of arrays to bytes"),
        }
    }

    #[test]
    fn chunks_come_back() {
        let labels = json!(["a", "Ωmega", "a text that is a little longer than others"]);
        for astype in ["|u1", ">i4", "<f2"] {
            let configuration = json!({"labels": labels, "dtype": "|O", "astype": astype});
            check_codec(NAME, configuration, &spec(&[3, 5], DataType::String));
        }
    }

    /// A text as an element of three code points.
    fn element(text: &str) -> Vec<u8> {
        let mut codes = utf32(text);
        codes.resize(12, 0);
        codes
    }

    /// As `NumPy` does, which takes NULs at the end of a text for padding and cuts what is too long.
    #[test]
    fn labels_are_padded_or_cut_as_texts_are() {
        let codec = categorize(&json!({"labels": ["a\0", "long", "Ω\0b"], "dtype": "<U3"})).unwrap();
        let spec = spec(&[3], DataType::FixedUtf32(3));
        let mut decoded = ChunkBuffer::default();
        codec.decode(&[1, 2, 3], &spec, &mut decoded).unwrap();
        assert_eq!(decoded.elements, ["a", "lon", "Ω\0b"].map(element).concat());
        let mut encoded = Vec::new();
        codec.encode(decoded.as_ref(), &spec, &mut encoded).unwrap();
        assert_eq!(encoded, [1, 0, 3]);
    }

    /// From numcodecs.
    #[test]
    fn texts_become_numbers_of_labels() {
        let codec = categorize(&json!({"labels": ["b", "a", "b"], "dtype": "<U3"})).unwrap();
        let spec = spec(&[4], DataType::FixedUtf32(3));
        let elements = ["a", "b", "c", ""].map(element).concat();
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let (mut encoded, mut decoded) = (Vec::new(), ChunkBuffer::default());
        codec.encode(chunk, &spec, &mut encoded).unwrap();
        assert_eq!(encoded, [2, 3, 0, 0]);
        codec.decode(&[1, 2, 3, 9], &spec, &mut decoded).unwrap();
        assert_eq!(decoded.elements, ["b", "a", "b", ""].map(element).concat());
    }

    /// A label may be long and stand for every element.
    #[test]
    fn labels_lie_in_memory_once() {
        let label = "x".repeat(1000);
        let codec = categorize(&json!({"labels": [label], "dtype": "|O"})).unwrap();
        let mut decoded = ChunkBuffer::default();
        codec
            .decode(&[1; 100], &spec(&[100], DataType::String), &mut decoded)
            .unwrap();
        assert_eq!(decoded.heap.len(), 1000);
        assert!(decoded.as_ref().items().all(|item| item == label.as_bytes()));
    }

    #[test]
    fn more_labels_than_codes_can_be_read_only() {
        let labels: Vec<_> = (0..300).map(|label| label.to_string()).collect();
        let codec = categorize(&json!({"labels": labels, "dtype": "|O"})).unwrap();
        let (spec, mut decoded) = (spec(&[2], DataType::String), ChunkBuffer::default());
        codec.decode(&[1, 255], &spec, &mut decoded).unwrap();
        assert!(decoded.as_ref().items().eq([&b"0"[..], b"254"]));
        assert!(codec.encode(decoded.as_ref(), &spec, &mut Vec::new()).is_err());
    }

    #[test]
    fn labels_and_types_are_checked() {
        for configuration in [
            json!({"labels": ["a"], "dtype": "<i4"}),
            json!({"labels": ["a"], "dtype": "|S1"}),
            json!({"labels": [1], "dtype": "<U1"}),
            json!({"labels": ["a"]}),
            json!({"dtype": "<U1"}),
            json!({"labels": ["a"], "dtype": "<U1", "astype": "|O"}),
        ] {
            assert!(categorize(&configuration).is_err(), "{configuration}");
        }
        let codec = categorize(&json!({"labels": ["a"], "dtype": "<U1"})).unwrap();
        assert!(codec.encoded_size(&spec(&[1], DataType::String)).is_err());
        assert!(codec.encoded_size(&spec(&[1], DataType::FixedUtf32(2))).is_err());
    }
}
