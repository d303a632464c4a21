//! The codecs of an array, in their three parts, and what they mean for a chunk.
//!
//! A [`CodecChain`] cannot be wrong by construction: array-to-array codecs, one array-to-bytes codec,
//! bytes-to-bytes codecs.
//! [`CodecChain::for_chunk`] works out once per chunk shape what every stage takes and gives, so that
//! decoding a chunk looks nothing up and allocates nothing but what its buffers lack.
//!
//! ```text
//! caller's elements --copy--> transposed, bytes swapped --b2b codecs--> encoded     (direct)
//! caller's elements --copy--> transposed --a2a codecs--> --a2b codec--> --b2b--> encoded
//! ```
//!
//! The copy is the caller's strided copy between its array and the chunk; [`Layout`] tells it which
//! transposition and byte swap it can do on the way, so that neither costs a pass of its own.

use std::{mem, ops::Range, sync::Arc};

use crate::{
    ArrayToArray, ArrayToBytes, ByteOrder, BytesToBytes, ChunkBuffer, ChunkRef, ChunkSpec, Codec,
    CodecConfig, CodecError, CodecRegistry, DataType, Limits, Result, Shard, StoredType,
    array_to_bytes::{sharding_indexed::Sharding, whole_shard::WholeShard},
    on_bytes::on_bytes,
};

/// The codecs of an array.
#[derive(Debug, Clone)]
pub struct CodecChain {
    array_to_array: Vec<Arc<dyn ArrayToArray>>,
    array_to_bytes: Arc<dyn ArrayToBytes>,
    /// Of bytes to bytes, or in the chain of a V2 array of any kind.
    on_bytes: Vec<Codec>,
}

impl CodecChain {
    /// Builds the codecs of a list, in the order in which they encode.
    ///
    /// One that is not known and need not be understood is left out, as the specification has it.
    ///
    /// # Errors
    /// When a codec cannot be built, when there are more than `limits` allow, and when the kinds are not in
    /// their order: array to array, exactly one array to bytes, bytes to bytes.
    pub fn new(configs: &[CodecConfig], registry: &CodecRegistry, limits: &Limits) -> Result<Self> {
        let chain = Self::with_filters(configs, registry, limits)?;
        let used: Vec<_> = configs
            .iter()
            .filter(|config| !registry.ignores(config))
            .collect();
        let first = used.len() - chain.on_bytes.len();
        for (config, codec) in used[first..].iter().zip(&chain.on_bytes) {
            let reason = match codec {
                Codec::ArrayToArray(_) => "takes an array, the codec before it makes bytes",
                Codec::ArrayToBytes(_) => "makes bytes of an array, as a codec before it does",
                Codec::BytesToBytes(_) => continue,
            };
            return Err(CodecError::mismatch(config.name.as_str(), reason));
        }
        Ok(chain)
    }

    /// Builds the codecs of a Zarr V2 array, whose filters may stand in any order.
    ///
    /// Behind the codec that makes bytes, any other takes them for elements: of its own type if it has one, of
    /// the type that they are known to be of if it has none.
    ///
    /// # Errors
    /// As for [`CodecChain::new`], but for the order behind the codec that makes bytes.
    pub fn with_filters(configs: &[CodecConfig], registry: &CodecRegistry, limits: &Limits) -> Result<Self> {
        if configs.len() > limits.codecs_max {
            let reason = format!("{} codecs, limit {}", configs.len(), limits.codecs_max);
            return Err(CodecError::value("codecs", reason));
        }
        let (mut array_to_array, mut array_to_bytes, mut on_bytes) = (Vec::new(), None, Vec::new());
        for config in configs.iter().filter(|config| !registry.ignores(config)) {
            match registry.build(config)? {
                codec if array_to_bytes.is_some() => on_bytes.push(codec),
                Codec::ArrayToArray(codec) => array_to_array.push(codec),
                Codec::ArrayToBytes(codec) => array_to_bytes = Some(codec),
                Codec::BytesToBytes(_) => {
                    let reason = "takes bytes, the codec before it makes none";
                    return Err(CodecError::mismatch(config.name.as_str(), reason));
                }
            }
        }
        let array_to_bytes = array_to_bytes
            .ok_or_else(|| CodecError::value("codecs", "none of them makes bytes of an array"))?;
        Ok(Self {
            array_to_array,
            array_to_bytes,
            on_bytes,
        })
    }

