//! The codecs of an array of shards, taken apart and put together.

use serde_json::{Value, json};
use zarr_codecs::{CodecConfig, CodecError, array_to_bytes::sharding_indexed::NAME};

/// What stands in the configuration of the codec `sharding_indexed`, where it is the only one of an array.
#[derive(Debug, Clone, PartialEq)]
pub struct ShardCodecs {
    /// The number of elements of an inner chunk in each dimension.
    pub chunk_shape: Vec<u64>,
    /// The codecs of inner chunks, in the order in which they encode.
    pub codecs: Vec<CodecConfig>,
    /// The codecs of the index, in the V3 form.
    pub index_codecs: Value,
    /// Where the index is: `start` or `end`.
    pub index_location: String,
}

impl ShardCodecs {
    /// Inner chunks in shards as zarr-python 3 makes them: the index at the end, with a checksum.
    pub fn new(chunk_shape: Vec<u64>, codecs: Vec<CodecConfig>) -> Self {
        Self {
            chunk_shape,
            codecs,
            index_codecs: json!([
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
            ]),
            index_location: "end".to_owned(),
        }
    }

    /// Takes the codecs of an array apart; `None` if they do not make shards, or other codecs stand around that one.
    pub fn of(codecs: &[CodecConfig]) -> Option<Self> {
        let [only] = codecs else { return None };
        let member = |name: &str| only.configuration.get(name);
        if only.name != NAME {
            return None;
        }
        let lengths = member("chunk_shape")?.as_array()?;
        let codecs = member("codecs")?.as_array()?;
        Some(Self {
            chunk_shape: lengths.iter().map(Value::as_u64).collect::<Option<_>>()?,
            codecs: codecs
                .iter()
                .cloned()
                .map(CodecConfig::from_json)
                .collect::<Result<_, CodecError>>()
                .ok()?,
            index_codecs: member("index_codecs")?.clone(),
            index_location: match member("index_location") {
                None => "end".to_owned(),
                Some(location) => location.as_str()?.to_owned(),
            },
        })
    }

    /// The codec that makes the shards.
    pub fn to_codec(&self) -> CodecConfig {
        let codecs: Vec<_> = self.codecs.iter().map(CodecConfig::to_json).collect();
        let configuration = json!({
            "chunk_shape": self.chunk_shape,
            "codecs": codecs,
            "index_codecs": self.index_codecs,
            "index_location": self.index_location,
        });
        CodecConfig::of(NAME, configuration)
    }
}
