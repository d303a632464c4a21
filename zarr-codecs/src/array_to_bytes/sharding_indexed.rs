//! `sharding_indexed`: a chunk as smaller chunks and an index (Zarr V3 specification, *sharding codec*, 1.0).
//!
//! Whoever reads or writes an array of shards does it inner chunk by inner chunk, with what [`Sharding::shard`]
//! tells; `whole_shard.rs` is for shards that other codecs stand around.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecChain, CodecConfig, CodecEntry, CodecError,
    CodecKind, CodecRegistry, Configuration, DataType, FillValue, IndexLocation, Limits, Result, Shard,
    array_to_bytes::whole_shard::WholeShard,
};

/// The name of the codec.
pub const NAME: &str = "sharding_indexed";
/// How deep shards may be nested.
const DEPTH_MAX: usize = 8;
/// The most inner chunks that a shard may have.
const CHUNKS_MAX: u64 = 1 << 24;

/// The codec.
#[derive(Debug)]
pub struct Sharding {
    chunk_shape: Vec<u64>,
    inner: CodecChain,
    index: CodecChain,
    location: IndexLocation,
    /// 1 where inner chunks are no shards.
    depth: usize,
}

fn build(configuration: &Map<String, Value>, registry: &CodecRegistry) -> Result<Codec> {
    let known = ["chunk_shape", "codecs", "index_codecs", "index_location"];
    let configuration = Configuration::new(NAME, configuration, &known)?;
    let lengths = configuration.get("chunk_shape").and_then(Value::as_array);
    let chunk_shape: Option<Vec<_>> = lengths.and_then(|lengths| {
        let length = |length: &Value| length.as_u64().filter(|length| *length > 0);
        lengths.iter().map(length).collect()
    });
    let chunk_shape = chunk_shape
        .ok_or_else(|| configuration.error("chunk_shape", "must be a list of positive integers"))?;
    let chain = |member: &str| {
        let list = configuration.get(member).and_then(Value::as_array);
        let list = list.ok_or_else(|| configuration.error(member, "must be a list of codecs"))?;
        let configs: Vec<_> = list
            .iter()
            .cloned()
            .map(CodecConfig::from_json)
            .collect::<Result<_>>()?;
        CodecChain::new(&configs, registry, &Limits::DEFAULT)
            .map_err(|error| configuration.error(member, &error.to_string()))
    };
    let inner = chain("codecs")?;
    let depth = inner.sharding().map_or(0, |nested| nested.depth) + 1;
    if depth > DEPTH_MAX {
        return Err(configuration.error("codecs", &format!("nest shards deeper than {DEPTH_MAX}")));
    }
    let location = match configuration.text("index_location", Some("end"))? {
        "start" => IndexLocation::Start,
        "end" => IndexLocation::End,
        _ => return Err(configuration.error("index_location", "must be `start` or `end`")),
    };
    Ok(Codec::ArrayToBytes(Arc::new(Sharding {
        chunk_shape,
        inner,
        index: chain("index_codecs")?,
        location,
        depth,
    })))
}

impl Sharding {
    /// Works out what a shard of this shape and type holds.
    ///
    /// # Errors
    /// `Mismatch` when inner chunks do not divide it, are too many, or have an index that is not always of one
    /// size; those of [`CodecChain::for_chunk`].
    pub fn shard(&self, spec: &ChunkSpec, limits: &Limits) -> Result<Shard> {
        let mismatch = |reason: String| CodecError::mismatch(NAME, reason);
        let is_divided = self.chunk_shape.len() == spec.shape.len()
            && spec
                .shape
                .iter()
                .zip(&self.chunk_shape)
                .all(|(shard, chunk)| shard % chunk == 0);
        if !is_divided {
            let reason = format!(
                "inner chunks of {:?} do not divide a shard of {:?}",
                self.chunk_shape, spec.shape
            );
            return Err(mismatch(reason));
        }
        let grid_shape: Vec<_> = spec
            .shape
            .iter()
            .zip(&self.chunk_shape)
            .map(|(shard, chunk)| shard / chunk)
            .collect();
        let n_chunks = grid_shape
            .iter()
            .try_fold(1_u64, |product, count| product.checked_mul(*count))
            .filter(|count| *count <= CHUNKS_MAX);
        if n_chunks.is_none() {
            let reason = format!("{grid_shape:?} inner chunks, limit {CHUNKS_MAX}");
            return Err(mismatch(reason));
        }
        let inner = ChunkSpec {
            shape: self.chunk_shape.clone(),
            ..spec.clone()
        };
        let index = ChunkSpec {
            shape: grid_shape.iter().copied().chain([2]).collect(),
            data_type: DataType::UInt64,
            fill_value: FillValue::new(u64::MAX.to_ne_bytes().to_vec()),
        };
        let index = self.index.for_chunk(index, limits)?;
        let index_size = index.encoded_size().ok_or_else(|| {
            mismatch("`index_codecs` must make an index of one size, whatever it says".into())
        })?;
        Ok(Shard {
            grid_shape,
            inner: self.inner.for_chunk(inner, limits)?,
            index,
            index_size,
            location: self.location,
        })
    }

