//! Shards of which nothing old remains, put together of pieces that several threads encode.
//!
//! A piece is some inner chunks of a shard. Who has encoded one adds it when those before it were added, so the same
//! values make the same bytes however many threads there are. Of values that are asked for, only the pieces that are
//! worked on are in memory.

use std::sync::{Mutex, PoisonError};

use zarr_codecs::{IndexLocation, Shard, ShardIndex};
use zarr_store::StoreKey;

use crate::{
    Array, ArrayData, Error, Result, Selection, Workers, fetch::Levels, given::Values, locks::StoreLocks,
    new_shard::NewShard, shard_read::inner_error, turns::Turns, workers::Desk, write::WriteJob,
};

/// Inner chunks of a piece, as they will be stored.
#[derive(Debug, Default)]
pub(crate) struct EncodedPiece {
    bytes: Vec<u8>,
    /// The number in the shard and the size of each.
    chunks: Vec<(usize, usize)>,
}

impl EncodedPiece {
    /// The bytes of memory that are kept for the next piece.
    pub(crate) const fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Encodes inner chunks by their numbers in the shard and in the projection of a job, which replaces them.
    pub(crate) fn encode(
        &mut self,
        job: &WriteJob<'_>,
        chunks: impl Iterator<Item = (u64, usize)>,
        (levels, key): (&Levels<'_>, &StoreKey),
        desk: &mut Desk,
    ) -> Result<()> {
        let Desk { parts, work, .. } = desk;
        for (number, chunk) in chunks {
            let share = job.projection.chunk(chunk, parts);
            let encoded = job.encode(share, None, work).map_err(|error| {
                let ratio = levels.ratio(job.array.ndim());
                inner_error(job.array, share.coords().collect(), &ratio, key, error)
            })?;
            if let Some(encoded) = encoded {
                self.bytes.extend_from_slice(encoded);
                self.chunks.push((number as usize, encoded.len()));
            }
        }
        Ok(())
    }
}

/// A shard to which pieces are added.
struct Growing<'w> {
    new: NewShard<'w>,
    index: ShardIndex,
}

impl Growing<'_> {
    fn add(&mut self, piece: &EncodedPiece, shard: &Shard) -> Result<()> {
        if piece.chunks.is_empty() {
            return Ok(());
        }
        if self.new.size() == 0 && shard.location() == IndexLocation::Start {
            self.new.append(&vec![0; shard.index_size()])?;
        }
        let mut start = self.new.size();
        self.new.append(&piece.bytes)?;
        for &(number, size) in &piece.chunks {
            let end = start + size as u64;
            self.index.set(number, start..end);
            start = end;
        }
        Ok(())
    }
}

/// Puts a shard together of pieces, numbered from 0, which `encode` encodes; gives it unless nothing is in it.
///
/// `size` is the number of bytes that are encoded.
///
/// # Errors
/// The first error of a piece.
pub(crate) fn put_together<'w, E: From<Error> + Send>(
    (array, key, shard): (&Array, &StoreKey, &Shard),
    new: NewShard<'w>,
    (workers, n_pieces, size): (Workers, usize, u64),
    encode: &(dyn Fn(usize, &mut EncodedPiece, &mut Desk) -> Result<(), E> + Sync),
) -> Result<Option<NewShard<'w>>, E> {
    let index = ShardIndex::empty(shard.n_chunks());
    let growing = Mutex::new(Growing { new, index });
    let turns = Turns::default();
    workers.run(n_pieces, size, &|number, desk| {
        let turn = turns.of(number);
        let mut piece = std::mem::take(&mut desk.piece);
        piece.bytes.clear();
        piece.chunks.clear();
        encode(number, &mut piece, desk)?;
        if turn.wait() {
            let mut growing = growing.lock().unwrap_or_else(PoisonError::into_inner);
            growing.add(&piece, shard)?;
        }
        turn.done();
        desk.piece = piece;
        Ok::<_, E>(())
    })?;
    let Growing { mut new, index } = growing.into_inner().unwrap_or_else(PoisonError::into_inner);
    if index.is_empty() {
        return Ok(None);
    }
    let mut desk = Desk::default();
    let encoded = shard
        .encode_index(&index, &mut desk.work.scratch)
        .map_err(|error| array.chunk_error(Vec::new(), key, error))?;
    match shard.location() {
        IndexLocation::Start => new.overwrite(0, encoded)?,
        IndexLocation::End => new.append(encoded)?,
    }
    Ok(Some(new))
}

impl Array {
    /// Whether chunks are shards that [`Array::write_shard`] writes: of plain inner chunks, and not of shards.
    ///
    /// # Errors
    /// [`Error::Codecs`] when the data type or a codec is not known.
    pub fn has_plain_shards(&self) -> Result<bool> {
        let codec = self.chunk_codec()?;
        Ok(codec.shard().is_some_and(|shard| shard.inner().shard().is_none()))
    }

