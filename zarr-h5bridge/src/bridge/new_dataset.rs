//! What the copy of an array is to be in a file.

use std::sync::Arc;

use serde_json::Value;
use zarr_convenience::core::codecs::{ByteOrder, DataType, StructType};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{NodePath, Options};
use zarr_convenience::{Creation, Error, Result, SourceArray};

use super::array::Hdf5Array;
use crate::hdf5::{Charset, DatasetInfo, Datatype, Field, Filter, Name, NewDataset, StringPadding};

/// The level of compression that h5py is asked for by zarr-python.
const GZIP_LEVEL: u8 = 1;
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

/// What the copy of an array is to be, or why there can be none.
pub(super) fn new_dataset(
    array: &dyn SourceArray,
    creation: &Creation,
) -> Result<Result<NewDataset, String>> {
    let dataset = array
        .as_any()
        .and_then(|array| array.downcast_ref::<Hdf5Array>())
        .map(Hdf5Array::info);
    let filters = Filters::new(creation, dataset)?;
    // Texts of any length go from file to file.
    let datatype = match dataset.map(|info| &info.datatype) {
        Some(text @ Datatype::VlenString { .. }) => text.clone(),
        _ => match stored_type(array.data_type(), array.byte_order()) {
            Ok(datatype) => datatype,
            Err(reason) => return Ok(Err(reason)),
        },
    };
    if array.shape().len() > DIMENSIONS_MAX {
        return Ok(Err(format!("HDF5 has no more than {DIMENSIONS_MAX} dimensions")));
    }
    // The chunk shape and the fill value are those that a Zarr copy would have.
    let creation = Creation {
        chunks: creation.chunks.clone(),
        fill_value: creation.fill_value.clone(),
        ..Creation::default()
    };
    let (shape, order) = (array.shape().to_vec(), array.byte_order());
    let builder = creation.apply(array.builder()?, &shape, array.data_type(), order)?;
    let nowhere = Arc::new(MemoryStore::new());
    let target = builder.prepare(nowhere, &NodePath::root(), &Options::default())?;
    let mut fill_value = target.metadata().fill_value_or_zero().as_bytes().to_vec();
    array.data_type().reorder(&mut fill_value, order);
    // What was in one piece stays so, unless chunks are asked for.
    let is_whole = dataset.is_some() && array.chunk_shape().is_none() && creation.chunks.is_none();
    let is_chunked = !shape.is_empty() && !shape.contains(&0) && !is_whole;
    let chunk_shape = is_chunked.then(|| clamped(target.chunk_shape(), &shape));
    let item_size = array.data_type().size().unwrap_or(1).max(1) as u64;
    let chunk_size = chunk_shape
        .iter()
        .flatten()
        .fold(item_size, |size, length| size.saturating_mul(*length));
    if is_chunked && chunk_size > CHUNK_SIZE_MAX {
        let reason = format!("its chunks of {chunk_size} bytes are larger than HDF5 can have them");
        return Ok(Err(reason));
    }
    Ok(Ok(NewDataset {
        datatype,
        shape,
        chunk_shape,
        gzip: filters.gzip,
        shuffle: filters.shuffle,
        fletcher32: filters.fletcher32,
        // The library's own is the empty text.
        fill_value: (!array.data_type().is_variable()).then_some(fill_value),
    }))
}

/// What is done to the bytes of each chunk.
struct Filters {
    gzip: Option<u8>,
    shuffle: bool,
    fletcher32: bool,
}

impl Filters {
    /// Those that are asked for, else those of the dataset that is copied, else the ones that zarr-python asks for.
    fn new(creation: &Creation, dataset: Option<&DatasetInfo>) -> Result<Self> {
        const DEFLATE: i32 = 1;
        const SHUFFLE: i32 = 2;
        const FLETCHER32: i32 = 3;
        let gzip = gzip(creation)?;
        let Some(info) = dataset else {
            let (shuffle, fletcher32) = (false, false);
            return Ok(Self {
                gzip,
                shuffle,
                fletcher32,
            });
        };
        let find = |id| info.filters.iter().find(|filter| filter.id == id);
        let level = |filter: &Filter| {
            let level = filter.client_data.first().copied().unwrap_or_default();
            u8::try_from(level).unwrap_or(GZIP_LEVEL)
        };
        Ok(Self {
            gzip: if creation.compressor.is_some() {
                gzip
            } else {
                find(DEFLATE).map(level)
            },
            shuffle: find(SHUFFLE).is_some(),
            fletcher32: find(FLETCHER32).is_some(),
        })
    }
}

/// The level of compression that is asked for.
fn gzip(creation: &Creation) -> Result<Option<u8>> {
    const LEVEL_MAX: u64 = 9;
    let meaningless = [
        ("codecs", creation.codecs.is_some()),
        ("order", creation.order.is_some()),
        ("dimension_separator", creation.dimension_separator.is_some()),
        ("zarr_format", creation.zarr_format.is_some()),
        (
            "filters",
            matches!(&creation.filters, Some(Some(filters)) if !filters.is_empty()),
        ),
    ];
    if let Some((name, _)) = meaningless.iter().find(|(_, is_given)| *is_given) {
        let reason = format!("'{name}' can only be used when copying to zarr");
        return Err(Error::Argument(reason));
    }
    let Some(compressor) = &creation.compressor else {
        return Ok(Some(GZIP_LEVEL));
    };
    let Some(compressor) = compressor else {
        return Ok(None);
    };
    let level = compressor
        .get("level")
        .map_or(Some(u64::from(GZIP_LEVEL)), Value::as_u64);
    let level = level
        .filter(|level| *level <= LEVEL_MAX && (compressor["id"] == "zlib" || compressor["id"] == "gzip"));
    match level {
        Some(level) => Ok(u8::try_from(level).ok()),
        None => Err(Error::Argument(format!(
            "compressor must be zlib with a level of 0 to {LEVEL_MAX}, or none, when copying to HDF5; found {compressor}"
        ))),
    }
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
        other => return Err(format!("writing {other} to HDF5 is not there yet")),
    })
}

fn compound(record: &StructType, order: ByteOrder) -> Result<Datatype, String> {
    let (mut fields, mut size) = (Vec::new(), 0);
    for field in &record.fields {
        let mut datatype = stored_type(&field.data_type, field.byte_order(order))?;
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
            name: Name::from(field.name.as_str()),
            offset,
            datatype,
        });
    }
    if fields.is_empty() {
        return Err("HDF5 has no records without fields".to_owned());
    }
    Ok(Datatype::Compound { size, fields })
}
