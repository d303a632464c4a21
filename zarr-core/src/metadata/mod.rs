//! What arrays and groups are, as one model for both formats.
//!
//! The model has the shape of Zarr V3; `v2` and `v3` mirror the documents on disk and convert.
//! It holds what V2 has and V3 lacks as well: a fill value of `null`, filters in any order, data types and
//! codecs without a V3 name.

mod sharding;
pub(crate) mod v2;
mod v2_data_type;
mod v2_fill_value;
mod v2_lenient;
pub(crate) mod v3;

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use zarr_codecs::{
    ByteOrder, CodecChain, CodecConfig, CodecError, CodecRegistry, DataType, FillValue, Limits,
};

pub use zarr_codecs::json;

pub use self::sharding::ShardCodecs;
pub use self::v2_data_type::{data_type_to_v2, v2_data_type};
pub use self::v2_fill_value::{fill_value_to_v2, v2_fill_value};
use crate::{ChunkGrid, ChunkKeyEncoding, DimensionNames};

/// The version of the format in which a node is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ZarrFormat {
    /// `.zarray`, `.zgroup`, `.zattrs`.
    V2,
    /// `zarr.json`.
    V3,
}

impl ZarrFormat {
    /// The format that this one is not.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::V2 => Self::V3,
            Self::V3 => Self::V2,
        }
    }
}

impl std::fmt::Display for ZarrFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V2 => "2",
            Self::V3 => "3",
        })
    }
}

/// The order in which the elements of a chunk are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// The last dimension varies fastest.
    #[default]
    C,
    /// The first dimension varies fastest.
    F,
}

/// A member of a document that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The member, as a JSON pointer.
    pub pointer: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Wrong {
    pub(crate) fn new(pointer: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            reason: reason.into(),
        }
    }

    /// Says what was expected of a value.
    pub(crate) fn expected(pointer: impl Into<String>, expected: &str, found: &Value) -> Self {
        let excerpt: String = found.to_string().chars().take(80).collect();
        Self::new(pointer, format!("must be {expected}, found {excerpt}"))
    }
}

/// The result of reading a member.
pub(crate) type Read<T> = Result<T, Wrong>;

/// All that the metadata say of an array.
#[derive(Debug, Clone, PartialEq)]
pub struct ArrayMetadata {
    /// The format that the documents are in.
    pub format: ZarrFormat,
    /// The number of elements in each dimension.
    pub shape: Vec<u64>,
    /// The type of the elements.
    pub data_type: DataType,
    /// How the array is cut into chunks.
    pub chunk_grid: ChunkGrid,
    /// How chunks are named.
    pub chunk_key_encoding: ChunkKeyEncoding,
    /// What elements are that were never written; V2 allows `None`, which reads as zero.
    pub fill_value: Option<FillValue>,
    /// How chunks are encoded.
    pub codecs: Codecs,
    /// Attributes that stand in the array's own document: those of V3. V2 keeps them in `.zattrs`.
    pub attributes: Map<String, Value>,
    /// The names of the dimensions, if V3 metadata give them.
    pub dimension_names: Option<DimensionNames>,
    /// Members of the document that are not known, kept for writing back.
    pub unknown: Map<String, Value>,
}

impl ArrayMetadata {
    /// The members of the document that no specification names. V3 has only those that may be ignored (`must_understand` is
    /// false): others, which V2 takes, are left out when the array becomes one of V3.
    pub fn foreign_members(&self) -> impl Iterator<Item = (&String, &Value)> {
        let is_form =
            |name: &str| v3::KEPT.contains(&name) || [v2::FILL_VALUE, v2::SEPARATOR].contains(&name);
        self.unknown.iter().filter(move |(name, _)| !is_form(name))
    }

    /// What an element is that was never written.
    pub fn fill_value_or_zero(&self) -> FillValue {
        self.fill_value
            .clone()
            .unwrap_or_else(|| FillValue::zero(&self.data_type))
    }

    /// What the chunks hold, if they are shards whose inner chunks can be read alone.
    pub fn shards(&self) -> Option<ShardCodecs> {
        ShardCodecs::of(self.codecs.list())
    }

