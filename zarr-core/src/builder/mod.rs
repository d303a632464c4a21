//! Making arrays.

mod chunks;

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_codecs::{
    ByteOrder, Codec, CodecConfig, CodecKind, CodecRegistry, DataType, FillValue, Object, StoredType,
};
use zarr_store::Store;

use self::chunks::Shards;
use crate::{
    Array, ArrayMetadata, ChunkEdges, ChunkKeyEncoding, DimensionNames, Error, Group, NodePath, Options,
    Order, Result, ZarrFormat, hierarchy, mask_from_v3, mask_to_v3,
    metadata::{Codecs, V2Codecs, elements_codec, v2, v2_fill_value},
    n5, new_node, put_dimension_names, take_dimension_names,
};

/// What a new array is to be.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{ArrayBuilder, NodePath, ZarrFormat, codecs::DataType, store::MemoryStore};
/// let array = ArrayBuilder::new(vec![100, 100], DataType::Float32)
///     .chunk_shape(vec![10, 100])
///     .format(ZarrFormat::V3)
///     .create(Arc::new(MemoryStore::new()), &NodePath::new("temperature")?, &Default::default())?;
/// assert_eq!(array.n_chunks(), 10);
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ArrayBuilder {
    shape: Vec<u64>,
    data_type: DataType,
    byte_order: ByteOrder,
    chunk_shape: Option<Vec<u64>>,
    /// The lengths of chunks, where they differ.
    chunk_edges: Option<Vec<ChunkEdges>>,
    shards: Option<Shards>,
    order: Order,
    fill_value: Option<FillValue>,
    separator: Option<char>,
    /// Whether chunks of V3 are named as those of V2 are.
    has_v2_names: bool,
    /// Whether a V2 document says what the separator is even if it is the usual one.
    says_separator: bool,
    compression: Compression,
    format: ZarrFormat,
    attributes: Map<String, Value>,
    dimension_names: Option<DimensionNames>,
    unknown: Map<String, Value>,
}

/// What comes after the elements are in their order.
#[derive(Debug, Clone)]
enum Compression {
    Default,
    V2(V2Codecs),
    V3(Vec<CodecConfig>),
}

impl ArrayBuilder {
    /// An array of a shape and type: in C order, filled with zero, chunks guessed, compressed, format V2.
    pub fn new(shape: Vec<u64>, data_type: DataType) -> Self {
        let mut unknown = Map::new();
        let fill_value = match data_type {
            // As zarr-python does, the default is the number 0 whatever the items are.
            DataType::Object => FillValue::new(Object::Int(0).to_item()),
            ref data_type => {
                if data_type.is_variable() {
                    unknown.insert(v2::FILL_VALUE.into(), 0.into());
                }
                FillValue::zero(data_type)
            }
        };
        Self {
            shape,
            fill_value: Some(fill_value),
            data_type,
            byte_order: ByteOrder::Little,
            chunk_shape: None,
            chunk_edges: None,
            shards: None,
            order: Order::C,
            separator: None,
            has_v2_names: false,
            says_separator: false,
            compression: Compression::Default,
            format: ZarrFormat::V2,
            attributes: Map::new(),
            dimension_names: None,
            unknown,
        }
    }

    /// An array filled with one: of numbers, truths, and their complex kin.
    ///
    /// # Errors
    /// [`Error::Create`] for a data type that has no one.
    pub fn ones(shape: Vec<u64>, data_type: DataType) -> Result<Self> {
        let one = [json!(1), json!(1.0), json!(true), json!([1.0, 0.0])];
        let one = one
            .iter()
            .find_map(|one| FillValue::from_json(one, &data_type).ok());
        let is_number = !matches!(data_type, DataType::DateTime64(_) | DataType::TimeDelta64(_));
        let one = one
            .filter(|_| is_number)
            .ok_or_else(|| Error::create(format!("{data_type} has no one")))?;
        Ok(Self::full(shape, data_type, one))
    }

