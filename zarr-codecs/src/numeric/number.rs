//! The types of numbers, with `NumPy`'s arithmetic.

use half::f16;

use crate::{DataType, LongDouble};

/// A type of number, by which code for it is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float16,
    Float32,
    Float64,
    Complex64,
    Complex128,
}

impl Kind {
    /// The numbers that elements of a type are; dates and times are counts.
    pub(crate) const fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Bool => Self::Bool,
            DataType::Int8 => Self::Int8,
            DataType::Int16 => Self::Int16,
            DataType::Int32 => Self::Int32,
            DataType::Int64 | DataType::DateTime64(_) | DataType::TimeDelta64(_) => Self::Int64,
            DataType::UInt8 => Self::UInt8,
            DataType::UInt16 => Self::UInt16,
            DataType::UInt32 => Self::UInt32,
            DataType::UInt64 => Self::UInt64,
            DataType::Float16 => Self::Float16,
            DataType::Float32 => Self::Float32,
            DataType::Float64 => Self::Float64,
            DataType::Complex64 => Self::Complex64,
            DataType::Complex128 => Self::Complex128,
            _ => return None,
        })
    }

    /// The size of an element in bytes.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::Bool | Self::Int8 | Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 | Self::Float16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }

    pub(crate) const fn is_signed(self) -> bool {
        matches!(self, Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }

    pub(crate) const fn is_unsigned(self) -> bool {
        matches!(self, Self::UInt8 | Self::UInt16 | Self::UInt32 | Self::UInt64)
    }

    pub(crate) const fn is_integer(self) -> bool {
        self.is_signed() || self.is_unsigned()
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, Self::Float16 | Self::Float32 | Self::Float64)
    }
}

/// Has code made for each type of number but bool, and takes the one for a [`Kind`].
///
/// `with_number!(kind, N => expression, else => expression)`; `else` is for bool, or for what is not in `only`.
macro_rules! with_number {
    (@arms $kind:expr, $name:ident => $body:expr, else => $other:expr, $($variant:ident $type:ty),*) => {
        match $kind {
            $($crate::numeric::Kind::$variant => {
                type $name = $type;
                $body
            })*
            #[allow(unreachable_patterns, reason = "one list of types is complete")]
            _ => $other,
        }
    };
    (floats $kind:expr, $name:ident => $body:expr, else => $other:expr) => {
        with_number!(@arms $kind, $name => $body, else => $other,
            Float16 half::f16, Float32 f32, Float64 f64)
    };
    (inexact $kind:expr, $name:ident => $body:expr, else => $other:expr) => {
        with_number!(@arms $kind, $name => $body, else => $other,
            Float16 half::f16, Float32 f32, Float64 f64,
            Complex64 $crate::numeric::Complex<f32>, Complex128 $crate::numeric::Complex<f64>)
    };
    (integers $kind:expr, $name:ident => $body:expr, else => $other:expr) => {
        with_number!(@arms $kind, $name => $body, else => $other,
            Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64)
    };
    ($kind:expr, $name:ident => $body:expr, else => $other:expr) => {
        with_number!(@arms $kind, $name => $body, else => $other,
            Int8 i8, Int16 i16, Int32 i32, Int64 i64, UInt8 u8, UInt16 u16, UInt32 u32, UInt64 u64,
            Float16 half::f16, Float32 f32, Float64 f64,
            Complex64 $crate::numeric::Complex<f32>, Complex128 $crate::numeric::Complex<f64>)
    };
}
pub(crate) use with_number;

/// An element in memory.
pub(crate) trait Number: Copy {
    /// The size in bytes.
    const SIZE: usize;

    /// Reads an element from exactly its bytes.
    fn load(bytes: &[u8]) -> Self;

    /// Writes an element to exactly its bytes.
    fn store(self, bytes: &mut [u8]);
}

/// Sums, differences and products, which wrap where integers do not fit.
pub(crate) trait Arithmetic: Number {
    /// What added to a number leaves it as it is: of floats -0.0.
    fn nothing() -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// True division, for numbers that are not integers.
    fn div(self, other: Self) -> Self;
    /// The nearest whole number, of two the even one.
    fn round(self) -> Self;
}

/// Numbers with a fraction.
pub(crate) trait Float: Arithmetic {
    /// The nearest number.
    fn of_f64(value: f64) -> Self;
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl Number for $type {
            const SIZE: usize = size_of::<Self>();

            #[inline]
            fn load(bytes: &[u8]) -> Self {
                Self::from_ne_bytes(bytes.try_into().expect("an element has its size"))
            }

            #[inline]
            fn store(self, bytes: &mut [u8]) {
                bytes.copy_from_slice(&self.to_ne_bytes());
            }
        }
    )*};
}
number!(i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 LongDouble);

macro_rules! integer {
    ($($type:ty)*) => {$(
        impl Arithmetic for $type {
            fn nothing() -> Self {
                0
            }

            #[inline]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            #[inline]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }

            #[inline]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }

            fn div(self, other: Self) -> Self {
                self.checked_div(other).unwrap_or(0)
            }

            #[inline]
            fn round(self) -> Self {
                self
            }
        }
    )*};
}
integer!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! float {
    ($type:ty, $of:path, $to:path) => {
        impl Arithmetic for $type {
            fn nothing() -> Self {
                $of(-0.0_f32)
            }

            #[inline]
            fn add(self, other: Self) -> Self {
                $of($to(self) + $to(other))
            }

            #[inline]
            fn sub(self, other: Self) -> Self {
                $of($to(self) - $to(other))
            }

            #[inline]
            fn mul(self, other: Self) -> Self {
                $of($to(self) * $to(other))
            }

            #[inline]
            fn div(self, other: Self) -> Self {
                $of($to(self) / $to(other))
            }

            #[inline]
            fn round(self) -> Self {
                $of($to(self).round_ties_even())
            }
        }
    };
}
float!(f16, f16::from_f32, f16::to_f32);
float!(f32, f32::from, f32::from);
float!(f64, f64::from, f64::from);

impl Float for f16 {
    fn of_f64(value: f64) -> Self {
        super::cast::half_of(value)
    }
}

impl Float for f32 {
    fn of_f64(value: f64) -> Self {
        value as Self
    }
}

impl Float for f64 {
    fn of_f64(value: f64) -> Self {
        value
    }
}
