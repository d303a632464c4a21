//! Numbers that Rust has no type for: integers of 2 and 4 bits, floats of 4 to 16 bits, and pairs of them.
//!
//! Zarr extensions *data-types*: `int2`, `uint4`, `bfloat16`, `float8_e5m2`, `complex_float4_e2m1fn` and so on.
//! A component takes whole bytes in memory and under the codec `bytes`, one or two; of a component that needs less
//! the upper bits mean nothing there and are [settled](NarrowType::settle) when it is read.
//! Nothing is computed with such numbers: they are carried as their bits, and turned into `f64`, which holds all of
//! them exactly, to be shown and compared.

use std::cmp::Ordering;

use serde_json::{Number, Value};

/// A type of the table: what its components are, and whether there is one or two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NarrowType {
    name: &'static str,
    number: NarrowNumber,
    is_complex: bool,
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum NarrowNumber {
    /// A signed integer of so many bits, in two's complement.
    Signed(u32),
    /// An unsigned integer of so many bits.
    Unsigned(u32),
    Float(FloatFormat),
}

/// How bits make a float: sign, exponent, mantissa, from the highest bit down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FloatFormat {
    exponent: u32,
    mantissa: u32,
    bias: i32,
    special: Special,
}

/// Which bits are no finite number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Special {
    /// The highest exponent is of infinities and NaNs.
    Ieee,
    /// All ones are NaN (`fn`).
    AllOnes,
    /// What would be minus zero is NaN (`fnuz`).
    MinusZero,
    /// All are numbers (`fn` of less than 8 bits).
    None,
    /// An exponent alone: no sign, no zero, all ones are NaN (`fnu`).
    ExponentOnly,
}

const fn float(exponent: u32, mantissa: u32, bias: i32, special: Special) -> NarrowNumber {
    NarrowNumber::Float(FloatFormat {
        exponent,
        mantissa,
        bias,
        special,
    })
}

const E2M1: NarrowNumber = float(2, 1, 1, Special::None);
const E2M3: NarrowNumber = float(2, 3, 1, Special::None);
const E3M2: NarrowNumber = float(3, 2, 3, Special::None);
const E3M4: NarrowNumber = float(3, 4, 3, Special::Ieee);
const E4M3: NarrowNumber = float(4, 3, 7, Special::Ieee);
const E4M3B11: NarrowNumber = float(4, 3, 11, Special::MinusZero);
const E4M3FN: NarrowNumber = float(4, 3, 7, Special::AllOnes);
const E4M3FNUZ: NarrowNumber = float(4, 3, 8, Special::MinusZero);
const E5M2: NarrowNumber = float(5, 2, 15, Special::Ieee);
const E5M2FNUZ: NarrowNumber = float(5, 2, 16, Special::MinusZero);
const E8M0: NarrowNumber = float(8, 0, 127, Special::ExponentOnly);
const HALF: NarrowNumber = float(5, 10, 15, Special::Ieee);
const BRAIN: NarrowNumber = float(8, 7, 127, Special::Ieee);

/// Name, component, and whether there are two.
const TABLE: [(&str, NarrowNumber, bool); 28] = [
    ("int2", NarrowNumber::Signed(2), false),
    ("int4", NarrowNumber::Signed(4), false),
    ("uint2", NarrowNumber::Unsigned(2), false),
    ("uint4", NarrowNumber::Unsigned(4), false),
    ("bfloat16", BRAIN, false),
    ("float4_e2m1fn", E2M1, false),
    ("float6_e2m3fn", E2M3, false),
    ("float6_e3m2fn", E3M2, false),
    ("float8_e3m4", E3M4, false),
    ("float8_e4m3", E4M3, false),
    ("float8_e4m3b11fnuz", E4M3B11, false),
    ("float8_e4m3fn", E4M3FN, false),
    ("float8_e4m3fnuz", E4M3FNUZ, false),
    ("float8_e5m2", E5M2, false),
    ("float8_e5m2fnuz", E5M2FNUZ, false),
    ("float8_e8m0fnu", E8M0, false),
    ("complex_bfloat16", BRAIN, true),
    ("complex_float16", HALF, true),
    ("complex_float4_e2m1fn", E2M1, true),
    ("complex_float6_e2m3fn", E2M3, true),
    ("complex_float6_e3m2fn", E3M2, true),
    ("complex_float8_e3m4", E3M4, true),
    ("complex_float8_e4m3", E4M3, true),
    ("complex_float8_e4m3b11fnuz", E4M3B11, true),
    ("complex_float8_e4m3fnuz", E4M3FNUZ, true),
    ("complex_float8_e5m2", E5M2, true),
    ("complex_float8_e5m2fnuz", E5M2FNUZ, true),
    ("complex_float8_e8m0fnu", E8M0, true),
];