    /// An array filled with an element.
    pub fn full(shape: Vec<u64>, data_type: DataType, fill_value: FillValue) -> Self {
        Self::new(shape, data_type).fill_value(Some(fill_value))
    }

    /// An array whose elements are not defined before they are written; they read as zero.
    pub fn empty(shape: Vec<u64>, data_type: DataType) -> Self {
        Self::new(shape, data_type).fill_value(None)
    }

    /// An array like another one, filled with zero; see [`ArrayBuilder::like`].
    pub fn zeros_like(array: &Array) -> Self {
        let zero = FillValue::zero(array.data_type());
        Self::like(array).fill_value(Some(zero))
    }

    /// An array like another one, without its attributes; the codecs are carried over to either format.
    pub fn like(array: &Array) -> Self {
        let metadata = array.metadata();
        let registry = &array.options().registry;
        let shards = metadata.shards();
        let edges = metadata
            .chunk_grid
            .rectilinear()
            .map(|grid| grid.edges().to_vec());
        let (chunk_shape, codecs) = match &shards {
            Some(shards) => (shards.chunk_shape.clone(), shards.codecs.clone()),
            None => (array.chunk_shape().to_vec(), metadata.codecs.list().to_vec()),
        };
        let compression = match (metadata.format, metadata.codecs.to_v2(registry)) {
            (ZarrFormat::V2, Ok(mut codecs)) => {
                // Blocks of N5 are for stores of N5, which wrap the compressor anew.
                codecs.compressor = codecs
                    .compressor
                    .map(|config| n5::unwrapped(&config).clone())
                    .filter(|config| !config.is_null());
                Compression::V2(codecs)
            }
            _ => Compression::V3(codecs),
        };
        Self {
            shape: metadata.shape.clone(),
            data_type: metadata.data_type.clone(),
            byte_order: metadata.codecs.byte_order(),
            chunk_shape: Some(chunk_shape),
            chunk_edges: edges.clone().filter(|_| shards.is_none()),
            shards: shards.map(|codec| Shards {
                shape: array.chunk_shape().to_vec(),
                edges,
                codec: Some(codec),
            }),
            order: metadata.order().unwrap_or_default(),
            fill_value: metadata.fill_value.clone(),
            separator: Some(metadata.chunk_key_encoding.separator()),
            has_v2_names: metadata.format == ZarrFormat::V3
                && matches!(metadata.chunk_key_encoding, ChunkKeyEncoding::V2 { .. }),
            says_separator: false,
            compression,
            format: metadata.format,
            attributes: Map::new(),
            dimension_names: metadata.dimension_names.clone(),
            unknown: metadata.unknown.clone(),
        }
    }

    /// The order of elements in stored chunks.
    pub const fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Stores all fields of records in one byte order, which is the only one that V3 has for them.
    pub fn in_one_byte_order(mut self) -> Self {
        self.data_type = self.data_type.in_one_byte_order();
        self
    }

    /// The byte order of stored elements.
    pub const fn byte_order(mut self, byte_order: ByteOrder) -> Self {
        self.byte_order = byte_order;
        self
    }

    /// What elements are that are never written; `None` is V2's `null`, which reads as zero.
    pub fn fill_value(mut self, fill_value: Option<FillValue>) -> Self {
        self.unknown.remove(v2::FILL_VALUE);
        self.fill_value = fill_value;
        self
    }

    /// What elements are that are never written, in the form in which a V2 document has it and will have it.
    ///
    /// # Errors
    /// [`Error::Create`] when the type of the elements has no such value.
    pub fn v2_fill_value(mut self, json: &Value) -> Result<Self> {
        let fill_value = v2_fill_value(json, &self.data_type, self.byte_order)
            .map_err(|wrong| Error::create(format!("fill_value {}", wrong.reason)))?;
        self.fill_value = fill_value;
        self.unknown.insert(v2::FILL_VALUE.into(), json.clone());
        Ok(self)
    }

