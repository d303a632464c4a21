//! What a chunk of Pco claims before it is decoded, held against what there can be.
//!
//! The decoder believes the size of a dictionary and of a window, and makes room for them before it has seen a
//! number: a few bytes could cost a quarter of a gigabyte.
//!
//! ```text
//! number type u8 | count - 1, 24 bits | mode, 4 bits | its settings | delta, 4 bits | its settings | ...
//! mode 1, 2      a number
//! mode 3         8 bits
//! mode 4         size of a dictionary, 25 bits | up to the next whole byte | its numbers
//! delta 2        logarithm of a window - 1, 5 bits                 (bits from the lowest of the first byte)
//! ```

/// The logarithm of the largest window of the encoder, whatever the chunk.
const WINDOW_LOG: u32 = 15;

/// Why a chunk is not decoded, if it is not: `rest` begins with the chunk, and `number_size` is in bytes.
pub(super) fn refuse(
    rest: &[u8],
    number_size: usize,
    has_delta_variants: bool,
    room: usize,
) -> Option<String> {
    let count = bits(rest, 8, 24)? as usize + 1;
    if *rest.first()? == 0 {
        return None;
    }
    if count > room {
        return Some(format!("it holds more numbers than the {room} left in the chunk"));
    }
    let mut at = 32 + 4;
    match bits(rest, 32, 4)? {
        1 | 2 => at += number_size * 8,
        3 => at += 8,
        4 => {
            let dictionary_size = bits(rest, at, 25)? as usize * number_size;
            at = at.saturating_add(25).next_multiple_of(8) + dictionary_size * 8;
            if at / 8 > rest.len() {
                return Some(format!(
                    "it is shorter than its dictionary of {dictionary_size} bytes"
                ));
            }
        }
        _ => {}
    }
    let window_log = 1 + bits(rest, at + 4, 5)?;
    let is_lookback = has_delta_variants && bits(rest, at, 4)? == 2;
    let window_log_max = WINDOW_LOG.max(count.next_power_of_two().ilog2());
    (is_lookback && window_log > window_log_max)
        .then(|| format!("it looks back further than its {count} numbers"))
}

/// A number of at most 32 bits that begins at a bit; `None` beyond the end.
fn bits(bytes: &[u8], at: usize, count: u32) -> Option<u32> {
    let first = at / 8;
    let last = (at + count as usize - 1) / 8;
    let value = bytes
        .get(first..=last)?
        .iter()
        .rev()
        .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    Some((value >> (at % 8)) as u32 & (u32::MAX >> (32 - count)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_from_the_lowest() {
        let bytes = [0b1010_0000, 0b0000_0011];
        assert_eq!(bits(&bytes, 5, 5), Some(0b11_101));
        assert_eq!(bits(&bytes, 8, 8), Some(3));
        assert_eq!(bits(&bytes, 9, 8), None);
    }

    #[test]
    fn claims_are_held_against_what_there_is() {
        // Ten numbers; the mode and what follows it in one number of bits.
        let chunk = |meta: u64| [&[5, 9, 0, 0][..], &meta.to_le_bytes()].concat();
        let is_refused = |meta, room| refuse(&chunk(meta), 4, true, room).is_some();
        assert!(!is_refused(0, 10));
        assert!(is_refused(0, 9));
        assert!(!is_refused(4 | 1 << 4, 10));
        assert!(is_refused(4 | 2 << 4, 10));
        assert!(!is_refused(2 << 4 | 14 << 8, 10));
        assert!(is_refused(2 << 4 | 15 << 8, 10));
        assert!(is_refused(3 | 2 << 12 | 15 << 16, 10));
        assert!(refuse(&chunk(2 << 4 | 15 << 8), 4, false, 10).is_none());
        assert!(refuse(&[0], 4, true, 0).is_none());
    }
}
