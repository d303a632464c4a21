//! What every codec must pass.
//!
//! [`check_codec`] panics with a sentence where a codec breaks the contract of its trait.

use serde_json::Value;

use crate::{
    ArrayToArray, ArrayToBytes, BytesToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecConfig,
    CodecError, CodecRegistry, DataType, FillValue, Object, StoredType,
};

/// Encoded bytes up to which every cut and every flipped bit is tried.
const HOSTILE_SIZE_MAX: usize = 2500;

/// Makes a chunk's shape and type, with a fill value of zero.
pub fn spec(shape: &[u64], data_type: DataType) -> ChunkSpec {
    ChunkSpec {
        shape: shape.to_vec(),
        fill_value: FillValue::zero(&data_type),
        data_type,
    }
}

/// Encodes a chunk of one element with a codec of arrays, as its entry in the registry builds it.
#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "as `json!` makes it")]
pub(crate) fn encode_elements(
    entry: &crate::CodecEntry,
    configuration: Value,
    data_type: DataType,
    elements: &[u8],
) -> crate::Result<Vec<u8>> {
    let configuration = configuration.as_object().expect("a configuration is an object");
    let Codec::ArrayToArray(codec) = (entry.build)(configuration, &CodecRegistry::default())? else {
        unreachable!("the codec makes arrays of arrays")
    };
    let spec = spec(&[1], data_type);
    codec.encoded_spec(&spec)?;
    let mut out = Vec::new();
    codec.encode(elements, &spec, &mut out)?;
    Ok(out)
}

/// Checks a built-in codec against the contract of its kind.
///
/// A codec of arrays gets chunks of the given spec; one of bytes gets many sizes, all whole elements of its
/// data type.
///
/// # Panics
/// When the codec does what it must not.
pub fn check_codec(name: &str, configuration: Value, spec: &ChunkSpec) {
    let config = CodecConfig::of(name, configuration);
    let codec = CodecRegistry::default()
        .build(&config)
        .expect("the codec can be built");
    match codec {
        Codec::ArrayToArray(codec) => {
            check_array_to_array(codec.as_ref(), spec, &chunk(spec).elements);
            check_on_bytes(codec.as_ref(), spec, &chunk(spec).elements);
        }
        Codec::ArrayToBytes(codec) => check_array_to_bytes(codec.as_ref(), spec),
        Codec::BytesToBytes(codec) => {
            let element_size = spec.data_type.size().expect("the data type is known");
            for n_elements in [0, 1, 2, 7, 127, 1000, 40_001] {
                check_bytes_to_bytes(codec.as_ref(), &noise(n_elements * element_size));
                check_bytes_to_bytes(codec.as_ref(), &smooth(n_elements * element_size));
            }
        }
    }
}

/// Checks a built-in array-to-array codec that loses something: what it has decoded once it loses nothing of.
///
/// # Panics
/// When the codec does what it must not.
pub fn check_lossy_codec(name: &str, configuration: Value, spec: &ChunkSpec) {
    let codec = CodecRegistry::default().build(&CodecConfig::of(name, configuration));
    let Codec::ArrayToArray(codec) = codec.expect("the codec can be built") else {
        unreachable!("{name} is no codec of arrays")
    };
    let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
    codec
        .encode(&chunk(spec).elements, spec, &mut encoded)
        .expect("the chunk can be encoded");
    codec
        .decode(&encoded, spec, &mut decoded)
        .expect("what was encoded can be decoded");
    check_array_to_array(codec.as_ref(), spec, &decoded);
    check_on_bytes(codec.as_ref(), spec, &decoded);
}

/// Checks the form that a codec of arrays has behind bytes, if it has one: it makes the same.
fn check_on_bytes(codec: &dyn ArrayToArray, spec: &ChunkSpec, elements: &[u8]) {
    let given = StoredType::native(spec.data_type.clone());
    let Some(form) = codec.on_bytes(&given) else {
        return;
    };
    let viewed = codec.viewed_as().unwrap_or(&given).clone();
    let (mut bytes, mut expected) = (elements.to_vec(), Vec::new());
    viewed.data_type.reorder(&mut bytes, viewed.byte_order);
    codec
        .encode(elements, spec, &mut expected)
        .expect("the chunk can be encoded");
    let stored = codec.stored_as(&given);
    stored.data_type.reorder(&mut expected, stored.byte_order);
    let mut encoded = Vec::new();
    form.encode(&bytes, &mut encoded).expect("bytes can be encoded");
    assert!(
        encoded == expected,
        "bytes encode to something else than elements"
    );
    check_bytes_to_bytes(form.as_ref(), &bytes);
}

