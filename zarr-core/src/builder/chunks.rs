//! How a new array is cut into chunks, and chunks are put together in shards.

use zarr_codecs::CodecConfig;

use super::ArrayBuilder;
use crate::{ChunkEdges, ChunkGrid, Error, Result, ZarrFormat, guess_chunk_shape, metadata::ShardCodecs};

/// How chunks lie in shards.
#[derive(Debug, Clone)]
pub(super) struct Shards {
    /// The number of elements of a shard in each dimension.
    pub(super) shape: Vec<u64>,
    /// The lengths of shards, where they differ.
    pub(super) edges: Option<Vec<ChunkEdges>>,
    /// What stands around the codecs of the inner chunks, if it is not the usual.
    pub(super) codec: Option<ShardCodecs>,
}

impl ArrayBuilder {
    /// The shape of a chunk; it may be longer than the array.
    pub fn chunk_shape(mut self, chunk_shape: Vec<u64>) -> Self {
        self.chunk_shape = Some(chunk_shape);
        self.chunk_edges = None;
        self
    }

    /// The lengths of the chunks along each dimension, which may differ; they must reach to the end of the array.
    ///
    /// Only V3 has them (registered extension `rectilinear`), and only for what is stored under one key: chunks in
    /// shards all have one shape.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, ChunkEdges, NodePath, ZarrFormat, codecs::DataType, store::MemoryStore};
    /// // Days of a year in chunks of a month each, places in chunks of 50.
    /// let months = ChunkEdges::list(&[31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]);
    /// let array = ArrayBuilder::new(vec![365, 100], DataType::Float32)
    ///     .chunk_edges(vec![months.unwrap(), ChunkEdges::each(50).unwrap()])
    ///     .format(ZarrFormat::V3)
    ///     .create(Arc::new(MemoryStore::new()), &NodePath::new("rain")?, &Default::default())?;
    /// assert_eq!(array.grid_shape(), [12, 2]);
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn chunk_edges(mut self, edges: Vec<ChunkEdges>) -> Self {
        self.chunk_shape = Some(edges.iter().map(ChunkEdges::longest).collect());
        self.chunk_edges = Some(edges);
        self
    }

    /// Puts chunks together in shards of so many elements in each dimension, which chunks must divide.
    ///
    /// Chunks are then what can be read alone, and shards are what is stored under one key. Only V3 has them.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, NodePath, ZarrFormat, codecs::DataType, store::MemoryStore};
    /// let array = ArrayBuilder::new(vec![100, 100], DataType::Float32)
    ///     .chunk_shape(vec![10, 10])
    ///     .shard_shape(vec![50, 50])
    ///     .format(ZarrFormat::V3)
    ///     .create(Arc::new(MemoryStore::new()), &NodePath::new("temperature")?, &Default::default())?;
    /// assert_eq!(array.n_chunks(), 4);
    /// assert_eq!(array.inner_chunk_shape(), Some(vec![10, 10]));
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn shard_shape(mut self, shape: Vec<u64>) -> Self {
        let codec = self.shards.and_then(|shards| shards.codec);
        self.shards = Some(Shards {
            shape,
            edges: None,
            codec,
        });
        self
    }

    /// Puts chunks together in shards of these lengths along each dimension, as [`ArrayBuilder::chunk_edges`] has them
    /// for chunks; chunks must divide them all.
    pub fn shard_edges(mut self, edges: Vec<ChunkEdges>) -> Self {
        self = self.shard_shape(edges.iter().map(ChunkEdges::longest).collect());
        if let Some(shards) = &mut self.shards {
            shards.edges = Some(edges);
        }
        self
    }

    /// Has each chunk stored under a key of its own.
    pub fn without_shards(mut self) -> Self {
        self.shards = None;
        self
    }

    /// Has the chunk shape guessed from the size of the array.
    pub fn guessed_chunks(mut self) -> Self {
        self.chunk_shape = None;
        self.chunk_edges = None;
        self
    }

