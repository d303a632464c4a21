//! Whether two elements are the same, and how they are shown.

use std::borrow::Cow;

use half::f16;
use serde_json::{Map, Value};
use zarr_core::{
    codecs::{DataType, FillValue, LongDouble, Object, SLOT_SIZE, Slot, utf32_text, without_padding},
    metadata::json,
    time,
};

/// When numbers count as the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tolerance {
    pub(super) relative: f64,
    pub(super) absolute: f64,
    pub(super) nan_differs: bool,
    pub(super) signed_zeros: bool,
}

/// An element in the memory of its array: of a type, in native byte order, with the heap that its slot points into.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) data_type: &'a DataType,
    pub(super) bytes: &'a [u8],
    pub(super) heap: &'a [u8],
}

/// What an element of one part is.
enum Scalar<'a> {
    Int(i128),
    Float(f64),
    Complex(f64, f64),
    Long(LongDouble),
    LongComplex(LongDouble, LongDouble),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    /// A count of units, and whether it is a date; the least number is not a time.
    Time(i64, zarr_core::codecs::TimeUnit, bool),
}

/// Whether two types are the same but for byte orders.
pub(super) fn is_same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.fields.len() == b.fields.len()
                && a.fields.iter().zip(&b.fields).all(|(a, b)| {
                    a.name == b.name && a.shape == b.shape && is_same_type(&a.data_type, &b.data_type)
                })
        }
        (DataType::VlenArray(a), DataType::VlenArray(b)) => is_same_type(a, b),
        _ => a == b,
    }
}

/// Whether a format that lacks the texts of a type may have them in the form of another: of any length, or as bytes in
/// UTF-8 within records.
pub(crate) fn is_text_again(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::FixedUtf32(_), DataType::String) => true,
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.fields.len() == b.fields.len()
                && a.fields.iter().zip(&b.fields).all(|(a, b)| {
                    let (one, other) = (&a.data_type, &b.data_type);
                    let is_utf8 = matches!((one, other), (DataType::FixedUtf32(_), DataType::FixedBytes(_)));
                    let is_same = is_utf8 || is_same_type(one, other) || is_text_again(one, other);
                    a.name == b.name && a.shape == b.shape && is_same
                })
        }
        _ => false,
    }
}

/// Whether values of two types can be the same: numbers of any size, texts of any form, times of any unit.
pub(super) fn are_comparable(a: &DataType, b: &DataType) -> bool {
    let kind = |data_type: &DataType| match data_type {
        DataType::FixedUtf32(_) | DataType::String => 1,
        DataType::FixedBytes(_) | DataType::Bytes | DataType::Raw(_) => 2,
        DataType::DateTime64(_) => 3,
        DataType::TimeDelta64(_) => 4,
        DataType::Object => 5,
        DataType::Struct(_) | DataType::VlenArray(_) | DataType::Unknown { .. } => 6,
        _ => 0,
    };
    match (a, b) {
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.fields.len() == b.fields.len()
                && a.fields.iter().zip(&b.fields).all(|(a, b)| {
                    a.name == b.name && a.shape == b.shape && are_comparable(&a.data_type, &b.data_type)
                })
        }
        (DataType::VlenArray(a), DataType::VlenArray(b)) => are_comparable(a, b),
        // Objects as texts in JSON, and texts as bytes in UTF-8.
        (DataType::Object, DataType::String)
        | (DataType::String, DataType::Object)
        | (DataType::FixedUtf32(_), DataType::FixedBytes(_))
        | (DataType::FixedBytes(_), DataType::FixedUtf32(_)) => true,
        _ => is_same_type(a, b) || (kind(a) == kind(b) && kind(a) != 6),
    }
}

