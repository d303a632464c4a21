//! Which bytes of a chunk's value are needed: decisions, without any I/O.
//!
//! | the chunk is | asked for | fetched |
//! |---|---|---|
//! | encoded | anything | the whole value |
//! | uncompressed | most of it | the whole value |
//! | uncompressed | a part | the bytes from the first element to the last |
//! | a large chunk of Blosc | a part | its table of blocks, then the blocks (see `excerpt_read`) |
//! | a shard | anything | its index, then of each inner chunk as above |
//!
//! Where an inner chunk is a shard itself, its index comes in between: so chunks in shards of shards take three
//! rounds, however many they are.

use std::{collections::HashMap, ops::Range, sync::Arc};

use zarr_codecs::{ChunkCodec, CodecError, IndexLocation, Scratch, Shard, ShardIndex};
use zarr_store::{ByteRange, ReadBuffer, may_be_same};

use crate::projection::ChunkShare;

/// What to fetch of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkFetch {
    /// The range of the value.
    pub(crate) range: ByteRange,
    /// Where in the chunk, decoded, begins what was fetched, in bytes.
    pub(crate) origin: usize,
}

impl ChunkFetch {
    /// Decides.
    pub(crate) fn new(codec: &ChunkCodec, share: ChunkShare<'_>) -> Self {
        let all = Self {
            range: ByteRange::All,
            origin: 0,
        };
        if !codec.is_uncompressed() {
            return all;
        }
        let Range { start: first, end } = share.span(codec.spec().data_type.size().unwrap_or(0));
        let length = end - first;
        // Below a half, the bytes that are saved outweigh the check of the value's size that is lost.
        if length > codec.decoded_size() / 2 {
            return all;
        }
        Self {
            range: ByteRange::Part {
                offset: first as u64,
                length: length as u64,
            },
            origin: first,
        }
    }

    /// Whether the fetched bytes are elements, and not an encoded chunk.
    pub(crate) const fn is_part(self) -> bool {
        matches!(self.range, ByteRange::Part { .. })
    }

    /// Where the bytes are in a shard, of which `chunk` are those of the chunk.
    pub(crate) fn within(self, chunk: &Range<u64>) -> Range<u64> {
        match self.range {
            ByteRange::Part { offset, length } => chunk.start + offset..chunk.start + offset + length,
            _ => chunk.clone(),
        }
    }
}

/// The shards that a chunk is made of, from the outermost to those that hold leaf chunks.
#[derive(Debug, Clone)]
pub(crate) struct Levels<'c> {
    list: Vec<Level<'c>>,
}

#[derive(Debug, Clone)]
struct Level<'c> {
    shard: &'c Shard,
    /// The leaf chunks along each dimension of an inner chunk.
    inner_leaves: Vec<u64>,
    /// The leaf chunks in an inner chunk.
    n_inner_leaves: u64,
}

