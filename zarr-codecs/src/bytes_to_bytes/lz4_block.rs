//! Blocks of LZ4, decoded in less time than by the C library where they are made of matches (`lz4_Block_format.md`).
//!
//! ```text
//! sequence: token u8 (literals 4 bits | match length - 4, 4 bits) | more of the number of literals | literals
//!           | offset u16 | more of the match length          a length of 15 goes on in bytes, to one that is not 255
//! ```
//!
//! In the planes of bytes that Blosc makes, 93 to 98 of 100 sequences have no literals, and most matches are short; a
//! tenth to a quarter of them lie two bytes back. So a loop does nothing but matches without literals that end within
//! one store, four of them between two looks at the limits: near and far ones are the same to it, bytes in an order that
//! the offset chooses. There are two builds of it:
//!
//!  * of 16 bytes, which leaves longer matches to the branch behind it, which the processor guesses well where they are
//!    rare;
//!  * of 32 bytes, which takes the length from the byte behind the offset without a branch, where [`has_middling`]
//!    matches and the processor has AVX-512 VBMI.
//!
//! In whole chunks of 64³ (Zen 4), `f4` takes 0.76 of the time of `LZ4_decompress_safe` 1.10, `u1` 0.83, `i2` 0.75 with
//! the second build and 0.87 without. Streams that are nearly all literals gain nothing, and are left to the library.
//!
//! What is near either end, and any sequence with longer lengths, is decoded by `sequence`, which is safe code.

#![expect(
    unsafe_code,
    reason = "bounds that are checked once for some sequences cost a tenth when they are checked for each copy"
)]

use std::arch::x86_64::{
    __m128i, __m256i, _mm_shuffle_epi8, _mm256_broadcastsi128_si256, _mm256_permutexvar_epi8,
    _mm256_shuffle_epi8,
};

/// How many sequences are decoded between two looks at the limits.
const AT_ONCE: usize = 4;

/// How many bytes of the stream a round may look at beyond its limit: four for each of its sequences, and 40 for one of
/// any kind.
const READ_AHEAD: usize = 40 + 4 * AT_ONCE;

/// How many bytes a round may write beyond its limit: 32 for each of its sequences, and for one of any kind 14 literals
/// and 64 bytes of a match.
const WRITE_AHEAD: usize = 112 + 32 * AT_ONCE;

/// How many sequences tell of which kind a stream is.
const SAMPLE: usize = 128;

/// The last bytes that must be literals, and how many bytes before the end the last match begins.
const LAST_LITERALS: usize = 5;
const LAST_MATCH: usize = 12;

/// For each offset up to 32, which of the bytes from there on make a copy.
#[repr(align(32))]
struct Patterns([[u8; 32]; 33]);

static PATTERNS: Patterns = {
    let mut patterns = [[0; 32]; 33];
    let mut offset = 1;
    while offset <= 32 {
        let mut place = 0;
        while place < 32 {
            patterns[offset][place] = (place % offset) as u8;
            place += 1;
        }
        offset += 1;
    }
    Patterns(patterns)
};

/// The most bytes up to 32 that are whole periods of an offset.
static STRIDES: [u8; 16] = {
    let mut strides = [0; 16];
    let mut offset = 1;
    while offset < 16 {
        strides[offset] = (32 / offset * offset) as u8;
        offset += 1;
    }
    strides
};

/// How many bytes of a stream have been read, and how many are made.
#[derive(Debug, Clone, Copy, Default)]
struct Position {
    read: usize,
    made: usize,
}

/// Whether a stream takes less time here than in the library.
pub(super) fn is_quicker(stream: &[u8], decoded: usize) -> bool {
    stream.len() < decoded - decoded / 8 && is_x86_feature_detected!("avx2")
}

/// Decodes at least the first `needed` bytes of a stream that decodes to as many as `out` has, of which others may be
/// changed to anything. Gives how many were made, or nothing where the stream is none.
pub(super) fn decode(stream: &[u8], out: &mut [u8], needed: usize) -> Option<usize> {
    decode_with(matches_for(stream), stream, out, needed)
}

fn decode_with(matches: Option<Matches>, stream: &[u8], out: &mut [u8], needed: usize) -> Option<usize> {
    let mut position = Position::default();
    loop {
        if let Some(matches) = matches {
            // SAFETY: the processor has what it was compiled for.
            position = unsafe { matches(stream, out, needed, position) }?;
        }
        let is_last = sequence(stream, out, &mut position)?;
        if is_last || (position.made >= needed && needed < out.len()) {
            return Some(position.made);
        }
    }
}

