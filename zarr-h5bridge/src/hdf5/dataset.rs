//! Datasets: what they are, and reading them by region or by stored chunk.

use std::sync::Arc;

use super::attribute::{Node, read_values};
use super::libhdf5::{self, Called, Handle, Holder};
use super::several::{Kept, Sources, read_raw};
use super::{
    Attribute, Chunk, ChunkIndex, Datatype, Error, File, FillValue, Filter, Layout, Name, Result, Times,
    Values,
};

/// A dataset of a file.
#[derive(Clone, Debug)]
pub struct Dataset {
    node: Node,
    type_handle: Arc<Handle>,
    info: Arc<DatasetInfo>,
    /// Where the values come from, if they are not its own.
    sources: Option<Kept>,
}

/// What a dataset is, without its values.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetInfo {
    /// How many elements there are, and in what shape.
    pub space: Dataspace,
    /// The type of the elements.
    pub datatype: Datatype,
    /// The address of the type, if it is an object of the file.
    pub named_type: Option<u64>,
    /// Where the elements are.
    pub layout: Layout,
    /// What was done to the bytes of each chunk, in the order of writing; empty unless chunked.
    pub filters: Vec<Filter>,
    /// Whether chunks that reach beyond the dataset went through the filters as the others did.
    pub filters_partial_chunks: bool,
    /// What elements are that were never written.
    pub fill_value: FillValue,
    /// Whether the order in which attributes were made is kept.
    pub tracks_attributes: bool,
    /// When room and fill values are made, and whether the object has times.
    pub times: Times,
}

/// How many elements there are, and in what shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dataspace {
    /// None, and no shape either: h5py's `Empty`.
    Null,
    /// One, without dimensions.
    Scalar,
    /// An array of one dimension or more.
    Simple {
        /// The length of each dimension, in elements; may be 0.
        shape: Vec<u64>,
        /// What each length may grow to; `None` is without limit.
        max_shape: Vec<Option<u64>>,
    },
}

impl Dataspace {
    /// The length of each dimension; empty for a scalar and `None` for a null space.
    pub fn shape(&self) -> Option<&[u64]> {
        match self {
            Self::Null => None,
            Self::Scalar => Some(&[]),
            Self::Simple { shape, .. } => Some(shape),
        }
    }

    /// How many elements there are; `None` if no 64-bit number can say it.
    pub fn n_elements(&self) -> Option<u64> {
        match self.shape() {
            None => Some(0),
            Some(shape) if shape.contains(&0) => Some(0),
            Some(shape) => shape.iter().try_fold(1_u64, |n, &len| n.checked_mul(len)),
        }
    }
}