/// Bytes without any order, the same at every call.
pub fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..size).map(next).collect()
}

/// Bytes that any codec makes fewer.
pub fn smooth(size: usize) -> Vec<u8> {
    (0..size)
        .map(|index| if index % 4 == 0 { (index / 64) as u8 } else { 0 })
        .collect()
}

fn check_bytes_to_bytes(codec: &dyn BytesToBytes, decoded: &[u8]) {
    const BEFORE: &[u8] = b"before";
    let size = decoded.len();
    let mut out = BEFORE.to_vec();
    codec.encode(decoded, &mut out).expect("bytes can be encoded");
    let encoded = out
        .strip_prefix(BEFORE)
        .expect("encoding adds to the end of its output");
    let (got, max) = (encoded.len(), codec.encoded_size_max(size));
    assert!(got <= max, "{size} bytes encode to {got}, {max} were the most");
    if let Some(exact) = codec.encoded_size(size) {
        assert_eq!(got, exact, "{size} bytes encode to another size than announced");
    }

    for room in [size, size + 1, size * 2 + 1000] {
        let mut out = vec![0xAA; room];
        let got = codec.decode(encoded, &mut out);
        let got = got.expect("what was encoded can be decoded");
        assert!(
            got == size && out[..size] == *decoded,
            "{size} bytes did not come back"
        );
    }
    for part in [
        0..size,
        0..size / 2,
        size / 3..size / 2,
        size / 2..size,
        size..size,
    ] {
        let mut out = vec![0xAA; size];
        let got = codec.decode_part(encoded, part.clone(), &mut out);
        let got = got.expect("a part of what was encoded can be decoded");
        assert!(
            got == size && out[part.clone()] == decoded[part.clone()],
            "bytes {part:?} of {size} did not come back"
        );
    }
    if size > 0 {
        let result = codec.decode(encoded, &mut vec![0; size - 1]);
        assert!(
            matches!(result, Err(CodecError::TooLarge { .. })),
            "with one byte too little room for {size}: {result:?}"
        );
    }
    if encoded.len() <= HOSTILE_SIZE_MAX {
        check_damage(codec, decoded, encoded);
    }
}

/// Cuts the encoded bytes at every length and flips every bit.
fn check_damage(codec: &dyn BytesToBytes, decoded: &[u8], encoded: &[u8]) {
    let mut out = vec![0; decoded.len() + 64];
    each_damage(encoded, |damaged, damage| {
        // Whatever becomes of a part, it is no panic and stays within the output.
        let _ = codec.decode_part(damaged, decoded.len() / 3..decoded.len() / 2, &mut out);
        let Ok(size) = codec.decode(damaged, &mut out) else {
            return;
        };
        assert!(size <= out.len(), "{size} bytes were decoded into {}", out.len());
        let is_whole = size == decoded.len() && out[..size] == *decoded;
        match damage {
            // Some codecs make nothing of no bytes.
            Damage::Cut(0) => assert_eq!(size, 0, "no bytes decode to some"),
            Damage::Cut(length) => assert!(
                size != decoded.len(),
                "cut from {} to {length} bytes, it decodes",
                encoded.len()
            ),
            Damage::Flipped(bit) => {
                assert!(
                    is_whole || !codec.is_checksum(),
                    "the checksum misses that bit {bit} is flipped"
                );
            }
        }
    });
}

/// What was done to encoded bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Only so many bytes are left.
    Cut(usize),
    /// The bit of this index, counted from the lowest of the first byte, is another.
    Flipped(usize),
}

/// Hands out the bytes cut at every length, and with every single bit flipped.
pub fn each_damage(encoded: &[u8], mut check: impl FnMut(&[u8], Damage)) {
    for length in 0..encoded.len() {
        check(&encoded[..length], Damage::Cut(length));
    }
    let mut damaged = encoded.to_vec();
    for bit in 0..encoded.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        check(&damaged, Damage::Flipped(bit));
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
}

