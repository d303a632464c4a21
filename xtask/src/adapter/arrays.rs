//! The workloads of one array in a directory.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use zarr_convenience::{Chunks, CopyOptions, Creation, ZarrSource, copy as copy_node, core::Node};
use zarr_core::{
    Array, IndexArray, NodePath, Options, Selection, ZarrFormat,
    codecs::{ChunkRef, CodecConfig, DataType},
    store::{DirectoryStore, Store, StoreKey},
};

use crate::{Outcome, Timer, options, out_group, out_path, pinned, workers};

/// The wrapping sum of the unsigned value of every 997th element.
pub(crate) fn check(elements: &[u8], size: usize) -> u64 {
    let number = |element: &[u8]| match element.len() {
        1 | 2 | 4 | 8 => {
            let mut bytes = [0; 8];
            bytes[..element.len()].copy_from_slice(element);
            u64::from_le_bytes(bytes)
        }
        // Elements that are no numbers count by their bytes.
        _ => element.iter().map(|byte| u64::from(*byte)).sum(),
    };
    elements
        .chunks_exact(size.max(1))
        .step_by(997)
        .map(number)
        .fold(0, u64::wrapping_add)
}

pub(crate) fn item_size(array: &Array) -> usize {
    array.data_type().size().unwrap_or(1)
}

fn open(path: &Path) -> Result<Array> {
    Ok(Array::open(pinned(path)?, &NodePath::root(), &options())?)
}

pub(crate) fn document(dir: &Path, data: &str, layout: &str) -> Result<Vec<u8>> {
    Ok(fs::read(
        dir.join("meta").join(data).join(format!("{layout}.json")),
    )?)
}

/// What an array of texts or of anything else is filled with.
pub(crate) enum Values {
    Bytes(Vec<u8>),
    Texts(Vec<String>),
}

impl Values {
    pub(crate) fn read(dir: &Path, data: &str) -> Result<Self> {
        let raw = dir.join("raw");
        Ok(if data == "vlen" {
            let text = fs::read_to_string(raw.join("vlen.txt"))?;
            Self::Texts(text.split('\n').map(str::to_owned).collect())
        } else {
            Self::Bytes(fs::read(raw.join(format!("{data}.bin")))?)
        })
    }

    pub(crate) fn write(&self, array: &Array) -> Result<u64> {
        match self {
            Self::Bytes(elements) => {
                let chunk = ChunkRef { elements, heap: &[] };
                array.write_elements(&Selection::all(), chunk)?;
                Ok(elements.len() as u64)
            }
            Self::Texts(texts) => {
                array.write_vec(&Selection::all(), texts)?;
                Ok(texts.iter().map(|text| text.len() as u64).sum())
            }
        }
    }
}

/// Makes an array as a document says.
pub(crate) fn create(
    store: Arc<dyn Store>,
    document: &[u8],
    layout: &str,
    options: &Options,
) -> Result<Array> {
    let name = if layout.starts_with("v3") {
        "zarr.json"
    } else {
        ".zarray"
    };
    store.set(&StoreKey::new(name)?, document)?;
    Ok(Array::open(store, &NodePath::root(), options)?)
}

/// Creates an array as a document says and writes all of it.
pub(crate) fn save(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let values = Values::read(dir, data)?;
    let document = document(dir, data, layout)?;
    let timer = Timer::start();
    let store = Arc::new(DirectoryStore::create(out_path(dir))?);
    let array = create(store, &document, layout, &options())?;
    let bytes = values.write(&array)?;
    Ok(Outcome {
        time: timer.elapsed(),
        bytes,
        operations: 1,
        check: 0,
    })
}

fn array_path(dir: &Path, data: &str, layout: &str) -> PathBuf {
    dir.join("zarr").join(data).join(format!("{layout}.zarr"))
}

/// Opens an array and reads all of it into fresh memory.
pub(crate) fn load(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let timer = Timer::start();
    let array = open(&array_path(dir, data, layout))?;
    if *array.data_type() == DataType::String {
        let texts: Vec<String> = array.read_vec(&Selection::all())?;
        let time = timer.elapsed();
        let bytes = texts.iter().map(|text| text.len() as u64).sum();
        return Ok(Outcome {
            time,
            bytes,
            operations: 1,
            check: bytes,
        });
    }
    read(&timer, &array, &Selection::all())
}

/// Reads a selection, and ends the timed part.
pub(crate) fn read(timer: &Timer, array: &Array, selection: &Selection) -> Result<Outcome> {
    let values = array.read_data(selection)?;
    let time = timer.elapsed();
    let elements = &values.buffer.elements;
    Ok(Outcome {
        time,
        bytes: elements.len() as u64,
        operations: 1,
        check: check(elements, item_size(array)),
    })
}

/// Positions of three coordinates each.
pub(crate) fn positions(dir: &Path, data: &str, kind: &str) -> Result<Vec<[i64; 3]>> {
    let bytes = fs::read(dir.join("idx").join(format!("{data}-{kind}.i64")))?;
    let numbers: Vec<i64> = bytes
        .as_chunks()
        .0
        .iter()
        .map(|bytes| i64::from_le_bytes(*bytes))
        .collect();
    Ok(numbers.as_chunks().0.to_vec())
}

/// Reads many small parts of an open array, one after the other.
pub(crate) fn rand(dir: &Path, data: &str, layout: &str) -> Result<Option<Outcome>> {
    let (layout, kind) = layout.split_once(':').context("expected LAYOUT:KIND")?;
    let positions = positions(dir, data, kind)?;
    let array = open(&array_path(dir, data, layout))?;
    let shape = match kind {
        "slice" => vec![1, 1, 256],
        "point" => vec![1, 1, 1],
        "chunk" | "smallchunk" => array.chunk_shape().to_vec(),
        "inner" => array.inner_chunk_shape().context("the array has no shards")?,
        _ => return Ok(None),
    };
    let timer = Timer::start();
    let in_chunks = kind.ends_with("chunk") || kind == "inner";
    parts(&timer, &array, &positions, &shape, in_chunks).map(Some)
}

