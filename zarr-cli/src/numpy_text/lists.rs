//! Elements in columns, within brackets, one pair for each dimension.

use zarr_convenience::{
    core::{
        ArrayData,
        codecs::{ByteOrder, DataType},
    },
    shape_text,
};

use super::{EDGE, LINE_WIDTH, THRESHOLD, format::Format};

/// Which elements of an array are shown.
pub(super) struct Shown {
    /// The positions along each dimension; `None` stands for those that are left out.
    pub(super) indices: Vec<Vec<Option<u64>>>,
    /// Whether the array is too large to be shown whole.
    pub(super) is_summary: bool,
}

impl Shown {
    pub(super) fn new(shape: &[u64]) -> Self {
        let n_elements = shape
            .iter()
            .fold(1_u64, |product, length| product.saturating_mul(*length));
        let is_summary = n_elements > THRESHOLD;
        let indices = |length: &u64| {
            if is_summary && *length > 2 * EDGE {
                let tail = length - EDGE..*length;
                return (0..EDGE).map(Some).chain([None]).chain(tail.map(Some)).collect();
            }
            (0..*length).map(Some).collect()
        };
        Self {
            indices: shape.iter().map(indices).collect(),
            is_summary,
        }
    }

    /// The places of what is shown among all elements in C order.
    pub(super) fn places(&self, shape: &[u64]) -> Vec<u64> {
        let mut places = vec![0];
        for (length, indices) in shape.iter().zip(&self.indices) {
            let within = |place: &u64| {
                let start = place * length;
                indices.iter().flatten().map(move |index| start + index)
            };
            places = places.iter().flat_map(within).collect();
        }
        places
    }
}

/// The elements at `places` in an array, as lists within brackets.
///
/// Lines have `width` characters at most; those behind the first are moved to the right by `prefix`.
pub(super) fn text(
    array: &ArrayData,
    shown: &Shown,
    places: &[u64],
    separator: &str,
    prefix: usize,
    width: usize,
) -> String {
    let size = array.data_type.size().unwrap_or(1);
    let (bytes, heap) = (&array.buffer.elements, &array.buffer.heap);
    let elements: Vec<&[u8]> = places
        .iter()
        .map(|place| &bytes[*place as usize * size..][..size])
        .collect();
    let format = Format::new(&array.data_type, &elements, heap);
    let element = |element: &&[u8]| format.text(&array.data_type, element, heap);
    let lists = Lists {
        shown: &shown.indices,
        separator,
        prefix,
        width,
    };
    lists.level(0, &mut elements.iter().rev().map(element).collect())
}

/// How lists are written.
struct Lists<'a> {
    /// The positions that are shown along each dimension.
    shown: &'a [Vec<Option<u64>>],
    /// What stands between elements.
    separator: &'a str,
    /// How many characters stand before the first bracket.
    prefix: usize,
    /// The most characters in a line.
    width: usize,
}

impl Lists<'_> {
    /// Writes a dimension and those below it, taking items from the end.
    fn level(&self, depth: usize, items: &mut Vec<String>) -> String {
        let Some(indices) = self.shown.get(depth) else {
            return items.pop().unwrap_or_default();
        };
        let indent = " ".repeat(self.prefix + depth + 1);
        let is_row = depth + 1 == self.shown.len();
        let mut text = String::new();
        let mut line = indent.clone();
        for (number, index) in indices.iter().enumerate() {
            let word = match index {
                Some(_) => self.level(depth + 1, items),
                None => "...".to_owned(),
            };
            if is_row {
                self.add_word(&mut text, &mut line, &word, depth);
                if number + 1 < indices.len() {
                    line.push_str(self.separator);
                }
                continue;
            }
            text.push_str(&indent);
            text.push_str(&word);
            if number + 1 < indices.len() {
                text.push_str(self.separator.trim_end());
                text.push_str(&"\n".repeat(self.shown.len() - depth - 1));
            }
        }
        if is_row {
            text.push_str(&line);
        }
        format!("[{}]", &text[indent.len()..])
    }

    /// Adds an element to a line, or to a new one where it does not fit; one of several lines keeps its form.
    fn add_word(&self, text: &mut String, line: &mut String, word: &str, depth: usize) {
        let indent = " ".repeat(self.prefix + depth + 1);
        let width = self.width - depth - self.separator.trim_end().len().max(1);
        let mut lines = word.lines();
        let first = lines.next().unwrap_or_default();
        let longest = word.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        if line.chars().count() + longest > width && line.len() > indent.len() {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clone_from(&indent);
        }
        let hanging = " ".repeat(line.chars().count());
        line.push_str(first);
        let mut last = first;
        for next in lines {
            text.push_str(line.trim_end());
            text.push('\n');
            *line = format!("{hanging}{next}");
            last = next;
        }
        line.push_str(&" ".repeat(longest - last.chars().count()));
    }
}

/// An array of one dimension as `repr` shows it: `array([1, 2], dtype=int32)`.
pub(super) fn array_repr(array: &ArrayData) -> String {
    const PREFIX: &str = "array(";
    let shown = Shown::new(&array.shape);
    let places = shown.places(&array.shape);
    let text = match array.n_elements() {
        0 => "[]".to_owned(),
        _ => text(array, &shown, &places, ", ", PREFIX.len(), LINE_WIDTH - 1),
    };
    let is_implied = matches!(
        array.data_type,
        DataType::Int64 | DataType::Float64 | DataType::Complex128 | DataType::Bool
    );
    let mut extras = Vec::new();
    if shown.is_summary {
        extras.push(format!("shape={}", shape_text(&array.shape)));
    }
    if !is_implied || array.n_elements() == 0 {
        let name = zarr_convenience::data_type_text(&array.data_type, ByteOrder::NATIVE);
        let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        extras.push(if is_word {
            format!("dtype={name}")
        } else {
            format!("dtype='{name}'")
        });
    }
    if extras.is_empty() {
        return format!("{PREFIX}{text})");
    }
    let extras = format!("{})", extras.join(", "));
    let last = text.lines().last().unwrap_or_default().chars().count();
    let before = if text.contains('\n') { 0 } else { PREFIX.len() };
    let is_long = before + last + 1 + extras.len() + 1 > LINE_WIDTH;
    let space = if is_long {
        format!("\n{}", " ".repeat(PREFIX.len()))
    } else {
        " ".to_owned()
    };
    format!("{PREFIX}{text},{space}{extras}")
}
