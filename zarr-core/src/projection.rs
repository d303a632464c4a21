//! Which part of which chunk goes where.

use crate::selection::{Extent, Region};

/// What of one dimension lies in one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The position of the chunk in the grid.
    pub(crate) chunk: u64,
    /// The first element, counted from the beginning of the chunk.
    pub(crate) start: u64,
    /// The number of elements.
    pub(crate) count: u64,
    /// The distance of elements.
    pub(crate) step: u64,
    /// The place of the first element in the selection.
    pub(crate) out: u64,
    /// Whether these are all elements that the array has in the chunk.
    pub(crate) is_whole: bool,
}

/// The chunks that a selection hits, each as a number from 0 to [`Projection::n_chunks`], in C order.
#[derive(Debug)]
pub(crate) struct Projection {
    /// For each dimension, the chunks it hits.
    dimensions: Vec<Vec<Part>>,
}

impl Projection {
    pub(crate) fn new(region: &Region, shape: &[u64], chunk_shape: &[u64]) -> Self {
        let lengths = shape.iter().zip(chunk_shape);
        let dimensions = region.dimensions.iter().zip(lengths);
        let parts = |(extent, (length, chunk)): (&Extent, (&u64, &u64))| split(*extent, *length, *chunk);
        Self {
            dimensions: dimensions.map(parts).collect(),
        }
    }

    /// The number of chunks.
    pub(crate) fn n_chunks(&self) -> usize {
        self.dimensions.iter().map(Vec::len).product()
    }

    /// The parts of a chunk, one a dimension, into `parts`.
    pub(crate) fn chunk(&self, mut number: usize, parts: &mut Vec<Part>) {
        parts.clear();
        for dimension in self.dimensions.iter().rev() {
            parts.push(dimension[number % dimension.len()]);
            number /= dimension.len();
        }
        parts.reverse();
    }
}

/// Cuts what is selected of a dimension at the borders of chunks.
fn split(extent: Extent, length: u64, chunk: u64) -> Vec<Part> {
    let Extent {
        start, count, step, ..
    } = extent;
    let mut parts = Vec::new();
    let mut done = 0;
    while done < count {
        let first = start + done * step;
        let position = first / chunk;
        let origin = position * chunk;
        let end = origin.saturating_add(chunk).min(length);
        let n = (end - first).div_ceil(step).min(count - done);
        let is_whole = first == origin && n == end - origin;
        parts.push(Part {
            chunk: position,
            start: first - origin,
            count: n,
            step,
            out: done,
            is_whole,
        });
        done += n;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Selection;

    fn parts(text: &str, length: u64, chunk: u64) -> Vec<(u64, u64, u64, u64, bool)> {
        let region = Selection::parse(text).unwrap().resolve(&[length]).unwrap();
        let split = split(region.dimensions[0], length, chunk);
        split
            .into_iter()
            .map(|p| (p.chunk, p.start, p.count, p.out, p.is_whole))
            .collect()
    }

    #[test]
    fn a_selection_is_cut_at_the_borders_of_chunks() {
        assert_eq!(
            parts(":", 7, 3),
            [(0, 0, 3, 0, true), (1, 0, 3, 3, true), (2, 0, 1, 6, true)]
        );
        assert_eq!(parts("2:5", 7, 3), [(0, 2, 1, 0, false), (1, 0, 2, 1, false)]);
        assert_eq!(parts("3:3", 7, 3), []);
    }

    #[test]
    fn steps_may_skip_chunks() {
        assert_eq!(
            parts("1::5", 14, 2),
            [(0, 1, 1, 0, false), (3, 0, 1, 1, false), (5, 1, 1, 2, false)]
        );
        assert_eq!(
            parts("::2", 7, 3),
            [(0, 0, 2, 0, false), (1, 1, 1, 2, false), (2, 0, 1, 3, true)]
        );
    }

    #[test]
    fn chunks_are_numbered_in_c_order() {
        let region = Selection::all().resolve(&[4, 6]).unwrap();
        let projection = Projection::new(&region, &[4, 6], &[2, 2]);
        assert_eq!(projection.n_chunks(), 6);
        let mut parts = Vec::new();
        projection.chunk(4, &mut parts);
        assert_eq!(parts.iter().map(|part| part.chunk).collect::<Vec<_>>(), [1, 1]);
    }
}
