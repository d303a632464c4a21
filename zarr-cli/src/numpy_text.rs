//! Arrays as NumPy prints them: nested lists in columns, the middle of large ones left out.

use zarr_convenience::{
    bytes_repr,
    core::{
        ArrayData,
        codecs::{ByteOrder, ChunkBuffer, DataType, LongDouble, Object, SLOT_SIZE, Slot},
        metadata::json::python_float,
    },
    object_repr, text_repr,
};

/// Arrays with more elements than this are summarised.
const THRESHOLD: u64 = 1000;
/// How many elements at either end of a summarised dimension are shown.
const EDGE: u64 = 3;
/// The most characters in a line.
const LINE_WIDTH: usize = 75;
/// The most digits after the point.
const PRECISION: usize = 8;

/// The text of an array.
pub(crate) fn array_text(array: &ArrayData) -> String {
    if array.n_elements() == 0 {
        let shape = zarr_convenience::shape_text(&array.shape);
        return if array.shape.len() == 1 {
            "[]".to_owned()
        } else {
            format!("[], shape={shape}")
        };
    }
    if array.shape.is_empty()
        && let Some(text) = single_text(array)
    {
        return crate::status::printable(&text);
    }
    lists(array, " ", 0, LINE_WIDTH).0
}

/// The positions that are shown along a dimension; `None` stands for those that are left out.
fn indices(length: u64, is_summary: bool) -> Vec<Option<u64>> {
    if is_summary && length > 2 * EDGE {
        let tail = length - EDGE..length;
        return (0..EDGE).map(Some).chain([None]).chain(tail.map(Some)).collect();
    }
    (0..length).map(Some).collect()
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

/// What is between the outer brackets, and whether something was left out.
fn lists(array: &ArrayData, separator: &str, prefix: usize, width: usize) -> (String, bool) {
    let is_summary = array.n_elements() > THRESHOLD;
    let shown: Vec<Vec<Option<u64>>> = array
        .shape
        .iter()
        .map(|length| indices(*length, is_summary))
        .collect();
    let mut places = vec![0];
    for (length, indices) in array.shape.iter().zip(&shown) {
        places = places
            .iter()
            .flat_map(|place| indices.iter().flatten().map(move |index| place * length + index))
            .collect();
    }
    let mut items = aligned(
        &places.iter().map(|place| item(array, *place)).collect::<Vec<_>>(),
        &array.data_type,
    );
    items.reverse();
    let lists = Lists {
        shown: &shown,
        separator,
        prefix,
        width,
    };
    (lists.level(0, &mut items), is_summary)
}

/// An array of one dimension as `repr` shows it: `array([1, 2], dtype=int32)`.
fn array_repr(array: &ArrayData) -> String {
    const PREFIX: &str = "array(";
    let (text, is_summary) = match array.n_elements() {
        0 => ("[]".to_owned(), false),
        _ => lists(array, ", ", PREFIX.len(), LINE_WIDTH - 1),
    };
    let is_implied = matches!(
        array.data_type,
        DataType::Int64 | DataType::Float64 | DataType::Complex128 | DataType::Bool
    );
    let mut extras = Vec::new();
    if is_summary {
        extras.push(format!("shape={}", zarr_convenience::shape_text(&array.shape)));
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

/// An item of an object array, as it stands among others.
fn object_text(item: &[u8]) -> String {
    match Object::from_item(item) {
        Ok(list @ Object::List(_)) => format!("list({})", object_repr(&list)),
        Ok(object) => object_repr(&object),
        Err(_) => bytes_repr(item),
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

/// An object on its own, of which Python prints `str`; `None` for other types.
fn single_text(array: &ArrayData) -> Option<String> {
    let chunk = array.buffer.as_ref();
    match &array.data_type {
        DataType::FixedUtf32(_) => Some(array.to_vec::<String>().ok()?.pop()?),
        DataType::String => Some(String::from_utf8_lossy(chunk.items().next()?).into_owned()),
        DataType::VlenArray(numbers) => Some(array_text(&inner_array(numbers, chunk.items().next()?)?)),
        DataType::Object => Some(match Object::from_item(chunk.items().next()?).ok()? {
            Object::Text(text) => text,
            object => object_repr(&object),
        }),
        _ => None,
    }
}

/// One element, not yet aligned with the others.
fn item(array: &ArrayData, place: u64) -> String {
    let size = array.data_type.size().unwrap_or(1);
    let at = place as usize * size;
    let bytes = &array.buffer.elements[at..at + size];
    element_text(&array.data_type, bytes, &array.buffer.heap)
}

fn element_text(data_type: &DataType, bytes: &[u8], heap: &[u8]) -> String {
    let float32 = |bytes: &[u8]| f32::from_ne_bytes(exactly(bytes));
    let float64 = |bytes: &[u8]| f64::from_ne_bytes(exactly(bytes));
    match data_type {
        DataType::Bool => if bytes[0] == 0 { "False" } else { "True" }.to_owned(),
        DataType::Int8 => (bytes[0] as i8).to_string(),
        DataType::UInt8 => bytes[0].to_string(),
        DataType::Int16 => i16::from_ne_bytes(exactly(bytes)).to_string(),
        DataType::UInt16 => u16::from_ne_bytes(exactly(bytes)).to_string(),
        DataType::Int32 => i32::from_ne_bytes(exactly(bytes)).to_string(),
        DataType::UInt32 => u32::from_ne_bytes(exactly(bytes)).to_string(),
        DataType::Int64 => i64::from_ne_bytes(exactly(bytes)).to_string(),
        DataType::UInt64 => u64::from_ne_bytes(exactly(bytes)).to_string(),
        DataType::Float32 => short_float(&float32(bytes).to_string(), f64::from(float32(bytes))),
        DataType::Float64 => short_float(&float64(bytes).to_string(), float64(bytes)),
        DataType::Float128 => long_double(bytes),
        DataType::Complex256 => {
            let imaginary = long_double(&bytes[16..]);
            let sign = if imaginary.starts_with('-') { "" } else { "+" };
            format!("{}{sign}{imaginary}j", long_double(&bytes[..16]))
        }
        DataType::Complex64 => complex(f64::from(float32(&bytes[..4])), f64::from(float32(&bytes[4..]))),
        DataType::Complex128 => complex(float64(&bytes[..8]), float64(&bytes[8..])),
        DataType::FixedBytes(_) => bytes_repr(bytes.trim_ascii_end_nul()),
        DataType::FixedUtf32(_) => {
            let codes = bytes
                .chunks_exact(4)
                .map(|code| u32::from_ne_bytes(exactly(code)));
            let text: String = codes
                .map(|code| char::from_u32(code).unwrap_or('\u{fffd}'))
                .collect();
            text_repr(text.trim_end_matches('\0'))
        }
        DataType::String => text_repr(&String::from_utf8_lossy(in_heap(bytes, heap))),
        DataType::Bytes => bytes_repr(in_heap(bytes, heap)),
        DataType::Object => object_text(in_heap(bytes, heap)),
        DataType::VlenArray(numbers) => {
            let item = in_heap(bytes, heap);
            inner_array(numbers, item).map_or_else(|| bytes_repr(item), |array| array_repr(&array))
        }
        DataType::DateTime64(_) | DataType::TimeDelta64(_) => match i64::from_ne_bytes(exactly(bytes)) {
            i64::MIN => "NaT".to_owned(),
            count => count.to_string(),
        },
        DataType::Struct(record) => {
            let mut rest = bytes;
            let mut parts = Vec::new();
            for field in &record.fields {
                let (field_bytes, others) = rest.split_at(field.size().unwrap_or(0).min(rest.len()));
                let size = field.data_type.size().unwrap_or(1).max(1);
                parts.extend(
                    field_bytes
                        .chunks_exact(size)
                        .map(|item| element_text(&field.data_type, item, heap)),
                );
                rest = others;
            }
            format!("({})", parts.join(", "))
        }
        _ => bytes_repr(bytes),
    }
}

/// The item that a slot points to.
fn in_heap<'a>(slot: &[u8], heap: &'a [u8]) -> &'a [u8] {
    Slot::from_bytes(&slot[..SLOT_SIZE]).of(heap)
}

fn exactly<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("an element has the size of its type")
}

/// Drops NULs at the end, which are padding.
trait TrimNul {
    fn trim_ascii_end_nul(&self) -> &Self;
}

impl TrimNul for [u8] {
    fn trim_ascii_end_nul(&self) -> &Self {
        let end = self
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        &self[..end]
    }
}

/// As [`short_float`] where a double is as good, and all digits where it is not.
fn long_double(bytes: &[u8]) -> String {
    let number = LongDouble::from_ne_bytes(exactly(bytes));
    let double = number.to_f64();
    let is_beyond =
        number.is_finite() && (double == 0.0 || !double.is_finite() || double.abs() >= 2_f64.powi(53));
    if is_beyond && number != LongDouble::default() {
        return number.to_string();
    }
    short_float(&double.to_string(), double)
}

fn complex(real: f64, imaginary: f64) -> String {
    let sign = if imaginary.is_sign_negative() { "" } else { "+" };
    format!(
        "{}{sign}{}j",
        short_float(&real.to_string(), real),
        short_float(&imaginary.to_string(), imaginary)
    )
}

/// The shortest text of a float, of at most eight digits after the point; `2.` for whole numbers.
fn short_float(shortest: &str, number: f64) -> String {
    if !number.is_finite() {
        return python_float(number)
            .replace("Infinity", "inf")
            .replace("NaN", "nan");
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e16).contains(&magnitude) {
        return python_float(number);
    }
    let digits = shortest.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    if digits > PRECISION {
        let rounded = format!("{number:.PRECISION$}");
        return rounded.trim_end_matches('0').to_owned();
    }
    if digits == 0 {
        format!("{shortest}.")
    } else {
        shortest.to_owned()
    }
}

/// Gives all items the same width: numbers by their points, texts by their beginnings.
fn aligned(items: &[String], data_type: &DataType) -> Vec<String> {
    let is_float = matches!(
        data_type,
        DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Float128
    );
    let is_text = matches!(
        data_type,
        DataType::FixedBytes(_)
            | DataType::FixedUtf32(_)
            | DataType::String
            | DataType::Bytes
            | DataType::Object
            | DataType::VlenArray(_)
            | DataType::Struct(_)
    );
    let fraction = |item: &str| item.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let fractions = items.iter().map(|item| fraction(item)).max().unwrap_or(0);
    let padded: Vec<String> = items
        .iter()
        .map(|item| {
            if is_float {
                format!("{item}{}", " ".repeat(fractions - fraction(item)))
            } else {
                item.clone()
            }
        })
        .collect();
    if is_text {
        return padded;
    }
    let width = padded.iter().map(String::len).max().unwrap_or(0);
    padded.into_iter().map(|item| format!("{item:>width$}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T: zarr_convenience::core::Element>(shape: &[u64], values: &[T], expected: &str) {
        assert_eq!(
            array_text(&ArrayData::new(shape.to_vec(), values).unwrap()),
            expected
        );
    }

    #[test]
    fn arrays_look_as_in_numpy() {
        // Observed in numpy 2.
        check(&[3], &[1_i32, 10, -5], "[ 1 10 -5]");
        check(
            &[2, 2],
            &[1.0_f64, 2.5, 3.25, -4.0],
            "[[ 1.    2.5 ]\n [ 3.25 -4.  ]]",
        );
        check(&[2], &[true, false], "[ True False]");
        check(&[], &[7_i64], "7");
        let long: Vec<i64> = (0..10_000).collect();
        check(&[10_000], &long, "[   0    1    2 ... 9997 9998 9999]");
        check(&[2, 1, 2], &[1_u8, 2, 3, 4], "[[[1 2]]\n\n [[3 4]]]");
    }

    /// Observed in numpy 2.5.
    #[test]
    fn objects_look_as_in_python() {
        let text = |text: &str| Object::Text(text.to_owned());
        let list = Object::List(vec![Object::Int(1), text("x")]);
        let map = Object::Map(vec![(
            text("k"),
            Object::List(vec![Object::Int(1), Object::Null]),
        )]);
        let all = [
            text("a"),
            text("b\n'"),
            Object::Null,
            Object::Int(1),
            Object::Float(1.5),
            Object::Bool(true),
            list,
            map,
            Object::Bytes(b"\0ab".to_vec()),
        ];
        check(
            &[9],
            &all,
            r#"['a' "b\n'" None 1 1.5 True list([1, 'x']) {'k': [1, None]} b'\x00ab']"#,
        );
        check(
            &[2, 2],
            &[text("x"), text("x"), text("x"), Object::Null],
            "[['x' 'x']\n ['x' None]]",
        );
        check(&[], &[text("abc")], "abc");
        check(&[], &[Object::List(vec![text("a"), Object::Int(1)])], "['a', 1]");
        let long = |letter: &str| letter.repeat(50);
        check(
            &[3],
            &[long("a"), long("b"), "c".to_owned()],
            &format!("['{}'\n '{}' 'c']", long("a"), long("b")),
        );
        check(
            &[3],
            &["ab".to_owned(), "c\"d".to_owned(), "e'f".to_owned()],
            r#"['ab' 'c"d' "e'f"]"#,
        );
    }

    /// Observed in numpy 2.5.
    #[test]
    fn arrays_within_arrays_look_as_in_numpy() {
        check(
            &[3],
            &[vec![1_i32, 2], vec![30], vec![]],
            "[array([1, 2], dtype=int32) array([30], dtype=int32)\n array([], dtype=int32)]",
        );
        let long: Vec<i64> = (0..5000).collect();
        check(
            &[2],
            &[long, vec![1]],
            "[array([   0,    1,    2, ..., 4997, 4998, 4999], shape=(5000,))\n array([1])]",
        );
        check(&[], &[vec![1_i32, 2]], "[1 2]");
        let many: Vec<i64> = (0..30).collect();
        check(
            &[2],
            &[many.clone(), many],
            "[array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,\n        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])\n array([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16,\n        17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])               ]",
        );
    }

    #[test]
    fn long_rows_are_broken() {
        let row: Vec<i64> = (0..40).collect();
        let text = array_text(&ArrayData::new(vec![40], &row).unwrap());
        assert!(text.lines().all(|line| line.len() <= 76), "{text}");
        assert!(
            text.lines().nth(1).is_some_and(|line| line.starts_with(" 2")),
            "{text}"
        );
    }
}
