//! Where in a block of text the signs stand that tell where a value ends.

/// The bytes of a block: a bit of a number for each.
pub(super) const BLOCK: usize = 64;

/// The places of signs in a block, the first byte in the lowest bit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) quotes: u64,
    pub(super) has_backslash: bool,
    /// `{` and `[`.
    pub(super) opens: u64,
    /// `}` and `]`.
    pub(super) closes: u64,
}

impl Marks {
    pub(super) fn of(block: &[u8; BLOCK]) -> Self {
        let braces = block.map(|byte| byte | BRACE_BIT);
        Self {
            quotes: places(block, b'"'),
            has_backslash: block.iter().fold(0, |any, byte| any | u8::from(*byte == b'\\')) != 0,
            opens: places(&braces, b'{'),
            closes: places(&braces, b'}'),
        }
    }

    /// Which bytes lie in a string or begin one, where no sign is escaped; `is_inside` is a string that began before.
    pub(super) const fn strings(&self, is_inside: bool) -> u64 {
        // Each bit becomes the sum of those up to it.
        let mut sums = self.quotes;
        let mut distance = 1;
        while distance < BLOCK {
            sums ^= sums << distance;
            distance *= 2;
        }
        if is_inside { !sums } else { sums }
    }
}

/// What braces and brackets differ in.
const BRACE_BIT: u8 = b'{' ^ b'[';

/// Where a sign stands.
fn places(block: &[u8; BLOCK], sign: u8) -> u64 {
    // The lowest bits of eight bytes, moved side by side to the highest byte of the product.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let found = block.map(|byte| u8::from(byte == sign));
    let words = found.as_chunks().0.iter().rev();
    words.fold(0, |places, word| {
        places << 8 | u64::from_le_bytes(*word).wrapping_mul(GATHER) >> 56
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_found_wherever_it_stands() {
        for place in 0..BLOCK {
            for byte in 0..=u8::MAX {
                let mut block = [b' '; BLOCK];
                block[place] = byte;
                let bit = |signs: &[u8]| u64::from(signs.contains(&byte)) << place;
                let expected = Marks {
                    quotes: bit(b"\""),
                    has_backslash: byte == b'\\',
                    opens: bit(b"{["),
                    closes: bit(b"}]"),
                };
                assert_eq!(Marks::of(&block), expected, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn strings_go_from_mark_to_mark() {
        let marks = Marks {
            quotes: 0b1_0010_0100,
            has_backslash: false,
            opens: 0,
            closes: 0,
        };
        assert_eq!(marks.strings(false), !0 << 8 | 0b1_1100);
        assert_eq!(marks.strings(true), 0b1110_0011);
    }
}
