//! A block of floats: integers that have an exponent in common.
//!
//! ```text
//! 0                                                        all are zero
//! 1 | biased exponent (8 or 11 bits) | integers
//! 1 0 | biased exponent | integers                         (reversible, when that loses nothing)
//! 1 1 | integers, of the bits of the floats                (reversible, otherwise)
//! ```

use std::{array, num::Wrapping};

use super::{
    bits::{BitReader, BitWriter},
    block::{self, Bounds},
    number::{Integer, Number},
};

/// A float of IEEE 754.
pub(super) trait Float: Number {
    /// An integer of the same size.
    type Integer: Integer;
    /// The number of bits of the exponent.
    const EXPONENT_BITS: u32;
    /// What is added to an exponent to store it.
    const BIAS: i32 = (1 << (Self::EXPONENT_BITS - 1)) - 1;
    /// What scales a float below one to an integer, as a power of 2.
    const SCALE: i32 = Self::Integer::BITS as i32 - 2;

    /// The bits of the float without its sign.
    fn magnitude(self) -> u64;

    /// 2 to a power; infinity above and zero below what the type has.
    fn power_of_two(exponent: i32) -> Self;

    /// The float times a factor, its fraction cut off; the least integer for what is out of its range.
    fn scale(self, factor: Self) -> Self::Integer;

    /// An integer times a factor.
    fn unscale(integer: Self::Integer, factor: Self) -> Self;

    /// The bits as an integer that grows with the float.
    fn to_ordinal(self) -> Self::Integer;

    /// Undoes [`Float::to_ordinal`].
    fn from_ordinal(ordinal: Self::Integer) -> Self;

    /// The least exponent of which 2 to its power is larger than every finite magnitude of a block.
    ///
    /// That of zeros and of smaller floats is that of the format, zero if there are infinities; what is not a
    /// number does not count.
    #[inline]
    fn exponent<const N: usize>(block: &[Self; N]) -> i32 {
        let n_fraction_bits = Self::Integer::BITS - 1 - Self::EXPONENT_BITS;
        let infinity = ((1_u64 << Self::EXPONENT_BITS) - 1) << n_fraction_bits;
        let mut max = block.iter().fold(0, |max, number| number.magnitude().max(max));
        if max > infinity {
            let numbers = block.iter().map(|number| number.magnitude());
            max = numbers.filter(|number| *number <= infinity).max().unwrap_or(0);
        }
        match max {
            0 => -Self::BIAS,
            finite if finite < infinity => (finite >> n_fraction_bits) as i32 - (Self::BIAS - 1),
            _ => 0,
        }
    }
}

macro_rules! float {
    ($float:ty, $bits:ty, $signed:ty, $exponent_bits:literal) => {
        impl Float for $float {
            type Integer = Wrapping<$signed>;
            const EXPONENT_BITS: u32 = $exponent_bits;

            #[inline]
            fn magnitude(self) -> u64 {
                u64::from(self.to_bits() & <$bits>::MAX >> 1)
            }

            #[inline]
            fn power_of_two(exponent: i32) -> Self {
                let n_fraction_bits = <$float>::MANTISSA_DIGITS - 1;
                let lowest = 1 - Self::BIAS;
                if exponent > Self::BIAS {
                    return <$float>::INFINITY;
                }
                if exponent >= lowest {
                    return <$float>::from_bits(((exponent + Self::BIAS) as $bits) << n_fraction_bits);
                }
                let bit = n_fraction_bits as i32 - (lowest - exponent);
                <$float>::from_bits(if bit < 0 { 0 } else { 1 << bit })
            }

            #[inline]
            fn scale(self, factor: Self) -> Self::Integer {
                let scaled = self * factor;
                // The first integer above the range is a float.
                let is_inside = scaled.abs() < -(<$signed>::MIN as $float);
                Wrapping(if is_inside {
                    scaled as $signed
                } else {
                    <$signed>::MIN
                })
            }

            #[inline]
            fn unscale(integer: Self::Integer, factor: Self) -> Self {
                integer.0 as $float * factor
            }

            #[inline]
            fn to_ordinal(self) -> Self::Integer {
                let bits = self.to_bits() as $signed;
                Wrapping(bits ^ (bits >> (<$signed>::BITS - 1) & <$signed>::MAX))
            }

            #[inline]
            fn from_ordinal(Wrapping(ordinal): Self::Integer) -> Self {
                let bits = ordinal ^ (ordinal >> (<$signed>::BITS - 1) & <$signed>::MAX);
                <$float>::from_bits(bits as $bits)
            }
        }
    };
}

