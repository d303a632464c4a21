//! What a side-by-side benchmark runs of ours: `adapter WORKLOAD VARIANT DIR`.
//!
//! Prints one JSON object: seconds and processor time of the timed part, bytes, operations, a check value
//! and the peak memory. Exit status 3 means that the workload is not offered.
//!
//! `adapter bench OPERATION PATH ...` does what `cargo xtask bench peers` measures from outside.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command talks on standard output and error"
)]

mod arrays;
#[cfg(feature = "hdf5")]
mod hdf5;
mod hierarchy;
mod side_by_side;
mod stores;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use zarr_core::{
    Group, NodePath, Options, Workers, ZarrFormat,
    store::{DirectoryStore, Store},
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
    bytes: u64,
    operations: u64,
    check: u64,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == "bench") {
        return match side_by_side::run(&words[2..]) {
            Ok(line) => {
                println!("{line}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error:#}");
                ExitCode::FAILURE
            }
        };
    }
    let [_, workload, variant, dir] = &words[..] else {
        eprintln!("usage: adapter WORKLOAD VARIANT DIR");
        return ExitCode::from(2);
    };
    match run(workload, variant, Path::new(dir)) {
        Ok(Some(outcome)) => {
            let (seconds, cpu) = outcome.time;
            let peak = peak_memory().unwrap_or(0);
            println!(
                "{}",
                json!({
                    "seconds": seconds, "cpu": cpu, "bytes": outcome.bytes, "ops": outcome.operations,
                    "check": outcome.check, "peak_rss": peak,
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

/// Runs a workload; `None` for one that is not offered.
fn run(workload: &str, variant: &str, dir: &Path) -> Result<Option<Outcome>> {
    let (data, layout) = variant.split_once('/').unwrap_or((variant, ""));
    match workload {
        "save" => arrays::save(dir, data, layout).map(Some),
        "load" => arrays::load(dir, data, layout).map(Some),
        "rand" => arrays::rand(dir, data, layout),
        "cold" => arrays::cold(dir, data, layout).map(Some),
        "copy" => arrays::copy(dir, data, layout).map(Some),
        "index" => arrays::index(dir, data, layout).map(Some),
        "copystore" => stores::copy(dir, layout).map(Some),
        "zipsave" => stores::zip_save(dir, data, layout).map(Some),
        "zipload" => stores::zip_load(dir, data, layout).map(Some),
        "ziprand" => stores::zip_rand(dir, data, layout).map(Some),
        "meta" => hierarchy::run(dir, data, layout),
        #[cfg(feature = "hdf5")]
        "h5" => hdf5::run(dir, data, layout),
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

fn workers() -> Workers {
    let threads = std::env::var("BENCH_THREADS").ok();
    let threads = threads.and_then(|text| text.parse().ok());
    threads.map_or_else(Workers::default, Workers::new)
}

fn options() -> Options {
    Options {
        workers: workers(),
        ..Options::default()
    }
}

/// A directory that is read, as `zarr_convenience::open_store` opens it.
fn pinned(path: &Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(DirectoryStore::open(path)?.pinned()?))
}

/// Where results go.
fn out_path(dir: &Path) -> PathBuf {
    dir.join("out").join("a.zarr")
}

/// The group that results go into.
fn out_group(dir: &Path, format: ZarrFormat) -> Result<Group> {
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(out_path(dir))?);
    Ok(Group::create(store, &NodePath::root(), format, &options())?)
}
