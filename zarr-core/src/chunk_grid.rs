//! How an array is cut into chunks (Zarr V3 specification, *Chunk grids*).

/// The rule that says which elements belong to which chunk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChunkGrid {
    /// All chunks have the same shape; those at the end may reach beyond the array.
    Regular {
        /// The number of elements in each dimension, at least 1.
        chunk_shape: Vec<u64>,
    },
}

impl ChunkGrid {
    /// The shape that chunks are stored with.
    pub fn chunk_shape(&self) -> &[u64] {
        match self {
            Self::Regular { chunk_shape } => chunk_shape,
        }
    }

    /// The number of chunks in each dimension of an array.
    pub fn grid_shape(&self, array_shape: &[u64]) -> Vec<u64> {
        array_shape
            .iter()
            .zip(self.chunk_shape())
            .map(|(length, chunk)| length.div_ceil(*chunk))
            .collect()
    }

    /// The number of chunks of an array; 1 without dimensions.
    pub fn n_chunks(&self, array_shape: &[u64]) -> u64 {
        self.grid_shape(array_shape)
            .iter()
            .fold(1, |product, count| product.saturating_mul(*count))
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