    /// The order of elements in stored chunks; `None` if it is neither C nor F.
    pub fn order(&self) -> Option<Order> {
        self.codecs.order(self.shape.len())
    }
}

/// The codecs of an array, in the order in which they encode.
///
/// Read from a V2 document, they also keep the filters and the compressor as they stood there.
#[derive(Debug, Clone, PartialEq)]
pub struct Codecs {
    list: Vec<CodecConfig>,
    v2: Option<V2Codecs>,
    /// The order that the V2 document names; it makes no difference below two dimensions.
    named_order: Order,
    /// The byte order that the V2 document names; it makes no difference to codecs that write values, not bytes.
    named_byte_order: ByteOrder,
}

/// The codecs of an array as V2 metadata have them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct V2Codecs {
    /// The filters, in the order in which they encode; `None` for `null`.
    pub filters: Option<Vec<Value>>,
    /// The compressor; `None` for `null`.
    pub compressor: Option<Value>,
}

impl Codecs {
    /// Takes codecs in the V3 form.
    pub const fn new(list: Vec<CodecConfig>) -> Self {
        Self {
            list,
            v2: None,
            named_order: Order::C,
            named_byte_order: ByteOrder::Little,
        }
    }

    /// Takes filters and compressor in the V2 form, with the order of elements and of bytes.
    pub fn from_v2(
        codecs: V2Codecs,
        data_type: &DataType,
        byte_order: ByteOrder,
        order: (Order, usize),
        registry: &CodecRegistry,
    ) -> Self {
        let list = v2::codec_list(&codecs, data_type, byte_order, order, registry);
        Self {
            list,
            v2: Some(codecs),
            named_order: order.0,
            named_byte_order: byte_order,
        }
    }

    /// The codecs in the V3 form, in the order in which they encode.
    pub fn list(&self) -> &[CodecConfig] {
        &self.list
    }

    /// Filters and compressor in the V2 form.
    ///
    /// # Errors
    /// The name of a codec that V2 has no name for.
    pub fn to_v2(&self, registry: &CodecRegistry) -> Result<V2Codecs, String> {
        self.v2
            .clone()
            .map_or_else(|| v2::codecs_to_v2(&self.list, self.byte_order(), registry), Ok)
    }

    /// The codecs, built.
    ///
    /// # Errors
    /// Those of [`CodecChain::new`], or for V2 of [`CodecChain::with_filters`].
    pub fn chain(&self, registry: &CodecRegistry, limits: &Limits) -> Result<CodecChain, CodecError> {
        let build = match self.v2 {
            Some(_) => CodecChain::with_filters,
            None => CodecChain::new,
        };
        build(&self.list, registry, limits)
    }

    /// The byte order of stored elements, which is little unless a codec or the V2 document says otherwise.
    pub fn byte_order(&self) -> ByteOrder {
        if self.v2.is_some() {
            return self.named_byte_order;
        }
        let bytes = self.list.iter().find(|codec| codec.name == "bytes");
        let endian = bytes.and_then(|codec| codec.configuration.get("endian")?.as_str());
        match endian {
            Some("big") => ByteOrder::Big,
            Some(_) => ByteOrder::Little,
            None => self.named_byte_order,
        }
    }

    /// The order of stored elements; `None` if the codecs make it neither C nor F.
    fn order(&self, ndim: usize) -> Option<Order> {
        let Some(transpose) = self.list.iter().find(|codec| codec.name == "transpose") else {
            // The V2 document alone knows of an order that makes no difference.
            let is_named = ndim < 2 || self.v2.is_some();
            return Some(if is_named { self.named_order } else { Order::C });
        };
        let order = transpose.configuration.get("order")?.as_array()?;
        let is_reverse = order
            .iter()
            .map(Value::as_u64)
            .eq((0..ndim as u64).rev().map(Some));
        is_reverse.then_some(Order::F)
    }
}

