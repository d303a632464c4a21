//! The zarrs crate in `cargo xtask bench peers`: `zarrs-peer bench OPERATION PATH ...`.

use std::fs;
use std::sync::Arc;

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde_json::{Value, json};
use zarrs::array::{Array, ArrayBytes, ArrayShardedExt, ArrayShardedReadableExt, ArrayShardedReadableExtCache, CodecOptions};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::Group;
use zarrs::node::NodeMetadata;
use zarrs::storage::{
    ListableStorageTraits, ReadableStorageTraits, ReadableWritableListableStorage, WritableStorageTraits,
};

use crate::{Result, grid};

type Stored = Array<dyn zarrs::storage::ReadableWritableListableStorageTraits>;

/// The length of a row that is read by itself.
const SLICE: u64 = 128;

/// Runs an operation; what it prints.
pub(crate) fn run(words: &[String]) -> Result<Value> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tally = match words[..] {
        ["read", source] => {
            let array = open(source)?;
            let mut tally = Tally::default();
            tally.add(array.retrieve_array_subset(&array.subset_all())?)?;
            tally
        }
        ["chunks", source] => chunks(&open(source)?)?,
        ["inner", source] => inner(&open(source)?)?,
        ["roundtrip", source, dest] => roundtrip(source, dest)?,
        ["save", values, dest, model] => save(values, dest, model)?,
        ["slices", source, positions] => slices(&open(source)?, positions)?,
        ["copy-store", source, dest] => copy_store(source, dest)?,
        ["walk" | "consolidated", source] => walk(source)?,
        _ => return Err(format!("unknown operation: {words:?}").into()),
    };
    Ok(json!({"check": tally.check, "count": tally.count}))
}

/// What was seen: a value that depends on the elements and their order, and how many there were.
#[derive(Default)]
struct Tally {
    check: u64,
    count: u64,
}

impl Tally {
    /// Adds a part: elements of 16 bits, of which every 997th counts, each times its place.
    fn add(&mut self, bytes: ArrayBytes<'_>) -> Result<()> {
        let bytes = bytes.into_fixed()?;
        self.count += bytes.len() as u64 / 2;
        let elements = bytes.chunks_exact(2).step_by(997);
        let weighed = elements
            .zip((1..=65_521_u64).cycle())
            .map(|(two, place)| u64::from(u16::from_le_bytes([two[0], two[1]])) * place);
        self.check = self.check.wrapping_mul(31).wrapping_add(weighed.sum());
        Ok(())
    }
}

fn store(path: &str) -> Result<ReadableWritableListableStorage> {
    Ok(Arc::new(FilesystemStore::new(path)?))
}

fn open(path: &str) -> Result<Stored> {
    Ok(Array::open(store(path)?, "/")?)
}

/// A new array of the same kind.
fn like(model: &Stored, path: &str) -> Result<Stored> {
    let array = Array::new_with_metadata(store(path)?, "/", model.metadata().clone())?;
    array.store_metadata()?;
    Ok(array)
}

fn chunks(array: &Stored) -> Result<Tally> {
    let mut tally = Tally::default();
    for coordinates in every_chunk(array) {
        tally.add(array.retrieve_chunk(&coordinates)?)?;
    }
    Ok(tally)
}

/// Every position in the grid of chunks, in C order.
fn every_chunk(array: &Stored) -> Vec<Vec<u64>> {
    let counts = array.chunk_grid_shape().to_vec();
    grid(&counts)
}

/// With the cache that keeps the indexes of shards.
fn inner(array: &Stored) -> Result<Tally> {
    let cache = ArrayShardedReadableExtCache::new(array);
    let counts = array.subchunk_grid_shape();
    let mut tally = Tally::default();
    for coordinates in grid(&counts) {
        tally.add(array.retrieve_subchunk_opt(&cache, &coordinates, &CodecOptions::default())?)?;
    }
    Ok(tally)
}

fn roundtrip(source: &str, dest: &str) -> Result<Tally> {
    let source = open(source)?;
    let dest = like(&source, dest)?;
    let all = every_chunk(&source);
    let count = all.len() as u64;
    let carry = |coordinates: Vec<u64>| -> std::result::Result<(), String> {
        let bytes: ArrayBytes<'_> = source
            .retrieve_chunk(&coordinates)
            .map_err(|error| error.to_string())?;
        dest.store_chunk(&coordinates, bytes)
            .map_err(|error| error.to_string())
    };
    all.into_par_iter().try_for_each(carry)?;
    Ok(Tally { check: 0, count })
}

fn save(values: &str, dest: &str, model: &str) -> Result<Tally> {
    let elements = fs::read(values)?;
    let count = elements.len() as u64 / 2;
    let array = like(&open(model)?, dest)?;
    array.store_array_subset(&array.subset_all(), ArrayBytes::new_flen(elements))?;
    Ok(Tally { check: 0, count })
}

fn slices(array: &Stored, positions: &str) -> Result<Tally> {
    let positions: Vec<[u64; 3]> = serde_json::from_str(&fs::read_to_string(positions)?)?;
    let mut tally = Tally::default();
    for [z, y, x] in positions {
        tally.add(array.retrieve_array_subset(&[z..z + 1, y..y + 1, x..x + SLICE])?)?;
    }
    Ok(tally)
}

fn copy_store(source: &str, dest: &str) -> Result<Tally> {
    let (source, dest) = (FilesystemStore::new(source)?, FilesystemStore::new(dest)?);
    let keys = source.list()?;
    let count = keys.len() as u64;
    let carry = |key| -> std::result::Result<(), String> {
        let value = source.get(&key).map_err(|error| error.to_string())?;
        dest.set(&key, value.ok_or("a key has gone")?)
            .map_err(|error| error.to_string())
    };
    keys.into_par_iter().try_for_each(carry)?;
    Ok(Tally { check: 0, count })
}

/// Visits every node; the check is the sum of the lengths of arrays. What is consolidated is taken by itself.
fn walk(source: &str) -> Result<Tally> {
    let root = Group::open(store(source)?, "/")?;
    let mut tally = Tally { check: 0, count: 1 };
    for (_, metadata) in root.traverse()? {
        tally.count += 1;
        if let NodeMetadata::Array(metadata) = metadata {
            let document = serde_json::to_value(&metadata)?;
            tally.check += document["shape"][0].as_u64().ok_or("an array has no shape")?;
        }
    }
    Ok(tally)
}
