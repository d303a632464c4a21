use fastrand::Rng;

use super::*;
use crate::testing::noise;

/// Mostly short, at times of any size.
fn any_length(numbers: &mut Rng) -> usize {
    match numbers.u8(..12) {
        0 => numbers.usize(..700),
        1 | 2 => numbers.usize(..70),
        _ => numbers.usize(..20),
    }
}

fn put_length(stream: &mut Vec<u8>, length: usize) {
    if let Some(mut rest) = length.checked_sub(15) {
        while rest >= 255 {
            stream.push(255);
            rest -= 255;
        }
        stream.push(rest as u8);
    }
}

/// A stream of so many sequences and what it decodes to, by the definition.
fn stream_of(sequences: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut numbers = Rng::with_seed(seed);
    let (mut stream, mut decoded) = (Vec::new(), Vec::new());
    for number in 0..=sequences {
        let is_last = number == sequences;
        let mut count = if numbers.u8(..4) == 0 {
            any_length(&mut numbers)
        } else {
            0
        };
        if is_last || decoded.is_empty() {
            count += 12;
        }
        let longer = any_length(&mut numbers);
        let short = if is_last { 0 } else { longer.min(15) };
        stream.push((count.min(15) << 4 | short) as u8);
        put_length(&mut stream, count);
        for literal in noise(count) {
            let literal = literal.wrapping_add(number as u8);
            stream.push(literal);
            decoded.push(literal);
        }
        if is_last {
            break;
        }
        let most = match numbers.u8(..3) {
            0 => 8,
            1 => 70,
            _ => 65_535,
        };
        let offset = numbers.usize(1..=decoded.len().min(most));
        stream.extend((offset as u16).to_le_bytes());
        put_length(&mut stream, longer);
        for _ in 0..longer + 4 {
            decoded.push(decoded[decoded.len() - offset]);
        }
    }
    (stream, decoded)
}

/// What this processor can decode with.
fn builds() -> Vec<Option<Matches>> {
    let mut builds: Vec<Option<Matches>> = vec![None];
    if is_x86_feature_detected!("avx2") {
        builds.push(Some(narrow_matches));
    }
    if is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("avx512vl") {
        builds.push(Some(wide_matches));
    }
    builds
}

/// Decodes with every build, with all of the output that is not wanted filled with something else.
fn decoded(stream: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut found = builds().into_iter().map(|matches| {
        let mut out = vec![0xA5; size];
        let made = decode_with(matches, stream, &mut out, size)?;
        (made == size).then_some(out)
    });
    let first = found.next().unwrap();
    for (number, other) in found.enumerate() {
        assert!(other == first, "build {number} differs from the definition");
    }
    first
}

/// Without the C library, so that Miri can run it.
mod alone {
    use super::*;

    #[test]
    fn streams_are_decoded_by_the_definition() {
        let rounds = if cfg!(miri) { 3 } else { 3000 };
        for seed in 0..rounds {
            for sequences in [0, 1, 2, 5, 20, 60] {
                let (stream, expected) = stream_of(sequences, seed);
                let found = decoded(&stream, expected.len());
                assert!(found.as_deref() == Some(&expected[..]), "{sequences} {seed}");
            }
        }
    }

    #[test]
    fn any_offset_and_length_of_a_match_comes_back() {
        for offset in (1..80).step_by(if cfg!(miri) { 7 } else { 1 }) {
            for longer in (0..300).step_by(if cfg!(miri) { 37 } else { 1 }) {
                let mut expected = noise(80);
                let mut stream = vec![0xF0, 80 - 15];
                stream.extend_from_slice(&expected);
                // Behind literals, and without any.
                for (longer, next) in [(0, longer), (longer, longer), (longer, 0)] {
                    stream.extend((offset as u16).to_le_bytes());
                    put_length(&mut stream, longer);
                    for _ in 0..longer + 4 {
                        expected.push(expected[expected.len() - offset]);
                    }
                    stream.push(next.min(15) as u8);
                }
                *stream.last_mut().unwrap() = 0xF0;
                stream.push(200 - 15);
                stream.extend(noise(200));
                expected.extend(noise(200));
                let found = decoded(&stream, expected.len());
                assert!(found.as_deref() == Some(&expected[..]), "{offset} {longer}");
            }
        }
    }

