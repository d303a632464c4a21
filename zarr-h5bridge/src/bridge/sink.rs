//! A file as a destination of copies.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Map, Value};
use zarr_convenience::core::codecs::{ByteOrder, DataType, StructType};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{NodePath, Options, Selection};
use zarr_convenience::{Creation, Error, Found, How, Lost, Result, Sink, SourceArray};

use super::{new_attribute::to_hdf5, source::source_error};
use crate::hdf5::{Charset, Datatype, Field, Name, NewDataset, ObjectKind, StringPadding, Writer};

/// The bytes of values that are read and written at once, about.
const BOX_SIZE: u64 = 4 << 20;
/// The level of compression that h5py is asked for by zarr-python.
const GZIP_LEVEL: u8 = 1;
/// What HDF5 can count the bytes of a chunk with.
const CHUNK_SIZE_MAX: u64 = u32::MAX as u64;
/// The most dimensions of a dataset.
const DIMENSIONS_MAX: usize = 32;

/// Copies a box, told by its first element and its shape; gives its bytes.
type WriteBox<'a> = dyn Fn(&[u64], &[u64]) -> Result<u64> + 'a;

/// An HDF5 file that copies go into.
///
/// Chunks are as long as in the source, but not longer than the array, and compressed with gzip at level 1.
/// A dataset gets its name when all of it is written. What has no form in HDF5 is reported as lost.
#[derive(Debug)]
pub struct Hdf5Sink {
    /// Absent where nothing is to be written.
    writer: Option<Writer>,
    path: PathBuf,
    root: NodePath,
}

impl Hdf5Sink {
    /// Makes a file where none is.
    ///
    /// # Errors
    /// [`Error::Source`] when something is there, and when the file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Ok(Self::new(path, Some(Writer::create(path).map_err(source_error)?)))
    }

    /// Opens a file for changes, or makes it where none is.
    ///
    /// # Errors
    /// [`Error::Source`] when the file cannot be opened or made, is something else, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let is_there = path.try_exists().map_err(|source| Error::File {
            what: path.display().to_string(),
            action: "opening",
            source,
        })?;
        if !is_there {
            return Self::create(path);
        }
        Ok(Self::new(path, Some(Writer::open(path).map_err(source_error)?)))
    }

    /// Opens a file only to look at it, for dry runs; a file that is not there counts as empty.
    ///
    /// # Errors
    /// [`Error::Source`] when the file cannot be opened, is something else, or is damaged.
    pub fn look(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let writer = path
            .exists()
            .then(|| Writer::look(path).map_err(source_error))
            .transpose()?;
        Ok(Self::new(path, writer))
    }

    fn new(path: &Path, writer: Option<Writer>) -> Self {
        Self {
            writer,
            path: path.to_owned(),
            root: NodePath::root(),
        }
    }

    /// Lets copies go into a group of the file, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Copy`] when something else is in its place, [`Error::Source`] when it cannot be made.
    pub fn at(mut self, group: &NodePath) -> Result<Self> {
        match self.find(group)? {
            Some(Found::Array) => {
                return Err(Error::Copy(format!(
                    "`{group}` in `{}`: is an array, and copies go into groups",
                    self.path.display()
                )));
            }
            None if self.writer.as_ref().is_some_and(Writer::is_writable) => {
                let path = group.to_string();
                self.writer()?.require_group(&path).map_err(source_error)?;
            }
            _ => {}
        }
        self.root = group.clone();
        Ok(self)
    }

    fn writer(&self) -> Result<&Writer> {
        self.writer.as_ref().ok_or_else(|| Error::Source {
            what: format!("`{}`", self.path.display()),
            reason: "is not there".to_owned(),
        })
    }
}

impl Sink for Hdf5Sink {
    fn root(&self) -> &NodePath {
        &self.root
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        let Some(writer) = &self.writer else {
            return Ok(path.is_root().then_some(Found::Group));
        };
        let found = writer.kind(&path.to_string()).map_err(source_error)?;
        Ok(found.map(|kind| match kind {
            ObjectKind::Group => Found::Group,
            // Whatever it is, it has no members and is in the way of a copy.
            _ => Found::Array,
        }))
    }

    fn is_complete(&self, _: &NodePath) -> Result<bool> {
        let reason = "'skip_initialized' can only be used when copying to zarr";
        Err(Error::Argument(reason.to_owned()))
    }

    fn refusal(&self, array: &dyn SourceArray, creation: &Creation) -> Result<Option<String>> {
        Ok(new_dataset(array, creation)?.err())
    }

    fn put_group(&self, path: &NodePath, attributes: Map<String, Value>, how: &How<'_>) -> Result<Vec<Lost>> {
        let (writer, path) = (self.writer()?, path.to_string());
        if how.replaces {
            writer.remove(&path).map_err(source_error)?;
        }
        writer.require_group(&path).map_err(source_error)?;
        Ok(lost(&path, &attributes, |name, value| {
            writer.set_attribute(&path, name, value)
        }))
    }

    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>> {
        let (writer, path) = (self.writer()?, path.to_string());
        let new = match new_dataset(array, how.creation)? {
            Ok(new) => new,
            Err(reason) => return Ok(vec![Lost { what: path, reason }]),
        };
        let draft = writer.begin(&path, &new).map_err(source_error)?;
        let write = |start: &[u64], shape: &[u64]| -> Result<u64> {
            let data = array.read(&Selection::region(start, shape), how.workers)?;
            let mut elements = data.buffer.elements;
            array.data_type().reorder(&mut elements, array.byte_order());
            draft.write(start, shape, &elements).map_err(source_error)?;
            let size = elements.len() as u64;
            (how.progress)(size);
            Ok(size)
        };
        write_values(array, &new, how, &write)?;
        let lost = lost(&path, &attributes, |name, value| draft.set_attribute(name, value));
        draft.publish(how.replaces).map_err(source_error)?;
        Ok(lost)
    }

