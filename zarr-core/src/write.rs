//! Writing: whole chunks are set, the others read, changed and set.

use std::sync::Arc;

use zarr_codecs::{ChunkCodec, ChunkRef, CodecError, Scratch, Slot};
use zarr_store::{ByteRange, StoreKey};

use crate::{
    Array, ArrayData, Element, Error, Result, Selection,
    chunk_copy::{ChunkCopy, WRITE},
    cut::Cut,
    fields::{Asked, Piece},
    given::{Given, Values},
    locks::StoreLocks,
    projection::{ChunkShare, Projection},
    read::fill_element,
    shard_write::{self, ShardWrites},
    strided::{Dimension, Item, StridedCopy, c_strides},
    turns::{Turn, Turns},
    workers::{Desk, Work},
};

/// One call to write, as its threads see it.
pub(crate) struct WriteJob<'a> {
    pub(crate) array: &'a Array,
    /// One a group, of shards where chunks lie in such.
    codecs: &'a [Arc<ChunkCodec>],
    pub(crate) projection: Projection,
    given: Given<'a>,
    /// Of the elements given, in bytes; all 0 where one element is written everywhere.
    given_strides: Vec<usize>,
    /// What of an element is given.
    piece: Piece,
    fill: Vec<u8>,
    /// Of a stored element.
    item_size: usize,
    pub(crate) locks: StoreLocks<'a>,
    /// Where chunks are set in their order.
    pub(crate) turns: Option<Turns>,
}

impl Array {
    /// Writes values in C order to a part of the array; a single value is written everywhere.
    ///
    /// Chunks that are covered whole are replaced; the others are read, changed and replaced under a lock
    /// that all arrays of this process share, so that no write undoes another one's.
    ///
    /// # Errors
    /// [`Error::Type`] when the type does not fit, [`Error::Shape`] when the values are not as many as the
    /// selection has, and what may go wrong with a chunk; chunks may have been written then.
    pub fn write_vec<T: Element>(&self, selection: &Selection, values: &[T]) -> Result<()> {
        self.check_writable()?;
        let asked = self.ask(selection)?;
        let data_type = asked.part.data_type.as_ref();
        if !T::fits(data_type) {
            return Err(Error::Type {
                array: self.path().to_string(),
                stored: data_type.to_string(),
                asked: std::any::type_name::<T>(),
            });
        }
        T::with_bytes(data_type, values, &mut |values| self.write_asked(&asked, values))
            .map_err(|error| self.name_value(error))
    }

    /// Writes an `ndarray` array to a part of the array.
    ///
    /// # Errors
    /// Those of [`Array::write_vec`]; the shape must be the selection's.
    #[cfg(feature = "ndarray")]
    #[expect(clippy::missing_panics_doc, reason = "the standard layout is contiguous")]
    pub fn write<T: Element, S, D>(
        &self,
        selection: &Selection,
        values: &ndarray::ArrayBase<S, D>,
    ) -> Result<()>
    where
        S: ndarray::Data<Elem = T>,
        D: ndarray::Dimension,
    {
        let (expected, _) = self.selected(selection)?;
        let got: Vec<_> = values.shape().iter().map(|length| *length as u64).collect();
        if expected != got {
            return Err(Error::Shape { expected, got });
        }
        let values = values.as_standard_layout();
        self.write_vec(
            selection,
            values.as_slice().expect("the standard layout is contiguous"),
        )
    }

    /// Writes elements whatever their type to a part of the array.
    ///
    /// # Errors
    /// Those of [`Array::write_vec`]; type and shape must be those that [`Array::selected`] says.
    pub fn write_data(&self, selection: &Selection, data: &ArrayData) -> Result<()> {
        self.check_writable()?;
        let asked = self.ask(selection)?;
        self.check_given(&asked, data)?;
        self.write_asked(&asked, Values::Elements(data.buffer.as_ref()))
    }

    /// Checks that what is given is what is asked for.
    ///
    /// # Errors
    /// [`Error::Type`] and [`Error::Shape`].
    pub(crate) fn check_given(&self, asked: &Asked<'_>, data: &ArrayData) -> Result<()> {
        let expected = asked.shape();
        if expected != data.shape {
            return Err(Error::Shape {
                expected,
                got: data.shape.clone(),
            });
        }
        if !data.data_type.is_in_memory_as(&asked.part.data_type) {
            return Err(Error::Type {
                array: self.path().to_string(),
                stored: asked.part.data_type.to_string(),
                asked: "another data type",
            });
        }
        Ok(())
    }