    #[test]
    fn damaged_streams_are_errors_or_of_the_right_size() {
        let rounds = if cfg!(miri) { 1 } else { 20 };
        for seed in 0..rounds {
            let (stream, expected) = stream_of(30, seed);
            for cut in (0..stream.len()).step_by(if cfg!(miri) { 61 } else { 1 }) {
                assert!(decoded(&stream[..cut], expected.len()).is_none(), "{cut}");
            }
            for bit in (0..stream.len() * 8).step_by(if cfg!(miri) { 331 } else { 1 }) {
                let mut damaged = stream.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                let _ = decoded(&damaged, expected.len());
            }
            for size in [0, 1, expected.len() - 1, expected.len() + 1, expected.len() + 500] {
                assert!(decoded(&stream, size).is_none(), "{size}");
            }
        }
    }

    #[test]
    fn offsets_of_nothing_and_before_the_beginning_are_errors() {
        for offset in [0_u16, 41, 42, 65_535] {
            let mut stream = vec![0xF0, 40 - 15];
            stream.extend(noise(40));
            stream.extend(offset.to_le_bytes());
            stream.extend([0xF0, 200 - 15]);
            stream.extend(noise(200));
            assert_eq!(decoded(&stream, 244), None, "{offset}");
        }
    }

    /// Literals, then so many matches of so many bytes each, 9 bytes back.
    fn stream_of_matches(length: usize, count: usize) -> Vec<u8> {
        let mut stream = vec![0xF0 | (length - 4).min(15) as u8, 20 - 15];
        stream.extend(noise(20));
        for number in 1..=count {
            stream.extend([9, 0]);
            put_length(&mut stream, length - 4);
            let is_last = number == count;
            stream.push(if is_last { 0xC0 } else { (length - 4).min(15) as u8 });
        }
        stream.extend(noise(12));
        stream
    }

    #[test]
    fn streams_with_matches_of_two_registers_are_told_apart() {
        for (lengths, expected) in [(4..=16, false), (17..=32, true), (33..=300, false)] {
            for length in lengths.step_by(if cfg!(miri) { 13 } else { 1 }) {
                assert_eq!(
                    has_middling(&stream_of_matches(length, 500)),
                    expected,
                    "{length}"
                );
            }
        }
        assert!(
            has_middling(&stream_of_matches(20, 50)),
            "shorter than the sample"
        );
        assert!(!has_middling(&stream_of_matches(20, 10)), "too few");
        assert!(!has_middling(&[]));
    }

    #[test]
    fn the_beginning_is_decoded_alone() {
        let (stream, expected) = stream_of(60, 7);
        for needed in (1..expected.len()).step_by(if cfg!(miri) { 501 } else { 1 }) {
            for matches in builds() {
                let mut out = vec![0; expected.len()];
                let made = decode_with(matches, &stream, &mut out, needed).unwrap();
                assert!(made >= needed);
                assert_eq!(out[..needed], expected[..needed], "{needed}");
            }
        }
    }
}

/// Against the C library.
mod library {
    use lz4_sys::{LZ4_compress_HC, LZ4_compress_fast, LZ4_decompress_safe};

    use super::*;
    use crate::testing::smooth;

    fn by_library(stream: &[u8], size: usize) -> Option<Vec<u8>> {
        let mut out = vec![0xA5; size];
        // SAFETY: both are given with their lengths.
        let made = unsafe {
            LZ4_decompress_safe(
                stream.as_ptr().cast(),
                out.as_mut_ptr().cast(),
                stream.len() as i32,
                size as i32,
            )
        };
        (usize::try_from(made) == Ok(size)).then_some(out)
    }

