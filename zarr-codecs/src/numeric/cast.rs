//! Casts between all types of numbers, as `NumPy`'s `astype` does them on x86-64.
//!
//! Integers wrap. Floats lose their fraction; what then does not fit becomes what the processor makes of it,
//! which is what files hold that were written there. Complex numbers lose their imaginary part.

use half::f16;

use super::{
    UnitCast,
    complex::Complex,
    number::{Kind, Number},
};
use crate::{DataType, LongDouble};

/// Has code made for the numbers of every kind, and takes the one for a [`Kind`].
macro_rules! by_kind {
    ($kind:expr, $name:ident => $body:expr) => {
        match $kind {
            Kind::Bool => {
                type $name = Truth;
                $body
            }
            Kind::Int8 => {
                type $name = i8;
                $body
            }
            Kind::Int16 => {
                type $name = i16;
                $body
            }
            Kind::Int32 => {
                type $name = i32;
                $body
            }
            Kind::Int64 => {
                type $name = i64;
                $body
            }
            Kind::UInt8 => {
                type $name = u8;
                $body
            }
            Kind::UInt16 => {
                type $name = u16;
                $body
            }
            Kind::UInt32 => {
                type $name = u32;
                $body
            }
            Kind::UInt64 => {
                type $name = u64;
                $body
            }
            Kind::Float16 => {
                type $name = f16;
                $body
            }
            Kind::Float32 => {
                type $name = f32;
                $body
            }
            Kind::Float64 => {
                type $name = f64;
                $body
            }
            Kind::Complex64 => {
                type $name = Complex<f32>;
                $body
            }
            Kind::Complex128 => {
                type $name = Complex<f64>;
                $body
            }
        }
    };
}

/// Casts as many elements as there are; both sides hold as many.
pub(crate) type Cast = fn(&[u8], &mut [u8]);

/// The cast from one type to another; `None` where there is none.
///
/// Dates and times are counts; those of another unit are for [`UnitCast`](super::UnitCast).
pub(crate) fn cast(from: &DataType, to: &DataType) -> Option<Cast> {
    if UnitCast::between(from, to).is_some() {
        return None;
    }
    Some(match (from, to) {
        (DataType::Float128, _) => cast_from::<LongDouble>(to)?,
        (DataType::Complex256, _) => cast_from::<Complex<LongDouble>>(to)?,
        (_, DataType::Float128) => cast_to::<LongDouble>(Kind::of(from)?),
        (_, DataType::Complex256) => cast_to::<Complex<LongDouble>>(Kind::of(from)?),
        _ => cast_numbers(Kind::of(from)?, Kind::of(to)?),
    })
}

/// The cast from long doubles, which are no [`Kind`] as there is no arithmetic for them.
fn cast_from<A: Source>(to: &DataType) -> Option<Cast> {
    Some(match to {
        DataType::Float128 => cast_all::<A, LongDouble>,
        DataType::Complex256 => cast_all::<A, Complex<LongDouble>>,
        to => by_kind!(Kind::of(to)?, B => cast_all::<A, B> as Cast),
    })
}

/// The cast to long doubles.
fn cast_to<B: Target>(from: Kind) -> Cast {
    by_kind!(from, A => cast_all::<A, B> as Cast)
}

/// The cast from one kind of numbers to another.
pub(crate) fn cast_numbers(from: Kind, to: Kind) -> Cast {
    if from == to && from != Kind::Bool {
        return |from, to| to.copy_from_slice(from);
    }
    by_kind!(from, A => by_kind!(to, B => cast_all::<A, B> as Cast))
}

fn cast_all<A: Source, B: Target>(from: &[u8], to: &mut [u8]) {
    for (from, to) in from.chunks_exact(A::SIZE).zip(to.chunks_exact_mut(B::SIZE)) {
        B::of(A::load(from)).store(to);
    }
}

/// A byte that is true unless it is zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Truth(bool);

impl Number for Truth {
    const SIZE: usize = 1;

    #[inline]
    fn load(bytes: &[u8]) -> Self {
        Self(bytes[0] != 0)
    }

    #[inline]
    fn store(self, bytes: &mut [u8]) {
        bytes[0] = self.0.into();
    }
}

/// A number that is cast to others.
pub(super) trait Source: Number {
    fn is_true(self) -> bool;
    /// The processor has no conversion to 16 bits of most types, and cuts one to 32 bits.
    fn to_i16(self) -> i16 {
        self.to_i32() as i16
    }
    fn to_i32(self) -> i32;
    fn to_i64(self) -> i64;
    fn to_u32(self) -> u32;
    fn to_u64(self) -> u64;
    fn to_f16(self) -> f16;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn to_long(self) -> LongDouble {
        self.to_f64().into()
    }
    /// The imaginary part.
    fn im(self) -> f64 {
        0.0
    }
    fn im32(self) -> f32 {
        self.im() as f32
    }
    fn im_long(self) -> LongDouble {
        self.im().into()
    }
}

