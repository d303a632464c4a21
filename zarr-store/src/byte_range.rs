//! Which bytes of a value are wanted.

use std::ops::Range;

/// A part of a value, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteRange {
    /// The whole value.
    All,
    /// `length` bytes from `offset`.
    Part {
        /// First byte, counted from 0.
        offset: u64,
        /// Number of bytes.
        length: u64,
    },
    /// The last bytes of the value.
    Suffix {
        /// Number of bytes.
        length: u64,
    },
}

impl ByteRange {
    /// Finds the range in a value of `size` bytes; `None` when a part of it lies outside.
    ///
    /// ```
    /// # use zarr_store::ByteRange;
    /// assert_eq!(ByteRange::Suffix { length: 3 }.resolve(10), Some(7..10));
    /// assert_eq!(ByteRange::Suffix { length: 11 }.resolve(10), None);
    /// ```
    pub fn resolve(self, size: u64) -> Option<Range<u64>> {
        match self {
            Self::All => Some(0..size),
            Self::Part { offset, length } => {
                let end = offset.checked_add(length)?;
                (end <= size).then_some(offset..end)
            }
            Self::Suffix { length } => Some(size.checked_sub(length)?..size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_wraps_around_lies_outside() {
        let range = ByteRange::Part {
            offset: u64::MAX,
            length: 2,
        };
        assert_eq!(range.resolve(10), None);
    }

    #[test]
    fn a_part_may_end_with_the_value() {
        assert_eq!(ByteRange::Part { offset: 4, length: 6 }.resolve(10), Some(4..10));
        assert_eq!(ByteRange::Part { offset: 4, length: 7 }.resolve(10), None);
        assert_eq!(ByteRange::All.resolve(0), Some(0..0));
    }
}
