//! Bytes of equal weight side by side, and back: what `shuffle` and Blosc do to elements.
//!
//! The planes of elements of `N` bytes are the first bytes of all of them, then all second bytes, and so on.
//!
//! Processors with AVX2 do 32 elements at once, in a network that is the same for every `N` that is a power of two:
//! interleaving the bytes of register `i` with those of register `i + N / 2` makes registers `2 i` and `2 i + 1`, and
//! as many rounds of it as `N` has factors of two turn planes into elements. The other way goes through the same
//! rounds backwards.
//!
//! The only unsafe code is the call of what was compiled for AVX2, behind the question whether the processor has it.
#![cfg_attr(
    target_arch = "x86_64",
    expect(
        unsafe_code,
        reason = "what is compiled for a processor is called on it alone"
    )
)]
#![cfg_attr(
    not(feature = "blosc"),
    allow(dead_code, reason = "Blosc alone arranges bits")
)]

use std::array;

/// As many elements at once as stay in the innermost cache with their planes.
const BLOCK: usize = 1024;

/// Takes elements apart: plane `b` begins at byte `b * n` of `planes`, where there are `n` elements.
///
/// # Panics
/// When the elements are no whole ones, or the planes have another size.
pub(super) fn shuffle(element_size: usize, elements: &[u8], planes: &mut [u8]) {
    assert_eq!(elements.len(), planes.len(), "planes of another size");
    match element_size {
        1 => planes.copy_from_slice(elements),
        2 => shuffle_of::<2>(elements, planes),
        4 => shuffle_of::<4>(elements, planes),
        8 => shuffle_of::<8>(elements, planes),
        16 => shuffle_of::<16>(elements, planes),
        size => {
            let count = elements.len() / size;
            for (element, bytes) in elements.chunks_exact(size).enumerate() {
                for (byte, &value) in bytes.iter().enumerate() {
                    planes[byte * count + element] = value;
                }
            }
        }
    }
}

/// Puts as many elements together as `elements` has room for, of planes that may lie anywhere.
///
/// # Panics
/// When a plane has fewer bytes.
pub(super) fn unshuffle<'p>(element_size: usize, plane: impl Fn(usize) -> &'p [u8], elements: &mut [u8]) {
    match element_size {
        1 => elements.copy_from_slice(&plane(0)[..elements.len()]),
        2 => unshuffle_of::<2>(array::from_fn(plane), elements),
        4 => unshuffle_of::<4>(array::from_fn(plane), elements),
        8 => unshuffle_of::<8>(array::from_fn(plane), elements),
        16 => unshuffle_of::<16>(array::from_fn(plane), elements),
        size => {
            for (index, block) in elements.chunks_mut(BLOCK * size).enumerate() {
                for byte in 0..size {
                    let plane = &plane(byte)[index * BLOCK..][..block.len() / size];
                    for (element, value) in block.chunks_exact_mut(size).zip(plane) {
                        element[byte] = *value;
                    }
                }
            }
        }
    }
}

fn shuffle_of<const N: usize>(elements: &[u8], planes: &mut [u8]) {
    let (elements, _) = elements.as_chunks::<N>();
    let done = vectors::shuffle(elements, planes);
    let stride = elements.len();
    for (index, block) in elements[done..].chunks(BLOCK).enumerate() {
        for byte in 0..N {
            let plane = &mut planes[byte * stride + done + index * BLOCK..][..block.len()];
            for (target, element) in plane.iter_mut().zip(block) {
                *target = element[byte];
            }
        }
    }
}

fn unshuffle_of<const N: usize>(planes: [&[u8]; N], elements: &mut [u8]) {
    let (elements, _) = elements.as_chunks_mut::<N>();
    let planes = planes.map(|plane| &plane[..elements.len()]);
    let done = vectors::unshuffle(planes, elements);
    for (index, block) in elements[done..].chunks_mut(BLOCK).enumerate() {
        let planes = planes.map(|plane| &plane[done + index * BLOCK..][..block.len()]);
        for (position, element) in block.iter_mut().enumerate() {
            *element = array::from_fn(|byte| planes[byte][position]);
        }
    }
}

