//! Datasets as arrays.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{Arc, OnceLock},
};

use serde_json::{Value, json};
use zarr_convenience::core::codecs::{
    ByteOrder, ChunkBuffer, CodecError, DataType, FillValue, Limits, Object,
};
use zarr_convenience::core::metadata::V2Codecs;
use zarr_convenience::core::store::MemoryStore;
use zarr_convenience::core::{
    Array, ArrayBuilder, ArrayData, ChunkedShape, NodePath, Options, Selection, Workers, ZarrFormat, gather,
};
use zarr_convenience::{Error, Result, SourceArray, StoredChunk, core, data_type_text, generation_of};

use super::{
    attributes,
    values::{Paths, path_of, to_json},
};
use super::{
    block::Block,
    chunks::{ChunkTable, Chunks, describe},
    datatype::{Elements, Form},
    filters::is_decodable,
    picking::pick,
    source::source_error,
    twin::{self, As},
};
use crate::hdf5::{self, Dataset, DatasetInfo, Datatype, Item, Layout, Referent, Values};

/// A dataset that Zarr has a type for.
#[derive(Debug)]
pub(super) struct Hdf5Array {
    path: NodePath,
    dataset: Dataset,
    elements: Elements,
    /// With the dimensions that elements have themselves, at the end; so are the chunks.
    shape: Vec<u64>,
    chunk_shape: Option<Vec<u64>>,
    dimension_names: Option<Vec<Option<String>>>,
    /// The type of texts, once they were looked through: bytes if some are no texts.
    text_type: OnceLock<DataType>,
    fill_value: FillValue,
    /// For which the type of the elements was chosen.
    format: ZarrFormat,
    /// Found once, when chunks are first asked for.
    table: OnceLock<ChunkTable>,
}

impl Hdf5Array {
    /// Takes a dataset, or says in a few words why it is no array.
    pub(super) fn new(path: NodePath, dataset: Dataset, format: ZarrFormat) -> Result<Self, String> {
        let info = dataset.info();
        // What is refused further away is found now, where it ends nothing but this array.
        if let Err(error) = dataset.check_sources() {
            let what = match info.layout {
                Layout::Virtual => "virtual dataset, whose data lie in others",
                _ => "dataset whose data lie in other files",
            };
            let reason = match error {
                hdf5::Error::Outside { reason, .. } => reason,
                error => error.to_string(),
            };
            return Err(format!("{what}: {reason}"));
        }
        let mut elements = Elements::new(&info.datatype).map_err(|reason| format!("dataset, {reason}"))?;
        if format == ZarrFormat::V3 {
            elements = elements.named_in_v3();
        }
        // No shape at all becomes that of nothing.
        let is_null = info.space.shape().is_none();
        let mut shape = info.space.shape().unwrap_or(&[0]).to_vec();
        shape.extend_from_slice(&elements.inner);
        let chunk_shape = match &info.layout {
            Layout::Chunked { chunk_shape } if !is_null => {
                Some(chunk_shape.iter().chain(&elements.inner).copied().collect())
            }
            _ => None,
        };
        let is_decodable = elements.is_fixed() && info.filters.iter().all(is_decodable);
        let mut unknown = info.filters.iter().filter(|filter| !filter.is_available());
        if let Some(filter) = unknown.next().filter(|_| !is_decodable) {
            return Err(format!(
                "dataset, its filter {} `{}` is not built in",
                filter.id, filter.name
            ));
        }
        Ok(Self {
            fill_value: elements.fill_value(&info.fill_value),
            format,
            path,
            elements,
            shape,
            chunk_shape,
            dimension_names: None,
            text_type: OnceLock::new(),
            table: OnceLock::new(),
            dataset,
        })
    }

    /// Names the dimensions; elements' own have none.
    pub(super) fn named(mut self, names: Option<Vec<Option<String>>>) -> Self {
        self.dimension_names = names.map(|mut names| {
            names.resize(self.shape.len(), None);
            names
        });
        self
    }

    /// The names of the dimensions.
    pub(super) fn dimension_names(&self) -> Option<&[Option<String>]> {
        self.dimension_names.as_deref()
    }

    /// The type of the elements, for which texts are looked through once.
    fn checked_type(&self) -> Result<&DataType> {
        if self.elements.form != Form::Text {
            return Ok(&self.elements.data_type);
        }
        if let Some(found) = self.text_type.get() {
            return Ok(found);
        }
        let found = if self.are_texts()? {
            DataType::String
        } else {
            DataType::Bytes
        };
        Ok(self.text_type.get_or_init(|| found))
    }

