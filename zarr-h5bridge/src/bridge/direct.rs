//! Values that go into the chunks of a new dataset without the HDF5 library: encoded on all threads, or as they were.

use std::{borrow::Cow, collections::HashSet, sync::Arc};

use zarr_convenience::core::codecs::{ByteOrder, ChunkBuffer, DataType};
use zarr_convenience::core::store::Store;
use zarr_convenience::core::{Array, ArrayBuilder, ArrayData, NodePath, Selection, Workers};
use zarr_convenience::{How, Result, Route, SourceArray, StoredChunk, carry, route};

use super::{
    array::Hdf5Array,
    datatype::Elements,
    new_dataset::Target,
    twin::{As, Dataset},
};
use crate::hdf5::FillValue as FileFillValue;

/// An array on its way into the twin of a dataset.
pub(super) struct Direct<'a> {
    array: &'a dyn SourceArray,
    /// The same array with the elements of the file, where those differ.
    file_form: Option<FileForm<'a>>,
    twin: Array,
}

impl<'a> Direct<'a> {
    /// Takes an array and what it is to be, whose chunks go into a store; or says why they cannot.
    pub(super) fn new(
        array: &'a dyn SourceArray,
        target: &'a Target,
        store: Arc<dyn Store>,
    ) -> Result<Self, String> {
        let (new, elements) = (&target.new, &target.elements);
        let Some(chunk_shape) = &new.chunk_shape else {
            return Err("its values lie in one piece".to_owned());
        };
        if !elements.is_fixed() {
            return Err("its values are of any length".to_owned());
        }
        let mut lengths = new.shape.iter().zip(chunk_shape);
        if !new.filters_partial_chunks && !lengths.all(|(length, chunk)| length.is_multiple_of(*chunk)) {
            return Err("its chunks at the edge skip the filters".to_owned());
        }
        let fill_value = match &new.fill_value {
            Some(bytes) => FileFillValue::User(bytes.clone()),
            None => FileFillValue::Default(Vec::new()),
        };
        let dataset = Dataset {
            elements,
            shape: array.shape(),
            chunk_shape: &chunk_shape
                .iter()
                .chain(&elements.inner)
                .copied()
                .collect::<Vec<_>>(),
            filters: &new.filters,
            fill_value: &fill_value,
        };
        let dataset_before = array.as_any().and_then(|array| array.downcast_ref::<Hdf5Array>());
        let as_it_was = dataset_before.filter(|array| array.info().datatype == new.datatype);
        let is_plain = elements.are_stored_as_zarr(None) && elements.data_type == *array.data_type();
        // What Zarr cannot say of chunks that are missing, bytes can.
        let is_plain = is_plain && as_it_was.is_none_or(Hdf5Array::tells_fill);
        let form = if is_plain { As::Elements } else { As::Bytes };
        let twin = dataset.twin(form, store)?;
        let file_form = (!is_plain).then(|| FileForm {
            array,
            elements,
            data_type: twin.data_type().clone(),
            as_it_was: as_it_was.map(|array| (array, array.has_fill_of(new))),
        });
        Ok(Self {
            array,
            file_form,
            twin,
        })
    }

    fn source(&self) -> &dyn SourceArray {
        match &self.file_form {
            Some(array) => array,
            None => self.array,
        }
    }

    /// How the values go.
    pub(super) fn route(&self, memory: Option<u64>) -> Route {
        route(self.source(), &self.twin, memory)
    }

    /// Has all of them go.
    pub(super) fn run(&self, how: &How<'_>) -> Result<()> {
        carry(self.source(), &self.twin, how)
    }
}

/// An array whose elements are the bytes that a file has for them.
#[derive(Debug)]
struct FileForm<'a> {
    array: &'a dyn SourceArray,
    elements: &'a Elements,
    data_type: DataType,
    /// A dataset whose bytes mean the same in both files, and whether its fill value is the same as well.
    as_it_was: Option<(&'a Hdf5Array, bool)>,
}

impl SourceArray for FileForm<'_> {
    fn path(&self) -> &NodePath {
        self.array.path()
    }

    fn shape(&self) -> &[u64] {
        self.array.shape()
    }

    fn data_type(&self) -> &DataType {
        &self.data_type
    }

    fn byte_order(&self) -> ByteOrder {
        self.elements.byte_order
    }

    fn chunk_shape(&self) -> Option<&[u64]> {
        self.array.chunk_shape()
    }

    fn builder(&self) -> Result<ArrayBuilder> {
        Ok(ArrayBuilder::new(self.shape().to_vec(), self.data_type.clone()))
    }

    fn read(&self, selection: &Selection, workers: Workers) -> Result<ArrayData> {
        let data = self.array.read(selection, workers)?;
        Ok(ArrayData {
            shape: data.shape,
            data_type: self.data_type.clone(),
            buffer: ChunkBuffer {
                elements: self.elements.encode(data.buffer.elements),
                heap: Vec::new(),
            },
        })
    }

    fn stored_chunks(&self) -> Result<Option<HashSet<Vec<u64>>>> {
        match self.as_it_was {
            Some((array, true)) => array.written_chunks(),
            _ => self.array.stored_chunks(),
        }
    }

    fn generation(&self, start: &[u64], shape: &[u64]) -> Result<Option<u64>> {
        self.array.generation(start, shape)
    }

    fn stored_as(&self) -> Result<Cow<'_, Array>, String> {
        match self.as_it_was {
            Some((array, true)) => array.twin(As::Bytes).map(Cow::Owned),
            Some(_) => Err("the fill values differ".to_owned()),
            None => Err("its elements have another form in HDF5".to_owned()),
        }
    }

    fn stored_chunk(&self, chunk: &[u64], proven: bool) -> Result<StoredChunk> {
        match self.as_it_was {
            Some((array, true)) => array.stored_bytes(chunk, proven, None),
            _ => Ok(StoredChunk::Otherwise),
        }
    }
}
