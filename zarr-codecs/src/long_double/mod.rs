//! The long double of x86-64: a value of the type that `NumPy` calls `float128` there.
//!
//! ```text
//! significand, 8 bytes, the first bit before the point    sign and exponent, 2 bytes    padding, 6 bytes
//! ```
//!
//! Big-endian elements have all 16 bytes in reverse. What the padding holds means nothing; we write zeros.

mod decimal;
mod natural;

use std::fmt;

use self::decimal::shortest;

/// A float with 64 bits of precision and an exponent of 15 bits (the x87 extended format), stored in 16 bytes.
///
/// It is not IEEE 754 binary128, which has as many bytes.
/// There is no arithmetic; values are compared, converted and printed:
///
/// ```
/// use zarr_codecs::LongDouble;
///
/// let half = LongDouble::from(2.5);
/// assert_eq!(half.to_ne_bytes()[7..10], [0xa0, 0, 0x40]);
/// assert_eq!(half.to_f64(), 2.5);
///
/// let tenth: LongDouble = "0.1".parse().unwrap();
/// assert_ne!(tenth, LongDouble::from(0.1));
/// assert_eq!(LongDouble::from(0.1).to_string(), "0.10000000000000000555");
/// ```
#[derive(Clone, Copy, Default)]
pub struct LongDouble {
    /// The sign bit, then the exponent.
    sign_exponent: u16,
    significand: u64,
}

/// The bytes of an element.
const SIZE: usize = 16;
/// The bytes of an element that are not padding.
const USED: usize = 10;
/// The exponent of infinities and what is no number.
const EXPONENT_MAX: u16 = 0x7fff;
/// What an exponent is more than the power of two of the last bit of the significand.
const LAST_BIT: i32 = 16_383 + 63;
/// The first bit of the significand, which all numbers but the smallest have.
const FIRST_BIT: u64 = 1 << 63;

/// A format that a number is rounded to.
struct Format {
    /// Bits of precision, the first one included.
    precision: i32,
    /// The largest and the least power of two of the first bit.
    powers: (i32, i32),
}

impl LongDouble {
    /// A number from its sign, its exponent (biased by 16,383, 15 bits) and its significand, whose first bit
    /// stands before the point.
    pub const fn from_parts(is_negative: bool, exponent: u16, significand: u64) -> Self {
        Self {
            sign_exponent: (is_negative as u16) << 15 | exponent & EXPONENT_MAX,
            significand,
        }
    }

    /// Reads an element in native byte order; the padding does not matter.
    pub fn from_ne_bytes(mut bytes: [u8; SIZE]) -> Self {
        if cfg!(target_endian = "big") {
            bytes.reverse();
        }
        let bits = u128::from_le_bytes(bytes);
        Self {
            sign_exponent: (bits >> 64) as u16,
            significand: bits as u64,
        }
    }

    /// An element in native byte order; the padding is zero.
    pub fn to_ne_bytes(self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&self.significand.to_le_bytes());
        bytes[8..USED].copy_from_slice(&self.sign_exponent.to_le_bytes());
        if cfg!(target_endian = "big") {
            bytes.reverse();
        }
        bytes
    }

    /// Whether the sign bit is set.
    pub const fn is_sign_negative(self) -> bool {
        self.sign_exponent >> 15 == 1
    }

    const fn exponent(self) -> u16 {
        self.sign_exponent & EXPONENT_MAX
    }

    /// Whether it is no number. What has an exponent and not the first bit is none for the processor either.
    pub const fn is_nan(self) -> bool {
        match self.exponent() {
            EXPONENT_MAX => self.significand != FIRST_BIT,
            0 => false,
            _ => self.significand < FIRST_BIT,
        }
    }

    /// Whether it is a number, and not infinite.
    pub const fn is_finite(self) -> bool {
        self.exponent() != EXPONENT_MAX && !self.is_nan()
    }

    /// The power of two of the last bit of the significand of a finite number.
    fn last_power(self) -> i32 {
        i32::from(self.exponent().max(1)) - LAST_BIT
    }

    /// The nearest number of 53 bits, of two the even one.
    ///
    /// This is lossy: it drops up to 11 bits, and numbers beyond the range become infinite or zero. It is exact
    /// for every value that was made of an `f64`.
    pub fn to_f64(self) -> f64 {
        const F64: Format = Format {
            precision: 53,
            powers: (1023, -1022),
        };
        let sign = u64::from(self.is_sign_negative()) << 63;
        f64::from_bits(self.rounded(&F64) | sign)
    }

    /// The nearest number of 24 bits, of two the even one; lossy as [`LongDouble::to_f64`] is.
    pub fn to_f32(self) -> f32 {
        const F32: Format = Format {
            precision: 24,
            powers: (127, -126),
        };
        let sign = u32::from(self.is_sign_negative()) << 31;
        f32::from_bits(self.rounded(&F32) as u32 | sign)
    }

    /// The bits of the nearest number of a format, without its sign.
    fn rounded(self, format: &Format) -> u64 {
        let Format {
            precision,
            powers: (most, least),
        } = *format;
        let infinity = ((most - least + 2) as u64) << (precision - 1);
        if self.is_nan() {
            return infinity | 1 << (precision - 2);
        }
        if !self.is_finite() {
            return infinity;
        }
        if self.significand == 0 {
            return 0;
        }
        let zeros = self.significand.leading_zeros();
        let power = self.last_power() + 63 - zeros as i32;
        if power > most {
            return infinity;
        }
        // Numbers below the least power have fewer bits.
        let dropped = 64 - precision + (least - power).max(0);
        if dropped > 64 {
            return 0;
        }
        let significand = u128::from(self.significand << zeros);
        let (kept, rest) = (significand >> dropped, significand & ((1 << dropped) - 1));
        let half = 1_u128 << (dropped - 1);
        let is_up = rest > half || rest == half && kept & 1 == 1;
        // The first bit adds one to the exponent, and so does a carry into it.
        let exponent = (power - least).max(0) as u64;
        (exponent << (precision - 1)) + kept as u64 + u64::from(is_up)
    }

    /// The integer without the fraction and the sign; `None` from 2^64 on and for what is no number.
    pub(crate) fn whole(self) -> Option<u64> {
        let power = self.last_power();
        if !self.is_finite() || power > 0 {
            return None;
        }
        Some(self.significand.checked_shr(power.unsigned_abs()).unwrap_or(0))
    }
}

