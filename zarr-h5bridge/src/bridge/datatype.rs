//! What elements are in Zarr, and how they come out of the bytes of a file.

use zarr_convenience::core::codecs::{ByteOrder, DataType, Field, FillValue, StructType};

use super::clean::Clean;
use crate::hdf5::{Datatype, EnumMember, Field as FileField, FillValue as FileFillValue};

/// The largest element in bytes.
const SIZE_MAX: usize = (1 << 31) - 1;
/// How many runs of bytes a record may be put together from.
const RUNS_MAX: usize = 1 << 16;

/// The type of the elements of a dataset, in the words of Zarr.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Elements {
    pub(super) data_type: DataType,
    /// The byte order in the file; little where it makes no difference, and where the fields of a record differ.
    pub(super) byte_order: ByteOrder,
    pub(super) form: Form,
    /// What is to be done to elements that are not records.
    clean: Clean,
}

/// How elements lie in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// As in memory, but for the byte order.
    Plain,
    /// As text of any length.
    Text,
    /// As records with fields anywhere.
    Record {
        /// Bytes of a record in the file.
        size: usize,
        /// What of it is kept, in the order of memory.
        runs: Vec<Run>,
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
            clean: Clean::new(stored),
        };
        Ok(match stored {
            Datatype::VlenString { .. } => Self {
                form: Form::Text,
                ..plain(DataType::String)
            },
            Datatype::Compound { size, fields } => record(*size, fields)?,
            Datatype::Array { .. } => return Err("its elements are arrays".to_owned()),
            _ => {
                let (data_type, byte_order) = single(stored)?;
                Self {
                    byte_order: byte_order.unwrap_or(ByteOrder::Little),
                    ..plain(data_type)
                }
            }
        })
    }

    /// The bytes of an element in the file; 0 for text.
    pub(super) fn file_size(&self) -> usize {
        match &self.form {
            Form::Plain => self.data_type.size().unwrap_or(0),
            Form::Text => 0,
            Form::Record { size, .. } => *size,
        }
    }

    /// Turns elements as the file has them into those of memory, in C order and native byte order.
    ///
    /// Bytes left over at the end, being no whole element, are dropped.
    pub(super) fn decode(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let Form::Record { size, runs } = &self.form else {
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

    /// Does what is left to do to elements whose numbers are in native byte order already.
    pub(super) fn normalise(&self, mut elements: Vec<u8>) -> Vec<u8> {
        self.clean.apply(&mut elements);
        elements
    }

    /// The bytes of an element in the file that was never written.
    pub(super) fn file_fill(&self, fill_value: &FileFillValue) -> Vec<u8> {
        let size = self.file_size();
        match fill_value {
            FileFillValue::Default(bytes) | FileFillValue::User(bytes) if bytes.len() == size => {
                bytes.clone()
            }
            _ => vec![0; size],
        }
    }

    /// What elements are that were never written; undefined ones are zero.
    pub(super) fn fill_value(&self, fill_value: &FileFillValue) -> FillValue {
        let zero = FillValue::zero(&self.data_type);
        let (FileFillValue::Default(bytes) | FileFillValue::User(bytes)) = fill_value else {
            return zero;
        };
        match self.form {
            // A text that is none has no form in metadata.
            Form::Text if std::str::from_utf8(bytes).is_err() => zero,
            Form::Text => FillValue::new(bytes.clone()),
            _ => FillValue::new(self.decode(self.file_fill(fill_value))),
        }
    }
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
        Datatype::Opaque { size, .. } => (DataType::Raw(sized(*size)?), None),
        Datatype::Reference { .. } => return Err("its elements are references into the file".to_owned()),
        Datatype::VlenSequence { .. } => return Err("its elements are sequences of any length".to_owned()),
        Datatype::VlenString { .. } => return Err("texts of any length lie within others".to_owned()),
        Datatype::Compound { .. } | Datatype::Array { .. } => {
            return Err("its elements are put together from others".to_owned());
        }
        Datatype::Time { .. } => return Err("its elements are of HDF5's time class".to_owned()),
        Datatype::Other { reason, .. } => return Err(reason.clone()),
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
    let record = struct_type(fields, 0, &mut pieces)?;
    if size > SIZE_MAX
        || pieces
            .runs
            .iter()
            .any(|(run, _)| run.from.checked_add(run.size).is_none_or(|end| end > size))
    {
        return Err(format!(
            "its fields do not lie within its records of {size} bytes"
        ));
    }
    let mut orders = pieces.runs.iter().filter_map(|(_, order)| *order);
    let first = orders.next().unwrap_or(ByteOrder::Little);
    let byte_order = if orders.all(|order| order == first) {
        first
    } else {
        ByteOrder::Little
    };
    Ok(Elements {
        data_type: DataType::Struct(record),
        byte_order,
        clean: Clean::Keep,
        form: Form::Record {
            size,
            runs: pieces.runs.into_iter().map(|(run, _)| run).collect(),
        },
    })
}

/// The runs of a record, each with the byte order of its numbers.
#[derive(Default)]
struct Pieces {
    runs: Vec<(Run, Option<ByteOrder>)>,
}

fn struct_type(fields: &[FileField], start: usize, pieces: &mut Pieces) -> Result<StructType, String> {
    let mut record = StructType {
        fields: Vec::with_capacity(fields.len()),
    };
    for field in fields {
        let shown = format!("its field {:?}", field.name.to_string());
        let name = field
            .name
            .to_str()
            .ok_or_else(|| format!("{shown} has a name that is not UTF-8"))?;
        let from = start
            .checked_add(field.offset)
            .ok_or_else(|| format!("{shown} lies nowhere"))?;
        let (data_type, shape) =
            field_type(&field.datatype, from, pieces).map_err(|reason| format!("{shown}: {reason}"))?;
        record.fields.push(Field::new(name, data_type, shape));
    }
    Ok(record)
}

/// The type of a field and the shape of the array that it is; adds where its bytes are.
fn field_type(stored: &Datatype, from: usize, pieces: &mut Pieces) -> Result<(DataType, Vec<u32>), String> {
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
        let mut nested = StructType { fields: Vec::new() };
        for index in 0..count {
            let start = index
                .checked_mul(*size)
                .and_then(|offset| from.checked_add(offset));
            nested = struct_type(fields, start.ok_or_else(too_large)?, pieces)?;
            if pieces.runs.len() > RUNS_MAX {
                return Err(too_large());
            }
        }
        return Ok((DataType::Struct(nested), shape));
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
    pieces.runs.push((run, order));
    Ok((data_type, shape))
}

/// What is lost of a type although its values are kept.
pub(super) fn lost_names(datatype: &Datatype) -> Option<String> {
    let Datatype::Enum { base, members } = datatype else {
        return None;
    };
    let names: Vec<_> = members
        .iter()
        .take(20)
        .map(|member| named(member, base))
        .collect();
    let more = if members.len() > names.len() { ", ..." } else { "" };
    Some(format!("the names of its numbers: {}{more}", names.join(", ")))
}

fn named(member: &EnumMember, base: &Datatype) -> String {
    let number = super::attributes::integer(base, &member.value);
    number.map_or_else(
        || member.name.to_string(),
        |number| format!("{} = {number}", member.name),
    )
}
