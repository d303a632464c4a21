//! `zarr info`.

use anyhow::Result;
use serde_json::{Map, Value, json};
use zarr_convenience::{
    Error, OpenConsolidated, Source, SourceArray, SourceNode, StoreKind,
    core::{
        Array, Error as CoreError, Freshness, StoredExtent, ZarrFormat, codecs::CodecConfig,
        metadata::fill_value_to_v2,
    },
    count_text, find_consolidated, grid_text, node_json, open_store, shape_text,
};

use crate::{
    args::{Common, NodeArgs},
    locations::{freshness_text, locate, open_source, options},
    output,
};

pub(crate) fn run(args: &NodeArgs, common: &Common) -> Result<()> {
    let (source, node) = open_source(&args.location, args.path.as_deref(), common)?;
    if common.json {
        let mut members = document(source.as_ref(), &node)?;
        if let Some(found) = consolidated(args, common)? {
            members.insert("consolidated".to_owned(), found.json());
        }
        return output::json(&members.into());
    }
    let mut lines = Map::new();
    lines.insert("Name".into(), node.path().to_string().into());
    match &node {
        SourceNode::Group(_) => group_lines(source.as_ref(), &node, &mut lines)?,
        SourceNode::Array(array) => array_lines(array.as_ref(), &mut lines)?,
        SourceNode::Other { what, .. } => {
            lines.insert("Type".into(), what.as_str().into());
        }
    }
    if let Some(found) = consolidated(args, common)? {
        lines.insert("Consolidated".into(), found.text().into());
    }
    let attributes = match node {
        SourceNode::Other { .. } => Map::new(),
        _ => source.attributes(&node)?.members,
    };
    let width = lines
        .keys()
        .map(String::len)
        .max()
        .unwrap_or(0)
        .max("Attributes".len());
    let mut rows = Vec::new();
    for (name, value) in &lines {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        rows.push(format!("{name:width$} : {text}"));
    }
    for (index, (name, value)) in attributes.iter().enumerate() {
        let title = if index == 0 { "Attributes" } else { "" };
        rows.push(format!("{title:width$} : {name} = {value}"));
    }
    let rows: Vec<_> = rows.iter().map(|row| crate::status::printable(row)).collect();
    output::line(&rows.join("\n"))
}

/// What consolidated metadata are worth.
enum Consolidated {
    Damaged(Error),
    Compared(Freshness),
}

impl Consolidated {
    fn text(&self) -> String {
        match self {
            Self::Damaged(error) => format!("damaged, {error}"),
            Self::Compared(freshness) => freshness_text(freshness),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Damaged(error) => json!({"fresh": false, "damage": error.to_string()}),
            Self::Compared(freshness) => {
                let differences = freshness.differences.iter().map(ToString::to_string);
                json!({
                    "fresh": freshness.is_fresh(),
                    "is_complete": freshness.is_complete,
                    "n_folders_compared": freshness.n_compared,
                    "differences": differences.collect::<Vec<_>>(),
                })
            }
        }
    }
}

/// What the consolidated metadata that a node is in are worth; `None` if there are none.
fn consolidated(args: &NodeArgs, common: &Common) -> Result<Option<Consolidated>> {
    let location = locate(&args.location, args.path.as_deref())?;
    if location.kind() == StoreKind::OtherFile {
        return Ok(None);
    }
    let store = open_store(&location, false)?;
    let key = OpenConsolidated::default().metadata_key;
    let metadata = match find_consolidated(&store, &location.path, &key) {
        Err(error @ Error::Core(CoreError::Metadata { .. })) => {
            return Ok(Some(Consolidated::Damaged(error)));
        }
        found => found?,
    };
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    let freshness = metadata.freshness(store.as_ref(), &location.path, usize::MAX, &options(common))?;
    Ok(Some(Consolidated::Compared(freshness)))
}

fn group_lines(source: &dyn Source, node: &SourceNode, lines: &mut Map<String, Value>) -> Result<()> {
    let members = source.members(node.path())?;
    let names = |keep: fn(&SourceNode) -> bool| {
        let names = members
            .iter()
            .filter(|node| keep(node))
            .map(|node| node.path().name());
        names.collect::<Vec<_>>()
    };
    let arrays = names(|node| matches!(node, SourceNode::Array(_)));
    let groups = names(|node| matches!(node, SourceNode::Group(_)));
    lines.insert("Type".into(), "group".into());
    lines.insert("Members".into(), members.len().into());
    lines.insert("Arrays".into(), json!(arrays.len()));
    lines.insert("Groups".into(), json!(groups.len()));
    for (title, names) in [("Array names", arrays), ("Group names", groups)] {
        if !names.is_empty() {
            lines.insert(title.into(), names.join(", ").into());
        }
    }
    Ok(())
}

fn array_lines(array: &dyn SourceArray, lines: &mut Map<String, Value>) -> Result<()> {
    lines.insert("Type".into(), "array".into());
    lines.insert("Shape".into(), shape_text(array.shape()).into());
    let stored = array
        .chunk_grid()
        .map_or_else(|| "one piece".to_owned(), |grid| grid_text(&grid));
    match array.as_zarr().and_then(Array::inner_chunk_shape) {
        Some(inner) => {
            lines.insert("Chunks".into(), shape_text(&inner).into());
            lines.insert("Shards".into(), stored.into());
        }
        None => drop(lines.insert("Chunks".into(), stored.into())),
    }
    lines.insert("Data type".into(), array.data_type_text().into());
    let size = logical_size(array);
    if let Some(zarr) = array.as_zarr() {
        zarr_lines(zarr, size, lines)?;
    } else {
        lines.insert("Logical bytes".into(), size_text(size).into());
        if let Some(stored) = array.stored_chunks()? {
            lines.insert("Chunks initialized".into(), stored.len().into());
        }
    }
    Ok(())
}

