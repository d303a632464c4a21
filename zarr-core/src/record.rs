//! Records: elements with named fields, as values of Rust.
//!
//! A record type is known when the array is opened, so a field is found by its name, and its value is checked
//! against the Rust type that is asked for. Mapping a record to a `struct` is a closure:
//!
//! ```
//! use std::sync::Arc;
//! use zarr_core::{ArrayBuilder, NodePath, Selection, metadata::v2_data_type, store::MemoryStore};
//! # use serde_json::json;
//! #[derive(Debug, PartialEq)]
//! struct Point { x: f64, y: f64, name: String }
//!
//! let (data_type, _) = v2_data_type(&json!([["x", "<f8"], ["y", "<f8"], ["name", "<U8"]])).expect("a data type");
//! let store = Arc::new(MemoryStore::new());
//! let array = ArrayBuilder::new(vec![2], data_type).create(store, &NodePath::root(), &Default::default())?;
//! let points = [Point { x: 1.0, y: 2.0, name: "home".into() }, Point { x: 0.5, y: -1.0, name: "away".into() }];
//! array.write_records(&Selection::all(), &points, |point, record| {
//!     record.set("x", &point.x)?;
//!     record.set("y", &point.y)?;
//!     record.set("name", &point.name)
//! })?;
//! let read = array.read_records(&Selection::all(), |record| {
//!     Ok(Point { x: record.get("x")?, y: record.get("y")?, name: record.get("name")? })
//! })?;
//! assert_eq!(read, points);
//! assert_eq!(array.read_data(&Selection::all())?.column::<f64>("y")?, [2.0, -1.0]);
//! # Ok::<(), zarr_core::Error>(())
//! ```

use zarr_codecs::{ChunkBuffer, ChunkRef, DataType, Field, StructType};

use crate::{
    Array, ArrayData, Element, Error, Result, Selection,
    element::{bad, check_fits},
};

/// One record among others, to be read.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    record: &'a StructType,
    bytes: &'a [u8],
}

/// One record among others, to be written; fields that are not set are zero.
#[derive(Debug)]
pub struct RecordMut<'a> {
    record: &'a StructType,
    bytes: &'a mut [u8],
}

impl<'a> Record<'a> {
    /// The names of the fields, in their order in memory; padding has none.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let names = self.record.fields.iter().map(|field| field.name.as_str());
        names.filter(|name| !name.is_empty())
    }

    /// The value of a field.
    ///
    /// # Errors
    /// [`Error::Value`] for a field that is not there or holds an array, and for bytes that are no value of the
    /// type; [`Error::Type`] when the type does not fit.
    pub fn get<T: Element>(&self, name: &str) -> Result<T> {
        let (field, bytes) = self.field(name)?;
        check_single(field)?;
        check_field::<T>(field)?;
        T::from_bytes(&field.data_type, bytes)
    }

    /// The values of a field that holds an array, in C order; of another, its value.
    ///
    /// # Errors
    /// Those of [`Record::get`].
    pub fn get_vec<T: Element>(&self, name: &str) -> Result<Vec<T>> {
        let (field, bytes) = self.field(name)?;
        check_field::<T>(field)?;
        T::read(&field.data_type, n_elements(field), &mut |elements| {
            elements.copy_from_slice(bytes);
            Ok(Vec::new())
        })
    }

    /// A field that is itself a record.
    ///
    /// # Errors
    /// [`Error::Value`] for a field that is not there, is no record or holds an array.
    pub fn record(&self, name: &str) -> Result<Self> {
        let (field, bytes) = self.field(name)?;
        check_single(field)?;
        Ok(Self {
            record: struct_type(field)?,
            bytes,
        })
    }

    /// The records of a field that holds an array of them, in C order.
    ///
    /// # Errors
    /// [`Error::Value`] for a field that is not there or holds no records.
    pub fn records(&self, name: &str) -> Result<impl Iterator<Item = Self> + use<'a>> {
        let (field, bytes) = self.field(name)?;
        let record = struct_type(field)?;
        let size = field.data_type.size().unwrap_or(0).max(1);
        Ok(bytes.chunks_exact(size).map(move |bytes| Self { record, bytes }))
    }

    fn field(&self, name: &str) -> Result<(&'a Field, &'a [u8])> {
        let (field, start, end) = find(self.record, name)?;
        Ok((field, &self.bytes[start..end]))
    }
}

