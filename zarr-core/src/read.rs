//! Reading: project, fetch, decode, copy.

use std::sync::{Arc, Mutex, PoisonError};

use zarr_codecs::{ChunkCodec, ChunkRef, CodecError, DataType, SLOT_SIZE, Slot};
use zarr_store::{Bytes, ReadBuffer, StoreKey};

use crate::{
    Array, ArrayData, Element, Error, Result, Selection,
    cut::Cut,
    element::zeroed,
    excerpt_read,
    fetch::{ChunkFetch, Levels},
    fields::Asked,
    output::{ChunkPlace, ChunkedOutput, Target, Wanted},
    projection::ChunkShare,
    raw_read::{self, Outcome},
    shard_read::{self, ShardReads},
    workers::{Desk, Work},
};

/// One call to read, as its threads see it.
pub(crate) struct ReadJob<'a> {
    pub(crate) array: &'a Array,
    /// One a group, of shards where chunks lie in such.
    codecs: &'a [Arc<ChunkCodec>],
    pub(crate) output: ChunkedOutput<'a>,
    /// Where the items of variable size go.
    heap: Mutex<Vec<u8>>,
}

/// What was fetched of a chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded<'b> {
    pub(crate) bytes: &'b [u8],
    pub(crate) fetch: ChunkFetch,
}

impl Array {
    /// Reads a part of the array as values of a Rust type, in C order.
    ///
    /// # Errors
    /// [`Error::Type`] when the type does not fit, [`Error::Selection`] for a bad selection, and what may go
    /// wrong with a chunk. A chunk that is not there reads as the fill value.
    ///
    /// ```
    /// use zarr_core::{ArrayBuilder, NodePath, Selection, codecs::DataType, store::MemoryStore};
    /// let store = std::sync::Arc::new(MemoryStore::new());
    /// let builder = ArrayBuilder::new(vec![4], DataType::Int16).chunk_shape(vec![3]);
    /// let array = builder.create(store, &NodePath::root(), &Default::default())?;
    /// array.write_vec(&Selection::all(), &[1_i16, 2, 3, 4])?;
    /// assert_eq!(array.read_vec::<i16>(&Selection::parse("::2")?)?, [1, 3]);
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn read_vec<T: Element>(&self, selection: &Selection) -> Result<Vec<T>> {
        self.read_asked_vec(&self.ask(selection)?)
    }

