//! `.zarray` and `.zgroup`, exactly as Zarr V2 has them on disk and zarr-python 2 writes them.
//!
//! Into the model: the byte order becomes the configuration of a `bytes` codec, order `F` a `transpose`
//! before it, filters and compressor become codecs, and an object type with its codec becomes a type of
//! variable size.

use serde_json::{Map, Value, json};
use zarr_codecs::{ByteOrder, Codec, CodecConfig, CodecKind, CodecRegistry, DataType, StoredType};

use super::{
    ArrayMetadata, Codecs, GroupMetadata, Members, Order, Read, V2Codecs, Wrong, ZarrFormat, data_type_to_v2,
    elements_codec, fill_value_to_v2, json::is_same, lengths, v2_data_type, v2_fill_value, v3,
};
use crate::{ChunkGrid, ChunkKeyEncoding};

/// The member that names the separator, which need not be there.
pub(crate) const SEPARATOR: &str = "dimension_separator";

/// The member whose value can have several forms; the one that was read is kept among what is not known.
pub(crate) const FILL_VALUE: &str = "fill_value";

/// The most codecs that an array may have.
const CODECS_MAX: usize = 32;

pub(crate) fn read_array(mut members: Members<'_>, registry: &CodecRegistry) -> Read<ArrayMetadata> {
    members.format(2)?;
    let shape = lengths("/shape", &members.require("shape")?, 0)?;
    let chunk_shape = lengths("/chunks", &members.require("chunks")?, 1)?;
    if chunk_shape.len() != shape.len() {
        let reason = format!("must have {} lengths, found {}", shape.len(), chunk_shape.len());
        return Err(Wrong::new("/chunks", reason));
    }
    let (data_type, byte_order) = v2_data_type(&members.require("dtype")?)?;
    let order = match members.require("order")? {
        Value::String(text) if text == "C" => Order::C,
        Value::String(text) if text == "F" => Order::F,
        other => return Err(Wrong::expected("/order", "\"C\" or \"F\"", &other)),
    };
    let compressor = Some(members.require("compressor")?).filter(|value| !value.is_null());
    let codecs = V2Codecs {
        filters: read_filters(members.require("filters")?)?,
        compressor,
    };
    let pointers = (0..).map(|index| format!("/filters/{index}"));
    let items = codecs.filters.iter().flatten().zip(pointers);
    for (codec, pointer) in items.chain(codecs.compressor.iter().zip(["/compressor".to_owned()])) {
        if codec.get("id").and_then(Value::as_str).is_none() {
            return Err(Wrong::expected(pointer, "an object with an id", codec));
        }
    }
    let data_type = object_type(data_type, &codecs, registry);
    let fill_value_json = members.require(FILL_VALUE)?;
    let mut unknown = Map::new();
    let fill_value = v2_fill_value(&fill_value_json, &data_type, byte_order)?;
    // Other forms than ours are kept: numbers for texts, dates as text, the names of floats.
    let is_ours = || {
        let ours = fill_value_to_v2(fill_value.as_ref(), &data_type, byte_order);
        ours.is_ok_and(|ours| is_same(&ours, &fill_value_json))
    };
    // Ours is a text of the whole element there, which need not be made to see that a number is none.
    let is_text = matches!(data_type, DataType::Raw(_) | DataType::Struct(_));
    if is_text && fill_value_json.is_number() || !is_ours() {
        unknown.insert(FILL_VALUE.into(), fill_value_json);
    }
    let separator = match members.take(SEPARATOR) {
        None | Some(Value::Null) => '.',
        Some(Value::String(text)) if text == "." => {
            unknown.insert(SEPARATOR.into(), ".".into());
            '.'
        }
        Some(Value::String(text)) if text == "/" => '/',
        Some(other) => return Err(Wrong::expected("/dimension_separator", "\".\" or \"/\"", &other)),
    };
    unknown.extend(members.rest());
    let order = (order, shape.len());
    Ok(ArrayMetadata {
        format: ZarrFormat::V2,
        codecs: Codecs::from_v2(codecs, &data_type, byte_order, order, registry),
        shape,
        data_type,
        chunk_grid: ChunkGrid::Regular { chunk_shape },
        chunk_key_encoding: ChunkKeyEncoding::V2 { separator },
        fill_value,
        attributes: Map::new(),
        dimension_names: None,
        unknown,
    })
}

