//! A pair of arrays cut into boxes that hold whole chunks of both, as far as memory allows.

use std::collections::BTreeSet;

use zarr_core::ChunkGrid;

use crate::{Result, SourceArray};

/// With more boxes than this, those that no stored chunk touches are left out: a listing costs about as much as so many
/// questions for chunks that are not there.
const LISTED_MIN: u64 = 8;
/// The most boxes that are remembered one by one.
const TOUCHED_MAX: usize = 1 << 22;

/// The boxes of an array.
#[derive(Debug)]
pub(super) struct Parts {
    shape: Vec<u64>,
    part_shape: Vec<u64>,
    grid: Vec<u64>,
    /// The numbers of the boxes in which something is stored, if all others are known to hold nothing.
    touched: Option<Vec<u64>>,
}

/// One box.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Its place in the grid of boxes.
    pub(super) coords: Vec<u64>,
    /// Its first element.
    pub(super) start: Vec<u64>,
    /// Its lengths.
    pub(super) shape: Vec<u64>,
}

impl Parts {
    /// Cuts arrays of the same shape, into boxes of about `size_max` bytes of the first one's values.
    ///
    /// # Errors
    /// When stored chunks cannot be listed.
    pub(super) fn new(
        a: &dyn SourceArray,
        b: &dyn SourceArray,
        size_max: u64,
        is_aligned: bool,
    ) -> Result<Self> {
        let shape = a.shape().to_vec();
        let item_size = |array: &dyn SourceArray| array.data_type().size().unwrap_or(1) as u64;
        let n_max = size_max / item_size(a).max(item_size(b)).max(1);
        let part_shape = match a.chunk_shape() {
            Some(chunk_shape) if is_aligned => chunk_shape.to_vec(),
            _ => part_shape(&shape, [a.chunk_shape(), b.chunk_shape()], n_max),
        };
        let cut = shape.iter().zip(&part_shape);
        let mut parts = Self {
            grid: cut
                .map(|(length, part)| length.div_ceil((*part).max(1)))
                .collect(),
            shape,
            part_shape,
            touched: None,
        };
        if parts.n_all() > LISTED_MIN {
            parts.touched = parts.find_touched(&[a, b])?;
        }
        Ok(parts)
    }

    /// How many boxes there are to be compared.
    pub(super) fn n(&self) -> u64 {
        self.touched
            .as_ref()
            .map_or_else(|| self.n_all(), |touched| touched.len() as u64)
    }

    /// The box of a number below [`Parts::n`].
    pub(super) fn part(&self, number: u64) -> Part {
        let number = match &self.touched {
            Some(touched) => touched[number as usize],
            None => number,
        };
        self.numbered(number)
    }

    /// How many elements lie in boxes in which nothing is stored, and the first of these boxes.
    pub(super) fn untouched(&self) -> Option<(u64, Part)> {
        let touched = self.touched.as_ref()?;
        let n_elements = |shape: &[u64]| shape.iter().fold(1_u64, |n, length| n.saturating_mul(*length));
        let seen = touched.iter().fold(0_u64, |n, number| {
            n.saturating_add(n_elements(&self.numbered(*number).shape))
        });
        let first = (0..self.n_all())
            .zip(touched)
            .find(|(number, touched)| number != *touched);
        let first = first.map_or(touched.len() as u64, |(number, _)| number);
        (first < self.n_all()).then(|| (n_elements(&self.shape).saturating_sub(seen), self.numbered(first)))
    }

    fn n_all(&self) -> u64 {
        self.grid.iter().fold(1, |n, length| n.saturating_mul(*length))
    }

    fn numbered(&self, mut number: u64) -> Part {
        let mut coords = vec![0; self.grid.len()];
        for (coord, length) in coords.iter_mut().zip(&self.grid).rev() {
            *coord = number % length;
            number /= length;
        }
        let start: Vec<_> = coords
            .iter()
            .zip(&self.part_shape)
            .map(|(coord, part)| coord * part)
            .collect();
        let ends = start.iter().zip(&self.part_shape).zip(&self.shape);
        let shape = ends
            .map(|((start, part), length)| *part.min(&(length - start)))
            .collect();
        Part { coords, start, shape }
    }