/// A number that others are cast to.
trait Target: Number {
    fn of<A: Source>(value: A) -> Self;
}

macro_rules! integer_source {
    ($($type:ty: $widest:ty;)*) => {$(
        #[allow(clippy::cast_lossless, reason = "of some of the types a cast is lossy")]
        impl Source for $type {
            #[inline]
            fn is_true(self) -> bool { self != 0 }
            #[inline]
            fn to_i32(self) -> i32 { self as i32 }
            #[inline]
            fn to_i64(self) -> i64 { self as i64 }
            #[inline]
            fn to_u32(self) -> u32 { self as u32 }
            #[inline]
            fn to_u64(self) -> u64 { self as u64 }
            #[inline]
            fn to_f16(self) -> f16 { f16::from_f32(self as f32) }
            #[inline]
            fn to_f32(self) -> f32 { self as f32 }
            #[inline]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline]
            fn to_long(self) -> LongDouble { (self as $widest).into() }
        }
    )*};
}
integer_source!(i8: i64; i16: i64; i32: i64; i64: i64; u8: u64; u16: u64; u32: u64; u64: u64;);

macro_rules! source {
    ($type:ty, $value:ident, $real:expr, true: $truth:expr, u32: $u32:expr, f16: $f16:expr, f32: $f32:expr, im: $im:expr) => {
        impl Source for $type {
            #[inline]
            fn is_true(self) -> bool {
                let $value = self;
                $truth
            }
            #[inline]
            fn to_i32(self) -> i32 {
                let $value = self;
                i32_of($real)
            }
            #[inline]
            fn to_i64(self) -> i64 {
                let $value = self;
                i64_of($real)
            }
            #[inline]
            fn to_u32(self) -> u32 {
                let $value = self;
                $u32
            }
            #[inline]
            fn to_u64(self) -> u64 {
                let $value = self;
                u64_of($real)
            }
            #[inline]
            fn to_f16(self) -> f16 {
                let $value = self;
                $f16
            }
            #[inline]
            fn to_f32(self) -> f32 {
                let $value = self;
                $f32
            }
            #[inline]
            fn to_f64(self) -> f64 {
                let $value = self;
                $real
            }
            #[inline]
            fn im(self) -> f64 {
                let $value = self;
                let _ = $value;
                $im
            }
        }
    };
}
source!(f16, x, x.to_f64(), true: x != f16::ZERO, u32: i64_of(x.to_f64()) as u32, f16: x, f32: x.to_f32(), im: 0.0);
source!(f32, x, f64::from(x), true: x != 0.0, u32: u32_of(f64::from(x)), f16: f16::from_f32(x), f32: x, im: 0.0);
source!(f64, x, x, true: x != 0.0, u32: u32_of(x), f16: half_of(x), f32: x as f32, im: 0.0);
source!(Complex<f32>, x, f64::from(x.re), true: x.re != 0.0 || x.im != 0.0, u32: u32_of(f64::from(x.re)),
    f16: f16::from_f32(x.re), f32: x.re, im: f64::from(x.im));
source!(Complex<f64>, x, x.re, true: x.re != 0.0 || x.im != 0.0, u32: u32_of(x.re),
    f16: half_of(x.re), f32: x.re as f32, im: x.im);
source!(Truth, x, f64::from(u8::from(x.0)), true: x.0, u32: x.0.into(), f16: f16::from_f32(u8::from(x.0).into()),
    f32: u8::from(x.0).into(), im: 0.0);

macro_rules! target {
    ($($type:ty, $value:ident => $cast:expr;)*) => {$(
        impl Target for $type {
            #[inline]
            fn of<A: Source>($value: A) -> Self { $cast }
        }
    )*};
}
target! {
    Truth, x => Self(x.is_true());
    i8, x => x.to_i16() as Self;
    i16, x => x.to_i16();
    i32, x => x.to_i32();
    i64, x => x.to_i64();
    u8, x => x.to_i16() as Self;
    u16, x => x.to_i32() as Self;
    u32, x => x.to_u32();
    u64, x => x.to_u64();
    f16, x => x.to_f16();
    f32, x => x.to_f32();
    f64, x => x.to_f64();
    Complex<f32>, x => Self { re: x.to_f32(), im: x.im32() };
    Complex<f64>, x => Self { re: x.to_f64(), im: x.im() };
    LongDouble, x => x.to_long();
    Complex<LongDouble>, x => Self { re: x.to_long(), im: x.im_long() };
}

const TWO_31: f64 = 2_147_483_648.0;
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

#[inline]
fn i32_of(value: f64) -> i32 {
    let fits = value > -TWO_31 - 1.0 && value < TWO_31;
    if fits { value as i32 } else { i32::MIN }
}

