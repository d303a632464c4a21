//! The numbers that zfp takes, and the integers that its blocks consist of.

use std::{
    fmt::Debug,
    num::Wrapping,
    ops::{AddAssign, BitAnd, ShlAssign, Shr, ShrAssign, SubAssign},
};

use super::{
    bits::{BitReader, BitWriter},
    block::{self, Bounds},
    float,
};

/// The types of numbers, as the header numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum NumberType {
    Int32,
    Int64,
    Float32,
    Float64,
}

impl NumberType {
    /// The types with their names, by their numbers.
    pub(super) const ALL: [(Self, &'static str); 4] = [
        (Self::Int32, "int32"),
        (Self::Int64, "int64"),
        (Self::Float32, "float32"),
        (Self::Float64, "float64"),
    ];

    pub(super) const fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }
}

/// An integer of a block, which wraps around.
pub(super) trait Integer:
    Copy
    + Debug
    + Default
    + PartialEq
    + AddAssign
    + SubAssign
    + ShlAssign<usize>
    + Shr<usize, Output = Self>
    + ShrAssign<usize>
    + BitAnd<Output = Self>
{
    /// The number of bits.
    const BITS: u32;

    /// The number in base -2, in which small numbers of either sign have zeros at the top.
    fn to_negabinary(self) -> u64;

    /// Undoes [`Integer::to_negabinary`]; of `digits` the lowest [`Integer::BITS`] count.
    fn from_negabinary(digits: u64) -> Self;
}

/// A number of an array.
pub(super) trait Number: bytemuck::Pod + Debug {
    /// Writes a block of 4 to the power of the number of dimensions, in C order.
    fn encode_block<const N: usize, const WORDS: usize>(
        block: &[Self; N],
        bounds: &Bounds,
        out: &mut BitWriter<'_>,
    );

    /// Reads a block.
    fn decode_block<const N: usize, const WORDS: usize>(
        encoded: &mut BitReader<'_>,
        bounds: &Bounds,
    ) -> [Self; N];
}

macro_rules! integer {
    ($signed:ty, $unsigned:ty) => {
        impl Integer for Wrapping<$signed> {
            const BITS: u32 = <$signed>::BITS;

            #[inline]
            fn to_negabinary(self) -> u64 {
                const ODD: $unsigned = <$unsigned>::MAX / 3 * 2;
                u64::from((self.0 as $unsigned).wrapping_add(ODD) ^ ODD)
            }

            #[inline]
            fn from_negabinary(digits: u64) -> Self {
                const ODD: $unsigned = <$unsigned>::MAX / 3 * 2;
                Self((digits as $unsigned ^ ODD).wrapping_sub(ODD) as $signed)
            }
        }

        impl Number for $signed {
            fn encode_block<const N: usize, const WORDS: usize>(
                block: &[Self; N],
                bounds: &Bounds,
                out: &mut BitWriter<'_>,
            ) {
                block::encode::<_, N, WORDS>(block.map(Wrapping), bounds, out);
            }

            fn decode_block<const N: usize, const WORDS: usize>(
                encoded: &mut BitReader<'_>,
                bounds: &Bounds,
            ) -> [Self; N] {
                block::decode::<Wrapping<$signed>, N, WORDS>(encoded, bounds).map(|number| number.0)
            }
        }
    };
}

macro_rules! float {
    ($float:ty) => {
        impl Number for $float {
            fn encode_block<const N: usize, const WORDS: usize>(
                block: &[Self; N],
                bounds: &Bounds,
                out: &mut BitWriter<'_>,
            ) {
                float::encode::<_, N, WORDS>(block, bounds, out);
            }

            fn decode_block<const N: usize, const WORDS: usize>(
                encoded: &mut BitReader<'_>,
                bounds: &Bounds,
            ) -> [Self; N] {
                float::decode::<_, N, WORDS>(encoded, bounds)
            }
        }
    };
}

integer!(i32, u32);
integer!(i64, u64);
float!(f32);
float!(f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_base_minus_two() {
        for (number, digits) in [(0, 0), (1, 0b1), (-1, 0b11), (2, 0b110), (3, 0b111), (-2, 0b10)] {
            assert_eq!(Wrapping(number).to_negabinary(), digits, "{number}");
            assert_eq!(Wrapping(i64::from(number)).to_negabinary(), digits, "{number}");
        }
        for number in [i32::MIN, i32::MAX, -12345, 98765] {
            let digits = Wrapping(number).to_negabinary();
            assert_eq!(Wrapping::<i32>::from_negabinary(digits).0, number);
            let digits = Wrapping(i64::from(number) << 31).to_negabinary();
            assert_eq!(
                Wrapping::<i64>::from_negabinary(digits).0,
                i64::from(number) << 31
            );
        }
    }
}