    /// The boxes in which a chunk is stored; `None` if that is not known or there are too many.
    fn find_touched(&self, arrays: &[&dyn SourceArray]) -> Result<Option<Vec<u64>>> {
        let mut touched = BTreeSet::new();
        for array in arrays {
            let (Some(chunk_grid), Some(stored)) = (array.chunk_grid(), array.stored_chunks()?) else {
                return Ok(None);
            };
            for coords in stored {
                if !self.touch(&coords, &chunk_grid, &mut touched) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(touched.into_iter().collect()))
    }

    /// Adds the numbers of the boxes that a chunk touches; whether there is room for them.
    fn touch(&self, coords: &[u64], chunk_grid: &ChunkGrid, touched: &mut BTreeSet<u64>) -> bool {
        let mut numbers = vec![0_u64];
        for (dimension, coord) in coords.iter().enumerate() {
            let (part, length) = (self.part_shape[dimension].max(1), self.shape[dimension]);
            let (start, edge) = chunk_grid.extent(dimension, *coord);
            if start >= length {
                return true;
            }
            let end = start.saturating_add(edge).min(length);
            let range = start / part..end.div_ceil(part);
            let n = (range.end - range.start).saturating_mul(numbers.len() as u64);
            if n > TOUCHED_MAX as u64 {
                return false;
            }
            let grid = self.grid[dimension];
            numbers = numbers
                .iter()
                .flat_map(|number| range.clone().map(move |place| number * grid + place))
                .collect();
        }
        touched.extend(numbers);
        touched.len() <= TOUCHED_MAX
    }
}

/// The shape of a box of at most `n_max` elements, unless a single chunk has more.
fn part_shape(shape: &[u64], chunks: [Option<&[u64]>; 2], n_max: u64) -> Vec<u64> {
    let n = |shape: &[u64]| shape.iter().fold(1_u64, |n, length| n.saturating_mul(*length));
    let ones = vec![1; shape.len()];
    let [first, second] = chunks.map(|chunk| chunk.unwrap_or(&ones));
    // Chunks at the border may be larger than the array.
    let clip = |chunk: &[u64]| -> Vec<u64> {
        chunk
            .iter()
            .zip(shape)
            .map(|(chunk, length)| (*chunk).min(*length).max(1))
            .collect()
    };
    let (first, second) = (clip(first), clip(second));
    let (mut part, other) = if n(&first) >= n(&second) {
        (first, second)
    } else {
        (second, first)
    };
    // Whole chunks of the other array first, so that none of them is decoded twice; then more of both.
    for dimension in (0..shape.len()).rev() {
        let multiple = lcm(part[dimension], other[dimension]).min(shape[dimension].max(1));
        let rest = n(&part) / part[dimension];
        if rest.saturating_mul(multiple) <= n_max {
            part[dimension] = multiple;
        }
    }
    for dimension in (0..shape.len()).rev() {
        let factor = (n_max / n(&part).max(1)).max(1);
        let all = shape[dimension].div_ceil(part[dimension]).max(1);
        part[dimension] = part[dimension].saturating_mul(factor.min(all));
    }
    part
}

fn lcm(a: u64, b: u64) -> u64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_hold_whole_chunks_of_both_where_memory_allows() {
        let shape = |shape: &[u64], a: &[u64], b: &[u64], n_max| part_shape(shape, [Some(a), Some(b)], n_max);
        assert_eq!(shape(&[100, 100], &[10, 10], &[15, 5], 1_000_000), [120, 100]);
        assert_eq!(shape(&[100, 100], &[10, 10], &[15, 5], 900), [30, 30]);
        assert_eq!(shape(&[100, 100], &[10, 100], &[100, 10], 10), [10, 100]);
        assert_eq!(part_shape(&[7, 1000], [None, None], 500), [1, 500]);
        assert_eq!(part_shape(&[], [None, None], 500), [0_u64; 0]);
        assert_eq!(shape(&[u64::MAX], &[u64::MAX], &[u64::MAX - 1], 10), [u64::MAX]);
    }

    #[test]
    fn boxes_cover_the_array_without_overlap() {
        let parts = Parts {
            shape: vec![5, 4],
            part_shape: vec![2, 3],
            grid: vec![3, 2],
            touched: None,
        };
        let covered: u64 = (0..parts.n())
            .map(|number| parts.part(number).shape.iter().product::<u64>())
            .sum();
        assert_eq!(covered, 20);
        assert_eq!(
            parts.part(5),
            Part {
                coords: vec![2, 1],
                start: vec![4, 3],
                shape: vec![1, 1]
            }
        );
    }

    #[test]
    fn boxes_without_chunks_are_counted_and_the_first_of_them_is_found() {
        let mut parts = Parts {
            shape: vec![10],
            part_shape: vec![3],
            grid: vec![4],
            touched: Some(vec![0, 3]),
        };
        assert_eq!(parts.n(), 2);
        assert_eq!(parts.part(1).start, [9]);
        let (n, first) = parts.untouched().unwrap();
        assert_eq!((n, first.start), (6, vec![3]));
        parts.touched = Some(vec![0, 1, 2, 3]);
        assert_eq!(parts.untouched().map(|(n, _)| n), None);
    }
}
