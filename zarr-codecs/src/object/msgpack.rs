//! `MessagePack` (specification of 2013-04-21 and its extension types), as msgpack-python writes and reads it.

use super::{DEPTH_MAX, Object};

/// The code of the extension for integers of more than 64 bits: their decimal digits.
const BIG_INTEGER: i8 = -128;

/// How values are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packing {
    /// Whether bytes differ from texts; without it both are written as the first specification had them.
    pub(crate) use_bin_type: bool,
    /// Whether floats are written with 32 bits.
    pub(crate) use_single_float: bool,
    /// Whether integers may have more than 64 bits.
    takes_big_integers: bool,
}

impl Packing {
    /// As values lie in a heap.
    pub(crate) const ITEM: Self = Self {
        use_bin_type: true,
        use_single_float: false,
        takes_big_integers: true,
    };

    pub(crate) const fn new(use_bin_type: bool, use_single_float: bool) -> Self {
        Self {
            use_bin_type,
            use_single_float,
            takes_big_integers: false,
        }
    }

    /// Writes a value to the end of `out`; says why it cannot be written.
    pub(crate) fn write(self, value: &Object, out: &mut Vec<u8>) -> Result<(), &'static str> {
        match value {
            Object::Null => out.push(0xc0),
            Object::Bool(value) => out.push(0xc2 + u8::from(*value)),
            Object::Int(value) => self.integer(*value, out)?,
            Object::BigInt(digits) => self.big_integer(digits, out)?,
            Object::Float(value) if self.use_single_float => {
                out.push(0xca);
                out.extend((*value as f32).to_be_bytes());
            }
            Object::Float(value) => {
                // One NaN is as good as another, and equal values have equal bytes.
                let value = if value.is_nan() { f64::NAN } else { *value };
                out.push(0xcb);
                out.extend(value.to_be_bytes());
            }
            Object::Text(text) => self.text(text.as_bytes(), out)?,
            Object::Bytes(bytes) if self.use_bin_type => {
                header(out, bytes.len(), &[], [Some(0xc4), Some(0xc5), Some(0xc6)])?;
                out.extend_from_slice(bytes);
            }
            Object::Bytes(bytes) => self.text(bytes, out)?,
            Object::List(items) => {
                list_header(out, items.len())?;
                for item in items {
                    self.write(item, out)?;
                }
            }
            Object::Map(members) => {
                header(out, members.len(), &[(0x80, 16)], [None, Some(0xde), Some(0xdf)])?;
                for (key, value) in members {
                    self.write(key, out)?;
                    self.write(value, out)?;
                }
            }
            Object::Extension(code, bytes) => extension(*code, bytes, out)?,
        }
        Ok(())
    }

    fn text(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
        // The first specification had no form for lengths of 8 bits.
        let short = self.use_bin_type.then_some(0xd9);
        header(out, bytes.len(), &[(0xa0, 32)], [short, Some(0xda), Some(0xdb)])?;
        out.extend_from_slice(bytes);
        Ok(())
    }

    fn integer(self, value: i128, out: &mut Vec<u8>) -> Result<(), &'static str> {
        const U8: i128 = 1 << 8;
        const U16: i128 = 1 << 16;
        const U32: i128 = 1 << 32;
        const U64: i128 = 1 << 64;
        let bytes = value.to_be_bytes();
        let (code, size) = match value {
            -32..=127 => (None, 1),
            128..U8 => (Some(0xcc), 1),
            U8..U16 => (Some(0xcd), 2),
            U16..U32 => (Some(0xce), 4),
            U32..U64 => (Some(0xcf), 8),
            -128..-32 => (Some(0xd0), 1),
            -32_768..-128 => (Some(0xd1), 2),
            -2_147_483_648..-32_768 => (Some(0xd2), 4),
            -9_223_372_036_854_775_808..-2_147_483_648 => (Some(0xd3), 8),
            _ => return self.big_integer(&value.to_string(), out),
        };
        out.extend(code);
        out.extend_from_slice(&bytes[16 - size..]);
        Ok(())
    }

    fn big_integer(self, digits: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
        if !self.takes_big_integers {
            return Err("Integer value out of range");
        }
        extension(BIG_INTEGER, digits.as_bytes(), out)
    }
}

/// The header of a list of so many items.
pub(crate) fn list_header(out: &mut Vec<u8>, count: usize) -> Result<(), &'static str> {
    header(out, count, &[(0x90, 16)], [None, Some(0xdc), Some(0xdd)])
}

/// Writes a length in the shortest form: within the code, or after a code in 8, 16 or 32 bits.
fn header(
    out: &mut Vec<u8>,
    length: usize,
    within: &[(u8, usize)],
    codes: [Option<u8>; 3],
) -> Result<(), &'static str> {
    if let Some((code, _)) = within.iter().find(|(_, end)| length < *end) {
        out.push(code | length as u8);
        return Ok(());
    }
    match codes {
        [Some(code), ..] if length < 1 << 8 => out.extend([code, length as u8]),
        [_, Some(code), _] if length < 1 << 16 => {
            out.push(code);
            out.extend((length as u16).to_be_bytes());
        }
        [.., Some(code)] if u32::try_from(length).is_ok() => {
            out.push(code);
            out.extend((length as u32).to_be_bytes());
        }
        _ => return Err("it is longer than 32 bits can count"),
    }
    Ok(())
}