    /// Stores a chunk that is encoded already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn write_encoded_chunk(&self, chunk_coords: &[u64], encoded: &[u8]) -> Result<()> {
        self.check_writable()?;
        let key = self.chunk_key(chunk_coords)?;
        let guard = StoreLocks::of_chunks(self).lock(&key)?;
        Ok(guard.set(&key, encoded)?)
    }

    /// Writes elements in C order and native byte order, or one element everywhere.
    ///
    /// # Errors
    /// Those of [`Array::write_vec`].
    pub fn write_elements(&self, selection: &Selection, elements: ChunkRef<'_>) -> Result<()> {
        self.check_writable()?;
        self.write_asked(&self.ask(selection)?, Values::Elements(elements))
    }

    fn write_asked(&self, asked: &Asked<'_>, values: Values<'_>) -> Result<()> {
        let size = asked.region.n_elements().saturating_mul(asked.part.size as u64);
        self.with_job(asked, values, |job| {
            let (store, workers) = (self.store().as_ref(), self.options().workers);
            if job.codecs.iter().any(|codec| codec.shard().is_some()) {
                let groups = job.codecs.iter().enumerate();
                let writes: Vec<_> = groups
                    .map(|(group, codec)| ShardWrites::new(job, group, codec))
                    .collect();
                return shard_write::run(&writes, store, workers, size);
            }
            let decoded_size = job.codecs.iter().map(|codec| codec.leaf().decoded_size()).max();
            let extent = (job.projection.n_chunks(), size, decoded_size.unwrap_or(0));
            workers.run_on(store, extent, &|number, desk| job.chunk(number, desk))
        })
    }

    /// Prepares a call to write, and has it done.
    ///
    /// # Errors
    /// Those of [`Array::write_vec`], and those of `run`.
    pub(crate) fn with_job<T>(
        &self,
        asked: &Asked<'_>,
        values: Values<'_>,
        run: impl FnOnce(&WriteJob<'_>) -> Result<T>,
    ) -> Result<T> {
        let Asked { region, part } = asked;
        let [piece] = part.pieces[..] else {
            return Err(Error::selection(
                "multiple fields are not supported for this operation",
            ));
        };
        self.chunk_codec()?;
        let data_type = self.data_type();
        let size = u128::from(region.n_elements()).saturating_mul(part.size as u128);
        let is_scalar = values.size() == part.size;
        if values.size() as u128 != size && !is_scalar {
            let item_size = part.data_type.size().unwrap_or(0);
            return Err(Error::Shape {
                expected: asked.shape(),
                got: vec![(values.size() / item_size.max(1)) as u64],
            });
        }
        let (mut fill, fill_heap) = fill_element(self);
        let given = Given::new(values, fill_heap);
        if data_type.is_variable() {
            fill = given.fill_slot().to_bytes().to_vec();
        }
        let mut given_strides = c_strides(&region.counts(), part.size);
        if is_scalar {
            given_strides.fill(0);
        }
        let Cut { projection, codecs } = self.cut(region)?;
        let job = WriteJob {
            array: self,
            item_size: data_type.size().unwrap_or(0),
            codecs: &codecs,
            projection,
            given,
            given_strides,
            piece,
            fill,
            locks: StoreLocks::of_chunks(self),
            turns: Turns::for_store(self.store().as_ref()),
        };
        run(&job)
    }
}

