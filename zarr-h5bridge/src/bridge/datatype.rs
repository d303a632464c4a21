//! What elements are in Zarr, and how they come out of the bytes of a file.

use zarr_convenience::core::codecs::{ByteOrder, DataType, Field, StructType};

use super::{clean::Clean, fill::unwritten, times::tagged_time};
use crate::hdf5::{Datatype, Field as FileField, FloatForm, Norm, NumberForm, NumberKind, ReferenceKind};

/// The largest element in bytes.
const SIZE_MAX: usize = (1 << 31) - 1;
/// How many runs of bytes a record may be put together from.
const RUNS_MAX: usize = 1 << 16;

/// The type of the elements of a dataset, in the words of Zarr.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Elements {
    pub(super) data_type: DataType,
    /// The byte order in the file; little where it makes no difference, and of a record that of its first number.
    pub(super) byte_order: ByteOrder,
    pub(super) form: Form,
    /// The dimensions that elements themselves have in the file.
    pub(super) inner: Vec<u64>,
    /// What is to be done to elements that are not records.
    clean: Clean,
    /// What objects are that were never written, in the form of JSON, if that is known.
    pub(super) unwritten: Option<String>,
}

/// How elements lie in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// As in memory, but for the byte order.
    Plain,
    /// As text of any length.
    Text,
    /// As sequences of any length of these elements.
    Sequence(Box<Elements>),
    /// As references to objects, which are texts: their paths.
    Path,
    /// As whatever else has pointers in it, which are objects in the form of JSON.
    Object,
    /// As records with fields anywhere.
    Record {
        /// Bytes of a record in the file.
        size: usize,
        /// What of it is kept, in the order of memory.
        runs: Vec<Run>,
        /// Whether Zarr has fields in another byte order than the file.
        is_reordered: bool,
    },
}

/// Bytes of a record that stay together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Where they are in the file's record.
    from: usize,
    size: usize,
    /// The size of the numbers whose bytes lie in reverse; 1 where none do.
    swap: usize,
    clean: Clean,
}

impl Elements {
    /// Finds the type of Zarr, or says why there is none.
    pub(super) fn new(stored: &Datatype) -> Result<Self, String> {
        let plain = |data_type| Self {
            data_type,
            byte_order: ByteOrder::Little,
            form: Form::Plain,
            inner: Vec::new(),
            clean: Clean::new(stored),
            unwritten: None,
        };
        if stored.is_hidden() {
            return Err("its elements are references of HDF5 1.12".to_owned());
        }
        Ok(match stored {
            Datatype::VlenString { .. } => Self {
                form: Form::Text,
                ..plain(DataType::String)
            },
            Datatype::Array { dims, element } => {
                let mut elements = Self::new(element)?;
                elements.inner.splice(0..0, dims.iter().copied());
                elements
            }
            Datatype::VlenSequence { element } => match Self::new(element) {
                Ok(element)
                    if element.form == Form::Plain && element.inner.is_empty() && is_number(&element) =>
                {
                    Self {
                        form: Form::Sequence(Box::new(element.clone())),
                        byte_order: element.byte_order,
                        unwritten: unwritten(stored),
                        ..plain(DataType::VlenArray(Box::new(element.data_type)))
                    }
                }
                _ => Self {
                    form: Form::Object,
                    unwritten: unwritten(stored),
                    ..plain(DataType::Object)
                },
            },
            Datatype::Reference {
                kind: ReferenceKind::Object,
                ..
            } => Self {
                form: Form::Path,
                ..plain(DataType::String)
            },
            pointing if pointing.points() => Self {
                form: Form::Object,
                unwritten: unwritten(stored),
                ..plain(DataType::Object)
            },
            Datatype::Compound { size, fields } if long_complex(*size, fields) => plain(DataType::Complex256),
            Datatype::Compound { size, fields } => record(*size, fields)?,
            _ => {
                let (data_type, byte_order) = single(stored)?;
                Self {
                    byte_order: byte_order.unwrap_or(ByteOrder::Little),
                    ..plain(data_type)
                }
            }
        })
    }