/// Reads a part of a shape at each position, which is one of the grid of chunks if so said.
pub(crate) fn parts(
    timer: &Timer,
    array: &Array,
    positions: &[[i64; 3]],
    shape: &[u64],
    in_chunks: bool,
) -> Result<Outcome> {
    let (mut bytes, mut check) = (0, 0_u64);
    let count = usize::try_from(shape.iter().product::<u64>())?;
    // One memory for all, as a program that reads part after part has it.
    let mut elements = vec![0; count * item_size(array)];
    for position in positions {
        let mut start = position.map(i64::unsigned_abs);
        if in_chunks {
            for (start, length) in start.iter_mut().zip(shape) {
                *start *= length;
            }
        }
        array.read_into(&Selection::region(&start, shape), &mut elements)?;
        check = check.wrapping_add(elements.first().copied().unwrap_or(0).into());
        bytes += elements.len() as u64;
    }
    Ok(Outcome {
        time: timer.elapsed(),
        bytes,
        operations: positions.len() as u64,
        check,
    })
}

/// Opens an array and reads one element.
pub(crate) fn cold(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let timer = Timer::start();
    let array = open(&array_path(dir, data, layout))?;
    let values = array.read_data(&Selection::region(&[100, 200, 200], &[1, 1, 1]))?;
    let elements = &values.buffer.elements;
    Ok(Outcome {
        time: timer.elapsed(),
        bytes: elements.len() as u64,
        operations: 1,
        check: elements.first().copied().unwrap_or(0).into(),
    })
}

/// Opens an array and reads a selection of it.
pub(crate) fn index(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let (layout, kind) = layout.split_once(':').context("expected LAYOUT:KIND")?;
    let path = array_path(dir, data, layout);
    let column = |positions: &[[i64; 3]], at: usize| -> Vec<i64> {
        positions.iter().map(|position| position[at]).collect()
    };
    let points = positions(dir, data, if kind == "orth" { "orth" } else { "coord" })?;
    let columns = [0, 1, 2].map(|at| IndexArray::from(column(&points, at)));
    let selection = match kind {
        "stride" => Selection::parse("::4,::4,::4")?,
        "plane" => Selection::parse(":,:,100")?,
        "orth" => Selection::orthogonal(columns.map(zarr_core::SelectionItem::indices)),
        "coord" => Selection::coordinates(columns),
        "mask" => {
            let shape = open(&path)?.shape().to_vec();
            let at = |position: &[i64; 3]| {
                let place = |sum: u64, (at, length): (&i64, &u64)| sum * length + at.unsigned_abs();
                position.iter().zip(&shape).fold(0, place) as usize
            };
            let mut mask = vec![false; shape.iter().product::<u64>() as usize];
            for point in &points {
                mask[at(point)] = true;
            }
            Selection::mask(shape, mask)
        }
        other => bail!("unknown kind of selection: {other}"),
    };
    let timer = Timer::start();
    let array = open(&path)?;
    let outcome = read(&timer, &array, &selection)?;
    Ok(Outcome {
        operations: outcome.bytes / item_size(&array) as u64,
        ..outcome
    })
}

/// Copies an array to one of another layout.
pub(crate) fn copy(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let (from, to) = layout.split_once(':').context("expected FROM:TO")?;
    let document: Value = serde_json::from_slice(&document(dir, data, to)?)?;
    let timer = Timer::start();
    let source = ZarrSource::new(Node::Array(open(&array_path(dir, data, from))?));
    let creation = creation(&document)?;
    let dest = out_group(dir, creation.zarr_format.unwrap_or(ZarrFormat::V2))?;
    let options = CopyOptions {
        name: Some("a".to_owned()),
        creation,
        workers: workers(),
        ..CopyOptions::default()
    };
    let report = copy_node(&source, &source.root(), &dest, options)?;
    Ok(Outcome {
        time: timer.elapsed(),
        bytes: report.copied.n_bytes_copied,
        operations: 1,
        check: 0,
    })
}

/// The options that make an array as a document says.
fn creation(document: &Value) -> Result<Creation> {
    let lengths = |pointer: &str| -> Result<Chunks> {
        let lengths = document.pointer(pointer).and_then(Value::as_array);
        let lengths = lengths.context("the document has no chunks")?;
        Ok(Chunks::Shape(lengths.iter().map(Value::as_u64).collect()))
    };
    if document["zarr_format"] == 2 {
        let compressor = document["compressor"].clone();
        return Ok(Creation {
            chunks: Some(lengths("/chunks")?),
            compressor: Some(Some(compressor).filter(|compressor| !compressor.is_null())),
            zarr_format: Some(ZarrFormat::V2),
            ..Creation::default()
        });
    }
    let codecs = document["codecs"]
        .as_array()
        .context("the document has no codecs")?;
    let config = |codec: &Value| -> Result<CodecConfig> {
        let name = codec["name"].as_str().context("a codec has no name")?;
        let members = codec["configuration"].as_object().cloned().unwrap_or_default();
        Ok(CodecConfig::new(name, members))
    };
    Ok(Creation {
        chunks: Some(lengths("/chunk_grid/configuration/chunk_shape")?),
        codecs: Some(codecs.iter().map(config).collect::<Result<_>>()?),
        zarr_format: Some(ZarrFormat::V3),
        ..Creation::default()
    })
}
