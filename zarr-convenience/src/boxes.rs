//! The boxes in which an array is decoded and encoded anew, and the memory that they take.

use std::{collections::HashSet, ops::Range};

use zarr_core::{Array, ChunkGrid};

use crate::{SourceArray, route::encoded_size_likely_max};

/// The bytes of values in one unit of work, about: enough to keep a thread busy, little enough to count.
const UNIT_SIZE: u64 = 4 << 20;
/// The bytes of values in a piece of a shard, about.
const PIECE_SIZE: u64 = 1 << 20;
/// A unit takes at most this part of the memory, if it can, so that several are worked on at once.
const UNITS_AT_ONCE: u64 = 4;

/// The position in a grid of the box with a number, in C order.
pub(crate) fn position(mut number: u64, counts: &[u64]) -> Vec<u64> {
    let mut position = vec![0; counts.len()];
    for (at, count) in position.iter_mut().zip(counts).rev() {
        *at = number % count;
        number /= count;
    }
    position
}

/// The parts in which an array is decoded and encoded anew: boxes of whole destination chunks.
pub(crate) struct Boxes {
    array_shape: Vec<u64>,
    /// The shape of a part, or where chunks differ in their lengths the most that it can be.
    unit_shape: Vec<u64>,
    /// The number of the destination's chunks in a part along each dimension.
    n_chunks: Vec<u64>,
    /// The number of parts in each dimension.
    counts: Vec<u64>,
    target_grid: ChunkGrid,
    source_grid: Option<ChunkGrid>,
    item_size: u64,
    /// The bytes that codecs need for a chunk of either side.
    codec_memory: u64,
    /// The boxes in which a part that is a shard is carried over, unless it is as a whole.
    pieces: Option<Pieces>,
    /// The bytes of an encoded shard, where the store takes it only as a whole.
    whole_shard: u64,
}

impl Boxes {
    /// Parts that cost little to read, and take little of the memory if they can; of those in which no chunk is decoded
    /// twice, if there are any that fit.
    ///
    /// `streams` says whether the destination takes a chunk in pieces.
    pub(crate) fn new(
        source: &dyn SourceArray,
        (target, streams): (&Array, bool),
        memory: Option<u64>,
    ) -> Self {
        let of_shape = |unit_shape| Self::of_shape(source, (target, streams), unit_shape);
        let single = of_shape(target.chunk_shape().to_vec());
        if source.chunk_grid().as_ref() == Some(&target.metadata().chunk_grid) {
            // Chunks that were never written stay so.
            return single;
        }
        let covering = of_shape(single.covering_shape());
        let grown = of_shape(single.grown(covering.unit_shape.clone()));
        let fits = |boxes: &Self, share: u64| memory.is_none_or(|limit| boxes.memory() <= limit / share);
        if fits(&grown, UNITS_AT_ONCE) {
            grown
        } else if fits(&covering, 1) {
            covering
        } else {
            single
        }
    }

    /// Parts that cover whole chunks of either side, as small as such parts can be.
    pub(crate) fn covering(source: &dyn SourceArray, target: (&Array, bool)) -> Self {
        let single = Self::of_shape(source, target, target.0.chunk_shape().to_vec());
        Self::of_shape(source, target, single.covering_shape())
    }

    /// Whether parts are whole chunks of either side, so that no chunk is decoded twice.
    pub(crate) fn are_covering(&self) -> bool {
        self.covering_shape() == self.unit_shape
    }

    fn of_shape(source: &dyn SourceArray, (target, streams): (&Array, bool), unit_shape: Vec<u64>) -> Self {
        let codec_memory = |array: &Array| {
            let codec = array.chunk_codec().ok()?;
            let encoded = encoded_size_likely_max(&codec).saturating_mul(2);
            Some(encoded.saturating_add(codec.decoded_size() as u64))
        };
        let of_source = match source.as_zarr() {
            Some(array) => codec_memory(array),
            None => None,
        };
        let array_shape = target.shape().to_vec();
        let lengths = unit_shape.iter().zip(target.chunk_shape());
        let n_chunks: Vec<_> = lengths.map(|(unit, chunk)| unit / chunk).collect();
        let grid = target.grid_shape().into_iter().zip(&n_chunks);
        let mut boxes = Self {
            counts: grid.map(|(all, n)| all.div_ceil(*n)).collect(),
            array_shape,
            unit_shape,
            n_chunks,
            target_grid: target.metadata().chunk_grid.clone(),
            source_grid: source.chunk_grid(),
            item_size: target.data_type().size().unwrap_or(1).max(1) as u64,
            codec_memory: of_source
                .unwrap_or(0)
                .saturating_add(codec_memory(target).unwrap_or(0)),
            pieces: None,
            whole_shard: 0,
        };
        boxes.pieces = Pieces::of(&boxes, source, target);
        if let (Some(_), false, Ok(codec)) = (&boxes.pieces, streams, target.chunk_codec()) {
            boxes.whole_shard = encoded_size_likely_max(&codec);
        }
        boxes
    }