pub(crate) fn read_group(mut members: Members<'_>) -> Read<GroupMetadata> {
    members.format(2)?;
    Ok(GroupMetadata {
        format: ZarrFormat::V2,
        attributes: Map::new(),
        unknown: members.rest(),
    })
}

pub(crate) fn write_array(metadata: &ArrayMetadata, registry: &CodecRegistry) -> Read<Value> {
    let byte_order = metadata.codecs.byte_order();
    let data_type = &metadata.data_type;
    let dtype = data_type_to_v2(data_type, byte_order)
        .ok_or_else(|| Wrong::new("/dtype", format!("{data_type} has no form in Zarr V2")))?;
    let codecs = metadata.codecs.to_v2(registry);
    let codecs =
        codecs.map_err(|name| Wrong::new("/filters", format!("codec `{name}` has no form in Zarr V2")))?;
    let order = metadata
        .order()
        .ok_or_else(|| Wrong::new("/order", "order is neither C nor F"))?;
    let ChunkKeyEncoding::V2 { separator } = metadata.chunk_key_encoding else {
        return Err(Wrong::new(
            "/dimension_separator",
            "chunk keys of V3 have no form in Zarr V2",
        ));
    };
    let ChunkGrid::Regular { chunk_shape } = &metadata.chunk_grid else {
        return Err(Wrong::new(
            "/chunks",
            "chunks of different lengths have no form in Zarr V2",
        ));
    };
    let mut document = Map::with_capacity(10);
    document.insert("chunks".into(), json!(chunk_shape));
    document.insert("compressor".into(), codecs.compressor.unwrap_or_default());
    document.insert("dtype".into(), dtype);
    if separator != '.' {
        document.insert(SEPARATOR.into(), separator.to_string().into());
    }
    document.insert(FILL_VALUE.into(), write_fill_value(metadata, byte_order)?);
    document.insert(
        "filters".into(),
        codecs.filters.map(Value::from).unwrap_or_default(),
    );
    document.insert("order".into(), if order == Order::C { "C" } else { "F" }.into());
    document.insert("shape".into(), json!(metadata.shape));
    document.insert("zarr_format".into(), 2.into());
    let of_v2 = |(name, _): &(&String, _)| !v3::KEPT.contains(&name.as_str());
    for (name, value) in metadata.unknown.iter().filter(of_v2) {
        document.entry(name).or_insert_with(|| value.clone());
    }
    Ok(document.into())
}

/// The form that was read if it still means this value, else ours.
fn write_fill_value(metadata: &ArrayMetadata, byte_order: ByteOrder) -> Read<Value> {
    let (data_type, fill_value) = (&metadata.data_type, &metadata.fill_value);
    match metadata.unknown.get(FILL_VALUE) {
        Some(json) if v2_fill_value(json, data_type, byte_order).as_ref() == Ok(fill_value) => {
            Ok(json.clone())
        }
        _ => fill_value_to_v2(fill_value.as_ref(), data_type, byte_order),
    }
}

pub(crate) fn write_group(metadata: &GroupMetadata) -> Value {
    let mut document = metadata.unknown.clone();
    document.insert("zarr_format".into(), 2.into());
    document.into()
}

fn read_filters(value: Value) -> Read<Option<Vec<Value>>> {
    match value {
        Value::Null => Ok(None),
        Value::Array(filters) if filters.len() < CODECS_MAX => Ok(Some(filters)),
        other => Err(Wrong::expected(
            "/filters",
            "null or a list of at most 31 filters",
            &other,
        )),
    }
}

