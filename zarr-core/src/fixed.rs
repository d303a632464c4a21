//! Texts and byte strings in elements of fixed size, which are padded with NULs.

use crate::{
    Result,
    element::{Fill, Take, bad, zeroed},
    given::Values,
};

/// The size of a code point in an element.
const CODE_SIZE: usize = 4;

/// Reads texts of `length` code points each; NULs at the end are padding.
pub(crate) fn read_texts(length: u32, n_elements: usize, fill: Fill<'_>) -> Result<Vec<String>> {
    let size = length as usize * CODE_SIZE;
    let mut elements = zeroed(n_elements.saturating_mul(size))?;
    fill(&mut elements)?;
    if size == 0 {
        return Ok(vec![String::new(); n_elements]);
    }
    elements.chunks_exact(size).map(text).collect()
}

fn text(element: &[u8]) -> Result<String> {
    let used = element
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let mut text = String::with_capacity(used.div_ceil(CODE_SIZE));
    for code in element[..used.next_multiple_of(CODE_SIZE)].chunks_exact(CODE_SIZE) {
        let code = u32::from_ne_bytes(code.try_into().expect("a code point has 4 bytes"));
        text.push(
            char::from_u32(code).ok_or_else(|| bad(format!("text has {code:#x}, which is no character")))?,
        );
    }
    Ok(text)
}

/// Shows texts as elements of `length` code points each.
pub(crate) fn take_texts(length: u32, values: &[String], take: Take<'_>) -> Result<()> {
    let size = length as usize * CODE_SIZE;
    let mut elements = Vec::with_capacity(values.len() * size);
    for (index, value) in values.iter().enumerate() {
        let start = elements.len();
        elements.extend(value.chars().flat_map(|c| u32::from(c).to_ne_bytes()));
        if elements.len() - start > size {
            let found = (elements.len() - start) / CODE_SIZE;
            return Err(bad(format!(
                "value {index} has {found} characters, limit {length}"
            )));
        }
        elements.resize(start + size, 0);
    }
    take(Values::fixed(&elements))
}

/// Reads byte strings of `size` bytes each; if they are padded, NULs at the end are padding.
pub(crate) fn read_bytes(
    size: u32,
    is_padded: bool,
    n_elements: usize,
    fill: Fill<'_>,
) -> Result<Vec<Vec<u8>>> {
    let mut elements = zeroed(n_elements.saturating_mul(size as usize))?;
    fill(&mut elements)?;
    if size == 0 {
        return Ok(vec![Vec::new(); n_elements]);
    }
    let bytes = |element: &[u8]| {
        let used = element.iter().rposition(|byte| *byte != 0 || !is_padded);
        element[..used.map_or(0, |last| last + 1)].to_vec()
    };
    Ok(elements.chunks_exact(size as usize).map(bytes).collect())
}

/// Shows byte strings as elements of `size` bytes each.
pub(crate) fn take_bytes(size: u32, values: &[Vec<u8>], take: Take<'_>) -> Result<()> {
    let mut elements = Vec::with_capacity(values.len() * size as usize);
    for (index, value) in values.iter().enumerate() {
        if value.len() > size as usize {
            return Err(bad(format!(
                "value {index} has {} bytes, limit {size}",
                value.len()
            )));
        }
        let end = elements.len() + size as usize;
        elements.extend_from_slice(value);
        elements.resize(end, 0);
    }
    take(Values::fixed(&elements))
}
