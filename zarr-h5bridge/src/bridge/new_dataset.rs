//! What the copy of an array is to be in a file.

use std::sync::Arc;

use serde_json::{Map, Value};
use zarr_convenience::core::codecs::{ByteOrder, DataType, FillValue, StructType};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{NodePath, Options};
use zarr_convenience::{Creation, Result, SourceArray};

use super::array::Hdf5Array;
use super::datatype::{Elements, Form, long_double};
use super::new_filters::Asked;
use super::times::numpy_time;
use super::{original, type_json};
use crate::hdf5::{
    Charset, DatasetInfo, Datatype, Field, FillValue as FileFillValue, Name, NewDataset, StringPadding, Times,
};

/// What HDF5 can count the bytes of a chunk with.
const CHUNK_SIZE_MAX: u64 = u32::MAX as u64;
/// The most dimensions of a dataset.
const DIMENSIONS_MAX: usize = 32;

/// The shape of chunks that are not longer than the array.
pub(super) fn clamped(chunk_shape: &[u64], shape: &[u64]) -> Vec<u64> {
    let lengths = chunk_shape.iter().zip(shape);
    lengths
        .map(|(chunk, length)| (*chunk).min(*length).max(1))
        .collect()
}

/// A dataset that is to be made, and how the elements of an array become its own.
pub(super) struct Target {
    pub(super) new: NewDataset,
    pub(super) elements: Elements,
    /// Whether elements that are never written are those of the array.
    pub(super) keeps_fill: bool,
    /// Whether it is the array of Zarr that says nothing of elements that are never written.
    pub(super) is_fill_null: bool,
}

impl Target {
    /// Chooses zero for elements that are never written.
    pub(super) fn define_fill(&mut self) {
        self.new.is_fill_undefined = false;
        self.is_fill_null = false;
    }
}

