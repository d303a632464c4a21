//! Floats as NumPy prints them: all of an array with an exponent or none, their points below each other.

use zarr_convenience::core::codecs::LongDouble;

/// The most digits after the point.
const PRECISION: i32 = 8;
/// Numbers that are nearer to zero have an exponent.
const LEAST: f64 = 1e-4;
/// An array whose greatest number is more times its least than this has exponents.
const SPREAD: f64 = 1000.0;
/// The fewest digits of an exponent.
const EXPONENT_DIGITS: usize = 2;

/// A float of any width.
#[derive(Clone, Copy)]
pub(super) enum Real {
    Half(f32),
    Single(f32),
    Double(f64),
    Long(LongDouble),
}

impl Real {
    /// Reads an element, whose size says how wide it is.
    pub(super) fn from_ne_bytes(bytes: &[u8]) -> Self {
        match *bytes {
            [a, b] => Self::Half(half::f16::from_ne_bytes([a, b]).to_f32()),
            [a, b, c, d] => Self::Single(f32::from_ne_bytes([a, b, c, d])),
            _ => match <[u8; 8]>::try_from(bytes) {
                Ok(bytes) => Self::Double(f64::from_ne_bytes(bytes)),
                Err(_) => Self::Long(LongDouble::from_ne_bytes(
                    bytes.try_into().expect("a float has 2, 4, 8 or 16 bytes"),
                )),
            },
        }
    }

    fn to_f64(self) -> f64 {
        match self {
            Self::Half(number) | Self::Single(number) => f64::from(number),
            Self::Double(number) => number,
            Self::Long(number) => number.to_f64(),
        }
    }

    /// Asks the number itself, as a double holds less than a long double.
    const fn is_finite(self) -> bool {
        match self {
            Self::Half(number) | Self::Single(number) => number.is_finite(),
            Self::Double(number) => number.is_finite(),
            Self::Long(number) => number.is_finite(),
        }
    }

    /// The decimal digits that an element of the type is sure to keep.
    const fn kept_digits(self) -> i32 {
        match self {
            Self::Half(_) => 3,
            Self::Single(_) => 6,
            Self::Double(_) => 15,
            Self::Long(_) => 18,
        }
    }

    /// The text of what is no number, or without end.
    fn special(self, has_plus: bool) -> String {
        let number = self.to_f64();
        let sign = match number {
            _ if number < 0.0 => "-",
            _ if has_plus => "+",
            _ => "",
        };
        let word = if number.is_nan() { "nan" } else { "inf" };
        format!("{sign}{word}")
    }

    /// The fewest digits that no other number of the type has.
    fn shortest(self) -> Decimal {
        match self {
            Self::Half(number) => {
                let texts = (0..).map(|digits| format!("{number:.digits$e}"));
                let is_exact = |text: &String| {
                    text.parse()
                        .is_ok_and(|read| half::f16::from_f32(read) == half::f16::from_f32(number))
                };
                Decimal::parse(
                    &texts
                        .into_iter()
                        .find(is_exact)
                        .expect("five digits tell halves apart"),
                )
            }
            Self::Single(number) => Decimal::parse(&format!("{number:e}")),
            Self::Double(number) => Decimal::parse(&format!("{number:e}")),
            Self::Long(number) => Decimal::parse(&number.to_string()),
        }
    }

    /// The shortest digits, with no more than [`PRECISION`] behind the point.
    fn positional(self) -> Decimal {
        let shortest = self.shortest();
        let behind = shortest.digits.len() as i32 - 1 - shortest.power;
        match self {
            _ if behind <= PRECISION => shortest,
            Self::Long(_) => shortest.rounded(shortest.power + 1 + PRECISION),
            _ => Decimal::parse(&format!("{:.*}", PRECISION as usize, self.to_f64())),
        }
    }

    /// The shortest digits, with no more than [`PRECISION`] behind the first.
    fn scientific(self) -> Decimal {
        let shortest = self.shortest();
        if shortest.digits.len() as i32 - 1 <= PRECISION {
            return shortest;
        }
        self.scientific_to(PRECISION as usize)
    }

