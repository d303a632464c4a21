//! Single elements, sorted by the chunk they lie in.

use crate::{
    Error, Points, Result,
    chunk_copy::Place,
    projection::{Layout, Part},
};

/// The points of a selection, chunk by chunk.
#[derive(Debug)]
pub(crate) struct ChunkPoints {
    /// The number of chunks along each dimension.
    grid: Vec<u64>,
    chunks: Vec<Chunk>,
    /// The points of one chunk after those of another, each in the order of the result.
    places: Vec<Place>,
}

#[derive(Debug)]
struct Chunk {
    /// Its number in the grid, in C order.
    number: u128,
    /// Behind its last point.
    end: usize,
    /// Whether the points are all elements that the array has in the chunk.
    is_whole: bool,
}

impl ChunkPoints {
    /// Sorts points; the time is that of sorting, and the memory in proportion to their number.
    pub(crate) fn new(points: &Points, layout: Layout<'_>) -> Result<Self> {
        let Layout {
            shape, chunk_shape, ..
        } = layout;
        let grid: Vec<_> = shape
            .iter()
            .zip(chunk_shape)
            .map(|(all, one)| all.div_ceil(*one))
            .collect();
        let n_chunks = grid
            .iter()
            .try_fold(1_u128, |product, count| product.checked_mul(u128::from(*count)));
        if n_chunks.is_none() {
            return Err(Error::selection(format!(
                "{grid:?} chunks are too many to select points"
            )));
        }
        let mut located: Vec<_> = (0..points.count as usize)
            .map(|out| {
                let (mut number, mut chunk) = (0, 0);
                for (dimension, coords) in points.coords.iter().enumerate() {
                    let length = chunk_shape[dimension];
                    number = number * u128::from(grid[dimension]) + u128::from(coords[out] / length);
                    chunk += (coords[out] % length) as usize * layout.strides[dimension];
                }
                (number, Place { chunk, out })
            })
            .collect();
        // Of one chunk, points stay in the order of the result.
        located.sort_by_key(|(number, _)| *number);
        let mut chunks: Vec<Chunk> = Vec::new();
        for (place, (number, _)) in located.iter().enumerate() {
            match chunks.last_mut() {
                Some(last) if last.number == *number => last.end = place + 1,
                _ => chunks.push(Chunk {
                    number: *number,
                    end: place + 1,
                    is_whole: false,
                }),
            }
        }
        let mut found = Self {
            grid,
            chunks,
            places: located.into_iter().map(|(_, place)| place).collect(),
        };
        for index in 0..found.chunks.len() {
            let n_elements = found.n_elements(index, layout);
            let places = found.places(index);
            found.chunks[index].is_whole = are_all(places.iter().map(|place| place.chunk), n_elements);
        }
        Ok(found)
    }

    /// The number of chunks that have points.
    pub(crate) fn n_chunks(&self) -> usize {
        self.chunks.len()
    }

    /// The points of a chunk.
    pub(crate) fn places(&self, index: usize) -> &[Place] {
        let start = index.checked_sub(1).map_or(0, |before| self.chunks[before].end);
        &self.places[start..self.chunks[index].end]
    }

    /// Where the chunk is, one part a dimension, into `parts`.
    pub(crate) fn parts(&self, index: usize, parts: &mut Vec<Part>) {
        let is_whole = self.chunks[index].is_whole;
        let part = |chunk| Part {
            chunk,
            start: 0,
            count: 1,
            step: 1,
            out: 0,
            is_whole,
            is_list: true,
        };
        parts.clear();
        parts.extend(self.coords_reversed(index).map(part));
        parts.reverse();
    }

    /// The number of elements that the array has in a chunk.
    fn n_elements(&self, index: usize, layout: Layout<'_>) -> u128 {
        let lengths = layout.shape.iter().zip(layout.chunk_shape).rev();
        self.coords_reversed(index)
            .zip(lengths)
            .map(|(coord, (length, chunk))| u128::from((length - coord * chunk).min(*chunk)))
            .product()
    }

    /// The position of a chunk in the grid, from the last dimension to the first.
    fn coords_reversed(&self, index: usize) -> impl Iterator<Item = u64> {
        let mut number = self.chunks[index].number;
        self.grid.iter().rev().map(move |count| {
            let coord = (number % u128::from(*count)) as u64;
            number /= u128::from(*count);
            coord
        })
    }
}

/// Whether places, of which some may be repeated, are all `n_elements` that there are.
pub(crate) fn are_all(places: impl ExactSizeIterator<Item = usize>, n_elements: u128) -> bool {
    if n_elements <= 1 || (places.len() as u128) < n_elements {
        return places.len() as u128 >= n_elements;
    }
    let mut sorted: Vec<_> = places.collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len() as u128 == n_elements
}