    /// The elements under a type that V3 has a name for.
    pub(super) fn named_in_v3(self) -> Self {
        match self.data_type {
            DataType::Struct(_) => match self.in_one_byte_order() {
                Some(record) => record,
                None => self.into_bytes(),
            },
            DataType::Float128 | DataType::Complex256 => self.into_bytes(),
            DataType::VlenArray(_) | DataType::Object => Self {
                data_type: DataType::String,
                form: Form::Object,
                clean: Clean::Keep,
                ..self
            },
            _ => self,
        }
    }

    /// The bytes of the file as they are.
    pub(super) fn into_bytes(self) -> Self {
        Self {
            data_type: DataType::Raw(u32::try_from(self.file_size()).unwrap_or(u32::MAX)),
            byte_order: ByteOrder::Little,
            form: Form::Plain,
            clean: Clean::Keep,
            ..self
        }
    }

    /// Records with all fields in the byte order of the first, as V3 has them, unless one of them has no form there.
    fn in_one_byte_order(&self) -> Option<Self> {
        let data_type = self.data_type.clone().in_one_byte_order();
        data_type.to_json().ok()?;
        let mut record = self.clone();
        if let Form::Record { is_reordered, .. } = &mut record.form {
            *is_reordered = data_type != self.data_type;
        }
        record.data_type = data_type;
        Some(record)
    }

    /// The same elements for records in memory that have texts of four bytes a character where the file has UTF-8.
    pub(super) fn with_texts_of(mut self, data_type: &DataType) -> Self {
        if let (DataType::Struct(record), Form::Record { runs, .. }) = (data_type, &mut self.form) {
            let mut parts = Vec::with_capacity(runs.len());
            parts_of(record, &mut parts);
            let mut has_any = false;
            for (run, part) in runs.iter_mut().zip(parts) {
                if let DataType::FixedUtf32(length) = part {
                    let size = *length as usize * 4;
                    (run.clean, has_any) = (Clean::Utf8 { size }, true);
                }
            }
            if has_any {
                self.data_type = data_type.clone();
            }
        }
        self
    }

