//! Decimal texts of long doubles, and their values; all exact.
//!
//! Digits are made as Steele and White do it (*How to print floating-point numbers accurately*, 1990): a number is
//! a quotient, and digits are taken from it until what is left is less than half the distance to a neighbour.

use super::{EXPONENT_MAX, FIRST_BIT, LAST_BIT, LongDouble, natural::Natural};

/// The digits of a number that is not negative: `d.ddd` times a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    /// At least one, without zeros at the end; `0` for zero.
    pub(super) digits: String,
    /// The power of ten of the first digit.
    pub(super) power: i32,
}

impl Decimal {
    pub(super) fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// The text with so many digits after the point, which is no fewer than there are.
    pub(super) fn positional(&self, fraction: usize) -> String {
        let point = (self.power + 1).max(1) as usize;
        let zeros = "0".repeat((-self.power).max(0) as usize);
        let text = format!("{zeros}{}", self.digits);
        let text = format!("{text:0<width$}", width = point + fraction);
        format!("{}.{}", &text[..point], &text[point..])
    }
}

/// The fewest digits that are nearer to a finite number, without its sign, than to any other.
pub(super) fn shortest(number: LongDouble) -> Decimal {
    if number.significand == 0 {
        return Decimal {
            digits: "0".to_owned(),
            power: 0,
        };
    }
    let last_power = number.last_power();
    // All in units of half the last bit, or of a quarter where the number below is nearer.
    let is_uneven = number.significand == FIRST_BIT && number.exponent() > 1;
    let unit = 1 + i32::from(is_uneven);
    let (mut value, mut scale) = (Natural::new(number.significand), Natural::new(1));
    value.shift((last_power.max(0) + unit) as u32);
    scale.shift(((-last_power).max(0) + unit) as u32);
    let mut below = Natural::new(1);
    below.shift(last_power.max(0) as u32);
    let mut above = below.clone();
    above.shift(u32::from(is_uneven));

    // One too few at most: log10(2) is cut.
    let bits = 64 - number.significand.leading_zeros() as i32 + last_power;
    let mut power = (f64::from(bits - 1) * std::f64::consts::LOG10_2).floor() as i32;
    if power >= 0 {
        scale.multiply_power_of_ten(power.unsigned_abs());
    } else {
        for part in [&mut value, &mut below, &mut above] {
            part.multiply_power_of_ten(power.unsigned_abs());
        }
    }
    let is_even = number.significand & 1 == 0;
    let reaches = |value: &Natural, above: &Natural, scale: &Natural| {
        let mut sum = value.clone();
        sum.add(above);
        if is_even { sum >= *scale } else { sum > *scale }
    };
    let mut tenfold = scale.clone();
    tenfold.multiply_add(10, 0);
    if reaches(&value, &above, &tenfold) {
        scale = tenfold;
        power += 1;
    }
    let mut digits = String::new();
    loop {
        let digit = value.take_quotient(&scale);
        let is_low = if is_even { value <= below } else { value < below };
        let is_high = reaches(&value, &above, &scale);
        if !is_low && !is_high {
            digits.push(char::from(b'0' + digit));
            for part in [&mut value, &mut below, &mut above] {
                part.multiply_add(10, 0);
            }
            continue;
        }
        let mut twice = value.clone();
        twice.shift(1);
        let is_up = match (is_low, is_high) {
            (true, true) => twice > scale || twice == scale && digit % 2 == 1,
            (low, _) => !low,
        };
        digits.push(char::from(b'0' + digit + u8::from(is_up)));
        return Decimal { digits, power };
    }
}

/// The most characters of a text that is read.
const LENGTH_MAX: usize = 10_000;
/// A power of ten beyond which all numbers are infinite, or zero.
const POWER_MAX: i64 = 6_000;

/// Reads a decimal number, or the word for an infinity or no number.
pub(super) fn parse(text: &str) -> Option<LongDouble> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_negative = text.starts_with('-');
    if ["inf", "infinity"]
        .iter()
        .any(|word| unsigned.eq_ignore_ascii_case(word))
    {
        return Some(LongDouble::from_parts(is_negative, EXPONENT_MAX, FIRST_BIT));
    }
    if unsigned.eq_ignore_ascii_case("nan") {
        return Some(LongDouble::from_parts(is_negative, EXPONENT_MAX, 3 << 62));
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    let is_number = digits().all(|digit| digit.is_ascii_digit()) && digits().next().is_some();
    if !is_number || text.len() > LENGTH_MAX {
        return None;
    }
    let mut value = Natural::new(0);
    digits().for_each(|digit| value.multiply_add(10, u32::from(digit - b'0')));
    let power = exponent.saturating_sub(fraction.len() as i64);
    let first_power = power + digits().count() as i64;
    let (exponent, significand) = match () {
        () if value.is_zero() || first_power < -POWER_MAX => (0, 0),
        () if power > POWER_MAX => (EXPONENT_MAX, FIRST_BIT),
        () => nearest(value, power as i32),
    };
    Some(LongDouble::from_parts(is_negative, exponent, significand))
}

/// An exponent with a sign or none; too large ones are cut.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = digits
        .parse()
        .unwrap_or(i64::from(i32::MAX))
        .min(i64::from(i32::MAX));
    Some(if text.starts_with('-') { -size } else { size })
}

/// The exponent and significand that are nearest to a number times a power of ten, of two the even one.
fn nearest(mut value: Natural, power: i32) -> (u16, u64) {
    let mut scale = Natural::new(1);
    let part = if power < 0 { &mut scale } else { &mut value };
    part.multiply_power_of_ten(power.unsigned_abs());
    // The power of two of the last bit that is kept: 64 bits or 65, or fewer where the exponent is the least.
    let last_power = (value.bits() - scale.bits() - 64).max(1 - LAST_BIT);
    let part = if last_power < 0 { &mut value } else { &mut scale };
    part.shift(last_power.unsigned_abs());
    let mut quotient: u128 = 0;
    let steps = (value.bits() - scale.bits()).max(0) as u32;
    let mut divisor = scale.clone();
    divisor.shift(steps);
    for _ in 0..=steps {
        quotient = quotient << 1 | u128::from(value.take_quotient(&divisor));
        value.shift(1);
    }
    // What is left has been doubled once more than the quotient.
    let mut exponent = last_power + LAST_BIT;
    let mut is_up = value > divisor || value == divisor && quotient & 1 == 1;
    if quotient >> 64 != 0 {
        let half = quotient & 1 == 1;
        quotient >>= 1;
        exponent += 1;
        is_up = half && (!value.is_zero() || quotient & 1 == 1);
    }
    quotient += u128::from(is_up);
    if quotient >> 64 != 0 {
        quotient >>= 1;
        exponent += 1;
    }
    let significand = quotient as u64;
    if exponent >= i32::from(EXPONENT_MAX) {
        return (EXPONENT_MAX, FIRST_BIT);
    }
    let is_least = exponent == 1 && significand < FIRST_BIT;
    (if is_least { 0 } else { exponent as u16 }, significand)
}
