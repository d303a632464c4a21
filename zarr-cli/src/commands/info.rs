//! `zarr info`.

use anyhow::Result;
use serde_json::{Map, Value, json};
use zarr_convenience::{
    Source, SourceArray, SourceNode,
    core::{Array, ZarrFormat, metadata::fill_value_to_v2, store::StoreExt},
    count_text, shape_text,
};

use crate::{
    args::{Common, NodeArgs},
    locations::open_source,
    output,
};

pub(crate) fn run(args: &NodeArgs, common: &Common) -> Result<()> {
    let (source, node) = open_source(&args.location, args.path.as_deref(), common)?;
    let mut lines = Map::new();
    lines.insert("Name".into(), node.path().to_string().into());
    match &node {
        SourceNode::Group(_) => group_lines(source.as_ref(), &node, &mut lines)?,
        SourceNode::Array(array) => array_lines(array.as_ref(), &mut lines)?,
        SourceNode::Other { what, .. } => {
            lines.insert("Type".into(), what.as_str().into());
        }
    }
    let attributes = match node {
        SourceNode::Other { .. } => Map::new(),
        _ => source.attributes(&node)?.members,
    };
    if common.json {
        lines.insert("Attributes".into(), attributes.into());
        return output::json(&Value::from(lines));
    }
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
    let chunks = array
        .chunk_shape()
        .map_or_else(|| "one piece".to_owned(), shape_text);
    lines.insert("Chunks".into(), chunks.into());
    lines.insert("Data type".into(), array.data_type_text().into());
    let item_size = array.data_type().size().unwrap_or(0) as u64;
    let size = array
        .shape()
        .iter()
        .fold(item_size, |size, length| size.saturating_mul(*length));
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
    let chunks = format!("{}/{}", array.n_chunks_initialized()?, array.n_chunks());
    lines.insert("Chunks initialized".into(), chunks.into());
    let mut stored = 0_u64;
    for key in array.store().list_prefix(array.path().prefix())? {
        stored = stored.saturating_add(array.store().size(&key)?.unwrap_or(0));
    }
    lines.insert("Logical bytes".into(), size_text(size).into());
    lines.insert("Stored bytes".into(), size_text(stored).into());
    if stored > 0 {
        lines.insert(
            "Ratio".into(),
            format!("{:.1}", size as f64 / stored as f64).into(),
        );
    }
    let options = array.options();
    let chain = codecs.chain(&options.registry, &options.limits);
    let protection = match chain {
        Ok(chain) if chain.has_checksum() => "every chunk has a checksum",
        Ok(_) => "unprotected: a flipped bit may go unnoticed",
        Err(_) => "not known: a codec is not known",
    };
    lines.insert("Protection".into(), protection.into());
    Ok(())
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
