//! Creation options: those of zarr-python's `create`, by their names there (`v2-semantics` 10).

use serde_json::Value;
use zarr_core::{
    ArrayBuilder, ChunkEdges, Order, ZarrFormat,
    codecs::{ByteOrder, CodecConfig, DataType, NarrowType},
    metadata::{V2Codecs, v2_data_type, v2_fill_value},
};

use crate::{Error, Result, data_type_text, fill::given_fill_value};

/// How long chunks are to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunks {
    /// Chosen by the size of the array.
    Auto,
    /// One chunk.
    Whole,
    /// The same length in every dimension.
    Each(u64),
    /// One length a dimension; `None` and dimensions left out at the end are whole.
    Shape(Vec<Option<u64>>),
    /// For each dimension the lengths of its chunks, which may differ (Zarr V3).
    Edges(Vec<ChunkEdges>),
}

impl Chunks {
    /// The chunk shape for an array, the longest length in each dimension where they differ; `None` to have it guessed.
    ///
    /// # Errors
    /// [`Error::Argument`] for more lengths than dimensions. Lengths of 0 are refused where the array is made.
    pub fn resolve(&self, shape: &[u64]) -> Result<Option<Vec<u64>>> {
        let whole = |length: &u64| (*length).max(1);
        match self {
            Self::Auto => Ok(None),
            Self::Edges(edges) => Ok(Some(edges.iter().map(ChunkEdges::longest).collect())),
            Self::Whole => Ok(Some(shape.iter().map(whole).collect())),
            Self::Shape(lengths) if lengths.len() > shape.len() => {
                Err(Error::Argument("too many dimensions in chunks".to_owned()))
            }
            Self::Each(length) => Ok(Some(vec![*length; shape.len()])),
            Self::Shape(lengths) => {
                let given = lengths.iter().copied().chain(std::iter::repeat(None));
                Ok(Some(
                    shape
                        .iter()
                        .zip(given)
                        .map(|(length, given)| given.unwrap_or(whole(length)))
                        .collect(),
                ))
            }
        }
    }
}

/// What is asked of a new array; what is left out is as in the source, or as zarr-python chooses.
#[derive(Debug, Clone, Default)]
pub struct Creation {
    /// How long chunks are to be.
    pub chunks: Option<Chunks>,
    /// How long the shards are to be in which chunks lie, one length a dimension; `Some(None)` for none.
    pub shards: Option<Option<Vec<u64>>>,
    /// The lengths of the shards along each dimension, where they differ; instead of `shards`.
    pub shard_edges: Option<Vec<ChunkEdges>>,
    /// The compressor in the V2 form; `Some(None)` for none.
    pub compressor: Option<Option<Value>>,
    /// The filters in the V2 form; `Some(None)` for none.
    pub filters: Option<Option<Vec<Value>>>,
    /// Whether filters and compressor are those of the source where both formats have them, so that chunks are moved
    /// as they are; what is said of them here comes on top. Copies from Zarr to Zarr are such in any case.
    pub keeps_codecs: bool,
    /// Whether chunks that are moved as they are need not be seen to decode. From Zarr to Zarr they need not in any case.
    pub trusts_chunks: bool,
    /// All codecs in the V3 form, instead of filters and compressor.
    pub codecs: Option<Vec<CodecConfig>>,
    /// The fill value in the V2 form, or what `NumPy` would take for it; null for none.
    pub fill_value: Option<Value>,
    /// The order of elements in stored chunks.
    pub order: Option<Order>,
    /// What stands between the coordinates in the names of chunks.
    pub dimension_separator: Option<char>,
    /// The format of the documents.
    pub zarr_format: Option<ZarrFormat>,
}

