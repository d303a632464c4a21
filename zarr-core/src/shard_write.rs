//! Writing shards: inner chunks are encoded and added one by one.
//!
//! A shard that is covered whole is written without a look at the old one. Else, under the lock of its key, the new
//! one is put together of the inner chunks that change and, as they are, the bytes of those that do not:
//!
//! ```text
//! old  | 0 | 1 | 2 | 3 | index |
//! new  | 0 | 1 | 2'| 3 | index |      what is written lies in 2; 0, 1 and 3 are copied without being decoded
//! ```
//!
//! Never more than an inner chunk of decoded data is in memory for each thread.

use std::ops::Range;

use zarr_codecs::{ChunkCodec, IndexLocation, ShardIndex};
use zarr_store::{ReadBuffer, Store, StoreKey};

use crate::{
    Result, Workers,
    fetch::{Levels, ShardFetch},
    new_shard::NewShard,
    shard_pieces::put_together,
    shard_read::{Unread, drive, inner_error},
    shards::Shards,
    turns::Turn,
    workers::{Desk, Work},
    write::WriteJob,
};

/// The shards of one shape of one call to write, as its threads see them.
pub(crate) struct ShardWrites<'j> {
    job: &'j WriteJob<'j>,
    /// Of the leaf chunks.
    codec: &'j ChunkCodec,
    /// The size of a shard in memory.
    decoded_size: usize,
    levels: Levels<'j>,
    ratio: Vec<u64>,
    shards: Shards,
}

/// A leaf chunk that is written to.
#[derive(Debug, Clone, Copy)]
struct Touched {
    /// Its number in its shard.
    number: u64,
    /// Its number in the projection.
    chunk: usize,
}

