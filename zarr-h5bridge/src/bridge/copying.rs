//! The values of an array on their way into a dataset.

use std::collections::HashSet;
use std::ffi::CString;
use std::sync::Arc;

use serde_json::Value;
use zarr_convenience::core::codecs::{DataType, Object, SLOT_SIZE, Slot, json};
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{ArrayData, Selection};
use zarr_convenience::{Error, How, Result, Route, SourceArray, Way};

use super::{
    array::Hdf5Array,
    chunk_store::ChunkStore,
    datatype::{Elements, Form},
    direct::Direct,
    new_dataset::{Target, clamped},
    source::source_error,
    values::{from_json, zero},
};
use crate::hdf5::{Area, Draft, Item, Later, Referent, Target as ReferenceTarget};

/// The bytes of values that are read and written at once, about.
const BOX_SIZE: u64 = 4 << 20;
/// The bytes that a value of any length counts for.
const POINTER_SIZE: usize = 8;

/// An array, and the dataset that it goes into.
pub(super) struct Copying<'a> {
    pub(super) array: &'a dyn SourceArray,
    pub(super) target: &'a Target,
    pub(super) draft: &'a Draft<'a>,
    pub(super) path: &'a str,
    pub(super) how: &'a How<'a>,
}

/// The chunks in which an array is read: those of the dataset, or elements where there are none, with the dimensions
/// that elements have themselves.
fn read_chunks(target: &Target) -> Vec<u64> {
    let elements = vec![1; target.new.shape.len()];
    let chunk_shape = target.new.chunk_shape.as_ref().unwrap_or(&elements);
    let inner = &target.elements.inner;
    chunk_shape.iter().chain(inner).copied().collect()
}

/// How the values of an array go into a dataset: chunk by chunk on all threads, or, where that is for the library,
/// box after box, since it has one lock.
pub(super) fn route(array: &dyn SourceArray, target: &Target, memory: Option<u64>) -> Route {
    let why = match Direct::new(array, target, Arc::new(MemoryStore::new())) {
        Ok(direct) => return direct.route(memory),
        Err(why) => why,
    };
    let shape = array.shape();
    let item_size = array.data_type().size().unwrap_or(1).max(1) as u64;
    let unit_shape = unit_shape(shape, &read_chunks(target), item_size);
    let lengths = shape.iter().zip(&unit_shape);
    let size = lengths.clone().fold(item_size, |size, (length, unit)| {
        size.saturating_mul((*unit).min(*length))
    });
    Route {
        way: Way::Recode,
        reason: format!("{why}, which the HDF5 library writes"),
        n_units: lengths.fold(1, |n, (length, unit)| {
            n.saturating_mul(length.div_ceil((*unit).max(1)))
        }),
        unit_shape,
        // Once as they are read, once in the byte order of the file.
        unit_memory: size.saturating_mul(2),
    }
}