    /// Works out what the codecs do with a chunk of this shape and type.
    ///
    /// # Errors
    /// When a codec does not take what it would be given, and when the chunk is larger than the limit.
    pub fn for_chunk(&self, spec: ChunkSpec, limits: &Limits) -> Result<ChunkCodec> {
        let is_alone = self.sharding().is_some();
        let size_max = if is_alone {
            limits.shard_size_max
        } else {
            limits.chunk_size_max
        };
        let decoded_size = checked_size(&spec, size_max)?;
        let mut order: Vec<usize> = (0..spec.shape.len()).collect();
        let mut encoded_spec = spec.clone();
        let mut rest = Vec::new();
        for codec in &self.array_to_array {
            let next = codec.encoded_spec(&encoded_spec)?;
            checked_size(&next, limits.chunk_size_max)?;
            match codec.order(order.len()).filter(|_| rest.is_empty()) {
                Some(step) => order = step.iter().map(|&axis| order[axis]).collect(),
                None => rest.push((Arc::clone(codec), encoded_spec)),
            }
            encoded_spec = next;
        }
        let is_flat =
            self.array_to_bytes.tells_shape() && self.array_to_array.iter().any(|codec| codec.flattens());
        if is_flat {
            encoded_spec.shape = encoded_spec.n_elements().into_iter().collect();
        }
        let byte_order = self.array_to_bytes.byte_order();
        let swapped = byte_order.is_some_and(|order| encoded_spec.data_type.is_swapped(order));
        let swap_size = encoded_spec.data_type.swap_size();
        let direct = rest.is_empty() && byte_order.is_some() && (!swapped || swap_size.is_some());

        let shard = self.array_to_bytes.sharding();
        let shard = shard.map(|sharding| sharding.shard(&encoded_spec, limits));
        let shard = shard.transpose()?.map(Arc::new);
        let (array_to_bytes, exact): (Arc<dyn ArrayToBytes>, _) = match &shard {
            Some(shard) => (Arc::new(WholeShard::new(Arc::clone(shard), size_max)), None),
            None => (
                Arc::clone(&self.array_to_bytes),
                self.array_to_bytes.encoded_size(&encoded_spec)?,
            ),
        };
        let (bytes_to_bytes, size) = self.stages(&encoded_spec.data_type, exact, limits)?;
        let swap_size = swap_size.filter(|_| swapped && direct).unwrap_or(1);
        // Dimensions of a single element may stand anywhere: nothing is moved.
        let moved = order.iter().filter(|&&axis| spec.shape[axis] > 1);
        Ok(ChunkCodec {
            is_transposed: !is_flat && !moved.is_sorted(),
            layout: Layout { order, swap_size },
            decoded_size,
            direct,
            byte_order: byte_order.filter(|_| !rest.is_empty()),
            is_plain: byte_order.is_some() && !swapped,
            array_to_array: rest,
            array_to_bytes,
            bytes_to_bytes,
            encoded_size: size,
            spec,
            encoded_spec,
            chunk_size_max: size_max,
            shard: shard.filter(|_| is_alone),
        })
    }

    /// The codec that makes shards, if it is the only one, so that inner chunks can be read alone.
    pub(crate) fn sharding(&self) -> Option<&Sharding> {
        let is_alone = self.array_to_array.is_empty() && self.on_bytes.is_empty();
        self.array_to_bytes.sharding().filter(|_| is_alone)
    }

    /// The codecs behind the one that makes bytes, each with how much it is given; and what they make.
    fn stages(
        &self,
        data_type: &DataType,
        exact: Option<usize>,
        limits: &Limits,
    ) -> Result<(Stages, StageSize)> {
        let mut stored = self
            .array_to_bytes
            .stored_as(&StoredType::native(data_type.clone()));
        let mut size = StageSize { exact, max: exact };
        let mut stages = Vec::with_capacity(self.on_bytes.len());
        for codec in &self.on_bytes {
            let (codec, gives) = on_bytes(codec, &stored, size.exact)?;
            let given = size;
            size = StageSize {
                exact: given.exact.and_then(|size| codec.encoded_size(size)),
                max: given.max.map(|size| codec.encoded_size_max(size)),
            };
            // Elements may become larger ones, which must not make a chunk too large either.
            if size.exact > given.exact && size.exact.is_some_and(|size| size as u64 > limits.chunk_size_max)
            {
                let reason = format!("its codecs make more than {} bytes of it", limits.chunk_size_max);
                return Err(CodecError::value("chunk", reason));
            }
            stages.push((codec, given));
            stored = gives;
        }
        Ok((stages, size))
    }

