//! An array of the file as chunks of Zarr V2.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};
use zarr_convenience::core::metadata::V2Codecs;
use zarr_convenience::core::store::{Bytes, MemoryStore, Store, StoreExt, StoreKey};
use zarr_convenience::core::{self, Array, ChunkKeyEncoding, NodePath, Options, Selection, Workers};
use zarr_convenience::{Error, SourceArray};

use super::super::{array::Hdf5Array, filters, source::source_error};
use crate::hdf5::{ChunkIndex, Dataset, Filter, Layout};

type Result<T, E = Error> = std::result::Result<T, E>;

/// How chunks are named: `0.1`, and `0` for a scalar.
const NAMES: ChunkKeyEncoding = ChunkKeyEncoding::V2 { separator: '.' };
/// The bytes of a chunk that a piece without chunks is cut into, at most where it can be cut evenly.
const PART_SIZE: u64 = 8 << 20;
/// A chunk that is larger than this is cut though its parts be small.
const WHOLE_SIZE_MAX: u64 = 512 << 20;

/// An array whose chunks are found in the file, or made of what the library reads.
#[derive(Debug)]
pub(super) struct ServedArray {
    array: Arc<dyn SourceArray>,
    dataset: Dataset,
    /// The documents, and the codecs by which chunks are encoded that are not in the file as they should be.
    documents: Arc<MemoryStore>,
    /// The same array, for its metadata.
    zarr: Array,
    stored: Stored,
}

/// Where the bytes of chunks are.
#[derive(Debug)]
enum Stored {
    /// In the file, each at its own address, by their positions.
    Chunks {
        index: ChunkIndex,
        numbers: HashMap<Vec<u64>, usize>,
    },
    /// In the file in one piece, one after the other; nowhere if nothing was written.
    Piece { address: Option<u64> },
    /// Nowhere, for this reason: chunks are made of what the library reads.
    Made(String),
}

/// A chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Bytes of the file.
    File { address: u64, size: u64 },
    /// Bytes that are not in the file.
    Made(Bytes),
}

