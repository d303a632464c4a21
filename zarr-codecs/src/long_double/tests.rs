//! Expected values are from `numpy.longdouble` of `NumPy` 2.5 on x86-64.

use super::*;

fn parsed(text: &str) -> LongDouble {
    text.parse().expect(text)
}

/// The used bytes, as `numpy.array(x).tobytes()[:10].hex()` has them.
fn hex(number: LongDouble) -> String {
    let mut bytes = number.to_ne_bytes();
    if cfg!(target_endian = "big") {
        bytes.reverse();
    }
    bytes[..USED]
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[test]
fn texts_are_read_as_numpy_reads_them() {
    for (text, expected) in [
        ("0.1", "cdccccccccccccccfb3f"),
        ("0.3333333333333333333333333", "abaaaaaaaaaaaaaafd3f"),
        ("1e4000", "618c55fe2383bad1e673"),
        ("1e-4960", "00000000000000000000"),
        ("3.6e-4951", "01000000000000000000"),
        ("nan", "00000000000000c0ff7f"),
        ("-inf", "0000000000000080ffff"),
        ("1e5000", "0000000000000080ff7f"),
        ("1.18973149535723176505e+4932", "fffffffffffffffffe7f"),
        ("123456789012345678901", "87cde625f0d329d64140"),
        ("18446744073709551617", "00000000000000803f40"),
        ("18446744073709551619", "02000000000000803f40"),
        ("2.5", "00000000000000a00040"),
        ("-0", "00000000000000000080"),
    ] {
        assert_eq!(hex(parsed(text)), expected, "{text}");
    }
}

#[test]
fn what_is_no_decimal_number_is_refused() {
    let long = "1".repeat(10_001);
    for text in [
        "",
        ".",
        "1_0",
        " 1",
        "0x1p3",
        "e5",
        "1e",
        "1e+",
        "--1",
        "1.2.3",
        long.as_str(),
    ] {
        assert_eq!(text.parse::<LongDouble>(), Err(ParseLongDoubleError), "{text}");
    }
}

#[test]
fn values_are_printed_as_numpy_prints_them() {
    for (bytes, expected) in [
        ("cdccccccccccccccfb3f", "0.1"),
        ("abaaaaaaaaaaaaaafd3f", "0.33333333333333333334"),
        ("965d8ea9c2acd18be573", "3.3333333333333333333e+3999"),
        ("762f0d21020000000000", "3.3333333333e-4941"),
        ("00000000000000803f40", "1.8446744073709551616e+19"),
        ("87cde625f0d329d64140", "1.23456789012345678904e+20"),
        ("0000000000000080cd3b", "4.940656458412465442e-324"),
        ("01000000000000000000", "4e-4951"),
        ("fffffffffffffffffe7f", "1.189731495357231765e+4932"),
        ("00000000000000c80540", "100.0"),
        ("00000000000000000080", "-0.0"),
    ] {
        let byte = |at: usize| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap();
        let mut element = [0xff; SIZE];
        for (at, used) in element.iter_mut().take(USED).enumerate() {
            *used = byte(2 * at);
        }
        if cfg!(target_endian = "big") {
            element.reverse();
        }
        let number = LongDouble::from_ne_bytes(element);
        assert_eq!(number.to_string(), expected);
        assert_eq!(hex(parsed(expected)), bytes, "{expected}");
    }
}

#[test]
fn doubles_come_back() {
    let values = [
        0.0,
        -0.0,
        1.0,
        0.1,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        -1.5e-310,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    for value in values {
        let wide = LongDouble::from(value);
        assert_eq!(wide.to_f64().to_bits(), value.to_bits(), "{value}");
        assert_eq!(wide.to_f32().to_bits(), (value as f32).to_bits(), "{value}");
    }
    assert!(LongDouble::from(f64::NAN).to_f64().is_nan());
}

#[test]
fn narrower_floats_are_the_nearest() {
    // numpy.longdouble(2) ** -24 and the like, cast.
    let above_a_tie = LongDouble::from_parts(false, 16_383, FIRST_BIT | 1 << 39 | 1);
    assert_eq!(above_a_tie.to_f32().to_bits(), 1_065_353_217);
    let tie = LongDouble::from_parts(false, 16_383, FIRST_BIT | 1 << 39);
    assert_eq!(tie.to_f32().to_bits(), 1_065_353_216);
    for (text, expected) in [
        ("65519.99999999999999", 65520.0_f64),
        ("1e4000", f64::INFINITY),
        ("-1e-4000", -0.0),
        ("2.5e-324", 5e-324),
        ("2.4e-324", 0.0),
    ] {
        assert_eq!(parsed(text).to_f64().to_bits(), expected.to_bits(), "{text}");
    }
}

#[test]
fn integers_are_exact() {
    assert_eq!(hex(LongDouble::from((1_u64 << 63) + 1)), "01000000000000803e40");
    assert_eq!(hex(LongDouble::from(i64::MIN + 1)), "feffffffffffffff3dc0");
    assert_eq!(LongDouble::from(u64::MAX).whole(), Some(u64::MAX));
    assert_eq!(parsed("-300.7").whole(), Some(300));
    assert_eq!(parsed("18446744073709551616").whole(), None);
    assert_eq!(parsed("1e-4000").whole(), Some(0));
}

#[test]
fn values_are_equal_and_bytes_need_not_be() {
    let one = LongDouble::from(1.0);
    let mut element = one.to_ne_bytes();
    clear_padding(&mut element);
    assert_eq!(element, one.to_ne_bytes());
    assert_eq!(LongDouble::from(0.0), LongDouble::from(-0.0));
    assert_ne!(LongDouble::from(f64::NAN), LongDouble::from(f64::NAN));
    assert_ne!(one, LongDouble::from(-1.0));
    assert_ne!(LongDouble::from(f64::INFINITY), LongDouble::from(0.0));
    // The first bit without an exponent, and an exponent without the first bit.
    let least = |exponent| LongDouble::from_parts(false, exponent, FIRST_BIT);
    assert_eq!(least(0), least(1));
    assert!(LongDouble::from_parts(false, 16_383, 1).is_nan());
}