/// The codec that makes bytes of elements, where metadata leave it to the data type.
pub(crate) fn elements_codec(data_type: &DataType, byte_order: ByteOrder) -> CodecConfig {
    match data_type {
        DataType::String => CodecConfig::new("vlen-utf8", Map::new()),
        DataType::Bytes => CodecConfig::new("vlen-bytes", Map::new()),
        DataType::VlenArray(inner) => {
            CodecConfig::of("vlen-array", json!({"dtype": data_type_to_v2(inner, byte_order)}))
        }
        DataType::Object => CodecConfig::new("json2", Map::new()),
        _ if !data_type.has_byte_order() => CodecConfig::new("bytes", Map::new()),
        _ => {
            let endian = if byte_order == ByteOrder::Big {
                "big"
            } else {
                "little"
            };
            CodecConfig::of("bytes", json!({"endian": endian}))
        }
    }
}

/// All that the metadata say of a group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupMetadata {
    /// The format that the documents are in.
    pub format: ZarrFormat,
    /// Attributes that stand in the group's own document: those of V3. V2 keeps them in `.zattrs`.
    pub attributes: Map<String, Value>,
    /// Members of the document that are not known, kept for writing back.
    pub unknown: Map<String, Value>,
}

impl GroupMetadata {
    /// A group without attributes.
    pub fn new(format: ZarrFormat) -> Self {
        Self {
            format,
            attributes: Map::new(),
            unknown: Map::new(),
        }
    }
}

/// Reads the members of a document one by one; what is left is not known.
///
/// They are few: looking at each is quicker than hashing the name that is wanted.
pub(crate) struct Members<'a>(Vec<(Cow<'a, str>, Value)>);

impl<'a> Members<'a> {
    pub(crate) fn new(document: Value) -> Read<Self> {
        match document {
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| (name.into(), value));
                Ok(Self(members.collect()))
            }
            other => Err(Wrong::expected("", "an object", &other)),
        }
    }

    /// The members of a document as it is stored.
    pub(crate) fn parse(bytes: &'a [u8]) -> Read<Self> {
        json::parse_object(bytes).map_or_else(
            |_| match json::parse(bytes) {
                Ok(document) => Self::new(document),
                Err(error) => Err(Wrong::new("", error.to_string())),
            },
            |members| Ok(Self(members)),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.0.iter().find(|(found, _)| found == name)?;
        Some(value)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(found, _)| found == name)?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn require(&mut self, name: &str) -> Read<Value> {
        self.take(name)
            .ok_or_else(|| Wrong::new(format!("/{name}"), "is missing"))
    }

    pub(crate) fn format(&mut self, expected: u64) -> Read<()> {
        let found = self.require("zarr_format")?;
        if found.as_u64() == Some(expected) {
            return Ok(());
        }
        let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
        Err(Wrong::new(
            "/zarr_format",
            format!("unsupported zarr format: {found}"),
        ))
    }

    pub(crate) fn rest(self) -> Map<String, Value> {
        let members = self.0.into_iter();
        members.map(|(name, value)| (name.into_owned(), value)).collect()
    }
}

/// Reads a list of lengths, each at least `least`.
pub(crate) fn lengths(pointer: &str, value: &Value, least: u64) -> Read<Vec<u64>> {
    const DIMENSIONS_MAX: usize = 64;
    let items = value
        .as_array()
        .ok_or_else(|| Wrong::expected(pointer, "a list of integers", value))?;
    if items.len() > DIMENSIONS_MAX {
        return Err(Wrong::new(
            pointer,
            format!("{} dimensions, limit {DIMENSIONS_MAX}", items.len()),
        ));
    }
    let length = |(index, item): (usize, &Value)| {
        let length = item.as_i64().and_then(|length| u64::try_from(length).ok());
        length.filter(|length| *length >= least).ok_or_else(|| {
            let expected = format!("an integer of at least {least}");
            Wrong::expected(format!("{pointer}/{index}"), &expected, item)
        })
    };
    items.iter().enumerate().map(length).collect()
}

/// Reads an object of attributes.
pub(crate) fn attributes(value: Value) -> Read<Map<String, Value>> {
    match value {
        Value::Object(members) => Ok(members),
        other => Err(Wrong::expected("/attributes", "an object", &other)),
    }
}