impl NarrowType {
    /// All types, in the order of their names' groups.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(name, number, is_complex)| Self {
            name,
            number: *number,
            is_complex: *is_complex,
        })
    }

    /// Finds a type by its V3 name.
    ///
    /// ```
    /// use zarr_codecs::NarrowType;
    ///
    /// let type_of_weights = NarrowType::new("bfloat16").unwrap();
    /// assert_eq!(type_of_weights.to_f64(0x3fc0), 1.5);
    /// ```
    pub fn new(name: &str) -> Option<Self> {
        Self::all().find(|narrow| narrow.name == name)
    }

    /// The V3 name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Whether there is a real and an imaginary component.
    pub const fn is_complex(self) -> bool {
        self.is_complex
    }

    /// Whether components are integers.
    pub const fn is_integer(self) -> bool {
        !matches!(self.number, NarrowNumber::Float(_))
    }

    /// Whether components are integers that may be below zero.
    pub const fn is_signed_integer(self) -> bool {
        matches!(self.number, NarrowNumber::Signed(_))
    }

    /// How many bits of a component mean something.
    pub const fn bits(self) -> u32 {
        match self.number {
            NarrowNumber::Signed(bits) | NarrowNumber::Unsigned(bits) => bits,
            NarrowNumber::Float(format) => format.bits(),
        }
    }

    /// The size of a component in bytes: 1 or 2.
    pub const fn component_size(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// The size of an element in bytes.
    pub const fn size(self) -> usize {
        if self.is_complex {
            2 * self.component_size()
        } else {
            self.component_size()
        }
    }

    /// The components of elements in native byte order: their bits.
    pub fn components(self, elements: &[u8]) -> impl Iterator<Item = u16> {
        let bits = move |bytes: &[u8]| match bytes {
            [byte] => u16::from(*byte),
            [first, second] => u16::from_ne_bytes([*first, *second]),
            _ => 0,
        };
        elements.chunks_exact(self.component_size()).map(bits)
    }

    /// Gives the bits that mean nothing the value that they have in memory, in place: that of the sign for signed
    /// integers, so that a byte is the number, and 0 for all others.
    pub fn settle(self, elements: &mut [u8]) {
        let unused = 8_u32.saturating_sub(self.bits());
        match self.number {
            _ if unused == 0 => {}
            NarrowNumber::Signed(_) => {
                for byte in elements {
                    *byte = ((*byte << unused) as i8 >> unused) as u8;
                }
            }
            _ => {
                for byte in elements {
                    *byte &= 0xff >> unused;
                }
            }
        }
    }

    /// The number that bits of a component are; bits that mean nothing are passed over.
    pub fn to_f64(self, bits: u16) -> f64 {
        let bits = u32::from(bits) & low(self.bits());
        match self.number {
            NarrowNumber::Signed(width) if bits >> (width - 1) == 1 => f64::from(bits) - power(width as i32),
            NarrowNumber::Signed(_) | NarrowNumber::Unsigned(_) => f64::from(bits),
            NarrowNumber::Float(format) => format.number(bits),
        }
    }

    /// The bits of the nearest number, of two the one whose last bit is 0; of NaN the usual one.
    ///
    /// `None` for what lies beyond the numbers of the type, for infinities and NaN where it has none, and for
    /// fractions of integers.
    pub fn of_f64(self, number: f64) -> Option<u16> {
        match self.number {
            NarrowNumber::Signed(width) => {
                let limit = power(width as i32 - 1);
                let fits = number.fract() == 0.0 && number >= -limit && number < limit;
                fits.then_some(u16::from(number as i16 as u8))
            }
            NarrowNumber::Unsigned(width) => {
                let fits = number.fract() == 0.0 && number >= 0.0 && number < power(width as i32);
                fits.then_some(number as u16)
            }
            NarrowNumber::Float(format) => format.nearest(number).map(|bits| bits as u16),
        }
    }

    /// Reads the V3 form of a component's fill value: a number, a name of a special number, or the bits as `0x..`.
    pub(crate) fn component_of_json(self, value: &Value) -> Option<u16> {
        let special = |text: &str| match text {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        };
        match value {
            Value::String(_) if self.is_integer() => None,
            Value::String(text) => match text.strip_prefix("0x") {
                Some(digits) => {
                    let fits = digits.len() == 2 * self.component_size()
                        && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                    let bits = u16::from_str_radix(digits, 16).ok().filter(|_| fits)?;
                    (u32::from(bits) <= low(self.bits())).then_some(bits)
                }
                None => self.of_f64(special(text)?),
            },
            Value::Number(number) => match special(number.as_str()) {
                Some(_) if self.is_integer() => None,
                Some(number) => self.of_f64(number),
                // What is written as a fraction is no integer, whatever its value.
                None if self.is_integer() => self.of_f64(number.as_i64()? as f64),
                None => self.of_f64(number.as_f64()?),
            },
            _ => None,
        }
    }

    /// The V3 form of a component's fill value.
    pub(crate) fn component_json(self, bits: u16) -> Value {
        let number = self.to_f64(bits);
        if self.is_integer() {
            return Value::from(number as i64);
        }
        match Number::from_f64(number) {
            Some(number) => number.into(),
            None if number.is_nan() && self.of_f64(f64::NAN) != Some(bits) => {
                format!("0x{bits:0width$x}", width = 2 * self.component_size()).into()
            }
            None if number.is_nan() => "NaN".into(),
            None if number > 0.0 => "Infinity".into(),
            None => "-Infinity".into(),
        }
    }
}

