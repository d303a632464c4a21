//! Memory that several threads fill at once.
//!
//! Invariant: the chunks of a grid do not overlap, so neither do the rows that their parts take in a result.
//! [`SharedOutput::row`] relies on it; this is the only unsafe code of the crate.
#![expect(unsafe_code, reason = "threads write disjoint rows of one buffer")]

use std::marker::PhantomData;

/// A buffer whose rows are handed out to threads.
#[derive(Debug)]
pub(crate) struct SharedOutput<'a> {
    start: *mut u8,
    size: usize,
    owner: PhantomData<&'a mut [u8]>,
}

// SAFETY: the bytes behind the pointer are borrowed exclusively for 'a and are plain data.
unsafe impl Send for SharedOutput<'_> {}
// SAFETY: `row` is unsafe, and its callers promise that rows of different threads do not overlap.
unsafe impl Sync for SharedOutput<'_> {}

impl<'a> SharedOutput<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        ask_for_huge_pages(buffer);
        Self {
            start: buffer.as_mut_ptr(),
            size: buffer.len(),
            owner: PhantomData,
        }
    }

    /// The bytes from `offset`.
    ///
    /// # Safety
    /// No two rows that are alive at the same time may overlap.
    ///
    /// # Panics
    /// When the row does not lie within the buffer.
    pub(crate) unsafe fn row(&self, offset: usize, length: usize) -> &'a mut [u8] {
        assert!(
            offset.checked_add(length).is_some_and(|end| end <= self.size),
            "row outside the output"
        );
        // SAFETY: the row lies within the buffer, which is borrowed for 'a, and overlaps no other.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), length) }
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
