//! `sharding_indexed`: a chunk as smaller chunks and an index (Zarr V3 specification, *sharding codec*, 1.0).
//!
//! Whoever reads or writes an array of shards does it inner chunk by inner chunk, with what [`Sharding::shard`]
//! tells; the codec's own `encode` and `decode` are for shards that other codecs stand around.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec, CodecChain, CodecConfig, CodecEntry, CodecError,
    CodecKind, CodecRegistry, Configuration, DataType, FillValue, IndexLocation, Limits, Result, Scratch,
    Shard, ShardIndex, Slot, strided::c_strides,
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
}

/// Where in a shard the elements of an inner chunk begin, in bytes, for all inner chunks in C order.
fn origins<'a>(shard: &'a Shard, strides: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    (0..shard.n_chunks()).map(|number| {
        let (mut number, mut origin) = (number as u64, 0);
        let shape = &shard.inner.spec().shape;
        for axis in (0..shape.len()).rev() {
            let count = shard.grid_shape[axis];
            origin += (number % count * shape[axis]) as usize * strides[axis];
            number /= count;
        }
        origin
    })
}

impl ArrayToBytes for Sharding {
    fn encoded_size(&self, spec: &ChunkSpec) -> Result<Option<usize>> {
        self.shard(spec, &Limits::DEFAULT).map(|_| None)
    }

    /// Inner chunks that hold nothing but the fill value are left out.
    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let shard = self.shard(spec, &Limits::DEFAULT)?;
        let strides = c_strides(&spec.shape, spec.data_type.size().unwrap_or(0));
        let mut index = ShardIndex::empty(shard.n_chunks());
        let (mut scratch, mut inner) = (Scratch::default(), vec![0; shard.inner.decoded_size()]);
        let start = out.len();
        if self.location == IndexLocation::Start {
            out.resize(start + shard.index_size, 0);
        }
        for (number, origin) in origins(&shard, &strides).enumerate() {
            shard
                .inner
                .lay_out(&chunk.elements[origin..], &strides, &mut inner);
            let elements = ChunkRef {
                elements: &inner,
                heap: chunk.heap,
            };
            if shard.inner.is_fill(elements) {
                continue;
            }
            let encoded = shard.inner.encode(elements, &mut scratch)?;
            let at = (out.len() - start) as u64;
            index.set(number, at..at + encoded.len() as u64);
            out.extend_from_slice(encoded);
        }
        let encoded = shard.encode_index(&index, &mut scratch)?;
        match self.location {
            IndexLocation::Start => out[start..start + shard.index_size].copy_from_slice(encoded),
            IndexLocation::End => out.extend_from_slice(encoded),
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let shard = self.shard(spec, &Limits::DEFAULT)?;
        let mut scratch = Scratch::default();
        let bytes = match self.location {
            IndexLocation::Start => encoded.get(..shard.index_size),
            IndexLocation::End => encoded
                .len()
                .checked_sub(shard.index_size)
                .map(|start| &encoded[start..]),
        };
        let index = shard.decode_index(bytes.unwrap_or_default(), encoded.len() as u64, &mut scratch)?;
        let item_size = spec.data_type.size().unwrap_or(0);
        let strides = c_strides(&spec.shape, item_size);
        let size = spec
            .size()
            .ok_or_else(|| CodecError::value("chunk", "its size is not known"))?;
        let start = out.elements.len();
        out.elements
            .try_reserve(size)
            .map_err(|_| CodecError::value("memory", format!("no room for a shard of {size} bytes")))?;
        let fill = spec.fill_value.as_bytes();
        if spec.data_type.is_variable() {
            let slot = Slot {
                offset: out.heap.len() as u64,
                length: fill.len() as u64,
            };
            out.heap.extend_from_slice(fill);
            out.elements
                .extend(slot.to_bytes().iter().cycle().take(size).copied());
        } else {
            out.elements.extend(fill.iter().cycle().take(size).copied());
        }
        let mut slots = Vec::new();
        for (number, origin) in origins(&shard, &strides).enumerate() {
            let Some(range) = index.get(number) else { continue };
            let bytes = &encoded[range.start as usize..range.end as usize];
            let mut decoded = shard.inner.decode(bytes, &mut scratch)?;
            if spec.data_type.is_variable() {
                slots.clear();
                slots.extend_from_slice(decoded.elements);
                Slot::shift(&mut slots, out.heap.len() as u64);
                out.heap.extend_from_slice(decoded.heap);
                decoded.elements = &slots;
            }
            shard
                .inner
                .take_out(decoded.elements, &mut out.elements[start + origin..], &strides);
        }
        Ok(())
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
    use crate::testing::{check_codec, spec};

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