/// Writes all; `size` is the number of bytes that are written.
pub(crate) fn run(all: &[ShardWrites<'_>], store: &dyn Store, workers: Workers, size: u64) -> Result<()> {
    // A smaller shard is not worth several threads.
    const SHARED_SIZE_MIN: u64 = 2 << 20;
    let shards: Vec<_> = all
        .iter()
        .flat_map(|writes| (0..writes.shards.len()).map(move |shard| (writes, shard)))
        .collect();
    if shards.len() < workers.threads()
        && size / shards.len().max(1) as u64 >= SHARED_SIZE_MIN
        && shards.iter().all(|(writes, shard)| writes.is_new(*shard))
    {
        // All threads work at one shard after the other.
        return shards
            .iter()
            .enumerate()
            .try_for_each(|(number, (writes, shard))| {
                let turn = writes.job.turns.as_ref().map(|turns| turns.of(number));
                writes.shard_by_all(*shard, (workers, size), turn.as_ref())?;
                if let Some(turn) = turn {
                    turn.done();
                }
                Ok(())
            });
    }
    let decoded_size = all.iter().map(|writes| writes.decoded_size).max().unwrap_or(0);
    let extent = (shards.len(), size, decoded_size);
    workers.run_on(store, extent, &|number, desk| {
        let (writes, shard) = shards[number];
        let turn = writes.job.turns.as_ref().map(|turns| turns.of(number));
        writes.shard(shard, desk, turn.as_ref())?;
        if let Some(turn) = turn {
            turn.done();
        }
        Ok(())
    })
}

impl<'j> ShardWrites<'j> {
    /// Those of a group of the job's projection, whose chunks have these codecs.
    pub(crate) fn new(job: &'j WriteJob<'j>, group: usize, codec: &'j ChunkCodec) -> Self {
        let levels = Levels::of(codec);
        let ratio = levels.ratio(job.array.ndim());
        Self {
            shards: Shards::new(&job.projection, group, &ratio),
            job,
            codec: job.codec_of(group),
            decoded_size: codec.decoded_size(),
            levels,
            ratio,
        }
    }

    /// What is written to of a shard, by number, and the key of the shard.
    fn touched(&self, shard: usize) -> Result<(Vec<Touched>, StoreKey)> {
        let mut parts = Vec::new();
        let mut coords = Vec::new();
        let mut touched: Vec<_> = (0..self.shards.n_chunks(shard))
            .map(|place| {
                let chunk = self.shards.chunk(shard, place);
                coords.clear();
                coords.extend(self.job.projection.chunk(chunk, &mut parts).coords());
                Touched {
                    number: self.levels.number(&coords),
                    chunk,
                }
            })
            .collect();
        touched.sort_unstable_by_key(|touched| touched.number);
        let coords = coords.iter().zip(&self.ratio).map(|(coord, ratio)| coord / ratio);
        let key = self.job.array.chunk_key_of(coords, String::new())?;
        Ok((touched, key))
    }

    /// Whether nothing remains of a shard whose inner chunks are no shards.
    fn is_new(&self, shard: usize) -> bool {
        let touched = self.touched(shard);
        self.levels.depth() == 1 && touched.is_ok_and(|(touched, _)| self.replaces(&touched, &self.ratio))
    }

    /// Writes a shard of which nothing old remains, on all threads.
    fn shard_by_all(
        &self,
        shard: usize,
        (workers, size): (Workers, u64),
        turn: Option<&Turn<'_>>,
    ) -> Result<()> {
        /// The bytes of values that a thread encodes between two turns, about.
        const PIECE_SIZE: usize = 512 << 10;
        let (touched, key) = self.touched(shard)?;
        let share = touched.len() / (workers.threads() * 4);
        let n_chunks = (PIECE_SIZE / self.codec.decoded_size().max(1)).min(share).max(1);
        let pieces: Vec<_> = touched.chunks(n_chunks).collect();
        let store = self.job.array.store().as_ref();
        let new = put_together(
            (self.job.array, &key, self.levels.shard(0)),
            NewShard::new(store, &key, Vec::new()),
            (workers, pieces.len(), size),
            &|number, piece, desk| {
                let chunks = pieces[number]
                    .iter()
                    .map(|touched| (touched.number, touched.chunk));
                piece.encode(self.job, chunks, (&self.levels, &key), desk)
            },
        )?;
        if !turn.is_none_or(Turn::wait) {
            return Ok(());
        }
        match new {
            None => self.job.locks.erase(&key)?,
            Some(new) => {
                let _guard = self.job.locks.lock(&key)?;
                new.publish()?;
            }
        }
        Ok(())
    }

    fn shard(&self, shard: usize, desk: &mut Desk, turn: Option<&Turn<'_>>) -> Result<()> {
        let (touched, key) = self.touched(shard)?;
        let replaces = self.replaces(&touched, &self.ratio);
        // Not with the lock in hand, which others may need to come to their turns.
        if !replaces && !turn.is_none_or(Turn::wait) {
            return Ok(());
        }
        // What is put together of nothing old need not be locked before it takes its place.
        let guard = if replaces {
            None
        } else {
            Some(self.job.locks.lock(&key)?)
        };
        let store = self.job.array.store().as_ref();
        let bytes = std::mem::take(&mut desk.shard);
        let mut writing = Writing {
            writes: self,
            key: &key,
            parts: Vec::new(),
            old: (!replaces).then(ShardFetch::default),
            new: NewShard::new(store, &key, bytes),
            read: &mut desk.read,
            work: &mut desk.work,
        };
        let written = writing.level((0, 0), &touched, !replaces, 0)?;
        let Writing { new, .. } = writing;
        if !turn.is_none_or(Turn::wait) {
            return Ok(());
        }
        match written {
            None if replaces => self.job.locks.erase(&key)?,
            None => store.erase(&key)?,
            Some(_) => {
                let _guard = match guard {
                    Some(guard) => guard,
                    None => self.job.locks.lock(&key)?,
                };
                desk.shard = new.publish()?;
            }
        }
        Ok(())
    }

    /// Whether nothing remains of a box of `leaves` leaf chunks along each dimension in which all that is touched
    /// lies.
    fn replaces(&self, touched: &[Touched], leaves: &[u64]) -> bool {
        let mut parts = Vec::new();
        let all_whole = touched.iter().all(|touched| {
            let share = self.job.projection.chunk(touched.chunk, &mut parts);
            self.job.replaces(share)
        });
        let Some(first) = touched.first().filter(|_| all_whole) else {
            return false;
        };
        let share = self.job.projection.chunk(first.chunk, &mut parts);
        let lengths = self.codec.spec().shape.iter().zip(leaves);
        let n_leaves: u64 = share
            .parts()
            .iter()
            .zip(lengths)
            .map(|(part, (leaf, leaves))| {
                let before = part.chunk % leaves;
                (part.room.div_ceil(*leaf) + before).min(*leaves)
            })
            .product();
        n_leaves == touched.len() as u64
    }
}

/// One shard that is being written by one thread.
struct Writing<'w> {
    writes: &'w ShardWrites<'w>,
    key: &'w StoreKey,
    parts: Vec<crate::projection::Part>,
    /// What is known of the shard that is replaced, unless nothing remains of it.
    old: Option<ShardFetch>,
    new: NewShard<'w>,
    read: &'w mut ReadBuffer,
    work: &'w mut Work,
}

