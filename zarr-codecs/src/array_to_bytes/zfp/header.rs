//! What a stream says of itself.
//!
//! ```text
//! "zfp" 5 | type - 1 (2 bits) | dimensions - 1 (2) | lengths - 1, the last first (48) | mode (12)
//! mode 0xFFF | least bits - 1 (15) | most bits - 1 (15) | planes - 1 (7) | exponent + 16495 (15)
//! ```

use std::fmt;

use super::{
    bits::{BitReader, BitWriter},
    block::Bounds,
    number::NumberType,
};

/// The letters and the version of the format.
const MAGIC: u64 = u32::from_le_bytes(*b"zfp\x05") as u64;

const TYPE_BITS: u32 = 2;
const LENGTHS_BITS: u32 = 48;
const FIELD_BITS: u32 = LENGTHS_BITS + 2 * TYPE_BITS;

const MODE_BITS: u32 = 12;
/// The mode of bounds that stand after it in full.
const LONG_MODE: u64 = (1 << MODE_BITS) - 1;
/// The first modes of each kind: so many bits a block; so many planes; reversible; a least exponent.
const PRECISIONS: u64 = 2048;
const REVERSIBLE: u64 = PRECISIONS + 128;
const EXPONENTS: u64 = REVERSIBLE + 1;

const SIZE_BITS: u32 = 15;
const PLANES_BITS: u32 = 7;
const EXPONENT_BIAS: i32 = 16495;

/// What an array is to the header: its type and shape in 52 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field(u64);

impl Field {
    /// The field of an array of at most 4 dimensions.
    ///
    /// # Errors
    /// When a dimension is longer than the header can say.
    pub(super) fn new(number_type: NumberType, shape: &[u64]) -> Result<Self, String> {
        let n_dimensions = shape.len() as u32;
        let n_bits = LENGTHS_BITS / n_dimensions;
        let mut field = 0;
        for &length in shape {
            if length > 1 << n_bits {
                return Err(format!(
                    "{length} is longer than a dimension of {n_dimensions} can be"
                ));
            }
            field = field << n_bits | (length - 1);
        }
        field = field << TYPE_BITS | u64::from(n_dimensions - 1);
        Ok(Self(field << TYPE_BITS | number_type as u64))
    }
}

impl Field {
    /// The type, by its number, and the shape.
    pub(super) fn parts(self) -> (usize, Vec<u64>) {
        let Self(mut rest) = self;
        let mut next = |n_bits: u32| {
            let value = rest & ((1 << n_bits) - 1);
            rest >>= n_bits;
            value
        };
        let number_type = next(TYPE_BITS) as usize;
        let n_dimensions = next(TYPE_BITS) + 1;
        let n_bits = LENGTHS_BITS / n_dimensions as u32;
        let mut shape: Vec<_> = (0..n_dimensions).map(|_| next(n_bits) + 1).collect();
        shape.reverse();
        (number_type, shape)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number_type, shape) = self.parts();
        write!(formatter, "{} of shape {shape:?}", NumberType::ALL[number_type].1)
    }
}

/// Writes the header.
pub(super) fn write(field: Field, bounds: &Bounds, out: &mut BitWriter<'_>) {
    out.write(MAGIC, u32::BITS);
    out.write(field.0, FIELD_BITS);
    if let Some(mode) = short_mode(bounds) {
        return out.write(mode, MODE_BITS);
    }
    out.write(LONG_MODE, MODE_BITS);
    for n_bits in [bounds.n_bits_min, bounds.n_bits_max] {
        out.write(u64::from(n_bits.saturating_sub(1)), SIZE_BITS);
    }
    out.write(u64::from(bounds.n_planes_max - 1), PLANES_BITS);
    out.write((bounds.exponent_min + EXPONENT_BIAS) as u64, SIZE_BITS);
}

/// The mode of bounds of which one alone is not as it is in [`Bounds::NONE`].
fn short_mode(bounds: &Bounds) -> Option<u64> {
    let Bounds {
        n_bits_max,
        n_planes_max,
        exponent_min,
        ..
    } = *bounds;
    let is_only = |other: Bounds| *bounds == other && other != Bounds::NONE;
    if bounds.is_reversible() {
        return Some(REVERSIBLE);
    }
    if is_only(Bounds {
        n_planes_max,
        ..Bounds::NONE
    }) {
        return Some(PRECISIONS + u64::from(n_planes_max - 1));
    }
    if is_only(Bounds {
        exponent_min,
        ..Bounds::NONE
    }) {
        let mode = EXPONENTS + (exponent_min - Bounds::EXPONENT_MIN) as u64;
        return Some(mode).filter(|mode| *mode < LONG_MODE);
    }
    if is_only(Bounds {
        n_bits_min: n_bits_max,
        n_bits_max,
        ..Bounds::NONE
    }) {
        let mode = u64::from(n_bits_max).checked_sub(1);
        return mode.filter(|mode| *mode < PRECISIONS);
    }
    None
}

/// Reads the header.
///
/// # Errors
/// When it is none.
pub(super) fn read(encoded: &mut BitReader<'_>) -> Result<(Field, Bounds), String> {
    if encoded.read(u32::BITS) != MAGIC {
        return Err("it does not begin as zfp streams of version 5 do".to_owned());
    }
    let field = Field(encoded.read(FIELD_BITS));
    let mode = encoded.read(MODE_BITS);
    let none = Bounds::NONE;
    let bounds = match mode {
        LONG_MODE => Bounds {
            n_bits_min: encoded.read(SIZE_BITS) as u32 + 1,
            n_bits_max: encoded.read(SIZE_BITS) as u32 + 1,
            n_planes_max: encoded.read(PLANES_BITS) as u32 + 1,
            exponent_min: encoded.read(SIZE_BITS) as i32 - EXPONENT_BIAS,
        },
        EXPONENTS.. => Bounds {
            exponent_min: (mode - EXPONENTS) as i32 + Bounds::EXPONENT_MIN,
            ..none
        },
        REVERSIBLE => Bounds {
            exponent_min: Bounds::EXPONENT_MIN - 1,
            ..none
        },
        PRECISIONS.. => Bounds {
            n_planes_max: (mode - PRECISIONS) as u32 + 1,
            ..none
        },
        _ => Bounds {
            n_bits_min: mode as u32 + 1,
            n_bits_max: mode as u32 + 1,
            ..none
        },
    };
    if bounds.n_bits_min > bounds.n_bits_max || bounds.n_planes_max > none.n_planes_max {
        return Err(format!("the mode of its header, {mode:#x}, does not make sense"));
    }
    Ok((field, bounds))
}
