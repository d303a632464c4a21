//! Arrays as NumPy prints them: nested lists in columns, the middle of large ones left out.

mod floats;
mod format;
mod lists;
#[cfg(test)]
mod tests;

use zarr_convenience::core::{
    ArrayData, Selection, SelectionItem,
    codecs::{ChunkBuffer, DataType},
};

use lists::Shown;

/// Arrays with more elements than this are summarised.
const THRESHOLD: u64 = 1000;
/// How many elements at either end of a summarised dimension are shown.
const EDGE: u64 = 3;
/// The most characters in a line.
const LINE_WIDTH: usize = 75;

/// The text of an array.
pub(crate) fn array_text(array: &ArrayData) -> String {
    let shown = Shown::new(&array.shape);
    text(array, &array.shape, &shown, &shown.places(&array.shape))
}

/// The elements that stand for an array of a shape that is too large to be shown whole; `None` for others.
pub(crate) fn edges(shape: &[u64]) -> Option<Selection> {
    let shown = Shown::new(shape);
    let indices = |dimension: &Vec<Option<u64>>| {
        let kept: Vec<i64> = dimension.iter().flatten().map(|index| *index as i64).collect();
        SelectionItem::indices(kept)
    };
    shown
        .is_summary
        .then(|| Selection::orthogonal(shown.indices.iter().map(indices)))
}

/// The text of an array of which only its [`edges`] were read.
pub(crate) fn edges_text(read: &ArrayData, shape: &[u64]) -> String {
    let places: Vec<u64> = (0..read.n_elements()).collect();
    text(read, shape, &Shown::new(shape), &places)
}

/// The text of an array of a shape, whose shown elements are at `places` in `array`.
fn text(array: &ArrayData, shape: &[u64], shown: &Shown, places: &[u64]) -> String {
    match (shape, places) {
        (_, []) => "[]".to_owned(),
        ([], _) => {
            let text = format::alone(&array.data_type, &array.buffer.elements, &array.buffer.heap);
            crate::status::printable(&text)
        }
        _ => lists::text(array, shown, places, " ", 0, LINE_WIDTH),
    }
}

/// An item that is itself an array.
fn inner_array(numbers: &DataType, item: &[u8]) -> Option<ArrayData> {
    let size = numbers.size().filter(|size| *size > 0)?;
    Some(ArrayData {
        shape: vec![(item.len() / size) as u64],
        data_type: numbers.clone(),
        buffer: ChunkBuffer {
            elements: item.to_vec(),
            heap: Vec::new(),
        },
    })
}
