//! Chunks of a dataset, read and decoded without the HDF5 library and its lock.
//!
//! The library finds the chunks, once for each dataset. Filters are undone by codecs ([`filters`]), in the thread that
//! asks, each chunk without the filters that its mask leaves out.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::json;
use zarr_convenience::core::codecs::{
    ByteOrder, ChunkCodec, ChunkSpec, CodecChain, CodecConfig, CodecError, DataType, FillValue, Limits,
    Scratch,
};
use zarr_convenience::{Error, Result, StoredChunk, core::ChunkSource};

use super::{
    datatype::{Elements, Form},
    filters,
    source::source_error,
};
use crate::hdf5::{self, Chunk, ChunkIndex, Dataset};

thread_local! {
    /// What chunks are decoded into to prove them, used again from chunk to chunk.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The mask of a chunk that went through no filter.
const UNFILTERED: u32 = u32::MAX;

/// Where the chunks of a dataset are, and how they are decoded.
#[derive(Debug)]
pub(super) struct ChunkTable {
    index: ChunkIndex,
    grid: Grid,
    /// The number of each chunk in the index, by its place in the grid.
    numbers: HashMap<u128, usize>,
    /// How chunks are decoded, by their masks; `None` if some go through filters that only the library knows.
    codecs: Option<HashMap<u32, Arc<ChunkCodec>>>,
}

impl ChunkTable {
    pub(super) fn new(dataset: &Dataset, chunk_shape: &[u64], elements: &Elements) -> Result<Self> {
        let index = dataset.chunk_index().map_err(source_error)?;
        let shape = dataset.info().space.shape().unwrap_or_default();
        let grid = Grid::new(shape, chunk_shape, elements.inner.len()).ok_or_else(|| Error::Source {
            what: describe(dataset),
            reason: "it has more places for chunks than can be counted".to_owned(),
        })?;
        let mut numbers = HashMap::with_capacity(index.len());
        let mut masks = HashSet::from([0, UNFILTERED]);
        for (number, chunk) in index.iter().enumerate() {
            numbers.insert(grid.place(&grid.position(chunk.offset)), number);
            masks.insert(chunk.filter_mask);
        }
        let codecs = masks.into_iter().map(|mask| {
            let codec = chunk_codec(dataset, chunk_shape, elements, mask)?;
            Ok(codec.map(|codec| (mask, Arc::new(codec))))
        });
        let codecs = codecs.collect::<Result<Option<HashMap<_, _>>>>()?;
        Ok(Self {
            index,
            grid,
            numbers,
            codecs,
        })
    }

    /// Whether the chunks can be decoded here.
    pub(super) fn is_decodable(&self) -> bool {
        self.codecs.is_some()
    }

    /// The positions of all chunks that were ever written.
    pub(super) fn positions(&self) -> HashSet<Vec<u64>> {
        let chunks = self.index.iter();
        chunks.map(|chunk| self.grid.position(chunk.offset)).collect()
    }

    fn find(&self, position: &[u64]) -> Option<Chunk<'_>> {
        let number = self.numbers.get(&self.grid.place(position))?;
        self.index.get(*number)
    }
}

/// The places of chunks, which numbers tell apart with less memory than positions.
#[derive(Debug)]
struct Grid {
    chunk_shape: Vec<u64>,
    /// The number of places in each dimension of the dataset.
    counts: Vec<u64>,
    /// The dimensions that elements have themselves, along which there is one chunk.
    n_inner: usize,
}

impl Grid {
    /// `None` if there are more places than numbers.
    fn new(shape: &[u64], chunk_shape: &[u64], n_inner: usize) -> Option<Self> {
        let lengths = shape.iter().zip(chunk_shape);
        let counts: Vec<_> = lengths
            .map(|(length, chunk)| length.div_ceil((*chunk).max(1)))
            .collect();
        counts
            .iter()
            .try_fold(1_u128, |n, count| n.checked_mul((*count).into()))?;
        Some(Self {
            chunk_shape: chunk_shape.to_vec(),
            counts,
            n_inner,
        })
    }

    /// The position of the chunk that starts at an element.
    fn position(&self, offset: &[u64]) -> Vec<u64> {
        let lengths = offset.iter().zip(&self.chunk_shape);
        lengths
            .map(|(offset, length)| offset / (*length).max(1))
            .chain(std::iter::repeat_n(0, self.n_inner))
            .collect()
    }

    /// The number of a position within the grid.
    fn place(&self, position: &[u64]) -> u128 {
        let places = position.iter().zip(&self.counts);
        places.fold(0, |place: u128, (at, count)| {
            place.wrapping_mul((*count).into()).wrapping_add((*at).into())
        })
    }
}

/// How a part of a dataset in one piece is decoded; `None` if only the library can.
pub(super) fn piece_codec(
    dataset: &Dataset,
    piece_shape: &[u64],
    elements: &Elements,
) -> Result<Option<ChunkCodec>> {
    chunk_codec(dataset, piece_shape, elements, UNFILTERED)
}

