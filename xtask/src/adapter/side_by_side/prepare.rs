//! What side-by-side runs read: made anew from nothing, the same each time.

use std::{
    f64::consts::TAU,
    fs,
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use zarr_convenience::{OpenConsolidated, consolidate_metadata};
use zarr_core::{
    Array, ArrayBuilder, Group, NodePath, Selection, Workers, ZarrFormat,
    codecs::{ChunkRef, CodecConfig, DataType},
    store::{DirectoryStore, Store},
};

use super::Tally;
use crate::options;

/// The length of a chunk or a shard, and of an inner chunk, in each dimension.
const CHUNK: u64 = 256;
const INNER: u64 = 64;
/// The lengths of the array of many small chunks.
const SMALL: (u64, u64) = (256, 16);
/// The length of a row that is read by itself, and how many there are.
pub(super) const SLICE: u64 = 128;
const N_SLICES: usize = 2000;
/// Nodes of the hierarchies.
const N_NODES: u64 = 5000;
/// Elements of a chunk where chunks are counted.
const COUNTED: u64 = 1024;

/// Numbers that look like chance and are the same each time (the generator `SplitMix64`).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// A smooth field with noise in its low bits, in C order.
fn field(side: u64) -> Vec<u16> {
    let mut noise = Noise(side);
    let wave = |length: f64, height: f64| -> Vec<i64> {
        let place = |at| ((at as f64 / length * TAU).sin() * height) as i64;
        (0..side).map(place).collect()
    };
    let (slow, middle, fast) = (wave(700.0, 12_000.0), wave(260.0, 5_000.0), wave(90.0, 2_000.0));
    let mut values = Vec::with_capacity((side * side * side) as usize);
    for z in &slow {
        for y in &middle {
            let mut bits = 0;
            for (at, x) in fast.iter().enumerate() {
                if at % 16 == 0 {
                    bits = noise.next();
                }
                values.push((30_000 + z + y + x) as u16 + (bits & 15) as u16);
                bits >>= 4;
            }
        }
    }
    values
}

fn to_bytes(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn write(path: &Path, builder: ArrayBuilder, elements: &[u8]) -> Result<Array> {
    let store = Arc::new(DirectoryStore::create(path)?);
    let array = builder.create(store, &NodePath::root(), &options())?;
    array.write_elements(&Selection::all(), ChunkRef { elements, heap: &[] })?;
    Ok(array)
}

fn codec(name: &str, configuration: Value) -> Result<CodecConfig> {
    Ok(CodecConfig::new(name, serde_json::from_value(configuration)?))
}

/// What reading boxes of an array of this side must give, from the values themselves.
fn tally_boxes(values: &[u16], side: u64, corners: &[[u64; 3]], shape: [u64; 3]) -> Tally {
    let mut tally = Tally::default();
    for [z, y, x] in corners {
        let mut part = Vec::with_capacity(shape.iter().product::<u64>() as usize);
        for row in 0..shape[0] * shape[1] {
            let start = (((z + row / shape[1]) * side + y + row % shape[1]) * side + x) as usize;
            part.extend_from_slice(&values[start..start + shape[2] as usize]);
        }
        tally.add(part.into_iter());
    }
    tally
}

fn corners(side: u64, edge: u64) -> Vec<[u64; 3]> {
    let steps = || (0..side).step_by(edge as usize);
    steps()
        .flat_map(|z| steps().flat_map(move |y| steps().map(move |x| [z, y, x])))
        .collect()
}

/// Makes all inputs in a directory; what the operations on them must say.
pub(super) fn inputs(dir: &Path, side: u64) -> Result<Value> {
    ensure!(
        side > 0 && side.is_multiple_of(CHUNK),
        "the side must be a multiple of {CHUNK}"
    );
    let values = field(side);
    let elements = to_bytes(&values);
    fs::write(dir.join("values.bin"), &elements)?;
    let array = || ArrayBuilder::new(vec![side; 3], DataType::UInt16);
    let v3 = || array().format(ZarrFormat::V3).chunk_shape(vec![CHUNK; 3]);
    let zstd = || codec("zstd", json!({"level": 0, "checksum": false}));
    let raw = || codec("bytes", json!({"endian": "little"}));
    write(&dir.join("raw.zarr"), v3().codecs(vec![raw()?]), &elements)?;
    write(
        &dir.join("zstd.zarr"),
        v3().codecs(vec![raw()?, zstd()?]),
        &elements,
    )?;
    let shards = v3()
        .codecs(vec![raw()?, zstd()?])
        .chunk_shape(vec![INNER; 3])
        .shard_shape(vec![CHUNK; 3]);
    write(&dir.join("shards.zarr"), shards, &elements)?;
    // Those of V2 have what zarr-python 2 takes by itself: Blosc with LZ4, level 5, bytes shuffled.
    write(
        &dir.join("blosc.zarr"),
        array().chunk_shape(vec![INNER; 3]),
        &elements,
    )?;

    let small = to_bytes(&field(SMALL.0));
    let builder = ArrayBuilder::new(vec![SMALL.0; 3], DataType::UInt16).chunk_shape(vec![SMALL.1; 3]);
    write(&dir.join("small.zarr"), builder, &small)?;

    let mut noise = Noise(1);
    let positions: Vec<[u64; 3]> = (0..N_SLICES)
        .map(|_| {
            [
                noise.next() % side,
                noise.next() % side,
                noise.next() % (side - SLICE),
            ]
        })
        .collect();
    fs::write(dir.join("positions.json"), json!(positions).to_string())?;

    let hierarchy = tree(&dir.join("nodes-v2"), N_NODES, ZarrFormat::V2, false)?;
    tree(&dir.join("consolidated-v2"), N_NODES, ZarrFormat::V2, true)?;
    tree(&dir.join("consolidated-v3"), N_NODES, ZarrFormat::V3, true)?;
    let boxes = |edge| tally_boxes(&values, side, &corners(side, edge), [edge; 3]).to_json();
    let mut whole = Tally::default();
    whole.add(values.iter().copied());
    Ok(json!({
        "read": whole.to_json(),
        "chunks": boxes(CHUNK),
        "inner": boxes(INNER),
        "slices": tally_boxes(&values, side, &positions, [1, 1, SLICE]).to_json(),
        "walk": hierarchy.to_json(),
        "hdf5": hdf5(&values, side).to_json(),
    }))
}

/// What the arrays of the HDF5 file hold that is made of the values: the first slabs, 32 planes each.
fn hdf5(values: &[u16], side: u64) -> Tally {
    let mut tally = Tally::default();
    for slab in values.chunks((32 * side * side) as usize).take(4) {
        tally.add(slab.iter().copied());
    }
    tally
}

/// Groups of 99 arrays with two attributes each, so many nodes with the root.
fn tree(path: &Path, n_nodes: u64, format: ZarrFormat, consolidates: bool) -> Result<Tally> {
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(path)?);
    let root = Group::create(Arc::clone(&store), &NodePath::root(), format, &options())?;
    let n_groups = (n_nodes - 1).div_ceil(100);
    let count = |group: u64| (n_nodes - 1 - group * 100).min(100) - 1;
    Workers::default().for_each(n_groups as usize, &|number| {
        let group = root.create_group(&format!("g{number:04}"))?;
        for at in 0..count(number as u64) {
            let attributes = [("units".to_owned(), json!("m")), ("idx".to_owned(), json!(at))];
            let builder = ArrayBuilder::new(vec![100 + at, 20], DataType::Float32)
                .chunk_shape(vec![10, 20])
                .format(format)
                .attributes(attributes.into_iter().collect());
            group.create_array(&format!("a{at:02}"), builder, false)?;
        }
        Ok::<_, zarr_core::Error>(())
    })?;
    if consolidates {
        consolidate_metadata(&store, &NodePath::root(), &OpenConsolidated::default())?;
    }
    let lengths = (0..n_groups).flat_map(|group| (0..count(group)).map(|at| 100 + at));
    Ok(Tally::of(lengths.sum(), n_nodes))
}

/// An array of so many chunks, and its values in a file.
pub(super) fn chunks(dir: &Path, n_chunks: u64) -> Result<Value> {
    let mut noise = Noise(n_chunks);
    let mut tally = Tally::default();
    let values: Vec<u16> = (0..n_chunks * COUNTED)
        .map(|at| (at / 7) as u16 ^ (noise.next() & 7) as u16)
        .collect();
    tally.add(values.iter().copied());
    let elements = to_bytes(&values);
    let mut file = BufWriter::new(fs::File::create(dir.join("values.bin"))?);
    file.write_all(&elements)?;
    file.flush()?;
    let builder = ArrayBuilder::new(vec![n_chunks * COUNTED], DataType::UInt16).chunk_shape(vec![COUNTED]);
    write(&dir.join("chunks.zarr"), builder, &elements)?;
    Ok(json!({"read": tally.to_json()}))
}

/// A hierarchy of V2 of so many nodes, and one that is consolidated.
pub(super) fn nodes(dir: &Path, n_nodes: u64) -> Result<Value> {
    tree(&dir.join("consolidated"), n_nodes, ZarrFormat::V2, true)?;
    let walked = tree(&dir.join("nodes"), n_nodes, ZarrFormat::V2, false)?;
    Ok(json!({"walk": walked.to_json()}))
}