    /// Whether all texts are UTF-8.
    fn are_texts(&self) -> Result<bool> {
        let outer = self.dataset.info().space.shape().unwrap_or(&[0]);
        if outer.contains(&0) {
            return Ok(true);
        }
        // Rows, so many that there are enough of them to be worth a call.
        let per_row = outer
            .iter()
            .skip(1)
            .fold(1_u64, |n, length| n.saturating_mul(*length));
        let step = (TEXTS_AT_ONCE / per_row.max(1)).max(1);
        let n_rows = outer.first().copied().unwrap_or(1);
        let mut start = vec![0; outer.len()];
        let mut count = outer.to_vec();
        let mut row = 0;
        while row < n_rows {
            if let (Some(start), Some(count)) = (start.first_mut(), count.first_mut()) {
                (*start, *count) = (row, step.min(n_rows - row));
            }
            let values = self.dataset.read_region(&start, &count).map_err(source_error)?;
            if !all_utf8(&values) {
                return Ok(false);
            }
            row = row.saturating_add(step);
        }
        Ok(true)
    }

    /// The Zarr array that has the same encoded chunks, or why there is none.
    pub(super) fn twin(&self, elements: As) -> Result<Array, String> {
        let chunk_shape = self.chunk_shape().ok_or("the dataset is not in chunks")?;
        if !self.elements.is_fixed() {
            return Err("the chunks of the dataset hold no values".to_owned());
        }
        if !self.dataset.file().is_settled() {
            return Err("the file is being changed".to_owned());
        }
        let twin = twin::Dataset {
            elements: &self.elements,
            shape: &self.shape,
            chunk_shape,
            filters: &self.info().filters,
            fill_value: &self.info().fill_value,
        };
        twin.twin(elements, Arc::new(MemoryStore::new()))
    }

    /// A chunk as it is stored, if it went through all filters; `doubt` are elements whose values must be looked at.
    pub(super) fn stored_bytes(
        &self,
        position: &[u64],
        proven: bool,
        doubt: Option<&Elements>,
    ) -> Result<StoredChunk> {
        match (self.table()?, self.chunk_shape()) {
            (Some(table), Some(chunk_shape)) => {
                self.chunks(table, chunk_shape)
                    .stored(position, proven, &|elements| {
                        doubt.is_none_or(|doubt| doubt.are_stored_as_zarr(Some(elements)))
                    })
            }
            _ => Ok(StoredChunk::Otherwise),
        }
    }

