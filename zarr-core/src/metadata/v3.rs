//! `zarr.json`, exactly as Zarr V3 has it on disk and zarr-python 3 writes it.

use serde_json::{Map, Value, json};
use zarr_codecs::{CodecConfig, CodecError, DataType, FillValue, may_be_ignored, unknown_member};

use super::{
    ArrayMetadata, Codecs, GroupMetadata, Members, Read, Wrong, ZarrFormat, attributes, json::is_same,
    lengths,
};
use crate::{ChunkEdges, ChunkGrid, ChunkKeyEncoding};

/// Members whose value can have several forms; the one that was read is kept among what is not known.
const DATA_TYPE: &str = "data_type";
const FILL_VALUE: &str = "fill_value";
const CHUNK_GRID: &str = "chunk_grid";
const CHUNK_KEY_ENCODING: &str = "chunk_key_encoding";
const STORAGE_TRANSFORMERS: &str = "storage_transformers";
/// Members that are kept among what is not known, and that V2 has no use for.
pub(crate) const KEPT: [&str; 4] = [DATA_TYPE, CHUNK_GRID, CHUNK_KEY_ENCODING, STORAGE_TRANSFORMERS];

/// The member that tells arrays from groups.
pub(crate) const NODE_TYPE: &str = "node_type";

/// Whether a node is an array, as its document's member [`NODE_TYPE`] says.
pub(crate) fn is_array(node_type: Option<&Value>) -> Read<bool> {
    match node_type.and_then(Value::as_str) {
        Some("array") => Ok(true),
        Some("group") => Ok(false),
        _ => {
            let found = node_type.unwrap_or(&Value::Null);
            Err(Wrong::expected("/node_type", "\"array\" or \"group\"", found))
        }
    }
}

pub(crate) fn read_array(mut members: Members<'_>) -> Read<ArrayMetadata> {
    is_array(members.take(NODE_TYPE).as_ref())?;
    members.format(3)?;
    let shape = lengths("/shape", &members.require("shape")?, 0)?;
    let data_type_json = members.require("data_type")?;
    let data_type = DataType::from_json(&data_type_json).map_err(at("/data_type"))?;
    let chunk_grid_json = members.require(CHUNK_GRID)?;
    let chunk_grid = read_chunk_grid(&chunk_grid_json, &shape)?;
    let chunk_key_encoding_json = members.require(CHUNK_KEY_ENCODING)?;
    let chunk_key_encoding = read_chunk_key_encoding(&chunk_key_encoding_json)?;
    let fill_value_json = members.require("fill_value")?;
    let fill_value = read_fill_value(&fill_value_json, &data_type)?;
    let codecs = read_codecs(members.require("codecs")?)?;
    let attributes = members
        .take("attributes")
        .map_or_else(|| Ok(Map::new()), attributes)?;
    let dimension_names = members
        .take("dimension_names")
        .map_or(Ok(None), |names| read_dimension_names(&names, shape.len()))?;
    let transformers = members.take(STORAGE_TRANSFORMERS);
    let mut unknown = read_unknown(members)?;
    if let Some(transformers) = transformers {
        check_storage_transformers(&transformers)?;
        if transformers != json!([]) {
            unknown.insert(STORAGE_TRANSFORMERS.into(), transformers);
        }
    }
    // Other forms than ours are kept: who wrote `r16` may not read `raw_bytes`.
    if !data_type
        .to_json()
        .is_ok_and(|ours| is_same(&ours, &data_type_json))
    {
        unknown.insert(DATA_TYPE.into(), data_type_json);
    }
    if !fill_value
        .to_json(&data_type)
        .is_ok_and(|ours| is_same(&ours, &fill_value_json))
    {
        unknown.insert(FILL_VALUE.into(), fill_value_json);
    }
    if !is_plain(&chunk_key_encoding_json, "separator") {
        unknown.insert(CHUNK_KEY_ENCODING.into(), chunk_key_encoding_json);
    }
    if !is_ours(&chunk_grid_json, &chunk_grid) {
        unknown.insert(CHUNK_GRID.into(), chunk_grid_json);
    }
    let codecs = Codecs::new(codecs);
    Ok(ArrayMetadata {
        format: ZarrFormat::V3,
        shape,
        data_type,
        chunk_grid,
        chunk_key_encoding,
        fill_value: Some(fill_value),
        codecs,
        attributes,
        dimension_names,
        unknown,
    })
}