impl FloatFormat {
    const fn bits(self) -> u32 {
        let sign = !matches!(self.special, Special::ExponentOnly) as u32;
        sign + self.exponent + self.mantissa
    }

    fn number(self, bits: u32) -> f64 {
        let magnitude = bits & low(self.exponent + self.mantissa);
        let is_negative = bits != magnitude;
        let (exponent, mantissa) = (magnitude >> self.mantissa, magnitude & low(self.mantissa));
        let number = match self.special {
            Special::Ieee if exponent == low(self.exponent) && mantissa != 0 => return f64::NAN,
            Special::Ieee if exponent == low(self.exponent) => f64::INFINITY,
            Special::AllOnes if magnitude == low(self.exponent + self.mantissa) => return f64::NAN,
            Special::ExponentOnly if magnitude == low(self.exponent) => return f64::NAN,
            Special::ExponentOnly => power(magnitude as i32 - self.bias),
            Special::MinusZero if is_negative && magnitude == 0 => return f64::NAN,
            _ => self.finite(magnitude),
        };
        if is_negative { -number } else { number }
    }

    /// The number of a magnitude, as if it were finite.
    fn finite(self, magnitude: u32) -> f64 {
        let (exponent, mantissa) = (magnitude >> self.mantissa, magnitude & low(self.mantissa));
        let scale = power(exponent.max(1) as i32 - self.bias - self.mantissa as i32);
        let hidden = if exponent == 0 { 0 } else { 1 << self.mantissa };
        f64::from(hidden | mantissa) * scale
    }

