//! The result of a read, which several threads fill at once, chunk by chunk.
//!
//! This is the only unsafe code of the crate. It is sound because
//! * a [`Projection`], whatever its groups, gives every element of the result to exactly one chunk, so the rows that two chunks take
//!   in the result do not overlap: of a box, every chunk has a range of its own in each dimension; of a list, every
//!   place in the list is sorted to one chunk, and of points every point is (a position that is repeated in a list
//!   is two places in the result); and
//! * [`ChunkedOutput::take`] hands out the place of a chunk once.
#![expect(unsafe_code, reason = "threads write disjoint rows of one buffer")]

use std::{
    cell::RefCell,
    marker::PhantomData,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::{
    Region,
    chunk_copy::{ChunkCopy, FILL, READ},
    fields::Piece,
    projection::{ChunkShare, Part, Projection},
    strided::c_strides,
};

/// Where the elements of a read go.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) bytes: &'a mut [u8],
    /// Whether the memory is all zero, so that zeros need not be written.
    pub(crate) is_zero: bool,
}

/// Memory for the elements of a region, in C order, and what of it belongs to which chunk.
#[derive(Debug)]
pub(crate) struct ChunkedOutput<'a> {
    start: *mut u8,
    size: usize,
    is_zero: bool,
    owner: PhantomData<&'a mut [u8]>,
    projection: Projection,
    /// Whether the place of a chunk was handed out.
    taken: Vec<AtomicBool>,
    /// The distances of elements in bytes.
    strides: Vec<usize>,
    /// What of each stored element goes where in one of the result.
    pieces: Vec<Piece>,
    /// What an element of the result is that was never written.
    fill: Vec<u8>,
}

// SAFETY: the bytes behind the pointer are borrowed exclusively for 'a and are plain data.
unsafe impl Send for ChunkedOutput<'_> {}
// SAFETY: threads reach the bytes through places alone, which do not overlap.
unsafe impl Sync for ChunkedOutput<'_> {}

/// What is read: a region of an array.
#[derive(Debug)]
pub(crate) struct Wanted<'r> {
    pub(crate) region: &'r Region,
    /// The region, cut into chunks.
    pub(crate) projection: Projection,
    /// What of each stored element goes where in one of the result.
    pub(crate) pieces: Vec<Piece>,
    /// What an element of the result is that was never written, in native byte order.
    pub(crate) fill: Vec<u8>,
}

impl<'a> ChunkedOutput<'a> {
    /// Takes memory that is as large as the elements of the region.
    ///
    /// # Panics
    /// When it is of another size.
    pub(crate) fn new(target: Target<'a>, wanted: Wanted<'_>) -> Self {
        let Wanted {
            region,
            projection,
            pieces,
            fill,
        } = wanted;
        let Target { bytes, is_zero } = target;
        assert_eq!(
            bytes.len() as u64,
            region.n_elements() * fill.len() as u64,
            "output of another size"
        );
        ask_for_huge_pages(bytes);
        Self {
            start: bytes.as_mut_ptr(),
            size: bytes.len(),
            is_zero,
            owner: PhantomData,
            taken: (0..projection.n_chunks())
                .map(|_| AtomicBool::new(false))
                .collect(),
            projection,
            strides: c_strides(&region.counts(), fill.len()),
            pieces,
            fill,
        }
    }

    /// The number of chunks.
    pub(crate) fn n_chunks(&self) -> usize {
        self.taken.len()
    }

    /// The chunks that are wanted.
    pub(crate) const fn projection(&self) -> &Projection {
        &self.projection
    }

    /// Hands out the place of a chunk; `parts` is memory for what of the chunk is wanted.
    ///
    /// # Panics
    /// When it was handed out before.
    pub(crate) fn take<'o>(&'o self, number: usize, parts: &'o mut Vec<Part>) -> ChunkPlace<'o> {
        assert!(
            !self.taken[number].swap(true, Ordering::Relaxed),
            "a chunk is read once"
        );
        ChunkPlace {
            output: self,
            share: self.projection.chunk(number, parts),
        }
    }
}