/// What the copy of an array is to be, or why there can be none; `original` is what was kept of a dataset before.
pub(super) fn new_dataset(
    array: &dyn SourceArray,
    creation: &Creation,
    original: &Map<String, Value>,
) -> Result<Result<Target, String>> {
    let dataset = array
        .as_any()
        .and_then(|array| array.downcast_ref::<Hdf5Array>())
        .map(Hdf5Array::info);
    let asked = Asked::new(creation)?;
    let (datatype, elements) = match file_type(array, dataset, original) {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let n_outer = array.shape().len().saturating_sub(elements.inner.len());
    if n_outer > DIMENSIONS_MAX {
        return Ok(Err(format!("HDF5 has no more than {DIMENSIONS_MAX} dimensions")));
    }
    // The chunk shape and the fill value are those that a Zarr copy would have.
    let own = Creation {
        chunks: creation.chunks.clone(),
        fill_value: creation.fill_value.clone(),
        ..Creation::default()
    };
    let (shape, order) = (array.shape().to_vec(), array.byte_order());
    let builder = own.apply(array.builder()?, &shape, array.data_type(), order)?;
    let nowhere = Arc::new(MemoryStore::new());
    let target = builder.prepare(nowhere, &NodePath::root(), &Options::default())?;
    let fill_value = target.metadata().fill_value_or_zero().clone();
    let is_fill_null =
        target.metadata().fill_value.is_none() && (elements.is_fixed() || elements.form == Form::Text);
    // What was in one piece stays so, unless chunks are asked for.
    let is_whole = dataset.is_some() && array.chunk_shape().is_none() && creation.chunks.is_none();
    let is_chunked = n_outer > 0 && !shape.contains(&0) && !is_whole;
    let chunk_shape = is_chunked.then(|| {
        let mut chunks = clamped(target.chunk_shape(), &shape);
        chunks.truncate(n_outer);
        chunks
    });
    let lengths = chunk_shape.iter().flatten().chain(&elements.inner);
    let item_size = elements.file_size().max(1) as u64;
    let chunk_size = lengths.fold(item_size, |size, length| size.saturating_mul(*length));
    let filters = match &chunk_shape {
        Some(_) => asked.filters(array, dataset, &elements, chunk_size),
        None => Vec::new(),
    };
    let mut new = NewDataset {
        named_type: None,
        shape: shape.get(..n_outer).unwrap_or(&shape).to_vec(),
        is_null: false,
        max_shape: None,
        is_compact: false,
        filters,
        chunk_shape,
        filters_partial_chunks: true,
        fill_value: same_fill(dataset, creation, &datatype)
            .or_else(|| file_fill(&fill_value, array.data_type(), &datatype, &elements))
            .filter(|_| !is_fill_null),
        is_fill_undefined: is_fill_null,
        tracks_attributes: false,
        times: Times::default(),
        datatype,
    };
    if !original.is_empty() {
        let filters = std::mem::take(&mut new.filters);
        take_original(original, &elements, &mut new);
        if is_fill_null {
            (new.fill_value, new.is_fill_undefined) = (None, true);
        }
        if asked.names_any() && new.chunk_shape.is_some() {
            new.filters = filters;
        }
    }
    let lengths = new.chunk_shape.iter().flatten();
    let chunk_size = lengths.fold(item_size, |size, length| size.saturating_mul(*length));
    if new.chunk_shape.is_some() && chunk_size > CHUNK_SIZE_MAX {
        let reason = format!("its chunks of {chunk_size} bytes are larger than HDF5 can have them");
        return Ok(Err(reason));
    }
    let keeps_fill = keeps_fill(&new, &elements, &fill_value);
    Ok(Ok(Target {
        new,
        elements,
        keeps_fill,
        is_fill_null,
    }))
}

/// The fill value of a dataset for another one of its type, whatever Zarr has for it.
fn same_fill(dataset: Option<&DatasetInfo>, creation: &Creation, datatype: &Datatype) -> Option<Vec<u8>> {
    let dataset = dataset.filter(|dataset| dataset.datatype == *datatype && creation.fill_value.is_none())?;
    match &dataset.fill_value {
        FileFillValue::User(bytes) if datatype.size().is_some() => Some(bytes.clone()),
        _ => None,
    }
}

/// Whether elements of a new dataset that are never written are those of an array with a fill value.
fn keeps_fill(new: &NewDataset, elements: &Elements, fill_value: &FillValue) -> bool {
    let in_file = new
        .fill_value
        .clone()
        .map_or(FileFillValue::Default(Vec::new()), FileFillValue::User);
    match &in_file {
        FileFillValue::User(_) => {
            elements.tells_fill(&in_file) && elements.fill_value(&in_file).as_bytes() == fill_value.as_bytes()
        }
        // Objects of which nothing was written have a form of their own in V3.
        _ => fill_value.is_zero() || *fill_value == elements.fill_value(&in_file),
    }
}

/// Makes a new dataset what the original was; the fill value of Zarr counts where it was changed.
fn take_original(original: &Map<String, Value>, elements: &Elements, new: &mut NewDataset) {
    let usual = new.fill_value.take();
    original::to_dataset(original, new);
    let chosen = original::fill_value(original);
    let is_text = matches!(new.datatype, Datatype::VlenString { .. });
    let is_changed = |usual: &Vec<u8>| match &chosen {
        _ if is_text => chosen.as_deref().unwrap_or_default() != usual,
        Some(before) => elements.fill_differs(before, usual),
        None => elements.fill_differs(&vec![0; usual.len()], usual),
    };
    let has_form = elements.file_size() > 0
        || matches!(
            new.datatype,
            Datatype::VlenString { .. } | Datatype::VlenSequence { .. }
        );
    new.fill_value = match usual {
        Some(usual) if is_changed(&usual) => Some(usual),
        _ => chosen.filter(|_| has_form),
    };
}

/// The fill value of an array in the bytes of the file, where the file can have it and does not have it anyway.
fn file_fill(
    fill_value: &FillValue,
    data_type: &DataType,
    datatype: &Datatype,
    elements: &Elements,
) -> Option<Vec<u8>> {
    let bytes = fill_value.as_bytes();
    if !elements.inner.is_empty() {
        return None;
    }
    match (datatype, data_type) {
        (Datatype::VlenString { .. }, DataType::String | DataType::Bytes) => {
            // The library's own is the empty text, and a zero byte would end one.
            (!bytes.is_empty() && !bytes.contains(&0)).then(|| bytes.to_vec())
        }
        _ if elements.file_size() > 0 => Some(elements.encode(bytes.to_vec())),
        _ => None,
    }
}

/// The type of the elements in the file: what it was before, if that still fits, else the nearest.
fn file_type(
    array: &dyn SourceArray,
    dataset: Option<&DatasetInfo>,
    original: &Map<String, Value>,
) -> Result<(Datatype, Elements), String> {
    let fits = |datatype: &Datatype| {
        let elements = Elements::new(datatype).ok()?;
        let is_same = |elements: &Elements| {
            let is_text = elements.form == Form::Text && *array.data_type() == DataType::Bytes;
            (is_text || elements.data_type == *array.data_type()) && array.shape().ends_with(&elements.inner)
        };
        let in_v3 = elements.clone().named_in_v3();
        // As which records were copied into V3 before they had a form there.
        let bytes = elements.clone().into_bytes();
        [elements, in_v3, bytes].into_iter().find(is_same)
    };
    let before = original.get("type").and_then(type_json::from_json);
    if let Some(found) = before.and_then(|datatype| fits(&datatype).map(|elements| (datatype, elements))) {
        return Ok(found);
    }
    // What HDF5 alone has goes from file to file.
    if let Some(info) =
        dataset.filter(|info| info.datatype.points() || matches!(info.datatype, Datatype::Array { .. }))
        && let Some(elements) = fits(&info.datatype)
    {
        return Ok((info.datatype.clone(), elements));
    }
    let datatype = stored_type(array.data_type(), array.byte_order())?;
    let elements = Elements::new(&datatype)?.with_texts_of(array.data_type());
    Ok((datatype, elements))
}

/// The type of the elements in the file, whose bytes are those of memory but for the byte order.
fn stored_type(data_type: &DataType, order: ByteOrder) -> Result<Datatype, String> {
    let big_endian = order == ByteOrder::Big;
    let integer = |size, signed| Datatype::Integer {
        size,
        signed,
        big_endian: big_endian && size > 1,
    };
    let float = |size| Datatype::Float { size, big_endian };
    let complex = |part_size| Datatype::Complex {
        part_size,
        big_endian,
    };
    Ok(match data_type {
        DataType::Bool => Datatype::Bool,
        DataType::Int8 => integer(1, true),
        DataType::Int16 => integer(2, true),
        DataType::Int32 => integer(4, true),
        DataType::Int64 => integer(8, true),
        DataType::UInt8 => integer(1, false),
        DataType::UInt16 => integer(2, false),
        DataType::UInt32 => integer(4, false),
        DataType::UInt64 => integer(8, false),
        DataType::Float16 => float(2),
        DataType::Float32 => float(4),
        DataType::Float64 => float(8),
        DataType::Complex64 => complex(4),
        DataType::Complex128 => complex(8),
        DataType::FixedBytes(size @ 1..) => Datatype::FixedString {
            size: *size as usize,
            padding: StringPadding::NullPadded,
            charset: Charset::Ascii,
        },
        DataType::Raw(size @ 1..) => Datatype::Opaque {
            size: *size as usize,
            tag: String::new(),
        },
        DataType::Struct(record) => compound(record, order)?,
        DataType::String | DataType::FixedUtf32(_) | DataType::Object => Datatype::VlenString {
            charset: Charset::Utf8,
        },
        DataType::Bytes => Datatype::VlenSequence {
            element: Box::new(Datatype::Integer {
                size: 1,
                signed: false,
                big_endian: false,
            }),
        },
        DataType::VlenArray(element) => Datatype::VlenSequence {
            element: Box::new(stored_type(element, order)?),
        },
        // The words of h5py for what NumPy has and HDF5 has not.
        time @ (DataType::DateTime64(_) | DataType::TimeDelta64(_)) => Datatype::Opaque {
            size: 8,
            tag: format!("NUMPY:{}", numpy_time(time, order)),
        },
        DataType::Float128 => long_double(),
        DataType::Complex256 => {
            let field = |name: &str, offset| Field {
                name: Name::from(name),
                offset,
                datatype: long_double(),
            };
            Datatype::Compound {
                size: 32,
                fields: vec![field("r", 0), field("i", 16)],
            }
        }
        other => return Err(format!("HDF5 has no type for {other}")),
    })
}

/// The name of a field, which of padding is that by which `NumPy` reads it: `f` and its place.
fn field_name(record: &StructType, at: usize) -> String {
    let given = &record.fields[at].name;
    if !given.is_empty() {
        return given.clone();
    }
    let mut name = format!("f{at}");
    while record.fields.iter().any(|field| field.name == name) {
        name.push('_');
    }
    name
}

fn compound(record: &StructType, order: ByteOrder) -> Result<Datatype, String> {
    let (mut fields, mut size) = (Vec::new(), 0);
    for (at, field) in record.fields.iter().enumerate() {
        if field.data_type.is_variable() {
            return Err(format!("HDF5 has no type for its field {:?}", field.name));
        }
        let mut datatype = match &field.data_type {
            // Texts of any length would lie outside of the records; in UTF-8 no character takes more than four bytes.
            DataType::FixedUtf32(length @ 1..) => Datatype::FixedString {
                size: *length as usize * 4,
                padding: StringPadding::NullPadded,
                charset: Charset::Utf8,
            },
            other => stored_type(other, field.byte_order(order))?,
        };
        if !field.shape.is_empty() {
            datatype = Datatype::Array {
                dims: field.shape.iter().map(|length| u64::from(*length)).collect(),
                element: Box::new(datatype),
            };
        }
        let offset = size;
        size += datatype
            .size()
            .filter(|size| *size > 0)
            .ok_or("writing fields without a size to HDF5 is not there yet")?;
        fields.push(Field {
            name: Name::from(field_name(record, at).as_str()),
            offset,
            datatype,
        });
    }
    if fields.is_empty() {
        return Err("HDF5 has no records without fields".to_owned());
    }
    Ok(Datatype::Compound { size, fields })
}
