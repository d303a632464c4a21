//! Arrays as NumPy prints them: nested lists in columns, the middle of large ones left out.

use zarr_convenience::core::{
    ArrayData,
    codecs::{DataType, LongDouble, SLOT_SIZE, Slot},
    metadata::json::python_float,
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
    let is_summary = array.n_elements() > THRESHOLD;
    let shown: Vec<Vec<Option<u64>>> = array
        .shape
        .iter()
        .map(|length| indices(*length, is_summary))
        .collect();
    if array.n_elements() == 0 {
        let shape = zarr_convenience::shape_text(&array.shape);
        return if array.shape.len() == 1 {
            "[]".to_owned()
        } else {
            format!("[], shape={shape}")
        };
    }
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
    let mut text = String::new();
    write_level(&mut text, &shown, 0, &mut items);
    text
}

/// The positions that are shown along a dimension; `None` stands for those that are left out.
fn indices(length: u64, is_summary: bool) -> Vec<Option<u64>> {
    if is_summary && length > 2 * EDGE {
        let tail = length - EDGE..length;
        return (0..EDGE).map(Some).chain([None]).chain(tail.map(Some)).collect();
    }
    (0..length).map(Some).collect()
}

/// Writes a dimension and those below it, taking items from the end.
fn write_level(text: &mut String, shown: &[Vec<Option<u64>>], depth: usize, items: &mut Vec<String>) {
    let Some(indices) = shown.get(depth) else {
        text.push_str(&items.pop().unwrap_or_default());
        return;
    };
    let indent = " ".repeat(depth + 1);
    text.push('[');
    let is_row = depth + 1 == shown.len();
    let mut width = depth + 1;
    for (number, index) in indices.iter().enumerate() {
        if number > 0 && !is_row {
            text.push_str(&"\n".repeat(shown.len() - depth - 1));
            text.push_str(&indent);
        }
        if !is_row {
            match index {
                Some(_) => write_level(text, shown, depth + 1, items),
                None => text.push_str("..."),
            }
            continue;
        }
        let item = if index.is_some() {
            items.pop().unwrap_or_default()
        } else {
            "...".to_owned()
        };
        if number > 0 && width + 1 + item.chars().count() > LINE_WIDTH {
            text.push('\n');
            text.push_str(&indent);
            width = depth + 1;
        } else if number > 0 {
            text.push(' ');
            width += 1;
        }
        width += item.chars().count();
        text.push_str(&item);
    }
    text.push(']');
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
        DataType::FixedBytes(_) => bytes_text(bytes.trim_ascii_end_nul()),
        DataType::FixedUtf32(_) => {
            let codes = bytes
                .chunks_exact(4)
                .map(|code| u32::from_ne_bytes(exactly(code)));
            let text: String = codes
                .map(|code| char::from_u32(code).unwrap_or('\u{fffd}'))
                .collect();
            format!("'{}'", crate::status::printable(text.trim_end_matches('\0')))
        }
        DataType::String => {
            let text = String::from_utf8_lossy(Slot::from_bytes(&bytes[..SLOT_SIZE]).of(heap));
            format!("'{}'", crate::status::printable(&text))
        }
        DataType::Bytes => bytes_text(Slot::from_bytes(&bytes[..SLOT_SIZE]).of(heap)),
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
        _ => bytes_text(bytes),
    }
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

fn bytes_text(bytes: &[u8]) -> String {
    format!("b'{}'", bytes.escape_ascii())
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