pub(crate) fn read_group(mut members: Members<'_>) -> Read<GroupMetadata> {
    is_array(members.take(NODE_TYPE).as_ref())?;
    members.format(3)?;
    let attributes = members
        .take("attributes")
        .map_or_else(|| Ok(Map::new()), attributes)?;
    let consolidated = members.take("consolidated_metadata");
    let mut unknown = read_unknown(members)?;
    if let Some(consolidated) = consolidated {
        unknown.insert("consolidated_metadata".into(), consolidated);
    }
    Ok(GroupMetadata {
        format: ZarrFormat::V3,
        attributes,
        unknown,
    })
}

pub(crate) fn write_array(metadata: &ArrayMetadata) -> Read<Value> {
    let codecs: Vec<_> = metadata.codecs.list().iter().map(CodecConfig::to_json).collect();
    let mut document = Map::new();
    document.insert("shape".into(), json!(metadata.shape));
    document.insert(DATA_TYPE.into(), write_data_type(metadata)?);
    document.insert(CHUNK_GRID.into(), write_chunk_grid(metadata));
    document.insert(CHUNK_KEY_ENCODING.into(), write_chunk_key_encoding(metadata));
    document.insert(FILL_VALUE.into(), write_fill_value(metadata)?);
    document.insert("codecs".into(), codecs.into());
    document.insert("attributes".into(), metadata.attributes.clone().into());
    if let Some(names) = &metadata.dimension_names {
        document.insert("dimension_names".into(), json!(names));
    }
    document.insert("zarr_format".into(), 3.into());
    document.insert(NODE_TYPE.into(), "array".into());
    let transformers = metadata.unknown.get(STORAGE_TRANSFORMERS).cloned();
    let transformers = transformers.filter(|transformers| check_storage_transformers(transformers).is_ok());
    document.insert(
        STORAGE_TRANSFORMERS.into(),
        transformers.unwrap_or_else(|| json!([])),
    );
    for (name, value) in metadata
        .foreign_members()
        .filter(|(_, value)| may_be_ignored(value))
    {
        document.entry(name).or_insert_with(|| value.clone());
    }
    Ok(document.into())
}

/// The form that was read if it still means this type, else ours.
fn write_data_type(metadata: &ArrayMetadata) -> Read<Value> {
    let data_type = &metadata.data_type;
    match metadata.unknown.get(DATA_TYPE) {
        Some(json) if DataType::from_json(json).is_ok_and(|read| read == *data_type) => Ok(json.clone()),
        _ => data_type.to_json().map_err(at("/data_type")),
    }
}

/// The form that was read if it still means this value, else ours.
fn write_fill_value(metadata: &ArrayMetadata) -> Read<Value> {
    let (data_type, fill_value) = (&metadata.data_type, metadata.fill_value_or_zero());
    match metadata.unknown.get(FILL_VALUE) {
        Some(json) if read_fill_value(json, data_type).as_ref() == Ok(&fill_value) => Ok(json.clone()),
        _ => fill_value.to_json(data_type).map_err(at("/fill_value")),
    }
}

pub(crate) fn write_group(metadata: &GroupMetadata) -> Value {
    let mut document = Map::new();
    document.insert("attributes".into(), metadata.attributes.clone().into());
    document.insert("zarr_format".into(), 3.into());
    document.extend(metadata.unknown.clone());
    document.insert(NODE_TYPE.into(), "group".into());
    document.into()
}

/// Puts a codec's error at a member.
pub(crate) fn at(pointer: &'static str) -> impl Fn(CodecError) -> Wrong {
    move |error| Wrong::new(pointer, error.to_string())
}

/// The name and the configuration of an extension that must be understood, whatever it says itself.
fn named<'a>(pointer: &str, value: &'a Value) -> Read<(&'a str, &'a Value)> {
    let name = value.as_str().or_else(|| value.get("name")?.as_str());
    let name = name.ok_or_else(|| Wrong::expected(pointer, "an object with a name", value))?;
    match unknown_member(value) {
        Some(member) => Err(not_understood(format!("{pointer}/{member}"))),
        None => Ok((name, value.get("configuration").unwrap_or(&Value::Null))),
    }
}

