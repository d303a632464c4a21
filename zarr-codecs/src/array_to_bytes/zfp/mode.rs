//! What an encoder is asked for.

use super::block::Bounds;

/// The most bits a block that the header can say.
const N_BITS_MAX: f64 = 32768.0;

/// What is bounded: the error, the size or the number of bit planes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Mode {
    /// The most that a decoded float may be off.
    Accuracy(f64),
    /// The number of bits a number.
    Rate(f64),
    /// The number of bit planes a block; zero means all.
    Precision(u32),
    /// Nothing is lost.
    Reversible,
    /// The bounds themselves: the least and the most bits of a block, its planes, and the exponent of the least plane.
    Expert {
        n_bits_min: u32,
        n_bits_max: u32,
        n_planes_max: u32,
        exponent_min: i32,
    },
}

impl Mode {
    /// The bounds of blocks of arrays of so many dimensions.
    ///
    /// # Errors
    /// A rate that the header cannot say: the stream could not be decoded.
    pub(super) fn bounds(self, n_dimensions: usize, is_float: bool) -> Result<Bounds, String> {
        let bounds = match self {
            Self::Accuracy(tolerance) => Bounds {
                exponent_min: exponent_below(tolerance),
                ..Bounds::NONE
            },
            Self::Rate(rate) => {
                let n_bits = (rate * (1_u64 << (2 * n_dimensions)) as f64 + 0.5).floor();
                // A block of floats that is more than its exponent is whole where the exponent takes all bits.
                if n_bits > N_BITS_MAX || n_bits < 1.0 && !is_float {
                    return Err(format!(
                        "a rate of {rate} makes {n_bits} bits a block, between 1 and {N_BITS_MAX} are possible"
                    ));
                }
                Bounds {
                    n_bits_min: n_bits as u32,
                    n_bits_max: n_bits as u32,
                    ..Bounds::NONE
                }
            }
            Self::Precision(0) => Bounds::NONE,
            Self::Precision(n_planes) => Bounds {
                n_planes_max: n_planes.min(Bounds::NONE.n_planes_max),
                ..Bounds::NONE
            },
            Self::Expert {
                n_bits_min,
                n_bits_max,
                n_planes_max,
                exponent_min,
            } => Bounds {
                n_bits_min,
                n_bits_max,
                n_planes_max,
                exponent_min,
            },
            Self::Reversible => Bounds {
                exponent_min: Bounds::EXPONENT_MIN - 1,
                ..Bounds::NONE
            },
        };
        Ok(bounds)
    }
}

/// The exponent of the largest power of 2 that is not larger; the least of all for zero.
fn exponent_below(tolerance: f64) -> i32 {
    if tolerance.is_infinite() {
        // What the C library makes of it.
        return -1;
    }
    let biased = (tolerance.to_bits() >> 52) as i32;
    if biased > 0 {
        return biased - 1023;
    }
    let fraction = tolerance.to_bits();
    fraction
        .checked_ilog2()
        .map_or(Bounds::EXPONENT_MIN, |log| log as i32 + Bounds::EXPONENT_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponent(tolerance: f64) -> i32 {
        Mode::Accuracy(tolerance).bounds(1, true).unwrap().exponent_min
    }

    /// What `zfp_stream_set_accuracy` of libzfp 1.0.1 makes of tolerances.
    #[test]
    fn tolerances_become_powers_of_two() {
        for (tolerance, expected) in [
            (0.0, -1074),
            (5e-324, -1074),
            (1e-320, -1064),
            (1e-5, -17),
            (0.25, -2),
            (3.0, 1),
            (1e308, 1023),
            (f64::INFINITY, -1),
        ] {
            assert_eq!(exponent(tolerance), expected, "{tolerance}");
        }
    }

    #[test]
    fn rates_are_rounded_to_bits_a_block() {
        let n_bits = |rate, n_dimensions| {
            let bounds = Mode::Rate(rate).bounds(n_dimensions, false)?;
            assert_eq!(bounds.n_bits_min, bounds.n_bits_max);
            Ok::<_, String>(bounds.n_bits_max)
        };
        for (rate, n_dimensions, expected) in
            [(2.125, 1, 9), (2.1, 3, 134), (2.4, 4, 614), (8192.0, 1, 32768)]
        {
            assert_eq!(n_bits(rate, n_dimensions), Ok(expected));
        }
        assert!(n_bits(8193.0, 1).is_err());
        assert!(n_bits(0.1, 1).is_err());
        assert!(n_bits(f64::INFINITY, 1).is_err());
    }
}