    /// Whether elements have a fixed size in the file, and so lie in the chunks themselves.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.form, Form::Plain | Form::Record { .. })
    }

    /// The bytes of an element in the file, without the dimensions that it has itself; 0 for what has pointers.
    pub(super) fn file_size(&self) -> usize {
        match &self.form {
            Form::Plain => self.data_type.size().unwrap_or(0),
            Form::Text | Form::Sequence(_) | Form::Path | Form::Object => 0,
            Form::Record { size, .. } => *size,
        }
    }

    /// Whether elements lie in the file as they do in chunks of Zarr: all that can, or, of truths, just these.
    pub(super) fn are_stored_as_zarr(&self, elements: Option<&[u8]>) -> bool {
        match &self.form {
            Form::Plain => self.clean.keeps(elements),
            Form::Record {
                size,
                runs,
                is_reordered,
            } => {
                // Fields one behind the other; each says its byte order.
                let mut end = 0;
                let are_packed = runs.iter().all(|run| {
                    let is_next = run.from == end;
                    end += run.size;
                    is_next && run.clean == Clean::Keep
                });
                are_packed && end == *size && !is_reordered
            }
            Form::Text | Form::Sequence(_) | Form::Path | Form::Object => false,
        }
    }

    /// Whether values of a chunk must be looked at for that.
    pub(super) fn have_doubtful_values(&self) -> bool {
        self.are_stored_as_zarr(None) && !self.are_stored_as_zarr(Some(&[2]))
    }

    /// Turns elements as the file has them into those of memory, in C order and native byte order.
    ///
    /// Bytes left over at the end, being no whole element, are dropped.
    pub(super) fn decode(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let Form::Record { size, runs, .. } = &self.form else {
            self.data_type.reorder(&mut bytes, self.byte_order);
            return self.normalise(bytes);
        };
        let mut elements = Vec::with_capacity(bytes.len());
        for record in bytes.chunks_exact((*size).max(1)) {
            for run in runs {
                let start = elements.len();
                elements.extend(record.get(run.from..).into_iter().flatten().take(run.size));
                let Some(kept) = elements.get_mut(start..) else {
                    continue;
                };
                match run.swap {
                    1 => {}
                    size => kept.chunks_exact_mut(size).for_each(<[u8]>::reverse),
                }
                run.clean.apply(kept);
            }
        }
        elements
    }

    /// The opposite of [`decode`](Self::decode), for elements of a fixed size.
    pub(super) fn encode(&self, mut elements: Vec<u8>) -> Vec<u8> {
        let Form::Record { size, runs, .. } = &self.form else {
            self.clean.undo(&mut elements);
            self.data_type.reorder(&mut elements, self.byte_order);
            return elements;
        };
        let item_size = self.data_type.size().unwrap_or(1).max(1);
        let mut bytes = vec![0; elements.len() / item_size * size];
        for (element, record) in elements
            .chunks_exact(item_size)
            .zip(bytes.chunks_exact_mut((*size).max(1)))
        {
            let mut at = 0;
            for run in runs {
                let Some(kept) = record
                    .get_mut(run.from..)
                    .and_then(|rest| rest.get_mut(..run.size))
                else {
                    continue;
                };
                kept.copy_from_slice(&element[at..at + run.size]);
                at += run.size;
                run.clean.undo(kept);
                if run.swap > 1 {
                    kept.chunks_exact_mut(run.swap).for_each(<[u8]>::reverse);
                }
            }
        }
        bytes
    }

    /// Does what is left to do to elements whose numbers are in native byte order already.
    pub(super) fn normalise(&self, mut elements: Vec<u8>) -> Vec<u8> {
        self.clean.apply(&mut elements);
        elements
    }
}

/// The types of the runs of a record: of its fields, and of those of records in it as often as they are there.
fn parts_of<'a>(record: &'a StructType, parts: &mut Vec<&'a DataType>) {
    for field in &record.fields {
        match &field.data_type {
            DataType::Struct(nested) => {
                for _ in 0..field.n_elements().unwrap_or(0) {
                    parts_of(nested, parts);
                }
            }
            single => parts.push(single),
        }
    }
}

/// Whether sequences of these are arrays of `vlen-array`.
fn is_number(element: &Elements) -> bool {
    use DataType as D;
    let is_plain = !matches!(element.clean, Clean::Bits { .. });
    is_plain
        && matches!(
            element.data_type,
            D::Bool
                | D::Int8
                | D::Int16
                | D::Int32
                | D::Int64
                | D::UInt8
                | D::UInt16
                | D::UInt32
                | D::UInt64
                | D::Float16
                | D::Float32
                | D::Float64
                | D::Complex64
                | D::Complex128
        )
}

/// How the bits of the long double of x86-64 are arranged.
const LONG_DOUBLE: NumberForm = NumberForm {
    big_endian: false,
    precision: 80,
    offset: 0,
    kind: NumberKind::Float(FloatForm {
        sign: 79,
        exponent: 64,
        exponent_bits: 15,
        mantissa: 0,
        mantissa_bits: 64,
        bias: 16383,
        norm: Norm::Unknown,
    }),
};

/// The long double of x86-64.
pub(super) fn long_double() -> Datatype {
    Datatype::number(16, LONG_DOUBLE)
}

/// Whether a number is the long double of x86-64.
fn is_long_double(datatype: &Datatype) -> bool {
    matches!(datatype, Datatype::Other { size: 16, form: Some(form), .. } if *form == LONG_DOUBLE)
}

