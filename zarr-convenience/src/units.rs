//! The units of work in which arrays are copied.
//!
//! No two units write the same key, so they may be done in any order and at the same time. Where the keys of a store
//! have an order, as in an archive, only what units set is put into theirs.

use std::{
    borrow::Cow,
    collections::HashSet,
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use zarr_core::{Array, ChunkGrid, Selection, Turn, Turns, Workers, store::Store};

use crate::{
    Budget, Cancel, Result, SourceArray, StepLedger,
    groups::{Groups, TURN_SIZE},
    route::encoded_size_likely_max,
    waiting::Waiting,
};

/// The bytes of values in one unit of work, about: enough to keep a thread busy, little enough to count.
const UNIT_SIZE: u64 = 4 << 20;
/// The bytes of values in a piece of a shard, about.
const PIECE_SIZE: u64 = 1 << 20;
/// A unit takes at most this part of the memory, if it can, so that several are worked on at once.
const UNITS_AT_ONCE: u64 = 4;

/// Units of work.
pub(crate) trait Units: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// The bytes of values of a unit.
    fn size(&self, index: usize) -> Result<u64>;

    /// The bytes of values of a unit, unless that must be asked for.
    fn known_size(&self, index: usize) -> Result<Option<u64>> {
        self.size(index).map(Some)
    }

    /// What a unit is called in a ledger.
    fn number(&self, index: usize) -> u64 {
        index as u64
    }

    /// What tells the source of a unit from what it was before; `None` if nothing does.
    fn generation(&self, index: usize) -> Result<Option<u64>>;

    /// Does a unit; what it sets goes into a store that waits for its turn, if one is given.
    fn run(&self, index: usize, budget: &Budget, waiting: Option<&Arc<dyn Store>>) -> Result<()>;

    /// Does a unit, and says of what generation its source was, if that can be told.
    ///
    /// That is the one from before it was read: what changes after that is noticed the next time.
    fn run_noted(
        &self,
        index: usize,
        budget: &Budget,
        waiting: Option<&Arc<dyn Store>>,
    ) -> Result<Option<u64>> {
        let generation = self.generation(index)?;
        self.run(index, budget, waiting)?;
        Ok(generation)
    }

    /// Where the units' keys go.
    fn dest(&self) -> &Arc<dyn Store>;

    /// Makes what was done safe from a loss of power.
    fn flush(&self) -> Result<()>;
}

/// Those who work at units.
pub(crate) struct Crew<'a> {
    pub(crate) budget: &'a Budget,
    pub(crate) cancel: &'a Cancel,
    pub(crate) ledger: Option<StepLedger<'a>>,
    /// Is told which unit was done, and its bytes.
    pub(crate) progress: &'a (dyn Fn(usize, u64) + Sync),
}

impl Crew<'_> {
    /// Does units of work on as many threads as there may be; those that a ledger has are done.
    pub(crate) fn for_each(&self, workers: Workers, units: &dyn Units) -> Result<()> {
        let ended = match Turns::for_store(units.dest().as_ref()) {
            Some(turns) if workers.threads() > 1 => self.in_turns(workers, units, &turns),
            _ => workers.for_each(units.len(), &|index| self.unit(index, units, None)),
        };
        if let (Err(_), Some(ledger)) = (&ended, self.ledger) {
            ledger.write_down()?;
        }
        ended
    }

    /// Does units of work whose keys are set in the order of the units, as in an archive, whatever thread is first:
    /// what each thread has done waits in memory for its turn.
    fn in_turns(&self, workers: Workers, units: &dyn Units, turns: &Turns) -> Result<()> {
        let groups = Groups::new(units);
        let free = Mutex::new(Vec::new());
        let free = || free.lock().unwrap_or_else(PoisonError::into_inner);
        workers.for_each(units.len(), &|_| {
            // There are at most as many groups as units.
            let Some((number, group)) = groups.take()? else {
                return Ok(());
            };
            // Taken before anything may fail: whoever waits for this turn is then let go.
            let turn = turns.of(number);
            let taken = free().pop();
            let waiting: Arc<Waiting> = taken.unwrap_or_default();
            let store: Arc<dyn Store> = Arc::<Waiting>::clone(&waiting);
            let n_units = group.len();
            for index in group {
                self.unit(index, units, Some(&store))?;
                // As much as is kept when the sizes of units are not known and turn out to be large.
                if waiting.size() >= 2 * TURN_SIZE {
                    self.set_in_turn(&turn, &waiting, units)?;
                }
            }
            self.set_in_turn(&turn, &waiting, units)?;
            turn.done();
            groups.add_done(n_units, waiting.restart(2 * TURN_SIZE));
            drop(store);
            free().push(waiting);
            Ok(())
        })
    }

    /// Sets what waits, once it has its turn.
    fn set_in_turn(&self, turn: &Turn<'_>, waiting: &Waiting, units: &dyn Units) -> Result<()> {
        let _held = self.budget.hold(waiting.size());
        if turn.wait() {
            waiting.pass_on(units.dest().as_ref())?;
        }
        Ok(())
    }

    /// Does a unit that no ledger has, and tells of it.
    fn unit(&self, index: usize, units: &dyn Units, waiting: Option<&Arc<dyn Store>>) -> Result<()> {
        self.cancel.check()?;
        let number = units.number(index);
        match self.ledger {
            None => units.run(index, self.budget, waiting)?,
            Some(ledger) if ledger.has_unit(number) && is_done(units, index, &ledger)? => {}
            Some(ledger) => {
                if let Some(generation) = units.run_noted(index, self.budget, waiting)? {
                    ledger.add(number, generation, units.size(index)?, &|| units.flush())?;
                }
            }
        }
        (self.progress)(index, units.size(index)?);
        Ok(())
    }
}

