//! Writing: whole chunks are set, the others read, changed and set.

use std::sync::Arc;

use zarr_codecs::{ChunkCodec, ChunkRef, Slot};
use zarr_store::{ByteRange, StoreKey};

use crate::{
    Array, ArrayData, Element, Error, Result, Selection,
    array::layout_strides,
    chunk_copy::{ChunkCopy, WRITE},
    fields::{Asked, Piece},
    locks::StoreLocks,
    projection::{ChunkShare, Layout, Projection},
    read::fill_element,
    strided::{Dimension, Item, StridedCopy, c_strides},
    workers::Desk,
};

/// One call to write, as its threads see it.
struct WriteJob<'a> {
    array: &'a Array,
    codec: Arc<ChunkCodec>,
    projection: Projection,
    source: ChunkRef<'a>,
    /// Of the elements given, in bytes; all 0 where one element is written everywhere.
    source_strides: Vec<usize>,
    /// What of an element is given.
    piece: Piece,
    /// The items given, and behind them the fill value if it is of variable size.
    heap: Vec<u8>,
    fill: Vec<u8>,
    /// Of a stored element.
    item_size: usize,
    locks: StoreLocks,
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
        T::with_bytes(data_type, values, &mut |elements| {
            self.write_asked(&asked, elements)
        })
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
        let expected = asked.shape();
        if expected != data.shape {
            return Err(Error::Shape {
                expected,
                got: data.shape.clone(),
            });
        }
        if data.data_type != *asked.part.data_type {
            return Err(Error::Type {
                array: self.path().to_string(),
                stored: asked.part.data_type.to_string(),
                asked: "another data type",
            });
        }
        self.write_asked(&asked, data.buffer.as_ref())
    }

    /// Stores a chunk that is encoded already.
    ///
    /// # Errors
    /// When the store fails.
    pub fn write_encoded_chunk(&self, chunk_coords: &[u64], encoded: &[u8]) -> Result<()> {
        self.check_writable()?;
        let key = self.chunk_key(chunk_coords)?;
        let _guard = StoreLocks::of(self.store().as_ref()).lock(&key);
        Ok(self.store().set(&key, encoded)?)
    }

    /// Writes elements in C order and native byte order, or one element everywhere.
    ///
    /// # Errors
    /// Those of [`Array::write_vec`].
    pub fn write_elements(&self, selection: &Selection, elements: ChunkRef<'_>) -> Result<()> {
        self.check_writable()?;
        self.write_asked(&self.ask(selection)?, elements)
    }

    fn write_asked(&self, asked: &Asked<'_>, elements: ChunkRef<'_>) -> Result<()> {
        let Asked { region, part } = asked;
        let [piece] = part.pieces[..] else {
            return Err(Error::selection(
                "multiple fields are not supported for this operation",
            ));
        };
        let codec = self.chunk_codec()?;
        let size = u128::from(region.n_elements()).saturating_mul(part.size as u128);
        let is_scalar = elements.elements.len() == part.size;
        if elements.elements.len() as u128 != size && !is_scalar {
            let item_size = part.data_type.size().unwrap_or(0);
            return Err(Error::Shape {
                expected: asked.shape(),
                got: vec![(elements.elements.len() / item_size.max(1)) as u64],
            });
        }
        let (mut fill, fill_heap) = fill_element(self);
        let mut heap = Vec::new();
        if codec.spec().data_type.is_variable() {
            let slot = Slot {
                offset: elements.heap.len() as u64,
                length: fill_heap.len() as u64,
            };
            fill = slot.to_bytes().to_vec();
            heap = [elements.heap, &fill_heap].concat();
        }
        let mut source_strides = c_strides(&region.counts(), part.size);
        if is_scalar {
            source_strides.fill(0);
        }
        let layout = Layout {
            shape: self.shape(),
            chunk_shape: self.chunk_shape(),
            strides: &layout_strides(&codec),
        };
        let job = WriteJob {
            array: self,
            projection: Projection::new(region, layout)?,
            item_size: codec.spec().data_type.size().unwrap_or(0),
            codec,
            source: elements,
            source_strides,
            piece,
            heap,
            fill,
            locks: StoreLocks::of(self.store().as_ref()),
        };
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        let extent = (job.projection.n_chunks(), size, job.codec.decoded_size());
        let store = self.store();
        self.options()
            .workers
            .run_on(store.as_ref(), extent, &|number, desk| job.chunk(number, desk))
    }
}

