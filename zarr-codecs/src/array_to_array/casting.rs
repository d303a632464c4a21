//! One number of a type as a number of another, by its value.

use std::cmp::Ordering;

use half::f16;

use crate::{ByteOrder, DataType, NarrowType, numeric::Kind};

/// How fractions become integers, and numbers floats that are less exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    NearestEven,
    NearestAway,
    TowardsZero,
    TowardsPositive,
    TowardsNegative,
}

impl Rounding {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "nearest-even" => Self::NearestEven,
            "nearest-away" => Self::NearestAway,
            "towards-zero" => Self::TowardsZero,
            "towards-positive" => Self::TowardsPositive,
            "towards-negative" => Self::TowardsNegative,
            _ => return None,
        })
    }

    fn to_whole(self, number: f64) -> f64 {
        match self {
            Self::NearestEven => number.round_ties_even(),
            Self::NearestAway => number.round(),
            Self::TowardsZero => number.trunc(),
            Self::TowardsPositive => number.ceil(),
            Self::TowardsNegative => number.floor(),
        }
    }
}

/// What becomes of numbers that a type does not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutOfRange {
    Error,
    Clamp,
    Wrap,
}

/// A number of any type.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar {
    Int(i128),
    Float(f64),
}

impl Scalar {
    /// Whether two numbers of one type are the same; NaN is itself.
    pub(super) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one == other,
            (Self::Float(one), Self::Float(other)) => one
                .partial_cmp(&other)
                .map_or(one.is_nan() && other.is_nan(), Ordering::is_eq),
            _ => false,
        }
    }
}

/// A type of integers or floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarType {
    Plain(Kind),
    Narrow(NarrowType),
}