/// Refuses members of a configuration that are not known: without them chunks would be looked for elsewhere.
fn check_configuration(pointer: &str, configuration: &Value, known: &[&str]) -> Read<()> {
    let members = configuration.as_object().into_iter().flatten();
    let mut unknown =
        members.filter(|(name, value)| !known.contains(&name.as_str()) && !may_be_ignored(value));
    match unknown.next() {
        Some((name, _)) => Err(not_understood(format!("{pointer}/configuration/{name}"))),
        None => Ok(()),
    }
}

fn not_understood(pointer: String) -> Wrong {
    Wrong::new(pointer, "is not known and must be understood")
}

/// No storage transformer is known: those that need not be are kept, others are refused by name.
fn check_storage_transformers(value: &Value) -> Read<()> {
    let items = value.as_array();
    let items = items.ok_or_else(|| Wrong::expected("/storage_transformers", "a list", value))?;
    let unknown = items.iter().enumerate().find(|(_, item)| !may_be_ignored(item));
    let Some((index, item)) = unknown else {
        return Ok(());
    };
    let pointer = format!("/storage_transformers/{index}");
    let (name, _) = named(&pointer, item)?;
    let reason = format!("storage transformer `{name}` is not known and must be understood");
    Err(Wrong::new(pointer, reason))
}

fn read_chunk_grid(value: &Value, shape: &[u64]) -> Read<ChunkGrid> {
    let (name, configuration) = named("/chunk_grid", value)?;
    let member = |name: &str| configuration.get(name).unwrap_or(&Value::Null);
    match name {
        "regular" => {
            check_configuration("/chunk_grid", configuration, &["chunk_shape"])?;
            let pointer = "/chunk_grid/configuration/chunk_shape";
            let chunk_shape = lengths(pointer, member("chunk_shape"), 1)?;
            check_ndim(pointer, chunk_shape.len(), shape.len())?;
            Ok(ChunkGrid::Regular { chunk_shape })
        }
        "rectilinear" => {
            check_configuration("/chunk_grid", configuration, &["kind", "chunk_shapes"])?;
            if member("kind") != "inline" {
                let pointer = "/chunk_grid/configuration/kind";
                return Err(Wrong::expected(pointer, "\"inline\"", member("kind")));
            }
            read_chunk_edges(member("chunk_shapes"), shape).map(ChunkGrid::of_edges)
        }
        _ => Err(Wrong::expected(
            "/chunk_grid/name",
            "\"regular\" or \"rectilinear\"",
            &name.into(),
        )),
    }
}

fn check_ndim(pointer: &str, found: usize, ndim: usize) -> Read<()> {
    if found == ndim {
        return Ok(());
    }
    Err(Wrong::new(
        pointer,
        format!("must have {ndim} lengths, found {found}"),
    ))
}

/// Reads the lengths of chunks of a rectilinear grid, which must reach to the end of the array.
fn read_chunk_edges(value: &Value, shape: &[u64]) -> Read<Vec<ChunkEdges>> {
    let pointer = "/chunk_grid/configuration/chunk_shapes";
    let items = value.as_array();
    let items =
        items.ok_or_else(|| Wrong::expected(pointer, "a list of lengths for each dimension", value))?;
    check_ndim(pointer, items.len(), shape.len())?;
    let edges = |(dimension, (item, length)): (usize, (&Value, &u64))| {
        let pointer = format!("{pointer}/{dimension}");
        let form = "a length, or a list of lengths and of pairs of a length and a number";
        let edges = ChunkEdges::from_json(item).ok_or_else(|| Wrong::expected(&pointer, form, item))?;
        if !edges.covers(*length) {
            let reason = format!("the chunks end before the dimension, which has {length} elements");
            return Err(Wrong::new(pointer, reason));
        }
        Ok(edges)
    };
    items.iter().zip(shape).enumerate().map(edges).collect()
}

/// The form that was read if it still means this grid, else ours.
fn write_chunk_grid(metadata: &ArrayMetadata) -> Value {
    let grid = &metadata.chunk_grid;
    match metadata.unknown.get(CHUNK_GRID) {
        Some(json) if read_chunk_grid(json, &metadata.shape).as_ref() == Ok(grid) => json.clone(),
        _ => chunk_grid_to_json(grid),
    }
}

/// Whether an extension has a name and a configuration of this member, and nothing else.
fn is_plain(value: &Value, member: &str) -> bool {
    let members = value.as_object().filter(|members| members.len() == 2);
    let configuration = members.and_then(|members| members.get("configuration")?.as_object());
    configuration.is_some_and(|members| members.len() == 1 && members.contains_key(member))
}