/// How a chunk of this mask is decoded; `None` if only the library can.
fn chunk_codec(
    dataset: &Dataset,
    chunk_shape: &[u64],
    elements: &Elements,
    mask: u32,
) -> Result<Option<ChunkCodec>> {
    let data_type = match elements.form {
        Form::Plain => elements.data_type.clone(),
        Form::Record { size, .. } => DataType::Raw(u32::try_from(size).unwrap_or(u32::MAX)),
        Form::Text | Form::Sequence(_) | Form::Path | Form::Object => return Ok(None),
    };
    let endian = if elements.byte_order == ByteOrder::Big {
        "big"
    } else {
        "little"
    };
    let mut configs = vec![CodecConfig::of("bytes", json!({"endian": endian}))];
    for (place, filter) in dataset.info().filters.iter().enumerate() {
        let is_skipped = 1_u32.checked_shl(place as u32).is_none_or(|bit| mask & bit != 0);
        if !is_skipped {
            let Some(config) = filters::config(filter) else {
                return Ok(None);
            };
            configs.push(config);
        }
    }
    let limits = Limits::DEFAULT;
    let registry = filters::registry();
    let spec = ChunkSpec {
        shape: chunk_shape.to_vec(),
        fill_value: FillValue::zero(&data_type),
        data_type,
    };
    match CodecChain::new(&configs, &registry, &limits) {
        // A build without the codec still has the library.
        Err(CodecError::NotBuilt { .. }) => Ok(None),
        chain => chain
            .and_then(|chain| chain.for_chunk(spec, &limits))
            .map(Some)
            .map_err(|error| Error::Source {
                what: describe(dataset),
                reason: error.to_string(),
            }),
    }
}

/// What went wrong with a file, for an error that names a part of a dataset.
pub(super) fn reason_of(error: hdf5::Error) -> String {
    match source_error(error) {
        Error::Source { reason, .. } => reason,
        other => other.to_string(),
    }
}

/// The words for a dataset in errors.
pub(super) fn describe(dataset: &Dataset) -> String {
    format!("`{}` in `{}`", dataset.path(), dataset.file().path().display())
}

/// The chunks of one dataset, as they are asked for.
#[derive(Debug)]
pub(super) struct Chunks<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) table: &'a ChunkTable,
    pub(super) shape: &'a [u64],
    pub(super) chunk_shape: &'a [u64],
}

impl Chunks<'_> {
    /// Whether a chunk reaches beyond the dataset.
    fn is_partial(&self, position: &[u64]) -> bool {
        let lengths = self.shape.iter().zip(self.chunk_shape);
        position.iter().zip(lengths).any(|(place, (length, chunk))| {
            place
                .checked_add(1)
                .and_then(|end| end.checked_mul(*chunk))
                .is_none_or(|end| end > *length)
        })
    }

    /// A chunk, and the filters that were left out.
    fn locate(&self, position: &[u64]) -> Option<(Chunk<'_>, u32)> {
        let chunk = self.table.find(position)?;
        let is_unfiltered = !self.dataset.info().filters_partial_chunks && self.is_partial(position);
        let mask = if is_unfiltered {
            UNFILTERED
        } else {
            chunk.filter_mask
        };
        Some((chunk, mask))
    }

    /// Reads a chunk that was located, and says how it is decoded.
    fn read(
        &self,
        position: &[u64],
        chunk: Chunk<'_>,
        mask: u32,
        encoded: &mut Vec<u8>,
    ) -> Result<Arc<ChunkCodec>> {
        let codec = self.table.codecs.as_ref().and_then(|codecs| codecs.get(&mask));
        let codec = codec.ok_or_else(|| self.error(position, "its filters are unknown"))?;
        if chunk.size_bytes > codec.encoded_size_max() {
            let reason = format!("{} bytes are too many for it", chunk.size_bytes);
            return Err(self.error(position, &reason));
        }
        let read = self.dataset.read_chunk(chunk, encoded);
        read.map_err(|error| self.error(position, &reason_of(error)))?;
        Ok(Arc::clone(codec))
    }

    /// A chunk as it is stored, if it went through all filters, and if these elements may go as they are.
    ///
    /// Elements are looked at only where it is to be proven that there are such.
    pub(super) fn stored(
        &self,
        position: &[u64],
        proven: bool,
        may_go: &dyn Fn(&[u8]) -> bool,
    ) -> Result<StoredChunk> {
        let Some((chunk, mask)) = self.locate(position) else {
            return Ok(StoredChunk::Missing);
        };
        let n_filters = u32::try_from(self.dataset.info().filters.len()).unwrap_or(u32::MAX);
        let of_filters = 1_u32.checked_shl(n_filters).map_or(u32::MAX, |bit| bit - 1);
        if mask & of_filters != 0 || self.table.codecs.is_none() {
            return Ok(StoredChunk::Otherwise);
        }
        let mut encoded = Vec::new();
        let codec = self.read(position, chunk, mask, &mut encoded)?;
        if proven {
            let goes = SCRATCH.with_borrow_mut(|scratch| {
                let decoded = codec.decode(&encoded, scratch);
                decoded.map(|decoded| may_go(decoded.elements))
            });
            if !goes.map_err(|error| self.undecodable(position, error))? {
                return Ok(StoredChunk::Otherwise);
            }
        }
        Ok(StoredChunk::Encoded(encoded.into()))
    }

    fn error(&self, position: &[u64], reason: &str) -> Error {
        Error::Source {
            what: format!("{}, chunk {position:?}", describe(self.dataset)),
            reason: reason.to_owned(),
        }
    }
}

impl ChunkSource for Chunks<'_> {
    type Error = Error;

    fn fetch(&self, position: &[u64], encoded: &mut Vec<u8>) -> Result<Option<Arc<ChunkCodec>>> {
        let Some((chunk, mask)) = self.locate(position) else {
            return Ok(None);
        };
        self.read(position, chunk, mask, encoded).map(Some)
    }

    fn undecodable(&self, position: &[u64], error: CodecError) -> Error {
        self.error(position, &error.to_string())
    }
}
