//! The bit planes of a block: plane `k` has bit `k` of every value, in the order in which they are coded.

use super::{number::Integer, order::order};

/// The planes of a block, each as wide as the block has values, in words of 64.
pub(super) type Planes<const WORDS: usize> = [[u64; WORDS]; 64];

/// The number of values that share a word of a plane, and the number of rows of the matrix they are in.
///
/// The matrix has `rows` rows of 64 bits and consists of square parts side by side, each transposed on its own:
/// values that are wider than many have several parts in their row, values that are narrower than many have
/// the row in common.
const fn measures<I: Integer>(n_values: usize) -> (usize, usize) {
    let n_together = if n_values < 64 { n_values } else { 64 };
    let bits = I::BITS as usize;
    (n_together, if n_together < bits { n_together } else { bits })
}

/// Splits a block into planes.
#[inline]
pub(super) fn split<I: Integer, const N: usize, const WORDS: usize>(block: &[I; N]) -> Planes<WORDS> {
    let (n_together, n_rows) = const { measures::<I>(N) };
    let mut planes = [[0; WORDS]; 64];
    for (word, positions) in order::<N>().chunks_exact(n_together).enumerate() {
        let mut rows = [0; 64];
        for (part, positions) in positions.chunks_exact(n_rows).enumerate() {
            for (row, &position) in rows.iter_mut().zip(positions) {
                *row |= block[position as usize % N].to_negabinary() << (part as u32 * I::BITS % 64);
            }
        }
        transpose(&mut rows, n_rows);
        for (k, plane) in planes.iter_mut().enumerate().take(I::BITS as usize) {
            plane[word] = if n_rows == I::BITS as usize {
                rows[k]
            } else {
                rows[k % n_rows] >> (k - k % n_rows) & ((1 << n_rows) - 1)
            };
        }
    }
    planes
}

/// Undoes [`split`].
#[inline]
pub(super) fn join<I: Integer, const N: usize, const WORDS: usize>(planes: &Planes<WORDS>) -> [I; N] {
    let (n_together, n_rows) = const { measures::<I>(N) };
    let mut block = [I::default(); N];
    for (word, positions) in order::<N>().chunks_exact(n_together).enumerate() {
        let mut rows = [0; 64];
        for (k, plane) in planes.iter().enumerate().take(I::BITS as usize) {
            rows[k % n_rows] |= plane[word] << (k - k % n_rows);
        }
        transpose(&mut rows, n_rows);
        for (part, positions) in positions.chunks_exact(n_rows).enumerate() {
            for (row, &position) in rows.iter().zip(positions) {
                block[position as usize % N] = I::from_negabinary(row >> (part as u32 * I::BITS % 64));
            }
        }
    }
    block
}

/// Transposes the square parts, `size` bits wide, of the first `size` rows, by halves, quarters and so on.
#[inline]
fn transpose(rows: &mut [u64; 64], size: usize) {
    let mut width = size / 2;
    while width > 0 {
        // As many ones as zeros by turns, ones first.
        let mask = u64::MAX / ((1 << width) + 1);
        for pair in rows[..size].chunks_exact_mut(2 * width) {
            let (upper, lower) = pair.split_at_mut(width);
            for (upper, lower) in upper.iter_mut().zip(lower) {
                let changes = (*upper >> width ^ *lower) & mask;
                *upper ^= changes << width;
                *lower ^= changes;
            }
        }
        width /= 2;
    }
}

#[cfg(test)]
mod tests {
    use std::{array, num::Wrapping};

    use super::*;

    fn check<I: Integer, const N: usize, const WORDS: usize>(value: impl Fn(u64) -> I) {
        let block: [I; N] =
            array::from_fn(|index| value((index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let planes: Planes<WORDS> = split(&block);
        for (k, plane) in planes.iter().enumerate() {
            for (index, &position) in order::<N>().iter().enumerate() {
                let digit = block[position as usize].to_negabinary() >> k & 1;
                assert_eq!(plane[index / 64] >> (index % 64) & 1, digit, "bit {k} of {index}");
            }
        }
        assert_eq!(join::<I, N, WORDS>(&planes), block);
    }

    #[test]
    fn planes_have_a_bit_of_every_value() {
        check::<_, 4, 1>(|bits| Wrapping(bits as i32));
        check::<_, 16, 1>(|bits| Wrapping(bits as i32));
        check::<_, 64, 1>(|bits| Wrapping(bits as i32));
        check::<_, 256, 4>(|bits| Wrapping(bits as i32));
        check::<_, 4, 1>(|bits| Wrapping(bits as i64));
        check::<_, 16, 1>(|bits| Wrapping(bits as i64));
        check::<_, 64, 1>(|bits| Wrapping(bits as i64));
        check::<_, 256, 4>(|bits| Wrapping(bits as i64));
    }
}