impl From<f64> for LongDouble {
    /// Exact.
    fn from(value: f64) -> Self {
        let bits = value.to_bits();
        let fraction = bits & ((1 << 52) - 1);
        let (exponent, significand) = match (bits >> 52 & 0x7ff) as u16 {
            0x7ff if fraction == 0 => (EXPONENT_MAX, FIRST_BIT),
            0x7ff => (EXPONENT_MAX, FIRST_BIT | FIRST_BIT >> 1 | fraction << 11),
            0 if fraction == 0 => (0, 0),
            0 => {
                let zeros = fraction.leading_zeros();
                ((LAST_BIT - 1074) as u16 - zeros as u16, fraction << zeros)
            }
            exponent => (exponent + (16_383 - 1_023), FIRST_BIT | fraction << 11),
        };
        Self::from_parts(value.is_sign_negative(), exponent, significand)
    }
}

impl From<u64> for LongDouble {
    /// Exact.
    fn from(value: u64) -> Self {
        let zeros = value.leading_zeros();
        if value == 0 {
            return Self::default();
        }
        Self::from_parts(false, LAST_BIT as u16 - zeros as u16, value << zeros)
    }
}

impl From<i64> for LongDouble {
    /// Exact.
    fn from(value: i64) -> Self {
        let mut number = Self::from(value.unsigned_abs());
        number.sign_exponent |= u16::from(value < 0) << 15;
        number
    }
}

impl PartialEq for LongDouble {
    /// By value: both zeros are equal, and what is no number is equal to nothing.
    fn eq(&self, other: &Self) -> bool {
        let is_zero = self.significand == 0 && other.significand == 0;
        let is_same = self.significand == other.significand
            && self.exponent().max(1) == other.exponent().max(1)
            && self.is_sign_negative() == other.is_sign_negative();
        let is_finite = self.is_finite() && other.is_finite();
        !self.is_nan() && !other.is_nan() && (is_same || is_zero && is_finite)
    }
}

/// The text is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no decimal number")]
pub struct ParseLongDoubleError;

impl std::str::FromStr for LongDouble {
    type Err = ParseLongDoubleError;

    /// Reads a decimal number of at most 10,000 characters, rounded to the nearest value; `inf`, `infinity` and
    /// `nan` in any case, with a sign or none.
    fn from_str(text: &str) -> Result<Self, ParseLongDoubleError> {
        decimal::parse(text).ok_or(ParseLongDoubleError)
    }
}

impl fmt::Display for LongDouble {
    /// The fewest digits that no other value has, as `str` of `NumPy` gives them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nan() {
            return f.write_str("nan");
        }
        if self.is_sign_negative() {
            f.write_str("-")?;
        }
        if !self.is_finite() {
            return f.write_str("inf");
        }
        let decimal = shortest(*self);
        let power = decimal.power;
        if decimal.is_zero() || (-4..16).contains(&power) {
            let fraction = (decimal.digits.len() as i32 - 1 - power).max(1);
            return f.write_str(&decimal.positional(fraction as usize));
        }
        let (first, rest) = decimal.digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if power < 0 { '-' } else { '+' };
        write!(f, "{first}{point}{rest}e{sign}{:02}", power.abs())
    }
}

impl fmt::Debug for LongDouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Sets the padding of elements to zero, in place.
pub(crate) fn clear_padding(elements: &mut [u8]) {
    let padding = if cfg!(target_endian = "big") {
        0..SIZE - USED
    } else {
        USED..SIZE
    };
    for element in elements.chunks_exact_mut(SIZE) {
        element[padding.clone()].fill(0);
    }
}

#[cfg(test)]
mod tests;