/// Decodes one sequence anywhere, and tells whether it was the last.
#[inline(never)]
fn sequence(stream: &[u8], out: &mut [u8], position: &mut Position) -> Option<bool> {
    let (&token, mut rest) = stream.get(position.read..)?.split_first()?;
    let count = length(&mut rest, token >> 4)?;
    let (literals, mut rest) = rest.split_at_checked(count)?;
    let start = position.made.checked_add(count)?;
    out.get_mut(position.made..start)?.copy_from_slice(literals);
    position.made = start;
    if rest.is_empty() {
        return Some(true);
    }
    if out.len() - start < LAST_MATCH || rest.len() < 3 + LAST_LITERALS {
        return None;
    }
    let (offset, behind) = rest.split_first_chunk()?;
    rest = behind;
    let offset = usize::from(u16::from_le_bytes(*offset));
    let end = start
        .checked_add(length(&mut rest, token & 15)?)?
        .checked_add(4)?;
    let source = start.checked_sub(offset)?;
    if offset == 0 || end > out.len() - LAST_LITERALS {
        return None;
    }
    let mut made = start;
    while made < end {
        let count = (made - source).min(end - made);
        out.copy_within(source..source + count, made);
        made += count;
    }
    *position = Position {
        read: stream.len() - rest.len(),
        made,
    };
    Some(false)
}

/// The whole of a length, which goes on in the stream where it is 15.
fn length(rest: &mut &[u8], short: u8) -> Option<usize> {
    let mut length = usize::from(short);
    let mut more = if short == 15 { 255 } else { 0 };
    while more == 255 {
        let (&byte, behind) = rest.split_first()?;
        (more, *rest) = (byte, behind);
        length = length.checked_add(usize::from(byte))?;
    }
    Some(length)
}

/// Decodes sequences up to one that is left to [`sequence`], or until enough is made; gives nothing where an offset is
/// wrong.
type Matches = unsafe fn(&[u8], &mut [u8], usize, Position) -> Option<Position>;

/// The build for a stream on this processor, if there is any.
fn matches_for(stream: &[u8]) -> Option<Matches> {
    if !is_x86_feature_detected!("avx2") {
        return None;
    }
    let is_wide = is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vl")
        && has_middling(stream);
    Some(if is_wide { wide_matches } else { narrow_matches })
}

/// Whether more than an eighth of the first sequences are matches of 17 to 32 bytes without literals.
fn has_middling(stream: &[u8]) -> bool {
    let mut rest = stream;
    let matches = std::iter::from_fn(|| next_match(&mut rest));
    let middling = matches
        .take(SAMPLE)
        .filter(|(literals, length)| *literals == 0 && (17..=32).contains(length));
    middling.count() > SAMPLE / 8
}

/// How many literals the next sequence has, and how long its match is, if it has one.
fn next_match(rest: &mut &[u8]) -> Option<(usize, usize)> {
    let (&token, behind) = rest.split_first()?;
    *rest = behind;
    let literals = length(rest, token >> 4)?;
    *rest = rest.get(literals..)?.get(2..)?;
    Some((literals, length(rest, token & 15)?.checked_add(4)?))
}

#[target_feature(enable = "avx2")]
fn narrow_matches(stream: &[u8], out: &mut [u8], needed: usize, from: Position) -> Option<Position> {
    // SAFETY: the processor has AVX2.
    unsafe { matches::<false>(stream, out, needed, from) }
}

#[target_feature(enable = "avx2,avx512vbmi,avx512vl")]
fn wide_matches(stream: &[u8], out: &mut [u8], needed: usize, from: Position) -> Option<Position> {
    // SAFETY: the processor has AVX2, and AVX-512 VBMI for registers of 32 bytes.
    unsafe { matches::<true>(stream, out, needed, from) }
}