/// The bytes that a unit takes, with what waits for its turn where keys have an order.
pub(crate) fn memory_in(dest: &dyn Store, unit_memory: u64) -> u64 {
    if dest.capabilities().deferred {
        unit_memory.saturating_mul(2).saturating_add(TURN_SIZE)
    } else {
        unit_memory
    }
}

/// Whether all units are in a ledger.
pub(crate) fn are_done(units: &dyn Units, ledger: &StepLedger<'_>) -> Result<bool> {
    for index in 0..units.len() {
        if !is_done(units, index, ledger)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a unit is in a ledger, from a source that is what it was.
fn is_done(units: &dyn Units, index: usize, ledger: &StepLedger<'_>) -> Result<bool> {
    let generation = units.generation(index)?;
    Ok(generation.is_some_and(|generation| ledger.has(units.number(index), generation)))
}

/// An array, or the same in a store where what is set waits for its turn.
pub(crate) fn in_store<'a>(array: &'a Array, waiting: Option<&Arc<dyn Store>>) -> Cow<'a, Array> {
    match waiting {
        None => Cow::Borrowed(array),
        Some(store) => Cow::Owned(array.clone().in_store(Arc::clone(store))),
    }
}

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
}

impl Boxes {
    /// Parts that cost little to read, and take little of the memory if they can.
    pub(crate) fn new(source: &dyn SourceArray, target: &Array, memory: Option<u64>) -> Self {
        let single = Self::of_shape(source, target, target.chunk_shape().to_vec());
        if source.chunk_grid().as_ref() == Some(&target.metadata().chunk_grid) {
            // Chunks that were never written stay so.
            return single;
        }
        let covering = single.covering_shape();
        let grown = single.grown(covering.clone());
        let mut candidates = vec![single, Self::of_shape(source, target, covering)];
        candidates.push(Self::of_shape(source, target, grown));
        let fits = |boxes: &Self, share: u64| memory.is_none_or(|limit| boxes.memory() <= limit / share);
        let best = [UNITS_AT_ONCE, 1]
            .iter()
            .find_map(|share| candidates.iter().rposition(|boxes| fits(boxes, *share)));
        candidates.swap_remove(best.unwrap_or(0))
    }

    /// Parts that cover whole chunks of either side, as small as such parts can be.
    pub(crate) fn covering(source: &dyn SourceArray, target: &Array) -> Self {
        let single = Self::of_shape(source, target, target.chunk_shape().to_vec());
        Self::of_shape(source, target, single.covering_shape())
    }