impl<'c> Levels<'c> {
    /// Of the chunks of an array; none if they are no shards.
    pub(crate) fn of(codec: &'c ChunkCodec) -> Self {
        let leaf = &codec.leaf().spec().shape;
        let shards = std::iter::successors(codec.shard(), |shard| shard.inner().shard());
        let level = |shard: &'c Shard| {
            let inner = &shard.inner().spec().shape;
            let inner_leaves: Vec<_> = inner.iter().zip(leaf).map(|(inner, leaf)| inner / leaf).collect();
            Level {
                shard,
                n_inner_leaves: inner_leaves.iter().product(),
                inner_leaves,
            }
        };
        Self {
            list: shards.map(level).collect(),
        }
    }

    /// How many levels of shards there are.
    pub(crate) fn depth(&self) -> usize {
        self.list.len()
    }

    /// The shards of a level.
    pub(crate) fn shard(&self, level: usize) -> &'c Shard {
        self.list[level].shard
    }

    /// The number of leaf chunks along each dimension of an inner chunk of a level.
    pub(crate) fn inner_leaves(&self, level: usize) -> &[u64] {
        &self.list[level].inner_leaves
    }

    /// The number of leaf chunks in an inner chunk of a level.
    pub(crate) fn n_inner_leaves(&self, level: usize) -> u64 {
        self.list[level].n_inner_leaves
    }

    /// The number of leaf chunks along each dimension of the outermost shards; 1 if there are no shards.
    pub(crate) fn ratio(&self, ndim: usize) -> Vec<u64> {
        let Some(first) = self.list.first() else {
            return vec![1; ndim];
        };
        let grid = first.shard.grid_shape().iter();
        grid.zip(&first.inner_leaves)
            .map(|(count, leaves)| count * leaves)
            .collect()
    }

    /// The number of a leaf chunk in its outermost shard: that of the inner chunk of each level, one after the
    /// other, so that the leaf chunks of an inner chunk follow each other.
    pub(crate) fn number(&self, leaf_coords: &[u64]) -> u64 {
        self.list.iter().fold(0, |number, level| {
            let along = level.shard.grid_shape().iter().zip(&level.inner_leaves);
            leaf_coords
                .iter()
                .zip(along)
                .fold(number, |number, (coord, (count, leaves))| {
                    number * count + coord / leaves % count
                })
        })
    }
}

/// Finds leaf chunks in one outermost shard, and keeps what it learns of it.
///
/// Whoever drives it fetches what [`ShardFetch::next`] asks for, hands it to [`ShardFetch::reply`], and begins
/// again until nothing is asked for.
#[derive(Debug, Default)]
pub(crate) struct ShardFetch {
    learnt: Arc<Learnt>,
    /// The indices that were asked for last, with the place of their shards.
    asked: Vec<(usize, u64, Range<u64>)>,
    /// Whether all that is known was learnt by an earlier call, since when the value may have been replaced.
    is_remembered: bool,
    /// Whether there is something that is worth remembering.
    is_news: bool,
}

/// What is known of an outermost shard.
#[derive(Debug, Clone, Default)]
pub(crate) struct Learnt {
    /// Its value; `None` if nothing is known, or there is none.
    seen: Option<Seen>,
    /// The indices of shards by level and number within the outermost one.
    known: HashMap<(usize, u64), Arc<Placed>>,
    /// The bytes that the indices take.
    size: usize,
}

impl Learnt {
    /// The bytes it takes in memory.
    pub(crate) const fn size(&self) -> usize {
        size_of::<Self>() + self.size
    }

    /// Something that takes so many bytes.
    #[cfg(test)]
    pub(crate) fn of_size(size: usize) -> Self {
        let size = size - size_of::<Self>();
        Self {
            size,
            ..Self::default()
        }
    }

    fn insert(&mut self, level: usize, number: u64, placed: Placed, n_chunks: usize) {
        const ENTRY_SIZE: usize = 2 * size_of::<u64>();
        let own = size_of::<Placed>() + size_of::<((usize, u64), Arc<Placed>)>();
        if self.known.insert((level, number), Arc::new(placed)).is_none() {
            self.size += 2 * own + n_chunks * ENTRY_SIZE;
        }
    }
}

/// The value of a shard, as it was when its index was read.
#[derive(Debug, Clone, Copy)]
struct Seen {
    generation: Option<u64>,
    size: u64,
    /// Whether any value that comes after it has another generation.
    is_settled: bool,
}

/// Of which values of a shard something is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    generation: Option<u64>,
    is_remembered: bool,
}

impl Version {
    /// Whether a value that is read now may be the one that is known. Not every store can tell, but what was remembered
    /// is of a store that can.
    pub(crate) fn may_be(self, generation: Option<u64>) -> bool {
        if self.is_remembered {
            generation.is_some() && generation == self.generation
        } else {
            may_be_same(self.generation, generation)
        }
    }
}

/// A shard within a shard.
#[derive(Debug)]
struct Placed {
    start: u64,
    index: ShardIndex,
}

/// Where a leaf chunk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// It was never written.
    Missing,
    /// In these bytes of the shard's value.
    At(Range<u64>),
}