    /// What stands between the coordinates in the names of chunks: `.` or `/`.
    ///
    /// Unless it is called, it is `.` in V2 and `/` in V3, and a V2 document does not mention it.
    pub const fn separator(mut self, separator: char) -> Self {
        self.separator = Some(separator);
        self.says_separator = true;
        self
    }

    /// Has chunks of V3 named as those of V2 are (`0.1`, not `c/0/1`), with `.` unless a separator is chosen.
    pub const fn v2_chunk_names(mut self) -> Self {
        self.has_v2_names = true;
        self
    }

    /// Filters and compressor in the V2 form.
    pub fn v2_codecs(mut self, codecs: V2Codecs) -> Self {
        self.compression = Compression::V2(codecs);
        self
    }

    /// Filters and compressor in the V2 form as they stand now; none where they were given in the V3 form.
    pub fn current_v2_codecs(&self) -> V2Codecs {
        match &self.compression {
            Compression::Default => V2Codecs {
                filters: None,
                compressor: Some(default_compressor()),
            },
            Compression::V2(codecs) => codecs.clone(),
            Compression::V3(_) => V2Codecs::default(),
        }
    }

    /// Codecs in the V3 form; the codec that makes bytes may be left out and is then chosen by the type.
    pub fn codecs(mut self, codecs: Vec<CodecConfig>) -> Self {
        self.compression = Compression::V3(codecs);
        self
    }

    /// The format of the documents; where it changes, names of chunks are those that are usual in it, unless
    /// [`ArrayBuilder::separator`] has chosen them.
    pub fn format(mut self, format: ZarrFormat) -> Self {
        if self.format != format && !self.says_separator {
            self.separator = None;
            self.has_v2_names = false;
        }
        self.format = format;
        self
    }

    /// The format of the documents as it stands now.
    pub const fn current_format(&self) -> ZarrFormat {
        self.format
    }

    /// The attributes.
    pub fn attributes(mut self, attributes: Map<String, Value>) -> Self {
        self.attributes = attributes;
        self
    }

    /// The names of the dimensions, which documents of V2 have no place for; see
    /// [`ArrayBuilder::foreign_attributes`].
    pub fn dimension_names(mut self, names: Option<DimensionNames>) -> Self {
        self.dimension_names = names;
        self
    }

    /// The attributes of an array of another format; the names of dimensions go to where this format has them.
    ///
    /// That is the document in V3, and the attribute [`DIMENSIONS_ATTRIBUTE`](crate::DIMENSIONS_ATTRIBUTE) in V2.
    /// The attribute [`MASK_ATTRIBUTE`](crate::MASK_ATTRIBUTE) takes the form that xarray has for it in this format.
    pub fn foreign_attributes(mut self, mut attributes: Map<String, Value>) -> Self {
        match self.format {
            ZarrFormat::V3 => {
                let mut others = attributes.clone();
                let names = take_dimension_names(&mut others, self.shape.len());
                if self.dimension_names.is_none() || self.dimension_names == names {
                    (self.dimension_names, attributes) = (names, others);
                }
                mask_to_v3(&mut attributes, &self.data_type);
            }
            ZarrFormat::V2 => {
                if let Some(names) = &self.dimension_names {
                    put_dimension_names(&mut attributes, names);
                }
                mask_from_v3(&mut attributes, &self.data_type);
            }
        }
        self.attributes(attributes)
    }

    /// The attributes as they stand now.
    pub const fn current_attributes(&self) -> &Map<String, Value> {
        &self.attributes
    }