fn check_array_to_bytes(codec: &dyn ArrayToBytes, spec: &ChunkSpec) {
    let chunk = chunk(spec);
    let mut encoded = Vec::new();
    codec
        .encode(chunk.as_ref(), spec, &mut encoded)
        .expect("the chunk can be encoded");
    let announced = codec.encoded_size(spec).expect("the codec takes such a chunk");
    if let Some(size) = announced {
        assert_eq!(
            encoded.len(),
            size,
            "the chunk encodes to another size than announced"
        );
    }
    let mut decoded = ChunkBuffer::default();
    codec
        .decode(&encoded, spec, &mut decoded)
        .expect("what was encoded can be decoded");
    assert!(
        is_same(chunk.as_ref(), decoded.as_ref(), spec),
        "the chunk did not come back"
    );

    let mut result = ChunkBuffer::default();
    each_damage(&encoded, |damaged, damage| {
        result.clear();
        let is_ok = codec.decode(damaged, spec, &mut result).is_ok();
        let is_whole = is_ok && result.elements.len() == chunk.elements.len();
        if let Damage::Cut(length) = damage {
            assert!(
                !is_whole,
                "cut from {} to {length} bytes, it decodes",
                encoded.len()
            );
        } else if is_ok {
            assert!(is_whole, "it decodes to another size after {damage:?}");
        }
        if is_ok && spec.data_type.is_variable() {
            // Slots that point out of the heap would panic here.
            assert_eq!(result.as_ref().items().count() as u64, n_elements(spec));
        }
    });
}

fn check_array_to_array(codec: &dyn ArrayToArray, spec: &ChunkSpec, elements: &[u8]) {
    let encoded_spec = codec.encoded_spec(spec).expect("the codec takes such a chunk");
    let (mut encoded, mut decoded) = (Vec::new(), Vec::new());
    codec
        .encode(elements, spec, &mut encoded)
        .expect("the chunk can be encoded");
    assert_eq!(
        Some(encoded.len()),
        encoded_spec.size(),
        "the chunk encodes to another size than announced"
    );
    codec
        .decode(&encoded, spec, &mut decoded)
        .expect("what was encoded can be decoded");
    assert!(decoded == elements, "the chunk did not come back");
    for length in 0..encoded.len() {
        decoded.clear();
        let is_ok = codec.decode(&encoded[..length], spec, &mut decoded).is_ok();
        assert!(
            !is_ok || decoded.len() != elements.len(),
            "cut to {length} bytes, it decodes"
        );
    }
}

/// A chunk with something in it.
fn chunk(spec: &ChunkSpec) -> ChunkBuffer {
    let mut chunk = ChunkBuffer::default();
    if spec.data_type.is_variable() {
        for index in 0..n_elements(spec) as usize {
            chunk.push_item(&item(&spec.data_type, index));
        }
    } else {
        chunk.elements = noise(spec.size().expect("the data type is known"));
        if spec.data_type == DataType::Bool {
            chunk.elements.iter_mut().for_each(|byte| *byte &= 1);
        }
    }
    chunk
}

/// Some item of variable size, the first being empty.
fn item(data_type: &DataType, index: usize) -> Vec<u8> {
    const ITEMS: [&str; 4] = ["", "a", "Ωmega", "a text that is a little longer than others"];
    match data_type {
        DataType::Object => {
            let text: Object = ITEMS[index % 4].into();
            let values = [
                Object::Null,
                true.into(),
                (index as i64 - 3).into(),
                (-0.5).into(),
                text.clone(),
                vec![text.clone(), Object::Null].into(),
                Object::Map(vec![(text, f64::INFINITY.into())]),
            ];
            values[index % values.len()].to_item()
        }
        DataType::VlenArray(inner) => noise(inner.size().unwrap_or(1) * (index % 4)),
        _ => ITEMS[index % 4].as_bytes().to_vec(),
    }
}

fn is_same(one: ChunkRef<'_>, other: ChunkRef<'_>, spec: &ChunkSpec) -> bool {
    if spec.data_type.is_variable() {
        return one.items().eq(other.items());
    }
    one.elements == other.elements
}

fn n_elements(spec: &ChunkSpec) -> u64 {
    spec.n_elements().expect("the chunk is small")
}
