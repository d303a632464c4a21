//! Texts and bytes of fixed length, with NULs at their ends.

use std::{
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

/// Bytes with NULs up to a size, of which just those before the NULs are kept until all are asked for.
///
/// A document of some bytes can name a type whose elements take megabytes; reading it must not cost that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Padded {
    used: Vec<u8>,
    size: usize,
    all: OnceLock<Arc<Vec<u8>>>,
}

impl Padded {
    /// Bytes and the size that NULs fill up; `None` if they are more.
    pub(crate) fn new(used: Vec<u8>, size: usize) -> Option<Self> {
        (used.len() <= size).then(|| Self {
            used,
            size,
            all: OnceLock::new(),
        })
    }

    /// Nothing but NULs.
    pub(crate) fn zero(size: usize) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// The number of bytes, NULs included.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }

    /// The bytes; NULs at their end may be left out.
    pub(crate) fn used(&self) -> &[u8] {
        &self.used
    }

    /// All bytes.
    pub(crate) fn all(&self) -> &[u8] {
        if self.used.len() == self.size {
            return &self.used;
        }
        self.all.get_or_init(|| {
            let mut all = vec![0; self.size];
            all[..self.used.len()].copy_from_slice(&self.used);
            Arc::new(all)
        })
    }
}

impl From<Vec<u8>> for Padded {
    fn from(used: Vec<u8>) -> Self {
        Self {
            size: used.len(),
            used,
            all: OnceLock::new(),
        }
    }
}

impl PartialEq for Padded {
    fn eq(&self, other: &Self) -> bool {
        self.size == other.size && without_padding(&self.used) == without_padding(&other.used)
    }
}

impl Eq for Padded {}

impl Hash for Padded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.size, without_padding(&self.used)).hash(state);
    }
}

/// Bytes without the NULs at their end.
pub fn without_padding(bytes: &[u8]) -> &[u8] {
    let used = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..used.map_or(0, |last| last + 1)]
}

/// The code points of a text in native byte order, 4 bytes each.
pub(crate) fn utf32(text: &str) -> Vec<u8> {
    text.chars().flat_map(|c| u32::from(c).to_ne_bytes()).collect()
}

/// The text of NUL-padded code points of 4 bytes each; a code that is none is shown as U+FFFD.
pub fn utf32_text(bytes: &[u8]) -> String {
    let codes = bytes
        .chunks_exact(4)
        .map(|code| u32::from_ne_bytes([code[0], code[1], code[2], code[3]]));
    let text: String = codes
        .map(|code| char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.trim_end_matches('\0').to_owned()
}