    /// Stores the array where nothing is, and makes groups above it where there are none.
    ///
    /// # Errors
    /// [`Error::Exists`] when a node is there, [`Error::Create`] for parameters that make no sense, and
    /// [`Error::Codecs`] for codecs that cannot encode such an array.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as every `open` and `create` takes it"
    )]
    pub fn create(self, store: Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Array> {
        self.create_in(&store, path, options, None)
    }

    /// As [`ArrayBuilder::create`], in a group that is in hand.
    pub(crate) fn create_in(
        self,
        store: &Arc<dyn Store>,
        path: &NodePath,
        options: &Options,
        parent: Option<&Group>,
    ) -> Result<Array> {
        options.check_writable(path)?;
        let attributes = self.attributes.clone();
        let format = self.format;
        let array = self.prepare(Arc::clone(store), path, options);
        let array = array.and_then(|array| array.check_codecs().map(|()| array));
        if let Ok(array) = &array
            && new_node::set_new(array, &attributes, parent)?
        {
            return Ok(array.clone());
        }
        if let Some(node) = hierarchy::Node::find(store, path, options, None)? {
            return Err(Error::Exists {
                path: path.as_str().to_owned(),
                found: node.kind(),
            });
        }
        let array = array?;
        hierarchy::create_parents(array.store(), path, format, options)?;
        array.write_metadata()?;
        if format == ZarrFormat::V2 && !attributes.is_empty() {
            array.attrs().put_first(attributes)?;
        }
        Ok(array)
    }

    /// Makes the array's handle without storing its metadata; chunks can be written before the array is
    /// visible, and [`Array::write_metadata`] makes it so.
    ///
    /// Attributes of the V2 format are not stored either: set them through the handle.
    ///
    /// Codecs that cannot encode such an array are an error when values are written; chunks that are encoded
    /// already can be carried into an array whose codecs are not even known.
    ///
    /// # Errors
    /// [`Error::Create`] for parameters that make no sense.
    pub fn prepare(self, store: Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Array> {
        let registry = &options.registry;
        // `NumPy` counts an object as a pointer.
        let item_size = match &self.data_type {
            variable if variable.is_variable() => 8,
            fixed => fixed.size().unwrap_or(1),
        };
        let chunk_shape = self.resolved_chunk_shape(item_size)?;
        let chunk_grid = self.chunk_grid(&chunk_shape)?;
        let codecs = match self.format {
            ZarrFormat::V2 => self.v2_codec_list(registry)?,
            ZarrFormat::V3 => Codecs::new(self.sharded(&chunk_shape, self.v3_codec_list(registry)?)),
        };
        let chunk_key_encoding = match self.format {
            ZarrFormat::V3 if !self.has_v2_names => ChunkKeyEncoding::Default {
                separator: self.separator.unwrap_or('/'),
            },
            _ => ChunkKeyEncoding::V2 {
                separator: self.separator.unwrap_or('.'),
            },
        };
        let is_v3 = self.format == ZarrFormat::V3;
        let mut unknown = self.unknown;
        // Any other separator is said by the document in any case.
        if !is_v3 && self.says_separator && chunk_key_encoding.separator() == '.' {
            unknown.insert(v2::SEPARATOR.into(), ".".into());
        }
        let metadata = ArrayMetadata {
            format: self.format,
            shape: self.shape,
            data_type: self.data_type,
            chunk_grid,
            chunk_key_encoding,
            fill_value: self.fill_value,
            codecs,
            attributes: if is_v3 { self.attributes } else { Map::new() },
            dimension_names: self.dimension_names.filter(|_| is_v3),
            unknown,
        };
        let metadata = match store.node_format() {
            Some(n5::FORMAT) => n5::adapted(&metadata, options)?,
            _ => metadata,
        };
        let array = Array::new(store, path.clone(), metadata, options.clone());
        Ok(array)
    }

    fn v2_codec_list(&self, registry: &CodecRegistry) -> Result<Codecs> {
        let mut codecs = match &self.compression {
            // An array without dimensions is one element, which no compressor makes smaller.
            Compression::Default if self.shape.is_empty() => V2Codecs::default(),
            Compression::Default => V2Codecs {
                filters: None,
                compressor: Some(default_compressor()),
            },
            Compression::V2(codecs) => codecs.clone(),
            Compression::V3(list) => Codecs::new(list.clone())
                .to_v2(registry)
                .map_err(|name| Error::create(format!("codec `{name}` has no form in Zarr V2")))?,
        };
        if self.data_type.is_variable() && !has_object_codec(&codecs, registry) {
            if self.data_type == DataType::Object {
                return Err(Error::create("missing object_codec for object array"));
            }
            let codec = elements_codec(&self.data_type, self.byte_order);
            let mut filter = codec.configuration;
            filter.insert("id".into(), codec.name.into());
            codecs.filters.get_or_insert_default().insert(0, filter.into());
        }
        let order = (self.order, self.shape.len());
        Ok(Codecs::from_v2(
            codecs,
            &self.data_type,
            self.byte_order,
            order,
            registry,
        ))
    }

    fn v3_codec_list(&self, registry: &CodecRegistry) -> Result<Vec<CodecConfig>> {
        let list = match &self.compression {
            Compression::Default if self.shape.is_empty() => Vec::new(),
            Compression::Default => vec![CodecConfig::of("zstd", json!({"level": 0, "checksum": true}))],
            Compression::V2(codecs) => {
                let order = (Order::C, self.shape.len());
                Codecs::from_v2(codecs.clone(), &self.data_type, self.byte_order, order, registry)
                    .list()
                    .to_vec()
            }
            Compression::V3(list) => list.clone(),
        };
        let kind = |codec: &CodecConfig| registry.find(&codec.name).map(|entry| entry.kind).ok();
        let mut complete = list;
        if !complete
            .iter()
            .any(|codec| kind(codec) == Some(CodecKind::ArrayToBytes))
        {
            let place = complete
                .iter()
                .position(|codec| kind(codec) == Some(CodecKind::BytesToBytes));
            let place = place.unwrap_or(complete.len());
            // Codecs of arrays may have made another type of the elements.
            let given = StoredType::new(self.data_type.clone(), self.byte_order);
            let stored = complete[..place]
                .iter()
                .fold(given, |given, codec| match registry.build(codec) {
                    Ok(Codec::ArrayToArray(codec)) => codec.stored_as(&given),
                    _ => given,
                });
            complete.insert(place, elements_codec(&stored.data_type, self.byte_order));
        }
        let is_transposed = complete.iter().any(|codec| codec.name == "transpose");
        if self.order == Order::F && self.shape.len() > 1 && !is_transposed {
            let order: Vec<_> = (0..self.shape.len()).rev().collect();
            complete.insert(0, CodecConfig::of("transpose", json!({"order": order})));
        }
        // Filters of V2 may stand in any order, codecs of V3 may not.
        let is_bytes = |codec: &&CodecConfig| kind(codec) == Some(CodecKind::ArrayToBytes);
        let behind = complete.iter().skip_while(|codec| !is_bytes(codec)).skip(1);
        let is_from_v2 = matches!(self.compression, Compression::V2(_));
        let kinds = [CodecKind::ArrayToArray, CodecKind::ArrayToBytes];
        let is_misplaced =
            |codec: &&CodecConfig| is_from_v2 && kind(codec).is_some_and(|kind| kinds.contains(&kind));
        match behind.clone().find(is_misplaced) {
            Some(codec) => Err(Error::create(format!(
                "codec `{}` behind one that makes bytes has no form in Zarr V3",
                codec.name
            ))),
            None => Ok(complete),
        }
    }
}

/// Whether one of the filters holds objects.
fn has_object_codec(codecs: &V2Codecs, registry: &CodecRegistry) -> bool {
    codecs.filters.iter().flatten().any(|filter| {
        let id = filter.get("id").and_then(Value::as_str).unwrap_or_default();
        registry
            .find_v2(id)
            .is_ok_and(|(entry, _)| entry.kind == CodecKind::ArrayToBytes)
    })
}

/// What zarr-python 2 compresses with unless told otherwise.
fn default_compressor() -> Value {
    json!({"blocksize": 0, "clevel": 5, "cname": "lz4", "id": "blosc", "shuffle": 1})
}