    /// Whole destination chunks, as long as the source's chunks, so that few of those are decoded twice.
    fn covering_shape(&self) -> Vec<u64> {
        let lengths = self.unit_shape.iter().zip(&self.array_shape).enumerate();
        let longer = lengths.map(|(dimension, (unit, length))| {
            let chunk = self
                .source_grid
                .as_ref()
                .map_or(1, |grid| grid.chunk_shape()[dimension]);
            chunk.min(*length).div_ceil(*unit).max(1).saturating_mul(*unit)
        });
        longer.collect()
    }

    /// Longer along the last dimensions, which lie together, until a unit is worth its trouble.
    fn grown(&self, mut unit_shape: Vec<u64>) -> Vec<u64> {
        for dimension in (0..unit_shape.len()).rev() {
            let lengths = unit_shape.iter().zip(&self.array_shape);
            let size = lengths.fold(self.item_size, |size, (unit, length)| {
                size.saturating_mul((*unit).min(*length))
            });
            let times =
                (UNIT_SIZE / size.max(1)).min(self.array_shape[dimension].div_ceil(unit_shape[dimension]));
            if times > 1 {
                unit_shape[dimension] *= times;
            }
        }
        unit_shape
    }

    pub(crate) fn unit_shape(&self) -> &[u64] {
        &self.unit_shape
    }

    pub(crate) fn len(&self) -> usize {
        let n_units = self
            .counts
            .iter()
            .fold(1_u64, |n, count| n.saturating_mul(*count));
        usize::try_from(n_units).unwrap_or(usize::MAX)
    }

    /// The bytes that buffers take while a thread works at a part.
    pub(crate) fn memory(&self) -> u64 {
        if self.pieces.is_some() {
            return self.memory_at_once(1);
        }
        let lengths = self.unit_shape.iter().zip(&self.array_shape);
        let values = lengths.fold(self.item_size, |size, (unit, length)| {
            size.saturating_mul((*unit).min(*length))
        });
        values.saturating_add(self.codec_memory)
    }

    /// The bytes of the source's chunks that are decoded for all parts, those of a chunk as often as that is.
    pub(crate) fn n_bytes_read(&self) -> u64 {
        let Some(grid) = &self.source_grid else {
            let lengths = self.array_shape.iter();
            return lengths.fold(self.item_size, |size, length| size.saturating_mul(*length));
        };
        let of_dimension = |(dimension, length): (usize, &u64)| {
            let parts = 0..if *length == 0 { 0 } else { self.counts[dimension] };
            let covered = parts.map(|part| {
                let (start, end) = self.bounds(dimension, part);
                let first = grid.chunk_of(dimension, start);
                let (last, last_length) = grid.extent(dimension, grid.chunk_of(dimension, end - 1));
                last.saturating_add(last_length).min(*length) - grid.extent(dimension, first).0
            });
            covered.fold(0, u64::saturating_add)
        };
        let lengths = self.array_shape.iter().enumerate().map(of_dimension);
        lengths.fold(self.item_size, u64::saturating_mul)
    }

    /// The first element of a part along a dimension, and the one behind its last.
    fn bounds(&self, dimension: usize, part: u64) -> (u64, u64) {
        let n_chunks = self.n_chunks[dimension];
        let first_of = |chunk| self.target_grid.extent(dimension, chunk).0;
        let end = first_of((part + 1).saturating_mul(n_chunks)).min(self.array_shape[dimension]);
        (first_of(part * n_chunks), end)
    }

    /// The bytes that buffers take while so many threads work at a part in pieces.
    pub(crate) fn memory_at_once(&self, n_threads: u64) -> u64 {
        let pieces = self.pieces.as_ref().map_or(0, |pieces| pieces.memory);
        pieces.saturating_mul(n_threads).saturating_add(self.whole_shard)
    }