/// The place in the output for what is wanted of one chunk.
#[derive(Debug)]
pub(crate) struct ChunkPlace<'o> {
    output: &'o ChunkedOutput<'o>,
    share: ChunkShare<'o>,
}

impl<'o> ChunkPlace<'o> {
    /// What is wanted of the chunk.
    pub(crate) const fn share(&self) -> ChunkShare<'o> {
        self.share
    }

    /// Fills the place with the fill value.
    pub(crate) fn fill(&self) {
        let ChunkedOutput {
            strides,
            fill,
            is_zero,
            ..
        } = self.output;
        if !is_zero || fill.iter().any(|byte| *byte != 0) {
            let all = Piece {
                stored: 0,
                given: 0,
                size: fill.len(),
            };
            self.rows(&self.share.copy(FILL, 0, strides, all, 1), fill);
        }
    }

    /// Copies the wanted elements out of the chunk, of which bytes from `origin` on are given; numbers of `swap`
    /// bytes have their bytes swapped.
    ///
    /// # Panics
    /// When there are fewer elements.
    pub(crate) fn copy(&self, elements: &[u8], origin: usize, swap: usize) {
        for piece in &self.output.pieces {
            self.rows(&self.piece(*piece, origin, swap), elements);
        }
    }

    /// Copies the slots of the wanted elements out of all those of the chunk, and hands them out, as they lie in the
    /// place, run by run.
    ///
    /// # Errors
    /// Those of `each`.
    pub(crate) fn copy_slots<E>(
        &self,
        slots: &[u8],
        mut each: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let runs = RefCell::new(Vec::new());
        for piece in &self.output.pieces {
            self.piece(*piece, 0, 1).copy_to_rows(slots, |offset, length| {
                runs.borrow_mut().push((offset, length));
                self.row(offset, length)
            });
        }
        let mut runs = runs.into_inner().into_iter();
        runs.try_for_each(|(offset, length)| each(self.row(offset, length)))
    }

    /// The place as one run of bytes, if it is for a whole chunk of `size` bytes whose elements lie in it as in
    /// the chunk.
    pub(crate) fn whole(&mut self, size: usize, swap: usize) -> Option<&mut [u8]> {
        let [piece] = self.output.pieces[..] else {
            return None;
        };
        let copy = self.piece(piece, 0, swap);
        (copy.single_run() == Some(size)).then(|| self.row(copy.target, size))
    }

    fn piece(&self, piece: Piece, origin: usize, swap: usize) -> ChunkCopy<'o> {
        self.share.copy(READ, origin, &self.output.strides, piece, swap)
    }

    fn rows(&self, copy: &ChunkCopy<'_>, elements: &[u8]) {
        copy.copy_to_rows(elements, |offset, length| self.row(offset, length));
    }

    /// Bytes of the output; called with rows of this place alone, one at a time.
    #[expect(clippy::mut_from_ref, reason = "the bytes are not those of the place")]
    fn row(&self, offset: usize, length: usize) -> &mut [u8] {
        let end = offset.checked_add(length);
        assert!(
            end.is_some_and(|end| end <= self.output.size),
            "row outside the output"
        );
        // SAFETY: the row lies within the buffer, which is borrowed exclusively; it is one of this chunk's rows,
        // and by the invariants of this file nobody else has those.
        unsafe { std::slice::from_raw_parts_mut(self.output.start.add(offset), length) }
    }
}

/// Asks the kernel to back large memory with huge pages; the first touch is then several times cheaper.
fn ask_for_huge_pages(buffer: &mut [u8]) {
    const HUGE_PAGE: usize = 2 << 20;
    #[cfg(target_os = "linux")]
    if buffer.len() >= 2 * HUGE_PAGE {
        let skip = buffer.as_ptr().align_offset(HUGE_PAGE);
        let length = (buffer.len() - skip) / HUGE_PAGE * HUGE_PAGE;
        // SAFETY: the range lies within the buffer, and the advice changes no content.
        // It is a hint: a kernel without huge pages refuses it, and nothing is lost.
        let _ = unsafe {
            let start = buffer.as_mut_ptr().add(skip).cast();
            rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxHugepage)
        };
    }
}