    fn flush(&self) -> Result<()> {
        self.writer()?.flush().map_err(source_error)
    }
}

/// Sets attributes, and tells which of them have no form in HDF5.
fn lost(
    path: &str,
    attributes: &Map<String, Value>,
    set: impl Fn(&str, &crate::hdf5::NewAttribute) -> crate::hdf5::Result<()>,
) -> Vec<Lost> {
    let set = |name: &str, value: &Value| match set(name, &to_hdf5(value)?) {
        Ok(()) => Ok(()),
        Err(crate::hdf5::Error::Library { reason, .. }) => Err(reason),
        Err(error) => Err(error.to_string()),
    };
    let failed = |(name, value): (&String, &Value)| {
        let reason = set(name, value).err()?;
        let what = format!("{path}@{name}");
        Some(Lost { what, reason })
    };
    attributes.iter().filter_map(failed).collect()
}

/// Writes all values that the source has.
fn write_values(
    array: &dyn SourceArray,
    new: &NewDataset,
    how: &How<'_>,
    write: &WriteBox<'_>,
) -> Result<()> {
    let shape = &new.shape;
    let Some(chunk_shape) = &new.chunk_shape else {
        if !shape.contains(&0) {
            write(&vec![0; shape.len()], shape)?;
        }
        return Ok(());
    };
    let grid = |chunk_shape: &[u64]| -> Vec<u64> {
        let lengths = shape.iter().zip(chunk_shape);
        lengths.map(|(length, chunk)| length.div_ceil(*chunk)).collect()
    };
    let n_chunks = grid(chunk_shape)
        .iter()
        .fold(1_u64, |n, count| n.saturating_mul(*count));
    let agrees = array
        .chunk_shape()
        .is_some_and(|source| clamped(source, shape) == *chunk_shape);
    let stored = if agrees { array.stored_chunks()? } else { None };
    if let Some(stored) = stored.filter(|stored| (stored.len() as u64) < n_chunks) {
        return write_stored(array, &stored, (shape, chunk_shape), how, write);
    }
    let item_size = array.data_type().size().unwrap_or(1).max(1) as u64;
    let unit = unit_shape(shape, chunk_shape, item_size);
    let counts = grid(&unit);
    let mut position = vec![0_u64; counts.len()];
    loop {
        let (start, size) = region(&position, &unit, shape);
        write(&start, &size)?;
        let Some(dimension) = (0..counts.len()).rfind(|&d| position[d] + 1 < counts[d]) else {
            return Ok(());
        };
        position[dimension] += 1;
        position[dimension + 1..].fill(0);
    }
}

/// Writes the chunks that the source has; the others stay unwritten.
fn write_stored(
    array: &dyn SourceArray,
    stored: &HashSet<Vec<u64>>,
    (shape, chunk_shape): (&[u64], &[u64]),
    how: &How<'_>,
    write: &WriteBox<'_>,
) -> Result<()> {
    let is_inside = |position: &&Vec<u64>| {
        let mut lengths = position.iter().zip(chunk_shape).zip(shape);
        position.len() == shape.len()
            && lengths.all(|((at, chunk), length)| at.checked_mul(*chunk).is_some_and(|at| at < *length))
    };
    let mut positions: Vec<_> = stored.iter().filter(is_inside).collect();
    positions.sort_unstable();
    let mut written = 0_u64;
    for position in positions {
        let (start, size) = region(position, chunk_shape, shape);
        written = written.saturating_add(write(&start, &size)?);
    }
    let item_size = array.data_type().size().unwrap_or(1) as u64;
    let total = shape
        .iter()
        .fold(item_size, |size, length| size.saturating_mul(*length));
    (how.progress)(total.saturating_sub(written));
    Ok(())
}

/// First element and shape of a box of the grid.
fn region(position: &[u64], unit: &[u64], shape: &[u64]) -> (Vec<u64>, Vec<u64>) {
    let start: Vec<_> = position.iter().zip(unit).map(|(at, unit)| at * unit).collect();
    let lengths = start.iter().zip(unit).zip(shape);
    let size = lengths.map(|((start, unit), length)| (*unit).min(length - start));
    let size = size.collect();
    (start, size)
}

/// Boxes of whole chunks, long along the last dimensions, that are worth the trouble of reading them.
fn unit_shape(shape: &[u64], chunk_shape: &[u64], item_size: u64) -> Vec<u64> {
    let mut unit = chunk_shape.to_vec();
    for dimension in (0..unit.len()).rev() {
        let size = unit
            .iter()
            .fold(item_size, |size, length| size.saturating_mul(*length));
        let times = (BOX_SIZE / size.max(1)).min(shape[dimension].div_ceil(unit[dimension]));
        unit[dimension] = unit[dimension].saturating_mul(times.max(1));
    }
    unit
}

/// The shape of chunks that are not longer than the array.
fn clamped(chunk_shape: &[u64], shape: &[u64]) -> Vec<u64> {
    let lengths = chunk_shape.iter().zip(shape);
    lengths
        .map(|(chunk, length)| (*chunk).min(*length).max(1))
        .collect()
}

/// What the copy of an array is to be, or why there can be none.
fn new_dataset(array: &dyn SourceArray, creation: &Creation) -> Result<Result<NewDataset, String>> {
    let gzip = gzip(creation)?;
    let datatype = match stored_type(array.data_type(), array.byte_order()) {
        Ok(datatype) => datatype,
        Err(reason) => return Ok(Err(reason)),
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
    let is_chunked = !shape.is_empty() && !shape.contains(&0);
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
        gzip,
        fill_value: Some(fill_value),
    }))
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