#[inline]
fn i64_of(value: f64) -> i64 {
    let fits = (-TWO_63..TWO_63).contains(&value);
    if fits { value as i64 } else { i64::MIN }
}

#[inline]
fn u32_of(value: f64) -> u32 {
    if value >= TWO_31 {
        i32_of(value - TWO_31) as u32 ^ 1 << 31
    } else {
        i32_of(value) as u32
    }
}

#[inline]
fn u64_of(value: f64) -> u64 {
    if value >= TWO_63 {
        i64_of(value - TWO_63) as u64 ^ 1 << 63
    } else {
        i64_of(value) as u64
    }
}

/// Rounds once, not to single precision first.
#[inline]
pub(super) fn half_of(value: f64) -> f16 {
    let single = value as f32;
    let wide = f64::from(single);
    // Rounded to odd instead of even, single precision still knows on which side of a tie a number was.
    let is_inexact = (wide - value).abs() > 0.0 && single.is_finite();
    if !is_inexact || single.to_bits() & 1 == 1 {
        return f16::from_f32(single);
    }
    let is_beyond = wide.abs() > value.abs();
    let bits = single.to_bits();
    f16::from_f32(f32::from_bits(if is_beyond { bits - 1 } else { bits + 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cast_f64(values: &[f64], to: Kind) -> Vec<u8> {
        let from: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        let mut out = vec![0; values.len() * to.size()];
        cast_numbers(Kind::Float64, to)(&from, &mut out);
        out
    }

    /// From `numpy.array([...]).astype(...)`, with `NumPy` 2.5 on x86-64.
    #[test]
    fn floats_become_integers_as_on_x86() {
        let values = [
            300.7,
            -300.7,
            70000.0,
            3e9,
            -3e9,
            5e9,
            1e19,
            2e19,
            -1e19,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -1.5,
        ];
        let of = |to| cast_f64(&values, to);
        let i8s: Vec<i8> = of(Kind::Int8).iter().map(|byte| *byte as i8).collect();
        assert_eq!(i8s, [44, -44, 112, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1]);
        let u16s: Vec<u16> = of(Kind::UInt16).chunks(2).map(u16::load).collect();
        assert_eq!(u16s, [300, 65236, 4464, 0, 0, 0, 0, 0, 0, 0, 0, 0, 65535]);
        let u32s: Vec<u32> = of(Kind::UInt32).chunks(4).map(u32::load).collect();
        let two_31 = 1 << 31;
        assert_eq!(
            u32s,
            [
                300,
                4_294_966_996,
                70000,
                3_000_000_000,
                two_31,
                0,
                0,
                0,
                two_31,
                two_31,
                0,
                two_31,
                u32::MAX
            ]
        );
        let u64s: Vec<u64> = of(Kind::UInt64).chunks(8).map(u64::load).collect();
        let two_63 = 1 << 63;
        assert_eq!(
            u64s[3..],
            [
                3_000_000_000,
                18_446_744_070_709_551_616,
                5_000_000_000,
                10_000_000_000_000_000_000,
                0,
                two_63,
                two_63,
                0,
                two_63,
                u64::MAX
            ]
        );
    }

    /// As above; a double rounding would make the last of each pair what the first is.
    #[test]
    fn halves_are_rounded_once() {
        let tie = 2_f64.powi(-11);
        let values = [
            1.0 + tie,
            1.0 + tie + 2_f64.powi(-40),
            1.0 + 3.0 * tie,
            1.0 + 3.0 * tie - 2_f64.powi(-45),
            65519.999,
            2_f64.powi(-25),
            2_f64.powi(-25) * (1.0 + 2_f64.powi(-40)),
            2_f64.powi(-24) * 1.5,
            2_f64.powi(-24) * 1.5 * (1.0 - 2_f64.powi(-50)),
        ];
        let bits: Vec<u16> = values.iter().map(|value| half_of(*value).to_bits()).collect();
        assert_eq!(bits, [15360, 15361, 15362, 15361, 31743, 0, 1, 2, 1]);
    }

    #[test]
    fn any_byte_but_zero_is_true() {
        let mut out = [9; 3];
        cast_numbers(Kind::Bool, Kind::UInt8)(&[0, 2, 255], &mut out);
        assert_eq!(out, [0, 1, 1]);
        assert_eq!(cast_f64(&[0.0, -0.0, f64::NAN, 0.1], Kind::Bool), [0, 0, 1, 1]);
    }

    #[test]
    fn units_of_time_are_not_changed() {
        use crate::TimeUnit;
        let time = |unit| DataType::DateTime64(TimeUnit::new(unit, 1).unwrap());
        assert!(cast(&time("s"), &time("ms")).is_none());
        assert!(cast(&time("s"), &DataType::Int64).is_some());
        assert!(cast(&DataType::Raw(8), &DataType::Int64).is_none());
    }
}
