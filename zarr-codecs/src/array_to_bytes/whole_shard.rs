//! A shard that is encoded and decoded as a whole, because other codecs stand around it.

use std::sync::Arc;

use super::sharding_indexed::NAME;
use crate::{
    ArrayToBytes, ChunkBuffer, ChunkRef, ChunkSpec, CodecError, IndexLocation, Result, Scratch, Shard,
    ShardIndex, Slot, chain::make_room, strided::c_strides,
};

/// The codec of shards of one shape.
#[derive(Debug)]
pub(crate) struct WholeShard {
    shard: Arc<Shard>,
    /// The most bytes that items of variable size may take.
    heap_size_max: u64,
}

impl WholeShard {
    pub(crate) const fn new(shard: Arc<Shard>, heap_size_max: u64) -> Self {
        Self { shard, heap_size_max }
    }

    /// Adds the items of an inner chunk; any number of inner chunks may be made of the same bytes.
    fn keep_items(&self, items: &[u8], heap: &mut Vec<u8>) -> Result<()> {
        let size = (heap.len() as u64).saturating_add(items.len() as u64);
        if size > self.heap_size_max {
            return Err(CodecError::TooLarge {
                codec: NAME,
                limit: self.heap_size_max,
            });
        }
        make_room(heap, items.len())?;
        heap.extend_from_slice(items);
        Ok(())
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

impl ArrayToBytes for WholeShard {
    fn encoded_size(&self, _: &ChunkSpec) -> Result<Option<usize>> {
        Ok(None)
    }

    /// Inner chunks that hold nothing but the fill value are left out.
    fn encode(&self, chunk: ChunkRef<'_>, spec: &ChunkSpec, out: &mut Vec<u8>) -> Result<()> {
        let shard = self.shard.as_ref();
        let strides = c_strides(&spec.shape, spec.data_type.size().unwrap_or(0));
        let mut index = ShardIndex::empty(shard.n_chunks());
        let (mut scratch, mut inner) = (Scratch::default(), vec![0; shard.inner.decoded_size()]);
        let start = out.len();
        if shard.location == IndexLocation::Start {
            out.resize(start + shard.index_size, 0);
        }
        for (number, origin) in origins(shard, &strides).enumerate() {
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
        match shard.location {
            IndexLocation::Start => out[start..start + shard.index_size].copy_from_slice(encoded),
            IndexLocation::End => out.extend_from_slice(encoded),
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], spec: &ChunkSpec, out: &mut ChunkBuffer) -> Result<()> {
        let shard = self.shard.as_ref();
        let mut scratch = Scratch::default();
        let bytes = match shard.location {
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
        make_room(&mut out.elements, size)?;
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
        for (number, origin) in origins(shard, &strides).enumerate() {
            let Some(range) = index.get(number) else { continue };
            let bytes = &encoded[range.start as usize..range.end as usize];
            let mut decoded = shard.inner.decode(bytes, &mut scratch)?;
            if spec.data_type.is_variable() {
                slots.clear();
                slots.extend_from_slice(decoded.elements);
                Slot::shift(&mut slots, out.heap.len() as u64);
                self.keep_items(decoded.heap, &mut out.heap)?;
                decoded.elements = &slots;
            }
            shard
                .inner
                .take_out(decoded.elements, &mut out.elements[start + origin..], &strides);
        }
        Ok(())
    }
}