    /// So many digits behind the first, even if fewer would tell the number from others.
    fn scientific_to(self, precision: usize) -> Decimal {
        match self {
            Self::Long(_) => self.shortest().rounded(1 + precision as i32),
            _ => Decimal::parse(&format!("{:.precision$e}", self.to_f64())),
        }
    }

    /// The text of the number on its own: `1.0`, `1e+16`.
    pub(super) fn alone(self) -> String {
        let text = self.alone_without_zero();
        let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if is_whole { format!("{text}.0") } else { text }
    }

    /// As [`Real::alone`], with whole numbers as `1`.
    fn alone_without_zero(self) -> String {
        if !self.is_finite() {
            return self.special(false);
        }
        let decimal = self.shortest();
        let most = match self {
            Self::Half(_) | Self::Single(_) => 10_f64.powi(self.kept_digits()),
            Self::Double(_) | Self::Long(_) => 1e16,
        };
        let (whole, fraction, exponent) = if decimal.is_zero() || (LEAST..most).contains(&self.to_f64().abs())
        {
            let (whole, fraction) = decimal.split(decimal.power);
            (whole, fraction, String::new())
        } else {
            let (whole, fraction) = decimal.split(0);
            (whole, fraction, exponent_text(decimal.power, EXPONENT_DIGITS))
        };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{whole}{point}{fraction}{exponent}")
    }
}

/// The text of a complex number on its own: `(1+2j)`, `2j`.
pub(super) fn complex_alone(real: Real, imaginary: Real) -> String {
    let [left, right] = [real, imaginary].map(Real::alone_without_zero);
    if left == "0" {
        return format!("{right}j");
    }
    let sign = if right.starts_with('-') { "" } else { "+" };
    format!("({left}{sign}{right}j)")
}

fn exponent_text(power: i32, n_digits: usize) -> String {
    let sign = if power < 0 { '-' } else { '+' };
    format!("e{sign}{:0n_digits$}", power.abs())
}

/// A number as digits; the first stands for that many tens to a power.
#[derive(Clone)]
struct Decimal {
    is_negative: bool,
    digits: String,
    power: i32,
}

impl Decimal {
    /// Reads `-12.5`, `1.25e-7`.
    fn parse(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (number, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let power = whole.len() as i32 - 1 - (all.len() - digits.len()) as i32;
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return Self {
                is_negative,
                digits: "0".to_owned(),
                power: 0,
            };
        }
        Self {
            is_negative,
            digits: digits.to_owned(),
            power: power + exponent,
        }
    }

    fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// Keeps so many digits, none if negative; halves go to the even digit.
    fn rounded(&self, n_digits: i32) -> Self {
        let mut kept: Vec<u8> = b"0".iter().chain(self.digits.as_bytes()).copied().collect();
        let n_kept = (n_digits + 1).max(0) as usize;
        let rest = kept.split_off(n_kept.clamp(1, kept.len()));
        let is_odd = kept.last().is_some_and(|digit| digit % 2 == 1);
        let is_up = n_kept > 0
            && match rest.split_first() {
                Some((b'5', others)) => is_odd || others.iter().any(|digit| *digit != b'0'),
                Some((first, _)) => *first > b'5',
                None => false,
            };
        if is_up {
            for digit in kept.iter_mut().rev() {
                if *digit < b'9' {
                    *digit += 1;
                    break;
                }
                *digit = b'0';
            }
        }
        let (first, others) = kept.split_at(1);
        let text = [first, b".", others].concat();
        let sign = if self.is_negative { "-" } else { "" };
        let text = String::from_utf8_lossy(&text).into_owned();
        Self::parse(&format!("{sign}{text}e{}", self.power + 1))
    }