float!(f32, u32, i32, 8);
float!(f64, u64, i64, 11);

/// How many planes a block with an exponent has; enough for the decoded error to stay below the least exponent.
fn n_planes<const N: usize>(exponent: i32, bounds: &Bounds) -> u32 {
    let n_dimensions = N.trailing_zeros() as i32 / 2;
    let n_planes = exponent - bounds.exponent_min + 2 * (n_dimensions + 1);
    (n_planes.max(0) as u32).min(bounds.n_planes_max)
}

/// Writes a block.
#[inline]
pub(super) fn encode<F: Float, const N: usize, const WORDS: usize>(
    block: &[F; N],
    bounds: &Bounds,
    out: &mut BitWriter<'_>,
) {
    if bounds.is_reversible() {
        return encode_reversibly::<F, N, WORDS>(block, bounds, out);
    }
    let exponent = F::exponent(block);
    let n_planes_max = n_planes::<N>(exponent, bounds);
    if n_planes_max == 0 || exponent == -F::BIAS {
        return encode_zeros(bounds, out);
    }
    let n_bits = 1 + F::EXPONENT_BITS;
    out.write(1 | ((exponent + F::BIAS) as u64) << 1, n_bits);
    let bounds = Bounds {
        n_planes_max,
        ..bounds.after(n_bits)
    };
    block::encode::<_, N, WORDS>(scale(block, exponent), &bounds, out);
}

fn encode_reversibly<F: Float, const N: usize, const WORDS: usize>(
    block: &[F; N],
    bounds: &Bounds,
    out: &mut BitWriter<'_>,
) {
    let bytes = bytemuck::cast_slice::<F, u8>(block);
    if bytes.iter().all(|byte| *byte == 0) {
        return encode_zeros(bounds, out);
    }
    let exponent = F::exponent(block);
    let integers = scale(block, exponent);
    // A zero has no sign as an integer, which scaling one without an exponent would not show.
    let is_negative_zero = exponent == -F::BIAS;
    if is_negative_zero || bytes != bytemuck::cast_slice::<F, u8>(&unscale::<F, N>(&integers, exponent)) {
        out.write(0b11, 2);
        let integers = array::from_fn(|index| block[index].to_ordinal());
        return block::encode::<_, N, WORDS>(integers, &bounds.after(2), out);
    }
    let n_bits = 2 + F::EXPONENT_BITS;
    out.write(0b01 | ((exponent + F::BIAS) as u64) << 2, n_bits);
    block::encode::<_, N, WORDS>(integers, &bounds.after(n_bits), out);
}

fn encode_zeros(bounds: &Bounds, out: &mut BitWriter<'_>) {
    out.pad(bounds.n_bits_min.max(1));
}

/// Reads a block.
#[inline]
pub(super) fn decode<F: Float, const N: usize, const WORDS: usize>(
    encoded: &mut BitReader<'_>,
    bounds: &Bounds,
) -> [F; N] {
    if !encoded.read_bit() {
        encoded.skip(bounds.n_bits_min.saturating_sub(1));
        return [F::zeroed(); N];
    }
    if bounds.is_reversible() && encoded.read_bit() {
        let integers = block::decode::<F::Integer, N, WORDS>(encoded, &bounds.after(2));
        return integers.map(F::from_ordinal);
    }
    let exponent = encoded.read(F::EXPONENT_BITS) as i32 - F::BIAS;
    let bounds = if bounds.is_reversible() {
        bounds.after(2 + F::EXPONENT_BITS)
    } else {
        Bounds {
            n_planes_max: n_planes::<N>(exponent, bounds),
            ..bounds.after(1 + F::EXPONENT_BITS)
        }
    };
    unscale(&block::decode::<F::Integer, N, WORDS>(encoded, &bounds), exponent)
}

#[inline]
fn scale<F: Float, const N: usize>(block: &[F; N], exponent: i32) -> [F::Integer; N] {
    let factor = F::power_of_two(F::SCALE - exponent);
    array::from_fn(|index| block[index].scale(factor))
}

#[inline]
fn unscale<F: Float, const N: usize>(integers: &[F::Integer; N], exponent: i32) -> [F; N] {
    let factor = F::power_of_two(exponent - F::SCALE);
    array::from_fn(|index| F::unscale(integers[index], factor))
}
