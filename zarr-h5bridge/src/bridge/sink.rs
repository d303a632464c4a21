//! An HDF5 file as a destination of copies.
//!
//! Groups, arrays of booleans, integers and floats, and attributes that HDF5 can hold; what else there is, is
//! refused before it is begun, and so named in the report of a copy (`v2-semantics` 5.7 and 6).

use std::{
    fmt,
    path::{Path, PathBuf},
};

use hdf5::{
    Dataset, File, Group, H5Type, Hyperslab, Location, SliceOrIndex,
    types::{OwnedDynValue, VarLenUnicode},
};
use ndarray::{ArrayD, IxDyn};
use serde_json::{Map, Value};
use zarr_convenience::{
    Creation, Error, Found, How, Lost, Result, Sink, SourceArray,
    core::{
        Element, NodePath, Selection,
        codecs::{ByteOrder, DataType, FillValue},
    },
};

/// The level at which datasets are compressed: that of zarr-python's `copy`.
const DEFLATE_LEVEL: u8 = 1;

/// An HDF5 file that is written to.
pub struct Hdf5Sink {
    file: File,
    path: PathBuf,
    root: NodePath,
}

impl fmt::Debug for Hdf5Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hdf5Sink")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Hdf5Sink {
    /// Opens a file for changes, or makes one; copies go into its root.
    ///
    /// # Errors
    /// [`Error::Source`] when the HDF5 library cannot open or make it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let file = File::append(&path).map_err(|error| failed(&path, "/", &error))?;
        Ok(Self {
            file,
            path,
            root: NodePath::root(),
        })
    }

    /// Has copies go into a group of the file instead.
    #[must_use]
    pub fn within(mut self, group: NodePath) -> Self {
        self.root = group;
        self
    }

    fn failed(&self, node: &NodePath, error: &hdf5::Error) -> Error {
        failed(&self.path, &node.to_string(), error)
    }

    /// Whether anything is at a path; HDF5 asks link by link.
    fn exists(&self, path: &NodePath) -> bool {
        let mut above = String::new();
        path.as_str()
            .split('/')
            .filter(|name| !name.is_empty())
            .all(|name| {
                above = format!("{above}/{name}");
                self.file.link_exists(&above)
            })
    }

    fn group(&self, path: &NodePath) -> Result<Group> {
        if path.is_root() {
            return self.file.as_group().map_err(|error| self.failed(path, &error));
        }
        if self.exists(path) {
            return self
                .file
                .group(path.as_str())
                .map_err(|error| self.failed(path, &error));
        }
        // The library makes the groups above as well.
        self.file
            .create_group(path.as_str())
            .map_err(|error| self.failed(path, &error))
    }

    fn erase(&self, path: &NodePath) -> Result<()> {
        if self.exists(path) {
            self.file
                .unlink(path.as_str())
                .map_err(|error| self.failed(path, &error))?;
        }
        Ok(())
    }
}

fn failed(file: &Path, node: &str, error: &hdf5::Error) -> Error {
    Error::Source {
        what: format!("`{node}` in `{}`", file.display()),
        reason: error.to_string(),
    }
}

impl Sink for Hdf5Sink {
    fn root(&self) -> &NodePath {
        &self.root
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        if !self.exists(path) {
            return Ok(None);
        }
        let is_array = !path.is_root() && self.file.dataset(path.as_str()).is_ok();
        Ok(Some(if is_array { Found::Array } else { Found::Group }))
    }

    fn is_complete(&self, _: &NodePath) -> Result<bool> {
        Err(Error::Argument(
            "'skip_initialized' can only be used when copying to zarr".to_owned(),
        ))
    }

    fn refusal(&self, array: &dyn SourceArray, _: &Creation) -> Result<Option<String>> {
        let is_known = writer(array.data_type()).is_some();
        let is_native = array.byte_order() == ByteOrder::NATIVE || !array.data_type().has_byte_order();
        Ok((!is_known || !is_native)
            .then(|| format!("{} is not written to HDF5 yet", array.data_type_text())))
    }

