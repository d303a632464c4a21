//! Our own side of the comparison.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use zarr_core::codecs::{ByteOrder, ChunkBuffer, CodecConfig, DataType, FillValue};
use zarr_core::metadata::{V2Codecs, data_type_to_v2, v2_data_type};
use zarr_core::store::{DirectoryStore, StoreExt, StoreKey};
use zarr_core::{
    Array, ArrayBuilder, ArrayData, ChunkEdges, NodePath, Options, Order, Selection, ZarrFormat,
};

use super::cell::{Cell, Placed, Shards};
use super::cross::OURS;
use super::dtype::Dtype;
use super::grid::{V2Chain, codec_json, v2_chain};
use super::values;
use super::verdict::{Outcome, Reading, Trouble};

/// More bytes than a document of the grid has.
const DOCUMENT_SIZE_MAX: u64 = 1 << 20;

/// A library that reads and writes cells in this process.
pub(crate) trait Subject {
    /// Creates the array of the cell at its path and writes all its chunks but the missing ones.
    fn write(&self, cell: &Placed<'_>) -> Outcome<()>;

    /// Opens the array at the cell's path, knowing only the path, and reads all of it.
    fn read(&self, cell: &Placed<'_>) -> Outcome<Reading>;
}

/// The library of this workspace.
pub(crate) fn ours() -> Box<dyn Subject> {
    Box::new(Ours)
}

/// Its version.
pub(crate) fn version() -> String {
    format!("zarr-core {}", env!("CARGO_PKG_VERSION"))
}

/// `zarr-core`, called as any user would.
struct Ours;

impl Subject for Ours {
    fn write(&self, cell: &Placed<'_>) -> Outcome<()> {
        write(cell).map_err(|error| failed(cell, "write", &error))
    }

    fn read(&self, cell: &Placed<'_>) -> Outcome<Reading> {
        read(cell).map_err(|error| failed(cell, "read", &error))
    }
}

/// The message without the place of the array, so that equal ones can be counted.
fn failed(cell: &Placed<'_>, verb: &str, error: &anyhow::Error) -> Trouble {
    let message = format!("{error:#}").replace(&*cell.path.to_string_lossy(), "ARRAY");
    Trouble::Failed(format!("{OURS} does not {verb}: {message}"))
}

fn read(placed: &Placed<'_>) -> Result<Reading> {
    let store = Arc::new(DirectoryStore::open(&placed.path)?);
    let array = Array::open(store, &NodePath::root(), &Options::default())?;
    let data = array.read_data(&Selection::all())?;
    let (dtype, elements) = match data.data_type {
        DataType::String => ("string".to_owned(), framed(&data.buffer)),
        DataType::Bytes => ("bytes".to_owned(), framed(&data.buffer)),
        _ => {
            let dtype = data_type_to_v2(&data.data_type, ByteOrder::Little);
            let dtype = dtype.context("a type that V2 does not have")?;
            let record = format!("|V{}", data.data_type.size().unwrap_or(0));
            (
                dtype.as_str().map_or(record, str::to_owned),
                in_native_order(&data.data_type, data.buffer.elements),
            )
        }
    };
    Ok(Reading {
        sha256: values::sha256(&elements),
        dtype,
        shape: data.shape,
    })
}

fn write(placed: &Placed<'_>) -> Result<()> {
    let cell = placed.cell;
    let store = DirectoryStore::create(&placed.path)?;
    let array = builder(cell)?.create(Arc::new(store), &NodePath::root(), &Options::default())?;
    check_document(&array, cell)?;
    let elements: Vec<_> = cell
        .elements()
        .into_iter()
        .map(|element| in_native_order(array.data_type(), element))
        .collect();
    for chunk in grid(&array.grid_shape()) {
        if cell.missing.contains(&chunk) {
            continue;
        }
        let (start, shape) = cell.region(&chunk);
        let mut data = ArrayData {
            data_type: array.data_type().clone(),
            buffer: ChunkBuffer::default(),
            shape: shape.clone(),
        };
        for element in cut(&elements, cell, &start, &shape) {
            if cell.dtype.is_variable() {
                data.buffer.push_item(element);
            } else {
                data.buffer.elements.extend(element);
            }
        }
        array.write_data(&Selection::region(&start, &shape), &data)?;
    }
    Ok(())
}

/// The array of a cell by its parameters, not by its document.
fn builder(cell: &Cell) -> Result<ArrayBuilder> {
    let (data_type, byte_order) = match cell.dtype.kind {
        'T' => (DataType::String, ByteOrder::Little),
        'B' => (DataType::Bytes, ByteOrder::Little),
        _ => v2_data_type(&cell.dtype.v2()).map_err(|wrong| anyhow!(wrong.reason))?,
    };
    let fill_value = cell
        .fill_bytes()
        .map(|bytes| FillValue::new(in_native_order(&data_type, bytes)));
    let builder = ArrayBuilder::new(cell.shape.clone(), data_type)
        .chunk_shape(cell.chunks.clone())
        .byte_order(byte_order)
        .order(if cell.order == 'F' { Order::F } else { Order::C })
        .separator(cell.separator)
        .fill_value(fill_value);
    let codecs = codec_json(cell.codec, cell.format, cell.dtype);
    Ok(if cell.format == 2 {
        let V2Chain { filters, compressor } = v2_chain(codecs, cell.dtype);
        let builder = builder.format(ZarrFormat::V2);
        builder.v2_codecs(V2Codecs { filters, compressor })
    } else {
        let codecs: Result<_, _> = codecs.iter().cloned().map(CodecConfig::from_json).collect();
        let mut builder = builder.format(ZarrFormat::V3).codecs(codecs?);
        if cell.keys == "v2" {
            builder = builder.v2_chunk_names();
        }
        let divided = |divisors: [u64; 2]| {
            let lengths = cell.chunks.iter().zip(divisors);
            lengths
                .map(|(length, divisor)| length / divisor)
                .collect::<Vec<_>>()
        };
        match cell.shards {
            Shards::None => in_grid(builder, cell)?,
            Shards::Plain if cell.edges.is_empty() => builder
                .chunk_shape(divided([2, 2]))
                .shard_shape(cell.chunks.clone()),
            Shards::Plain => builder.chunk_shape(divided([2, 2])).shard_edges(edges(cell)?),
            Shards::IndexFirst | Shards::Nested => in_grid(in_shards(builder, cell)?, cell)?,
        }
    })
}

/// The lengths of the chunks of a rectilinear grid.
fn edges(cell: &Cell) -> Result<Vec<ChunkEdges>> {
    let edges = cell.edges.iter().zip(&cell.chunks);
    let edges = edges.map(|(edges, chunk)| match edges.as_slice() {
        [] => ChunkEdges::each(*chunk),
        edges => ChunkEdges::list(edges),
    });
    edges
        .collect::<Option<_>>()
        .context("a length of a chunk is not one")
}

/// What is stored under one key, in the lengths that it has.
fn in_grid(builder: ArrayBuilder, cell: &Cell) -> Result<ArrayBuilder> {
    if cell.edges.is_empty() {
        return Ok(builder);
    }
    Ok(builder.chunk_edges(edges(cell)?))
}

/// Shards that no option of ours makes: their codec is given as the cell's document has it.
fn in_shards(builder: ArrayBuilder, cell: &Cell) -> Result<ArrayBuilder> {
    let codecs = cell.document()["codecs"].as_array().cloned().unwrap_or_default();
    let codecs: Result<_, _> = codecs.iter().cloned().map(CodecConfig::from_json).collect();
    Ok(builder.order(Order::C).codecs(codecs?))
}

/// Our document says what the cell's document says, member by member.
fn check_document(array: &Array, cell: &Cell) -> Result<()> {
    let name = if cell.format == 2 { ".zarray" } else { "zarr.json" };
    let bytes = array.store().get(&StoreKey::new(name)?, DOCUMENT_SIZE_MAX)?;
    let ours: Value = serde_json::from_slice(&bytes.context("no document was written")?)?;
    let Value::Object(expected) = cell.document() else {
        unreachable!("a document is an object")
    };
    for (member, mut value) in expected {
        if member == "fill_value" && cell.dtype.kind == 'S' {
            // What zarr-python writes: without the zeros that fill the type up.
            value = cell.fill_bytes().map_or(Value::Null, |bytes| {
                let used = bytes.len() - bytes.iter().rev().take_while(|byte| **byte == 0).count();
                json!(BASE64_STANDARD.encode(&bytes[..used]))
            });
        }
        let found = ours.get(&member).unwrap_or(&Value::Null);
        ensure!(
            *found == value,
            "the document has {member} {found} where the cell has {value}"
        );
    }
    Ok(())
}

/// Every position in the grid of chunks.
fn grid(counts: &[u64]) -> Vec<Vec<u64>> {
    counts.iter().fold(vec![vec![]], |heads, count| {
        let longer = |head: &Vec<u64>| {
            (0..*count)
                .map(|at| [head.as_slice(), &[at]].concat())
                .collect::<Vec<_>>()
        };
        heads.iter().flat_map(longer).collect()
    })
}

/// Items of any length as they are digested: each behind its length.
fn framed(buffer: &ChunkBuffer) -> Vec<u8> {
    values::joined(Dtype::new("bytes"), buffer.as_ref().items())
}

/// The elements of a region in C order.
fn cut<'a>(
    elements: &'a [Vec<u8>],
    cell: &Cell,
    start: &[u64],
    shape: &[u64],
) -> impl Iterator<Item = &'a [u8]> {
    let mut positions = vec![0];
    for (dimension, length) in cell.shape.iter().enumerate() {
        let range = start[dimension]..start[dimension] + shape[dimension];
        positions = positions
            .iter()
            .flat_map(|at| range.clone().map(move |index| at * length + index))
            .collect();
    }
    positions.into_iter().map(|at| elements[at as usize].as_slice())
}

/// Little-endian elements in this machine's order; its own inverse.
fn in_native_order(data_type: &DataType, mut elements: Vec<u8>) -> Vec<u8> {
    if ByteOrder::NATIVE == ByteOrder::Big {
        data_type.swap_bytes(&mut elements);
    }
    elements
}
