//! What a side-by-side benchmark runs of ours: `adapter WORKLOAD VARIANT DIR`.
//!
//! Prints one JSON object: seconds and processor time of the timed part, bytes, operations, a check value
//! and the peak memory. Exit status 3 means that the workload is not offered.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks on standard output and error"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use zarr_core::{
    Array, NodePath, Options, Selection, Workers,
    codecs::ChunkRef,
    store::{DirectoryStore, Store, StoreKey},
};

/// Wall and processor time since a moment.
struct Timer(Instant, Duration);

impl Timer {
    fn start() -> Self {
        Self(Instant::now(), processor_time())
    }

    fn elapsed(&self) -> (f64, f64) {
        let wall = self.0.elapsed();
        (
            wall.as_secs_f64(),
            processor_time().saturating_sub(self.1).as_secs_f64(),
        )
    }
}

/// The processor time of this process, over all threads.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// What was measured.
struct Outcome {
    time: (f64, f64),
    bytes: usize,
    operations: usize,
    check: u64,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().collect();
    let [_, workload, variant, dir] = &words[..] else {
        eprintln!("usage: adapter WORKLOAD VARIANT DIR");
        return ExitCode::from(2);
    };
    match run(workload, variant, Path::new(dir)) {
        Ok(Some(outcome)) => {
            let (seconds, cpu) = outcome.time;
            let Outcome {
                bytes,
                operations,
                check,
                ..
            } = outcome;
            let peak = peak_memory().unwrap_or(0);
            println!(
                "{}",
                json!({
                    "seconds": seconds, "cpu": cpu, "bytes": bytes, "ops": operations, "check": check,
                    "peak_rss": peak,
                })
            );
            ExitCode::SUCCESS
        }
        Ok(None) => ExitCode::from(3),
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(workload: &str, variant: &str, dir: &Path) -> Result<Option<Outcome>> {
    let (data, layout) = variant.split_once('/').unwrap_or((variant, ""));
    // Sharded, structured and text arrays are not offered yet.
    if layout.contains("shard") || matches!(data, "vlen" | "struct") {
        return Ok(None);
    }
    match workload {
        "save" => save(dir, data, layout).map(Some),
        "load" => load(dir, data, layout).map(Some),
        "rand" => rand(dir, data, layout),
        "cold" => cold(dir, data, layout).map(Some),
        _ => Ok(None),
    }
}

/// How many bytes the process ever had in memory.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim()
        .trim_end_matches(" kB")
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}

fn options() -> Options {
    let threads = std::env::var("BENCH_THREADS")
        .ok()
        .and_then(|text| text.parse().ok());
    Options {
        workers: threads.map_or_else(Workers::default, Workers::new),
        ..Options::default()
    }
}

fn open(path: &PathBuf) -> Result<Array> {
    let store = Arc::new(DirectoryStore::open(path)?);
    Ok(Array::open(store, &NodePath::root(), &options())?)
}

/// The wrapping sum of the unsigned value of every 997th element.
fn check(elements: &[u8], size: usize) -> u64 {
    let number = |element: &[u8]| {
        let mut bytes = [0; 8];
        let length = element.len().min(8);
        bytes[..length].copy_from_slice(&element[..length]);
        u64::from_le_bytes(bytes)
    };
    elements
        .chunks_exact(size.max(1))
        .step_by(997)
        .map(number)
        .fold(0, u64::wrapping_add)
}

fn item_size(array: &Array) -> usize {
    array.data_type().size().unwrap_or(1)
}

/// Creates an array as a document says and writes all of it.
fn save(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let raw = fs::read(dir.join("raw").join(format!("{data}.bin")))?;
    let document = fs::read(dir.join("meta").join(data).join(format!("{layout}.json")))?;
    let path = dir.join("out").join("a.zarr");
    let name = if layout.starts_with("v3") {
        "zarr.json"
    } else {
        ".zarray"
    };
    let timer = Timer::start();
    let store = Arc::new(DirectoryStore::create(&path)?);
    store.set(&StoreKey::new(name)?, &document)?;
    let array = Array::open(store, &NodePath::root(), &options())?;
    array.write_elements(
        &Selection::all(),
        ChunkRef {
            elements: &raw,
            heap: &[],
        },
    )?;
    let time = timer.elapsed();
    Ok(Outcome {
        time,
        bytes: raw.len(),
        operations: 1,
        check: 0,
    })
}

fn array_path(dir: &Path, data: &str, layout: &str) -> PathBuf {
    dir.join("zarr").join(data).join(format!("{layout}.zarr"))
}

/// Opens an array and reads all of it into fresh memory.
fn load(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let timer = Timer::start();
    let array = open(&array_path(dir, data, layout))?;
    let values = array.read_data(&Selection::all())?;
    let time = timer.elapsed();
    let elements = &values.buffer.elements;
    Ok(Outcome {
        time,
        bytes: elements.len(),
        operations: 1,
        check: check(elements, item_size(&array)),
    })
}

/// Reads many small parts of an open array, one after the other.
fn rand(dir: &Path, data: &str, layout: &str) -> Result<Option<Outcome>> {
    let (layout, kind) = layout.split_once(':').context("expected LAYOUT:KIND")?;
    let positions = fs::read(dir.join("idx").join(format!("{data}-{kind}.i64")))?;
    let positions: Vec<u64> = positions
        .as_chunks()
        .0
        .iter()
        .map(|bytes| i64::from_le_bytes(*bytes).unsigned_abs())
        .collect();
    let array = open(&array_path(dir, data, layout))?;
    let chunk = array.chunk_shape().to_vec();
    let shape = match kind {
        "slice" => vec![1, 1, 256],
        "point" => vec![1, 1, 1],
        "chunk" | "smallchunk" => chunk.clone(),
        _ => return Ok(None),
    };
    let is_chunk = kind.ends_with("chunk");
    let (mut bytes, mut operations, mut sum) = (0, 0, 0_u64);
    let timer = Timer::start();
    for position in positions.chunks_exact(3) {
        let start: Vec<_> = position
            .iter()
            .zip(&chunk)
            .map(|(at, chunk)| if is_chunk { at * chunk } else { *at })
            .collect();
        let values = array.read_data(&Selection::region(&start, &shape))?;
        let elements = &values.buffer.elements;
        sum = sum.wrapping_add(elements.first().copied().unwrap_or(0).into());
        bytes += elements.len();
        operations += 1;
    }
    Ok(Some(Outcome {
        time: timer.elapsed(),
        bytes,
        operations,
        check: sum,
    }))
}

/// Opens an array and reads one element.
fn cold(dir: &Path, data: &str, layout: &str) -> Result<Outcome> {
    let timer = Timer::start();
    let array = open(&array_path(dir, data, layout))?;
    let values = array.read_data(&Selection::region(&[100, 200, 200], &[1, 1, 1]))?;
    let bytes = values.buffer.elements.len();
    Ok(Outcome {
        time: timer.elapsed(),
        bytes,
        operations: 1,
        check: 0,
    })
}