/// Whether a compound is a complex number of two long doubles.
fn long_complex(size: usize, fields: &[FileField]) -> bool {
    let [real, imaginary] = fields else {
        return false;
    };
    let are_named = real.name == "r" && imaginary.name == "i";
    let are_placed = real.offset == 0 && imaginary.offset == 16 && size == 32;
    are_named && are_placed && is_long_double(&real.datatype) && is_long_double(&imaginary.datatype)
}

fn order(big_endian: bool) -> ByteOrder {
    if big_endian {
        ByteOrder::Big
    } else {
        ByteOrder::Little
    }
}

/// A type that is neither text of any length nor put together from others, and its byte order if it has one.
fn single(datatype: &Datatype) -> Result<(DataType, Option<ByteOrder>), String> {
    let sized = |size: usize| {
        let fits = u32::try_from(size).ok().filter(|size| *size as usize <= SIZE_MAX);
        fits.ok_or_else(|| format!("its elements of {size} bytes are too large"))
    };
    Ok(match datatype {
        Datatype::Integer {
            size,
            signed,
            big_endian,
        } => (integer(*size, *signed)?, Some(order(*big_endian))),
        Datatype::Bitfield { size, big_endian } => (integer(*size, false)?, Some(order(*big_endian))),
        Datatype::Float { size, big_endian } => (float(*size)?, Some(order(*big_endian))),
        Datatype::Complex {
            part_size: 4,
            big_endian,
        } => (DataType::Complex64, Some(order(*big_endian))),
        Datatype::Complex {
            part_size: 8,
            big_endian,
        } => (DataType::Complex128, Some(order(*big_endian))),
        Datatype::Complex { part_size, .. } => {
            return Err(format!("complex numbers with parts of {part_size} bytes"));
        }
        Datatype::Bool => (DataType::Bool, None),
        Datatype::Enum { base, .. } => return single(base),
        Datatype::FixedString { size, .. } => (DataType::FixedBytes(sized(*size)?), None),
        Datatype::Opaque { size: 8, tag } if tagged_time(tag).is_some() => {
            let (time, order) = tagged_time(tag).ok_or("a tag that is none")?;
            (time, Some(order))
        }
        Datatype::Opaque { size, .. } | Datatype::Time { size, .. } => (DataType::Raw(sized(*size)?), None),
        Datatype::Reference { .. } => return Err("its elements are references into the file".to_owned()),
        Datatype::VlenSequence { .. } => return Err("its elements are sequences of any length".to_owned()),
        Datatype::VlenString { .. } => return Err("texts of any length lie within others".to_owned()),
        Datatype::Compound { .. } | Datatype::Array { .. } => {
            return Err("its elements are put together from others".to_owned());
        }
        long if is_long_double(long) => (DataType::Float128, Some(ByteOrder::Little)),
        Datatype::Other {
            size: size @ (1 | 2 | 4 | 8),
            form:
                Some(NumberForm {
                    big_endian,
                    kind: NumberKind::Integer { signed },
                    ..
                }),
            ..
        } => (integer(*size, *signed)?, Some(order(*big_endian))),
        Datatype::Other { size, .. } => (DataType::Raw(sized(*size)?), None),
    })
    .map(|(data_type, order)| {
        let order = order.filter(|_| data_type.has_byte_order());
        (data_type, order)
    })
}

fn integer(size: usize, signed: bool) -> Result<DataType, String> {
    Ok(match (size, signed) {
        (1, true) => DataType::Int8,
        (2, true) => DataType::Int16,
        (4, true) => DataType::Int32,
        (8, true) => DataType::Int64,
        (1, false) => DataType::UInt8,
        (2, false) => DataType::UInt16,
        (4, false) => DataType::UInt32,
        (8, false) => DataType::UInt64,
        _ => return Err(format!("whole numbers of {size} bytes")),
    })
}

