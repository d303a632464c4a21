//! Reading shards: find inner chunks, fetch those at once that lie near each other, decode, copy.
//!
//! The unit of work is a piece: some leaf chunks of one shard. Threads that work on the same shard share what is
//! known of its index, which is read once a call.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use zarr_codecs::{ChunkCodec, CodecError, Scratch};
use zarr_store::{ByteRange, ReadBuffer, Store, StoreError, StoreKey};

use crate::{
    Error, Result, Workers,
    fetch::{ChunkFetch, Found, Levels, ShardFetch, Unusable, Version},
    read::{Encoded, ReadJob},
    shards::Shards,
    workers::Desk,
};

/// How often a piece is begun again because its shard was replaced meanwhile.
const ATTEMPTS_MAX: usize = 100;

/// The shards of one shape of one call to read, as its threads see them.
pub(crate) struct ShardReads<'j> {
    job: &'j ReadJob<'j>,
    /// Of the leaf chunks.
    codec: &'j ChunkCodec,
    levels: Levels<'j>,
    ratio: Vec<u64>,
    shards: Shards,
    open: Vec<Mutex<ShardFetch>>,
}

/// What a thread knows of the leaf chunks of its piece; the memory is used again.
#[derive(Debug, Default)]
pub(crate) struct Leaves {
    coords: Vec<u64>,
    list: Vec<Leaf>,
    wanted: Vec<u64>,
    found: Vec<Found>,
    ranges: Vec<ByteRange>,
}

/// A leaf chunk that is wanted.
#[derive(Debug)]
struct Leaf {
    /// Its number in the projection.
    chunk: usize,
    /// Its number in its shard.
    number: u64,
    fetch: ChunkFetch,
    /// The bytes of the shard to fetch.
    bytes: Range<u64>,
    /// Where they are: the part of the buffer.
    part: usize,
}

/// Whether the shard is still what it was when its index was read.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Same,
    Changed,
}

