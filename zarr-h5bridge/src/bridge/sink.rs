//! A file as a destination of copies.

use std::{
    collections::HashSet,
    ffi::CString,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use zarr_convenience::core::codecs::DataType;
use zarr_convenience::core::{ArrayData, NodePath, Selection};
use zarr_convenience::{Creation, Error, Found, How, Lost, Prospect, Result, Route, Sink, SourceArray, Way};

use super::{
    new_attribute::to_hdf5,
    new_dataset::{clamped, new_dataset},
    source::source_error,
};
use crate::hdf5::{NewDataset, ObjectKind, Writer};

/// The bytes of values that are read and written at once, about.
const BOX_SIZE: u64 = 4 << 20;
/// The bytes that a text of any length counts for.
const POINTER_SIZE: usize = 8;

/// Copies a box, told by its first element and its shape; gives its bytes.
type WriteBox<'a> = dyn Fn(&[u64], &[u64]) -> Result<u64> + 'a;

/// An HDF5 file that copies go into.
///
/// Chunks are as long as in the source, but not longer than the array, and compressed with gzip at level 1; those
/// of an HDF5 source keep its shuffle, gzip and fletcher32.
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

    fn check_tells_complete(&self) -> Result<()> {
        let reason = "'skip_initialized' can only be used when copying to zarr";
        Err(Error::Argument(reason.to_owned()))
    }

    fn is_complete(&self, _: &NodePath) -> Result<bool> {
        self.check_tells_complete().map(|()| false)
    }

    fn prospect(&self, array: &dyn SourceArray, creation: &Creation, _: Option<u64>) -> Result<Prospect> {
        Ok(match new_dataset(array, creation)? {
            Ok(new) => Prospect::Route(route(array, &new)),
            Err(reason) => Prospect::Refusal(reason),
        })
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
            how.cancel.check()?;
            let data = array.read(&Selection::region(start, shape), how.workers)?;
            let size = if data.data_type == DataType::String {
                let texts = texts(&data, &path)?;
                draft.write_texts(start, shape, &texts).map_err(source_error)?;
                texts.len() * POINTER_SIZE
            } else {
                let mut elements = data.buffer.elements;
                array.data_type().reorder(&mut elements, array.byte_order());
                draft.write(start, shape, &elements).map_err(source_error)?;
                elements.len()
            };
            (how.progress)(size as u64);
            Ok(size as u64)
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

/// How the values of an array go into a dataset: box after box, since the library has one lock.
fn route(array: &dyn SourceArray, new: &NewDataset) -> Route {
    let shape = &new.shape;
    let item_size = array.data_type().size().unwrap_or(1).max(1) as u64;
    let unit_shape = match &new.chunk_shape {
        Some(chunk_shape) => unit_shape(shape, chunk_shape, item_size),
        None => shape.clone(),
    };
    let lengths = shape.iter().zip(&unit_shape);
    let size = lengths.clone().fold(item_size, |size, (length, unit)| {
        size.saturating_mul((*unit).min(*length))
    });
    Route {
        way: Way::Recode,
        reason: "the destination is an HDF5 file".to_owned(),
        n_units: lengths.fold(1, |n, (length, unit)| {
            n.saturating_mul(length.div_ceil((*unit).max(1)))
        }),
        unit_shape,
        // Once as they are read, once in the byte order of the file.
        unit_memory: size.saturating_mul(2),
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

/// The texts of an array as the library takes them.
fn texts(data: &ArrayData, path: &str) -> Result<Vec<CString>> {
    let texts = data.to_vec::<String>()?;
    let ended = |_| Error::Source {
        what: path.to_owned(),
        reason: "a text of it has a zero byte, which ends texts in HDF5".to_owned(),
    };
    texts
        .into_iter()
        .map(|text| CString::new(text).map_err(ended))
        .collect()
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
    // Under another fill value, chunks that are missing would mean other values.
    let stored = if agrees && how.creation.fill_value.is_none() {
        array.stored_chunks()?
    } else {
        None
    };
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