/// # Safety
/// The processor has AVX2; if `WIDE`, AVX-512 VBMI and VL as well. Where it begins is 0, or what [`sequence`] left.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the processor of its caller"
)]
unsafe fn matches<const WIDE: bool>(
    stream: &[u8],
    out: &mut [u8],
    needed: usize,
    from: Position,
) -> Option<Position> {
    let (Some(read_limit), Some(write_limit)) = (
        stream.len().checked_sub(READ_AHEAD),
        out.len().checked_sub(WRITE_AHEAD),
    ) else {
        return Some(from);
    };
    let limits = Position {
        read: read_limit,
        made: write_limit.min(needed),
    };
    let (stream_size, out_size) = (stream.len(), out.len());
    let (stream, out) = (stream.as_ptr(), out.as_mut_ptr());
    let Position { mut read, mut made } = from;
    // SAFETY: `read < limits.read` and `made < limits.made` at the head of a round, so there are more than `READ_AHEAD`
    // bytes to read and more than `WRITE_AHEAD` to write from there; each of its sequences
    //  * is read 4 bytes long at most;
    //  * copies from `offset` bytes before `made`, which is checked to be within what is made;
    //  * writes 16 bytes, or 32 if `WIDE`, and makes no more of them; what is read of `out` ends before that does.
    // So before a sequence of any kind there are still 40 bytes to read and 112 to write.
    unsafe {
        'rounds: while read < limits.read && made < limits.made {
            'other: {
                for _ in 0..AT_ONCE {
                    debug_assert!(read + 4 <= stream_size && made + 32 <= out_size);
                    let token = usize::from(*stream.add(read));
                    if token > if WIDE { 15 } else { 12 } {
                        break 'other;
                    }
                    let offset = usize::from(u16::from_le_bytes(load(stream.add(read + 1))));
                    let is_longer = usize::from(WIDE && token == 15);
                    let more = usize::from(*stream.add(read + 3)) & is_longer.wrapping_neg();
                    let length = token + 4 + more;
                    if WIDE && length > 32 {
                        break 'other;
                    }
                    if offset.wrapping_sub(1) >= made {
                        return None;
                    }
                    if WIDE {
                        copy_wide(out.add(made), offset);
                    } else {
                        copy_short(out.add(made), offset);
                    }
                    read += 3 + is_longer;
                    made += length;
                }
                continue 'rounds;
            }
            debug_assert!(read + 40 <= stream_size && made + 112 <= out_size);
            match any_sequence(stream, out, Position { read, made }, limits) {
                Step::Done(position) => Position { read, made } = position,
                Step::Left => break,
                Step::Wrong => return None,
            }
        }
    }
    Some(Position { read, made })
}

/// What became of a sequence.
enum Step {
    Done(Position),
    /// It is longer, and left to [`sequence`].
    Left,
    Wrong,
}

/// Decodes a sequence that may have literals, and a match of any length.
///
/// # Safety
/// The processor has AVX2. At the position there are 40 bytes to read and 112 to write, and as many beyond both limits.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "positions stay in registers, which takes 0.9 of the time"
)]
unsafe fn any_sequence(stream: *const u8, out: *mut u8, position: Position, limits: Position) -> Step {
    let Position { mut read, mut made } = position;
    // SAFETY: what follows keeps to
    //  * literals up to 14 are 16 bytes of both; more of them are taken only if they end before both limits, and are
    //    copied 32 bytes at a time, up to 31 bytes beyond. Then 4 bytes are read behind them;
    //  * the source of a match is `offset` bytes before `made`, which is checked to be within what is made;
    //  * a short match writes at most 18 bytes; a long one is taken only if it ends before the limit, and writes 64 bytes
    //    or at most 31 bytes behind its end;
    //  * the source is before `made`, so that what is read of `out` ends before what may be written does.
    unsafe {
        let token = usize::from(*stream.add(read));
        read += 1;
        if token > 15 {
            let mut count = token >> 4;
            if count == 15 {
                let more = usize::from(*stream.add(read));
                count += more;
                read += 1;
                if more == 255
                    || count >= limits.read.saturating_sub(read)
                    || count >= limits.made.saturating_sub(made)
                {
                    return Step::Left;
                }
                copy_rounded::<32>(stream.add(read), out.add(made), count);
            } else {
                copy::<16>(stream.add(read), out.add(made));
            }
            read += count;
            made += count;
        }
        let offset = usize::from(u16::from_le_bytes(load(stream.add(read))));
        read += 2;
        if offset.wrapping_sub(1) >= made {
            return Step::Wrong;
        }
        let to = out.add(made);
        let source = to.cast_const().sub(offset);
        let short = token & 15;
        if short < 15 {
            let length = short + 4;
            copy_short(to, offset);
            if length > 16 {
                // One after the other, as the second may be a copy of the first.
                *to.add(16) = *source.add(16);
                *to.add(17) = *source.add(17);
            }
            return Step::Done(Position {
                read,
                made: made + length,
            });
        }
        let more = usize::from(*stream.add(read));
        let length = 19 + more;
        if more == 255 || length >= limits.made.saturating_sub(made) {
            return Step::Left;
        }
        copy_long(source, to, offset, length);
        Step::Done(Position {
            read: read + 1,
            made: made + length,
        })
    }
}