fn extension(code: i8, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    match bytes.len() {
        1 => out.push(0xd4),
        2 => out.push(0xd5),
        4 => out.push(0xd6),
        8 => out.push(0xd7),
        16 => out.push(0xd8),
        length => header(out, length, &[], [Some(0xc7), Some(0xc8), Some(0xc9)])?,
    }
    out.push(code as u8);
    out.extend_from_slice(bytes);
    Ok(())
}

/// Reads values one after the other.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    /// Whether texts are read as bytes.
    raw: bool,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8], raw: bool) -> Self {
        Self { rest: bytes, raw }
    }

    /// Checks that nothing is left.
    pub(crate) const fn end(&self) -> Result<(), &'static str> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err("bytes follow the value")
        }
    }

    /// Reads the header of a list.
    pub(crate) fn list(&mut self) -> Result<usize, &'static str> {
        match self.byte()? {
            code @ 0x90..=0x9f => Ok(usize::from(code & 15)),
            0xdc => self.length(2),
            0xdd => self.length(4),
            _ => Err("a list was expected"),
        }
    }

    /// Reads a value; `depth` lists and maps are around it.
    pub(crate) fn value(&mut self, depth: usize) -> Result<Object, &'static str> {
        let code = self.byte()?;
        Ok(match code {
            0..=0x7f => Object::Int(code.into()),
            0xe0.. => Object::Int((code as i8).into()),
            0x80..=0x8f => self.map(usize::from(code & 15), depth)?,
            0x90..=0x9f => self.items(usize::from(code & 15), depth)?,
            0xa0..=0xbf => self.text(usize::from(code & 31))?,
            0xc0 => Object::Null,
            0xc1 => return Err("a byte has no meaning"),
            0xc2 => Object::Bool(false),
            0xc3 => Object::Bool(true),
            0xc4..=0xc6 => {
                let length = self.length(1 << (code - 0xc4))?;
                Object::Bytes(self.take(length)?.to_vec())
            }
            0xc7..=0xc9 => {
                let length = self.length(1 << (code - 0xc7))?;
                self.extension(length)?
            }
            0xca => Object::Float(f32::from_be_bytes(self.array()?).into()),
            0xcb => Object::Float(f64::from_be_bytes(self.array()?)),
            0xcc => Object::Int(u8::from_be_bytes(self.array()?).into()),
            0xcd => Object::Int(u16::from_be_bytes(self.array()?).into()),
            0xce => Object::Int(u32::from_be_bytes(self.array()?).into()),
            0xcf => Object::Int(u64::from_be_bytes(self.array()?).into()),
            0xd0 => Object::Int(i8::from_be_bytes(self.array()?).into()),
            0xd1 => Object::Int(i16::from_be_bytes(self.array()?).into()),
            0xd2 => Object::Int(i32::from_be_bytes(self.array()?).into()),
            0xd3 => Object::Int(i64::from_be_bytes(self.array()?).into()),
            0xd4..=0xd8 => self.extension(1 << (code - 0xd4))?,
            0xd9..=0xdb => {
                let length = self.length(1 << (code - 0xd9))?;
                self.text(length)?
            }
            0xdc | 0xdd => {
                let count = self.length(2 << (code - 0xdc))?;
                self.items(count, depth)?
            }
            0xde | 0xdf => {
                let count = self.length(2 << (code - 0xde))?;
                self.map(count, depth)?
            }
        })
    }

    fn items(&mut self, count: usize, depth: usize) -> Result<Object, &'static str> {
        self.check(count, depth)?;
        let items = (0..count).map(|_| self.value(depth + 1));
        items.collect::<Result<_, _>>().map(Object::List)
    }

    fn map(&mut self, count: usize, depth: usize) -> Result<Object, &'static str> {
        self.check(count.saturating_mul(2), depth)?;
        let members = (0..count).map(|_| Ok((self.value(depth + 1)?, self.value(depth + 1)?)));
        members.collect::<Result<_, _>>().map(Object::Map)
    }

    /// Every value takes a byte: no memory is asked for that the data do not pay for.
    fn check(&self, count: usize, depth: usize) -> Result<(), &'static str> {
        match count {
            _ if depth >= DEPTH_MAX => Err("it nests over 128 levels"),
            _ if count > self.rest.len() => Err("it ends within a value"),
            _ => Ok(()),
        }
    }

    fn text(&mut self, length: usize) -> Result<Object, &'static str> {
        let bytes = self.take(length)?;
        if self.raw {
            return Ok(Object::Bytes(bytes.to_vec()));
        }
        let text = str::from_utf8(bytes).map_err(|_| "a text is not UTF-8")?;
        Ok(Object::Text(text.to_owned()))
    }

    fn extension(&mut self, length: usize) -> Result<Object, &'static str> {
        let [code] = self.array()?;
        let bytes = self.take(length)?;
        if code as i8 != BIG_INTEGER {
            return Ok(Object::Extension(code as i8, bytes.to_vec()));
        }
        str::from_utf8(bytes)
            .ok()
            .and_then(Object::integer)
            .ok_or("an integer has other than digits")
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        self.array().map(|[byte]| byte)
    }

    fn length(&mut self, size: usize) -> Result<usize, &'static str> {
        let bytes = self.take(size)?;
        Ok(bytes
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte)))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (array, rest) = self.rest.split_first_chunk().ok_or("it ends within a value")?;
        self.rest = rest;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or("it ends within a value")?;
        self.rest = rest;
        Ok(bytes)
    }
}
