//! Texts and bytes of fixed length, with NULs at their ends.

/// The bytes with NULs up to a size; `None` if they are more.
pub(crate) fn padded(mut bytes: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    let fits = bytes.len() <= size;
    bytes.resize(size, 0);
    fits.then_some(bytes)
}

/// Bytes without the NULs at their end.
pub fn without_padding(bytes: &[u8]) -> &[u8] {
    let used = bytes.iter().rposition(|byte| *byte != 0);
    &bytes[..used.map_or(0, |last| last + 1)]
}

/// The code points of a text in 4 bytes each, NUL-padded to `length`.
pub(crate) fn utf32(text: &str, length: u32) -> Option<Vec<u8>> {
    let bytes: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_ne_bytes()).collect();
    padded(bytes, length as usize * 4)
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