impl ServedArray {
    /// Takes an array of a file, whose documents are set with `attributes`.
    pub(super) fn new(array: Arc<dyn SourceArray>, attributes: Map<String, Value>) -> Result<Self> {
        let own = array.as_any().and_then(|array| array.downcast_ref::<Hdf5Array>());
        let own = own.ok_or_else(|| core::Error::WrongKind {
            path: array.path().to_string(),
            found: "array of another source",
        })?;
        let dataset = own.dataset().clone();
        let mut builder = own.builder()?.attributes(attributes);
        let found = if !own.is_as_in_file() {
            Err("its elements are not in the file as Zarr has them".to_owned())
        } else if !dataset.file().is_settled() {
            Err("this program is changing the file".to_owned())
        } else {
            numcodecs(&dataset)
        };
        let stored = match (found, &dataset.info().layout) {
            (Ok(filters), Layout::Chunked { .. }) if own.chunk_shape().is_some() => {
                builder = builder.v2_codecs(V2Codecs {
                    filters: Some(filters).filter(|filters| !filters.is_empty()),
                    compressor: None,
                });
                chunks(own, &dataset)?
            }
            (Ok(_), Layout::Contiguous { address }) => {
                let item_size = own.data_type().size().unwrap_or(1).max(1) as u64;
                builder = builder
                    .v2_codecs(V2Codecs::default())
                    .chunk_shape(even_parts(own.shape(), item_size));
                Stored::Piece { address: *address }
            }
            (found, _) => {
                let filters = builder.current_v2_codecs().filters;
                builder = builder.v2_codecs(V2Codecs {
                    filters,
                    compressor: None,
                });
                let reason = found.err().unwrap_or_else(|| {
                    let place = match dataset.info().layout {
                        Layout::Virtual => "in other datasets",
                        Layout::External => "in other files",
                        _ => "in its header",
                    };
                    format!("its elements are {place}")
                });
                Stored::Made(reason)
            }
        };
        let documents = Arc::new(MemoryStore::new());
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&documents);
        let zarr = builder.create(store, &NodePath::root(), &Options::default())?;
        Ok(Self {
            array,
            dataset,
            documents,
            zarr,
            stored,
        })
    }

    /// `.zarray`, and `.zattrs` if there are attributes.
    pub(super) fn documents(&self) -> &MemoryStore {
        &self.documents
    }

    pub(super) fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Why chunks are not in the file as they should be; `None` if they are.
    pub(super) fn why_made(&self) -> Option<&str> {
        match &self.stored {
            Stored::Made(reason) => Some(reason),
            Stored::Chunks { .. } | Stored::Piece { .. } => None,
        }
    }

    /// Fails if bytes are not in the file.
    pub(super) fn check(&self, address: u64, size: u64) -> Result<()> {
        let checked = self.dataset.file().check_bytes(address, size);
        checked.map(drop).map_err(source_error)
    }

    /// Reads bytes of the file.
    pub(super) fn read(&self, address: u64, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.dataset
            .file()
            .read_bytes(address, size, &mut bytes)
            .map_err(source_error)?;
        Ok(bytes)
    }

    /// The bytes of all elements, decoded; the largest number where no number can say it.
    pub(super) fn size(&self) -> u64 {
        let item_size = self.zarr.data_type().size().unwrap_or(16) as u64;
        let shape = self.zarr.shape().iter();
        shape.fold(item_size, |size, length| size.saturating_mul(*length))
    }

    /// The position of the chunk that a name is of.
    pub(super) fn position(&self, name: &str) -> Option<Vec<u64>> {
        let position = NAMES.parse(name, self.zarr.shape().len())?;
        let mut lengths = position.iter().zip(self.zarr.grid_shape());
        lengths.all(|(at, length)| *at < length).then_some(position)
    }

    /// The name of the chunk at a position.
    pub(super) fn name(position: &[u64]) -> String {
        let mut name = String::new();
        NAMES.write(position.iter().copied(), &mut name);
        name
    }

    /// The positions of the chunks that there may be, in C order; at most `limit`, else `None`.
    pub(super) fn positions(&self, limit: usize) -> Result<Option<Vec<Vec<u64>>>> {
        let mut positions = match &self.stored {
            Stored::Chunks { numbers, .. } => numbers.keys().cloned().collect(),
            Stored::Piece { address: None } => Vec::new(),
            Stored::Made(_) | Stored::Piece { .. } => match self.array.stored_chunks()? {
                Some(stored) => stored.into_iter().collect(),
                None => match all_positions(&self.zarr.grid_shape(), limit) {
                    Some(positions) => positions,
                    None => return Ok(None),
                },
            },
        };
        positions.sort_unstable();
        Ok((positions.len() <= limit).then_some(positions))
    }

    /// Where the chunk at a position is, which lies in the grid; `None` if all of it is the fill value.
    pub(super) fn place(&self, position: &[u64]) -> Result<Option<Place>> {
        match &self.stored {
            Stored::Chunks { index, numbers } => {
                let chunk = numbers.get(position).and_then(|number| index.get(*number));
                let Some(chunk) = chunk else { return Ok(None) };
                let info = self.dataset.info();
                let skips = chunk.filter_mask != 0
                    || (!info.filters_partial_chunks
                        && !info.filters.is_empty()
                        && self.is_partial(position));
                if skips {
                    return self.make(position);
                }
                Ok(Some(Place::File {
                    address: chunk.address,
                    size: chunk.size_bytes,
                }))
            }
            Stored::Piece { address } => Ok(address.and_then(|start| self.part(start, position))),
            Stored::Made(_) => self.make(position),
        }
    }

    /// The part of a piece that is a chunk: parts are even, so it is whole.
    fn part(&self, start: u64, position: &[u64]) -> Option<Place> {
        let (shape, chunk_shape) = (self.zarr.shape(), self.zarr.chunk_shape());
        let mut before = 0_u64;
        for ((at, length), chunk) in position.iter().zip(shape).zip(chunk_shape) {
            before = before
                .checked_mul(*length)?
                .checked_add(at.checked_mul(*chunk)?)?;
        }
        let item_size = self.zarr.data_type().size()? as u64;
        let size = chunk_shape
            .iter()
            .try_fold(item_size, |size, length| size.checked_mul(*length))?;
        Some(Place::File {
            address: start.checked_add(before.checked_mul(item_size)?)?,
            size,
        })
    }

    fn is_partial(&self, position: &[u64]) -> bool {
        let lengths = self.zarr.shape().iter().zip(self.zarr.chunk_shape());
        position
            .iter()
            .zip(lengths)
            .any(|(at, (length, chunk))| at.saturating_add(1).saturating_mul(*chunk) > *length)
    }

    /// Encodes a chunk of what the library reads.
    fn make(&self, position: &[u64]) -> Result<Option<Place>> {
        let (shape, chunk_shape) = (self.zarr.shape(), self.zarr.chunk_shape());
        let start: Vec<u64> = position
            .iter()
            .zip(chunk_shape)
            .map(|(at, chunk)| at * chunk)
            .collect();
        let lengths = start.iter().zip(chunk_shape).zip(shape);
        let counts: Vec<u64> = lengths
            .map(|((start, chunk), length)| (*chunk).min(length.saturating_sub(*start)))
            .collect();
        let selection = Selection::region(&start, &counts);
        let data = self.array.read(&selection, Workers::ONE)?;
        // In a store of its own, so that threads may make chunks at the same time.
        let alone = Arc::new(MemoryStore::new());
        for key in self.documents.list_dir(NodePath::root().prefix())?.keys {
            if let Some(document) = self.documents.get(&key, u64::MAX)? {
                alone.set(&key, &document)?;
            }
        }
        let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&alone);
        Array::open(store, &NodePath::root(), &Options::default())?.write_data(&selection, &data)?;
        let key = StoreKey::new(Self::name(position))?;
        Ok(alone.get(&key, u64::MAX)?.map(Place::Made))
    }
}