    fn of_shape(source: &dyn SourceArray, target: &Array, unit_shape: Vec<u64>) -> Self {
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
        Self {
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
        }
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

    /// The bytes that buffers take while a unit is worked on.
    pub(crate) fn memory(&self) -> u64 {
        let lengths = self.unit_shape.iter().zip(&self.array_shape);
        let values = lengths.fold(self.item_size, |size, (unit, length)| {
            size.saturating_mul((*unit).min(*length))
        });
        values.saturating_add(self.codec_memory)
    }

    /// The bytes that codecs need for a chunk of either side.
    pub(crate) const fn codec_memory(&self) -> u64 {
        self.codec_memory
    }

    /// First element and shape of a part.
    fn region(&self, number: usize) -> (Vec<u64>, Vec<u64>) {
        let parts = position(number as u64, &self.counts).into_iter().enumerate();
        parts
            .map(|(dimension, part)| {
                let n_chunks = self.n_chunks[dimension];
                let first_of = |chunk| self.target_grid.extent(dimension, chunk).0;
                let start = first_of(part * n_chunks);
                let end = first_of((part + 1).saturating_mul(n_chunks)).min(self.array_shape[dimension]);
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
    fn is_stored(&self, start: &[u64], shape: &[u64], stored: &HashSet<Vec<u64>>) -> bool {
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
pub(crate) struct Pieces {
    shape: Vec<u64>,
    /// The bytes that buffers take for a piece.
    memory: u64,
}

impl Pieces {
    /// Boxes of whole inner chunks and whole chunks of the source, if such are smaller than the parts.
    pub(crate) fn of(boxes: &Boxes, source: &dyn SourceArray, target: &Array) -> Option<Self> {
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

/// Parts that are decoded and encoded anew.
pub(crate) struct Recodes<'a> {
    pub(crate) source: &'a dyn SourceArray,
    /// How many threads and requests read a box.
    pub(crate) reading: Workers,
    pub(crate) target: Array,
    pub(crate) boxes: Boxes,
    /// The boxes in which a part is carried over, unless it is as a whole.
    pub(crate) pieces: Option<Pieces>,
    /// The chunks that the source has, if that is known.
    pub(crate) stored: Option<&'a HashSet<Vec<u64>>>,
}

impl Units for Recodes<'_> {
    fn len(&self) -> usize {
        self.boxes.len()
    }

    fn size(&self, index: usize) -> Result<u64> {
        let (_, shape) = self.boxes.region(index);
        let lengths = shape.iter();
        Ok(lengths.fold(self.boxes.item_size, |size, length| size.saturating_mul(*length)))
    }

    fn generation(&self, index: usize) -> Result<Option<u64>> {
        let (start, shape) = self.boxes.region(index);
        self.source.generation(&start, &shape)
    }

    fn dest(&self) -> &Arc<dyn Store> {
        self.target.store()
    }

    fn run(&self, index: usize, budget: &Budget, waiting: Option<&Arc<dyn Store>>) -> Result<()> {
        let (start, shape) = self.boxes.region(index);
        let is_stored = |stored| self.boxes.is_stored(&start, &shape, stored);
        if !self.stored.is_none_or(is_stored) {
            return Ok(());
        }
        let target = in_store(&self.target, waiting);
        if let Some(pieces) = &self.pieces {
            let n_threads = target.options().workers.threads() as u64;
            let _pieces = budget.hold(pieces.memory.saturating_mul(n_threads));
            // What waits for its turn does so as a whole.
            let size = self.size(index)?;
            let _waiting = waiting.map(|_| budget.hold(size));
            let grid = &target.metadata().chunk_grid;
            let chunk: Vec<_> = start
                .iter()
                .enumerate()
                .map(|(dimension, start)| grid.chunk_of(dimension, *start))
                .collect();
            return target.write_shard(&chunk, &pieces.shape, &|piece| {
                self.source.read(piece, self.reading)
            });
        }
        let selection = Selection::region(&start, &shape);
        // Of chunks that are read at the same time each is in memory.
        let n_at_once = self.reading.requests(self.dest().as_ref()) as u64;
        let _codecs = budget.hold(self.boxes.codec_memory.saturating_mul(n_at_once));
        let data = self.source.read(&selection, self.reading)?;
        let values = data.buffer.elements.len() + data.buffer.heap.len();
        // What waits for its turn is as much again, at most and about.
        let times = if waiting.is_some() { 2 } else { 1 };
        let _values = budget.hold(values as u64 * times);
        Ok(target.write_data(&selection, &data)?)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.target.store().flush()?)
    }
}
