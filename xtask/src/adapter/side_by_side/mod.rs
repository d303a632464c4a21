//! The operations of `cargo xtask bench peers` and `cargo xtask bench scaling`: `adapter bench OPERATION PATH ...`.
//!
//! Each prints `{"check", "count"}`; `xtask/peers/README.md` says what they are, so that other programs do the same.

mod prepare;

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use zarr_convenience::{OpenConsolidated, consolidate_metadata, core::Node};
use zarr_core::{
    Array, ArrayBuilder, Group, NodePath, Options, Selection, Workers,
    codecs::ChunkRef,
    store::{DirectoryStore, Store},
    walk,
};

use crate::{Timer, hierarchy, options, pinned, stores, workers};

/// Runs an operation; what it prints.
pub(crate) fn run(words: &[String]) -> Result<Value> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tally = match words[..] {
        ["prepare", dir, side] => return prepare::inputs(Path::new(dir), side.parse()?),
        ["prepare-chunks", dir, n_chunks] => return prepare::chunks(Path::new(dir), n_chunks.parse()?),
        ["prepare-nodes", dir, n_nodes] => return prepare::nodes(Path::new(dir), n_nodes.parse()?),
        ["read", source] => read(source)?,
        ["read-all", source] => read_all(source)?,
        ["roundtrip", source, dest] => roundtrip(source, dest)?,
        ["chunks", source] => {
            let array = open(source, &options())?;
            let shape = array.chunk_shape().to_vec();
            boxes(&array, &shape)?
        }
        ["inner", source] => {
            let array = open(source, &options())?;
            let shape = array.inner_chunk_shape().context("the array has no shards")?;
            boxes(&array, &shape)?
        }
        ["save", values, dest, model] => save(values, dest, model)?,
        ["slices", source, positions] => slices(source, positions)?,
        ["copy-store", source, dest] => {
            let copied = stores::copy_between(Path::new(source), Path::new(dest))?;
            Tally::of(0, copied.n_copied)
        }
        ["walk", source] => visit(Node::open(
            pinned(Path::new(source))?,
            &NodePath::root(),
            &options(),
        )?)?,
        ["consolidated", source] => visit(hierarchy::through_document(&pinned(Path::new(source))?)?)?,
        ["open-consolidated", source] => open_consolidated(source)?,
        ["consolidate", source] => consolidate(source)?,
        #[cfg(feature = "hdf5")]
        ["hdf5", source, dest] => hdf5(source, dest)?,
        _ => bail!("unknown operation: {words:?}"),
    };
    Ok(tally.to_json())
}

/// What was seen: a value that depends on the elements and their order, and how many there were.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Tally {
    check: u64,
    count: u64,
}

impl Tally {
    fn of(check: u64, count: u64) -> Self {
        Self { check, count }
    }

    /// Adds a part: elements of 16 bits, of which every 997th counts, each times its place.
    fn add(&mut self, elements: impl ExactSizeIterator<Item = u16>) {
        self.count += elements.len() as u64;
        let weighed = elements
            .step_by(997)
            .zip((1..=65_521_u64).cycle())
            .map(|(element, place)| u64::from(element) * place);
        let part = weighed.fold(0, u64::wrapping_add);
        self.check = self.check.wrapping_mul(31).wrapping_add(part);
    }

    fn add_bytes(&mut self, bytes: &[u8]) {
        self.add(bytes.as_chunks().0.iter().map(|two| u16::from_le_bytes(*two)));
    }

    fn to_json(self) -> Value {
        json!({"check": self.check, "count": self.count})
    }
}

fn open(path: &str, options: &Options) -> Result<Array> {
    Ok(Array::open(pinned(Path::new(path))?, &NodePath::root(), options)?)
}

fn read(source: &str) -> Result<Tally> {
    let values = open(source, &options())?.read_data(&Selection::all())?;
    let mut tally = Tally::default();
    tally.add_bytes(&values.buffer.elements);
    Ok(tally)
}

/// Reads every array of a hierarchy, in the order of their names.
fn read_all(source: &str) -> Result<Tally> {
    let root = Group::open(pinned(Path::new(source))?, &NodePath::root(), &options())?;
    let mut tally = Tally::default();
    walk(&root, &mut |node| {
        if let Node::Array(array) = node {
            tally.add_bytes(&array.read_data(&Selection::all())?.buffer.elements);
        }
        Ok::<_, zarr_core::Error>(())
    })?;
    Ok(tally)
}

