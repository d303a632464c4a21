//! What is to be done to values of a file besides putting their bytes in order.

use crate::hdf5::{Datatype, StringPadding};

/// What makes values of the file the values that they stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clean {
    /// Nothing.
    Keep,
    /// Any byte but 0 is true.
    Bool,
    /// Zero bytes take the place of what fills texts of this size up, and of what is left behind their ends.
    Text { size: usize, padding: StringPadding },
}

impl Clean {
    pub(super) fn new(datatype: &Datatype) -> Self {
        match datatype {
            Datatype::Bool => Self::Bool,
            Datatype::FixedString { size, padding, .. } => Self::Text {
                size: (*size).max(1),
                padding: *padding,
            },
            _ => Self::Keep,
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
        }
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