/// Copies 16 bytes of a match.
///
/// # Safety
/// The processor has AVX2; there are 16 bytes to write, and `offset` bytes before them.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the processor of its caller"
)]
unsafe fn copy_short(to: *mut u8, offset: usize) {
    let [pattern, _]: [__m128i; 2] = bytemuck::cast(PATTERNS.0[offset.min(16)]);
    // SAFETY: as the caller knows; what is read lies before what is written.
    unsafe {
        let bytes = bytemuck::cast(load::<16>(to.cast_const().sub(offset)));
        store::<16>(to, bytemuck::cast(_mm_shuffle_epi8(bytes, pattern)));
    }
}

/// Copies 32 bytes of a match.
///
/// # Safety
/// The processor has AVX-512 VBMI and VL; there are 32 bytes to write, and `offset` bytes before them.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "it is compiled for the processor of its caller"
)]
unsafe fn copy_wide(to: *mut u8, offset: usize) {
    let pattern = PATTERNS.0[offset.min(32)];
    // SAFETY: as the caller knows; what is read lies before what is written.
    unsafe {
        let bytes = load::<32>(to.cast_const().sub(offset));
        let copied = if cfg!(miri) {
            // Miri does not know the instruction.
            pattern.map(|place| bytes[usize::from(place)])
        } else {
            let (pattern, bytes) = (bytemuck::cast(pattern), bytemuck::cast(bytes));
            bytemuck::cast(_mm256_permutexvar_epi8(pattern, bytes))
        };
        store::<32>(to, copied);
    }
}

/// Copies a match of 19 bytes or more.
///
/// # Safety
/// `source` is `offset` bytes before `to`; from there on there are 64 bytes to write, and 31 more than the length.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn copy_long(source: *const u8, to: *mut u8, offset: usize, length: usize) {
    // SAFETY: as the caller knows; what is read lies before what is written.
    unsafe {
        if offset >= 32 {
            copy::<32>(source, to);
            copy::<32>(source.add(if length > 32 { 32 } else { 0 }), to.add(32));
            if length > 64 {
                copy_rounded::<32>(source.add(64), to.add(64), length - 64);
            }
        } else if offset >= 16 {
            copy_rounded::<16>(source, to, length);
        } else {
            let pattern: __m256i = bytemuck::cast(PATTERNS.0[offset]);
            let bytes = _mm256_broadcastsi128_si256(bytemuck::cast(load::<16>(source)));
            let bytes = bytemuck::cast(_mm256_shuffle_epi8(bytes, pattern));
            let stride = usize::from(STRIDES[offset]);
            let mut done = 0;
            while done < length {
                store::<32>(to.add(done), bytes);
                done += stride;
            }
        }
    }
}

/// # Safety
/// There are `N` bytes to read.
#[inline]
unsafe fn load<const N: usize>(from: *const u8) -> [u8; N] {
    // SAFETY: the caller knows that they are there; an array of bytes may stand anywhere.
    unsafe { from.cast::<[u8; N]>().read() }
}

/// # Safety
/// There are `N` bytes to write.
#[inline]
unsafe fn store<const N: usize>(to: *mut u8, bytes: [u8; N]) {
    // SAFETY: the caller knows that they are there; an array of bytes may stand anywhere.
    unsafe { to.cast::<[u8; N]>().write(bytes) }
}

/// # Safety
/// There are `N` bytes to read and to write.
#[inline]
unsafe fn copy<const N: usize>(from: *const u8, to: *mut u8) {
    // SAFETY: as the caller knows.
    unsafe { store::<N>(to, load(from)) }
}

/// Copies `N` bytes after `N` bytes, as many times as `length` needs at least.
///
/// # Safety
/// There are that many bytes to read and to write; where they overlap, the first is at least `N` bytes before.
#[inline]
unsafe fn copy_rounded<const N: usize>(from: *const u8, to: *mut u8, length: usize) {
    let mut done = 0;
    while done < length {
        // SAFETY: as the caller knows.
        unsafe { copy::<N>(from.add(done), to.add(done)) };
        done += N;
    }
}

#[cfg(test)]
mod tests;