impl ScalarType {
    pub(super) fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::DateTime64(_) | DataType::TimeDelta64(_) => None,
            DataType::Narrow(narrow) => (!narrow.is_complex()).then_some(Self::Narrow(*narrow)),
            _ => Kind::of(data_type)
                .filter(|kind| kind.is_integer() || kind.is_float())
                .map(Self::Plain),
        }
    }

    pub(super) const fn size(self) -> usize {
        match self {
            Self::Plain(kind) => kind.size(),
            Self::Narrow(narrow) => narrow.size(),
        }
    }

    pub(super) const fn is_integer(self) -> bool {
        match self {
            Self::Plain(kind) => kind.is_integer(),
            Self::Narrow(narrow) => narrow.is_integer(),
        }
    }

    /// The number of bits of an integer.
    const fn bits(self) -> u32 {
        match self {
            Self::Plain(kind) => 8 * kind.size() as u32,
            Self::Narrow(narrow) => narrow.bits(),
        }
    }

    const fn is_signed(self) -> bool {
        match self {
            Self::Plain(kind) => kind.is_signed(),
            Self::Narrow(narrow) => narrow.is_signed_integer(),
        }
    }

    /// Reads an element from exactly its bytes.
    pub(super) fn load(self, element: &[u8]) -> Scalar {
        if let Self::Narrow(narrow) = self {
            let number = narrow
                .components(element)
                .next()
                .map_or(0.0, |bits| narrow.to_f64(bits));
            return if narrow.is_integer() {
                Scalar::Int(number as i128)
            } else {
                Scalar::Float(number)
            };
        }
        if self.is_integer() {
            let unused = 64 - self.bits();
            let number = bits_of(element) << unused;
            return Scalar::Int(if self.is_signed() {
                (number as i64 >> unused).into()
            } else {
                (number >> unused).into()
            });
        }
        Scalar::Float(match element.len() {
            2 => f16::from_bits(bits_of(element) as u16).to_f64(),
            4 => f32::from_bits(bits_of(element) as u32).into(),
            _ => f64::from_bits(bits_of(element)),
        })
    }

    /// Writes a number that [`ScalarType::cast`] has made, or that was loaded.
    pub(super) fn store(self, scalar: Scalar, out: &mut Vec<u8>) {
        match (self, scalar) {
            (Self::Narrow(narrow), scalar) => {
                let number = match scalar {
                    Scalar::Int(number) => number as f64,
                    Scalar::Float(number) => number,
                };
                let bits = narrow.of_f64(number).unwrap_or(0);
                match narrow.size() {
                    1 => out.push(bits as u8),
                    _ => out.extend_from_slice(&bits.to_ne_bytes()),
                }
            }
            (Self::Plain(kind), Scalar::Int(number)) => match kind.size() {
                1 => out.push(number as u8),
                2 => out.extend_from_slice(&(number as u16).to_ne_bytes()),
                4 => out.extend_from_slice(&(number as u32).to_ne_bytes()),
                _ => out.extend_from_slice(&(number as u64).to_ne_bytes()),
            },
            (Self::Plain(kind), Scalar::Float(number)) => match kind.size() {
                2 => out.extend_from_slice(&half_of(number).to_ne_bytes()),
                4 => out.extend_from_slice(&(number as f32).to_ne_bytes()),
                _ => out.extend_from_slice(&number.to_ne_bytes()),
            },
        }
    }

    /// The number of this type that another becomes.
    ///
    /// # Errors
    /// When there is none by these rules.
    pub(super) fn cast(
        self,
        scalar: Scalar,
        rounding: Rounding,
        out_of_range: OutOfRange,
    ) -> Result<Scalar, String> {
        if self.is_integer() {
            self.to_integer(scalar, rounding, out_of_range).map(Scalar::Int)
        } else {
            self.to_float(scalar, rounding, out_of_range).map(Scalar::Float)
        }
    }

    fn to_integer(
        self,
        scalar: Scalar,
        rounding: Rounding,
        out_of_range: OutOfRange,
    ) -> Result<i128, String> {
        let bits = self.bits();
        let (least, most) = if self.is_signed() {
            (-(1_i128 << (bits - 1)), (1_i128 << (bits - 1)) - 1)
        } else {
            (0, (1_i128 << bits) - 1)
        };
        let number = match scalar {
            Scalar::Int(number) => number,
            Scalar::Float(number) if number.is_nan() => return Err("NaN is no integer".to_owned()),
            Scalar::Float(number) if number.is_infinite() => match out_of_range {
                OutOfRange::Clamp => return Ok(if number > 0.0 { most } else { least }),
                _ => return Err(format!("{number} is no integer")),
            },
            Scalar::Float(number) => {
                let whole = rounding.to_whole(number);
                match out_of_range {
                    // A remainder is exact, whatever the number.
                    OutOfRange::Wrap => (whole % f64::from(bits).exp2()) as i128,
                    _ => whole as i128,
                }
            }
        };
        match out_of_range {
            _ if number >= least && number <= most => Ok(number),
            OutOfRange::Error => Err(format!("{number} is out of range")),
            OutOfRange::Clamp => Ok(number.clamp(least, most)),
            OutOfRange::Wrap => {
                let wrapped = number.rem_euclid(1 << bits);
                Ok(if wrapped > most {
                    wrapped - (1 << bits)
                } else {
                    wrapped
                })
            }
        }
    }

    fn to_float(self, scalar: Scalar, rounding: Rounding, out_of_range: OutOfRange) -> Result<f64, String> {
        if let Scalar::Float(number) = scalar
            && !number.is_finite()
        {
            return match self.nearest(number) {
                Some(found) => Ok(found),
                None if number.is_nan() || out_of_range != OutOfRange::Clamp => {
                    Err(format!("{number} is no number of the type"))
                }
                None => Ok(self.greatest().copysign(number)),
            };
        }
        let nearest = match scalar {
            Scalar::Int(number) if self == Self::Plain(Kind::Float64) => Some(number as f64),
            // Rounded once, as what is odd where it is not exact is no tie of a narrower type.
            Scalar::Int(number) => self.nearest(int_to_odd(number)),
            Scalar::Float(number) => self.nearest(number),
        };
        let is_negative = compare(scalar, 0.0) == Ordering::Less;
        let sign = if is_negative { -1.0 } else { 1.0 };
        let greatest = self.greatest() * sign;
        let is_beyond = compare(scalar, greatest)
            == if is_negative {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        if !is_beyond && let Some(nearest) = nearest {
            return Ok(self.rounded(scalar, nearest, rounding));
        }
        // The greatest number takes what would be rounded to it, were there a next one.
        let step = greatest - self.neighbour(greatest, is_negative);
        let is_below_next = compare(scalar, greatest + step)
            == if is_negative {
                Ordering::Greater
            } else {
                Ordering::Less
            };
        let rounds_in = match rounding {
            Rounding::NearestEven | Rounding::NearestAway => nearest.is_some_and(f64::is_finite),
            Rounding::TowardsZero => true,
            Rounding::TowardsPositive => is_negative,
            Rounding::TowardsNegative => !is_negative,
        };
        match out_of_range {
            _ if is_below_next && rounds_in => Ok(greatest),
            // Of types with infinities, those are what is beyond.
            OutOfRange::Clamp => Ok(self.nearest(f64::INFINITY * sign).unwrap_or(greatest)),
            _ => Err(match scalar {
                Scalar::Int(number) => format!("{number} is out of range"),
                Scalar::Float(number) => format!("{number} is out of range"),
            }),
        }
    }

    /// The neighbour of the nearest number that a rule asks for.
    fn rounded(self, scalar: Scalar, nearest: f64, rounding: Rounding) -> f64 {
        let above = compare(scalar, nearest);
        let wanted = match rounding {
            Rounding::NearestEven => return nearest,
            Rounding::NearestAway => {
                let other = self.neighbour(nearest, above == Ordering::Greater);
                let is_tie = above != Ordering::Equal && is_halfway(scalar, nearest, other);
                return if is_tie && other.abs() > nearest.abs() {
                    other
                } else {
                    nearest
                };
            }
            Rounding::TowardsPositive => Ordering::Greater,
            Rounding::TowardsZero if compare(scalar, 0.0) == Ordering::Less => Ordering::Greater,
            Rounding::TowardsNegative | Rounding::TowardsZero => Ordering::Less,
        };
        if above == wanted && above != Ordering::Equal {
            self.neighbour(nearest, wanted == Ordering::Greater)
        } else {
            nearest
        }
    }

    /// The next number of the type, above or below.
    fn neighbour(self, number: f64, above: bool) -> f64 {
        // The first step that leads beyond half the way to the next number is not longer than the way.
        let mut step = number.abs().max(2.0 * f64::MIN_POSITIVE) * (f64::EPSILON / 2.0);
        for _ in 0..1100 {
            let moved = if above { number + step } else { number - step };
            if let Some(found) = self.nearest(moved)
                && (if above { found > number } else { found < number })
            {
                return found;
            }
            step *= 2.0;
        }
        number
    }

    /// The nearest number of the type, of two the one whose last bit is 0.
    fn nearest(self, number: f64) -> Option<f64> {
        match self {
            Self::Narrow(narrow) => narrow.of_f64(number).map(|bits| narrow.to_f64(bits)),
            Self::Plain(kind) => Some(match kind.size() {
                2 => half_of(number).to_f64(),
                4 => f64::from(number as f32),
                _ => number,
            }),
        }
    }

    /// The greatest finite number.
    fn greatest(self) -> f64 {
        match self {
            Self::Narrow(narrow) => {
                let finite = (0..=u16::MAX >> (16 - narrow.bits())).map(|bits| narrow.to_f64(bits));
                finite.filter(|number| number.is_finite()).fold(0.0, f64::max)
            }
            Self::Plain(kind) => match kind.size() {
                2 => f16::MAX.to_f64(),
                4 => f32::MAX.into(),
                _ => f64::MAX,
            },
        }
    }
}