/// Whether elements may be NaN, which may differ from itself.
pub(super) fn has_nan(data_type: &DataType) -> bool {
    match data_type {
        DataType::Struct(record) => record.fields.iter().any(|field| has_nan(&field.data_type)),
        DataType::VlenArray(inner) => has_nan(inner),
        DataType::Narrow(narrow) => !narrow.is_integer(),
        DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Complex64
        | DataType::Complex128
        | DataType::Float128
        | DataType::Complex256
        | DataType::DateTime64(_)
        | DataType::TimeDelta64(_) => true,
        _ => false,
    }
}

impl Tolerance {
    /// Whether two elements of comparable types are the same.
    pub(super) fn is_same(&self, a: Element<'_>, b: Element<'_>) -> bool {
        match (a.data_type, b.data_type) {
            (DataType::Struct(_), DataType::Struct(_)) => {
                let mut pairs = a.fields().zip(b.fields());
                pairs.all(|((name, a), (_, b))| name.is_empty() || self.is_same_run(a, b))
            }
            (DataType::VlenArray(inner), DataType::VlenArray(other)) => {
                self.is_same_run(a.of(inner, a.item()), b.of(other, b.item()))
            }
            (DataType::Object, DataType::Object) => {
                a.item() == b.item() || is_same_json(&a.to_json(), &b.to_json())
            }
            (DataType::Object, DataType::String) => a.is_in_json(b.item()),
            (DataType::String, DataType::Object) => b.is_in_json(a.item()),
            _ => self.is_same_scalar(&a.scalar(), &b.scalar()),
        }
    }

    /// Whether elements that lie one after the other are the same.
    fn is_same_run(&self, a: Element<'_>, b: Element<'_>) -> bool {
        let (a, b) = (a.run(), b.run());
        a.len() == b.len() && a.zip(b).all(|(a, b)| self.is_same(a, b))
    }