    /// The greatest magnitude that is a finite number; those below grow with their numbers.
    const fn greatest(self) -> u32 {
        let all = low(self.exponent + self.mantissa);
        match self.special {
            Special::Ieee => all - (1 << self.mantissa),
            Special::AllOnes | Special::ExponentOnly => all - 1,
            Special::MinusZero | Special::None => all,
        }
    }

    fn nearest(self, number: f64) -> Option<u32> {
        let sign = 1 << (self.bits() - 1);
        if number.is_nan() {
            return match self.special {
                Special::Ieee => Some(low(self.exponent + 1) << (self.mantissa - 1)),
                Special::AllOnes | Special::ExponentOnly => Some(low(self.exponent + self.mantissa)),
                Special::MinusZero => Some(sign),
                Special::None => None,
            };
        }
        let is_signed = self.special != Special::ExponentOnly;
        if number < 0.0 && !is_signed {
            return None;
        }
        let magnitude = self.nearest_magnitude(number.abs())?;
        let is_negative = number.is_sign_negative() && is_signed;
        let has_sign = is_negative && (magnitude != 0 || self.special != Special::MinusZero);
        Some(if has_sign { magnitude | sign } else { magnitude })
    }

    fn nearest_magnitude(self, number: f64) -> Option<u32> {
        let infinity = (self.special == Special::Ieee).then_some(low(self.exponent) << self.mantissa);
        if number.is_infinite() {
            return infinity;
        }
        // The greatest that is not above the number, by halving.
        let (mut least, mut above) = (0, self.greatest() + 1);
        while above - least > 1 {
            let middle = least.midpoint(above);
            if self.number(middle) <= number {
                least = middle;
            } else {
                above = middle;
            }
        }
        let next = match self.special {
            Special::ExponentOnly => power(above as i32 - self.bias),
            _ => self.finite(above),
        };
        let half = f64::midpoint(self.number(least), next);
        match number.partial_cmp(&half)? {
            Ordering::Equal if least % 2 == 1 => {}
            Ordering::Greater => {}
            _ => return Some(least),
        }
        if above <= self.greatest() {
            Some(above)
        } else {
            infinity
        }
    }
}

/// So many ones.
const fn low(bits: u32) -> u32 {
    (1 << bits) - 1
}