    /// Reads a part of the array as an `ndarray` array; indexed dimensions are left out.
    ///
    /// # Errors
    /// Those of [`Array::read_vec`].
    #[cfg(feature = "ndarray")]
    #[expect(
        clippy::missing_panics_doc,
        reason = "as many values as the shape says are read"
    )]
    pub fn read<T: Element>(&self, selection: &Selection) -> Result<ndarray::ArrayD<T>> {
        let asked = self.ask(selection)?;
        let values = self.read_asked_vec(&asked)?;
        let shape: Vec<_> = asked.shape().into_iter().map(|length| length as usize).collect();
        Ok(ndarray::ArrayD::from_shape_vec(shape, values)
            .expect("as many values as the shape says were read"))
    }

    /// Reads a part of the array whatever its type; indexed dimensions are left out.
    ///
    /// # Errors
    /// Those of [`Array::read_vec`].
    pub fn read_data(&self, selection: &Selection) -> Result<ArrayData> {
        let asked = self.ask(selection)?;
        let mut data = ArrayData {
            shape: asked.shape(),
            data_type: asked.part.data_type.as_ref().clone(),
            buffer: <_>::default(),
        };
        self.chunk_codec()?;
        data.buffer.elements = zeroed(self.checked_size(&asked)?)?;
        let target = Target {
            bytes: &mut data.buffer.elements,
            is_zero: true,
        };
        data.buffer.heap = self.read_asked_into(&asked, target)?;
        Ok(data)
    }

    /// Reads a part of the array into memory of the caller, and gives the heap of items of variable size.
    ///
    /// Elements lie there as in [`ArrayData`]. Where part after part is read, the same memory can be used for each, which
    /// is quicker than fresh memory. After an error anything may be in it.
    ///
    /// # Errors
    /// Those of [`Array::read_vec`], and [`Error::Shape`] when the memory has another size than the elements.
    ///
    /// ```
    /// use zarr_core::{ArrayBuilder, NodePath, Selection, codecs::DataType, store::MemoryStore};
    /// let store = std::sync::Arc::new(MemoryStore::new());
    /// let builder = ArrayBuilder::new(vec![6], DataType::UInt8).chunk_shape(vec![3]);
    /// let array = builder.create(store, &NodePath::root(), &Default::default())?;
    /// array.write_vec(&Selection::region(&[0], &[3]), &[1_u8, 2, 3])?;
    /// let (mut row, mut sum) = ([0; 3], 0);
    /// for start in [0, 3] {
    ///     array.read_into(&Selection::region(&[start], &[3]), &mut row)?;
    ///     sum += row.iter().sum::<u8>();
    /// }
    /// assert_eq!(sum, 6);
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn read_into(&self, selection: &Selection, elements: &mut [u8]) -> Result<Vec<u8>> {
        let asked = self.ask(selection)?;
        self.chunk_codec()?;
        let size = self.checked_size(&asked)?;
        if size != elements.len() {
            return Err(Error::Shape {
                expected: vec![size as u64],
                got: vec![elements.len() as u64],
            });
        }
        self.read_asked_into(
            &asked,
            Target {
                bytes: elements,
                is_zero: false,
            },
        )
    }

    /// Reads a chunk as it is stored; `None` if it is not there.
    ///
    /// # Errors
    /// When the store fails.
    pub fn read_encoded_chunk(&self, chunk_coords: &[u64]) -> Result<Option<Bytes>> {
        use zarr_store::StoreExt;
        let key = self.chunk_key(chunk_coords)?;
        // A chunk that cannot be decoded can still be carried along.
        let size_max = self.chunk_codec().map_or_else(
            |_| {
                let is_shard = self.metadata().shards().is_some();
                self.options().limits.encoded_size_max(is_shard)
            },
            |codec| codec.encoded_size_max(),
        );
        Ok(self.store().get(&key, size_max)?)
    }

    fn read_asked_vec<T: Element>(&self, asked: &Asked<'_>) -> Result<Vec<T>> {
        let data_type = asked.part.data_type.as_ref();
        if !T::fits(data_type) {
            return Err(Error::Type {
                array: self.path().to_string(),
                stored: data_type.to_string(),
                asked: std::any::type_name::<T>(),
            });
        }
        self.chunk_codec()?;
        self.checked_size(asked)?;
        T::read(data_type, asked.n_elements() as usize, &mut |zeroed| {
            self.read_asked_into(
                asked,
                Target {
                    bytes: zeroed,
                    is_zero: true,
                },
            )
        })
        .map_err(|error| self.name_value(error))
    }

    /// The size of what is asked in bytes, if it may be read at once.
    fn checked_size(&self, asked: &Asked<'_>) -> Result<usize> {
        let elements = asked.region.n_elements_wide();
        let size = elements.saturating_mul(asked.part.size as u128);
        let limit = self.options().read_size_max;
        if size > u128::from(limit) || elements > u128::from(limit) {
            return Err(Error::TooLarge {
                array: self.path().to_string(),
                size,
                limit,
            });
        }
        Ok(size as usize)
    }

    fn read_asked_into(&self, asked: &Asked<'_>, target: Target<'_>) -> Result<Vec<u8>> {
        let Target { bytes, is_zero } = target;
        if bytes.is_empty() {
            return Ok(Vec::new());
        }
        let Cut { projection, codecs } = self.cut(&asked.region)?;
        let (mut size, mut decoded_size) = (0_u64, 0);
        for (group, codec) in codecs.iter().enumerate() {
            let leaf = codec.leaf();
            decoded_size = decoded_size.max(leaf.decoded_size());
            // A chunk is decoded whole, however little of it is wanted.
            if !leaf.is_uncompressed() {
                let n_chunks = projection.group(group).len() as u64;
                size = size.saturating_add(n_chunks.saturating_mul(leaf.decoded_size() as u64));
            }
        }
        let size = size.max(bytes.len() as u64);
        let (fill, heap) = fill_element(self);
        let wanted = Wanted {
            region: &asked.region,
            projection,
            pieces: asked.part.pieces.clone(),
            fill: asked.part.of(&fill),
        };
        let job = ReadJob {
            array: self,
            output: ChunkedOutput::new(
                Target {
                    bytes: &mut *bytes,
                    is_zero,
                },
                wanted,
            ),
            codecs: &codecs,
            heap: Mutex::new(heap),
        };
        let (store, workers) = (self.store().as_ref(), self.options().workers);
        if codecs.iter().any(|codec| codec.shard().is_some()) {
            let levels = codecs.iter().map(|codec| Levels::of(codec));
            let reads: Vec<_> = levels
                .enumerate()
                .map(|(group, levels)| ShardReads::new(&job, group, levels))
                .collect();
            shard_read::run(&reads, store, workers, size)?;
        } else {
            let extent = (job.output.n_chunks(), size, decoded_size);
            workers.run_on(store, extent, &|number, desk| job.chunk(number, desk))?;
        }
        let mut heap = job.heap.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Whoever wrote the elements may have left anything in bytes that mean nothing.
        match &*asked.part.data_type {
            DataType::VlenArray(items) => items.clear_padding(&mut heap),
            data_type => data_type.clear_padding(bytes),
        }
        Ok(heap)
    }
}