/// The bits of an element of at most 8 bytes.
fn bits_of(element: &[u8]) -> u64 {
    let in_order = |word: u64, byte: &u8| word << 8 | u64::from(*byte);
    match ByteOrder::NATIVE {
        ByteOrder::Little => element.iter().rev().fold(0, in_order),
        ByteOrder::Big => element.iter().fold(0, in_order),
    }
}

/// Binary16 by way of a narrow type, which rounds once.
fn half_of(number: f64) -> f16 {
    let half = NarrowType::new("complex_float16").expect("the table has it");
    f16::from_bits(half.of_f64(number).unwrap_or(0))
}

/// The double of an integer, whose last bit is set where it is not exact, so that rounding it again rounds the integer.
fn int_to_odd(number: i128) -> f64 {
    let nearest = number as f64;
    match (nearest as i128).cmp(&number) {
        Ordering::Equal => nearest,
        order => {
            let down = order == Ordering::Greater;
            let toward = if (nearest > 0.0) == down {
                nearest.to_bits() - 1
            } else {
                nearest.to_bits() + 1
            };
            let (one, other) = (nearest, f64::from_bits(toward));
            if one.to_bits() % 2 == 1 { one } else { other }
        }
    }
}

/// Whether a number is as far from one float as from another.
fn is_halfway(scalar: Scalar, one: f64, other: f64) -> bool {
    match scalar {
        Scalar::Int(number) => number - one as i128 == other as i128 - number,
        Scalar::Float(_) => compare(scalar, f64::midpoint(one, other)).is_eq(),
    }
}

/// How a number compares with a float.
fn compare(scalar: Scalar, float: f64) -> Ordering {
    match scalar {
        Scalar::Float(number) => number.partial_cmp(&float).unwrap_or(Ordering::Equal),
        Scalar::Int(number) => (number as f64)
            .partial_cmp(&float)
            .filter(|order| order.is_ne())
            .unwrap_or_else(|| number.cmp(&(float as i128))),
    }
}