impl WriteJob<'_> {
    /// Writes what is selected of one chunk.
    fn chunk(&self, number: usize, desk: &mut Desk) -> Result<()> {
        let mut parts = std::mem::take(&mut desk.parts);
        let share = self.projection.chunk(number, &mut parts);
        let written = self.share(share, desk);
        desk.parts = parts;
        written
    }

    fn share(&self, share: ChunkShare<'_>, desk: &mut Desk) -> Result<()> {
        let key = self.array.chunk_key_of(share.coords(), &mut desk.name)?;
        let swap = self.codec.layout().swap_size;
        let copy = share.copy(WRITE, 0, &self.source_strides, self.piece, swap);
        if share.is_whole() && self.piece.size == self.item_size {
            return self.set_whole(share, &copy, &key, desk);
        }
        let _guard = self.locks.lock(&key);
        self.read_chunk(share, &key, desk)?;
        let Desk {
            scratch, chunk, heap, ..
        } = desk;
        copy.copy_to(self.source.elements, chunk);
        if self.is_empty(chunk, heap) {
            return Ok(self.array.store().erase(&key)?);
        }
        let elements = ChunkRef {
            elements: chunk,
            heap,
        };
        let encoded = self.codec.encode(elements, scratch);
        let encoded = encoded.map_err(|error| self.failed(share, &key, error))?;
        Ok(self.array.store().set(&key, encoded)?)
    }

    /// Sets a chunk that nothing remains of.
    fn set_whole(
        &self,
        share: ChunkShare<'_>,
        copy: &ChunkCopy<'_>,
        key: &StoreKey,
        desk: &mut Desk,
    ) -> Result<()> {
        let Desk { scratch, chunk, .. } = desk;
        let size = self.codec.decoded_size();
        // What lies in memory as the codec wants it is encoded from there.
        let elements = if copy.single_run() == Some(size) {
            &self.source.elements[copy.source..][..size]
        } else {
            chunk.resize(size, 0);
            if self.reaches_beyond(share) {
                self.fill(chunk);
            }
            copy.copy_to(self.source.elements, chunk);
            chunk
        };
        let heap = if self.is_variable() {
            &self.heap
        } else {
            self.source.heap
        };
        if self.is_empty(elements, heap) {
            let _guard = self.locks.lock(key);
            return Ok(self.array.store().erase(key)?);
        }
        let encoded = self.codec.encode(ChunkRef { elements, heap }, scratch);
        let encoded = encoded.map_err(|error| self.failed(share, key, error))?;
        let _guard = self.locks.lock(key);
        Ok(self.array.store().set(key, encoded)?)
    }

    /// Reads the chunk that is to be changed to the desk, or makes it of fill values.
    fn read_chunk(&self, share: ChunkShare<'_>, key: &StoreKey, desk: &mut Desk) -> Result<()> {
        let Desk {
            scratch,
            read,
            chunk,
            heap,
            ..
        } = desk;
        heap.clear();
        heap.extend_from_slice(&self.heap);
        chunk.resize(self.codec.decoded_size(), 0);
        read.set_limit(self.codec.encoded_size_max());
        if !self.array.store().get_ranges(key, &[ByteRange::All], read)? {
            self.fill(chunk);
            return Ok(());
        }
        let decoded = self
            .codec
            .decode(read.part(0), scratch)
            .map_err(|error| self.failed(share, key, error))?;
        chunk.copy_from_slice(decoded.elements);
        if self.is_variable() {
            let base = heap.len() as u64;
            heap.extend_from_slice(decoded.heap);
            Slot::shift(chunk, base);
        }
        Ok(())
    }

    fn is_variable(&self) -> bool {
        self.codec.spec().data_type.is_variable()
    }

    /// Whether the chunk has elements outside the array.
    fn reaches_beyond(&self, share: ChunkShare<'_>) -> bool {
        let lengths = self.array.shape().iter().zip(self.array.chunk_shape());
        share
            .coords()
            .zip(lengths)
            .any(|(coord, (length, chunk))| length - coord * chunk < *chunk)
    }

    fn item(&self) -> Item {
        Item {
            size: self.item_size,
            swap: self.codec.layout().swap_size,
        }
    }

    /// Makes a chunk of fill values.
    fn fill(&self, chunk: &mut [u8]) {
        if self.fill.iter().all(|byte| *byte == 0) {
            chunk.fill(0);
        } else {
            let length = chunk.len() / self.item_size.max(1);
            let all = Dimension {
                length,
                source: 0,
                target: self.item_size,
            };
            StridedCopy::new([all], self.item()).copy_to(&self.fill, chunk);
        }
    }

    /// Whether a chunk need not be stored, because it is what an absent one reads as.
    ///
    /// Bits are compared: -0.0 is not 0.0, and a NaN is itself.
    fn is_empty(&self, elements: &[u8], heap: &[u8]) -> bool {
        if self.array.options().write_empty_chunks || self.array.metadata().fill_value.is_none() {
            return false;
        }
        if self.is_variable() {
            let fill = Slot::from_bytes(&self.fill).of(&self.heap);
            return ChunkRef { elements, heap }.items().all(|item| item == fill);
        }
        let mut fill = vec![0; self.item_size];
        self.fill(&mut fill);
        elements
            .chunks_exact(self.item_size.max(1))
            .all(|element| element == fill)
    }

    fn failed(&self, share: ChunkShare<'_>, key: &StoreKey, error: zarr_codecs::CodecError) -> Error {
        self.array.chunk_error(share.coords().collect(), key, error)
    }
}
