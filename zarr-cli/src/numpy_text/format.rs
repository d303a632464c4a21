//! One element as text, in a form that suits all elements of its array.

use std::fmt::Write;

use zarr_convenience::{
    bytes_repr,
    core::codecs::{
        DataType, NarrowType, Object, SLOT_SIZE, Slot, StructType, TimeUnit, time, utf32_text,
        without_padding,
    },
    object_repr, text_repr,
};

use super::{
    floats::{FloatFormat, Real, complex_alone},
    inner_array,
    lists::array_repr,
};

/// How the elements of an array are written.
pub(super) enum Format {
    /// Moved to the right, to be as wide as the widest.
    Right(usize),
    Float(FloatFormat),
    Complex {
        real: FloatFormat,
        imaginary: FloatFormat,
    },
    /// Each as it is.
    Plain,
    Record(Vec<FieldFormat>),
}

/// How the elements of a field are written.
pub(super) struct FieldFormat {
    format: Format,
    /// Where the field is within a record, in bytes.
    start: usize,
    end: usize,
}

impl Format {
    /// A form for elements, which are given by their bytes.
    pub(super) fn new(data_type: &DataType, elements: &[&[u8]], heap: &[u8]) -> Self {
        match data_type {
            DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Float128 => {
                let numbers: Vec<_> = elements.iter().copied().map(Real::from_ne_bytes).collect();
                Self::Float(FloatFormat::new(&numbers, false))
            }
            DataType::Complex64 | DataType::Complex128 | DataType::Complex256 => {
                let parts = elements.iter().map(|element| complex_parts(data_type, element));
                let (real, imaginary): (Vec<_>, Vec<_>) = parts.unzip();
                Self::Complex {
                    real: FloatFormat::new(&real, false),
                    imaginary: FloatFormat::new(&imaginary, true),
                }
            }
            DataType::Narrow(narrow) if !narrow.is_integer() => {
                let parts: Vec<_> = elements
                    .iter()
                    .map(|element| narrow_parts(*narrow, element))
                    .collect();
                let part = |index: usize| parts.iter().map(|parts| parts[index]).collect::<Vec<_>>();
                if narrow.is_complex() {
                    Self::Complex {
                        real: FloatFormat::new(&part(0), false),
                        imaginary: FloatFormat::new(&part(1), true),
                    }
                } else {
                    Self::Float(FloatFormat::new(&part(0), false))
                }
            }
            DataType::Struct(record) => Self::Record(field_formats(record, elements, heap)),
            DataType::FixedBytes(_)
            | DataType::FixedUtf32(_)
            | DataType::String
            | DataType::Bytes
            | DataType::Object
            | DataType::VlenArray(_) => Self::Plain,
            _ => {
                let width = |element: &&[u8]| quoted(data_type, element, heap).chars().count();
                let least = if *data_type == DataType::Bool {
                    "False".len()
                } else {
                    0
                };
                Self::Right(elements.iter().map(width).max().unwrap_or(0).max(least))
            }
        }
    }

    /// An element among others.
    pub(super) fn text(&self, data_type: &DataType, element: &[u8], heap: &[u8]) -> String {
        match (self, data_type) {
            (Self::Float(format), _) => format.text(real_part(data_type, element)),
            (Self::Complex { real, imaginary }, _) => {
                let (left, right) = complex_parts(data_type, element);
                let right = imaginary.text(right);
                let number = right.trim_end();
                let spaces = &right[number.len()..];
                format!("{}{number}j{spaces}", real.text(left))
            }
            (Self::Right(width), _) => format!("{:>width$}", quoted(data_type, element, heap)),
            (Self::Record(formats), DataType::Struct(record)) => {
                let fields = formats
                    .iter()
                    .zip(&record.fields)
                    .filter(|(_, field)| !field.name.is_empty());
                tuple(fields.map(|(field, described)| {
                    let size = described.data_type.size().unwrap_or(0).max(1);
                    let mut items = element[field.start..field.end]
                        .chunks_exact(size)
                        .map(|item| field.format.text(&described.data_type, item, heap));
                    nested(&described.shape, &mut items)
                }))
            }
            _ => quoted(data_type, element, heap),
        }
    }
}