/// The filters of a dataset in the words of numcodecs, or why there are none.
fn numcodecs(dataset: &Dataset) -> Result<Vec<Value>, String> {
    let element_size = dataset.info().datatype.size().unwrap_or(1);
    let codec = |filter: &Filter| {
        filters::numcodecs(filter, element_size)
            .ok_or_else(|| format!("numcodecs has no codec for its filter {}", filter.id))
    };
    dataset.info().filters.iter().map(codec).collect()
}

fn chunks(array: &Hdf5Array, dataset: &Dataset) -> Result<Stored> {
    let index = dataset.chunk_index().map_err(source_error)?;
    let chunk_shape = array.chunk_shape().unwrap_or_default();
    let mut numbers = HashMap::with_capacity(index.len());
    for (number, chunk) in index.iter().enumerate() {
        let mut position: Vec<u64> = chunk
            .offset
            .iter()
            .zip(chunk_shape)
            .map(|(offset, length)| offset / (*length).max(1))
            .collect();
        // The dimensions that elements have themselves are in one chunk.
        position.resize(chunk_shape.len(), 0);
        numbers.insert(position, number);
    }
    Ok(Stored::Chunks { index, numbers })
}

/// Chunks that cut a piece in C order evenly into runs of bytes, of about [`PART_SIZE`].
fn even_parts(shape: &[u64], item_size: u64) -> Vec<u64> {
    let mut parts = shape.to_vec();
    for dimension in 0..shape.len() {
        let length = shape[dimension];
        let row = shape[dimension + 1..]
            .iter()
            .fold(item_size, |size, length| size.saturating_mul(*length));
        if length == 0 || row.saturating_mul(length) <= PART_SIZE {
            break;
        }
        let most = (PART_SIZE / row.max(1)).clamp(1, length);
        let divisor = (1..=most)
            .rev()
            .find(|part| length.is_multiple_of(*part))
            .unwrap_or(1);
        let is_small = divisor.saturating_mul(row) < PART_SIZE / 64;
        if is_small && row.saturating_mul(length) <= WHOLE_SIZE_MAX {
            break;
        }
        parts[dimension] = divisor;
        if divisor > 1 {
            break;
        }
    }
    for length in &mut parts {
        *length = (*length).max(1);
    }
    parts
}

/// All positions of a grid, in C order; `None` if there are more than `limit`.
fn all_positions(grid: &[u64], limit: usize) -> Option<Vec<Vec<u64>>> {
    let n = grid.iter().try_fold(1_u64, |n, length| n.checked_mul(*length))?;
    let n = usize::try_from(n).ok().filter(|n| *n <= limit)?;
    let mut positions = Vec::with_capacity(n);
    let mut position = vec![0_u64; grid.len()];
    for _ in 0..n {
        positions.push(position.clone());
        for dimension in (0..grid.len()).rev() {
            position[dimension] += 1;
            if position[dimension] < grid[dimension] {
                break;
            }
            position[dimension] = 0;
        }
    }
    Some(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_runs_of_bytes_that_leave_no_rest() {
        for (shape, item_size, parts) in [
            (&[][..], 8, &[][..]),
            (&[0, 5], 8, &[1, 5]),
            (&[1000], 8, &[1000]),
            (&[1 << 24], 8, &[1 << 20]),
            // 10007 is a prime, and its rows are small.
            (&[10007, 1000], 1, &[10007, 1000]),
            // A prime of rows that are large enough.
            (&[10007, 1 << 20], 1, &[1, 1 << 20]),
            (&[4, 6, 1 << 22], 4, &[1, 1, 1 << 21]),
            (&[30, 1 << 20], 4, &[2, 1 << 20]),
        ] {
            assert_eq!(even_parts(shape, item_size), parts, "{shape:?}");
        }
    }

    #[test]
    fn positions_are_in_c_order_and_bounded() {
        assert_eq!(all_positions(&[], 1), Some(vec![vec![]]));
        assert_eq!(all_positions(&[2, 0], 9), Some(vec![]));
        let all = all_positions(&[2, 2], 4).unwrap();
        assert_eq!(all, [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(all_positions(&[2, 2], 3), None);
        assert_eq!(all_positions(&[u64::MAX, 3], usize::MAX), None);
    }
}
