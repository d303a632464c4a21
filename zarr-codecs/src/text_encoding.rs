//! The encodings of texts that Python knows by name and that codecs may be configured with.

use std::borrow::Cow;

use crate::ByteOrder;

/// An encoding of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    Utf8,
    Ascii,
    Latin1,
    /// With a mark of the byte order where none is given.
    Utf16(Option<ByteOrder>),
    /// Likewise.
    Utf32(Option<ByteOrder>),
}

const MARK: char = '\u{feff}';

impl TextEncoding {
    /// Finds an encoding by one of its names in Python.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace(['_', ' '], "-");
        Some(match name.as_str() {
            "utf-8" | "utf8" | "u8" | "utf" | "cp65001" => Self::Utf8,
            "ascii" | "us-ascii" | "646" => Self::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" | "l1" => Self::Latin1,
            "utf-16" | "utf16" | "u16" => Self::Utf16(None),
            "utf-16-le" | "utf-16le" => Self::Utf16(Some(ByteOrder::Little)),
            "utf-16-be" | "utf-16be" => Self::Utf16(Some(ByteOrder::Big)),
            "utf-32" | "utf32" | "u32" => Self::Utf32(None),
            "utf-32-le" | "utf-32le" => Self::Utf32(Some(ByteOrder::Little)),
            "utf-32-be" | "utf-32be" => Self::Utf32(Some(ByteOrder::Big)),
            _ => return None,
        })
    }

    /// Adds a text to the end of `out`; says why it cannot.
    pub(crate) fn encode(self, text: &str, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let mark = |order: Option<ByteOrder>| order.is_none().then_some(MARK);
        match self {
            Self::Utf8 => out.extend_from_slice(text.as_bytes()),
            Self::Ascii if text.is_ascii() => out.extend_from_slice(text.as_bytes()),
            Self::Ascii => return Err("a text is not ASCII"),
            Self::Latin1 => {
                for c in text.chars() {
                    out.push(u8::try_from(c).map_err(|_| "a text is not Latin-1")?);
                }
            }
            Self::Utf16(order) => {
                for c in mark(order).into_iter().chain(text.chars()) {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        out.extend(match order.unwrap_or(ByteOrder::NATIVE) {
                            ByteOrder::Little => unit.to_le_bytes(),
                            ByteOrder::Big => unit.to_be_bytes(),
                        });
                    }
                }
            }
            Self::Utf32(order) => {
                for c in mark(order).into_iter().chain(text.chars()) {
                    out.extend(match order.unwrap_or(ByteOrder::NATIVE) {
                        ByteOrder::Little => u32::from(c).to_le_bytes(),
                        ByteOrder::Big => u32::from(c).to_be_bytes(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads a text; says why it is none.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, &'static str> {
        let text = match self {
            Self::Ascii if !bytes.is_ascii() => return Err("the text is not ASCII"),
            Self::Utf8 | Self::Ascii => {
                let text = str::from_utf8(bytes).map_err(|_| "the text is not UTF-8")?;
                return Ok(Cow::Borrowed(text));
            }
            Self::Latin1 => bytes.iter().copied().map(char::from).collect(),
            Self::Utf16(order) => {
                let (units, rest) = bytes.as_chunks::<2>();
                let order = order.unwrap_or_else(|| marked(units.first() == Some(&[0xfe, 0xff])));
                let unit = |bytes: &[u8; 2]| match order {
                    ByteOrder::Little => u16::from_le_bytes(*bytes),
                    ByteOrder::Big => u16::from_be_bytes(*bytes),
                };
                let text: Result<String, _> = char::decode_utf16(units.iter().map(unit)).collect();
                text.ok()
                    .filter(|_| rest.is_empty())
                    .ok_or("the text is not UTF-16")?
            }
            Self::Utf32(order) => {
                let (units, rest) = bytes.as_chunks::<4>();
                let order = order.unwrap_or_else(|| marked(units.first() == Some(&[0, 0, 0xfe, 0xff])));
                let unit = |bytes: &[u8; 4]| {
                    char::from_u32(match order {
                        ByteOrder::Little => u32::from_le_bytes(*bytes),
                        ByteOrder::Big => u32::from_be_bytes(*bytes),
                    })
                };
                let text: Option<String> = units.iter().map(unit).collect();
                text.filter(|_| rest.is_empty()).ok_or("the text is not UTF-32")?
            }
        };
        let has_mark = matches!(self, Self::Utf16(None) | Self::Utf32(None));
        match text.strip_prefix(MARK) {
            Some(text) if has_mark => Ok(Cow::Owned(text.to_owned())),
            _ => Ok(Cow::Owned(text)),
        }
    }
}

const fn marked(is_big: bool) -> ByteOrder {
    if is_big { ByteOrder::Big } else { ByteOrder::Little }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for name in ["UTF-8", "utf_16", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"] {
            let encoding = TextEncoding::of(name).unwrap();
            let mut bytes = Vec::new();
            encoding.encode("aä😀", &mut bytes).unwrap();
            assert_eq!(encoding.decode(&bytes).unwrap(), "aä😀", "{name}");
            assert!(encoding.decode(&[0xd8, 0, 0]).is_err(), "{name}");
        }
        let mut latin = Vec::new();
        TextEncoding::Latin1.encode("ä", &mut latin).unwrap();
        assert_eq!(
            (&latin[..], TextEncoding::Latin1.decode(&latin).unwrap().as_ref()),
            (&[0xe4][..], "ä")
        );
        assert!(TextEncoding::Ascii.encode("ä", &mut latin).is_err());
        assert_eq!(TextEncoding::of("koi8"), None);
    }
}
