//! The values of the grid: the same on every machine, with the awkward ones first.
//!
//! Elements are made little-endian, which is also how they are digested.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::dtype::Dtype;

/// The given number of elements, little-endian.
pub(crate) fn elements(dtype: Dtype, count: usize) -> Vec<Vec<u8>> {
    (0..count as u64).map(|index| element(dtype, index)).collect()
}

/// Elements one after the other, as they are digested and lie in files; those of any length each behind its
/// length of 32 bits.
pub(crate) fn joined<'a>(dtype: Dtype, elements: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut joined = Vec::new();
    for element in elements {
        if dtype.is_variable() {
            joined.extend((element.len() as u32).to_le_bytes());
        }
        joined.extend(element);
    }
    joined
}

/// The fill value that is not zero, little-endian.
pub(crate) fn fill(dtype: Dtype) -> Vec<u8> {
    let mut bytes = match dtype.kind {
        'b' => vec![1],
        'i' | 'u' | 'm' => vec![42],
        'f' => nan(dtype.size),
        'c' => [
            one_and_a_half(dtype.size / 2, 0),
            one_and_a_half(dtype.size / 2, 1),
        ]
        .concat(),
        'S' => b"fill".to_vec(),
        'U' => utf32("né"),
        'V' => (1..=dtype.size as u8).collect(),
        'R' => dtype
            .fields()
            .into_iter()
            .flat_map(|(_, field)| fill(field))
            .collect(),
        'T' => return "fill é".into(),
        'B' => return b"fi\0ll".to_vec(),
        _ => i64::MIN.to_le_bytes().to_vec(),
    };
    bytes.resize(dtype.size, 0);
    bytes
}

/// The fill value as a document of the format has it.
pub(crate) fn fill_json(dtype: Dtype, bytes: &[u8]) -> Value {
    let integer = || {
        bytes
            .iter()
            .rev()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
    };
    match dtype.kind {
        'b' => json!(bytes[0] != 0),
        'u' => json!(integer()),
        'i' | 'm' | 'M' => {
            let unused = 64 - 8 * dtype.size;
            json!((integer() << unused).cast_signed() >> unused)
        }
        'f' => float_json(bytes),
        'c' => json!([
            float_json(&bytes[..dtype.size / 2]),
            float_json(&bytes[dtype.size / 2..])
        ]),
        'U' => {
            let units = bytes
                .chunks_exact(4)
                .map(|unit| u32::from_le_bytes([unit[0], unit[1], unit[2], unit[3]]));
            let text: String = units
                .take_while(|unit| *unit != 0)
                .filter_map(char::from_u32)
                .collect();
            json!(text)
        }
        'T' => json!(String::from_utf8_lossy(bytes)),
        'R' => json!(BASE64_STANDARD.encode(in_own_order(dtype, bytes.to_vec()))),
        _ => json!(BASE64_STANDARD.encode(bytes)),
    }
}