    /// Whether a change of a bit in an encoded chunk is detected.
    pub fn has_checksum(&self) -> bool {
        let is_checksum = |codec: &Codec| matches!(codec, Codec::BytesToBytes(codec) if codec.is_checksum());
        self.on_bytes.iter().any(is_checksum)
    }
}

/// The size in bytes of a chunk in memory, within the limit.
fn checked_size(spec: &ChunkSpec, size_max: u64) -> Result<usize> {
    if spec.data_type.size().is_none() {
        return Err(CodecError::DataType {
            name: spec.data_type.to_string(),
        });
    }
    spec.data_type.check_size()?;
    let size = spec.size().filter(|size| *size as u64 <= size_max);
    size.ok_or_else(|| {
        let elements = spec
            .shape
            .iter()
            .map(u64::to_string)
            .collect::<Vec<_>>()
            .join(" x ");
        let reason = format!(
            "{elements} elements of {}, limit {} bytes",
            spec.data_type, size_max
        );
        CodecError::value("chunk", reason)
    })
}

/// Codecs of bytes, each with the size of what it encodes.
type Stages = Vec<(Arc<dyn BytesToBytes>, StageSize)>;

/// How many bytes a bytes-to-bytes codec gives back when it decodes.
#[derive(Debug, Clone, Copy)]
struct StageSize {
    exact: Option<usize>,
    max: Option<usize>,
}

/// How the elements of a chunk lie in memory before encoding and after decoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Dimension `i` in memory, from the slowest, is dimension `order[i]` of the chunk.
    pub order: Vec<usize>,
    /// The size in bytes of the numbers whose bytes lie in reverse; 1 where none do.
    pub swap_size: usize,
}

impl Layout {
    /// Whether elements lie in C order and native byte order.
    pub fn is_plain(&self) -> bool {
        self.swap_size == 1 && self.order.iter().enumerate().all(|(index, axis)| index == *axis)
    }
}

/// Buffers that are used again from chunk to chunk; one a thread.
#[derive(Debug, Default)]
pub struct Scratch {
    front: Vec<u8>,
    back: Vec<u8>,
    pub(crate) chunk: ChunkBuffer,
}

impl Scratch {
    /// The bytes of memory that are kept for the next chunk.
    pub const fn capacity(&self) -> usize {
        self.front.capacity()
            + self.back.capacity()
            + self.chunk.elements.capacity()
            + self.chunk.heap.capacity()
    }
}

/// A decoded chunk, in the [`Layout`] of its codec.
pub type DecodedChunk<'a> = ChunkRef<'a>;

/// The codecs of an array as they apply to chunks of one shape.
#[derive(Debug, Clone)]
pub struct ChunkCodec {
    spec: ChunkSpec,
    layout: Layout,
    is_transposed: bool,
    decoded_size: usize,
    /// Whether the elements, laid out, are what the bytes-to-bytes codecs encode.
    direct: bool,
    /// Where array-to-array codecs are, and behind them just a change of byte order: that order.
    byte_order: Option<ByteOrder>,
    /// Whether the array-to-bytes codec changes nothing.
    is_plain: bool,
    /// Each with what it encodes.
    array_to_array: Vec<(Arc<dyn ArrayToArray>, ChunkSpec)>,
    array_to_bytes: Arc<dyn ArrayToBytes>,
    encoded_spec: ChunkSpec,
    bytes_to_bytes: Stages,
    encoded_size: StageSize,
    chunk_size_max: u64,
    shard: Option<Arc<Shard>>,
}

impl ChunkCodec {
    /// The shape and type of the chunk.
    pub const fn spec(&self) -> &ChunkSpec {
        &self.spec
    }

    /// How the elements lie in memory when they are given to `encode` and when `decode` gives them.
    pub const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The size of the chunk in memory, in bytes, slots included and the heap not.
    pub const fn decoded_size(&self) -> usize {
        self.decoded_size
    }

    /// The most bytes that an encoded chunk may have.
    pub fn encoded_size_max(&self) -> u64 {
        // Encoders of others may do a little worse than ours.
        const SLACK: u64 = 64 * 1024;
        let bound = self
            .encoded_size
            .max
            .map_or(self.chunk_size_max.saturating_mul(2), |size| size as u64);
        bound.saturating_add(SLACK)
    }

    /// The size of an encoded chunk in bytes, where it is the same for all chunks.
    pub const fn encoded_size(&self) -> Option<usize> {
        self.encoded_size.exact
    }

    /// What the chunk holds, if it is a shard whose inner chunks can be read alone.
    pub fn shard(&self) -> Option<&Shard> {
        self.shard.as_deref()
    }

