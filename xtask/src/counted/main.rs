//! Small fixed work whose instructions `cargo xtask bench counts` counts: `bench-counted WORKLOAD`.
//!
//! All of it is done on one thread, and in memory but for what is about directories, so that the number hardly differs
//! from run to run. What comes before and after [`measured`] is not counted.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks on standard output and error"
)]

use std::{hint::black_box, process::ExitCode, sync::Arc};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use zarr_core::{
    Array, ArrayBuilder, Group, Node, NodePath, Options, Selection, Workers, ZarrFormat,
    codecs::ChunkRef,
    store::{DirectoryStore, MemoryStore, Store, StoreKey},
};

/// Elements along each dimension of arrays and of chunks: eight chunks of 256 KiB or 128 KiB.
const LENGTH: u64 = 80;
const CHUNK: u64 = 40;

/// The work, by the names in `xtask/counts.json`.
const WORKLOADS: [&str; 11] = [
    "blosc-load",
    "blosc-save",
    "blosc-slices",
    "fortran-load",
    "fortran-save",
    "nodes-create",
    "nodes-open",
    "raw-load",
    "raw-slices",
    "shard-slices",
    "texts-load",
];

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().skip(1).collect();
    let done = match &words[..] {
        [] => {
            println!("{}", WORKLOADS.join("\n"));
            return ExitCode::SUCCESS;
        }
        [name] => run(name),
        _ => Err(anyhow::anyhow!("usage: bench-counted [WORKLOAD]")),
    };
    if let Err(error) = done {
        eprintln!("bench-counted: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What is counted: the name is what the counter looks for.
#[inline(never)]
fn measured(work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    black_box(work)()
}

fn run(name: &str) -> Result<()> {
    let blosc = json!({"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0});
    match name {
        "blosc-load" => load(&filled(&v2("<f4", "C", &blosc))?),
        "blosc-save" => save(&opened(&v2("<f4", "C", &blosc))?),
        "blosc-slices" => slices(&filled(&v2("<f4", "C", &blosc))?),
        "fortran-load" => load(&filled(&v2("<i2", "F", &Value::Null))?),
        "fortran-save" => save(&opened(&v2("<i2", "F", &Value::Null))?),
        "raw-load" => load(&filled(&v2("<f4", "C", &Value::Null))?),
        "raw-slices" => slices(&filled(&v2("<f4", "C", &Value::Null))?),
        "shard-slices" => slices(&filled(&sharded())?),
        "texts-load" => texts(),
        "nodes-create" => create(),
        "nodes-open" => nodes(),
        _ => bail!("no workload is called {name}"),
    }
}

fn options() -> Options {
    Options {
        workers: Workers::ONE,
        ..Options::default()
    }
}

fn v2(data_type: &str, order: &str, compressor: &Value) -> (&'static str, Value) {
    let document = json!({
        "zarr_format": 2, "shape": [LENGTH, LENGTH, LENGTH], "chunks": [CHUNK, CHUNK, CHUNK], "dtype": data_type,
        "order": order, "compressor": compressor, "filters": null, "fill_value": 0,
    });
    (".zarray", document)
}

/// Shards of eight times eight times eight chunks without compression.
fn sharded() -> (&'static str, Value) {
    let little = json!({"name": "bytes", "configuration": {"endian": "little"}});
    let sharding = json!({
        "chunk_shape": [CHUNK / 8, CHUNK / 8, CHUNK / 8], "codecs": [little],
        "index_codecs": [little, {"name": "crc32c"}],
    });
    let document = json!({
        "zarr_format": 3, "node_type": "array", "shape": [LENGTH, LENGTH, LENGTH], "data_type": "float32",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [CHUNK, CHUNK, CHUNK]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0.0,
        "codecs": [{"name": "sharding_indexed", "configuration": sharding}],
    });
    ("zarr.json", document)
}

fn opened((name, document): &(&str, Value)) -> Result<Array> {
    let store = Arc::new(MemoryStore::new());
    store.set(&StoreKey::new(*name)?, document.to_string().as_bytes())?;
    Ok(Array::open(store, &NodePath::root(), &options())?)
}

/// An array with values in it.
fn filled(document: &(&str, Value)) -> Result<Array> {
    let array = opened(document)?;
    array.write_elements(&Selection::all(), elements(&values(&array)))?;
    Ok(array)
}

const fn elements(elements: &[u8]) -> ChunkRef<'_> {
    ChunkRef { elements, heap: &[] }
}

/// Values that go up and down, with noise in their lower bits, as those of an instrument.
fn values(array: &Array) -> Vec<u8> {
    let count = array.shape().iter().product::<u64>();
    let mut state = 1_u32;
    let mut value = |number: u64| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let slope = (number % 1000).abs_diff(500) as u32;
        slope * 16 + (state >> 29)
    };
    if array.data_type().size() == Some(2) {
        return (0..count)
            .flat_map(|number| (value(number) as i16).to_le_bytes())
            .collect();
    }
    (0..count)
        .flat_map(|number| (value(number) as f32 / 128.0).to_le_bytes())
        .collect()
}

fn load(array: &Array) -> Result<()> {
    measured(&mut || {
        black_box(array.read_data(&Selection::all())?);
        Ok(())
    })
}

fn save(array: &Array) -> Result<()> {
    let values = values(array);
    measured(&mut || Ok(array.write_elements(&Selection::all(), elements(&values))?))
}

/// Reads rows here and there.
fn slices(array: &Array) -> Result<()> {
    let rows: Vec<_> = (0..50)
        .map(|number| Selection::region(&[number * 31 % LENGTH, number * 17 % LENGTH, 0], &[1, 1, LENGTH]))
        .collect();
    measured(&mut || {
        for row in &rows {
            black_box(array.read_data(row)?);
        }
        Ok(())
    })
}

fn texts() -> Result<()> {
    let document = json!({
        "zarr_format": 2, "shape": [10_000], "chunks": [1000], "dtype": "|O", "order": "C", "compressor": null,
        "filters": [{"id": "vlen-utf8"}], "fill_value": "",
    });
    let array = opened(&(".zarray", document))?;
    let texts: Vec<_> = (0..10_000).map(|number| "text ".repeat(number % 7)).collect();
    array.write_vec(&Selection::all(), &texts)?;
    measured(&mut || {
        black_box(array.read_vec::<String>(&Selection::all())?);
        Ok(())
    })
}

/// A hundred arrays with two attributes each, in a directory, where each appears in one step.
fn create() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(folder.path().join("nodes.zarr"))?);
    let group = Group::create(store, &NodePath::root(), ZarrFormat::V2, &options())?;
    let model = opened(&v2("<f4", "C", &Value::Null))?;
    measured(&mut || {
        for number in 0..100 {
            let attributes = [
                ("units".to_owned(), json!("m")),
                ("number".to_owned(), json!(number)),
            ];
            let builder = ArrayBuilder::like(&model).attributes(attributes.into_iter().collect());
            group.create_array(&number.to_string(), builder, false)?;
        }
        Ok(())
    })
}

/// Opens the arrays of a group one by one.
fn nodes() -> Result<()> {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    store.set(&StoreKey::new(".zgroup")?, br#"{"zarr_format": 2}"#)?;
    let (name, document) = v2("<f4", "C", &Value::Null);
    for number in 0..100 {
        let key = StoreKey::new(format!("{number}/{name}"))?;
        store.set(&key, document.to_string().as_bytes())?;
    }
    measured(&mut || {
        let group = Group::open(Arc::clone(&store), &NodePath::root(), &options())?;
        for number in 0..100 {
            let Node::Array(array) = group.get(&number.to_string())? else {
                bail!("{number} is no array")
            };
            black_box(array);
        }
        Ok(())
    })
}
