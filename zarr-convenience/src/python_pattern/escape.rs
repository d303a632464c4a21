//! What stands behind a backslash.

use super::{Wrong, parser::Reader};

/// What an escape in a set stands for, or one outside that stands for characters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Escaped {
    Character(char),
    /// One of the letters `dDsSwW`.
    Set(char),
}

impl Reader {
    /// Reads an escape between brackets, whose backslash has been read.
    pub(super) fn escape_in_set(&mut self) -> Result<Escaped, Wrong> {
        let start = self.position() - 1;
        match self.peek() {
            Some('b') => {
                self.next();
                Ok(Escaped::Character('\u{8}'))
            }
            Some('0'..='7') => Ok(Escaped::Character(self.octal(start)?)),
            _ => self.escape(start),
        }
    }

    /// Reads an escape that stands for characters, whose backslash at `start` has been read.
    pub(super) fn escape(&mut self, start: usize) -> Result<Escaped, Wrong> {
        let Some(c) = self.next() else {
            return Err(Wrong::new("bad escape (end of pattern)", start));
        };
        let character = match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => return Ok(Escaped::Set(c)),
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'x' => self.hexadecimal(start, 2)?,
            'u' => self.hexadecimal(start, 4)?,
            'U' => self.hexadecimal(start, 8)?,
            'N' => return Err(Wrong::unsupported("a character by name \\N{...}", start)),
            c if c.is_ascii_alphanumeric() => return Err(Wrong::new(format!("bad escape \\{c}"), start)),
            c => c,
        };
        Ok(Escaped::Character(character))
    }

    /// Reads up to three octal digits.
    pub(super) fn octal(&mut self, start: usize) -> Result<char, Wrong> {
        let mut value = 0;
        for _ in 0..3 {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else {
                break;
            };
            self.next();
            value = value * 8 + digit;
        }
        let byte = u8::try_from(value).map_err(|_| {
            let escape = self.since(start);
            Wrong::new(
                format!("octal escape value {escape} outside of range 0-0o377"),
                start,
            )
        })?;
        Ok(byte.into())
    }

    /// Reads exactly `n` hexadecimal digits.
    fn hexadecimal(&mut self, start: usize, n: usize) -> Result<char, Wrong> {
        let mut value = 0_u32;
        for _ in 0..n {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) else {
                let escape = self.since(start);
                return Err(Wrong::new(format!("incomplete escape {escape}"), start));
            };
            self.next();
            value = value << 4 | digit;
        }
        let escape = self.since(start);
        char::from_u32(value).ok_or_else(|| {
            if value < 0x11_0000 {
                return Wrong::unsupported(&format!("the half of a surrogate pair {escape}"), start);
            }
            Wrong::new(format!("bad escape {escape}"), start)
        })
    }
}