/// The type of the elements of an object array: what its object codec makes.
///
/// It stays unknown where no codec of the filters holds objects, so that the array can be opened and carried along.
fn object_type(data_type: DataType, codecs: &V2Codecs, registry: &CodecRegistry) -> DataType {
    if !is_object(&data_type) {
        return data_type;
    }
    let holder = codecs.filters.iter().flatten().find_map(|filter| {
        let (entry, _) = registry.find_v2(filter.get("id")?.as_str()?).ok()?;
        (entry.kind == CodecKind::ArrayToBytes).then_some((entry.name, filter))
    });
    match holder {
        Some(("vlen-utf8" | "numcodecs.categorize", _)) => DataType::String,
        Some(("vlen-bytes", _)) => DataType::Bytes,
        Some(("json2" | "msgpack2", _)) => DataType::Object,
        Some(("vlen-array", filter)) => match filter.get("dtype").map(v2_data_type) {
            Some(Ok((inner, _))) if inner.size().is_some_and(|size| size > 0) => {
                DataType::VlenArray(Box::new(inner))
            }
            _ => data_type,
        },
        _ => data_type,
    }
}

/// Whether a type is that of objects of which no codec says what they are.
pub(crate) fn is_object(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Unknown { json: Value::String(text), .. } if text.ends_with('O') && text.len() <= 2)
}

/// Whether the elements are written as values, in the order of their indices and not in that of memory.
fn writes_values(codecs: &V2Codecs, registry: &CodecRegistry) -> bool {
    let mut codecs = codecs.filters.iter().flatten().chain(&codecs.compressor);
    let entry = codecs.find_map(|codec| {
        let (entry, _) = registry.find_v2(codec.get("id")?.as_str()?).ok()?;
        (entry.kind != CodecKind::ArrayToArray).then_some(entry)
    });
    entry.is_some_and(|entry| is_of_values(entry.name))
}

/// Whether a codec makes bytes of the elements' values, whatever their order of bytes.
fn is_of_values(name: &str) -> bool {
    matches!(name, "json2" | "msgpack2" | "n5_wrapper")
}

/// The codecs in the V3 form, in the order in which they encode.
///
/// A codec that is not known keeps its id as its name, so that building the chain can say so.
pub(super) fn codec_list(
    codecs: &V2Codecs,
    data_type: &DataType,
    byte_order: ByteOrder,
    (order, ndim): (Order, usize),
    registry: &CodecRegistry,
) -> Vec<CodecConfig> {
    let mut list = Vec::new();
    if order == Order::F && ndim > 1 && !writes_values(codecs, registry) {
        let order: Vec<_> = (0..ndim).rev().collect();
        list.push(CodecConfig::of("transpose", json!({"order": order})));
    }
    // What the next codec is given, and whether that is bytes already.
    let mut stored = StoredType::new(data_type.clone(), byte_order);
    let mut has_bytes = false;
    for codec in codecs.filters.iter().flatten().chain(&codecs.compressor) {
        let mut codec = codec_from_v2(codec, &stored.data_type, registry);
        if matches!(codec.name.as_str(), "json2" | "msgpack2") && stored.byte_order == ByteOrder::Big {
            codec.configuration.insert("endian".into(), "big".into());
        }
        let (kind, viewed, gives) = about(&codec, &stored, registry);
        let is_taken = viewed.as_ref().is_none_or(|viewed| viewed.lies_as(&stored));
        // Codecs of numbers are given them as they are stored, and take none but little-endian ones.
        let is_foreign = kind == Some(CodecKind::ArrayToBytes)
            && viewed.is_none()
            && !is_of_values(&codec.name)
            && stored.byte_order == ByteOrder::Big
            && stored.data_type.swap_size().is_some_and(|size| size > 1);
        if !has_bytes && (kind == Some(CodecKind::BytesToBytes) || !is_taken || is_foreign) {
            list.push(elements_codec(&stored.data_type, stored.byte_order));
            has_bytes = true;
        }
        has_bytes |= kind != Some(CodecKind::ArrayToArray);
        stored = gives;
        list.push(codec);
    }
    if !has_bytes {
        list.push(elements_codec(&stored.data_type, stored.byte_order));
    }
    list
}