    /// A level of the library's high compression, or, below 1, how many more places than usual it passes over where it
    /// looks for matches.
    fn compressed(decoded: &[u8], level: i32) -> Vec<u8> {
        let mut stream = vec![0; decoded.len() + decoded.len() / 255 + 16];
        let (from, to) = (decoded.as_ptr().cast(), stream.as_mut_ptr().cast());
        let (size, room) = (decoded.len() as i32, stream.len() as i32);
        // SAFETY: both are given with their lengths.
        let made = unsafe {
            if level > 0 {
                LZ4_compress_HC(from, to, size, room, level)
            } else {
                LZ4_compress_fast(from, to, size, room, 1 - level)
            }
        };
        stream.truncate(made as usize);
        stream
    }

    const LEVELS: [i32; 7] = [-100, -9, 0, 1, 4, 9, 12];

    #[test]
    fn what_the_library_makes_comes_back() {
        for size in (1..=64).chain([100, 300, 5000, 200_000]) {
            let few: Vec<u8> = noise(size).iter().map(|byte| byte & 3).collect();
            for data in [smooth(size), noise(size), few, vec![7; size]] {
                for level in LEVELS {
                    let stream = compressed(&data, level);
                    assert!(decoded(&stream, size).as_ref() == Some(&data), "{size} {level}");
                }
            }
        }
    }

    /// As Blosc has them: the numbers of a smooth field, with and without the last bits, of each type as they are and
    /// as planes of bytes.
    #[test]
    fn numbers_of_any_type_come_back() {
        let field = |at: usize| (at as f64 / 300.0).sin() * 250.0 + (at as f64 / 7.0).cos();
        for step in [1.0, 64.0] {
            let numbers: Vec<f64> = (0..20_000).map(|at| (field(at) * step).round() / step).collect();
            let bytes_of = |each: fn(f64) -> Vec<u8>| numbers.iter().copied().flat_map(each).collect();
            let types: [(usize, Vec<u8>); 6] = [
                (1, bytes_of(|number| (number as i8).to_le_bytes().to_vec())),
                (2, bytes_of(|number| (number as i16).to_le_bytes().to_vec())),
                (4, bytes_of(|number| (number as i32).to_le_bytes().to_vec())),
                (8, bytes_of(|number| (number as i64).to_le_bytes().to_vec())),
                (4, bytes_of(|number| (number as f32).to_le_bytes().to_vec())),
                (8, bytes_of(|number| number.to_le_bytes().to_vec())),
            ];
            for (item_size, bytes) in types {
                let planes: Vec<u8> = (0..item_size)
                    .flat_map(|plane| bytes.iter().skip(plane).step_by(item_size).copied())
                    .collect();
                for data in [&bytes, &planes] {
                    for level in LEVELS {
                        let stream = compressed(data, level);
                        let found = decoded(&stream, data.len());
                        assert!(found.as_ref() == Some(data), "{item_size} {step} {level}");
                    }
                }
            }
        }
    }

    /// But for offsets of 0, which the format forbids and the library takes.
    #[test]
    fn the_same_damage_is_an_error_as_in_the_library() {
        for seed in 0..40 {
            let (stream, expected) = stream_of(25, seed);
            for bit in 0..stream.len() * 8 {
                let mut damaged = stream.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                if let Some(found) = decoded(&damaged, expected.len()) {
                    assert!(
                        by_library(&damaged, expected.len()) == Some(found),
                        "{seed} {bit}"
                    );
                } else if by_library(&damaged, expected.len()).is_some() {
                    assert!(has_offset_of_zero(&damaged), "{seed} {bit}");
                }
            }
        }
    }

    fn has_offset_of_zero(stream: &[u8]) -> bool {
        let mut rest = stream;
        while let Some((&token, behind)) = rest.split_first() {
            rest = behind;
            let Some(count) = length(&mut rest, token >> 4) else {
                return false;
            };
            match rest.get(count..count + 2) {
                Some([0, 0]) => return true,
                Some(_) => rest = &rest[count + 2..],
                None => return false,
            }
            if length(&mut rest, token & 15).is_none() {
                return false;
            }
        }
        false
    }
}