/// An element that was never written, as it stands in memory, and the heap that goes with it.
pub(crate) fn fill_element(array: &Array) -> (Vec<u8>, Vec<u8>) {
    let fill_value = array.metadata().fill_value_or_zero();
    if array.data_type().is_variable() {
        let slot = Slot {
            offset: 0,
            length: fill_value.as_bytes().len() as u64,
        };
        return (slot.to_bytes().to_vec(), fill_value.as_bytes().to_vec());
    }
    (fill_value.as_bytes().to_vec(), Vec::new())
}

impl ReadJob<'_> {
    /// Reads the part of one chunk.
    fn chunk(&self, number: usize, desk: &mut Desk) -> Result<()> {
        let Desk {
            work,
            read,
            name,
            parts,
            ..
        } = desk;
        let place = self.output.take(number, parts);
        let key = self
            .array
            .chunk_key_of(place.share().coords(), std::mem::take(name))?;
        let outcome = self.chunk_at(&key, place, work, read);
        *name = key.into_string();
        outcome
    }

    /// Reads the part of the chunk of a key.
    fn chunk_at(
        &self,
        key: &StoreKey,
        mut place: ChunkPlace<'_>,
        work: &mut Work,
        read: &mut ReadBuffer,
    ) -> Result<()> {
        let share = place.share();
        let codec = self.codec(share);
        let fetch = ChunkFetch::new(codec, share);
        let store = self.array.store().as_ref();
        if codec.is_uncompressed()
            && !fetch.is_part()
            && raw_read::is_worth_it(store, self.array.options().workers, codec.decoded_size())
            && let Some(whole) = place.whole(codec.decoded_size(), codec.layout().swap_size)
        {
            match raw_read::read((store, key), whole, read)? {
                Outcome::Done => return Ok(()),
                Outcome::Missing => {
                    place.fill();
                    return Ok(());
                }
                Outcome::Unfit => {}
            }
        }
        let named = |error| self.array.chunk_error(share.coords().collect(), key, error);
        if !self.is_variable() && !codec.is_uncompressed() {
            let part = share.span(codec.spec().data_type.size().unwrap_or(0));
            let (workers, value) = (self.array.options().workers, (store, key));
            if let Some(head_size) = excerpt_read::head_size(store, workers, codec, &part)
                && let Some(piece) = excerpt_read::read(value, workers, codec, part.clone(), head_size, read)?
            {
                let elements = piece.decode(codec, part, &mut work.scratch).map_err(named)?;
                place.copy(elements, piece.origin(), codec.layout().swap_size);
                return Ok(());
            }
        }
        read.set_limit(codec.encoded_size_max());
        read.want_generation(false);
        let is_there = store.get_ranges(key, &[fetch.range], read);
        read.want_generation(true);
        if !is_there? {
            place.fill();
            return Ok(());
        }
        let encoded = Encoded {
            bytes: read.part(0),
            fetch,
        };
        self.put(&mut place, encoded, work).map_err(named)
    }

    /// Decodes what was fetched of a chunk to its place.
    pub(crate) fn put(
        &self,
        place: &mut ChunkPlace<'_>,
        encoded: Encoded<'_>,
        work: &mut Work,
    ) -> Result<(), CodecError> {
        let Encoded { bytes, fetch } = encoded;
        let codec = self.codec(place.share());
        let (swap, scratch) = (codec.layout().swap_size, &mut work.scratch);
        if fetch.is_part() {
            place.copy(bytes, fetch.origin, swap);
            return Ok(());
        }
        if !self.is_variable()
            && let Some(whole) = place.whole(codec.decoded_size(), swap)
        {
            return codec.decode_into(bytes, whole, scratch);
        }
        let part = place.share().span(codec.spec().data_type.size().unwrap_or(0));
        let decoded = codec.decode_part(bytes, part, scratch)?;
        if self.is_variable() {
            return self.keep_items(place, decoded);
        }
        place.copy(decoded.elements, fetch.origin, swap);
        Ok(())
    }

    /// The codecs of a chunk that is decoded at once.
    pub(crate) fn codec(&self, share: ChunkShare<'_>) -> &ChunkCodec {
        self.codec_of(share.group())
    }

    /// The codecs of the chunks of a group.
    pub(crate) fn codec_of(&self, group: usize) -> &ChunkCodec {
        self.codecs[group].leaf()
    }

    fn is_variable(&self) -> bool {
        self.array.data_type().is_variable()
    }

    /// Copies slots to their place, and the items that they point to into the common heap.
    fn keep_items(&self, place: &ChunkPlace<'_>, decoded: ChunkRef<'_>) -> Result<(), CodecError> {
        let mut heap = self.heap.lock().unwrap_or_else(PoisonError::into_inner);
        if place.share().is_whole() {
            let base = heap.len() as u64;
            self.make_room(&mut heap, decoded.heap.len())?;
            heap.extend_from_slice(decoded.heap);
            drop(heap);
            return place.copy_slots(decoded.elements, |slots| {
                Slot::shift(slots, base);
                Ok(())
            });
        }
        // However large a chunk is, the heap has what was asked for alone.
        place.copy_slots(decoded.elements, |slots| {
            let items = slots.chunks_exact(SLOT_SIZE).map(Slot::from_bytes);
            let size = items.fold(0, |size: usize, slot| size.saturating_add(slot.length as usize));
            self.make_room(&mut heap, size)?;
            Slot::gather(slots, decoded.heap, &mut heap);
            Ok(())
        })
    }

    /// Makes room for more items, which count as what is read does: metadata do not tell how large they are.
    fn make_room(&self, heap: &mut Vec<u8>, size: usize) -> Result<(), CodecError> {
        let limit = self.array.options().read_size_max;
        let fits = heap.len().saturating_add(size) as u64 <= limit && heap.try_reserve(size).is_ok();
        let reason =
            || format!("with those of other chunks more than {limit} bytes, too much to read at once");
        fits.then_some(())
            .ok_or_else(|| CodecError::value("items", reason()))
    }
}
