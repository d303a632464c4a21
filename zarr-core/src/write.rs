//! Writing: whole chunks are set, the others read, changed and set.

use std::sync::Arc;

use zarr_codecs::{ChunkCodec, ChunkRef, Slot};
use zarr_store::{ByteRange, StoreKey};

use crate::{
    Array, ArrayData, Element, Error, Result, Selection,
    array::layout_strides,
    fetch::offset,
    locks::StoreLocks,
    projection::{Part, Projection},
    read::fill_element,
    selection::Region,
    strided::{Dimension, Item, StridedCopy, c_strides},
    workers::Desk,
};

/// One call to write, as its threads see it.
struct WriteJob<'a> {
    array: &'a Array,
    codec: Arc<ChunkCodec>,
    projection: Projection,
    chunk_strides: Vec<usize>,
    source: ChunkRef<'a>,
    /// Of the elements given, in bytes; all 0 where one element is written everywhere.
    source_strides: Vec<usize>,
    /// The items given, and behind them the fill value if it is of variable size.
    heap: Vec<u8>,
    fill: Vec<u8>,
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
        if !T::fits(self.data_type()) {
            return Err(Error::Type {
                array: self.path().to_string(),
                stored: self.data_type().to_string(),
                asked: std::any::type_name::<T>(),
            });
        }
        T::with_bytes(self.data_type(), values, &mut |elements| {
            self.write_elements(selection, elements)
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
        let expected = selection.resolve(self.shape())?.result_shape();
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
    /// Those of [`Array::write_vec`]; type and shape must be those of the array and the selection.
    pub fn write_data(&self, selection: &Selection, data: &ArrayData) -> Result<()> {
        let expected = selection.resolve(self.shape())?.result_shape();
        if expected != data.shape {
            return Err(Error::Shape {
                expected,
                got: data.shape.clone(),
            });
        }
        if data.data_type != *self.data_type() {
            return Err(Error::Type {
                array: self.path().to_string(),
                stored: self.data_type().to_string(),
                asked: "another data type",
            });
        }
        self.write_elements(selection, data.buffer.as_ref())
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
        let region = selection.resolve(self.shape())?;
        let codec = self.chunk_codec()?;
        let item_size = codec.spec().data_type.size().unwrap_or(0);
        let size = u128::from(region.n_elements()).saturating_mul(item_size as u128);
        let is_scalar = elements.elements.len() == item_size;
        if elements.elements.len() as u128 != size && !is_scalar {
            let got = elements.elements.len() / item_size.max(1);
            return Err(Error::Shape {
                expected: region.result_shape(),
                got: vec![got as u64],
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
        let source_strides = if is_scalar {
            vec![0; region.dimensions.len()]
        } else {
            c_strides(&region.counts(), item_size)
        };
        self.write_region(
            &WriteJob {
                array: self,
                projection: Projection::new(&region, self.shape(), self.chunk_shape()),
                chunk_strides: layout_strides(&codec),
                codec,
                source: elements,
                source_strides,
                heap,
                fill,
                item_size,
                locks: StoreLocks::of(self.store().as_ref()),
            },
            &region,
        )
    }

    fn write_region(&self, job: &WriteJob<'_>, region: &Region) -> Result<()> {
        let size = region.n_elements().saturating_mul(job.item_size as u64);
        self.options()
            .workers
            .run(job.projection.n_chunks(), size, &|number, desk| {
                job.chunk(number, desk)
            })
    }
}

impl WriteJob<'_> {
    /// Writes the part of one chunk.
    fn chunk(&self, number: usize, desk: &mut Desk) -> Result<()> {
        self.projection.chunk(number, &mut desk.parts);
        let key = self
            .array
            .chunk_key_of(desk.parts.iter().map(|part| part.chunk), &mut desk.name)?;
        let copy = self.copy(&desk.parts);
        let from = &self.source.elements[self.source_offset(&desk.parts)..];
        if desk.parts.iter().all(|part| part.is_whole) {
            let Desk {
                scratch,
                chunk,
                parts,
                ..
            } = desk;
            let size = self.codec.decoded_size();
            // What lies in memory as the codec wants it is encoded from there.
            let elements = if copy.single_run() == Some(size) {
                &from[..size]
            } else {
                chunk.resize(size, 0);
                if self.reaches_beyond(parts) {
                    self.fill(chunk);
                }
                copy.copy_to(from, chunk);
                chunk
            };
            let heap = if self.is_variable() {
                &self.heap
            } else {
                self.source.heap
            };
            if self.is_empty(elements, heap) {
                let _guard = self.locks.lock(&key);
                return Ok(self.array.store().erase(&key)?);
            }
            let encoded = self.codec.encode(ChunkRef { elements, heap }, scratch);
            let encoded = encoded.map_err(|error| self.failed(parts, &key, error))?;
            let _guard = self.locks.lock(&key);
            return Ok(self.array.store().set(&key, encoded)?);
        }
        let _guard = self.locks.lock(&key);
        self.read_chunk(&key, desk)?;
        let Desk {
            scratch,
            chunk,
            heap,
            parts,
            ..
        } = desk;
        copy.copy_to(from, &mut chunk[offset(parts, &self.chunk_strides)..]);
        if self.is_empty(chunk, heap) {
            return Ok(self.array.store().erase(&key)?);
        }
        let encoded = self.codec.encode(
            ChunkRef {
                elements: chunk,
                heap,
            },
            scratch,
        );
        let encoded = encoded.map_err(|error| self.failed(parts, &key, error))?;
        Ok(self.array.store().set(&key, encoded)?)
    }

    /// Reads the chunk that is to be changed to the desk, or makes it of fill values.
    fn read_chunk(&self, key: &StoreKey, desk: &mut Desk) -> Result<()> {
        let Desk {
            scratch,
            read,
            chunk,
            heap,
            parts,
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
            .map_err(|error| self.failed(parts, key, error))?;
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
    fn reaches_beyond(&self, parts: &[Part]) -> bool {
        parts
            .iter()
            .zip(self.array.chunk_shape())
            .any(|(part, length)| part.count != *length)
    }

    fn source_offset(&self, parts: &[Part]) -> usize {
        parts
            .iter()
            .zip(&self.source_strides)
            .map(|(part, stride)| part.out as usize * stride)
            .sum()
    }

    fn item(&self) -> Item {
        Item {
            size: self.item_size,
            swap: self.codec.layout().swap_size,
        }
    }

    fn copy(&self, parts: &[Part]) -> StridedCopy {
        let strides = self.source_strides.iter().zip(&self.chunk_strides);
        let dimensions = parts
            .iter()
            .zip(strides)
            .map(|(part, (source, chunk))| Dimension {
                length: part.count as usize,
                source: *source,
                target: part.step as usize * chunk,
            });
        StridedCopy::new(dimensions, self.item())
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

    fn failed(&self, parts: &[Part], key: &StoreKey, error: zarr_codecs::CodecError) -> Error {
        self.array
            .chunk_error(parts.iter().map(|part| part.chunk).collect(), key, error)
    }
}
