//! The filters of numcodecs that give arrays of a type of their own.

use serde_json::Value;
use zarr_convenience::core::{
    ArrayData,
    codecs::{ByteOrder, ChunkBuffer, Codec, CodecConfig, CodecError, CodecRegistry, DataType, StoredType},
};

use super::{
    outcome::{Failure, Outcome},
    values,
};

/// Their ids.
const FILTERS: [&str; 7] = [
    "delta",
    "fixedscaleoffset",
    "quantize",
    "bitround",
    "packbits",
    "astype",
    "categorize",
];

/// The configuration as the codec gives it: types spelled in one way, and all of them.
pub(super) fn complete(config: &Value) -> Value {
    let registry = CodecRegistry::default();
    let Some(id) = config["id"].as_str().filter(|id| FILTERS.contains(id)) else {
        return config.clone();
    };
    let (Ok((_, v2)), Some(members)) = (registry.find_v2(id), config.as_object()) else {
        return config.clone();
    };
    (v2.to_v2)(members).into()
}

/// Decodes what a filter made of an array, into an array of the filter's type.
pub(super) fn decode(config: &CodecConfig, encoded: &[u8]) -> Result<Outcome, CodecError> {
    const SIZE_MAX: usize = 1 << 24;
    let bytes = StoredType::bytes();
    let (codec, stored) = match CodecRegistry::default().build(config)? {
        Codec::ArrayToArray(codec) => (
            codec.on_bytes(&bytes),
            codec.viewed_as().cloned().unwrap_or(bytes),
        ),
        _ => (None, bytes),
    };
    let codec = codec.ok_or_else(|| CodecError::mismatch(&config.name, "takes no bytes"))?;
    let mut out = vec![0; SIZE_MAX];
    let size = codec.decode(encoded, &mut out)?;
    out.truncate(size);
    stored.data_type.reorder(&mut out, stored.byte_order);
    let data = ArrayData {
        shape: vec![(size / stored.data_type.size().unwrap_or(1)) as u64],
        data_type: stored.data_type,
        buffer: ChunkBuffer {
            elements: out,
            heap: Vec::new(),
        },
    };
    Ok(values::array_json(&data, stored.byte_order))
}

/// How many labels were encoded, and the type of their texts.
pub(super) fn labels(config: &Value, encoded: &[u8]) -> (DataType, ByteOrder, u64) {
    let stored = |name: &str| StoredType::from_numpy(config[name].as_str().unwrap_or_default());
    let size = stored("astype").ok().and_then(|codes| codes.data_type.size());
    let count = (encoded.len() / size.unwrap_or(1).max(1)) as u64;
    match stored("dtype") {
        Ok(texts) if matches!(texts.data_type, DataType::FixedUtf32(_)) => {
            (texts.data_type, texts.byte_order, count)
        }
        _ => (DataType::String, ByteOrder::NATIVE, count),
    }
}

/// Calls an error of a filter what numcodecs would; `None` for errors of Python and `NumPy` themselves.
pub(super) fn phrase(codec: &str, reason: &str) -> Option<Failure> {
    let class = match (codec, reason) {
        ("categorize", reason) if reason.contains("object") => "TypeError",
        ("bitround", reason) if reason.starts_with("Only float arrays") => "TypeError",
        ("bitround", reason) if reason.to_lowercase().starts_with("keepbits ") => "ValueError",
        ("quantize", "only floating point data types are supported")
        | ("delta" | "fixedscaleoffset", "object arrays are not supported") => "ValueError",
        _ => return None,
    };
    Some(Failure::new(class, reason))
}