/// Why a reply could not be used.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// The value was replaced since its index was read: all that was learnt is forgotten.
    Changed,
    /// An index is damaged.
    Damaged(CodecError),
}

impl ShardFetch {
    /// Finds leaf chunks by their numbers; gives what to fetch so that all can be found, or nothing, and then
    /// `found` has them.
    pub(crate) fn next(
        &mut self,
        levels: &Levels<'_>,
        wanted: &[u64],
        found: &mut Vec<Found>,
    ) -> Vec<ByteRange> {
        found.clear();
        self.asked.clear();
        for &leaf in wanted {
            match self.find(levels, leaf) {
                Ok(place) => found.push(place),
                // Most that are in one shard follow each other.
                Err(asked) if self.asked.last() == Some(&asked) => {}
                Err(asked) => self.asked.push(asked),
            }
        }
        let shard = |(level, number, _): &(usize, u64, Range<u64>)| (*level, *number);
        self.asked.sort_unstable_by_key(shard);
        self.asked.dedup_by_key(|asked| shard(asked));
        let range = |(level, _, place): &(usize, u64, Range<u64>)| {
            let shard = levels.shard(*level);
            let length = shard.index_size() as u64;
            match (shard.location(), level) {
                (IndexLocation::Start, _) => ByteRange::Part {
                    offset: place.start,
                    length,
                },
                (IndexLocation::End, 0) => ByteRange::Suffix { length },
                // What is too short for an index is refused once its size is checked.
                (IndexLocation::End, _) => ByteRange::Part {
                    offset: place.end.saturating_sub(length).max(place.start),
                    length: length.min(place.end - place.start),
                },
            }
        };
        self.asked.iter().map(range).collect()
    }

    /// Finds a leaf chunk, or says which index tells where it is.
    fn find(&self, levels: &Levels<'_>, leaf: u64) -> Result<Found, (usize, u64, Range<u64>)> {
        let mut place = 0..self.learnt.seen.map_or(0, |seen| seen.size);
        let mut number = 0;
        for (depth, level) in levels.list.iter().enumerate() {
            let Some(placed) = self.learnt.known.get(&(depth, number)) else {
                return Err((depth, number, place));
            };
            let inner = leaf / level.n_inner_leaves;
            let n_chunks = level.shard.n_chunks() as u64;
            let Some(range) = placed.index.get((inner % n_chunks) as usize) else {
                return Ok(Found::Missing);
            };
            place = placed.start + range.start..placed.start + range.end;
            number = inner;
        }
        Ok(Found::At(place))
    }

    /// Takes what was asked for; `size` is that of the whole value.
    pub(crate) fn reply(
        &mut self,
        levels: &Levels<'_>,
        read: &ReadBuffer,
        size: u64,
        scratch: &mut Scratch,
    ) -> Result<(), Unusable> {
        if let Some(seen) = self.learnt.seen
            && !(seen.size == size && self.version().may_be(read.generation()))
        {
            self.forget();
            return Err(Unusable::Changed);
        }
        let learnt = Arc::make_mut(&mut self.learnt);
        let seen = learnt.seen.get_or_insert(Seen {
            generation: read.generation(),
            size,
            is_settled: true,
        });
        seen.is_settled &= read.is_settled();
        self.is_remembered = false;
        self.is_news = seen.is_settled && seen.generation.is_some();
        for (part, (level, number, place)) in self.asked.drain(..).enumerate() {
            let size = if level == 0 { size } else { place.end - place.start };
            let index = levels.shard(level).decode_index(read.part(part), size, scratch);
            let placed = Placed {
                start: place.start,
                index: index.map_err(Unusable::Damaged)?,
            };
            learnt.insert(level, number, placed, levels.shard(level).n_chunks());
        }
        Ok(())
    }

    /// Takes it that there is no shard.
    pub(crate) fn reply_absent(&mut self, levels: &Levels<'_>) {
        self.forget();
        let placed = Placed {
            start: 0,
            index: ShardIndex::empty(levels.shard(0).n_chunks()),
        };
        Arc::make_mut(&mut self.learnt).insert(0, 0, placed, 0);
    }

