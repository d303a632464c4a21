//! The transforms that decorrelate a block: a lifting scheme along each dimension.
//!
//! The lossy one drops the lowest bits as it goes; the reversible one is differences of third order.
//! Numbers wrap around: integers near the ends of their type lose what they lose in any zfp.

use super::number::Integer;

/// Four values along a dimension.
type Line<I> = [I; 4];

/// Applies `lift` to all lines, the last dimension first.
#[inline]
fn forward<I: Integer, const N: usize>(block: &mut [I; N], lift: impl Fn(Line<I>) -> Line<I>) {
    let mut stride = 1;
    while stride < N {
        lift_lines(block, stride, &lift);
        stride *= 4;
    }
}

/// Applies `lift` to all lines, the first dimension first.
#[inline]
fn inverse<I: Integer, const N: usize>(block: &mut [I; N], lift: impl Fn(Line<I>) -> Line<I>) {
    let mut stride = N / 4;
    while stride > 0 {
        lift_lines(block, stride, &lift);
        stride /= 4;
    }
}

/// Applies `lift` to the lines whose values are `stride` apart.
#[inline]
fn lift_lines<I: Integer>(block: &mut [I], stride: usize, lift: impl Fn(Line<I>) -> Line<I>) {
    for lines in block.chunks_exact_mut(4 * stride) {
        let (first, last) = lines.split_at_mut(2 * stride);
        let ((x, y), (z, w)) = (first.split_at_mut(stride), last.split_at_mut(stride));
        for (((x, y), z), w) in x.iter_mut().zip(y).zip(z).zip(w) {
            [*x, *y, *z, *w] = lift([*x, *y, *z, *w]);
        }
    }
}

/// Decorrelates a block and loses its lowest bits.
pub(super) fn decorrelate<I: Integer, const N: usize>(block: &mut [I; N]) {
    forward(block, |[mut x, mut y, mut z, mut w]| {
        x += w;
        x >>= 1;
        w -= x;
        z += y;
        z >>= 1;
        y -= z;
        x += z;
        x >>= 1;
        z -= x;
        w += y;
        w >>= 1;
        y -= w;
        w += y >> 1;
        y -= w >> 1;
        [x, y, z, w]
    });
}

/// Undoes [`decorrelate`], but for the lowest bits.
pub(super) fn correlate<I: Integer, const N: usize>(block: &mut [I; N]) {
    inverse(block, |[mut x, mut y, mut z, mut w]| {
        y += w >> 1;
        w -= y >> 1;
        y += w;
        w <<= 1;
        w -= y;
        z += x;
        x <<= 1;
        x -= z;
        y += z;
        z <<= 1;
        z -= y;
        w += x;
        x <<= 1;
        x -= w;
        [x, y, z, w]
    });
}

/// Decorrelates a block and loses nothing.
pub(super) fn decorrelate_reversibly<I: Integer, const N: usize>(block: &mut [I; N]) {
    forward(block, |[x, mut y, mut z, mut w]| {
        w -= z;
        z -= y;
        y -= x;
        w -= z;
        z -= y;
        w -= z;
        [x, y, z, w]
    });
}

/// Undoes [`decorrelate_reversibly`].
pub(super) fn correlate_reversibly<I: Integer, const N: usize>(block: &mut [I; N]) {
    inverse(block, |[x, mut y, mut z, mut w]| {
        w += z;
        z += y;
        w += z;
        y += x;
        z += y;
        w += z;
        [x, y, z, w]
    });
}

#[cfg(test)]
mod tests {
    use std::{array, num::Wrapping};

    use super::*;

    fn block<const N: usize>(shift: u32) -> [Wrapping<i32>; N] {
        array::from_fn(|index| {
            Wrapping((index as u32).wrapping_mul(0x9E37_79B1).rotate_left(7) as i32 >> shift)
        })
    }

    #[test]
    fn reversible_blocks_come_back_whatever_is_in_them() {
        let mut changed = block::<256>(0);
        decorrelate_reversibly(&mut changed);
        assert_ne!(changed, block(0));
        correlate_reversibly(&mut changed);
        assert_eq!(changed, block(0));
    }

    #[test]
    fn lossy_blocks_come_back_but_for_their_lowest_bits() {
        let mut changed = block::<64>(3);
        decorrelate(&mut changed);
        correlate(&mut changed);
        for (one, other) in changed.iter().zip(&block::<64>(3)) {
            assert!((one - other).0.abs() < 256, "{one} {other}");
        }
    }

    #[test]
    fn a_constant_block_is_one_number() {
        let mut changed = [Wrapping(12_i64); 16];
        decorrelate(&mut changed);
        assert_eq!(
            (changed[0].0, changed.iter().map(|value| value.0).sum()),
            (12, 12)
        );
    }
}