    /// What stands before and behind the point that comes after the digit of tens to the power 0, where the first
    /// digit stands for tens to a given power.
    fn split(&self, power: i32) -> (String, String) {
        let sign = if self.is_negative { "-" } else { "" };
        if power < 0 {
            let zeros = "0".repeat((-power - 1) as usize);
            return (
                format!("{sign}0"),
                if self.is_zero() {
                    String::new()
                } else {
                    format!("{zeros}{}", self.digits)
                },
            );
        }
        let n_whole = power as usize + 1;
        let (whole, fraction) = self.digits.split_at(n_whole.min(self.digits.len()));
        (format!("{sign}{whole:0<n_whole$}"), fraction.to_owned())
    }
}

/// How the floats of an array are written, so that all have the same width.
pub(super) struct FloatFormat {
    /// The digits behind the point and those of the exponent, if there is one.
    exponent: Option<(usize, usize)>,
    left: usize,
    right: usize,
    has_plus: bool,
}

impl FloatFormat {
    /// The form of numbers; with `has_plus` those above zero have a sign too.
    pub(super) fn new(numbers: &[Real], has_plus: bool) -> Self {
        let finite: Vec<Real> = numbers
            .iter()
            .copied()
            .filter(|number| number.is_finite())
            .collect();
        let has_exponent = needs_exponent(&finite);
        let mut format = Self {
            exponent: None,
            left: 0,
            right: 0,
            has_plus,
        };
        let mut exponent_digits = EXPONENT_DIGITS;
        for number in &finite {
            let decimal = if has_exponent {
                number.scientific()
            } else {
                number.positional()
            };
            let (whole, fraction, power) = format.parts(&decimal, has_exponent);
            format.left = format.left.max(whole.len());
            format.right = format.right.max(fraction.len());
            exponent_digits = exponent_digits.max(power.abs().to_string().len());
        }
        if has_exponent {
            format.exponent = Some((format.right, exponent_digits));
            format.right += exponent_digits + 2;
        }
        if finite.len() < numbers.len() {
            let has_minus = has_plus || numbers.iter().any(|number| number.to_f64() == f64::NEG_INFINITY);
            let width = 3 + usize::from(has_minus);
            format.left = format.left.max(width.saturating_sub(format.right + 1));
        }
        format
    }

    /// What stands before and behind the point, and the exponent.
    fn parts(&self, decimal: &Decimal, has_exponent: bool) -> (String, String, i32) {
        let (mut whole, fraction) = decimal.split(if has_exponent { 0 } else { decimal.power });
        if self.has_plus && !decimal.is_negative {
            whole.insert(0, '+');
        }
        (whole, fraction, decimal.power)
    }

    /// A number, as wide as all others.
    pub(super) fn text(&self, number: Real) -> String {
        let (left, right) = (self.left, self.right);
        if !number.is_finite() {
            return format!("{:>1$}", number.special(self.has_plus), left + right + 1);
        }
        if let Some((precision, n_digits)) = self.exponent {
            let (whole, fraction, power) = self.parts(&number.scientific_to(precision), true);
            let exponent = exponent_text(power, n_digits);
            format!("{whole:>left$}.{fraction:0<precision$}{exponent}")
        } else {
            let (whole, fraction, _) = self.parts(&number.positional(), false);
            format!("{whole:>left$}.{fraction:<right$}")
        }
    }
}

/// Whether numbers are too large, too small or too far apart to be written out.
fn needs_exponent(finite: &[Real]) -> bool {
    let Some(first) = finite.first() else {
        return false;
    };
    let sizes = finite
        .iter()
        .map(|number| number.to_f64().abs())
        .filter(|size| *size != 0.0);
    let (least, most) = sizes.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), size| {
        (least.min(size), most.max(size))
    });
    let limit = 10_f64.powi(first.kept_digits().min(PRECISION));
    // Elements are compared and divided in their own type.
    let own = |number: f64| match first {
        Real::Half(_) => half::f16::from_f64(number).to_f64(),
        Real::Single(_) => f64::from(number as f32),
        Real::Double(_) | Real::Long(_) => number,
    };
    most > 0.0 && (most >= limit || least < own(LEAST) || own(most / least) > SPREAD)
}