/// Swaps rows and columns of eight times eight bits, in each eight bytes of many.
pub(super) fn transpose_bits(bytes: &mut [u8]) {
    vectors::transpose_bits(bytes);
}

/// Swaps rows and columns of eight times eight bits.
const fn transposed(mut bits: u64) -> u64 {
    let swap = (bits ^ (bits >> 7)) & 0x00AA_00AA_00AA_00AA;
    bits ^= swap ^ (swap << 7);
    let swap = (bits ^ (bits >> 14)) & 0x0000_CCCC_0000_CCCC;
    bits ^= swap ^ (swap << 14);
    let swap = (bits ^ (bits >> 28)) & 0x0000_0000_F0F0_F0F0;
    bits ^ swap ^ (swap << 28)
}

#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the processor of its caller"
)]
fn transpose_each(bytes: &mut [u8]) {
    for bits in bytes.as_chunks_mut().0 {
        *bits = transposed(u64::from_le_bytes(*bits)).to_le_bytes();
    }
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm256_castsi256_si128, _mm256_extracti128_si256, _mm256_set_m128i,
        _mm256_setr_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_unpackhi_epi8,
        _mm256_unpackhi_epi64, _mm256_unpacklo_epi8, _mm256_unpacklo_epi64,
    };

    /// How many elements go at once: as many as a register has bytes.
    const LANES: usize = 32;

    /// Takes the first elements apart, and tells how many that was.
    pub(super) fn shuffle<const N: usize>(elements: &[[u8; N]], planes: &mut [u8]) -> usize {
        if !is_x86_feature_detected!("avx2") {
            return 0;
        }
        // SAFETY: the processor has AVX2.
        unsafe { shuffle_avx2(elements, planes) };
        elements.len() / LANES * LANES
    }

    /// Puts the first elements together, and tells how many that was.
    pub(super) fn unshuffle<const N: usize>(planes: [&[u8]; N], elements: &mut [[u8; N]]) -> usize {
        if !is_x86_feature_detected!("avx2") {
            return 0;
        }
        // SAFETY: the processor has AVX2.
        unsafe { unshuffle_avx2(planes, elements) };
        elements.len() / LANES * LANES
    }

    pub(super) fn transpose_bits(bytes: &mut [u8]) {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            unsafe { transpose_bits_avx2(bytes) };
        } else {
            super::transpose_each(bytes);
        }
    }

    #[target_feature(enable = "avx2")]
    fn shuffle_avx2<const N: usize>(elements: &[[u8; N]], planes: &mut [u8]) {
        // In each half of a register, the bytes at even places and then those at odd ones.
        let apart = _mm256_setr_epi8(
            0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15, //
            0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15,
        );
        let stride = elements.len();
        for (index, block) in elements.as_chunks::<LANES>().0.iter().enumerate() {
            let (halves, _) = block.as_flattened().as_chunks::<16>();
            let mut these = [_mm256_setzero_si256(); N];
            for register in 0..N {
                let low: __m128i = bytemuck::cast(halves[register]);
                let high: __m128i = bytemuck::cast(halves[N + register]);
                these[register] = _mm256_set_m128i(high, low);
            }
            for _ in 0..N.ilog2() {
                let mut next = these;
                for pair in 0..N / 2 {
                    let first = _mm256_shuffle_epi8(these[2 * pair], apart);
                    let second = _mm256_shuffle_epi8(these[2 * pair + 1], apart);
                    next[pair] = _mm256_unpacklo_epi64(first, second);
                    next[pair + N / 2] = _mm256_unpackhi_epi64(first, second);
                }
                these = next;
            }
            for (byte, register) in these.iter().enumerate() {
                let plane = &mut planes[byte * stride + index * LANES..][..LANES];
                plane.copy_from_slice(bytemuck::bytes_of(register));
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn unshuffle_avx2<const N: usize>(planes: [&[u8]; N], elements: &mut [[u8; N]]) {
        let planes = planes.map(|plane| plane.as_chunks::<LANES>().0);
        for (index, block) in elements.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut these = [_mm256_setzero_si256(); N];
            for (register, plane) in these.iter_mut().zip(planes) {
                *register = bytemuck::pod_read_unaligned::<__m256i>(&plane[index]);
            }
            for _ in 0..N.ilog2() {
                let mut next = these;
                for pair in 0..N / 2 {
                    let (first, second) = (these[pair], these[pair + N / 2]);
                    next[2 * pair] = _mm256_unpacklo_epi8(first, second);
                    next[2 * pair + 1] = _mm256_unpackhi_epi8(first, second);
                }
                these = next;
            }
            let (halves, _) = block.as_flattened_mut().as_chunks_mut::<16>();
            for (register, &both) in these.iter().enumerate() {
                halves[register] = bytemuck::cast(_mm256_castsi256_si128(both));
                halves[N + register] = bytemuck::cast(_mm256_extracti128_si256::<1>(both));
            }
        }
    }

    #[target_feature(enable = "avx2")]
    fn transpose_bits_avx2(bytes: &mut [u8]) {
        super::transpose_each(bytes);
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod vectors {
    pub(super) fn shuffle<const N: usize>(_: &[[u8; N]], _: &mut [u8]) -> usize {
        0
    }

    pub(super) fn unshuffle<const N: usize>(_: [&[u8]; N], _: &mut [[u8; N]]) -> usize {
        0
    }

    pub(super) fn transpose_bits(bytes: &mut [u8]) {
        super::transpose_each(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn planes_are_those_of_the_definition_for_any_size_and_number_of_elements() {
        for size in [1, 2, 3, 4, 5, 8, 16, 17] {
            for count in [0, 1, 7, 31, 32, 33, 64, 100, 1000, 2100] {
                let elements = noise(size * count);
                let mut planes = vec![0; elements.len()];
                shuffle(size, &elements, &mut planes);
                for (place, byte) in planes.iter().enumerate() {
                    let (plane, element) = (place / count, place % count);
                    assert_eq!(*byte, elements[element * size + plane], "{size} {count} {place}");
                }
                let mut back = vec![0; elements.len()];
                unshuffle(size, |plane| &planes[plane * count..], &mut back);
                assert_eq!(back, elements, "{size} {count}");
            }
        }
    }

    #[test]
    fn some_elements_are_put_together_alone() {
        for size in [1, 2, 3, 4, 8, 16] {
            let elements = noise(size * 200);
            let mut planes = vec![0; elements.len()];
            shuffle(size, &elements, &mut planes);
            for (first, last) in [(0, 200), (0, 33), (7, 8), (100, 200), (199, 200)] {
                let mut some = vec![0; (last - first) * size];
                unshuffle(size, |plane| &planes[first + plane * 200..], &mut some);
                assert_eq!(some, &elements[first * size..last * size], "{size} {first}");
            }
        }
    }

    #[test]
    fn rows_become_columns() {
        for (row, column) in [(0, 0), (0, 7), (3, 5), (7, 1)] {
            assert_eq!(transposed(1 << (8 * row + column)), 1 << (8 * column + row));
        }
        let mut many = noise(8 * 21);
        let each: Vec<_> = many
            .as_chunks()
            .0
            .iter()
            .map(|bits| transposed(u64::from_le_bytes(*bits)))
            .collect();
        transpose_bits(&mut many);
        let found: Vec<_> = many
            .as_chunks()
            .0
            .iter()
            .map(|bits| u64::from_le_bytes(*bits))
            .collect();
        assert_eq!(found, each);
    }
}