    /// The shape of a chunk, guessed if none was given.
    pub(super) fn resolved_chunk_shape(&self, item_size: usize) -> Result<Vec<u64>> {
        let chunk_shape = self
            .chunk_shape
            .clone()
            .unwrap_or_else(|| guess_chunk_shape(&self.shape, item_size));
        let chunk_shape = match (&self.shards, &self.chunk_shape) {
            (Some(shards), None) => divisors(&shards.shape, chunk_shape),
            _ => chunk_shape,
        };
        if chunk_shape.len() != self.shape.len() {
            let reason = format!(
                "chunks {chunk_shape:?} do not have the dimensions of shape {:?}",
                self.shape
            );
            return Err(Error::create(reason));
        }
        if chunk_shape.contains(&0) {
            return Err(Error::create(format!(
                "chunks {chunk_shape:?} must be at least 1 in each dimension"
            )));
        }
        Ok(chunk_shape)
    }

    /// The grid of what is stored under one key.
    pub(super) fn chunk_grid(&self, chunk_shape: &[u64]) -> Result<ChunkGrid> {
        let is_v3 = self.format == ZarrFormat::V3;
        let stored_shape = self.stored_shape(chunk_shape)?;
        let edges = match (self.shards.as_ref().filter(|_| is_v3), &self.chunk_edges) {
            (Some(_), Some(_)) => {
                let reason = "chunks in shards all have one shape; it is the shards whose lengths may differ";
                return Err(Error::create(reason));
            }
            (Some(shards), None) => shards.edges.as_ref(),
            (None, edges) => edges.as_ref(),
        };
        let Some(edges) = edges else {
            return Ok(ChunkGrid::Regular {
                chunk_shape: stored_shape,
            });
        };
        let lengths = edges.iter().zip(&self.shape).enumerate();
        for (dimension, (edges, length)) in lengths {
            if !edges.covers(*length) {
                let reason =
                    format!("the chunks of dimension {dimension} end before it does, which is {length} long");
                return Err(Error::create(reason));
            }
        }
        let grid = ChunkGrid::of_edges(edges.clone());
        if !is_v3 && grid.rectilinear().is_some() {
            return Err(Error::create(
                "chunks of different lengths have no form in Zarr V2",
            ));
        }
        Ok(grid)
    }

    /// The shape of what is stored under one key, or the longest of them.
    fn stored_shape(&self, chunk_shape: &[u64]) -> Result<Vec<u64>> {
        let Some(shards) = self.shards.as_ref().filter(|_| self.format == ZarrFormat::V3) else {
            return Ok(chunk_shape.to_vec());
        };
        let is_divided = shards.shape.len() == chunk_shape.len()
            && shards
                .shape
                .iter()
                .zip(chunk_shape)
                .all(|(shard, chunk)| *shard > 0 && shard % chunk == 0)
            && shards
                .edges
                .iter()
                .flatten()
                .zip(chunk_shape)
                .all(|(edges, chunk)| {
                    let mut lengths = edges.lengths().into_iter();
                    lengths.all(|length| length % chunk == 0)
                });
        if !is_divided {
            return Err(Error::create(format!(
                "chunks {chunk_shape:?} do not divide shards {:?}",
                shards.shape
            )));
        }
        Ok(shards.shape.clone())
    }

    /// The codecs of the array, whose chunks have these.
    pub(super) fn sharded(&self, chunk_shape: &[u64], codecs: Vec<CodecConfig>) -> Vec<CodecConfig> {
        let Some(shards) = &self.shards else { return codecs };
        let shard = match &shards.codec {
            Some(codec) => ShardCodecs {
                chunk_shape: chunk_shape.to_vec(),
                codecs,
                ..codec.clone()
            },
            None => ShardCodecs::new(chunk_shape.to_vec(), codecs),
        };
        vec![shard.to_codec()]
    }
}

/// The longest lengths that divide others and are not longer than was guessed.
fn divisors(lengths: &[u64], guessed: Vec<u64>) -> Vec<u64> {
    let longest = |(length, guess): (&u64, u64)| {
        let divides = |divisor: &u64| length % divisor == 0;
        (1..=guess.min(*length)).rev().find(divides).unwrap_or(guess)
    };
    lengths.iter().zip(guessed).map(longest).collect()
}
