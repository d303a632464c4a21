//! Bits in words of 64, the lowest first.

/// The size in bytes of the words that a stream consists of.
pub(super) const WORD_SIZE: usize = 8;

/// Adds bits to the end of a buffer.
#[derive(Debug)]
pub(super) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    word: u64,
    n_used: u32,
}

impl<'a> BitWriter<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            word: 0,
            n_used: 0,
        }
    }

    /// Writes the lowest `n_bits` of `value`, at most 64; the others are zero.
    #[inline]
    pub(super) fn write(&mut self, value: u64, n_bits: u32) {
        self.word |= value << self.n_used;
        let n_used = self.n_used + n_bits;
        if n_used < u64::BITS {
            self.n_used = n_used;
            return;
        }
        self.out.extend_from_slice(&self.word.to_le_bytes());
        self.n_used = n_used - u64::BITS;
        self.word = if self.n_used == 0 {
            0
        } else {
            value >> (n_bits - self.n_used)
        };
    }

    /// Writes the first `n_bits` of words of 64.
    #[inline]
    pub(super) fn write_first<const WORDS: usize>(&mut self, words: &[u64; WORDS], n_bits: u32) {
        let mut rest = n_bits;
        for &word in words {
            let n_bits = rest.min(u64::BITS);
            self.write(word & mask(n_bits), n_bits);
            rest -= n_bits;
        }
    }

    /// Writes zeros.
    pub(super) fn pad(&mut self, n_bits: u32) {
        let mut rest = n_bits;
        while rest > 0 {
            let n_bits = rest.min(u64::BITS);
            self.write(0, n_bits);
            rest -= n_bits;
        }
    }

    /// Fills the last word with zeros.
    pub(super) fn finish(self) {
        if self.n_used > 0 {
            self.out.extend_from_slice(&self.word.to_le_bytes());
        }
    }
}

/// Reads bits; behind the end there are zeros, and [`BitReader::is_overrun`] tells that they were read.
#[derive(Debug)]
pub(super) struct BitReader<'a> {
    words: &'a [[u8; WORD_SIZE]],
    position: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(words: &'a [[u8; WORD_SIZE]]) -> Self {
        Self { words, position: 0 }
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.words.get(index).map_or(0, |word| u64::from_le_bytes(*word))
    }

    /// The next 64 bits, which stay unread.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let (index, n_read) = (self.position / 64, self.position % 64);
        // Two shifts, because there is none by 64.
        self.word(index) >> n_read | self.word(index + 1) << 1 << (63 - n_read)
    }

    /// Passes over bits.
    #[inline]
    pub(super) fn skip(&mut self, n_bits: u32) {
        self.position = self.position.saturating_add(n_bits as usize);
    }

    /// Reads at most 64 bits.
    #[inline]
    pub(super) fn read(&mut self, n_bits: u32) -> u64 {
        let value = self.peek() & mask(n_bits);
        self.skip(n_bits);
        value
    }

    /// Reads one bit.
    #[inline]
    pub(super) fn read_bit(&mut self) -> bool {
        self.read(1) == 1
    }

    /// Reads the first `n_bits` of words of 64; the others are zero.
    #[inline]
    pub(super) fn read_first<const WORDS: usize>(&mut self, n_bits: u32) -> [u64; WORDS] {
        let mut rest = n_bits;
        let mut words = [0; WORDS];
        for word in &mut words {
            let n_bits = rest.min(u64::BITS);
            *word = self.read(n_bits);
            rest -= n_bits;
        }
        words
    }

    /// Reads zeros up to the next one, and that too; gives up after `limit` zeros and gives their number.
    #[inline]
    pub(super) fn read_run(&mut self, limit: u32) -> u32 {
        let mut n_zeros = 0;
        loop {
            let room = (limit - n_zeros).min(u64::BITS);
            let found = self.peek().trailing_zeros();
            if found < room {
                self.skip(found + 1);
                return n_zeros + found;
            }
            self.skip(room);
            n_zeros += room;
            if n_zeros == limit {
                return limit;
            }
        }
    }

    /// Whether more was read than there is.
    pub(super) fn is_overrun(&self) -> bool {
        self.n_words_read() > self.words.len()
    }

    /// How many words were begun.
    pub(super) fn n_words_read(&self) -> usize {
        self.position.div_ceil(64)
    }
}

/// The lowest `n_bits` bits, at most 64.
#[inline]
fn mask(n_bits: u32) -> u64 {
    u64::MAX.checked_shr(u64::BITS - n_bits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_back_in_any_portions() {
        let portions: Vec<(u64, u32)> = (0..500_u64)
            .map(|index| {
                let n_bits = (index * 37 % 65) as u32;
                (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) & mask(n_bits), n_bits)
            })
            .collect();
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        for &(value, n_bits) in &portions {
            writer.write(value, n_bits);
        }
        writer.finish();
        let (words, _) = out.as_chunks();
        let mut reader = BitReader::new(words);
        for &(value, n_bits) in &portions {
            assert_eq!(reader.read(n_bits), value);
        }
        assert!(!reader.is_overrun());
        assert_eq!(reader.n_words_read(), words.len());
        reader.skip(64);
        assert!(reader.is_overrun());
    }

    #[test]
    fn the_first_bit_is_the_lowest() {
        let mut out = Vec::new();
        let mut writer = BitWriter::new(&mut out);
        writer.write(1, 1);
        writer.pad(70);
        writer.write(3, 2);
        writer.finish();
        assert_eq!(out, [1, 0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn runs_end_at_a_one_or_at_the_limit() {
        let mut words = [[0; 8]; 4];
        words[2][1] = 0x10;
        for (limit, zeros, position) in [(10, 10, 10), (140, 140, 140), (141, 140, 141), (256, 140, 141)] {
            let mut reader = BitReader::new(&words);
            assert_eq!(reader.read_run(limit), zeros);
            assert_eq!(reader.position, position);
        }
    }
}
