//! How an array is cut into chunks (Zarr V3 specification, *Chunk grids*).

use serde_json::{Value, json};

use crate::chunk_edges::ChunkEdges;

/// The rule that says which elements belong to which chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChunkGrid {
    /// All chunks have the same shape; those at the end may reach beyond the array.
    Regular {
        /// The number of elements in each dimension, at least 1.
        chunk_shape: Vec<u64>,
    },
    /// Chunks differ in their lengths along a dimension.
    Rectilinear(RectilinearGrid),
}

/// A grid of chunks of different lengths (registered extension `rectilinear`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RectilinearGrid {
    edges: Vec<ChunkEdges>,
    /// The longest length along each dimension.
    longest: Vec<u64>,
}

impl RectilinearGrid {
    /// The lengths of the chunks, one list a dimension.
    pub fn edges(&self) -> &[ChunkEdges] {
        &self.edges
    }
}

impl ChunkGrid {
    /// A grid of chunks with these lengths along each dimension; a regular one if that is all it is.
    pub fn of_edges(edges: Vec<ChunkEdges>) -> Self {
        let steps: Option<Vec<_>> = edges.iter().map(ChunkEdges::step).collect();
        match steps {
            Some(chunk_shape) => Self::Regular { chunk_shape },
            None => Self::Rectilinear(RectilinearGrid {
                longest: edges.iter().map(ChunkEdges::longest).collect(),
                edges,
            }),
        }
    }

    /// The shape that chunks are stored with; where they differ, the longest length along each dimension.
    pub fn chunk_shape(&self) -> &[u64] {
        match self {
            Self::Regular { chunk_shape } => chunk_shape,
            Self::Rectilinear(grid) => &grid.longest,
        }
    }

    /// The lengths of the chunks along each dimension in a form of JSON: one a dimension, or as documents have them.
    pub fn lengths_json(&self) -> Value {
        match self {
            Self::Regular { chunk_shape } => json!(chunk_shape),
            Self::Rectilinear(grid) => grid.edges.iter().map(ChunkEdges::to_json).collect(),
        }
    }

    /// The grid if its chunks differ in their lengths.
    pub const fn rectilinear(&self) -> Option<&RectilinearGrid> {
        match self {
            Self::Regular { .. } => None,
            Self::Rectilinear(grid) => Some(grid),
        }
    }

    /// The first element and the length of a chunk along a dimension, wherever the array ends.
    pub fn extent(&self, dimension: usize, chunk: u64) -> (u64, u64) {
        match self {
            Self::Regular { chunk_shape } => {
                let edge = chunk_shape[dimension];
                (chunk.saturating_mul(edge), edge)
            }
            Self::Rectilinear(grid) => {
                let chunk = grid.edges[dimension].chunk(chunk);
                (chunk.origin, chunk.edge)
            }
        }
    }

    /// The position of the chunk that an element lies in, along a dimension.
    pub fn chunk_of(&self, dimension: usize, element: u64) -> u64 {
        match self {
            Self::Regular { chunk_shape } => element / chunk_shape[dimension],
            Self::Rectilinear(grid) => grid.edges[dimension].locate(element).chunk,
        }
    }

    /// The shape that a chunk is stored with.
    pub fn shape_of(&self, chunk_coords: &[u64]) -> Vec<u64> {
        let lengths = chunk_coords.iter().enumerate();
        lengths
            .map(|(dimension, chunk)| self.extent(dimension, *chunk).1)
            .collect()
    }

    /// The number of chunks in each dimension of an array.
    pub fn grid_shape(&self, array_shape: &[u64]) -> Vec<u64> {
        let lengths = array_shape.iter();
        match self {
            Self::Regular { chunk_shape } => lengths
                .zip(chunk_shape)
                .map(|(length, chunk)| length.div_ceil(*chunk))
                .collect(),
            Self::Rectilinear(grid) => lengths
                .zip(&grid.edges)
                .map(|(length, edges)| edges.n_chunks(*length))
                .collect(),
        }
    }

    /// The number of chunks of an array; 1 without dimensions.
    pub fn n_chunks(&self, array_shape: &[u64]) -> u64 {
        self.grid_shape(array_shape)
            .iter()
            .fold(1, |product, count| product.saturating_mul(*count))
    }

    /// The grid of an array that has got another shape; new chunks are multiples of `units` long.
    pub(crate) fn resized(&self, array_shape: &[u64], units: Option<&[u64]>) -> Self {
        match self {
            Self::Regular { .. } => self.clone(),
            Self::Rectilinear(grid) => {
                let units = units.into_iter().flatten().copied().chain(std::iter::repeat(1));
                let lengths = grid.edges.iter().zip(array_shape).zip(units);
                let resized = lengths.map(|((edges, length), unit)| edges.resized(*length, unit.max(1)));
                Self::of_edges(resized.collect())
            }
        }
    }
}

/// Chooses a chunk shape as zarr-python 2 does (`v2-semantics` 10.6): chunks of a size that grows with the array's.
///
/// `item_size` is in bytes.
pub fn guess_chunk_shape(shape: &[u64], item_size: usize) -> Vec<u64> {
    const INCREMENT: f64 = 256.0 * 1024.0;
    const SIZE_MIN: f64 = 128.0 * 1024.0;
    const SIZE_MAX: f64 = 64.0 * 1024.0 * 1024.0;
    let item_size = item_size as f64;
    let mut chunks: Vec<f64> = shape.iter().map(|length| (*length).max(1) as f64).collect();
    let size = chunks.iter().product::<f64>() * item_size;
    let target = INCREMENT * f64::powf(2.0, (size / (1024.0 * 1024.0)).log10());
    let target = target.clamp(SIZE_MIN, SIZE_MAX);
    for dimension in (0..chunks.len()).cycle() {
        let n_elements: f64 = chunks.iter().product();
        let size = n_elements * item_size;
        let is_near = size < target || (size - target).abs() / target < 0.5;
        if (is_near && size < SIZE_MAX) || n_elements <= 1.0 {
            break;
        }
        chunks[dimension] = (chunks[dimension] / 2.0).ceil();
    }
    chunks.into_iter().map(|length| length as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_at_the_end_count() {
        let grid = ChunkGrid::Regular {
            chunk_shape: vec![3, 4],
        };
        assert_eq!(grid.grid_shape(&[7, 8]), [3, 2]);
        assert_eq!(grid.n_chunks(&[7, 0]), 0);
        assert_eq!(ChunkGrid::Regular { chunk_shape: vec![] }.n_chunks(&[]), 1);
    }

    #[test]
    fn shapes_are_guessed_as_zarr_python_does() {
        // Observed in runs of zarr-python 2.18.7.
        assert_eq!(guess_chunk_shape(&[10000, 10000], 8), [313, 625]);
        assert_eq!(guess_chunk_shape(&[], 8), [0_u64; 0]);
        assert_eq!(guess_chunk_shape(&[100], 8), [100]);
        assert_eq!(guess_chunk_shape(&[1_000_000], 4), [125_000]);
        assert_eq!(guess_chunk_shape(&[0, 5], 8), [1, 5]);
        assert_eq!(guess_chunk_shape(&[3, 1000, 1000], 2), [1, 500, 500]);
    }
}