    /// Forgets what was learnt.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Takes what an earlier call has learnt, if nothing is known yet.
    pub(crate) fn remember(&mut self, learnt: impl FnOnce() -> Option<Arc<Learnt>>) {
        if self.learnt.known.is_empty()
            && let Some(learnt) = learnt()
        {
            self.learnt = learnt;
            self.is_remembered = true;
        }
    }

    /// Whether all that is known was learnt by an earlier call.
    pub(crate) const fn is_remembered(&self) -> bool {
        self.is_remembered
    }

    /// What was learnt, if later calls can make sure that it still holds, and were not told yet.
    pub(crate) fn news(&mut self) -> Option<&Arc<Learnt>> {
        std::mem::take(&mut self.is_news).then_some(&self.learnt)
    }

    /// The generation of the value whose index is known.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.learnt.seen?.generation
    }

    /// Of which value something is known.
    pub(crate) fn version(&self) -> Version {
        Version {
            generation: self.generation(),
            is_remembered: self.is_remembered,
        }
    }

    /// Whether there is a shard.
    pub(crate) fn is_present(&self) -> bool {
        self.learnt.seen.is_some()
    }

    /// The index of a shard by level and number, and where the shard begins; `None` if it is not known.
    pub(crate) fn index(&self, level: usize, number: u64) -> Option<(&ShardIndex, u64)> {
        let placed = self.learnt.known.get(&(level, number))?;
        Some((&placed.index, placed.start))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zarr_codecs::{
        ByteOrder, ChunkSpec, CodecChain, CodecConfig, CodecRegistry, DataType, FillValue, Limits,
    };

    use super::*;

    /// Shards of `lengths[0]` elements, each of shards of `lengths[1]`, and so on.
    fn codec(lengths: &[u64]) -> ChunkCodec {
        let endian = |order| json!([{"name": "bytes", "configuration": {"endian": order}}]);
        let order = if ByteOrder::NATIVE == ByteOrder::Little {
            "little"
        } else {
            "big"
        };
        let codecs = lengths[1..].iter().rev().fold(endian(order), |codecs, length| {
            json!([{"name": "sharding_indexed", "configuration": {
                "chunk_shape": [length], "codecs": codecs, "index_codecs": endian(order),
            }}])
        });
        let configs = codecs
            .as_array()
            .unwrap()
            .iter()
            .cloned()
            .map(CodecConfig::from_json);
        let configs: Vec<_> = configs.collect::<Result<_, _>>().unwrap();
        let chain = CodecChain::new(&configs, &CodecRegistry::default(), &Limits::DEFAULT).unwrap();
        let spec = ChunkSpec {
            shape: lengths[..1].to_vec(),
            data_type: DataType::UInt8,
            fill_value: FillValue::zero(&DataType::UInt8),
        };
        chain.for_chunk(spec, &Limits::DEFAULT).unwrap()
    }

    #[test]
    fn each_index_is_asked_for_once() {
        let codec = codec(&[8, 4, 1]);
        let levels = Levels::of(&codec);
        let (mut fetch, mut found) = (ShardFetch::default(), Vec::new());
        let wanted = [5, 0, 4, 1, 7, 0];
        assert_eq!(
            fetch.next(&levels, &wanted, &mut found),
            [ByteRange::Suffix { length: 32 }]
        );
        let mut read = ReadBuffer::new();
        let index: Vec<_> = [0_u64, 100, 100, 100]
            .into_iter()
            .flat_map(u64::to_ne_bytes)
            .collect();
        read.push_shared(index.into());
        let replied = fetch.reply(&levels, &read, 232, &mut Scratch::default());
        assert!(replied.is_ok());
        let part = |offset| ByteRange::Part { offset, length: 64 };
        assert_eq!(fetch.next(&levels, &wanted, &mut found), [part(36), part(136)]);
    }
}