    /// Replaces a chunk, which is a shard, by values that are asked for piece by piece, so that the chunk is never in
    /// memory as a whole where the store takes it in pieces.
    ///
    /// A piece is a box of whole inner chunks: of `piece_shape` elements, or as far as the chunk and the array go. Each
    /// thread of [`Options::workers`](crate::Options::workers) has one at a time.
    ///
    /// # Errors
    /// [`Error::Incompatible`] when chunks are no shards, or of shards, or pieces not whole inner chunks;
    /// [`Error::Selection`] for a chunk beyond the array; those of `values`; and those of [`Array::write_data`]. The
    /// chunk is then what it was before.
    ///
    /// ```
    /// use zarr_core::{ArrayBuilder, Error, NodePath, Selection, ZarrFormat, codecs::DataType, store::MemoryStore};
    /// let builder = ArrayBuilder::new(vec![8], DataType::Int16).chunk_shape(vec![2]).shard_shape(vec![8]);
    /// let store = std::sync::Arc::new(MemoryStore::new());
    /// let from = builder.format(ZarrFormat::V3).create(store, &NodePath::new("a")?, &Default::default())?;
    /// from.write_vec(&Selection::all(), &[1_i16, 2, 3, 4, 5, 6, 7, 8])?;
    /// let to = ArrayBuilder::like(&from).create(from.store().clone(), &NodePath::new("b")?, &Default::default())?;
    /// to.write_shard::<Error>(&[0], &[4], &|piece| from.read_data(piece))?;
    /// assert_eq!(to.read_vec::<i16>(&Selection::all())?, [1, 2, 3, 4, 5, 6, 7, 8]);
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn write_shard<E: From<Error> + Send>(
        &self,
        chunk_coords: &[u64],
        piece_shape: &[u64],
        values: &(dyn Fn(&Selection) -> Result<ArrayData, E> + Sync),
    ) -> Result<(), E> {
        self.check_writable()?;
        let key = self.chunk_key(chunk_coords)?;
        let grid_shape = self.grid_shape();
        if chunk_coords
            .iter()
            .zip(&grid_shape)
            .any(|(at, count)| at >= count)
        {
            let reason = format!("chunk {chunk_coords:?} of {grid_shape:?}");
            return Err(Error::selection(reason).into());
        }
        let grid = &self.metadata().chunk_grid;
        let codec = self.chunk_codec_for(grid.shape_of(chunk_coords))?;
        let leaf = codec.leaf().spec().shape.as_slice();
        let Some(shard) = codec.shard().filter(|shard| shard.inner().shard().is_none()) else {
            return Err(self
                .incompatible("chunks are no shards, or shards of shards")
                .into());
        };
        let is_whole = |(piece, inner): (&u64, &u64)| *piece > 0 && piece % inner == 0;
        if piece_shape.len() != leaf.len() || !piece_shape.iter().zip(leaf).all(is_whole) {
            let reason = format!("a piece of {piece_shape:?} is not made of inner chunks of {leaf:?}");
            return Err(self.incompatible(&reason).into());
        }
        let pieces = Pieces::new(self, chunk_coords, piece_shape);
        let levels = Levels::of(&codec);
        let new = NewShard::new(self.store().as_ref(), &key, Vec::new());
        let extent = (self.options().workers, pieces.len(), u64::MAX);
        let new = put_together::<E>((self, &key, shard), new, extent, &|number, piece, desk| {
            let selection = pieces.selection(number);
            let data = values(&selection)?;
            let asked = self.ask(&selection)?;
            self.check_given(&asked, &data)?;
            let values = Values::Elements(data.buffer.as_ref());
            self.with_job(&asked, values, |job| {
                let (mut parts, mut coords) = (Vec::new(), Vec::new());
                let numbers = (0..job.projection.n_chunks()).map(|chunk| {
                    coords.clear();
                    coords.extend(job.projection.chunk(chunk, &mut parts).coords());
                    (levels.number(&coords), chunk)
                });
                piece.encode(job, numbers, (&levels, &key), desk)
            })?;
            Ok(())
        })?;
        let locks = StoreLocks::of_chunks(self);
        match new {
            None => locks.erase(&key).map_err(Error::from)?,
            Some(new) => {
                let _guard = locks.lock(&key).map_err(Error::from)?;
                new.publish()?;
            }
        }
        Ok(())
    }
}

/// The boxes that a chunk is cut into, in C order.
struct Pieces<'a> {
    /// The first element of the chunk, and the one behind its last, in each dimension.
    bounds: Vec<(u64, u64)>,
    shape: &'a [u64],
    counts: Vec<u64>,
}

impl<'a> Pieces<'a> {
    fn new(array: &Array, chunk_coords: &[u64], shape: &'a [u64]) -> Self {
        let grid = &array.metadata().chunk_grid;
        let bounds: Vec<_> = array
            .shape()
            .iter()
            .zip(chunk_coords)
            .enumerate()
            .map(|(dimension, (end, chunk))| {
                let (start, length) = grid.extent(dimension, *chunk);
                (start, start.saturating_add(length).min(*end))
            })
            .collect();
        let lengths = bounds.iter().zip(shape);
        let counts = lengths.map(|((start, end), piece)| (end - start).div_ceil(*piece));
        Self {
            counts: counts.collect(),
            bounds,
            shape,
        }
    }

    fn len(&self) -> usize {
        self.counts.iter().product::<u64>() as usize
    }

    fn selection(&self, mut number: usize) -> Selection {
        let (mut first, mut lengths) = (vec![0; self.counts.len()], vec![0; self.counts.len()]);
        for dimension in (0..self.counts.len()).rev() {
            let count = self.counts[dimension] as usize;
            let (start, end) = self.bounds[dimension];
            first[dimension] = start + (number % count) as u64 * self.shape[dimension];
            lengths[dimension] = self.shape[dimension].min(end - first[dimension]);
            number /= count;
        }
        Selection::region(&first, &lengths)
    }
}