/// A power of two.
fn power(exponent: i32) -> f64 {
    f64::from(exponent).exp2()
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};
    use serde_json::json;

    use super::*;

    fn narrow(name: &str) -> NarrowType {
        NarrowType::new(name).unwrap()
    }

    #[test]
    fn every_number_comes_back() {
        for narrow in NarrowType::all() {
            for bits in 0..=low(narrow.bits()) as u16 {
                let number = narrow.to_f64(bits);
                let back = narrow.of_f64(number).unwrap();
                if number.is_nan() {
                    assert!(narrow.to_f64(back).is_nan(), "{} {bits:x}", narrow.name());
                } else if narrow.is_signed_integer() {
                    let mut settled = [bits as u8];
                    narrow.settle(&mut settled);
                    assert_eq!(back, u16::from(settled[0]));
                } else {
                    assert_eq!(back, bits, "{} {number}", narrow.name());
                }
                let json = narrow.component_json(back);
                assert_eq!(narrow.component_of_json(&json), Some(back), "{json}");
            }
        }
    }

    #[test]
    fn halves_and_bfloats_are_those_of_the_crate_half() {
        let (brain, short) = (narrow("bfloat16"), narrow("complex_float16"));
        for bits in 0..=u16::MAX {
            let halves = (short.to_f64(bits), f16::from_bits(bits).to_f64());
            for (ours, theirs) in [(brain.to_f64(bits), bf16::from_bits(bits).to_f64()), halves] {
                let is_same = ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan());
                assert!(is_same, "{bits:x}");
            }
        }
        // By way of f32: for numbers just above a tie the crate looks at half of their bits only.
        let mut number = 1e-42_f32;
        while number < 1e38 {
            for number in [number, -number] {
                let (brain, short) = (brain.of_f64(number.into()), short.of_f64(number.into()));
                assert_eq!(brain, Some(bf16::from_f32(number).to_bits()), "{number}");
                assert_eq!(short, Some(f16::from_f32(number).to_bits()), "{number}");
            }
            number *= 1.01;
        }
    }

    /// The registry's pages name the bits of NaN.
    #[test]
    fn special_numbers_have_the_bits_of_the_registry() {
        for (name, nan) in [
            ("bfloat16", 0x7fc0),
            ("float8_e3m4", 0x78),
            ("float8_e4m3", 0x7c),
            ("float8_e4m3fn", 0x7f),
            ("float8_e4m3fnuz", 0x80),
            ("float8_e5m2", 0x7e),
            ("float8_e8m0fnu", 0xff),
        ] {
            assert_eq!(narrow(name).component_of_json(&json!("NaN")), Some(nan), "{name}");
            assert_eq!(narrow(name).component_json(nan), json!("NaN"), "{name}");
        }
        for name in ["float4_e2m1fn", "float8_e4m3fnuz", "float8_e8m0fnu", "int4"] {
            assert_eq!(narrow(name).component_of_json(&json!("Infinity")), None, "{name}");
        }
        assert_eq!(narrow("float6_e3m2fn").component_of_json(&json!("NaN")), None);
        assert_eq!(
            narrow("float8_e5m2").component_of_json(&json!("0x7d")),
            Some(0x7d)
        );
        assert_eq!(narrow("float8_e5m2").component_json(0x7d), json!("0x7d"));
    }

    /// What tensorstore 0.1.86 stores for -2, -1, 0 and 1, and for 3.3.
    #[test]
    fn numbers_have_the_bits_of_tensorstore() {
        for (name, bits) in [
            ("float4_e2m1fn", [0x0c, 0x0a, 0, 0x02]),
            ("float8_e3m4", [0xc0, 0xb0, 0, 0x30]),
            ("float8_e4m3b11fnuz", [0xe0, 0xd8, 0, 0x58]),
            ("float8_e4m3fn", [0xc0, 0xb8, 0, 0x38]),
            ("float8_e4m3fnuz", [0xc8, 0xc0, 0, 0x40]),
            ("float8_e5m2", [0xc0, 0xbc, 0, 0x3c]),
            ("float8_e5m2fnuz", [0xc4, 0xc0, 0, 0x40]),
            ("bfloat16", [0xc000, 0xbf80, 0, 0x3f80]),
        ] {
            for (number, bits) in [-2.0, -1.0, 0.0, 1.0].into_iter().zip(bits) {
                assert_eq!(narrow(name).of_f64(number), Some(bits), "{name} {number}");
                assert_eq!(
                    narrow(name).to_f64(bits).total_cmp(&number),
                    Ordering::Equal,
                    "{name} {number}"
                );
            }
        }
        assert_eq!(narrow("float8_e5m2").of_f64(3.3), Some(0x43));
        assert_eq!(narrow("float8_e8m0fnu").of_f64(1.0), Some(0x7f));
        // Tensorstore takes the default fill value, which is 0, for the least number.
        assert_eq!(narrow("float8_e8m0fnu").of_f64(0.0), Some(0));
    }

    #[test]
    fn integers_are_read_whatever_their_upper_bits() {
        let mut bytes = [0x0e, 0x1e, 0xf7, 0x08];
        narrow("int4").settle(&mut bytes);
        assert_eq!(bytes.map(|byte| byte as i8), [-2, -2, 7, -8]);
        let mut bytes = [0xf7, 0x02];
        narrow("uint2").settle(&mut bytes);
        assert_eq!(bytes, [3, 2]);
        assert_eq!(narrow("int4").component_of_json(&json!(8)), None);
        assert_eq!(narrow("int4").component_of_json(&json!(1.0)), None);
        assert_eq!(narrow("uint2").component_of_json(&json!(-1)), None);
    }
}