/// Where a box of a grid begins, by its number in C order.
fn corner(number: u64, grid: &[u64], shape: &[u64]) -> Vec<u64> {
    let mut rest = number;
    let mut start = vec![0; grid.len()];
    for dimension in (0..grid.len()).rev() {
        start[dimension] = rest % grid[dimension] * shape[dimension];
        rest /= grid[dimension];
    }
    start
}

/// Reads every chunk, and writes it to a new array of the same kind.
fn roundtrip(source: &str, dest: &str) -> Result<Tally> {
    let alone = Options {
        workers: Workers::ONE,
        ..options()
    };
    let source = open(source, &alone)?;
    let store = Arc::new(DirectoryStore::create(dest)?);
    let dest = ArrayBuilder::like(&source).create(store, &NodePath::root(), &alone)?;
    let (grid, shape) = (source.grid_shape(), source.chunk_shape());
    workers().for_each(source.n_chunks() as usize, &|number| {
        let selection = Selection::region(&corner(number as u64, &grid, shape), shape);
        dest.write_data(&selection, &source.read_data(&selection)?)
    })?;
    Ok(Tally::of(0, source.n_chunks()))
}

/// Reads boxes of one shape, one after the other, in C order.
fn boxes(array: &Array, shape: &[u64]) -> Result<Tally> {
    let lengths = array.shape().iter().zip(shape);
    let grid: Vec<u64> = lengths.map(|(length, edge)| length.div_ceil(*edge)).collect();
    let mut tally = Tally::default();
    for number in 0..grid.iter().product() {
        let selection = Selection::region(&corner(number, &grid, shape), shape);
        tally.add_bytes(&array.read_data(&selection)?.buffer.elements);
    }
    Ok(tally)
}

/// Writes the values in a file to a new array like another.
fn save(values: &str, dest: &str, model: &str) -> Result<Tally> {
    let elements = fs::read(values)?;
    let store = Arc::new(DirectoryStore::create(dest)?);
    let builder = ArrayBuilder::like(&open(model, &options())?);
    let array = builder.create(store, &NodePath::root(), &options())?;
    let chunk = ChunkRef {
        elements: &elements,
        heap: &[],
    };
    array.write_elements(&Selection::all(), chunk)?;
    Ok(Tally::of(0, elements.len() as u64 / 2))
}

/// Reads short rows of elements, which a file names, one after the other.
fn slices(source: &str, positions: &str) -> Result<Tally> {
    let positions: Vec<[u64; 3]> = serde_json::from_slice(&fs::read(positions)?)?;
    let array = open(source, &options())?;
    let mut tally = Tally::default();
    for position in positions {
        let selection = Selection::region(&position, &[1, 1, prepare::SLICE]);
        tally.add_bytes(&array.read_data(&selection)?.buffer.elements);
    }
    Ok(tally)
}

/// Visits every node; the check is the sum of the lengths of arrays.
fn visit(root: Node) -> Result<Tally> {
    let outcome = hierarchy::visit(&Timer::start(), root)?;
    Ok(Tally::of(outcome.check, outcome.operations))
}

/// Opens a hierarchy by its consolidated metadata, and one array of it.
fn open_consolidated(source: &str) -> Result<Tally> {
    let root = hierarchy::group(hierarchy::through_document(&pinned(Path::new(source))?)?)?;
    let Node::Array(array) = root.get("g0000/a00")? else {
        bail!("g0000/a00 is no array")
    };
    Ok(Tally::of(array.shape()[0], 1))
}

fn consolidate(source: &str) -> Result<Tally> {
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(source)?);
    let how = OpenConsolidated {
        options: options(),
        ..OpenConsolidated::default()
    };
    consolidate_metadata(&store, &NodePath::root(), &how)?;
    Ok(Tally::of(0, 1))
}

#[cfg(feature = "hdf5")]
fn hdf5(source: &str, dest: &str) -> Result<Tally> {
    use zarr_convenience::{CopyOptions, copy_all};
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(dest)?);
    let dest = Group::create(store, &NodePath::root(), zarr_core::ZarrFormat::V2, &options())?;
    let how = CopyOptions {
        workers: workers(),
        ..CopyOptions::default()
    };
    let source = zarr_h5bridge::Hdf5Source::open(Path::new(source))?;
    let report = copy_all(&source, &NodePath::root(), &dest, how)?;
    anyhow::ensure!(report.copied.n_skipped == 0, "something was skipped");
    Ok(Tally::of(0, report.copied.n_copied))
}