impl Writing<'_> {
    /// Writes a shard, known by its level and number; gives its place in the outermost one, or `None` if nothing is
    /// in it.
    ///
    /// Unless nothing is in it, `room` bytes come before it.
    fn level(
        &mut self,
        (level, number): (usize, u64),
        touched: &[Touched],
        has_old: bool,
        room: u64,
    ) -> Result<Option<Range<u64>>> {
        let writes = self.writes;
        let shard = writes.levels.shard(level);
        let n_chunks = shard.n_chunks() as u64;
        let n_leaves = writes.levels.n_inner_leaves(level);
        let inner_of = |touched: &Touched| (touched.number / n_leaves % n_chunks) as usize;
        let old = if has_old {
            Some(self.old_index(level, number)?)
        } else {
            None
        };
        let old_of = |inner: usize| {
            let (index, start) = old.as_ref()?;
            let bytes = index.get(inner)?;
            Some(start + bytes.start..start + bytes.end)
        };
        let own_room = match shard.location() {
            IndexLocation::Start => shard.index_size() as u64,
            IndexLocation::End => 0,
        };
        let mut index = ShardIndex::empty(n_chunks as usize);
        let mut start = None;
        for (_, inner) in order(touched, inner_of, old.as_ref().map(|(index, _)| index)) {
            let first = touched.partition_point(|touched| inner_of(touched) < inner);
            let end = touched.partition_point(|touched| inner_of(touched) <= inner);
            let before = self.new.size();
            let room_before = if start.is_none() { room + own_room } else { 0 };
            let written = match (&touched[first..end], old_of(inner)) {
                ([], Some(old)) => {
                    self.new.reserve(room_before, self.read)?;
                    Some(self.new.keep(old, self.read)?)
                }
                (touched, old) => {
                    let number = number * n_chunks + inner as u64;
                    self.inner((level, number), touched, old, room_before)?
                }
            };
            if let Some(written) = written {
                let start = *start.get_or_insert(before + room);
                index.set(inner, written.start - start..written.end - start);
            }
        }
        let Some(start) = start else { return Ok(None) };
        let encoded = shard
            .encode_index(&index, &mut self.work.scratch)
            .map_err(|error| writes.job.array.chunk_error(Vec::new(), self.key, error))?;
        self.new.finish_keeping(self.read)?;
        match shard.location() {
            IndexLocation::Start => self.new.overwrite(start, encoded)?,
            IndexLocation::End => self.new.append(encoded)?,
        }
        Ok(Some(start..self.new.size()))
    }

    /// Writes an inner chunk of a level that changes, behind `room` bytes unless nothing is in it.
    fn inner(
        &mut self,
        (level, number): (usize, u64),
        touched: &[Touched],
        old: Option<Range<u64>>,
        room: u64,
    ) -> Result<Option<Range<u64>>> {
        let writes = self.writes;
        if level + 1 < writes.levels.depth() {
            let has_old = old.is_some() && !writes.replaces(touched, writes.levels.inner_leaves(level));
            return self.level((level + 1, number), touched, has_old, room);
        }
        let job = writes.job;
        let share = job.projection.chunk(touched[0].chunk, &mut self.parts);
        let old = old.filter(|_| !job.replaces(share));
        let is_there = old.is_some();
        if let Some(old) = old {
            self.new.read_old(old, self.read)?;
        }
        let encoded = job
            .encode(share, is_there.then(|| self.read.part(0)), self.work)
            .map_err(|error| {
                inner_error(
                    job.array,
                    share.coords().collect(),
                    &writes.ratio,
                    self.key,
                    error,
                )
            })?;
        let Some(encoded) = encoded else { return Ok(None) };
        // What is kept is read to the same buffer, which is not needed any more.
        self.new.finish_keeping(self.read)?;
        self.new.reserve(room, self.read)?;
        let start = self.new.size();
        self.new.append(encoded)?;
        Ok(Some(start..self.new.size()))
    }

    /// The index of the shard that is replaced, and where that shard begins.
    fn old_index(&mut self, level: usize, number: u64) -> Result<(ShardIndex, u64)> {
        let writes = self.writes;
        let (levels, array) = (&writes.levels, writes.job.array);
        let value = (array.store().as_ref(), self.key);
        let Some(old) = &mut self.old else {
            return Ok((ShardIndex::empty(levels.shard(level).n_chunks()), 0));
        };
        // Any leaf chunk in it will do.
        let leaf = number * levels.n_inner_leaves(level) * levels.shard(level).n_chunks() as u64;
        let mut found = Vec::new();
        drive(old, levels, value, (self.read, &mut self.work.scratch), |old| {
            if old.index(level, number).is_some() {
                return Vec::new();
            }
            old.next(levels, &[leaf], &mut found)
        })
        .map_err(|error| match error {
            Unread::Store(error) => error.into(),
            Unread::Damaged(error) => array.chunk_error(Vec::new(), self.key, error),
            Unread::Restless => self.new.changed(),
        })?;
        self.new.is_of(old.generation())?;
        // It is missing if another program has replaced the shard since the index above it was read.
        let (index, start) = old.index(level, number).ok_or_else(|| self.new.changed())?;
        Ok((index.clone(), start))
    }
}

/// The inner chunks that the new shard may have, in the order in which they lie in the old one; what is new comes
/// last.
fn order(
    touched: &[Touched],
    inner_of: impl Fn(&Touched) -> usize,
    old: Option<&ShardIndex>,
) -> Vec<(u64, usize)> {
    let place = |inner: usize| old?.get(inner).map(|bytes| bytes.start);
    let kept = old.into_iter().flat_map(ShardIndex::present);
    let mut order: Vec<_> = kept
        .map(|inner| (place(inner).unwrap_or_default(), inner))
        .collect();
    for group in touched.chunk_by(|one, other| inner_of(one) == inner_of(other)) {
        let inner = inner_of(&group[0]);
        if place(inner).is_none() {
            order.push((u64::MAX, inner));
        }
    }
    order.sort_unstable();
    order
}