/// Reads all; `size` is the number of bytes that are decoded.
pub(crate) fn run(all: &[ShardReads<'_>], store: &dyn Store, workers: Workers, size: u64) -> Result<()> {
    let decoded_size = all.first().map_or(0, |reads| reads.codec.decoded_size());
    let n_chunks = all.first().map_or(0, |reads| reads.job.output.n_chunks());
    // A few pieces for each thread, so that none waits long for the last one.
    let is_alone = workers.requests(store) <= 1 && workers.worth(size).threads() == 1;
    let share = if is_alone {
        n_chunks
    } else {
        n_chunks / (workers.threads() * 4)
    };
    let piece = (request_size_max(store, workers) as usize / decoded_size.max(1))
        .min(share)
        .max(1);
    let pieces: Vec<_> = all
        .iter()
        .flat_map(|reads| {
            reads
                .shards
                .pieces(piece)
                .into_iter()
                .map(move |piece| (reads, piece))
        })
        .collect();
    let extent = (pieces.len(), size, decoded_size.saturating_mul(piece));
    workers.run_on(store, extent, &|number, desk| {
        let (reads, (shard, places)) = &pieces[number];
        let read = reads.piece(*shard, places.clone(), desk);
        // The next piece is of another shard once this one is done with, or another thread is at it.
        if places.end == reads.shards.n_chunks(*shard) {
            reads.open(*shard).forget();
        }
        read
    })
}

impl<'j> ShardReads<'j> {
    /// Those of a group of the job's projection.
    pub(crate) fn new(job: &'j ReadJob<'j>, group: usize, levels: Levels<'j>) -> Self {
        let ratio = levels.ratio(job.array.ndim());
        let shards = Shards::new(job.output.projection(), group, &ratio);
        let open = (0..shards.len()).map(|_| Mutex::default()).collect();
        Self {
            job,
            codec: job.codec_of(group),
            levels,
            ratio,
            shards,
            open,
        }
    }

    fn open(&self, shard: usize) -> std::sync::MutexGuard<'_, ShardFetch> {
        self.open[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads some of the chunks that are wanted of a shard.
    fn piece(&self, shard: usize, places: Range<usize>, desk: &mut Desk) -> Result<()> {
        let mut own = std::mem::take(&mut desk.leaves);
        own.list.clear();
        for place in places {
            let chunk = self.shards.chunk(shard, place);
            let share = self.job.output.projection().chunk(chunk, &mut desk.parts);
            own.coords.clear();
            own.coords.extend(share.coords());
            own.list.push(Leaf {
                chunk,
                number: self.levels.number(&own.coords),
                fetch: ChunkFetch::new(self.codec, share),
                bytes: 0..0,
                part: 0,
            });
        }
        let coords = own
            .coords
            .iter()
            .zip(&self.ratio)
            .map(|(coord, ratio)| coord / ratio);
        let key = self.job.array.chunk_key_of(coords, String::new())?;
        for _ in 0..ATTEMPTS_MAX {
            let version = self.find(shard, &key, &mut own, desk)?;
            if self.fetch(&key, version, &mut own, desk)? == State::Same {
                desk.leaves = own;
                return Ok(());
            }
            self.open(shard).forget();
            self.job.array.kept_indices().forget(&key);
        }
        Err(self.restless(&key))
    }

    fn restless(&self, key: &StoreKey) -> Error {
        StoreError::restless(self.job.array.store().describe(key.as_str())).into()
    }

    /// Finds the leaf chunks in their shard, fills the places of those that are not there, and tells which value of
    /// the shard that was.
    fn find(&self, shard: usize, key: &StoreKey, own: &mut Leaves, desk: &mut Desk) -> Result<Version> {
        own.wanted.clear();
        own.wanted.extend(own.list.iter().map(|leaf| leaf.number));
        let version = self
            .look_up(&mut self.open(shard), key, own, desk)
            .map_err(|error| self.index_error(error, key, own))?;
        for (leaf, found) in own.list.iter_mut().zip(&own.found) {
            leaf.bytes = match found {
                Found::At(bytes) if leaf.fetch.is_part() => {
                    self.check_size(bytes)
                        .map_err(|error| self.leaf_error(leaf, key, error))?;
                    leaf.fetch.within(bytes)
                }
                Found::At(bytes) => bytes.clone(),
                Found::Missing => {
                    self.job.output.take(leaf.chunk, &mut desk.parts).fill();
                    leaf.part = usize::MAX;
                    continue;
                }
            };
        }
        own.list.retain(|leaf| leaf.part != usize::MAX);
        own.list.sort_unstable_by_key(|leaf| leaf.bytes.start);
        Ok(version)
    }

    /// Looks the leaf chunks up in what earlier calls have learnt of their shard, or else in its index.
    fn look_up(
        &self,
        fetch: &mut ShardFetch,
        key: &StoreKey,
        own: &mut Leaves,
        desk: &mut Desk,
    ) -> Result<Version, Unread> {
        let array = self.job.array;
        let (store, kept, size_max) = (
            array.store().as_ref(),
            array.kept_indices(),
            array.options().index_cache_size,
        );
        fetch.remember(|| kept.find(key, size_max));
        let was_remembered = fetch.is_remembered();
        let mut learn = |fetch: &mut ShardFetch| {
            let memory = (&mut desk.read, &mut desk.work.scratch);
            learn(fetch, &self.levels, (store, key), own, memory)?;
            Ok(own.found.contains(&Found::Missing))
        };
        // What is there is read, and then tells whether the index still holds; what is missing is not.
        if learn(fetch)?
            && fetch.is_remembered()
            && !fetch
                .version()
                .may_be(store.generation(key).map_err(Unread::Store)?)
        {
            fetch.forget();
            learn(fetch)?;
        }
        if let Some(learnt) = fetch.news() {
            kept.keep(key, learnt, size_max);
        } else if was_remembered && !fetch.is_remembered() {
            kept.forget(key);
        }
        Ok(fetch.version())
    }

    /// Fetches and decodes the leaf chunks, until all are done or the shard has changed; those that are done are
    /// left out of the list then.
    fn fetch(&self, key: &StoreKey, version: Version, own: &mut Leaves, desk: &mut Desk) -> Result<State> {
        let store = self.job.array.store().as_ref();
        let workers = self.job.array.options().workers;
        let hints = (request_size_max(store, workers), store.io_hints().gap_max);
        let mut done = 0;
        while done < own.list.len() {
            let (end, size) = gather(&mut own.list[done..], hints, &mut own.ranges);
            desk.read.set_limit(size);
            let is_same = match store.get_ranges(key, &own.ranges, &mut desk.read) {
                Ok(true) => version.may_be(desk.read.generation()),
                // Nothing of it lay outside when the index was read.
                Ok(false) | Err(StoreError::OutOfRange { .. }) => false,
                Err(error) => return Err(error.into()),
            };
            if !is_same {
                own.list.drain(..done);
                return Ok(State::Changed);
            }
            for leaf in &own.list[done..done + end] {
                let ByteRange::Part { offset, .. } = own.ranges[leaf.part] else {
                    unreachable!("only parts are gathered")
                };
                let start = (leaf.bytes.start - offset) as usize;
                let encoded = Encoded {
                    bytes: &desk.read.part(leaf.part)[start..]
                        [..(leaf.bytes.end - leaf.bytes.start) as usize],
                    fetch: leaf.fetch,
                };
                let mut place = self.job.output.take(leaf.chunk, &mut desk.parts);
                self.job
                    .put(&mut place, encoded, &mut desk.work)
                    .map_err(|error| self.leaf_error(leaf, key, error))?;
            }
            done += end;
        }
        Ok(State::Same)
    }

    /// Checks the size of a chunk of which only a part will be read.
    fn check_size(&self, bytes: &Range<u64>) -> Result<(), CodecError> {
        let (expected, got) = (self.codec.decoded_size() as u64, bytes.end - bytes.start);
        if got == expected {
            return Ok(());
        }
        Err(CodecError::Size { expected, got })
    }

    /// An error of the index of a shard.
    fn index_error(&self, error: Unread, key: &StoreKey, own: &Leaves) -> Error {
        let shard = own
            .coords
            .iter()
            .zip(&self.ratio)
            .map(|(coord, ratio)| coord / ratio);
        match error {
            Unread::Store(error) => error.into(),
            Unread::Damaged(error) => self.job.array.chunk_error(shard.collect(), key, error),
            Unread::Restless => self.restless(key),
        }
    }

    /// An error of an inner chunk.
    fn leaf_error(&self, leaf: &Leaf, key: &StoreKey, source: CodecError) -> Error {
        let mut parts = Vec::new();
        let chunk: Vec<_> = self
            .job
            .output
            .projection()
            .chunk(leaf.chunk, &mut parts)
            .coords()
            .collect();
        inner_error(self.job.array, chunk, &self.ratio, key, source)
    }
}

/// An error of an inner chunk of an array.
pub(crate) fn inner_error(
    array: &crate::Array,
    chunk: Vec<u64>,
    ratio: &[u64],
    key: &StoreKey,
    source: CodecError,
) -> Error {
    let shard = chunk
        .iter()
        .zip(ratio)
        .map(|(coord, ratio)| coord / ratio)
        .collect();
    let source = Box::new(source);
    array.chunk_error(shard, key, CodecError::InnerChunk { chunk, source })
}

/// Why the indices of a shard could not be read.
pub(crate) enum Unread {
    Store(StoreError),
    Damaged(CodecError),
    Restless,
}

/// Reads the indices that tell where the wanted chunks are.
fn learn(
    fetch: &mut ShardFetch,
    levels: &Levels<'_>,
    value: (&dyn Store, &StoreKey),
    own: &mut Leaves,
    memory: (&mut ReadBuffer, &mut Scratch),
) -> Result<(), Unread> {
    let Leaves { wanted, found, .. } = own;
    drive(fetch, levels, value, memory, |fetch| {
        fetch.next(levels, wanted, found)
    })
}

/// Fetches what a machine asks for, until it asks for nothing.
pub(crate) fn drive(
    fetch: &mut ShardFetch,
    levels: &Levels<'_>,
    (store, key): (&dyn Store, &StoreKey),
    (read, scratch): (&mut ReadBuffer, &mut Scratch),
    mut next: impl FnMut(&mut ShardFetch) -> Vec<ByteRange>,
) -> Result<(), Unread> {
    for _ in 0..ATTEMPTS_MAX {
        let ranges = next(fetch);
        if ranges.is_empty() {
            return Ok(());
        }
        read.set_limit(u64::MAX);
        match store.get_ranges(key, &ranges, read) {
            Ok(true) => {}
            Ok(false) => {
                fetch.reply_absent(levels);
                continue;
            }
            Err(StoreError::OutOfRange { .. }) if fetch.is_present() => {
                fetch.forget();
                continue;
            }
            Err(error) => return Err(Unread::Store(error)),
        }
        let size = match read.value_size() {
            Some(size) => Some(size),
            None => store.size(key).map_err(Unread::Store)?,
        };
        match fetch.reply(levels, read, size.unwrap_or(0), scratch) {
            Ok(()) | Err(Unusable::Changed) => {}
            Err(Unusable::Damaged(error)) => return Err(Unread::Damaged(error)),
        }
    }
    Err(Unread::Restless)
}

/// How many bytes of a shard are fetched at once, in whole chunks.
fn request_size_max(store: &dyn Store, workers: Workers) -> u64 {
    // What is fetched from a disk is decoded while it is in the processor's cache; what comes from afar had better
    // come in few requests.
    if workers.is_far(store) { 16 << 20 } else { 1 << 20 }
}

/// Makes one request of the first of the leaf chunks, which are sorted by place: gives how many, and the bytes.
fn gather(leaves: &mut [Leaf], (size_max, gap_max): (u64, u64), ranges: &mut Vec<ByteRange>) -> (usize, u64) {
    ranges.clear();
    let mut size = 0;
    let mut last = 0..0_u64;
    for (index, leaf) in leaves.iter_mut().enumerate() {
        let bytes = leaf.bytes.clone();
        let is_near = !ranges.is_empty() && bytes.start <= last.end.saturating_add(gap_max);
        let next = if is_near {
            last.start..last.end.max(bytes.end)
        } else {
            bytes
        };
        let more = (next.end - next.start) - if is_near { last.end - last.start } else { 0 };
        if index > 0 && size + more > size_max {
            return (index, size);
        }
        size += more;
        if is_near {
            ranges.pop();
        }
        ranges.push(ByteRange::Part {
            offset: next.start,
            length: next.end - next.start,
        });
        leaf.part = ranges.len() - 1;
        last = next;
    }
    (leaves.len(), size)
}