fn field_formats(record: &StructType, elements: &[&[u8]], heap: &[u8]) -> Vec<FieldFormat> {
    let mut start = 0;
    let formats = record.fields.iter().map(|field| {
        let end = start + field.size().unwrap_or(0);
        let size = field.data_type.size().unwrap_or(0).max(1);
        let items: Vec<&[u8]> = elements
            .iter()
            .flat_map(|element| element[start..end].chunks_exact(size))
            .collect();
        let format = Format::new(&field.data_type, &items, heap);
        let described = FieldFormat { format, start, end };
        start = end;
        described
    });
    formats.collect()
}

/// The text of an array without dimensions, for which Python prints `str` of the element.
pub(super) fn alone(data_type: &DataType, element: &[u8], heap: &[u8]) -> String {
    match data_type {
        DataType::Complex64 | DataType::Complex128 | DataType::Complex256 => {
            let (real, imaginary) = complex_parts(data_type, element);
            complex_alone(real, imaginary)
        }
        DataType::Narrow(narrow) if narrow.is_complex() => {
            let (real, imaginary) = complex_parts(data_type, element);
            complex_alone(real, imaginary)
        }
        DataType::FixedUtf32(_) => utf32_text(element),
        DataType::String => String::from_utf8_lossy(in_heap(element, heap)).into_owned(),
        DataType::VlenArray(numbers) => inner_array(numbers, in_heap(element, heap)).map_or_else(
            || bytes_repr(in_heap(element, heap)),
            |array| super::array_text(&array),
        ),
        DataType::Object => match Object::from_item(in_heap(element, heap)) {
            Ok(Object::Text(text)) => text,
            Ok(object) => object_repr(&object),
            Err(_) => bytes_repr(in_heap(element, heap)),
        },
        DataType::DateTime64(unit) => time::format(count(element), *unit),
        DataType::TimeDelta64(unit) => duration(count(element), *unit),
        _ => alone_in_record(data_type, element, heap),
    }
}

/// A field of a record on its own; floats and records in it are on their own too, all else is as among others.
fn alone_in_record(data_type: &DataType, element: &[u8], heap: &[u8]) -> String {
    match data_type {
        DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Float128 => {
            Real::from_ne_bytes(element).alone()
        }
        DataType::Narrow(narrow) if !narrow.is_integer() && !narrow.is_complex() => {
            real_part(data_type, element).alone()
        }
        DataType::Struct(record) => {
            let mut rest = element;
            let fields = record.fields.iter().map(|field| {
                let (bytes, others) = rest.split_at(field.size().unwrap_or(0).min(rest.len()));
                rest = others;
                let size = field.data_type.size().unwrap_or(0).max(1);
                let mut items = bytes
                    .chunks_exact(size)
                    .map(|item| alone_in_record(&field.data_type, item, heap));
                (field.name.is_empty(), nested(&field.shape, &mut items))
            });
            tuple(fields.filter(|(is_padding, _)| !is_padding).map(|(_, text)| text))
        }
        _ => match Format::new(data_type, &[element], heap) {
            Format::Right(_) => quoted(data_type, element, heap),
            format => format.text(data_type, element, heap),
        },
    }
}

/// A tuple as Python writes it.
fn tuple(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    match &items[..] {
        [one] => format!("({one},)"),
        _ => format!("({})", items.join(", ")),
    }
}

/// The elements of a field as nested lists.
fn nested(shape: &[u32], items: &mut impl Iterator<Item = String>) -> String {
    let Some((length, inner)) = shape.split_first() else {
        return items.next().unwrap_or_default();
    };
    let parts: Vec<_> = (0..*length).map(|_| nested(inner, items)).collect();
    format!("[{}]", parts.join(", "))
}