/// Whether a grid that was read is written as it was.
fn is_ours(value: &Value, grid: &ChunkGrid) -> bool {
    match grid {
        // Nothing needs to be written to see that.
        ChunkGrid::Regular { .. } => is_plain(value, "chunk_shape"),
        ChunkGrid::Rectilinear(_) => chunk_grid_to_json(grid) == *value,
    }
}

fn chunk_grid_to_json(grid: &ChunkGrid) -> Value {
    match grid {
        ChunkGrid::Regular { chunk_shape } => {
            json!({"name": "regular", "configuration": {"chunk_shape": chunk_shape}})
        }
        ChunkGrid::Rectilinear(_) => {
            json!({"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": grid.lengths_json()}})
        }
    }
}

/// The form that was read if it still means this encoding, else ours.
fn write_chunk_key_encoding(metadata: &ArrayMetadata) -> Value {
    let encoding = &metadata.chunk_key_encoding;
    match metadata.unknown.get(CHUNK_KEY_ENCODING) {
        Some(json) if read_chunk_key_encoding(json).as_ref() == Ok(encoding) => json.clone(),
        _ => {
            let name = match encoding {
                ChunkKeyEncoding::Default { .. } => "default",
                ChunkKeyEncoding::V2 { .. } => "v2",
            };
            json!({"name": name, "configuration": {"separator": encoding.separator()}})
        }
    }
}

fn read_chunk_key_encoding(value: &Value) -> Read<ChunkKeyEncoding> {
    let pointer = "/chunk_key_encoding/configuration/separator";
    let (name, configuration) = named("/chunk_key_encoding", value)?;
    check_configuration("/chunk_key_encoding", configuration, &["separator"])?;
    let separator = match configuration.get("separator") {
        None => None,
        Some(Value::String(text)) if text == "/" => Some('/'),
        Some(Value::String(text)) if text == "." => Some('.'),
        Some(other) => return Err(Wrong::expected(pointer, "\"/\" or \".\"", other)),
    };
    match name {
        "default" => Ok(ChunkKeyEncoding::Default {
            separator: separator.unwrap_or('/'),
        }),
        "v2" => Ok(ChunkKeyEncoding::V2 {
            separator: separator.unwrap_or('.'),
        }),
        _ => Err(Wrong::expected(
            "/chunk_key_encoding/name",
            "\"default\" or \"v2\"",
            &name.into(),
        )),
    }
}

fn read_fill_value(value: &Value, data_type: &DataType) -> Read<FillValue> {
    if matches!(data_type, DataType::Unknown { .. }) {
        return Ok(FillValue::default());
    }
    FillValue::from_json(value, data_type).map_err(at("/fill_value"))
}

fn read_codecs(value: Value) -> Read<Vec<CodecConfig>> {
    let items = match value {
        Value::Array(items) if !items.is_empty() => items,
        other => return Err(Wrong::expected("/codecs", "a list of codecs", &other)),
    };
    let codec = |(index, item): (usize, Value)| {
        CodecConfig::from_json(item)
            .map_err(|error| Wrong::new(format!("/codecs/{index}"), error.to_string()))
    };
    items.into_iter().enumerate().map(codec).collect()
}

fn read_dimension_names(value: &Value, ndim: usize) -> Read<Option<Vec<Option<String>>>> {
    if value.is_null() {
        return Ok(None);
    }
    let wrong = || Wrong::expected("/dimension_names", &format!("a list of {ndim} names"), value);
    let items = value
        .as_array()
        .filter(|items| items.len() == ndim)
        .ok_or_else(wrong)?;
    let name = |item: &Value| match item {
        Value::Null => Ok(None),
        Value::String(name) => Ok(Some(name.clone())),
        _ => Err(wrong()),
    };
    items.iter().map(name).collect::<Read<_>>().map(Some)
}

/// Keeps what is not known, if the document says that it need not be.
fn read_unknown(members: Members<'_>) -> Read<Map<String, Value>> {
    let unknown = members.rest();
    match unknown.iter().find(|(_, value)| !may_be_ignored(value)) {
        Some((name, _)) => Err(not_understood(format!("/{name}"))),
        None => Ok(unknown),
    }
}