    /// The boxes in which a part that is a shard is carried over, unless it is as a whole.
    pub(crate) fn piece_shape(&self) -> Option<&[u64]> {
        self.pieces.as_ref().map(|pieces| pieces.shape.as_slice())
    }

    pub(crate) const fn item_size(&self) -> u64 {
        self.item_size
    }

    /// The bytes that codecs need for a chunk of either side.
    pub(crate) const fn codec_memory(&self) -> u64 {
        self.codec_memory
    }

    /// First element and shape of a part.
    pub(crate) fn region(&self, number: usize) -> (Vec<u64>, Vec<u64>) {
        let parts = position(number as u64, &self.counts).into_iter().enumerate();
        parts
            .map(|(dimension, part)| {
                let (start, end) = self.bounds(dimension, part);
                (start, end - start)
            })
            .unzip()
    }

    /// The positions of the source's chunks that a part touches, as a range in each dimension.
    fn source_chunks(&self, start: &[u64], shape: &[u64]) -> Option<Vec<Range<u64>>> {
        let grid = self.source_grid.as_ref()?;
        let ranges = (0..start.len()).map(|dimension| {
            let last = start[dimension] + shape[dimension].max(1) - 1;
            grid.chunk_of(dimension, start[dimension])..grid.chunk_of(dimension, last) + 1
        });
        Some(ranges.collect())
    }

    /// Whether a part has values, and not only the fill value.
    pub(crate) fn is_stored(&self, start: &[u64], shape: &[u64], stored: &HashSet<Vec<u64>>) -> bool {
        let Some(ranges) = self.source_chunks(start, shape) else {
            return true;
        };
        if ranges.iter().all(|range| range.end - range.start == 1) {
            let coords: Vec<_> = ranges.iter().map(|range| range.start).collect();
            return stored.contains(&coords);
        }
        stored.iter().any(|coords| {
            coords
                .iter()
                .zip(&ranges)
                .all(|(coord, range)| range.contains(coord))
        })
    }
}

/// The boxes in which a part that is one shard is read and written, so that it is not in memory as a whole.
struct Pieces {
    shape: Vec<u64>,
    /// The bytes that buffers take for a piece.
    memory: u64,
}

impl Pieces {
    /// Boxes of whole inner chunks and whole chunks of the source, if such are smaller than the parts.
    fn of(boxes: &Boxes, source: &dyn SourceArray, target: &Array) -> Option<Self> {
        let is_one_chunk = boxes.n_chunks.iter().all(|n| *n == 1);
        if !is_one_chunk || !target.has_plain_shards().unwrap_or(false) {
            return None;
        }
        let from = source.as_zarr();
        let read_at_once = from
            .and_then(Array::inner_chunk_shape)
            .or_else(|| source.chunk_shape().map(<[u64]>::to_vec));
        let inner = target.inner_chunk_shape()?;
        let mut shape = inner.clone();
        for (dimension, (piece, shard)) in shape.iter_mut().zip(&boxes.unit_shape).enumerate() {
            let chunk = read_at_once.as_ref().map_or(1, |lengths| lengths[dimension]);
            let both = lcm(*piece, chunk).filter(|length| length <= shard);
            *piece = both.unwrap_or(*shard);
        }
        // Longer along the last dimensions, which lie together.
        for dimension in (0..shape.len()).rev() {
            let size = shape
                .iter()
                .fold(boxes.item_size, |size, length| size.saturating_mul(*length));
            let times = (PIECE_SIZE / size.max(1)).min(boxes.unit_shape[dimension] / shape[dimension]);
            shape[dimension] *= times.max(1);
        }
        if shape == boxes.unit_shape {
            return None;
        }
        let leaf_memory = |array: &Array| {
            let codec = array.chunk_codec().ok()?;
            let leaf = codec.leaf();
            Some(encoded_size_likely_max(leaf).saturating_add(leaf.decoded_size() as u64))
        };
        let values = shape
            .iter()
            .fold(boxes.item_size, |size, length| size.saturating_mul(*length));
        let memory = [from.and_then(leaf_memory), leaf_memory(target)]
            .into_iter()
            .flatten()
            // The values, and as much again once they are encoded.
            .fold(values.saturating_mul(2), u64::saturating_add);
        Some(Self { shape, memory })
    }
}

/// The least common multiple.
fn lcm(one: u64, other: u64) -> Option<u64> {
    let (mut a, mut b) = (one, other);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    one.checked_div(a)?.checked_mul(other)
}