/// An element in the byte order of its data type; its own inverse.
pub(crate) fn in_own_order(dtype: Dtype, mut element: Vec<u8>) -> Vec<u8> {
    if dtype.kind == 'R' {
        let mut rest = element.as_slice();
        let mut fields = Vec::new();
        for (_, field) in dtype.fields() {
            let (head, tail) = rest.split_at(field.size);
            fields.extend(in_own_order(field, head.to_vec()));
            rest = tail;
        }
        return fields;
    }
    if dtype.is_big_endian() {
        element
            .chunks_exact_mut(dtype.part_size())
            .for_each(<[u8]>::reverse);
    }
    element
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two hexadecimal digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An awkward value where the index is even, else one without meaning.
fn element(dtype: Dtype, index: u64) -> Vec<u8> {
    let random = scramble(index);
    let special = index.is_multiple_of(2).then_some((index / 2) as usize);
    let mut bytes = match dtype.kind {
        'b' => vec![u8::from(random.is_multiple_of(3))],
        'i' | 'u' => integer(dtype, special, random),
        'f' => float(dtype.size, special, random),
        'c' => {
            let half = dtype.size / 2;
            let imaginary = special.map(|at| at + 1);
            [
                float(half, special, random),
                float(half, imaginary, scramble(random)),
            ]
            .concat()
        }
        'S' => pick(
            &[&b""[..], b"a", b"abcde", b"a\0b", b"\xff\xfe", b" x "],
            special,
            random,
        )
        .to_vec(),
        'U' => utf32(pick(
            &["", "a", "né", "日本語文", "\u{1F600}!", "e\u{301}"],
            special,
            random,
        )),
        'V' => random.to_le_bytes()[..dtype.size].to_vec(),
        'R' => {
            let fields = dtype.fields().into_iter();
            fields.flat_map(|(_, field)| element(field, index)).collect()
        }
        'T' => {
            let texts = ["", "a", "né", "日本語文", "\u{1F600}!", "a rather longer text"];
            return pick(&texts, special, random).into();
        }
        'B' => return pick(&[&b""[..], b"a", b"\0\xff", b"longer bytes\n"], special, random).to_vec(),
        _ => {
            let awkward = [i64::MIN, 0, -1, 1, i64::MAX];
            special
                .map_or(random, |at| awkward[at % 5].cast_unsigned())
                .to_le_bytes()
                .to_vec()
        }
    };
    bytes.resize(dtype.size, 0);
    bytes
}

fn pick<T: Copy>(from: &[T], special: Option<usize>, random: u64) -> T {
    from[special.unwrap_or(random as usize) % from.len()]
}

fn integer(dtype: Dtype, special: Option<usize>, random: u64) -> Vec<u8> {
    let top = 1_u64 << (8 * dtype.size - 1);
    let awkward = [0, u64::MAX, top, top - 1, 1];
    let value = special.and_then(|at| awkward.get(at).copied()).unwrap_or(random);
    value.to_le_bytes()[..dtype.size].to_vec()
}

/// Bits of the exponent of a float of the given size.
fn exponent_bits(size: usize) -> usize {
    match size {
        2 => 5,
        4 => 8,
        _ => 11,
    }
}

/// The bits of the exponent, all set.
fn exponent(size: usize) -> u64 {
    let bits = exponent_bits(size);
    ((1 << bits) - 1) << (8 * size - 1 - bits)
}

/// The quiet NaN that the formats call `NaN`.
fn nan(size: usize) -> Vec<u8> {
    let quiet = 1 << (8 * size - 2 - exponent_bits(size));
    (exponent(size) | quiet).to_le_bytes()[..size].to_vec()
}

/// 1.5 with the given sign bit.
///
/// It is in the fill value of complex numbers: zarr-python 2 makes other values of those that are not finite.
fn one_and_a_half(size: usize, sign: u64) -> Vec<u8> {
    let half = 1_u64 << (8 * size - 2 - exponent_bits(size));
    let one = exponent(size) & !(1 << (8 * size - 2));
    (one | half | sign << (8 * size - 1)).to_le_bytes()[..size].to_vec()
}

fn infinity(size: usize, is_negative: bool) -> Vec<u8> {
    let sign = u64::from(is_negative) << (8 * size - 1);
    (exponent(size) | sign).to_le_bytes()[..size].to_vec()
}

fn float(size: usize, special: Option<usize>, random: u64) -> Vec<u8> {
    let sign = 1_u64 << (8 * size - 1);
    let largest = exponent(size) - 1;
    let bits = match special {
        Some(0) => return nan(size),
        Some(1) => sign,
        Some(2) => return infinity(size, false),
        Some(3) => return infinity(size, true),
        Some(4) => largest,
        Some(5) => largest | sign,
        Some(6) => 1,
        Some(7) => 0,
        // One bit of the exponent is cleared, so that the value is finite.
        _ => random & !(1 << (8 * size - 2)),
    };
    bits.to_le_bytes()[..size].to_vec()
}

fn float_json(bytes: &[u8]) -> Value {
    if bytes.iter().all(|byte| *byte == 0) {
        json!(0.0)
    } else if bytes == nan(bytes.len()) {
        json!("NaN")
    } else if bytes == one_and_a_half(bytes.len(), 0) {
        json!(1.5)
    } else if bytes == one_and_a_half(bytes.len(), 1) {
        json!(-1.5)
    } else {
        unreachable!("the grid has no other fill values")
    }
}

fn utf32(text: &str) -> Vec<u8> {
    text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()
}

/// A number without pattern (the `SplitMix64` function).
fn scramble(index: u64) -> u64 {
    let mut z = index.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_begin_with_the_awkward_values() {
        let bytes = elements(Dtype::new("<f8"), 17).concat();
        let at = |index: usize| f64::from_le_bytes(bytes[index * 8..][..8].try_into().unwrap());
        assert_eq!(at(0).to_bits(), 0x7ff8_0000_0000_0000);
        assert_eq!(at(2).to_bits(), (-0.0_f64).to_bits());
        assert_eq!((at(4), at(6)), (f64::INFINITY, f64::NEG_INFINITY));
        assert_eq!((at(8), at(10)), (f64::MAX, f64::MIN));
        assert_eq!(at(12).to_bits(), 1);
        assert!((0..8).all(|i| at(2 * i + 1).is_finite()));
    }

    #[test]
    fn integers_have_their_extremes() {
        let bytes = elements(Dtype::new("<i2"), 10).concat();
        let values: Vec<i16> = bytes
            .chunks_exact(2)
            .map(|b| i16::from_le_bytes([b[0], b[1]]))
            .collect();
        assert_eq!(
            [values[0], values[2], values[4], values[6], values[8]],
            [0, -1, i16::MIN, i16::MAX, 1]
        );
    }

    #[test]
    fn fill_values_have_their_json() {
        let check = |text, expected: Value| {
            let dtype = Dtype::new(text);
            assert_eq!(fill_json(dtype, &fill(dtype)), expected, "{text}");
        };
        check("|b1", json!(true));
        check("<i2", json!(42));
        check(">f4", json!("NaN"));
        check("<c8", json!([1.5, -1.5]));
        check("|S5", json!("ZmlsbAA="));
        check("<U4", json!("né"));
        check("<M8[s]", json!(i64::MIN));
    }

    #[test]
    fn big_endian_elements_are_turned_part_by_part() {
        assert_eq!(in_own_order(Dtype::new(">i2"), vec![1, 2, 3, 4]), [2, 1, 4, 3]);
        assert_eq!(in_own_order(Dtype::new("<i2"), vec![1, 2, 3, 4]), [1, 2, 3, 4]);
        assert_eq!(in_own_order(Dtype::new("|V2"), vec![1, 2, 3, 4]), [1, 2, 3, 4]);
    }
}
