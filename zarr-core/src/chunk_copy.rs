//! The copy of what is selected of one chunk, between the chunk and the caller's memory.
//!
//! A box is one strided copy. Where a dimension is a list of places, or the elements are single points, the copy
//! goes through the lists in the order of the result, with a strided copy of the other dimensions at each place:
//! so of several values for one element the last one stays.

use crate::strided::StridedCopy;

/// Where an element lies, or where along a dimension elements lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// In the chunk, counted in elements along the dimension, or in bytes for a single element.
    pub(crate) chunk: usize,
    /// In the result, counted in elements along the dimension.
    pub(crate) out: usize,
}

/// Which side of a copy is which: makes source and target of an offset in the chunk and one in the caller's memory.
pub(crate) type Ends = fn(usize, usize) -> (usize, usize);

/// From the chunk to the caller.
pub(crate) const READ: Ends = |chunk, out| (chunk, out);
/// From the caller to the chunk.
pub(crate) const WRITE: Ends = |chunk, out| (out, chunk);
/// From one element to everywhere of the caller's.
pub(crate) const FILL: Ends = |_, out| (0, out);

/// Places along a dimension.
#[derive(Debug)]
pub(crate) struct List<'p> {
    pub(crate) places: &'p [Place],
    /// The distance in bytes of what the places in the chunk are counted in.
    pub(crate) stride: usize,
    /// The distance of elements along the dimension in the caller's memory, in bytes.
    pub(crate) out_stride: usize,
}

impl List<'_> {
    /// Whether the places in the caller's memory, of elements of a size, are one run of bytes.
    fn is_run(&self, size: usize) -> bool {
        let follows = |two: &[Place]| two[1].out == two[0].out + 1;
        self.out_stride == size && self.places.windows(2).all(follows)
    }
}

/// A copy of what is selected of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkCopy<'p> {
    /// Where it begins, in bytes. What lists add may wrap around, since the part of a chunk that is at hand need
    /// not begin where the chunk does.
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) ends: Ends,
    /// From the slowest dimension to the fastest.
    pub(crate) lists: Vec<List<'p>>,
    pub(crate) inner: StridedCopy,
}

impl ChunkCopy<'_> {
    /// The number of bytes, if the copy is of one run of bytes as they are.
    pub(crate) fn single_run(&self) -> Option<usize> {
        self.inner.single_run().filter(|_| self.lists.is_empty())
    }

    /// Copies; `row` gives the destination of a run of bytes, by its offset and length.
    ///
    /// # Panics
    /// When a place does not lie within the source or the destination.
    pub(crate) fn copy_to_rows<'a>(&self, source: &[u8], row: impl Fn(usize, usize) -> &'a mut [u8]) {
        let item = self.inner.single_item().filter(|_| !self.lists.is_empty());
        match item.map(|item| (item.size, item.swap)) {
            Some((1, _)) => return self.items::<1>(source, row, false),
            Some((2, swap @ (1 | 2))) => return self.items::<2>(source, row, swap == 2),
            Some((4, swap @ (1 | 4))) => return self.items::<4>(source, row, swap == 4),
            Some((8, swap @ (1 | 8))) => return self.items::<8>(source, row, swap == 8),
            _ => {}
        }
        self.each(&mut |from, to| {
            self.inner
                .copy_to_rows(&source[from..], |offset, length| row(to + offset, length));
        });
    }

    /// Copies elements of `N` bytes one by one, for each place in the last list.
    fn items<'a, const N: usize>(
        &self,
        source: &[u8],
        row: impl Fn(usize, usize) -> &'a mut [u8],
        is_swapped: bool,
    ) {
        let Some((last, outer)) = self.lists.split_last() else {
            return;
        };
        let is_run = last.is_run(N);
        self.below(outer, self.source, self.target, &mut |source_at, target_at| {
            let ends = |place: &Place| {
                let (from, to) = (self.ends)(place.chunk * last.stride, place.out * last.out_stride);
                (source_at.wrapping_add(from), target_at.wrapping_add(to))
            };
            let item = |from: usize| {
                let mut bytes = *source[from..]
                    .first_chunk::<N>()
                    .expect("the place lies in the source");
                if is_swapped {
                    bytes.reverse();
                }
                bytes
            };
            if is_run && let Some(first) = last.places.first() {
                let target = row(ends(first).1, last.places.len() * N);
                for (place, target) in last.places.iter().zip(target.as_chunks_mut().0) {
                    *target = item(ends(place).0);
                }
            } else {
                for (from, to) in last.places.iter().map(ends) {
                    row(to, N).copy_from_slice(&item(from));
                }
            }
        });
    }

    /// Copies into a buffer.
    ///
    /// # Panics
    /// When a place does not lie within the source or the destination.
    pub(crate) fn copy_to(&self, source: &[u8], target: &mut [u8]) {
        self.each(&mut |from, to| self.inner.copy_to(&source[from..], &mut target[to..]));
    }

    /// Calls `copy` with the offsets of every combination of places.
    fn each(&self, copy: &mut dyn FnMut(usize, usize)) {
        self.below(&self.lists, self.source, self.target, copy);
    }

    fn below(&self, lists: &[List<'_>], source: usize, target: usize, copy: &mut dyn FnMut(usize, usize)) {
        let Some((first, rest)) = lists.split_first() else {
            return copy(source, target);
        };
        for place in first.places {
            let (from, to) = (self.ends)(place.chunk * first.stride, place.out * first.out_stride);
            self.below(rest, source.wrapping_add(from), target.wrapping_add(to), copy);
        }
    }
}