    fn chunks<'a>(&'a self, table: &'a ChunkTable, chunk_shape: &'a [u64]) -> Chunks<'a> {
        Chunks {
            dataset: &self.dataset,
            table,
            shape: &self.shape,
            chunk_shape,
        }
    }

    /// The format for which the type of the elements was chosen.
    pub(super) const fn format(&self) -> ZarrFormat {
        self.format
    }

    /// The dataset itself.
    pub(super) const fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Whether the bytes of elements in the file are those that Zarr has for them; truths may be other than 0 and 1.
    pub(super) fn is_as_in_file(&self) -> bool {
        self.elements.are_stored_as_zarr(None)
    }

    /// The elements as Zarr has them.
    pub(super) const fn elements(&self) -> &Elements {
        &self.elements
    }

    /// What the dataset says of itself.
    pub(super) fn info(&self) -> &DatasetInfo {
        self.dataset.info()
    }

    /// The chunks, if the dataset is in chunks.
    pub(super) fn table(&self) -> Result<Option<&ChunkTable>> {
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

    /// Reads by position from the file, and decodes here; `None` if that is for the library.
    fn read_stored(&self, selection: &Selection, workers: Workers) -> Result<Option<Vec<u8>>> {
        let fill_value = &self.dataset.info().fill_value;
        let is_ours = self.elements.is_fixed() && self.elements.tells_fill(fill_value);
        if !is_ours || !self.dataset.file().is_settled() {
            return Ok(None);
        }
        let Some(chunk_shape) = self.chunk_shape() else {
            let Some(block) = Block::new(&self.dataset, &self.shape, &self.elements)? else {
                return Ok(None);
            };
            let array = ChunkedShape {
                shape: &self.shape,
                chunk_shape: block.piece_shape(),
                fill: &vec![0; self.elements.file_size()],
            };
            let elements = gather(&block, array, selection, workers)?;
            return Ok(Some(self.finished(elements)));
        };
        let Some(table) = self.table()?.filter(|table| table.is_decodable()) else {
            return Ok(None);
        };
        let chunks = self.chunks(table, chunk_shape);
        let array = ChunkedShape {
            shape: &self.shape,
            chunk_shape,
            // Elements are finished after they were gathered, and so is this.
            fill: &self.elements.native_fill(fill_value),
        };
        let elements = gather(&chunks, array, selection, workers)?;
        Ok(Some(self.finished(elements)))
    }

    /// Elements in native byte order, or records as they are in the file, as memory has them.
    fn finished(&self, elements: Vec<u8>) -> Vec<u8> {
        match self.elements.form {
            Form::Record { .. } => self.elements.decode(elements),
            _ => self.elements.normalise(elements),
        }
    }

    /// Reads through the library: the box that holds the selection, out of which its elements are then taken.
    fn read_through_library(&self, selection: &Selection) -> Result<ChunkBuffer> {
        self.check_chunk_size()?;
        let region = self.resolve(selection)?;
        let (mut start, mut counts) = region.bounds();
        // Elements are read whole.
        for dimension in self.n_outer()..start.len() {
            (start[dimension], counts[dimension]) = (0, self.shape[dimension]);
        }
        let n_elements = counts
            .iter()
            .fold(1_u64, |product, count| product.saturating_mul(*count));
        self.check_size(n_elements)?;
        let mut buffer = if n_elements == 0 {
            ChunkBuffer::default()
        } else {
            let n_outer = self.n_outer();
            let values = self
                .dataset
                .read_region(&start[..n_outer], &counts[..n_outer])
                .map_err(source_error)?;
            self.buffer(values, n_elements)?
        };
        let is_whole = counts == region.bounds().1;
        if n_elements > 0 && !(region.is_box() && is_whole) {
            let size = self.elements.data_type.size().unwrap_or(1);
            buffer.elements = pick(buffer.elements, &counts, size, &region.within(&start))?;
        }
        Ok(buffer)
    }

    /// How many dimensions the dataset has in the file.
    fn n_outer(&self) -> usize {
        self.shape.len() - self.elements.inner.len()
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

    /// A text or a sequence as memory has it.
    fn item(&self, item: Vec<u8>) -> Result<Vec<u8>> {
        match &self.elements.form {
            Form::Sequence(element) => Ok(element.decode(item)),
            // A sequence of numbers, for which the format has no type.
            Form::Object => {
                let mut datatype = &self.dataset.info().datatype;
                while let Datatype::Array { element, .. } = datatype {
                    datatype = element;
                }
                let Datatype::VlenSequence { element } = datatype else {
                    return Err(self.error("its values are not of its type"));
                };
                let size = element.size().unwrap_or(1).max(1);
                let items = item.chunks_exact(size).map(|bytes| Item::Bytes(bytes.to_vec()));
                self.mixed(datatype, &Item::Sequence(items.collect()), &|_| None)
            }
            _ if self.text_type.get() != Some(&DataType::Bytes) && std::str::from_utf8(&item).is_err() => {
                Err(self.error("a text of it is not UTF-8"))
            }
            _ => Ok(item),
        }
    }

    /// A reference, or any other value, as memory has it.
    fn mixed(&self, datatype: &Datatype, item: &Item, paths: Paths<'_>) -> Result<Vec<u8>> {
        let object = |error: CodecError| self.error(error.to_string());
        Ok(match (&self.elements.form, item) {
            (Form::Text, Item::Text(text)) => self.item(text.clone())?,
            (Form::Path, Item::Reference(None)) => Vec::new(),
            (Form::Path, Item::Reference(Some(target))) => match &target.object {
                Referent::Address(address) => path_of(*address, paths).into_bytes(),
                Referent::Path(path) => path.clone().into_bytes(),
            },
            _ => {
                let json = to_json(datatype, item, paths).map_err(|reason| self.error(reason))?;
                let value = Object::from_json(&json).map_err(object)?;
                if self.elements.data_type == DataType::String {
                    value.to_text().map_err(object)?.into_bytes()
                } else {
                    value.to_item()
                }
            }
        })
    }

    /// Values of the file as elements in memory.
    fn buffer(&self, values: Values, n_elements: u64) -> Result<ChunkBuffer> {
        let mut buffer = ChunkBuffer::default();
        match values {
            Values::Fixed(bytes) => buffer.elements = self.elements.decode(bytes),
            Values::Variable(items) => {
                for item in items {
                    buffer.push_item(&self.item(item)?);
                }
            }
            Values::Mixed(items) => {
                let file = self.dataset.file();
                let paths = |address| file.path_of(address);
                let mut datatype = &self.dataset.info().datatype;
                let mut flat = Vec::new();
                for item in &items {
                    attributes::flatten(datatype, item, &mut flat);
                }
                while let Datatype::Array { element, .. } = datatype {
                    datatype = element;
                }
                for item in flat {
                    buffer.push_item(&self.mixed(datatype, item, &paths)?);
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

    /// Of texts, that of all of them, which are read for it; where they cannot be, reading them will say so.
    fn data_type(&self) -> &DataType {
        self.checked_type().unwrap_or(&self.elements.data_type)
    }

    /// Which is the same for texts and bytes of any length, so that none are read for it.
    fn data_type_text(&self) -> String {
        data_type_text(&self.elements.data_type, self.elements.byte_order)
    }

    fn settle(&self) -> Result<()> {
        self.checked_type().map(drop)
    }

    fn byte_order(&self) -> ByteOrder {
        self.elements.byte_order
    }

    fn fill_value(&self) -> Option<&FillValue> {
        Some(&self.fill_value)
    }

    fn chunk_shape(&self) -> Option<&[u64]> {
        self.chunk_shape.as_deref()
    }

    fn builder(&self) -> Result<ArrayBuilder> {
        let is_fill_null = self.is_fill_null()?;
        let builder = ArrayBuilder::new(self.shape.clone(), self.checked_type()?.clone())
            .byte_order(self.elements.byte_order)
            .dimension_names(self.dimension_names.clone())
            .fill_value(Some(self.fill_value.clone()).filter(|_| !is_fill_null));
        let builder = if *self.data_type() == DataType::Object {
            // Objects have no codec of their own in V2; this one is readable by people too.
            let codecs = V2Codecs {
                filters: Some(vec![json_codec()]),
                ..builder.current_v2_codecs()
            };
            builder.v2_codecs(codecs)
        } else {
            builder
        };
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
        let buffer = match self.read_stored(selection, workers)? {
            Some(elements) => ChunkBuffer {
                elements,
                heap: Vec::new(),
            },
            None => self.read_through_library(selection)?,
        };
        let data = ArrayData {
            shape: region.result_shape(),
            data_type: self.data_type().clone(),
            buffer,
        };
        Ok(match selection.field_names() {
            [] => data,
            fields => data.fields(fields)?,
        })
    }

    fn stored_chunks(&self) -> Result<Option<HashSet<Vec<u64>>>> {
        // Where Zarr has no such fill value, chunks that are missing are written; that of bytes of any length is a
        // text for zarr-python in V2.
        let is_text = self.format == ZarrFormat::V2 && *self.checked_type()? == DataType::Bytes;
        if is_text || !self.tells_fill() {
            return Ok(None);
        }
        Ok(self.table()?.map(ChunkTable::positions))
    }

    /// That of the whole file, so that any change to it counts; none where values come from others.
    fn generation(&self, _: &[u64], _: &[u64]) -> Result<Option<u64>> {
        let file = self.dataset.file();
        let is_known = self.dataset.is_in_file() && file.is_settled();
        let numbers = is_known.then(|| file.state().map(u64::to_le_bytes));
        Ok(numbers.map(|numbers| generation_of(numbers.as_flattened())))
    }

    fn stored_as(&self) -> Result<Cow<'_, Array>, String> {
        let twin = self.twin(As::Elements)?;
        if !self.elements.are_stored_as_zarr(None) {
            return Err("its elements have another form in Zarr".to_owned());
        }
        // Chunks that are missing would be missing in the copy as well.
        if !self.tells_fill() {
            return Err("its fill value has no form in Zarr".to_owned());
        }
        Ok(Cow::Owned(twin))
    }

    fn stored_chunk(&self, chunk: &[u64], proven: bool) -> Result<StoredChunk> {
        let doubt = Some(&self.elements).filter(|elements| elements.have_doubtful_values());
        self.stored_bytes(chunk, proven || doubt.is_some(), doubt)
    }
}

/// numcodecs' codec of objects as JSON, which keeps the members of objects in their order.
fn json_codec() -> Value {
    json!({
        "id": "json2",
        "encoding": "utf-8",
        "skipkeys": false,
        "ensure_ascii": true,
        "check_circular": true,
        "allow_nan": true,
        "indent": null,
        "separators": [",", ":"],
        "sort_keys": false,
        "strict": true,
    })
}

/// How many texts are looked at at once.
const TEXTS_AT_ONCE: u64 = 1 << 16;

fn all_utf8(values: &Values) -> bool {
    fn is_utf8(item: &Item) -> bool {
        match item {
            Item::Text(text) => std::str::from_utf8(text).is_ok(),
            Item::Parts(parts) | Item::Sequence(parts) => parts.iter().all(is_utf8),
            _ => true,
        }
    }
    match values {
        Values::Fixed(_) => true,
        Values::Variable(texts) => texts.iter().all(|text| std::str::from_utf8(text).is_ok()),
        Values::Mixed(items) => items.iter().all(is_utf8),
    }
}