fn zarr_lines(array: &Array, size: u64, lines: &mut Map<String, Value>) -> Result<()> {
    let metadata = array.metadata();
    let codecs = &metadata.codecs;
    let order = metadata
        .order()
        .map_or_else(|| "neither C nor F".to_owned(), |order| format!("{order:?}"));
    lines.insert("Order".into(), order.into());
    let fill_value = fill_value_to_v2(
        metadata.fill_value.as_ref(),
        &metadata.data_type,
        codecs.byte_order(),
    );
    lines.insert(
        "Fill value".into(),
        fill_value
            .map_or_else(|wrong| wrong.reason, |value| value.to_string())
            .into(),
    );
    let list: Vec<_> = codecs
        .list()
        .iter()
        .map(|codec| {
            if codec.configuration.is_empty() {
                codec.name.clone()
            } else {
                format!("{} {}", codec.name, Value::from(codec.configuration.clone()))
            }
        })
        .collect();
    lines.insert("Codecs".into(), list.join(", ").into());
    lines.insert(
        "Zarr format".into(),
        if metadata.format == ZarrFormat::V2 { 2 } else { 3 }.into(),
    );
    let extent = what_is_stored(array)?;
    let n_stored = extent.map_or_else(|| "?".to_owned(), |extent| extent.n_chunks.to_string());
    let chunks = format!("{n_stored}/{}", array.n_chunks());
    lines.insert("Chunks initialized".into(), chunks.into());
    lines.insert("Logical bytes".into(), size_text(size).into());
    let stored = extent.map(|extent| extent.size);
    if let Some(stored) = stored {
        lines.insert("Stored bytes".into(), size_text(stored).into());
    }
    if let Some(stored) = stored.filter(|stored| *stored > 0) {
        let ratio = format!("{:.1}", size as f64 / stored as f64);
        lines.insert("Ratio".into(), ratio.into());
    }
    let protection = match has_checksum(array) {
        Some(true) => "every chunk has a checksum",
        Some(false) => "unprotected: a flipped bit may go unnoticed",
        None => "not known: a codec is not known",
    };
    lines.insert("Protection".into(), protection.into());
    Ok(())
}

/// The bytes of all elements in memory.
fn logical_size(array: &dyn SourceArray) -> u64 {
    let item_size = array.data_type().size().unwrap_or(0) as u64;
    let lengths = array.shape().iter();
    lengths.fold(item_size, |size, length| size.saturating_mul(*length))
}

/// What is stored of an array; `None` where that cannot be listed.
fn what_is_stored(array: &Array) -> Result<Option<StoredExtent>> {
    let lists = array.store().capabilities().lists_chunks;
    Ok(lists.then(|| array.stored_extent()).transpose()?)
}

/// Whether a flipped bit in a chunk is noticed; `None` if a codec is not known.
fn has_checksum(array: &Array) -> Option<bool> {
    let options = array.options();
    let chain = array.metadata().codecs.chain(&options.registry, &options.limits);
    chain.ok().map(|chain| chain.has_checksum())
}

/// A node as JSON: what `zarr ls --json` has of it, and what is stored.
fn document(source: &dyn Source, node: &SourceNode) -> Result<Map<String, Value>> {
    let mut members = node_json(node);
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    match node {
        SourceNode::Group(path) => {
            let list: Vec<_> = source.members(path)?.iter().map(node_json).collect();
            add("members", list.into());
        }
        SourceNode::Array(array) => {
            add("n_bytes", logical_size(array.as_ref()).into());
            if let Some(zarr) = array.as_zarr() {
                for (name, value) in zarr_members(zarr)? {
                    add(name, value);
                }
            } else if let Some(stored) = array.stored_chunks()? {
                add("n_chunks_initialized", stored.len().into());
            }
        }
        SourceNode::Other { .. } => return Ok(members),
    }
    add("attributes", source.attributes(node)?.members.into());
    Ok(members)
}

/// What JSON has of a Zarr array beside what it has of others.
fn zarr_members(array: &Array) -> Result<Vec<(&'static str, Value)>> {
    let metadata = array.metadata();
    let codecs = &metadata.codecs;
    let fill_value = fill_value_to_v2(
        metadata.fill_value.as_ref(),
        &metadata.data_type,
        codecs.byte_order(),
    );
    let list: Vec<_> = codecs.list().iter().map(CodecConfig::to_json).collect();
    let extent = what_is_stored(array)?;
    Ok(vec![
        ("n_bytes_stored", extent.map(|extent| extent.size).into()),
        ("n_chunks", array.n_chunks().into()),
        (
            "n_chunks_initialized",
            extent.map(|extent| extent.n_chunks).into(),
        ),
        ("order", metadata.order().map(|order| format!("{order:?}")).into()),
        ("fill_value", fill_value.unwrap_or(Value::Null)),
        ("codecs", list.into()),
        (
            "zarr_format",
            if metadata.format == ZarrFormat::V2 { 2 } else { 3 }.into(),
        ),
        ("has_checksum", has_checksum(array).into()),
    ])
}

fn size_text(size: u64) -> String {
    let mut scaled = size as f64;
    let mut unit = "";
    for next in ["K", "M", "G", "T", "P"] {
        if scaled < 1024.0 {
            break;
        }
        scaled /= 1024.0;
        unit = next;
    }
    if unit.is_empty() {
        count_text(size)
    } else {
        format!("{} ({scaled:.1}{unit})", count_text(size))
    }
}