    /// The codecs of the chunks that are decoded at once: the innermost ones of shards, else the chunk itself.
    pub fn leaf(&self) -> &Self {
        let mut leaf = self;
        while let Some(shard) = leaf.shard() {
            leaf = shard.inner();
        }
        leaf
    }

    /// As [`ChunkCodec::encode`], of elements of fixed size that need not live as long as what comes of them.
    pub(crate) fn encode_owned<'a>(&self, elements: &[u8], scratch: &'a mut Scratch) -> Result<&'a [u8]> {
        let chunk = ChunkRef { elements, heap: &[] };
        let size = self.encode(chunk, scratch)?.len();
        if self.is_uncompressed() {
            scratch.front.clear();
            scratch.front.extend_from_slice(elements);
        }
        Ok(&scratch.front[..size])
    }

    /// Whether the encoded chunk is just its elements, so that a part of it can be read alone.
    pub fn is_uncompressed(&self) -> bool {
        self.direct && self.bytes_to_bytes.is_empty()
    }

    /// Encodes a chunk whose elements lie in the codec's layout.
    ///
    /// # Errors
    /// When a codec cannot encode the elements.
    pub fn encode<'a>(&self, chunk: ChunkRef<'a>, scratch: &'a mut Scratch) -> Result<&'a [u8]> {
        let Scratch { front, back, .. } = scratch;
        let mut is_front = !self.direct;
        if !self.direct {
            if self.is_transposed {
                self.array_to_bytes.check_transposed()?;
            }
            let mut given = chunk;
            let mut is_given = true;
            for (codec, spec) in &self.array_to_array {
                back.clear();
                codec.encode(
                    if is_given {
                        given.elements
                    } else {
                        front.as_slice()
                    },
                    spec,
                    back,
                )?;
                mem::swap(front, back);
                is_given = false;
            }
            if let Some(order) = self.byte_order {
                self.encoded_spec.data_type.reorder(front, order);
            } else {
                if !is_given {
                    given = ChunkRef {
                        elements: front,
                        heap: chunk.heap,
                    };
                }
                back.clear();
                self.array_to_bytes.encode(given, &self.encoded_spec, back)?;
                mem::swap(front, back);
            }
        }
        for (codec, _) in &self.bytes_to_bytes {
            back.clear();
            codec.encode(
                if is_front {
                    front.as_slice()
                } else {
                    chunk.elements
                },
                back,
            )?;
            mem::swap(front, back);
            is_front = true;
        }
        Ok(if is_front {
            front.as_slice()
        } else {
            chunk.elements
        })
    }

    /// Decodes a chunk; its elements lie in the codec's layout.
    ///
    /// # Errors
    /// When the bytes are damaged or do not decode to exactly such a chunk.
    pub fn decode<'a>(&self, encoded: &'a [u8], scratch: &'a mut Scratch) -> Result<DecodedChunk<'a>> {
        let Scratch { front, back, chunk } = scratch;
        let bytes = self.decode_bytes(encoded, 0, front, back)?;
        if self.direct {
            self.check_size(bytes.len())?;
            return Ok(ChunkRef {
                elements: bytes,
                heap: &[],
            });
        }
        chunk.clear();
        let mut codecs = self.array_to_array.iter().rev();
        match codecs.clone().next() {
            // The bytes are the elements that the last codec of arrays made.
            Some((codec, spec)) if self.is_plain => {
                codec.decode(bytes, spec, &mut chunk.elements)?;
                codecs.next();
            }
            _ => self.array_to_bytes.decode(bytes, &self.encoded_spec, chunk)?,
        }
        for (codec, spec) in codecs {
            back.clear();
            codec.decode(&chunk.elements, spec, back)?;
            mem::swap(&mut chunk.elements, back);
        }
        self.check_size(chunk.elements.len())?;
        Ok(scratch.chunk.as_ref())
    }

    /// Decodes a chunk straight into memory of its size; the elements lie in the codec's layout.
    ///
    /// Only for chunks whose elements have a fixed size.
    ///
    /// # Errors
    /// As [`ChunkCodec::decode`]; `out` is then filled with whatever.
    pub fn decode_into(&self, encoded: &[u8], out: &mut [u8], scratch: &mut Scratch) -> Result<()> {
        self.check_size(out.len())?;
        match self.bytes_to_bytes.first() {
            Some((codec, _)) if self.direct => {
                let Scratch { front, back, .. } = scratch;
                let bytes = self.decode_bytes(encoded, 1, front, back)?;
                let size = codec.decode(bytes, out)?;
                self.check_size(size)
            }
            _ => {
                let chunk = self.decode(encoded, scratch)?;
                out.copy_from_slice(chunk.elements);
                Ok(())
            }
        }
    }

    /// Decodes a chunk of which only some bytes are wanted; the others may be anything.
    ///
    /// # Errors
    /// As [`ChunkCodec::decode`], but that damage may go unseen which has nothing to do with what is wanted.
    pub fn decode_part<'a>(
        &self,
        encoded: &'a [u8],
        part: Range<usize>,
        scratch: &'a mut Scratch,
    ) -> Result<DecodedChunk<'a>> {
        let Some((codec, _)) = self.bytes_to_bytes.first().filter(|_| self.direct) else {
            return self.decode(encoded, scratch);
        };
        let Scratch { front, back, chunk } = scratch;
        let bytes = self.decode_bytes(encoded, 1, front, back)?;
        reserve(&mut chunk.elements, self.decoded_size)?;
        let size = codec.decode_part(bytes, part, &mut chunk.elements)?;
        self.check_size(size)?;
        Ok(ChunkRef {
            elements: &chunk.elements,
            heap: &[],
        })
    }

    /// The codec whose decoded bytes are the elements, if there is no other.
    pub(crate) fn only_stage(&self) -> Option<&dyn BytesToBytes> {
        match self.bytes_to_bytes.as_slice() {
            [(codec, _)] if self.direct => Some(codec.as_ref()),
            _ => None,
        }
    }

    /// Undoes the bytes-to-bytes codecs from the last down to the one at index `from`.
    fn decode_bytes<'a>(
        &self,
        encoded: &'a [u8],
        from: usize,
        front: &'a mut Vec<u8>,
        back: &mut Vec<u8>,
    ) -> Result<&'a [u8]> {
        let mut is_front = false;
        for (codec, size) in self.bytes_to_bytes.iter().skip(from).rev() {
            let given = if is_front { front.as_slice() } else { encoded };
            self.decode_stage(codec.as_ref(), *size, given, back)?;
            mem::swap(front, back);
            is_front = true;
        }
        Ok(if is_front { front } else { encoded })
    }

    /// Undoes one codec; `out` then has just the decoded bytes.
    fn decode_stage(
        &self,
        codec: &dyn BytesToBytes,
        size: StageSize,
        encoded: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if let Some(size_max) = size.max {
            reserve(out, size_max)?;
            let got = codec.decode(encoded, out)?;
            if size.exact.is_some_and(|exact| exact != got) {
                return Err(CodecError::Size {
                    expected: size_max as u64,
                    got: got as u64,
                });
            }
            out.truncate(got);
            return Ok(());
        }
        // Elements of variable size may decode to any number of bytes: the room grows with the evidence, so
        // that a few bytes that claim to be gigabytes never cost gigabytes.
        let limit = self.chunk_size_max as usize;
        let mut room = encoded.len().saturating_mul(8).clamp(1 << 16, limit);
        loop {
            reserve(out, room)?;
            match codec.decode(encoded, out) {
                Ok(size) => {
                    out.truncate(size);
                    return Ok(());
                }
                Err(CodecError::TooLarge { .. }) if room < limit => room = room.saturating_mul(4).min(limit),
                Err(error) => return Err(error),
            }
        }
    }

    fn check_size(&self, got: usize) -> Result<()> {
        if got == self.decoded_size {
            return Ok(());
        }
        Err(CodecError::Size {
            expected: self.decoded_size as u64,
            got: got as u64,
        })
    }
}

/// Gives a buffer a length, or says that there is no memory for it.
pub(crate) fn reserve(buffer: &mut Vec<u8>, length: usize) -> Result<()> {
    make_room(buffer, length.saturating_sub(buffer.len()))?;
    buffer.resize(length, 0);
    Ok(())
}

/// Adds so many bytes to a buffer, or says that there is no memory for them.
pub(crate) fn lengthen(buffer: &mut Vec<u8>, more: usize) -> Result<()> {
    reserve(buffer, buffer.len().saturating_add(more))
}

/// Sees to it that a buffer has room for so many more bytes, or says that there is no memory for them.
pub(crate) fn make_room(buffer: &mut Vec<u8>, more: usize) -> Result<()> {
    buffer.try_reserve(more).map_err(|_| {
        let length = buffer.len().saturating_add(more);
        CodecError::value("memory", format!("no room for a chunk of {length} bytes"))
    })
}
