//! Iteration over the first dimension.

use std::ops::{Bound, RangeBounds};

use crate::{Array, ArrayData, Error, Result, Selection};

/// The parts of an array along its first dimension, one by one; see [`Array::rows`].
#[derive(Debug)]
pub struct Rows<'a> {
    array: &'a Array,
    next: u64,
    end: u64,
    /// The rows of the chunks that the last row was in, and the number of the first of them.
    slab: Option<(u64, ArrayData)>,
}

impl Array {
    /// Iterates over the first dimension: zarr-python's `islice`, and with `..` its iteration.
    ///
    /// One row of chunks is read at a time and kept until its last row is given. An end beyond the array is
    /// its end. Iteration ends with the first error.
    ///
    /// # Errors
    /// [`Error::Selection`] for an array without dimensions.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use zarr_core::{ArrayBuilder, NodePath, Selection, codecs::DataType, store::MemoryStore};
    /// let builder = ArrayBuilder::new(vec![4, 2], DataType::Int8).chunk_shape(vec![3, 2]);
    /// let array = builder.create(Arc::new(MemoryStore::new()), &NodePath::root(), &Default::default())?;
    /// array.write_vec(&Selection::all(), &[1_i8, 2, 3, 4, 5, 6, 7, 8])?;
    /// let sums: Result<Vec<i8>, _> = array.rows(1..)?.map(|row| Ok::<_, zarr_core::Error>(row?.to_vec::<i8>()?.iter().sum())).collect();
    /// assert_eq!(sums?, [7, 11, 15]);
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn rows(&self, range: impl RangeBounds<u64>) -> Result<Rows<'_>> {
        let Some(&length) = self.shape().first() else {
            return Err(Error::selection("iteration over a 0-d array"));
        };
        let next = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => last.saturating_add(1),
            Bound::Excluded(end) => *end,
            Bound::Unbounded => length,
        };
        Ok(Rows {
            array: self,
            next,
            end: end.min(length),
            slab: None,
        })
    }
}

impl Rows<'_> {
    fn row(&mut self) -> Result<ArrayData> {
        let grid = &self.array.metadata().chunk_grid;
        let (first, slab) = match self.slab.take() {
            Some((first, slab)) if self.next - first < slab.shape[0] => (first, slab),
            _ => {
                let mut start = vec![0; self.array.ndim()];
                let mut shape = self.array.shape().to_vec();
                start[0] = self.next;
                let (origin, edge) = grid.extent(0, grid.chunk_of(0, self.next));
                let chunk_end = origin.saturating_add(edge);
                shape[0] = chunk_end.min(self.end) - self.next;
                let slab = self.array.read_data(&Selection::region(&start, &shape))?;
                (self.next, slab)
            }
        };
        let row = slab.row((self.next - first) as usize);
        self.slab = Some((first, slab));
        Ok(row)
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<ArrayData>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let row = self.row();
        self.next = if row.is_ok() { self.next + 1 } else { self.end };
        Some(row)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.end.saturating_sub(self.next)).ok();
        (left.unwrap_or(usize::MAX).min(1), left)
    }
}