impl RecordMut<'_> {
    /// Sets a field.
    ///
    /// # Errors
    /// [`Error::Value`] for a field that is not there or holds an array, and for a value that is too long for it;
    /// [`Error::Type`] when the type does not fit.
    pub fn set<T: Element>(&mut self, name: &str, value: &T) -> Result<()> {
        check_single(find(self.record, name)?.0)?;
        self.set_all(name, std::slice::from_ref(value))
    }

    /// Sets a field that holds an array, by its values in C order.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are not as many values as the field holds; those of [`RecordMut::set`].
    pub fn set_all<T: Element>(&mut self, name: &str, values: &[T]) -> Result<()> {
        let (field, start, end) = find(self.record, name)?;
        check_field::<T>(field)?;
        if values.len() != n_elements(field) {
            return Err(Error::Shape {
                expected: field.shape.iter().map(|length| u64::from(*length)).collect(),
                got: vec![values.len() as u64],
            });
        }
        T::with_bytes(&field.data_type, values, &mut |values| {
            let elements = values.elements().ok_or_else(|| bad("a field has a fixed size"))?;
            self.bytes[start..end].copy_from_slice(elements);
            Ok(())
        })
    }

    /// A field that is itself a record.
    ///
    /// # Errors
    /// Those of [`Record::record`].
    pub fn record(&mut self, name: &str) -> Result<RecordMut<'_>> {
        let (field, start, end) = find(self.record, name)?;
        check_single(field)?;
        Ok(RecordMut {
            record: struct_type(field)?,
            bytes: &mut self.bytes[start..end],
        })
    }

    /// The records of a field that holds an array of them, in C order.
    ///
    /// # Errors
    /// Those of [`Record::records`].
    pub fn records(&mut self, name: &str) -> Result<impl Iterator<Item = RecordMut<'_>>> {
        let (field, start, end) = find(self.record, name)?;
        let record = struct_type(field)?;
        let size = field.data_type.size().unwrap_or(0).max(1);
        let parts = self.bytes[start..end].chunks_exact_mut(size);
        Ok(parts.map(move |bytes| RecordMut { record, bytes }))
    }
}

impl ArrayData {
    /// The elements as records, in C order.
    ///
    /// # Errors
    /// [`Error::Type`] for elements that are none.
    pub fn records(&self) -> Result<impl Iterator<Item = Record<'_>>> {
        let (record, size) = record_type(&self.data_type)?;
        Ok(self
            .buffer
            .elements
            .chunks_exact(size)
            .map(move |bytes| Record { record, bytes }))
    }

    /// The values of one field of all records, in C order; of a field that holds an array, all of its values.
    ///
    /// # Errors
    /// Those of [`ArrayData::records`] and [`Record::get_vec`].
    pub fn column<T: Element>(&self, name: &str) -> Result<Vec<T>> {
        let (record, size) = record_type(&self.data_type)?;
        let (field, start, end) = find(record, name)?;
        check_field::<T>(field)?;
        let records = self.buffer.elements.chunks_exact(size);
        T::read(
            &field.data_type,
            records.len() * n_elements(field),
            &mut |elements| {
                let targets = elements.chunks_exact_mut((end - start).max(1));
                for (target, bytes) in targets.zip(self.buffer.elements.chunks_exact(size)) {
                    target.copy_from_slice(&bytes[start..end]);
                }
                Ok(Vec::new())
            },
        )
    }

    /// Makes records of values in C order.
    ///
    /// # Errors
    /// [`Error::Type`] for a data type that is no record, [`Error::Shape`] when there are not as many values as
    /// the shape says, and those of `write`.
    pub fn of_records<T>(
        shape: Vec<u64>,
        data_type: DataType,
        values: &[T],
        write: impl FnMut(&T, &mut RecordMut<'_>) -> Result<()>,
    ) -> Result<Self> {
        let n_elements = shape
            .iter()
            .try_fold(1_u64, |product, length| product.checked_mul(*length));
        if n_elements != Some(values.len() as u64) {
            return Err(Error::Shape {
                expected: shape,
                got: vec![values.len() as u64],
            });
        }
        let elements = to_elements(&data_type, values, write)?;
        Ok(Self {
            shape,
            data_type,
            buffer: ChunkBuffer {
                elements,
                heap: Vec::new(),
            },
        })
    }
}

