//! What is to be done to values of a file besides putting their bytes in order.

use zarr_convenience::core::codecs::utf32_text;

use crate::hdf5::{Datatype, NumberForm, NumberKind, StringPadding};

/// What makes values of the file the values that they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clean {
    /// Nothing.
    Keep,
    /// Any byte but 0 is true.
    Bool,
    /// Zero bytes take the place of what fills texts of this size up, and of what is left behind their ends.
    Text { size: usize, padding: StringPadding },
    /// Texts in UTF-8 of this size become such of four bytes a character, which take no less room.
    Utf8 { size: usize },
    /// Whole numbers of so many bytes, in native byte order, are moved from the bits that they take.
    Bits {
        size: usize,
        offset: usize,
        precision: usize,
        signed: bool,
    },
}

impl Clean {
    pub(super) fn new(datatype: &Datatype) -> Self {
        match datatype {
            Datatype::Bool => Self::Bool,
            Datatype::FixedString { size, padding, .. } => Self::Text {
                size: (*size).max(1),
                padding: *padding,
            },
            Datatype::Other {
                size: size @ (1 | 2 | 4 | 8),
                form:
                    Some(NumberForm {
                        offset,
                        precision,
                        kind: NumberKind::Integer { signed },
                        ..
                    }),
                ..
            } if *precision > 0 && offset.checked_add(*precision).is_some_and(|end| end <= size * 8) => {
                Self::Bits {
                    size: *size,
                    offset: *offset,
                    precision: *precision,
                    signed: *signed,
                }
            }
            _ => Self::Keep,
        }
    }

    /// Whether values are what they stand for as they are: all of them, or, of truths, those that are 0 or 1.
    pub(super) fn keeps(self, elements: Option<&[u8]>) -> bool {
        match self {
            Self::Keep
            | Self::Text {
                padding: StringPadding::NullPadded,
                ..
            }
            // Nothing can be behind the end of one byte, as netCDF's characters are.
            | Self::Text {
                size: 1,
                padding: StringPadding::NullTerminated,
            } => true,
            Self::Bool => elements.is_none_or(|elements| elements.iter().all(|byte| *byte <= 1)),
            Self::Text { .. } | Self::Utf8 { .. } | Self::Bits { .. } => false,
        }
    }

    pub(super) fn apply(self, elements: &mut [u8]) {
        match self {
            Self::Keep
            | Self::Text {
                padding: StringPadding::NullPadded,
                ..
            } => {}
            Self::Bool => {
                for byte in elements {
                    *byte = u8::from(*byte != 0);
                }
            }
            Self::Text { size, padding } => {
                for text in elements.chunks_exact_mut(size) {
                    let used = unpadded(text, padding).len();
                    text.iter_mut().skip(used).for_each(|byte| *byte = 0);
                }
            }
            Self::Utf8 { size } => {
                for text in elements.chunks_exact_mut(size) {
                    let used = unpadded(text, StringPadding::NullPadded);
                    let chars = String::from_utf8_lossy(used).into_owned();
                    text.fill(0);
                    for (place, char) in text.chunks_exact_mut(4).zip(chars.chars()) {
                        place.copy_from_slice(&u32::from(char).to_ne_bytes());
                    }
                }
            }
            Self::Bits {
                size,
                offset,
                precision,
                signed,
            } => each_number(elements, size, |bits| {
                let top = 64 - precision as u32;
                let bits = (bits >> offset) << top;
                if signed {
                    ((bits as i64) >> top) as u64
                } else {
                    bits >> top
                }
            }),
        }
    }

    /// The opposite of [`apply`](Self::apply).
    pub(super) fn undo(self, elements: &mut [u8]) {
        match self {
            Self::Text {
                size,
                padding: StringPadding::SpacePadded,
            } => {
                for text in elements.chunks_exact_mut(size) {
                    let used = unpadded(text, StringPadding::NullPadded).len();
                    text.iter_mut().skip(used).for_each(|byte| *byte = b' ');
                }
            }
            Self::Utf8 { size } => {
                for text in elements.chunks_exact_mut(size) {
                    let chars = utf32_text(text);
                    text.fill(0);
                    text.iter_mut()
                        .zip(chars.bytes())
                        .for_each(|(to, from)| *to = from);
                }
            }
            Self::Bits {
                size,
                offset,
                precision,
                ..
            } => each_number(elements, size, |bits| {
                (bits & (u64::MAX >> (64 - precision as u32))) << offset
            }),
            _ => {}
        }
    }
}

/// Changes numbers of so many bytes each, at most 8, in native byte order.
fn each_number(elements: &mut [u8], size: usize, change: impl Fn(u64) -> u64) {
    for number in elements.chunks_exact_mut(size) {
        let mut bytes = [0; 8];
        let place = if cfg!(target_endian = "big") { 8 - size } else { 0 };
        bytes[place..place + size].copy_from_slice(number);
        let changed = change(u64::from_ne_bytes(bytes)).to_ne_bytes();
        number.copy_from_slice(&changed[place..place + size]);
    }
}

/// The bytes of a text of fixed length without what fills it up.
pub(super) fn unpadded(bytes: &[u8], padding: StringPadding) -> &[u8] {
    let used = |filler: u8| {
        bytes
            .iter()
            .rposition(|byte| *byte != filler)
            .map_or(0, |last| last + 1)
    };
    let end = match padding {
        StringPadding::NullTerminated => bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()),
        StringPadding::NullPadded => used(0),
        StringPadding::SpacePadded => used(b' '),
    };
    bytes.get(..end).unwrap_or(bytes)
}

/// A text of fixed length, filled up; the text is not longer.
pub(super) fn padded(text: &[u8], size: usize, padding: StringPadding) -> Vec<u8> {
    let filler = if padding == StringPadding::SpacePadded {
        b' '
    } else {
        0
    };
    let mut bytes = text.to_vec();
    bytes.resize(size, filler);
    bytes
}