impl Copying<'_> {
    /// Writes all values that the source has; gives those that wait for what they point to.
    pub(super) fn run(&self) -> Result<Vec<Later>> {
        let shape = self.array.shape();
        let mut later = Vec::new();
        if self.target.new.is_null {
            return Ok(later);
        }
        if shape.contains(&0) {
            return Ok(later);
        }
        if let Some(chunk_shape) = &self.target.new.chunk_shape {
            let store = Arc::new(ChunkStore::new(self.draft.chunks(), chunk_shape));
            if let Ok(direct) = Direct::new(self.array, self.target, store) {
                direct.run(self.how)?;
                return Ok(later);
            }
        }
        let chunk_shape = read_chunks(self.target);
        let grid = |chunk_shape: &[u64]| -> Vec<u64> {
            let lengths = shape.iter().zip(chunk_shape);
            lengths.map(|(length, chunk)| length.div_ceil(*chunk)).collect()
        };
        let n_chunks = grid(&chunk_shape)
            .iter()
            .fold(1_u64, |n, count| n.saturating_mul(*count));
        let agrees = self.array.chunk_grid().is_some_and(|source| {
            let is_regular = source.rectilinear().is_none();
            is_regular && clamped(source.chunk_shape(), shape) == clamped(&chunk_shape, shape)
        });
        // Under another fill value, chunks that are missing would mean other values.
        let dataset = self
            .array
            .as_any()
            .and_then(|array| array.downcast_ref::<Hdf5Array>());
        let stored = match dataset.filter(|dataset| dataset.has_fill_of(&self.target.new)) {
            _ if !agrees => None,
            Some(dataset) => dataset.written_chunks()?,
            None if self.target.keeps_fill && self.how.creation.fill_value.is_none() => {
                self.array.stored_chunks()?
            }
            None => None,
        };
        if let Some(stored) = stored.filter(|stored| (stored.len() as u64) < n_chunks) {
            self.copy_stored(&stored, &chunk_shape, &mut later)?;
            return Ok(later);
        }
        let item_size = self.array.data_type().size().unwrap_or(1).max(1) as u64;
        let unit = unit_shape(shape, &chunk_shape, item_size);
        let counts = grid(&unit);
        let mut position = vec![0_u64; counts.len()];
        loop {
            let (start, size) = region(&position, &unit, shape);
            self.copy_box(&start, &size, &mut later)?;
            let Some(dimension) = (0..counts.len()).rfind(|&d| position[d] + 1 < counts[d]) else {
                return Ok(later);
            };
            position[dimension] += 1;
            position[dimension + 1..].fill(0);
        }
    }

    /// Writes the chunks that the source has; the others stay unwritten.
    fn copy_stored(
        &self,
        stored: &HashSet<Vec<u64>>,
        chunk_shape: &[u64],
        later: &mut Vec<Later>,
    ) -> Result<()> {
        let shape = self.array.shape();
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
            written = written.saturating_add(self.copy_box(&start, &size, later)?);
        }
        let item_size = self.array.data_type().size().unwrap_or(1) as u64;
        let total = shape
            .iter()
            .fold(item_size, |size, length| size.saturating_mul(*length));
        (self.how.progress)(total.saturating_sub(written));
        Ok(())
    }

    /// Copies a box, told by its first element and its shape; gives its bytes.
    fn copy_box(&self, start: &[u64], shape: &[u64], later: &mut Vec<Later>) -> Result<u64> {
        self.how.cancel.check()?;
        let data = self
            .array
            .read(&Selection::region(start, shape), self.how.workers)?;
        let n_outer = self.target.new.shape.len();
        let (start, shape) = (
            start.get(..n_outer).unwrap_or(start),
            shape.get(..n_outer).unwrap_or(shape),
        );
        let size = match self.items(&data)? {
            Values::Fixed(bytes) => {
                self.draft.write(start, shape, &bytes).map_err(source_error)?;
                bytes.len()
            }
            Values::Texts(texts) => {
                self.draft
                    .write_texts(start, shape, &texts)
                    .map_err(source_error)?;
                texts.len() * POINTER_SIZE
            }
            Values::Items(items) => {
                let size = items.len() * POINTER_SIZE;
                if items.iter().any(refers) {
                    later.push(Later {
                        datatype: self.target.new.datatype.clone(),
                        shape: self.target.new.shape.clone(),
                        offset: start.to_vec(),
                        count: shape.to_vec(),
                        items,
                    });
                } else {
                    self.draft
                        .write_items(start, shape, &items)
                        .map_err(source_error)?;
                }
                size
            }
        };
        (self.how.progress)(size as u64);
        Ok(size as u64)
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Source {
            what: self.path.to_owned(),
            reason: reason.into(),
        }
    }

    /// Values as the file has them.
    fn items(&self, data: &ArrayData) -> Result<Values> {
        let Target { new, elements, .. } = self.target;
        let bytes = || slots(data).map(<[u8]>::to_vec);
        let items: Vec<Item> = match (&elements.form, &data.data_type) {
            (Form::Plain | Form::Record { .. }, _) => {
                return Ok(Values::Fixed(elements.encode(data.buffer.elements.clone())));
            }
            (Form::Text, DataType::Object) => {
                let text = |item: &[u8]| {
                    let object = Object::from_item(item).and_then(|object| object.to_text());
                    object.map_err(|error| self.error(error.to_string()))
                };
                let texts = slots(data).map(|item| self.text(text(item)?.into_bytes()));
                return Ok(Values::Texts(texts.collect::<Result<_>>()?));
            }
            (Form::Text, DataType::String | DataType::Bytes) if elements.inner.is_empty() => {
                let texts = bytes().map(|text| self.text(text));
                return Ok(Values::Texts(texts.collect::<Result<_>>()?));
            }
            (Form::Text, DataType::FixedUtf32(_)) => {
                let texts = data.to_vec::<String>()?;
                let texts = texts.into_iter().map(|text| self.text(text.into_bytes()));
                return Ok(Values::Texts(texts.collect::<Result<_>>()?));
            }
            (Form::Text, _) => bytes().map(Item::Text).collect(),
            (Form::Sequence(element), _) => bytes().map(|item| sequence(element, item)).collect(),
            (Form::Path, _) => {
                let target = |path: Vec<u8>| self.reference(path).map(Item::Reference);
                bytes().map(target).collect::<Result<_>>()?
            }
            (Form::Object, _) => {
                let mut datatype = &new.datatype;
                while let crate::hdf5::Datatype::Array { element, .. } = datatype {
                    datatype = element;
                }
                let item = |item: &[u8]| {
                    let json: Value = if item.is_empty() {
                        Value::Null
                    } else if data.data_type == DataType::String {
                        json::parse(item).map_err(|error| self.error(error.to_string()))?
                    } else {
                        let json = Object::from_item(item).and_then(|object| object.to_json());
                        json.map_err(|error| self.error(error.to_string()))?
                    };
                    // What was never written is null in V2, and no text at all in V3.
                    from_json(datatype, &json)
                        .or_else(|| zero(datatype).filter(|_| json.is_null()))
                        .ok_or_else(|| self.error(format!("{json} is no value of its type")))
                };
                slots(data).map(item).collect::<Result<_>>()?
            }
        };
        let inner = elements.inner.iter().product::<u64>();
        Ok(Values::Items(match usize::try_from(inner) {
            Ok(inner) if inner > 1 || !elements.inner.is_empty() => items
                .chunks(inner.max(1))
                .map(|part| Item::Parts(part.to_vec()))
                .collect(),
            _ => items,
        }))
    }

    fn text(&self, text: Vec<u8>) -> Result<CString> {
        CString::new(text).map_err(|_| self.error("a text of it has a zero byte, which ends texts in HDF5"))
    }

    fn reference(&self, path: Vec<u8>) -> Result<Option<ReferenceTarget>> {
        let path = String::from_utf8(path).map_err(|_| self.error("a path of it is not UTF-8"))?;
        // Paths start with a slash; what had none in the file it came from is told by its address there.
        Ok(path.starts_with('/').then_some(ReferenceTarget {
            object: Referent::Path(path),
            region: None::<Area>,
        }))
    }
}

/// Values as the library takes them.
enum Values {
    Fixed(Vec<u8>),
    Texts(Vec<CString>),
    Items(Vec<Item>),
}

/// The items of an array of a type of variable size.
fn slots(data: &ArrayData) -> impl Iterator<Item = &[u8]> {
    let slots = data.buffer.elements.chunks_exact(SLOT_SIZE);
    slots.map(|slot| Slot::from_bytes(slot).of(&data.buffer.heap))
}

fn sequence(element: &Elements, item: Vec<u8>) -> Item {
    let size = element.file_size().max(1);
    let values = element.encode(item);
    Item::Sequence(
        values
            .chunks_exact(size)
            .map(|value| Item::Bytes(value.to_vec()))
            .collect(),
    )
}

/// Whether a value points to an object.
pub(super) fn refers(item: &Item) -> bool {
    match item {
        Item::Reference(target) => target.is_some(),
        Item::Sequence(items) | Item::Parts(items) => items.iter().any(refers),
        _ => false,
    }
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
        let times = (BOX_SIZE / size.max(1)).min(shape[dimension].div_ceil(unit[dimension].max(1)));
        unit[dimension] = unit[dimension].saturating_mul(times.max(1));
    }
    unit
}