    fn is_same_scalar(&self, a: &Scalar<'_>, b: &Scalar<'_>) -> bool {
        match (a, b) {
            (Scalar::Int(a), Scalar::Int(b)) => a == b || self.is_near((a - b).abs() as f64, *b as f64),
            (Scalar::Int(int), Scalar::Float(float)) | (Scalar::Float(float), Scalar::Int(int)) => {
                // Integers beyond 2^53 are compared as integers.
                (float.fract() == 0.0 && *float as i128 == *int)
                    || self.is_same_float(*int as f64, *float, true)
            }
            (Scalar::Float(a), Scalar::Float(b)) => self.is_same_float(*a, *b, false),
            (Scalar::Long(a), b) => b.long().is_some_and(|b| self.is_same_long(*a, b)),
            (a, Scalar::Long(b)) if !matches!(a, Scalar::Complex(..) | Scalar::LongComplex(..)) => {
                a.long().is_some_and(|a| self.is_same_long(a, *b))
            }
            (Scalar::LongComplex(real, imaginary), Scalar::LongComplex(other, other_imaginary)) => {
                self.is_same_long(*real, *other) && self.is_same_long(*imaginary, *other_imaginary)
            }
            (Scalar::Complex(..) | Scalar::LongComplex(..), _)
            | (_, Scalar::Complex(..) | Scalar::LongComplex(..)) => {
                let (Some(a), Some(b)) = (a.complex(), b.complex()) else {
                    return false;
                };
                if self.is_same_float(a.0, b.0, false) && self.is_same_float(a.1, b.1, false) {
                    return true;
                }
                self.is_near((a.0 - b.0).hypot(a.1 - b.1), b.0.hypot(b.1))
            }
            (Scalar::Text(a), Scalar::Text(b)) => a == b,
            (Scalar::Bytes(a), Scalar::Bytes(b)) => a == b,
            (Scalar::Text(text), Scalar::Bytes(bytes)) | (Scalar::Bytes(bytes), Scalar::Text(text)) => {
                text.as_bytes() == *bytes
            }
            (Scalar::Time(a, unit, is_date), Scalar::Time(b, other, other_is_date)) => {
                let is_none = (*a == i64::MIN, *b == i64::MIN);
                match is_none {
                    (true, true) => !self.nan_differs,
                    (false, false) if unit == other => a == b,
                    (false, false) => {
                        is_date == other_is_date
                            && (time::convert(*a, *unit, *other) == Some(*b)
                                && time::convert(*b, *other, *unit) == Some(*a))
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn is_same_long(&self, a: LongDouble, b: LongDouble) -> bool {
        let (rounded_a, rounded_b) = (a.to_f64(), b.to_f64());
        // Those that differ may be equal when rounded, but not when they are the same.
        self.is_same_float(rounded_a, rounded_b, a != b)
    }

    /// `is_rounded`: one of the two was an integer, which must not become equal by being rounded.
    #[expect(clippy::float_cmp, reason = "equal is what is asked for")]
    fn is_same_float(&self, a: f64, b: f64, is_rounded: bool) -> bool {
        if a.is_nan() && b.is_nan() {
            return !self.nan_differs;
        }
        if a == b && !is_rounded {
            return !self.signed_zeros || a != 0.0 || a.is_sign_negative() == b.is_sign_negative();
        }
        self.is_near((a - b).abs(), b)
    }

    /// The rule of `numpy.isclose`; infinities and NaN are near nothing.
    fn is_near(&self, distance: f64, b: f64) -> bool {
        let tolerance = self.absolute + self.relative * b.abs();
        tolerance > 0.0 && distance.is_finite() && b.is_finite() && distance <= tolerance
    }
}

impl Scalar<'_> {
    fn long(&self) -> Option<LongDouble> {
        match self {
            Self::Long(value) => Some(*value),
            Self::Float(value) => Some(LongDouble::from(*value)),
            Self::Int(value) => match (i64::try_from(*value), u64::try_from(*value)) {
                (Ok(value), _) => Some(LongDouble::from(value)),
                (_, Ok(value)) => Some(LongDouble::from(value)),
                _ => None,
            },
            _ => None,
        }
    }

    fn complex(&self) -> Option<(f64, f64)> {
        match self {
            Self::Complex(real, imaginary) => Some((*real, *imaginary)),
            Self::Float(real) => Some((*real, 0.0)),
            Self::Int(real) => Some((*real as f64, 0.0)),
            Self::Long(real) => Some((real.to_f64(), 0.0)),
            Self::LongComplex(real, imaginary) => Some((real.to_f64(), imaginary.to_f64())),
            _ => None,
        }
    }
}

impl<'a> Element<'a> {
    fn of(self, data_type: &'a DataType, bytes: &'a [u8]) -> Self {
        Self {
            data_type,
            bytes,
            ..self
        }
    }

    /// The bytes that a slot points at.
    fn item(self) -> &'a [u8] {
        match self.bytes.get(..SLOT_SIZE) {
            Some(slot) => Slot::from_bytes(slot).of(self.heap),
            None => &[],
        }
    }

    /// Whether an object is what a text says in JSON.
    fn is_in_json(self, text: &[u8]) -> bool {
        json::parse(text).is_ok_and(|value| is_same_json(&self.to_json(), &value))
    }

    /// The fields of a record, each with its name and the elements in it.
    fn fields(self) -> impl Iterator<Item = (&'a str, Self)> {
        let fields = match self.data_type {
            DataType::Struct(record) => record.fields.as_slice(),
            _ => &[],
        };
        let mut rest = self.bytes;
        fields.iter().map(move |field| {
            let (bytes, others) = rest.split_at(field.size().unwrap_or(0).min(rest.len()));
            rest = others;
            (field.name.as_str(), self.of(&field.data_type, bytes))
        })
    }

    /// The elements that lie one after the other.
    fn run(self) -> impl ExactSizeIterator<Item = Self> {
        let size = self.data_type.size().unwrap_or(1).max(1);
        self.bytes
            .chunks_exact(size)
            .map(move |bytes| self.of(self.data_type, bytes))
    }

    fn scalar(self) -> Scalar<'a> {
        let bytes = self.bytes;
        match self.data_type {
            DataType::Bool => Scalar::Int(i128::from(bytes[0] != 0)),
            DataType::Int8 => Scalar::Int((bytes[0] as i8).into()),
            DataType::UInt8 => Scalar::Int(bytes[0].into()),
            DataType::Int16 => Scalar::Int(i16::from_ne_bytes(exactly(bytes)).into()),
            DataType::UInt16 => Scalar::Int(u16::from_ne_bytes(exactly(bytes)).into()),
            DataType::Int32 => Scalar::Int(i32::from_ne_bytes(exactly(bytes)).into()),
            DataType::UInt32 => Scalar::Int(u32::from_ne_bytes(exactly(bytes)).into()),
            DataType::Int64 => Scalar::Int(i64::from_ne_bytes(exactly(bytes)).into()),
            DataType::UInt64 => Scalar::Int(u64::from_ne_bytes(exactly(bytes)).into()),
            DataType::Float16 => Scalar::Float(f16::from_ne_bytes(exactly(bytes)).to_f64()),
            DataType::Float32 => Scalar::Float(f32::from_ne_bytes(exactly(bytes)).into()),
            DataType::Float64 => Scalar::Float(f64::from_ne_bytes(exactly(bytes))),
            DataType::Complex64 => Scalar::Complex(
                f32::from_ne_bytes(exactly(&bytes[..4])).into(),
                f32::from_ne_bytes(exactly(&bytes[4..])).into(),
            ),
            DataType::Complex128 => Scalar::Complex(
                f64::from_ne_bytes(exactly(&bytes[..8])),
                f64::from_ne_bytes(exactly(&bytes[8..])),
            ),
            DataType::Float128 => Scalar::Long(LongDouble::from_ne_bytes(exactly(bytes))),
            DataType::Complex256 => Scalar::LongComplex(
                LongDouble::from_ne_bytes(exactly(&bytes[..16])),
                LongDouble::from_ne_bytes(exactly(&bytes[16..])),
            ),
            DataType::Narrow(narrow) => {
                let mut numbers = narrow.components(bytes).map(|bits| narrow.to_f64(bits));
                match (numbers.next().unwrap_or(0.0), numbers.next()) {
                    (real, Some(imaginary)) => Scalar::Complex(real, imaginary),
                    (number, None) if narrow.is_integer() => Scalar::Int(number as i128),
                    (number, None) => Scalar::Float(number),
                }
            }
            DataType::FixedBytes(_) => Scalar::Bytes(without_padding(bytes)),
            DataType::FixedUtf32(_) => Scalar::Text(utf32_text(bytes).into()),
            DataType::String => Scalar::Text(String::from_utf8_lossy(self.item())),
            DataType::Bytes => Scalar::Bytes(self.item()),
            DataType::DateTime64(unit) => Scalar::Time(i64::from_ne_bytes(exactly(bytes)), *unit, true),
            DataType::TimeDelta64(unit) => Scalar::Time(i64::from_ne_bytes(exactly(bytes)), *unit, false),
            _ => Scalar::Bytes(bytes),
        }
    }

    /// The element as JSON: numbers, texts, bytes as `b'...'`, times as `NumPy` prints them, records as objects.
    pub(super) fn to_json(self) -> Value {
        match self.data_type {
            DataType::Struct(_) => {
                let fields = self.fields().filter(|(name, _)| !name.is_empty());
                let fields: Map<_, _> = fields
                    .map(|(name, run)| (name.to_owned(), run.run_to_json()))
                    .collect();
                fields.into()
            }
            DataType::VlenArray(inner) => {
                Value::Array(self.of(inner, self.item()).run().map(Self::to_json).collect())
            }
            DataType::Object => {
                let object = Object::from_item(self.item()).and_then(|object| object.to_json());
                object.unwrap_or_else(|_| bytes_text(self.item()).into())
            }
            DataType::DateTime64(unit) => time::format(i64::from_ne_bytes(exactly(self.bytes)), *unit).into(),
            DataType::TimeDelta64(_) => match i64::from_ne_bytes(exactly(self.bytes)) {
                i64::MIN => "NaT".into(),
                count => count.into(),
            },
            _ => match self.scalar() {
                Scalar::Text(text) => text.into(),
                Scalar::Bytes(bytes) => bytes_text(bytes).into(),
                // JSON's numbers have fewer digits.
                Scalar::Long(value) => value.to_string().into(),
                Scalar::LongComplex(real, imaginary) => {
                    vec![Value::from(real.to_string()), imaginary.to_string().into()].into()
                }
                _ => FillValue::new(self.bytes)
                    .to_json(self.data_type)
                    .unwrap_or(Value::Null),
            },
        }
    }

    /// One element as itself, several as a list.
    fn run_to_json(self) -> Value {
        let mut all: Vec<_> = self.run().map(Self::to_json).collect();
        if all.len() == 1 {
            all.pop().unwrap_or_default()
        } else {
            all.into()
        }
    }
}

/// A fill value as an element; that of a type of any size is the item itself.
pub(super) fn fill_element<'a>(
    fill_value: &'a FillValue,
    data_type: &'a DataType,
    slot: &'a mut [u8; SLOT_SIZE],
) -> Option<Element<'a>> {
    let bytes = fill_value.as_bytes();
    let element = |bytes, heap| Element {
        data_type,
        bytes,
        heap,
    };
    if data_type.is_variable() {
        *slot = Slot {
            offset: 0,
            length: bytes.len() as u64,
        }
        .to_bytes();
        return Some(element(slot, bytes));
    }
    (data_type.size() == Some(bytes.len())).then(|| element(bytes, &[]))
}