impl Creation {
    /// Changes what a builder would make.
    ///
    /// # Errors
    /// [`Error::Argument`] for options that make no sense.
    pub fn apply(
        &self,
        mut builder: ArrayBuilder,
        shape: &[u64],
        data_type: &DataType,
        byte_order: ByteOrder,
    ) -> Result<ArrayBuilder> {
        if let Some(chunks) = &self.chunks {
            builder = match (chunks, chunks.resolve(shape)?) {
                (Chunks::Edges(edges), _) => builder.chunk_edges(edges.clone()),
                (_, Some(chunk_shape)) => builder.chunk_shape(chunk_shape),
                (_, None) => builder.guessed_chunks(),
            };
        }
        if let Some(format) = self.zarr_format {
            builder = builder.format(format);
        }
        if let Some(codecs) = &self.codecs {
            builder = builder.codecs(codecs.clone());
        }
        if self.compressor.is_some() || self.filters.is_some() {
            let mut codecs = builder.current_v2_codecs();
            if let Some(compressor) = &self.compressor {
                codecs.compressor.clone_from(compressor);
            }
            if let Some(filters) = &self.filters {
                codecs.filters = filters.clone().filter(|filters| !filters.is_empty());
            }
            check_codecs(&codecs)?;
            builder = builder.v2_codecs(codecs);
        }
        if let Some(fill_value) = &self.fill_value {
            let given = given_fill_value(fill_value, data_type);
            if matches!(data_type, DataType::FixedUtf32(_)) && !given.is_string() && !given.is_null() {
                let dtype = data_type_text(data_type, byte_order);
                let given = if given == true {
                    "True".to_owned()
                } else {
                    given.to_string()
                };
                let reason =
                    format!("fill_value {given} is not valid for dtype {dtype}; must be a  unicode string");
                return Err(Error::Argument(reason));
            }
            let fill_value = v2_fill_value(&given, data_type, byte_order)
                .map_err(|wrong| Error::Argument(format!("fill_value {}", wrong.reason)))?;
            builder = if data_type.is_variable() {
                // The document of an object array says what was given.
                builder.v2_fill_value(&given)?
            } else {
                builder.fill_value(fill_value)
            };
        }
        if let Some(order) = self.order {
            builder = builder.order(order);
        }
        if let Some(separator) = self.dimension_separator {
            if !matches!(separator, '.' | '/') {
                let reason = format!("dimension_separator must be either '.' or '/', found: '{separator}'");
                return Err(Error::Argument(reason));
            }
            builder = builder.separator(separator);
        }
        let has_shards = matches!(self.shards, Some(Some(_))) || self.shard_edges.is_some();
        if has_shards && builder.current_format() == ZarrFormat::V2 {
            let reason = "shards are of Zarr V3: the array must have zarr_format 3";
            return Err(Error::Argument(reason.to_owned()));
        }
        if let Some(edges) = &self.shard_edges {
            return Ok(builder.shard_edges(edges.clone()));
        }
        match &self.shards {
            Some(Some(shape)) => builder = builder.shard_shape(shape.clone()),
            Some(None) => builder = builder.without_shards(),
            None => {}
        }
        Ok(builder)
    }

    /// A builder of a new array from these options alone.
    ///
    /// # Errors
    /// [`Error::Argument`] for options that make no sense.
    pub fn builder(&self, shape: &[u64], dtype: &Value) -> Result<ArrayBuilder> {
        let (data_type, byte_order) = Self::data_type(dtype)?;
        let builder = ArrayBuilder::new(shape.to_vec(), data_type.clone()).byte_order(byte_order);
        self.apply(builder, shape, &data_type, byte_order)
    }

    /// The data type of a V2 form, of a word that zarr-python has for items of any size, or of the V3 form of a type
    /// that V2 lacks, such as `bfloat16`.
    ///
    /// # Errors
    /// [`Error::Argument`] for anything else.
    pub fn data_type(dtype: &Value) -> Result<(DataType, ByteOrder)> {
        match dtype.as_str() {
            Some("str") => Ok((DataType::String, ByteOrder::Little)),
            Some("bytes") => Ok((DataType::Bytes, ByteOrder::Little)),
            Some(name) if NarrowType::new(name).is_some() => Self::v3_data_type(dtype),
            None if dtype.get("name").is_some() => Self::v3_data_type(dtype),
            _ => v2_data_type(dtype).map_err(|wrong| Error::Argument(format!("dtype {}", wrong.reason))),
        }
    }
}

impl Creation {
    fn v3_data_type(dtype: &Value) -> Result<(DataType, ByteOrder)> {
        let data_type =
            DataType::from_json(dtype).map_err(|error| Error::Argument(format!("dtype: {error}")))?;
        Ok((data_type, ByteOrder::Little))
    }
}

fn check_codecs(codecs: &V2Codecs) -> Result<()> {
    for codec in codecs.filters.iter().flatten().chain(&codecs.compressor) {
        if codec.get("id").and_then(Value::as_str).is_none() {
            return Err(Error::Argument(format!(
                "bad compressor; expected an object with an id, found {codec}"
            )));
        }
    }
    Ok(())
}
