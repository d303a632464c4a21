//! The handle of an array.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use zarr_codecs::{ChunkCodec, ChunkSpec, CodecError, DataType, FillValue};
use zarr_store::{Store, StoreKey};

use crate::{
    ArrayMetadata, Attributes, Error, NodePath, Options, RectilinearGrid, Result,
    hierarchy::{self, Node},
    kept_indices::KeptIndices,
    locks::StoreLocks,
    metadata::v2,
};

/// An array of a hierarchy.
///
/// A clone is cheap and is the same array; changes of the shape are seen by the handle that made them.
#[derive(Debug, Clone)]
pub struct Array {
    store: Arc<dyn Store>,
    path: NodePath,
    metadata: Arc<ArrayMetadata>,
    /// Shared by clones.
    made: Arc<MadeLater>,
    options: Options,
    /// Whether the metadata differ from what is stored.
    is_view: bool,
}

/// What is made when it is first needed: many arrays are only looked at, and one that cannot be decoded can still be
/// opened and carried along.
#[derive(Debug, Default)]
struct MadeLater {
    codec: OnceLock<Arc<ChunkCodec>>,
    kept_indices: OnceLock<KeptIndices>,
}

impl Array {
    /// Opens an array.
    ///
    /// An array whose data type or codecs are not known opens as well; reading its values is an error.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`] for a group, [`Error::Metadata`] for a damaged document.
    pub fn open(store: Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Self> {
        match Node::open(store, path, options)? {
            Node::Array(array) => Ok(array),
            Node::Group(_) => Err(Error::WrongKind {
                path: path.as_str().to_owned(),
                found: "a group",
            }),
        }
    }

    /// Makes the handle of an array that need not be stored yet.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        path: NodePath,
        metadata: ArrayMetadata,
        options: Options,
    ) -> Self {
        Self {
            store,
            path,
            metadata: Arc::new(metadata),
            made: Arc::default(),
            options,
            is_view: false,
        }
    }

    /// The store that holds the array.
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Where the array is in its hierarchy.
    pub const fn path(&self) -> &NodePath {
        &self.path
    }

    /// All that the metadata say.
    pub fn metadata(&self) -> &ArrayMetadata {
        &self.metadata
    }

    /// How the array was opened.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The same array, opened otherwise; limits stay as they were.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// The same array in another store, where no document is read or written by this.
    #[must_use]
    pub fn in_store(mut self, store: Arc<dyn Store>) -> Self {
        // Those which are put into one store after the other share the codec; where there is none, whoever needs it is
        // told why.
        let codec = self.chunk_codec().map(OnceLock::from).unwrap_or_default();
        self.store = store;
        self.made = Arc::new(MadeLater {
            codec,
            kept_indices: OnceLock::new(),
        });
        self
    }

    /// What is known of the shards from earlier reads.
    pub(crate) fn kept_indices(&self) -> &KeptIndices {
        self.made.kept_indices.get_or_init(KeptIndices::default)
    }

    /// The number of elements in each dimension.
    pub fn shape(&self) -> &[u64] {
        &self.metadata.shape
    }

    /// The number of dimensions.
    pub fn ndim(&self) -> usize {
        self.metadata.shape.len()
    }

    /// The number of elements; saturates.
    pub fn n_elements(&self) -> u64 {
        self.shape()
            .iter()
            .fold(1, |product, length| product.saturating_mul(*length))
    }

    /// The length of the first dimension: Python's `len`.
    ///
    /// # Errors
    /// [`Error::Selection`] for an array without dimensions.
    pub fn length(&self) -> Result<u64> {
        let first = self.shape().first().copied();
        first.ok_or_else(|| Error::selection("len() of unsized object"))
    }

    /// What elements are that were never written; `None` is V2's `null`, which reads as zero.
    pub fn fill_value(&self) -> Option<&FillValue> {
        self.metadata.fill_value.as_ref()
    }

    /// Changes what elements are that were never written, those in chunks that are not stored included.
    ///
    /// # Errors
    /// [`Error::Incompatible`] for what is no element of the array; [`Error::ReadOnly`], [`Error::View`]; when
    /// the store fails.
    pub fn set_fill_value(&mut self, fill_value: Option<FillValue>) -> Result<()> {
        self.check_changeable()?;
        let size = fill_value.as_ref().map(FillValue::size);
        if size.is_some() && size != self.data_type().size() && !self.data_type().is_variable() {
            return Err(self.incompatible("fill value is no element of the array"));
        }
        let metadata = ArrayMetadata {
            fill_value,
            ..self.metadata.as_ref().clone()
        };
        self.replace_metadata(metadata)
    }

