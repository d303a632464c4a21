//! A block of integers.
//!
//! ```text
//! bit planes | zeros up to the least size
//! number of planes - 1 (5 or 6 bits) | bit planes | zeros up to the least size      (reversible)
//! ```

use super::{
    bits::{BitReader, BitWriter},
    coder,
    number::Integer,
    planes::{self, Planes},
    transform,
};

/// What bounds the bits of a block, and so its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The least number of bits of a block; smaller ones are filled up.
    pub(super) n_bits_min: u32,
    /// The most bits of a block; what does not fit is cut off.
    pub(super) n_bits_max: u32,
    /// The most bit planes of a block.
    pub(super) n_planes_max: u32,
    /// Bit planes of floats that weigh less than 2 to this power are left out; reversible when it is less
    /// than [`Bounds::EXPONENT_MIN`].
    pub(super) exponent_min: i32,
}

impl Bounds {
    /// The exponent of the smallest float.
    pub(super) const EXPONENT_MIN: i32 = -1074;

    /// Without bounds.
    pub(super) const NONE: Self = Self {
        n_bits_min: 1,
        n_bits_max: 16658,
        n_planes_max: 64,
        exponent_min: Self::EXPONENT_MIN,
    };

    /// Whether blocks come back exactly.
    pub(super) const fn is_reversible(&self) -> bool {
        self.exponent_min < Self::EXPONENT_MIN
    }

    /// The bounds of what follows the first `n_bits` of a block.
    ///
    /// More bits than the most make the most wrap around: a block of floats whose exponent alone takes more
    /// is coded whole, and decoders know it.
    pub(super) const fn after(&self, n_bits: u32) -> Self {
        Self {
            n_bits_min: self.n_bits_min.saturating_sub(n_bits),
            n_bits_max: self.n_bits_max.wrapping_sub(n_bits),
            ..*self
        }
    }

    /// The range of the planes that are coded, of integers of so many bits.
    const fn planes(&self, n_bits: u32) -> std::ops::Range<u32> {
        n_bits.saturating_sub(self.n_planes_max)..n_bits
    }
}

/// The bits that say how many planes there are.
const fn n_bits_of_count<I: Integer>() -> u32 {
    I::BITS.trailing_zeros()
}

/// Writes a block.
#[inline]
pub(super) fn encode<I: Integer, const N: usize, const WORDS: usize>(
    mut block: [I; N],
    bounds: &Bounds,
    out: &mut BitWriter<'_>,
) {
    let n_bits = if bounds.is_reversible() {
        transform::decorrelate_reversibly(&mut block);
        let planes: Planes<WORDS> = planes::split(&block);
        let lowest = planes.iter().take_while(|plane| **plane == [0; WORDS]).count() as u32;
        let n_planes = I::BITS.saturating_sub(lowest).min(bounds.n_planes_max).max(1);
        let n_bits = const { n_bits_of_count::<I>() };
        out.write(u64::from(n_planes - 1), n_bits);
        let rest = bounds.n_bits_max.wrapping_sub(n_bits);
        n_bits + coder::encode::<N, WORDS>(&planes, I::BITS - n_planes..I::BITS, rest, out)
    } else {
        transform::decorrelate(&mut block);
        let planes: Planes<WORDS> = planes::split(&block);
        coder::encode::<N, WORDS>(&planes, bounds.planes(I::BITS), bounds.n_bits_max, out)
    };
    out.pad(bounds.n_bits_min.saturating_sub(n_bits));
}

/// Reads a block.
#[inline]
pub(super) fn decode<I: Integer, const N: usize, const WORDS: usize>(
    encoded: &mut BitReader<'_>,
    bounds: &Bounds,
) -> [I; N] {
    let mut planes: Planes<WORDS> = [[0; WORDS]; 64];
    if bounds.is_reversible() {
        let n_bits = const { n_bits_of_count::<I>() };
        let lowest = I::BITS - 1 - encoded.read(n_bits) as u32;
        let rest = bounds.n_bits_max.wrapping_sub(n_bits);
        let n_bits = n_bits + coder::decode::<N, WORDS>(encoded, lowest..I::BITS, rest, &mut planes);
        encoded.skip(bounds.n_bits_min.saturating_sub(n_bits));
        let mut block = planes::join(&planes);
        transform::correlate_reversibly(&mut block);
        block
    } else {
        let range = bounds.planes(I::BITS);
        let n_bits = coder::decode::<N, WORDS>(encoded, range, bounds.n_bits_max, &mut planes);
        encoded.skip(bounds.n_bits_min.saturating_sub(n_bits));
        let mut block = planes::join(&planes);
        transform::correlate(&mut block);
        block
    }
}
