//! Datasets as arrays.

use std::{
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use zarr_convenience::core::codecs::{
    ByteOrder, ChunkBuffer, ChunkCodec, ChunkSpec, CodecChain, CodecConfig, CodecError, DataType, FillValue,
    Limits,
};
use zarr_convenience::core::{
    ArrayBuilder, ArrayData, ChunkSource, ChunkedShape, NodePath, Options, Selection, Workers, gather,
};
use zarr_convenience::{Error, Result, SourceArray, core};

use super::{
    chunks::{ChunkTable, Chunks, describe},
    datatype::{Elements, Form},
    filters::is_decodable,
    source::source_error,
};
use crate::hdf5::{Dataset, DatasetInfo, Layout, Values};

/// A dataset that Zarr has a type for.
#[derive(Debug)]
pub(super) struct Hdf5Array {
    path: NodePath,
    dataset: Dataset,
    elements: Elements,
    shape: Vec<u64>,
    fill_value: FillValue,
    /// Found once, when chunks are first asked for.
    table: OnceLock<ChunkTable>,
}

impl Hdf5Array {
    /// Takes a dataset, or says in a few words why it is no array.
    pub(super) fn new(path: NodePath, dataset: Dataset) -> Result<Self, String> {
        let info = dataset.info();
        match info.layout {
            Layout::Virtual => return Err("virtual dataset, whose data lie in others".to_owned()),
            Layout::External => return Err("dataset whose data lie in other files".to_owned()),
            _ => {}
        }
        let shape = info.space.shape().ok_or("null dataspace")?.to_vec();
        let elements = Elements::new(&info.datatype).map_err(|reason| format!("dataset, {reason}"))?;
        let is_decodable = elements.form != Form::Text && info.filters.iter().all(is_decodable);
        let mut unknown = info.filters.iter().filter(|filter| !filter.is_available());
        if let Some(filter) = unknown.next().filter(|_| !is_decodable) {
            return Err(format!(
                "dataset, its filter {} `{}` is not built in",
                filter.id, filter.name
            ));
        }
        Ok(Self {
            fill_value: elements.fill_value(&info.fill_value),
            path,
            elements,
            shape,
            table: OnceLock::new(),
            dataset,
        })
    }

    /// What the dataset says of itself.
    pub(super) fn info(&self) -> &DatasetInfo {
        self.dataset.info()
    }

    /// The chunks, if the dataset is in chunks.
    fn table(&self) -> Result<Option<&ChunkTable>> {
        let Some(chunk_shape) = self.chunk_shape() else {
            return Ok(None);
        };
        if let Some(table) = self.table.get() {
            return Ok(Some(table));
        }
        let table = ChunkTable::new(&self.dataset, chunk_shape, &self.elements)?;
        Ok(Some(self.table.get_or_init(|| table)))
    }

    fn error(&self, reason: impl Into<String>) -> Error {
        Error::Source {
            what: describe(&self.dataset),
            reason: reason.into(),
        }
    }

    /// Refuses what memory cannot hold.
    fn check_size(&self, n_elements: u64) -> Result<()> {
        let item_size = self
            .elements
            .data_type
            .size()
            .unwrap_or(1)
            .max(self.elements.file_size());
        let size = u128::from(n_elements) * item_size.max(1) as u128;
        let limit = Options::default().read_size_max;
        if size <= u128::from(limit) {
            return Ok(());
        }
        let array = self.path.to_string();
        Err(core::Error::TooLarge { array, size, limit }.into())
    }

    /// Reads from chunks that are decoded here; `None` if that is for the library.
    fn read_chunks(&self, selection: &Selection, workers: Workers) -> Result<Option<Vec<u8>>> {
        let (Some(table), Some(chunk_shape)) = (self.table()?, self.chunk_shape()) else {
            return Ok(None);
        };
        if !table.is_decodable() {
            return Ok(None);
        }
        let chunks = Chunks {
            dataset: &self.dataset,
            table,
            shape: &self.shape,
            chunk_shape,
        };
        // Records are taken apart after they were gathered, so until then their fill value is the file's.
        let file_fill;
        let fill = match &self.elements.form {
            Form::Record { .. } => {
                file_fill = self.elements.file_fill(&self.dataset.info().fill_value);
                &file_fill
            }
            _ => self.fill_value.as_bytes(),
        };
        let array = ChunkedShape {
            shape: &self.shape,
            chunk_shape,
            fill,
        };
        let elements = gather(&chunks, array, selection, workers)?;
        Ok(Some(match self.elements.form {
            Form::Record { .. } => self.elements.decode(elements),
            _ => self.elements.normalise(elements),
        }))
    }

    /// Reads through the library: the box that holds the selection, out of which its elements are then taken.
    fn read_through_library(&self, selection: &Selection) -> Result<ChunkBuffer> {
        self.check_chunk_size()?;
        let region = self.resolve(selection)?;
        let (start, counts) = region.bounds();
        let n_elements = counts
            .iter()
            .fold(1_u64, |product, count| product.saturating_mul(*count));
        self.check_size(n_elements)?;
        let mut buffer = if n_elements == 0 {
            ChunkBuffer::default()
        } else {
            let values = self.dataset.read_region(&start, &counts).map_err(source_error)?;
            self.buffer(values, n_elements)?
        };
        if n_elements > 0 && !region.is_box() {
            let size = self.elements.data_type.size().unwrap_or(1);
            buffer.elements = pick(buffer.elements, &counts, size, &region.within(&start))?;
        }
        Ok(buffer)
    }

    fn resolve(&self, selection: &Selection) -> Result<core::Region> {
        let chunk_shape = self.chunk_shape().unwrap_or(&self.shape);
        Ok(selection.resolve(&self.shape, chunk_shape)?)
    }

    /// The library decodes whole chunks, whatever the file says of their shape.
    fn check_chunk_size(&self) -> Result<()> {
        let size = self.elements.file_size().max(1) as u64;
        let chunk = self.chunk_shape().unwrap_or_default();
        let size = chunk
            .iter()
            .try_fold(size, |size, length| size.checked_mul(*length));
        match size {
            Some(size) if size <= Limits::DEFAULT.chunk_size_max => Ok(()),
            _ => Err(self.error(format!("its chunks of {chunk:?} elements are too large"))),
        }
    }

    /// Values of the file as elements in memory.
    fn buffer(&self, values: Values, n_elements: u64) -> Result<ChunkBuffer> {
        let mut buffer = ChunkBuffer::default();
        match values {
            Values::Fixed(bytes) => buffer.elements = self.elements.decode(bytes),
            Values::Variable(items) => {
                for item in items {
                    if std::str::from_utf8(&item).is_err() {
                        return Err(self.error("a text of it is not UTF-8"));
                    }
                    buffer.push_item(&item);
                }
            }
        }
        let size = self.elements.data_type.size().unwrap_or(1) as u64;
        if n_elements.checked_mul(size) != Some(buffer.elements.len() as u64) {
            return Err(self.error("the library gave another number of values than was asked for"));
        }
        Ok(buffer)
    }
}

impl SourceArray for Hdf5Array {
    fn path(&self) -> &NodePath {
        &self.path
    }

    fn shape(&self) -> &[u64] {
        &self.shape
    }

    fn data_type(&self) -> &DataType {
        &self.elements.data_type
    }

    fn byte_order(&self) -> ByteOrder {
        self.elements.byte_order
    }

    fn fill_value(&self) -> Option<&FillValue> {
        Some(&self.fill_value)
    }

    fn chunk_shape(&self) -> Option<&[u64]> {
        match &self.dataset.info().layout {
            Layout::Chunked { chunk_shape } => Some(chunk_shape),
            _ => None,
        }
    }

    fn builder(&self) -> Result<ArrayBuilder> {
        let builder = ArrayBuilder::new(self.shape.clone(), self.elements.data_type.clone())
            .byte_order(self.elements.byte_order)
            .fill_value(Some(self.fill_value.clone()));
        Ok(match self.chunk_shape() {
            Some(chunk_shape) => builder.chunk_shape(chunk_shape.to_vec()),
            None => builder.guessed_chunks(),
        })
    }

    fn as_any(&self) -> Option<&dyn std::any::Any> {
        Some(self)
    }

    fn read(&self, selection: &Selection, workers: Workers) -> Result<ArrayData> {
        let region = self.resolve(selection)?;
        self.check_size(region.n_elements())?;
        let buffer = match self.read_chunks(selection, workers)? {
            Some(elements) => ChunkBuffer {
                elements,
                heap: Vec::new(),
            },
            None => self.read_through_library(selection)?,
        };
        let data = ArrayData {
            shape: region.result_shape(),
            data_type: self.elements.data_type.clone(),
            buffer,
        };
        Ok(match selection.field_names() {
            [] => data,
            fields => data.fields(fields)?,
        })
    }

    fn stored_chunks(&self) -> Result<Option<HashSet<Vec<u64>>>> {
        Ok(self.table()?.map(ChunkTable::positions))
    }
}

/// Takes a selection out of a box of elements, or of the slots in their place.
fn pick(elements: Vec<u8>, shape: &[u64], item_size: usize, selection: &Selection) -> Result<Vec<u8>> {
    let limits = Limits {
        chunk_size_max: u64::MAX,
        ..Limits::DEFAULT
    };
    let data_type = DataType::Raw(u32::try_from(item_size).unwrap_or(u32::MAX));
    let spec = ChunkSpec {
        shape: shape.to_vec(),
        fill_value: FillValue::zero(&data_type),
        data_type,
    };
    let codec = CodecChain::new(
        &[CodecConfig::new("bytes", <_>::default())],
        &<_>::default(),
        &limits,
    )
    .and_then(|chain| chain.for_chunk(spec, &limits))
    .map_err(|error| unpickable(&error))?;
    let only = OneChunk {
        elements,
        codec: Arc::new(codec),
    };
    let array = ChunkedShape {
        shape,
        chunk_shape: shape,
        fill: &vec![0; item_size],
    };
    gather(&only, array, selection, Workers::ONE)
}

/// A box of elements as the only chunk of an array.
struct OneChunk {
    elements: Vec<u8>,
    codec: Arc<ChunkCodec>,
}

impl ChunkSource for OneChunk {
    type Error = Error;

    fn fetch(&self, _: &[u64], encoded: &mut Vec<u8>) -> Result<Option<Arc<ChunkCodec>>> {
        encoded.extend_from_slice(&self.elements);
        Ok(Some(Arc::clone(&self.codec)))
    }

    fn undecodable(&self, _: &[u64], error: CodecError) -> Error {
        unpickable(&error)
    }
}

fn unpickable(error: &CodecError) -> Error {
    core::Error::Selection {
        reason: error.to_string(),
    }
    .into()
}