    /// The shape of the inner chunks, if chunks are shards; zarr-python 3 calls those `chunks` then.
    ///
    /// Inner chunks can be read alone, but not written: with them their shard is put together anew.
    pub fn inner_chunk_shape(&self) -> Option<Vec<u64>> {
        self.metadata.shards().map(|shards| shards.chunk_shape)
    }

    /// The shape of a chunk, which is what is stored under one key: a shard, where there are shards.
    ///
    /// Where chunks differ in shape, it is the longest length in each dimension; [`crate::ChunkGrid`] knows them all.
    pub fn chunk_shape(&self) -> &[u64] {
        self.metadata.chunk_grid.chunk_shape()
    }

    /// The type of the elements.
    pub fn data_type(&self) -> &DataType {
        &self.metadata.data_type
    }

    /// The number of chunks in each dimension: zarr-python's `cdata_shape`.
    pub fn grid_shape(&self) -> Vec<u64> {
        self.metadata.chunk_grid.grid_shape(self.shape())
    }

    /// The number of chunks.
    pub fn n_chunks(&self) -> u64 {
        self.metadata.chunk_grid.n_chunks(self.shape())
    }

    /// The codecs as they apply to a chunk; where chunks differ in shape, to one that is the longest in each dimension.
    ///
    /// # Errors
    /// [`Error::Codecs`] when the data type or a codec is not known, or a chunk would be too large.
    pub fn chunk_codec(&self) -> Result<Arc<ChunkCodec>> {
        if let Some(codec) = self.made.codec.get() {
            return Ok(Arc::clone(codec));
        }
        let codec = self.build_codec(self.chunk_shape().to_vec())?;
        Ok(Arc::clone(self.made.codec.get_or_init(|| Arc::new(codec))))
    }

    /// The codecs as they apply to the chunks of one shape.
    ///
    /// # Errors
    /// Those of [`Array::chunk_codec`].
    pub(crate) fn chunk_codec_for(&self, chunk_shape: Vec<u64>) -> Result<Arc<ChunkCodec>> {
        if chunk_shape == self.chunk_shape() {
            return self.chunk_codec();
        }
        self.build_codec(chunk_shape).map(Arc::new)
    }

    /// Checks that the codecs take chunks of every shape.
    ///
    /// # Errors
    /// Those of [`Array::chunk_codec`].
    pub(crate) fn check_codecs(&self) -> Result<()> {
        self.chunk_codec()?;
        let edges = self.metadata.chunk_grid.rectilinear().map(RectilinearGrid::edges);
        for (dimension, edges) in edges.into_iter().flatten().enumerate() {
            for length in edges.lengths() {
                let mut shape = self.chunk_shape().to_vec();
                shape[dimension] = length;
                self.chunk_codec_for(shape)?;
            }
        }
        Ok(())
    }

    fn build_codec(&self, chunk_shape: Vec<u64>) -> Result<ChunkCodec> {
        let failed = |source| Error::Codecs {
            array: self.path.to_string(),
            document: self.store.describe(self.document_key().as_str()),
            source,
        };
        build_codec(&self.metadata, &self.options, chunk_shape).map_err(failed)
    }

    /// The key of a chunk.
    ///
    /// # Errors
    /// [`Error::Store`] when it would be too long, [`Error::Selection`] for a wrong number of coordinates.
    pub fn chunk_key(&self, chunk_coords: &[u64]) -> Result<StoreKey> {
        if chunk_coords.len() != self.ndim() {
            return Err(Error::selection(format!(
                "chunk {chunk_coords:?} of an array of {} dimensions",
                self.ndim()
            )));
        }
        self.chunk_key_of(chunk_coords.iter().copied(), String::new())
    }

    /// The key of a chunk; `name` is memory for it.
    pub(crate) fn chunk_key_of(
        &self,
        coords: impl Iterator<Item = u64>,
        mut name: String,
    ) -> Result<StoreKey> {
        name.clear();
        let prefix = self.path.prefix().as_str();
        // Enough for most names, so that it does not grow bit by bit.
        name.reserve(prefix.len() + 32);
        name.push_str(prefix);
        self.metadata.chunk_key_encoding.write(coords, &mut name);
        Ok(StoreKey::new(name)?)
    }

    /// The attributes, one by one.
    pub fn attrs(&self) -> Attributes {
        Attributes::new(
            Arc::clone(&self.store),
            self.path.clone(),
            self.metadata.format,
            self.options.clone(),
        )
    }