    /// The codec of shards of one shape, where nobody says what they may ask for.
    fn whole(&self, spec: &ChunkSpec) -> Result<WholeShard> {
        let limits = Limits::DEFAULT;
        let shard = self.shard(spec, &limits)?;
        Ok(WholeShard::new(Arc::new(shard), limits.chunk_size_max))
    }
}

impl ArrayToBytes for Sharding {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        self.shard(spec, &Limits::DEFAULT).map(|_| None)
    }

    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        self.whole(spec)?.encode(chunk, spec, out)
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        self.whole(spec)?.decode(encoded, spec, out)
    }

    fn sharding(&self) -> Option<&Sharding> {
        Some(self)
    }
}

/// How the registry knows the codec.
pub const ENTRY: CodecEntry = CodecEntry {
    name: NAME,
    aliases: &[],
    v2: None,
    kind: CodecKind::ArrayToBytes,
    doc: "a chunk as smaller chunks, each of which can be read alone",
    feature: None,
    build,
};

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        Scratch,
        testing::{check_codec, spec},
    };

    fn plain(chunk_shape: &[u64], codecs: &Value, location: &str) -> Value {
        json!({
            "chunk_shape": chunk_shape,
            "codecs": codecs,
            "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
            "index_location": location,
        })
    }

    fn bytes() -> Value {
        json!([{"name": "bytes", "configuration": {"endian": "little"}}])
    }

    fn refusal(configuration: &Value, shape: &[u64]) -> String {
        let build = || {
            let codec = build(configuration.as_object().unwrap(), &CodecRegistry::default())?;
            let Codec::ArrayToBytes(codec) = codec else {
                unreachable!("the codec makes bytes of an array")
            };
            codec.encoded_size(&spec(shape, DataType::Int16))
        };
        build().unwrap_err().to_string()
    }

    #[test]
    fn shards_come_back() {
        for location in ["start", "end"] {
            let bytes = plain(&[2, 3], &bytes(), location);
            check_codec(NAME, bytes.clone(), &spec(&[4, 6], DataType::Int16));
            let nested = plain(
                &[4, 3],
                &json!([{"name": NAME, "configuration": bytes}]),
                location,
            );
            check_codec(NAME, nested, &spec(&[4, 6], DataType::Float32));
            let texts = plain(&[2], &json!([{"name": "vlen-utf8"}]), location);
            check_codec(NAME, texts, &spec(&[6], DataType::String));
        }
    }

    #[test]
    fn any_index_of_one_size_will_do() {
        let mut configuration = plain(
            &[2, 3],
            &json!([{"name": "transpose", "configuration": {"order": [1, 0]}},
                    {"name": "bytes", "configuration": {"endian": "big"}}]),
            "end",
        );
        configuration["index_codecs"] = json!([
            {"name": "transpose", "configuration": {"order": [2, 0, 1]}},
            {"name": "bytes", "configuration": {"endian": "big"}},
            {"name": "numcodecs.crc32"},
        ]);
        check_codec(NAME, configuration, &spec(&[4, 6], DataType::Int16));
    }

    /// The index is that of zarr-python 3.4.2 for these elements, of which one inner chunk is all fill value.
    #[test]
    fn the_index_is_where_the_specification_has_it() {
        let elements: Vec<u8> = [1, 2, 0, 0].into();
        let configuration = plain(&[2], &json!([{"name": "bytes"}]), "end");
        let codec = build(configuration.as_object().unwrap(), &CodecRegistry::default());
        let Ok(Codec::ArrayToBytes(codec)) = codec else {
            unreachable!("the codec makes bytes of an array")
        };
        let chunk = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        let mut encoded = Vec::new();
        codec
            .encode(chunk, &spec(&[4], DataType::UInt8), &mut encoded)
            .unwrap();
        let mut expected = vec![1, 2];
        expected.extend([0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend([255; 16]);
        assert_eq!(encoded[..34], expected);
        assert_eq!(encoded[34..], crc32c::crc32c(&expected[2..]).to_le_bytes());
    }

    #[test]
    fn shards_that_cannot_be_are_refused() {
        let good = plain(&[2, 3], &bytes(), "end");
        assert!(refusal(&good, &[4, 7]).contains("do not divide"));
        assert!(refusal(&good, &[4]).contains("do not divide"));
        assert!(refusal(&good, &[1 << 20, 3 << 20]).contains("limit"));
        for (member, value) in [
            ("chunk_shape", json!([2, 0])),
            ("chunk_shape", json!([2, true])),
            ("codecs", json!([])),
            ("codecs", json!([{"name": "gzip", "configuration": {"level": 1}}])),
            ("index_codecs", Value::Null),
            ("index_location", json!("middle")),
            ("padding", json!(0)),
        ] {
            let mut wrong = good.clone();
            wrong[member] = value;
            assert!(
                refusal(&wrong, &[4, 6]).contains(&format!("`{member}`")),
                "{member}"
            );
        }
        let mut wrong = good.clone();
        wrong["index_codecs"] = json!([{"name": "bytes", "configuration": {"endian": "little"}},
                                       {"name": "gzip", "configuration": {"level": 1}}]);
        assert!(refusal(&wrong, &[4, 6]).contains("`index_codecs`"));
        let nested = |depth| {
            (0..depth).fold(good.clone(), |inner, _| {
                plain(&[2, 3], &json!([{"name": NAME, "configuration": inner}]), "end")
            })
        };
        assert!(refusal(&nested(DEPTH_MAX), &[4, 6]).contains("deeper"));
        assert!(
            build(
                nested(DEPTH_MAX - 1).as_object().unwrap(),
                &CodecRegistry::default()
            )
            .is_ok()
        );
    }

    /// A codec around the shard, so that it is decoded as a whole.
    fn surrounded(configuration: &Value) -> CodecChain {
        let transpose = CodecConfig::of("transpose", json!({"order": [0]}));
        let chain = [transpose, CodecConfig::of(NAME, configuration.clone())];
        CodecChain::new(&chain, &CodecRegistry::default(), &Limits::DEFAULT).unwrap()
    }

    #[test]
    fn a_shard_within_other_codecs_has_the_limits_of_its_reader() {
        let chain = surrounded(&plain(&[1], &json!([{"name": "bytes"}]), "end"));
        let spec = spec(&[100], DataType::UInt8);
        let error = |size| {
            let limits = Limits {
                chunk_size_max: size,
                ..Limits::DEFAULT
            };
            chain
                .for_chunk(spec.clone(), &limits)
                .err()
                .map(|error| error.to_string())
        };
        // The index has 16 bytes for each of 100 chunks, and a checksum.
        assert_eq!(error(1604), None);
        assert!(error(1603).unwrap().contains("more than 1603 bytes"));
        assert!(error(1599).unwrap().contains("limit 1599"));
    }

    /// Entries may share bytes, and then a small shard decodes to much.
    #[test]
    fn items_of_a_whole_shard_have_a_limit() {
        let mut configuration = plain(&[1], &json!([{"name": "vlen-utf8"}]), "end");
        configuration["index_codecs"] = bytes();
        let text = "x".repeat(300);
        let mut encoded = [&1_u32.to_le_bytes()[..], &300_u32.to_le_bytes(), text.as_bytes()].concat();
        let entry = [0, encoded.len() as u64].map(u64::to_le_bytes).concat();
        encoded.extend(entry.repeat(4));
        let decode = |chunk_size_max: u64| {
            let limits = Limits {
                chunk_size_max,
                ..Limits::DEFAULT
            };
            let spec = spec(&[4], DataType::String);
            let codec = surrounded(&configuration).for_chunk(spec, &limits).unwrap();
            let mut scratch = Scratch::default();
            codec.decode(&encoded, &mut scratch).map(|chunk| {
                assert!(chunk.items().all(|item| item == text.as_bytes()));
                chunk.slots().map(|slot| slot.length).sum::<u64>()
            })
        };
        assert_eq!(decode(1200).unwrap(), 1200);
        let error = decode(1199).unwrap_err().to_string();
        assert!(error.contains("more than 1199 bytes"), "{error}");
    }

    #[test]
    fn entries_of_the_index_are_checked() {
        let configuration = plain(&[1], &json!([{"name": "bytes"}]), "end");
        let chain = CodecConfig::of(NAME, configuration);
        let chain = CodecChain::new(&[chain], &CodecRegistry::default(), &Limits::DEFAULT).unwrap();
        let codec = chain
            .for_chunk(spec(&[2], DataType::UInt8), &Limits::DEFAULT)
            .unwrap();
        let shard = codec.shard().unwrap();
        let size = 2 + shard.index_size() as u64;
        let mut scratch = Scratch::default();
        for (entry, reason) in [
            ([0, 2], None),
            ([u64::MAX, u64::MAX], None),
            ([0, u64::MAX], Some("missing by half")),
            ([u64::MAX, 1], Some("missing by half")),
            ([u64::MAX - 1, 2], Some("behind the largest number")),
            ([1, 2], Some("does not lie within 0..2")),
            ([2, 1], Some("does not lie within 0..2")),
        ] {
            let mut encoded: Vec<u8> = [0, 1]
                .into_iter()
                .chain(entry)
                .flat_map(u64::to_le_bytes)
                .collect();
            encoded.extend(crc32c::crc32c(&encoded).to_le_bytes());
            let decoded = shard.decode_index(&encoded, size, &mut scratch);
            match reason {
                None => assert_eq!(decoded.unwrap().get(1).is_none(), entry[0] == u64::MAX),
                Some(reason) => {
                    let error = decoded.unwrap_err().to_string();
                    assert!(
                        error.contains("index entry 1") && error.contains(reason),
                        "{error}"
                    );
                }
            }
            encoded[0] ^= 1;
            assert!(shard.decode_index(&encoded, size, &mut scratch).is_err());
        }
        assert!(shard.decode_index(&[], 0, &mut scratch).is_err());
    }
}