fn float(size: usize) -> Result<DataType, String> {
    Ok(match size {
        2 => DataType::Float16,
        4 => DataType::Float32,
        8 => DataType::Float64,
        _ => return Err(format!("floats of {size} bytes")),
    })
}

fn record(size: usize, fields: &[FileField]) -> Result<Elements, String> {
    let mut pieces = Pieces::default();
    let (record, order) = struct_type(fields, 0, &mut pieces)?;
    if size > SIZE_MAX
        || pieces
            .runs
            .iter()
            .any(|run| run.from.checked_add(run.size).is_none_or(|end| end > size))
    {
        return Err(format!(
            "its fields do not lie within its records of {size} bytes"
        ));
    }
    Ok(Elements {
        inner: Vec::new(),
        data_type: DataType::Struct(record),
        byte_order: order.unwrap_or(ByteOrder::Little),
        clean: Clean::Keep,
        unwritten: None,
        form: Form::Record {
            size,
            runs: pieces.runs,
            is_reordered: false,
        },
    })
}

/// The runs of a record.
#[derive(Default)]
struct Pieces {
    runs: Vec<Run>,
}

/// The type of a record and the byte order of its first number, which is that of the record; fields that differ say so.
fn struct_type(
    fields: &[FileField],
    start: usize,
    pieces: &mut Pieces,
) -> Result<(StructType, Option<ByteOrder>), String> {
    let mut record = StructType {
        fields: Vec::with_capacity(fields.len()),
    };
    let mut first = None;
    for field in fields {
        let shown = format!("its field {:?}", field.name.to_string());
        let name = field
            .name
            .to_str()
            .ok_or_else(|| format!("{shown} has a name that is not UTF-8"))?;
        let from = start
            .checked_add(field.offset)
            .ok_or_else(|| format!("{shown} lies nowhere"))?;
        let (data_type, shape, order) =
            field_type(&field.datatype, from, pieces).map_err(|reason| format!("{shown}: {reason}"))?;
        first = first.or(order);
        record.fields.push(Field {
            is_reversed: order.is_some() && order != first,
            ..Field::new(name, data_type, shape)
        });
    }
    Ok((record, first))
}

/// The type of a field, the shape of the array that it is and its byte order, if any; adds where its bytes are.
fn field_type(
    stored: &Datatype,
    from: usize,
    pieces: &mut Pieces,
) -> Result<(DataType, Vec<u32>, Option<ByteOrder>), String> {
    let (element, shape) = match stored {
        Datatype::Array { dims, element } => {
            let shape: Option<Vec<u32>> = dims.iter().map(|length| u32::try_from(*length).ok()).collect();
            (&**element, shape.ok_or("it is too large")?)
        }
        single => (single, Vec::new()),
    };
    let count = shape
        .iter()
        .try_fold(1_usize, |count, length| count.checked_mul(*length as usize));
    let count = count.ok_or("it is too large")?;
    let too_large = || "it is too large".to_owned();
    if let Datatype::Compound { size, fields } = element {
        let (mut nested, mut order) = (StructType { fields: Vec::new() }, None);
        for index in 0..count {
            let start = index
                .checked_mul(*size)
                .and_then(|offset| from.checked_add(offset));
            (nested, order) = struct_type(fields, start.ok_or_else(too_large)?, pieces)?;
            if pieces.runs.len() > RUNS_MAX {
                return Err(too_large());
            }
        }
        return Ok((DataType::Struct(nested), shape, order));
    }
    let (data_type, order) = single(element)?;
    let size = data_type
        .size()
        .and_then(|size| size.checked_mul(count))
        .ok_or_else(too_large)?;
    let is_swapped = order.is_some_and(|order| order != ByteOrder::NATIVE);
    let run = Run {
        from,
        size,
        swap: if is_swapped {
            data_type.swap_size().unwrap_or(1)
        } else {
            1
        },
        clean: Clean::new(element),
    };
    pieces.runs.push(run);
    Ok((data_type, shape, order))
}