impl Array {
    /// Reads a part of the array and makes a value of every record, in C order.
    ///
    /// # Errors
    /// Those of [`Array::read_data`], [`ArrayData::records`] and `read`.
    pub fn read_records<T>(
        &self,
        selection: &Selection,
        read: impl FnMut(Record<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        record_type(self.data_type())?;
        let data = self.read_data(selection)?;
        let values: Result<Vec<_>> = data.records()?.map(read).collect();
        values.map_err(|error| self.name_value(error))
    }

    /// Makes a record of every value, in C order, and writes them to a part of the array; a single value is
    /// written everywhere.
    ///
    /// # Errors
    /// Those of [`Array::write_vec`] and `write`.
    pub fn write_records<T>(
        &self,
        selection: &Selection,
        values: &[T],
        write: impl FnMut(&T, &mut RecordMut<'_>) -> Result<()>,
    ) -> Result<()> {
        let elements =
            to_elements(self.data_type(), values, write).map_err(|error| self.name_value(error))?;
        let elements = ChunkRef {
            elements: &elements,
            heap: &[],
        };
        self.write_elements(selection, elements)
    }
}

fn to_elements<T>(
    data_type: &DataType,
    values: &[T],
    mut write: impl FnMut(&T, &mut RecordMut<'_>) -> Result<()>,
) -> Result<Vec<u8>> {
    let (record, size) = record_type(data_type)?;
    let mut elements = vec![0; values.len() * size];
    for (value, bytes) in values.iter().zip(elements.chunks_exact_mut(size)) {
        write(value, &mut RecordMut { record, bytes })?;
    }
    Ok(elements)
}

/// The fields of a record type and its size in bytes.
fn record_type(data_type: &DataType) -> Result<(&StructType, usize)> {
    match (data_type, data_type.size()) {
        (DataType::Struct(record), Some(size)) if size > 0 => Ok((record, size)),
        _ => Err(Error::Type {
            array: String::new(),
            stored: data_type.to_string(),
            asked: "records",
        }),
    }
}

/// A field, and where in a record it begins and ends.
fn find<'a>(record: &'a StructType, name: &str) -> Result<(&'a Field, usize, usize)> {
    let mut start = 0;
    for field in &record.fields {
        let end = start + field.size().unwrap_or(0);
        if field.name == name && !name.is_empty() {
            return Ok((field, start, end));
        }
        start = end;
    }
    let names: Vec<_> = record.fields.iter().map(|field| field.name.as_str()).collect();
    Err(bad(format!("no field `{name}` among {}", names.join(", "))))
}

fn check_field<T: Element>(field: &Field) -> Result<()> {
    if field.data_type.is_variable() {
        return Err(bad(format!("field `{}` has no fixed size", field.name)));
    }
    check_fits::<T>(&field.data_type)
}

fn n_elements(field: &Field) -> usize {
    field.n_elements().unwrap_or(0)
}

fn check_single(field: &Field) -> Result<()> {
    if field.shape.is_empty() {
        return Ok(());
    }
    Err(bad(format!(
        "field `{}` holds an array of shape {:?}",
        field.name, field.shape
    )))
}

fn struct_type(field: &Field) -> Result<&StructType> {
    match &field.data_type {
        DataType::Struct(record) => Ok(record),
        other => Err(bad(format!("field `{}` is {other} and no record", field.name))),
    }
}