/// An element that needs no others to be written; texts and dates in quotes.
fn quoted(data_type: &DataType, element: &[u8], heap: &[u8]) -> String {
    match data_type {
        DataType::Bool => if element == [0] { "False" } else { "True" }.to_owned(),
        DataType::Int8 => i8::from_ne_bytes(exactly(element)).to_string(),
        DataType::UInt8 => u8::from_ne_bytes(exactly(element)).to_string(),
        DataType::Int16 => i16::from_ne_bytes(exactly(element)).to_string(),
        DataType::UInt16 => u16::from_ne_bytes(exactly(element)).to_string(),
        DataType::Int32 => i32::from_ne_bytes(exactly(element)).to_string(),
        DataType::UInt32 => u32::from_ne_bytes(exactly(element)).to_string(),
        DataType::Int64 => i64::from_ne_bytes(exactly(element)).to_string(),
        DataType::UInt64 => u64::from_ne_bytes(exactly(element)).to_string(),
        DataType::Narrow(narrow) => {
            let number = narrow
                .components(element)
                .next()
                .map_or(0.0, |bits| narrow.to_f64(bits));
            number.to_string()
        }
        DataType::FixedBytes(_) => bytes_repr(without_padding(element)),
        DataType::FixedUtf32(_) => text_repr(&utf32_text(element)),
        DataType::String => text_repr(&String::from_utf8_lossy(in_heap(element, heap))),
        DataType::Bytes => bytes_repr(in_heap(element, heap)),
        DataType::Object => object_text(in_heap(element, heap)),
        DataType::VlenArray(numbers) => {
            let item = in_heap(element, heap);
            inner_array(numbers, item).map_or_else(|| bytes_repr(item), |array| array_repr(&array))
        }
        DataType::DateTime64(unit) => format!("'{}'", time::format(count(element), *unit)),
        DataType::TimeDelta64(_) => match count(element) {
            time::NOT_A_TIME => "'NaT'".to_owned(),
            count => count.to_string(),
        },
        // Bytes without a meaning.
        _ => {
            let mut text = "b'".to_owned();
            for byte in element {
                write!(text, "\\x{byte:02X}").expect("writing to a String succeeds");
            }
            text.push('\'');
            text
        }
    }
}

/// An item of an object array, as it stands among others.
fn object_text(item: &[u8]) -> String {
    match Object::from_item(item) {
        Ok(list @ Object::List(_)) => format!("list({})", object_repr(&list)),
        Ok(object) => object_repr(&object),
        Err(_) => bytes_repr(item),
    }
}

/// A duration in words: `7 days`.
fn duration(count: i64, unit: TimeUnit) -> String {
    if count == time::NOT_A_TIME {
        return "NaT".to_owned();
    }
    let name = match unit.unit {
        "Y" => "years",
        "M" => "months",
        "W" => "weeks",
        "D" => "days",
        "h" => "hours",
        "m" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "ps" => "picoseconds",
        "fs" => "femtoseconds",
        _ => "attoseconds",
    };
    format!("{} {name}", i128::from(count) * i128::from(unit.scale))
}

/// The real and the imaginary part.
fn complex_parts(data_type: &DataType, element: &[u8]) -> (Real, Real) {
    if let DataType::Narrow(narrow) = data_type {
        let [real, imaginary] = narrow_parts(*narrow, element);
        return (real, imaginary);
    }
    let (real, imaginary) = element.split_at(element.len() / 2);
    (Real::from_ne_bytes(real), Real::from_ne_bytes(imaginary))
}

/// A float that is not complex.
fn real_part(data_type: &DataType, element: &[u8]) -> Real {
    match data_type {
        DataType::Narrow(narrow) => narrow_parts(*narrow, element)[0],
        _ => Real::from_ne_bytes(element),
    }
}

/// The components of a narrow float, of which singles hold all; the second is 0 where there is one.
fn narrow_parts(narrow: NarrowType, element: &[u8]) -> [Real; 2] {
    let mut parts = narrow.components(element).map(|bits| narrow.to_f64(bits) as f32);
    [parts.next().unwrap_or(0.0), parts.next().unwrap_or(0.0)].map(Real::Single)
}

fn count(element: &[u8]) -> i64 {
    i64::from_ne_bytes(exactly(element))
}

/// The item that a slot points to.
fn in_heap<'a>(slot: &[u8], heap: &'a [u8]) -> &'a [u8] {
    Slot::from_bytes(&slot[..SLOT_SIZE]).of(heap)
}

fn exactly<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("an element has the size of its type")
}