impl WriteJob<'_> {
    /// Writes what is selected of one chunk.
    fn chunk(&self, number: usize, desk: &mut Desk) -> Result<()> {
        let turn = self.turns.as_ref().map(|turns| turns.of(number));
        let mut parts = std::mem::take(&mut desk.parts);
        let share = self.projection.chunk(number, &mut parts);
        let written = self.share(share, desk, turn.as_ref());
        desk.parts = parts;
        if let (Ok(()), Some(turn)) = (&written, turn) {
            turn.done();
        }
        written
    }

    fn share(&self, share: ChunkShare<'_>, desk: &mut Desk, turn: Option<&Turn<'_>>) -> Result<()> {
        let key = self.array.chunk_key_of(share.coords(), String::new())?;
        let store = self.array.store();
        let failed = |error| self.failed(share, &key, error);
        if self.replaces(share) {
            // Encoded before the key is locked: nothing of what it was remains.
            let encoded = self.encode(share, None, &mut desk.work).map_err(failed)?;
            if !turn.is_none_or(Turn::wait) {
                return Ok(());
            }
            let Some(encoded) = encoded else {
                return Ok(self.locks.erase(&key)?);
            };
            return Ok(self.locks.lock(&key)?.set(&key, encoded)?);
        }
        // Not with the lock in hand, which others may need to come to their turns.
        if !turn.is_none_or(Turn::wait) {
            return Ok(());
        }
        let guard = self.locks.lock(&key)?;
        desk.read.set_limit(self.codec(share).encoded_size_max());
        let is_there = store.get_ranges(&key, &[ByteRange::All], &mut desk.read)?;
        let old = is_there.then(|| desk.read.part(0));
        match self.encode(share, old, &mut desk.work).map_err(failed)? {
            Some(encoded) => Ok(guard.set(&key, encoded)?),
            None => Ok(store.erase(&key)?),
        }
    }

    /// Whether nothing remains of what the chunk was.
    pub(crate) fn replaces(&self, share: ChunkShare<'_>) -> bool {
        share.is_whole() && self.piece.size == self.item_size
    }

    /// Encodes a chunk with what is written of it; `old` is what is stored, unless that is nothing or replaced.
    ///
    /// `None` for a chunk that need not be stored.
    pub(crate) fn encode<'w>(
        &'w self,
        share: ChunkShare<'_>,
        old: Option<&[u8]>,
        work: &'w mut Work,
    ) -> Result<Option<&'w [u8]>, CodecError> {
        let Work { scratch, chunk, heap } = work;
        let codec = self.codec(share);
        let size = codec.decoded_size();
        let swap = codec.layout().swap_size;
        let copy = share.copy(WRITE, 0, &self.given_strides, self.piece, swap);
        let is_run = self.replaces(share) && !self.is_variable() && copy.single_run() == Some(size);
        let elements = if let Some(given) = self.given.elements().filter(|_| is_run) {
            // What lies in memory as the codec wants it is encoded from there.
            ChunkRef {
                elements: &given[copy.source..][..size],
                heap: &[],
            }
        } else {
            chunk.resize(size, 0);
            self.merge(share, &copy, old, (scratch, chunk, heap))?;
            ChunkRef {
                elements: chunk,
                heap,
            }
        };
        if self.is_empty(codec, elements) {
            return Ok(None);
        }
        codec.encode(elements, scratch).map(Some)
    }

    /// Makes a chunk of what is given and what remains.
    fn merge(
        &self,
        share: ChunkShare<'_>,
        copy: &ChunkCopy<'_>,
        old: Option<&[u8]>,
        (scratch, chunk, heap): (&mut Scratch, &mut [u8], &mut Vec<u8>),
    ) -> Result<(), CodecError> {
        let codec = self.codec(share);
        let mut old_heap: &[u8] = &[];
        if let Some(encoded) = old {
            let decoded = codec.decode(encoded, scratch)?;
            chunk.copy_from_slice(decoded.elements);
            if self.is_variable() {
                old_heap = decoded.heap;
                Slot::shift(chunk, self.given.old_places());
            }
        } else if !self.replaces(share) || share.reaches_beyond(&codec.spec().shape) {
            self.fill(codec, chunk);
        }
        self.given.copy(copy, chunk);
        if self.is_variable() {
            self.given.gather(chunk, old_heap, heap);
        }
        Ok(())
    }

    /// The codecs of a chunk.
    fn codec(&self, share: ChunkShare<'_>) -> &ChunkCodec {
        self.codec_of(share.group())
    }

    /// The codecs of the chunks of a group.
    pub(crate) fn codec_of(&self, group: usize) -> &ChunkCodec {
        self.codecs[group].leaf()
    }

    fn is_variable(&self) -> bool {
        self.array.data_type().is_variable()
    }

    /// Makes a chunk of fill values.
    fn fill(&self, codec: &ChunkCodec, chunk: &mut [u8]) {
        if self.fill.iter().all(|byte| *byte == 0) {
            chunk.fill(0);
        } else {
            let length = chunk.len() / self.item_size.max(1);
            let all = Dimension {
                length,
                source: 0,
                target: self.item_size,
            };
            let item = Item {
                size: self.item_size,
                swap: codec.layout().swap_size,
            };
            StridedCopy::new([all], item).copy_to(&self.fill, chunk);
        }
    }

    /// Whether a chunk need not be stored, because it is what an absent one reads as.
    fn is_empty(&self, codec: &ChunkCodec, chunk: ChunkRef<'_>) -> bool {
        let is_left_out =
            !self.array.options().write_empty_chunks && self.array.metadata().fill_value.is_some();
        is_left_out && codec.is_fill(chunk)
    }

    fn failed(&self, share: ChunkShare<'_>, key: &StoreKey, error: CodecError) -> Error {
        self.array.chunk_error(share.coords().collect(), key, error)
    }
}
