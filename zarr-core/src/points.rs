//! Single elements, sorted by the chunk they lie in.

use crate::{
    Error, Points, Result,
    chunk_copy::Place,
    chunk_edges::Located,
    projection::{Layout, Part},
};

/// The points of a selection, chunk by chunk.
#[derive(Debug)]
pub(crate) struct ChunkPoints {
    /// The number of chunks along each dimension.
    grid: Vec<u64>,
    chunks: Vec<Chunk>,
    /// For each chunk and dimension, the number of elements that the array has from the beginning of the chunk on.
    rooms: Vec<u64>,
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

/// How points are sorted: the chunk of an element along a dimension, and how elements lie in memory.
pub(crate) trait Locate {
    /// The number of chunks along each dimension, or more.
    fn grid(&self) -> Vec<u64>;
    /// The chunk of an element along a dimension.
    fn locate(&self, axis: usize, position: u64) -> Located;
    /// The number of elements that the array has from one on along a dimension.
    fn room(&self, axis: usize, position: u64) -> u64;
    /// The distances in bytes of the elements of a chunk, one a dimension.
    fn strides(&self) -> &[usize];
}

impl Locate for Layout<'_> {
    fn grid(&self) -> Vec<u64> {
        let lengths = self.shape.iter().zip(self.chunk_shape);
        lengths.map(|(all, one)| all.div_ceil(*one)).collect()
    }

    fn locate(&self, axis: usize, position: u64) -> Located {
        Layout::locate(self, axis, position)
    }

    fn room(&self, axis: usize, position: u64) -> u64 {
        self.shape[axis] - position
    }

    fn strides(&self) -> &[usize] {
        &self.strides
    }
}

impl ChunkPoints {
    /// Sorts points, of which `chosen` are told by their places in the result; the time is that of sorting, and the
    /// memory in proportion to their number.
    pub(crate) fn new(
        points: &Points,
        chosen: impl IntoIterator<Item = usize>,
        layout: &impl Locate,
    ) -> Result<Self> {
        let grid = layout.grid();
        let n_chunks = grid
            .iter()
            .try_fold(1_u128, |product, count| product.checked_mul(u128::from(*count)));
        if n_chunks.is_none() {
            return Err(Error::selection(format!(
                "{grid:?} chunks are too many to select points"
            )));
        }
        let place = |out: usize| {
            let (mut number, mut chunk) = (0, 0);
            for (axis, coords) in points.coords.iter().enumerate() {
                let at = layout.locate(axis, coords[out]);
                number = number * u128::from(grid[axis]) + u128::from(at.chunk);
                chunk += (coords[out] - at.origin) as usize * layout.strides()[axis];
            }
            (number, Place { chunk, out })
        };
        let mut located: Vec<_> = chosen.into_iter().map(place).collect();
        // Of one chunk, points stay in the order of the result.
        located.sort_by_key(|(number, _)| *number);
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut rooms = Vec::new();
        let mut sizes = Vec::new();
        for (index, (number, place)) in located.iter().enumerate() {
            match chunks.last_mut() {
                Some(last) if last.number == *number => last.end = index + 1,
                _ => {
                    chunks.push(Chunk {
                        number: *number,
                        end: index + 1,
                        is_whole: false,
                    });
                    let mut size = 1;
                    for (axis, coords) in points.coords.iter().enumerate() {
                        let at = layout.locate(axis, coords[place.out]);
                        let room = layout.room(axis, at.origin);
                        size *= u128::from(room.min(at.edge));
                        rooms.push(room);
                    }
                    sizes.push(size);
                }
            }
        }
        let mut found = Self {
            grid,
            chunks,
            rooms,
            places: located.into_iter().map(|(_, place)| place).collect(),
        };
        for (index, size) in sizes.into_iter().enumerate() {
            let places = found.places(index).iter();
            found.chunks[index].is_whole = are_all(places.map(|place| place.chunk), size);
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
        let ndim = self.grid.len();
        let rooms = self.rooms[index * ndim..(index + 1) * ndim].iter().rev();
        let part = |(chunk, room): (u64, &u64)| Part {
            chunk,
            start: 0,
            count: 1,
            step: 1,
            out: 0,
            room: *room,
            is_whole,
            is_list: true,
        };
        parts.clear();
        parts.extend(self.coords_reversed(index).zip(rooms).map(part));
        parts.reverse();
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
