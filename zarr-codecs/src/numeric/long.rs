//! Casts of long doubles to other numbers, as the processor does them.

use half::f16;

use super::{cast::Source, complex::Complex};
use crate::LongDouble;

/// Cut to an integer by the processor, which has one of 16 bits for long doubles too; what does not fit is the least.
macro_rules! long_source {
    ($type:ty, $value:ident, $real:expr, $im:expr) => {
        impl Source for $type {
            fn is_true(self) -> bool {
                let $value = self;
                $real != LongDouble::default() || $im != LongDouble::default()
            }
            fn to_i16(self) -> i16 {
                let $value = self;
                i16::try_from(long_to_i64($real)).unwrap_or(i16::MIN)
            }
            fn to_i32(self) -> i32 {
                let $value = self;
                i32::try_from(long_to_i64($real)).unwrap_or(i32::MIN)
            }
            fn to_i64(self) -> i64 {
                let $value = self;
                long_to_i64($real)
            }
            fn to_u32(self) -> u32 {
                self.to_i64() as u32
            }
            fn to_u64(self) -> u64 {
                let $value = self;
                match $real.whole() {
                    Some(whole) if whole >> 63 == 1 && !$real.is_sign_negative() => whole,
                    None if !$real.is_sign_negative() && !$real.is_nan() => 0,
                    _ => self.to_i64() as u64,
                }
            }
            fn to_f16(self) -> f16 {
                // Rounded twice, as NumPy has it.
                f16::from_f32(self.to_f32())
            }
            fn to_f32(self) -> f32 {
                let $value = self;
                $real.to_f32()
            }
            fn to_f64(self) -> f64 {
                let $value = self;
                $real.to_f64()
            }
            fn to_long(self) -> LongDouble {
                let $value = self;
                $real
            }
            fn im(self) -> f64 {
                self.im_long().to_f64()
            }
            fn im32(self) -> f32 {
                self.im_long().to_f32()
            }
            fn im_long(self) -> LongDouble {
                let $value = self;
                let _ = $value;
                $im
            }
        }
    };
}
long_source!(LongDouble, x, x, LongDouble::default());
long_source!(Complex<LongDouble>, x, x.re, x.im);

fn long_to_i64(value: LongDouble) -> i64 {
    let whole = value.whole().map(i128::from);
    let signed = whole.map(|whole| if value.is_sign_negative() { -whole } else { whole });
    signed
        .and_then(|whole| i64::try_from(whole).ok())
        .unwrap_or(i64::MIN)
}
