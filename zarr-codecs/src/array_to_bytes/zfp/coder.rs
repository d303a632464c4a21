//! The embedded code of bit planes, the highest first, until the bits or the planes run out.
//!
//! Of a plane, the bits of the values that were passed before stand as they are.
//! Then, as long as there are ones: a one, the zeros before the next one, and that one itself, which passes
//! its value; a one at the last value goes without saying.
//! A zero says that there are no more.

use std::ops::Range;

use super::{
    bits::{BitReader, BitWriter},
    planes::Planes,
};

/// Writes the given range of planes in at most `n_bits_max` bits, and tells in how many.
#[inline]
pub(super) fn encode<const N: usize, const WORDS: usize>(
    planes: &Planes<WORDS>,
    range: Range<u32>,
    n_bits_max: u32,
    out: &mut BitWriter<'_>,
) -> u32 {
    let mut rest = n_bits_max;
    let mut n_passed = 0;
    for plane in planes[range.start as usize..range.end as usize].iter().rev() {
        if rest == 0 {
            break;
        }
        let n_plain = (n_passed as u32).min(rest);
        out.write_first(plane, n_plain);
        rest -= n_plain;
        while rest > 0 && n_passed < N {
            rest -= 1;
            let Some(next) = next_one(plane, n_passed) else {
                out.write(0, 1);
                break;
            };
            let n_zeros = (next - n_passed) as u32;
            let has_one = next < N - 1;
            let n_bits = n_zeros + u32::from(has_one);
            if n_bits < u64::BITS && n_bits <= rest {
                out.write(1 | u64::from(has_one) << n_bits, 1 + n_bits);
                rest -= n_bits;
            } else {
                out.write(1, 1);
                out.pad(n_zeros.min(rest));
                rest -= n_zeros.min(rest);
                if has_one && rest > 0 {
                    out.write(1, 1);
                    rest -= 1;
                }
            }
            n_passed = next + 1;
        }
    }
    n_bits_max - rest
}

/// The first one at `from` or after it.
#[inline]
fn next_one<const WORDS: usize>(plane: &[u64; WORDS], from: usize) -> Option<usize> {
    let ones = plane[from / 64] & u64::MAX << (from % 64);
    if ones != 0 {
        return Some(from / 64 * 64 + ones.trailing_zeros() as usize);
    }
    let word = (from / 64 + 1..WORDS).find(|&word| plane[word] != 0)?;
    Some(word * 64 + plane[word].trailing_zeros() as usize)
}

/// Reads the given range of planes from at most `n_bits_max` bits, and tells from how many; the others are zero.
#[inline]
pub(super) fn decode<const N: usize, const WORDS: usize>(
    encoded: &mut BitReader<'_>,
    range: Range<u32>,
    n_bits_max: u32,
    planes: &mut Planes<WORDS>,
) -> u32 {
    let mut rest = n_bits_max;
    let mut n_passed = 0;
    for plane in planes[range.start as usize..range.end as usize].iter_mut().rev() {
        if rest == 0 {
            break;
        }
        let n_plain = n_passed.min(rest);
        *plane = encoded.read_first(n_plain);
        rest -= n_plain;
        while rest > 0 && n_passed < N as u32 {
            rest -= 1;
            if !encoded.read_bit() {
                break;
            }
            let limit = (N as u32 - 1 - n_passed).min(rest);
            let n_zeros = encoded.read_run(limit);
            rest -= (n_zeros + 1).min(limit);
            n_passed += n_zeros;
            plane[n_passed as usize / 64] |= 1 << (n_passed % 64);
            n_passed += 1;
        }
    }
    n_bits_max - rest
}