    fn put_group(&self, path: &NodePath, attributes: Map<String, Value>, how: &How<'_>) -> Result<Vec<Lost>> {
        if how.replaces {
            self.erase(path)?;
        }
        let group = self.group(path)?;
        Ok(put_attributes(path, &group, &attributes))
    }

    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>> {
        let unknown = || Error::Argument(format!("{} is not written to HDF5 yet", array.data_type_text()));
        let write = writer(array.data_type()).ok_or_else(unknown)?;
        self.erase(path)?;
        let group = self.group(&path.parent().unwrap_or_default())?;
        let dataset = write(self, &group, path, array, how)?;
        Ok(put_attributes(path, &dataset, &attributes))
    }

    fn flush(&self) -> Result<()> {
        self.file.flush().map_err(|error| self.failed(&self.root, &error))
    }
}

/// Makes a dataset of an array.
type Writer = fn(&Hdf5Sink, &Group, &NodePath, &dyn SourceArray, &How<'_>) -> Result<Dataset>;

/// What writes arrays of a data type.
fn writer(data_type: &DataType) -> Option<Writer> {
    Some(match data_type {
        DataType::Bool => write_array::<bool>,
        DataType::Int8 => write_array::<i8>,
        DataType::Int16 => write_array::<i16>,
        DataType::Int32 => write_array::<i32>,
        DataType::Int64 => write_array::<i64>,
        DataType::UInt8 => write_array::<u8>,
        DataType::UInt16 => write_array::<u16>,
        DataType::UInt32 => write_array::<u32>,
        DataType::UInt64 => write_array::<u64>,
        DataType::Float32 => write_array::<f32>,
        DataType::Float64 => write_array::<f64>,
        _ => return None,
    })
}

fn write_array<T: Element + H5Type + Copy + Into<OwnedDynValue>>(
    sink: &Hdf5Sink,
    group: &Group,
    path: &NodePath,
    array: &dyn SourceArray,
    how: &How<'_>,
) -> Result<Dataset> {
    let shape: Vec<_> = array.shape().iter().map(|length| *length as usize).collect();
    let builder = array.builder()?;
    let builder = how
        .creation
        .apply(builder, array.shape(), array.data_type(), array.byte_order())?;
    let is_empty = shape.contains(&0);
    let mut dataset = group.new_dataset::<T>().shape(shape.clone());
    // HDF5 allows no chunk longer than the array, and none at all in a single value.
    let chunk: Vec<_> = builder
        .current_chunk_shape()
        .iter()
        .zip(&shape)
        .map(|(chunk, length)| (*chunk as usize).min(*length))
        .collect();
    if !shape.is_empty() && !is_empty {
        dataset = dataset.chunk(chunk.clone()).deflate(DEFLATE_LEVEL);
    }
    if let Some(fill) = builder.current_fill_value().and_then(value::<T>) {
        dataset = dataset.fill_value(fill);
    }
    let fail = |error: hdf5::Error| sink.failed(path, &error);
    let dataset = dataset.create(path.name()).map_err(fail)?;
    if is_empty {
        return Ok(dataset);
    }
    let stored = array.stored_chunks()?;
    let is_same_grid = array
        .chunk_shape()
        .is_some_and(|source| source.iter().zip(&chunk).all(|(a, b)| *a == *b as u64));
    for (coords, start, count) in chunks(&shape, &chunk) {
        if let Some(stored) = &stored
            && is_same_grid
            && !stored.contains(&coords)
        {
            continue;
        }
        let wide = |numbers: &[usize]| numbers.iter().map(|number| *number as u64).collect::<Vec<_>>();
        let data = array.read(&Selection::region(&wide(&start), &wide(&count)), how.workers)?;
        let values = ArrayD::from_shape_vec(IxDyn(&count), data.to_vec::<T>()?);
        let values = values.map_err(|error| Error::Argument(error.to_string()))?;
        if shape.is_empty() {
            dataset.write(&values).map_err(fail)?;
        } else {
            let slab = start
                .iter()
                .zip(&count)
                .map(|(start, count)| SliceOrIndex::SliceCount {
                    start: *start,
                    step: 1,
                    count: *count,
                    block: 1,
                });
            let slab = Hyperslab::new(slab.collect::<Vec<_>>());
            dataset.write_slice(&values, slab).map_err(fail)?;
        }
        (how.progress)(data.buffer.elements.len() as u64);
    }
    Ok(dataset)
}

/// A fill value as a value of the type.
fn value<T: Element + Copy>(fill: &FillValue) -> Option<T> {
    let read = T::read(1, &mut |element| {
        element.copy_from_slice(fill.as_bytes());
        Ok(Vec::new())
    });
    read.ok()?.first().copied()
}

/// The chunks of a dataset in C order: position in the grid, first element, shape.
fn chunks(shape: &[usize], chunk: &[usize]) -> Vec<(Vec<u64>, Vec<usize>, Vec<usize>)> {
    let mut all = vec![(Vec::new(), Vec::new(), Vec::new())];
    for (length, chunk) in shape.iter().zip(chunk) {
        let mut longer = Vec::new();
        for (coords, start, count) in &all {
            for (coord, first) in (0..*length).step_by((*chunk).max(1)).enumerate() {
                let with = |list: &[usize], last: usize| [list, &[last]].concat();
                let coords: &Vec<u64> = coords;
                longer.push((
                    [&coords[..], &[coord as u64]].concat(),
                    with(start, first),
                    with(count, (*chunk).min(length - first)),
                ));
            }
        }
        all = longer;
    }
    all
}

/// Adds attributes; gives those that HDF5 cannot hold.
fn put_attributes(node: &NodePath, place: &Location, attributes: &Map<String, Value>) -> Vec<Lost> {
    let add = |(name, value): (&String, &Value)| {
        if place.attr(name).is_ok() {
            // An attribute is replaced, not changed: its type may be another one.
            let _ = place.delete_attr(name);
        }
        let reason = match put_attribute(place, name, value) {
            Ok(true) => return None,
            Ok(false) => "HDF5 has no such attribute".to_owned(),
            Err(error) => error.to_string(),
        };
        Some(Lost {
            what: format!("{node}@{name}"),
            reason,
        })
    };
    attributes.iter().filter_map(add).collect()
}

/// Adds an attribute; `false` if HDF5 has none such.
fn put_attribute(place: &Location, name: &str, value: &Value) -> std::result::Result<bool, hdf5::Error> {
    let text = |text: &str| {
        text.parse::<VarLenUnicode>()
            .map_err(|error| hdf5::Error::from(error.to_string()))
    };
    match value {
        Value::Bool(value) => scalar(place, name, value)?,
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => scalar(place, name, &value)?,
            (None, Some(value)) => scalar(place, name, &value)?,
            _ => match float(number) {
                Some(value) => scalar(place, name, &value)?,
                None => return Ok(false),
            },
        },
        Value::String(value) => scalar(place, name, &text(value)?)?,
        Value::Array(items) if items.iter().all(Value::is_i64) && !items.is_empty() => {
            list(
                place,
                name,
                &items.iter().filter_map(Value::as_i64).collect::<Vec<_>>(),
            )?;
        }
        Value::Array(items) if items.iter().all(Value::is_boolean) && !items.is_empty() => {
            list(
                place,
                name,
                &items.iter().filter_map(Value::as_bool).collect::<Vec<_>>(),
            )?;
        }
        Value::Array(items) if items.iter().all(Value::is_number) => {
            let numbers = items.iter().filter_map(|item| item.as_number().and_then(float));
            list(place, name, &numbers.collect::<Vec<_>>())?;
        }
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let texts = items.iter().filter_map(Value::as_str).map(text);
            list(place, name, &texts.collect::<std::result::Result<Vec<_>, _>>()?)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// A number as a float; also those that JSON has no digits for.
fn float(number: &serde_json::Number) -> Option<f64> {
    match number.as_str() {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => number.as_f64(),
    }
}

fn scalar<T: H5Type>(place: &Location, name: &str, value: &T) -> std::result::Result<(), hdf5::Error> {
    place.new_attr::<T>().create(name)?.write_scalar(value)
}

fn list<T: H5Type>(place: &Location, name: &str, values: &[T]) -> std::result::Result<(), hdf5::Error> {
    let attribute = place.new_attr::<T>().shape(values.len()).create(name)?;
    if values.is_empty() {
        return Ok(());
    }
    attribute.write_raw(values)
}