/// Whether two values of attributes are the same: objects whatever the order of their members, numbers as numbers.
pub(super) fn is_same_json(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_json(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let is_there = |(name, a): (&String, &Value)| b.get(name).is_some_and(|b| is_same_json(a, b));
            a.len() == b.len() && a.iter().all(is_there)
        }
        (Value::Number(a), Value::Number(b)) => {
            let is_whole = |number: &serde_json::Number| number.is_i64() || number.is_u64();
            // Integers are exact; a float that JSON lacks is its own text.
            a == b || (!(is_whole(a) && is_whole(b)) && a.as_f64().is_some() && a.as_f64() == b.as_f64())
        }
        _ => a == b,
    }
}

fn exactly<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("an element has the size of its type")
}

fn bytes_text(bytes: &[u8]) -> String {
    format!("b'{}'", bytes.escape_ascii())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const EXACT: Tolerance = Tolerance {
        relative: 0.0,
        absolute: 0.0,
        nan_differs: false,
        signed_zeros: false,
    };

    #[track_caller]
    fn check(tolerance: Tolerance, a: (&DataType, &[u8]), b: (&DataType, &[u8]), expected: bool) {
        let element = |(data_type, bytes)| Element {
            data_type,
            bytes,
            heap: &[],
        };
        assert_eq!(tolerance.is_same(element(a), element(b)), expected);
    }

    fn float(value: f64) -> [u8; 8] {
        value.to_ne_bytes()
    }

    #[test]
    fn floats_are_compared_as_numpy_isclose_does() {
        let of = |a, b, tolerance, expected| {
            check(
                tolerance,
                (&DataType::Float64, &float(a)),
                (&DataType::Float64, &float(b)),
                expected,
            );
        };
        let near = Tolerance {
            relative: 1e-3,
            absolute: 1e-6,
            ..EXACT
        };
        of(1000.0, 1001.0, near, true);
        of(1000.0, 1001.1, near, false);
        of(0.0, 1e-6, near, true);
        of(f64::INFINITY, f64::INFINITY, near, true);
        of(f64::INFINITY, 1.0, near, false);
        of(1.0, f64::INFINITY, near, false);
        of(f64::NAN, f64::NAN, EXACT, true);
        of(
            f64::NAN,
            f64::NAN,
            Tolerance {
                nan_differs: true,
                ..near
            },
            false,
        );
        of(0.0, -0.0, EXACT, true);
        of(
            0.0,
            -0.0,
            Tolerance {
                signed_zeros: true,
                ..EXACT
            },
            false,
        );
    }

    #[test]
    fn integers_and_floats_are_compared_without_rounding() {
        let int = ((1_i64 << 53) + 1).to_ne_bytes();
        check(
            EXACT,
            (&DataType::Int64, &int),
            (&DataType::Float64, &float(2_f64.powi(53))),
            false,
        );
        check(
            EXACT,
            (&DataType::Float64, &float(-3.0)),
            (&DataType::Int8, &[253]),
            true,
        );
        check(
            EXACT,
            (&DataType::UInt64, &u64::MAX.to_ne_bytes()),
            (&DataType::Int64, &(-1_i64).to_ne_bytes()),
            false,
        );
        check(
            EXACT,
            (&DataType::Int64, &0_i64.to_ne_bytes()),
            (&DataType::Float64, &float(f64::NAN)),
            false,
        );
    }

    #[test]
    fn long_doubles_are_compared_with_all_their_digits() {
        let long = |text: &str| text.parse::<LongDouble>().unwrap().to_ne_bytes();
        let of = |a: &str, b: &str, tolerance, expected| {
            let (a, b) = (long(a), long(b));
            check(
                tolerance,
                (&DataType::Float128, &a),
                (&DataType::Float128, &b),
                expected,
            );
        };
        // Next to each other as long doubles, one and the same as float64.
        of("1", "1.0000000000000000001084", EXACT, false);
        let near = Tolerance {
            absolute: 1e-12,
            ..EXACT
        };
        of("1", "1.0000000000000000001084", near, true);
        of("nan", "nan", EXACT, true);
        check(
            EXACT,
            (&DataType::Float128, &long("2.5")),
            (&DataType::Float64, &float(2.5)),
            true,
        );
        check(
            EXACT,
            (&DataType::Int64, &7_i64.to_ne_bytes()),
            (&DataType::Float128, &long("7")),
            true,
        );
    }

    #[test]
    fn half_floats_are_what_the_standard_says() {
        // Table of IEEE 754 binary16 examples: one, its successor, the least, the largest.
        let number = |bits: u16| {
            let bytes = bits.to_ne_bytes();
            let element = Element {
                data_type: &DataType::Float16,
                bytes: &bytes,
                heap: &[],
            };
            match element.scalar() {
                Scalar::Float(number) => number,
                _ => panic!("not a float"),
            }
        };
        for (bits, value) in [
            (0x3c00, 1.0),
            (0x3c01, 1.000_976_562_5),
            (1, 5.960_464_477_539_063e-8),
            (0x7bff, 65504.0),
            (0xc000, -2.0),
        ] {
            assert_eq!(number(bits).to_bits(), f64::to_bits(value), "{bits:x}");
        }
        assert!(number(0x7e00).is_nan());
        assert!(number(0xfc00) == f64::NEG_INFINITY);
    }

    #[test]
    fn attributes_are_compared_by_what_they_say() {
        let parse = |text: &str| json::parse(text.as_bytes()).unwrap();
        let same = |a: &str, b: &str| is_same_json(&parse(a), &parse(b));
        assert!(same(r#"{"a": 1, "b": [2]}"#, r#"{"b": [2.0], "a": 1}"#));
        assert!(same("NaN", "NaN"));
        assert!(!same("9007199254740993", "9007199254740992"));
        assert!(!same(r#"{"a": null}"#, r#"{"b": null}"#));
        assert!(!same("1", "\"1\"") && !same("1", "true"));
        assert!(is_same_json(&json!([]), &json!([])));
    }
}