/// What can be said of a codec that is given elements of a type: its kind, the type as which it views whatever
/// it is given if it has one, and the type that it gives.
fn about(
    config: &CodecConfig,
    given: &StoredType,
    registry: &CodecRegistry,
) -> (Option<CodecKind>, Option<StoredType>, StoredType) {
    match registry.build(config) {
        Ok(Codec::ArrayToArray(codec)) => (
            Some(CodecKind::ArrayToArray),
            codec.viewed_as().cloned(),
            codec.stored_as(given),
        ),
        Ok(Codec::ArrayToBytes(codec)) => {
            let viewed = codec.viewed_as().cloned();
            let gives = codec.stored_as(viewed.as_ref().unwrap_or(given));
            (Some(CodecKind::ArrayToBytes), viewed, gives)
        }
        Ok(Codec::BytesToBytes(_)) => (Some(CodecKind::BytesToBytes), None, StoredType::bytes()),
        Err(_) => {
            let kind = registry.find(&config.name).ok().map(|entry| entry.kind);
            (kind, None, StoredType::bytes())
        }
    }
}

fn codec_from_v2(codec: &Value, given: &DataType, registry: &CodecRegistry) -> CodecConfig {
    let mut configuration = codec.as_object().cloned().unwrap_or_default();
    let id = configuration
        .remove("id")
        .and_then(|id| id.as_str().map(str::to_owned))
        .unwrap_or_default();
    // What cannot be rewritten is kept as it is, and building the codec says what is wrong with it.
    let found = registry.find_v2(&id).ok();
    let (name, configuration) = match found {
        Some((entry, v2)) => (
            entry.name.to_owned(),
            (v2.from_v2)(&configuration, given).unwrap_or(configuration),
        ),
        None => (id, configuration),
    };
    CodecConfig {
        source: None,
        ..CodecConfig::new(name, configuration)
    }
}

/// Codecs of arrays that stand in V2 where compressors do.
const COMPRESSORS: [&str; 2] = ["pcodec", "zfpy"];

/// Filters and compressor of codecs in the V3 form; the name of a codec that V2 does not have.
///
/// `byte_order` is that of the bytes: filters of V2 say in which order they give elements, those of V3 do not.
pub(super) fn codecs_to_v2(
    list: &[CodecConfig],
    byte_order: ByteOrder,
    registry: &CodecRegistry,
) -> Result<V2Codecs, String> {
    let mut filters = Vec::new();
    let mut compressor = None;
    for codec in list.iter().filter(|codec| codec.name != "bytes") {
        if codec.name == "transpose" {
            // The order of V2 comes before all filters.
            if filters.is_empty() {
                continue;
            }
            return Err(codec.name.clone());
        }
        let entry = registry.find(&codec.name).map_err(|_| codec.name.clone())?;
        let v2 = entry.v2.ok_or_else(|| codec.name.clone())?;
        let mut object = (v2.to_v2)(&codec.configuration);
        if entry.kind == CodecKind::ArrayToArray {
            give_types_order(&mut object, byte_order);
        }
        object.insert("id".into(), v2.id.into());
        filters.extend(compressor.take());
        if entry.kind == CodecKind::BytesToBytes || COMPRESSORS.contains(&v2.id) {
            compressor = Some(object.into());
        } else {
            filters.push(object.into());
        }
    }
    Ok(V2Codecs {
        filters: Some(filters).filter(|filters| !filters.is_empty()),
        compressor,
    })
}

/// Puts the types that a filter names into a byte order.
fn give_types_order(filter: &mut Map<String, Value>, byte_order: ByteOrder) {
    for (_, value) in filter.iter_mut().filter(|(name, _)| name.ends_with("type")) {
        let stored = value.as_str().and_then(|text| StoredType::from_numpy(text).ok());
        let stored = stored.and_then(|stored| StoredType::new(stored.data_type, byte_order).to_numpy());
        if let Some(text) = stored {
            *value = text.into();
        }
    }
}
