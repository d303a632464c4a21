//! Changes of data, from bits to whole members, for where no coverage guides them.

use fastrand::Rng;

/// Numbers that are often a border of something.
const BORDERS: [u64; 12] = [
    0,
    1,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    u64::MAX,
];

/// Words that mean something in one document or another.
const WORDS: [&str; 16] = [
    "null",
    "-1",
    "1e999",
    "18446744073709551616",
    "\"\"",
    "[]",
    "{}",
    "[[[[",
    "\"NaN\"",
    "\"<U2147483647\"",
    "\"|V4294967296\"",
    "\"..\"",
    "\\ud800",
    "::-1",
    "0",
    "{\"id\":\"zlib\"}",
];

/// Data that differ from one of the seeds in a few places.
pub fn changed(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut data = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..=random.usize(..4) {
        change(&mut data, seeds, random);
    }
    data
}

fn change(data: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Rng) {
    let at = random.usize(..=data.len());
    match random.u8(..7) {
        0 => data.truncate(at),
        1 if at < data.len() => data[at] ^= 1 << random.u8(..8),
        2 if at < data.len() => data[at] = random.u8(..),
        3 => {
            let bytes = BORDERS[random.usize(..BORDERS.len())].to_le_bytes();
            let end = data.len().min(at + (1 << random.u8(..4)));
            data[at..end].copy_from_slice(&bytes[..end - at]);
        }
        4 => {
            let word = WORDS[random.usize(..WORDS.len())].as_bytes();
            let end = data.len().min(at + random.usize(..8));
            data.splice(at..end, word.iter().copied());
        }
        5 => {
            let end = data.len().min(at + random.usize(..32));
            let again = data[at..end].to_vec();
            let place = random.usize(..=data.len());
            data.splice(place..place, again);
        }
        _ => {
            let other = &seeds[random.usize(..seeds.len())];
            let start = random.usize(..=other.len());
            data.splice(at.., other[start..].iter().copied());
        }
    }
}