impl Dataset {
    pub(super) fn new(node: Node) -> Result<Self> {
        let described = Self::describe(node.handle());
        let (type_handle, properties, mut info) = node.check("opening", described)?;
        let sources = matches!(info.layout, Layout::Virtual | Layout::External).then(|| {
            let (sources, found) = Sources::find(&node, &properties, &info)?;
            if let (Some(found), Dataspace::Simple { shape, .. }) = (found, &mut info.space) {
                *shape = found;
            }
            Ok(sources)
        });
        Ok(Self {
            node,
            type_handle: Arc::new(type_handle),
            info: Arc::new(info),
            sources: sources.map(Arc::new),
        })
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Where the values come from, if they are not its own, or why they are not read.
    pub(super) fn sources(&self) -> Option<std::result::Result<&Sources, &str>> {
        let sources = self.sources.as_ref()?;
        Some(sources.as_ref().as_ref().map_err(String::as_str))
    }

    fn describe(dataset: &Handle) -> Called<(Handle, Handle, DatasetInfo)> {
        let properties = libhdf5::creation_properties(dataset)?;
        let space = libhdf5::extent(&libhdf5::dataset_space(dataset, &properties)?)?;
        let type_handle = libhdf5::dataset_type(dataset)?;
        let datatype = libhdf5::describe(&type_handle)?;
        let ndim = space.shape().map_or(0, <[u64]>::len);
        let is_text = matches!(datatype, Datatype::VlenString { .. });
        let info = DatasetInfo {
            layout: libhdf5::layout(dataset, &properties, ndim)?,
            filters: libhdf5::filters(&properties)?,
            filters_partial_chunks: libhdf5::filters_partial_chunks(&properties),
            fill_value: libhdf5::fill_value(&properties, &type_handle, datatype.size(), is_text)?,
            tracks_attributes: libhdf5::tracks_attributes(&properties),
            times: libhdf5::times(&properties)?,
            named_type: libhdf5::committed_address(&type_handle)?,
            space,
            datatype,
        };
        Ok((type_handle, properties, info))
    }

    /// The file that the dataset belongs to.
    pub fn file(&self) -> &File {
        self.node.file()
    }

    /// The path that the dataset was opened by.
    pub fn path(&self) -> &str {
        self.node.path()
    }

    /// The address of the dataset, which tells it from all other objects of the file.
    ///
    /// # Errors
    /// [`Error::Library`] if the file is damaged.
    pub fn address(&self) -> Result<u64> {
        self.node.address()
    }

    /// What the dataset is, without its values.
    pub fn info(&self) -> &DatasetInfo {
        &self.info
    }

    /// How many bytes of the file the values take. For chunked datasets this walks all chunks.
    pub fn storage_size_bytes(&self) -> u64 {
        libhdf5::storage_size_bytes(self.node.handle())
    }

    /// Finds all chunks of a chunked dataset that exist, in one go.
    ///
    /// # Errors
    /// [`Error::Request`] if the dataset is not chunked, [`Error::Library`] if the index is damaged
    /// or says of a chunk that it lies outside of the grid or of the file.
    pub fn chunk_index(&self) -> Result<ChunkIndex> {
        let (Layout::Chunked { chunk_shape }, Some(shape)) = (&self.info.layout, self.info.space.shape())
        else {
            return Err(self.request_error("it is not chunked".to_owned()));
        };
        // An index of nothing is not even there.
        if shape.contains(&0) {
            return Ok(ChunkIndex {
                ndim: shape.len(),
                ..ChunkIndex::default()
            });
        }
        let bounds = self.file().bounds();
        let index = libhdf5::chunk_index(self.node.handle(), shape, chunk_shape, bounds);
        self.node.check("reading the chunk index of", index)
    }

    /// Where the values of a contiguous dataset lie: their address and how many bytes they are, which the file has.
    ///
    /// `None` for other layouts, while nothing was written, and for values that are pointers.
    ///
    /// # Errors
    /// [`Error::Damaged`] if they lie beyond the end of the file.
    pub fn stored_block(&self) -> Result<Option<(u64, u64)>> {
        let Layout::Contiguous {
            address: Some(address),
        } = self.info.layout
        else {
            return Ok(None);
        };
        let Some(item_size) = self.info.datatype.size().filter(|_| !self.info.datatype.points()) else {
            return Ok(None);
        };
        let n_elements = self.info.space.n_elements();
        let size_bytes = n_elements.and_then(|n| n.checked_mul(item_size as u64));
        match size_bytes.filter(|size| self.file().has_bytes(address, *size)) {
            Some(0) => Ok(None),
            Some(size_bytes) => Ok(Some((address, size_bytes))),
            None => Err(Error::Damaged {
                file: self.file().path().to_owned(),
                object: self.path().to_owned(),
                reason: format!("its values, from {address} on, lie beyond the end of the file"),
            }),
        }
    }

    /// How many bytes the values are of a dataset in one piece that [`read_block`](Self::read_block) reads.
    ///
    /// `None` for other layouts, while nothing was written, and for values that are pointers.
    ///
    /// # Errors
    /// [`Error::Damaged`] if they lie beyond the end of the file, or no number can say how many they are;
    /// [`Error::Outside`] if they lie in other files that are not read.
    pub fn block_size_bytes(&self) -> Result<Option<u64>> {
        match self.sources() {
            None => Ok(self.stored_block()?.map(|(_, size_bytes)| size_bytes)),
            Some(Ok(Sources::Datasets(_))) => Ok(None),
            Some(Ok(Sources::Raw(_))) => {
                let item_size = self.info.datatype.size().unwrap_or_default() as u64;
                let size = self
                    .info
                    .space
                    .n_elements()
                    .and_then(|n| n.checked_mul(item_size));
                let size = size.ok_or_else(|| Error::Damaged {
                    file: self.file().path().to_owned(),
                    object: self.path().to_owned(),
                    reason: "it has more values than can be counted".to_owned(),
                })?;
                Ok(Some(size).filter(|size| *size > 0))
            }
            Some(Err(reason)) => Err(self.outside(reason)),
        }
    }

    /// Reads so many bytes of a dataset in one piece, from the `first` of them on, without the library and its lock.
    ///
    /// `bytes` is emptied first.
    ///
    /// # Errors
    /// [`Error::Damaged`] if there are none, or they lie beyond the end of a file, else [`Error::Io`].
    pub fn read_block(&self, first: u64, size_bytes: u64, bytes: &mut Vec<u8>) -> Result<()> {
        let whole = self.block_size_bytes()?.unwrap_or_default();
        let end = first.checked_add(size_bytes);
        let size = usize::try_from(size_bytes).ok();
        let (Some(size), true) = (size, end.is_some_and(|end| end <= whole)) else {
            return Err(self.request_error(format!("{size_bytes} bytes at {first} are not among {whole}")));
        };
        match self.sources() {
            Some(Ok(Sources::Raw(parts))) => {
                bytes.clear();
                bytes.resize(size, 0);
                read_raw(parts, &self.node, first, bytes)
            }
            _ => match self.stored_block()? {
                Some((address, _)) => self.file().read_bytes(address + first, size_bytes, bytes),
                None => Err(self.request_error("it is not in one piece".to_owned())),
            },
        }
    }

    /// Of a dataset whose values are in others or in other files: the names of these, each once; `.` is its own file.
    ///
    /// `None` for all other datasets.
    ///
    /// # Errors
    /// [`Error::Outside`] with the reason if they are not read.
    pub fn source_names(&self) -> Result<Option<Vec<&str>>> {
        match self.sources() {
            None => Ok(None),
            Some(Ok(sources)) => Ok(Some(sources.names())),
            Some(Err(reason)) => Err(self.outside(reason)),
        }
    }

    /// Whether all values are in the file itself.
    pub fn is_in_file(&self) -> bool {
        match self.sources() {
            None => true,
            Some(sources) => sources.is_ok_and(Sources::are_here),
        }
    }

    /// Opens the sources of a virtual dataset, and names those that are not there, whose elements are the fill value.
    ///
    /// # Errors
    /// [`Error::Outside`] as above, [`Error::Library`] if a source cannot be read.
    pub fn missing_sources(&self) -> Result<Vec<String>> {
        match self.sources() {
            Some(Ok(Sources::Datasets(parts))) => self
                .node
                .check("opening the sources of", parts.missing(&self.node)),
            Some(Err(reason)) => Err(self.outside(reason)),
            _ => Ok(Vec::new()),
        }
    }

    /// Fails if sources of a virtual dataset, or sources of these, are not read.
    ///
    /// # Errors
    /// [`Error::Outside`] with the reason.
    pub fn check_sources(&self) -> Result<()> {
        match self.sources() {
            Some(Ok(Sources::Datasets(parts))) => parts
                .check_allowed(&self.node)
                .map_err(|reason| self.outside(&reason)),
            Some(Err(reason)) => Err(self.outside(reason)),
            _ => Ok(()),
        }
    }

    fn outside(&self, reason: &str) -> Error {
        Error::Outside {
            file: self.file().path().to_owned(),
            object: self.path().to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Reads the encoded bytes of one chunk, without the library and its lock. `bytes` is emptied first.
    ///
    /// # Errors
    /// As [`File::read_bytes`].
    pub fn read_chunk(&self, chunk: Chunk<'_>, bytes: &mut Vec<u8>) -> Result<()> {
        self.file().read_bytes(chunk.address, chunk.size_bytes, bytes)
    }

    /// Reads a box of `count` elements that starts at `offset`, in C order, through the library.
    ///
    /// Both are empty for a scalar. Elements that were never written are the fill value.
    /// The bytes are those of the file's own type; for texts and sequences see [`Values`].
    ///
    /// # Errors
    /// [`Error::Outside`] if they lie in other files that are not read, [`Error::Request`] if the box does not fit,
    /// the values lie in files without a format ([`read_block`](Self::read_block) reads those),
    /// or the values are references of HDF5 1.12, [`Error::MissingFilter`] if the library lacks a filter,
    /// [`Error::Library`] if the values are damaged.
    pub fn read_region(&self, offset: &[u64], count: &[u64]) -> Result<Values> {
        self.check_region(offset, count)?;
        let read = || -> Called<Option<Values>> {
            let dataset = self.node.handle();
            let file = self.file().handle();
            if let Some(Ok(Sources::Datasets(parts))) = self.sources() {
                let assembly = parts.assembly(&self.node, &self.info, offset, count)?;
                let holder = Holder::Several(&assembly);
                return read_values(holder, &self.info.datatype, &self.type_handle, file);
            }
            let properties = libhdf5::creation_properties(dataset)?;
            let space = libhdf5::dataset_space(dataset, &properties)?;
            if !count.is_empty() {
                libhdf5::select(&space, offset, count)?;
            }
            read_values(
                Holder::Dataset(dataset, &space),
                &self.info.datatype,
                &self.type_handle,
                file,
            )
        };
        let values = read().map_err(|reason| self.read_error(reason))?;
        values.ok_or_else(|| self.request_error("its values are references of HDF5 1.12".to_owned()))
    }

    /// Reads all elements, as [`read_region`](Self::read_region); none for a null space.
    ///
    /// # Errors
    /// As there.
    pub fn read_all(&self) -> Result<Values> {
        let shape = self.info.space.shape().unwrap_or_default();
        self.read_region(&vec![0; shape.len()], shape)
    }

    fn check_region(&self, offset: &[u64], count: &[u64]) -> Result<()> {
        match self.sources() {
            Some(Err(reason)) => return Err(self.outside(reason)),
            Some(Ok(Sources::Raw(_))) => {
                return Err(self.request_error("its values lie in files without a format".to_owned()));
            }
            _ => {}
        }
        let shape = self.info.space.shape().unwrap_or_default();
        let fits = offset.len() == shape.len()
            && count.len() == shape.len()
            && offset
                .iter()
                .zip(count)
                .zip(shape)
                .all(|((&offset, &count), &len)| offset.checked_add(count).is_some_and(|end| end <= len));
        if fits {
            return Ok(());
        }
        let reason = format!("a box of {count:?} elements at {offset:?} does not fit into {shape:?}");
        Err(self.request_error(reason))
    }

    /// A missing filter is looked for only after a failure, since chunks may lack it.
    fn read_error(&self, reason: String) -> Error {
        match self.info.filters.iter().find(|filter| !filter.is_available()) {
            Some(Filter { id, name, .. }) => {
                let (file, object) = (self.file().path().to_owned(), self.path().to_owned());
                Error::MissingFilter {
                    file,
                    object,
                    id: *id,
                    name: name.clone(),
                }
            }
            None => self.node.error("reading", reason),
        }
    }

    fn request_error(&self, reason: String) -> Error {
        let file = self.file().path().to_owned();
        Error::Request {
            file,
            object: self.path().to_owned(),
            reason,
        }
    }

    /// The names of the attributes: in the order they were made where the dataset tracks it, else by name.
    ///
    /// # Errors
    /// [`Error::Library`] if the object is damaged.
    pub fn attribute_names(&self) -> Result<Vec<Name>> {
        self.node.attribute_names()
    }

    /// Reads one attribute.
    ///
    /// # Errors
    /// [`Error::NotFound`], or [`Error::Library`] if it is damaged.
    pub fn attribute(&self, name: &Name) -> Result<Attribute> {
        self.node.attribute(name)
    }
}