    /// The attributes, as they are stored now; of an array that is not stored yet, those it will have.
    ///
    /// # Errors
    /// [`Error::Metadata`] when their document is damaged.
    pub fn attributes(&self) -> Result<Map<String, Value>> {
        let stored = self.attrs().stored()?;
        Ok(stored.unwrap_or_else(|| self.metadata.attributes.clone()))
    }

    /// Replaces the attributes.
    ///
    /// # Errors
    /// When the store fails; the attributes are then what they were.
    pub fn set_attributes(&self, attributes: Map<String, Value>) -> Result<()> {
        self.attrs().put(attributes)
    }

    /// Whether the format has a form for the metadata; what [`Array::write_metadata`] would say, without storing.
    ///
    /// # Errors
    /// [`Error::Metadata`] when it has none.
    pub fn check_metadata(&self) -> Result<()> {
        hierarchy::array_document(self.store.as_ref(), &self.path, &self.metadata, &self.options).map(drop)
    }

    /// Stores the metadata document, which makes the array visible.
    ///
    /// # Errors
    /// [`Error::Metadata`] when the format has no form for them; when the store fails.
    pub fn write_metadata(&self) -> Result<()> {
        self.check_changeable()?;
        let store = self.store.as_ref();
        // What cannot be written outdates nothing.
        let (key, document) = hierarchy::array_document(store, &self.path, &self.metadata, &self.options)?;
        hierarchy::outdate(store, &self.path, self.metadata.format)?;
        Ok(store.set(&key, &document)?)
    }

    /// Stores other metadata, and has them from now on.
    ///
    /// Attributes that stand in the same document stay as they are stored.
    pub(crate) fn replace_metadata(&mut self, mut metadata: ArrayMetadata) -> Result<()> {
        let store = self.store.as_ref();
        hierarchy::outdate(store, &self.path, metadata.format)?;
        let guard = StoreLocks::of(store).lock(&self.document_key())?;
        if metadata.format.has_attributes_within()
            && let Some(stored) = self.attrs().stored()?
        {
            metadata.attributes = stored;
        }
        let (key, document) = hierarchy::array_document(store, &self.path, &metadata, &self.options)?;
        guard.set(&key, &document)?;
        self.set_metadata(metadata);
        Ok(())
    }

    /// Has other metadata, without storing them.
    pub(crate) fn set_metadata(&mut self, metadata: ArrayMetadata) {
        *self = Self {
            is_view: self.is_view,
            ..Self::new(
                Arc::clone(&self.store),
                self.path.clone(),
                metadata,
                self.options.clone(),
            )
        };
    }

    /// Makes this handle one whose metadata are not the stored ones.
    pub(crate) fn into_view(self) -> Self {
        Self {
            is_view: true,
            ..self
        }
    }

    /// Refuses to change the metadata of a read-only array or a view.
    pub(crate) fn check_changeable(&self) -> Result<()> {
        self.check_writable()?;
        if self.is_view {
            return Err(Error::View {
                array: self.path.to_string(),
            });
        }
        Ok(())
    }

    pub(crate) fn document_key(&self) -> StoreKey {
        self.path
            .key(self.metadata.format.array_document())
            .expect("the document was read or written under this key")
    }

    pub(crate) fn incompatible(&self, reason: &str) -> Error {
        Error::Incompatible {
            array: self.path.to_string(),
            reason: reason.to_owned(),
        }
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        self.options.check_writable(&self.path)
    }

    /// Names the array in an error of a value.
    pub(crate) fn name_value(&self, error: Error) -> Error {
        match error {
            Error::Value { array, reason } if array.is_empty() => Error::Value {
                array: self.path.to_string(),
                reason,
            },
            other => other,
        }
    }

    pub(crate) fn chunk_error(&self, chunk: Vec<u64>, key: &StoreKey, source: CodecError) -> Error {
        Error::Chunk {
            array: self.path.to_string(),
            chunk,
            key: self.store.describe(key.as_str()),
            source: Box::new(source),
        }
    }
}

fn build_codec(
    metadata: &ArrayMetadata,
    options: &Options,
    chunk_shape: Vec<u64>,
) -> Result<ChunkCodec, CodecError> {
    let chain = metadata.codecs.chain(&options.registry, &options.limits)?;
    let has_bytes = metadata.codecs.list().iter().any(|codec| codec.name == "bytes");
    if has_bytes && v2::is_object(&metadata.data_type) {
        return Err(CodecError::value(
            "filters",
            "missing object codec for an object array",
        ));
    }
    let spec = ChunkSpec {
        shape: chunk_shape,
        data_type: metadata.data_type.clone(),
        fill_value: metadata.fill_value_or_zero(),
    };
    chain.for_chunk(spec, &options.limits)
}
