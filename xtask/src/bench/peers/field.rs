//! Where the programs are, how they are called, and whether what they left is right.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use zarr_core::store::{DirectoryStore, Store, StoreExt, StorePrefix, ZipStore};

use super::workloads::{Leaves, Program, Workload};
use crate::{
    bench::measure::{self, Run},
    peers::{python_in, zarrs_in},
};

/// The programs, the inputs, and what must come of them.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) adapter: PathBuf,
    pub(super) home: PathBuf,
    /// Inputs, and `out`, where results go.
    pub(super) dir: PathBuf,
    pub(super) expected: Value,
}

fn words(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no UTF-8", path.display()))
}

impl Field {
    /// Makes the inputs.
    pub(super) fn prepare(adapter: PathBuf, home: &Path, dir: &Path, side: u64) -> Result<Self> {
        let mut field = Self {
            adapter,
            home: home.to_owned(),
            dir: dir.to_owned(),
            expected: Value::Null,
        };
        let ours = text(&field.adapter)?;
        let side = side.to_string();
        let command = words(&[ours, "bench", "prepare", text(dir)?, &side]);
        field.expected = measure::run(&command, &[], dir)?.said;
        if field.has(Program::Zarr2) {
            let mut command = field.command(Program::Zarr2)?;
            let (values, file) = (dir.join("values.bin"), dir.join("slabs.h5"));
            command.extend(words(&["prepare-hdf5", text(&values)?, text(&file)?]));
            measure::run(&command, &[], dir)?;
        }
        Ok(field)
    }

    /// Whether a program is there.
    pub(super) fn has(&self, program: Program) -> bool {
        let runs = |name: &str, argument: &str| {
            let output = Command::new(name).arg(argument).output();
            output.is_ok_and(|output| output.status.success())
        };
        match program {
            Program::Ours => true,
            Program::Zarrs => zarrs_in(&self.home).is_file(),
            Program::Tensorstore => python_in(&self.home, "ts").is_file(),
            Program::Zarr2 => python_in(&self.home, "v2").is_file(),
            Program::Zarr3 => python_in(&self.home, "v3").is_file(),
            Program::Cp => runs("cp", "--version"),
            Program::Zip => runs("zip", "-v"),
        }
    }

    /// The words before those of an operation.
    fn command(&self, program: Program) -> Result<Vec<String>> {
        let python = |environment: &str, script: &str| -> Result<Vec<String>> {
            let script = crate::root()?.join("xtask/peers").join(script);
            Ok(words(&[
                text(&python_in(&self.home, environment))?,
                text(&script)?,
            ]))
        };
        match program {
            Program::Ours => Ok(words(&[text(&self.adapter)?, "bench"])),
            Program::Zarrs => Ok(words(&[text(&zarrs_in(&self.home))?, "bench"])),
            Program::Tensorstore => python("ts", "bench_tensorstore.py"),
            Program::Zarr2 => python("v2", "bench_zarr.py"),
            Program::Zarr3 => python("v3", "bench_zarr.py"),
            Program::Cp => Ok(words(&["cp", "-r"])),
            Program::Zip => Ok(words(&["zip", "-0", "-q", "-r", "-D"])),
        }
    }

    /// Where a workload puts its result.
    fn dest(&self, workload: &Workload) -> PathBuf {
        let name = if workload.leaves == Leaves::Archive {
            "a.zip"
        } else {
            "a.zarr"
        };
        self.dir.join("out").join(name)
    }

    /// One run of a workload, whose result is right.
    pub(super) fn run(&self, workload: &Workload, program: Program, is_first: bool) -> Result<Run> {
        let out = self.dir.join("out");
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir(&out)?;
        let input = self.dir.join(workload.input);
        let dest = self.dest(workload);
        let mut command = self.command(program)?;
        let mut from = self.dir.as_path();
        match program {
            Program::Cp => command.extend(words(&[text(&input)?, text(&dest)?])),
            Program::Zip => {
                command.extend(words(&[text(&dest)?, "."]));
                from = &input;
            }
            _ => command.extend(self.arguments(workload, &input, &dest)?),
        }
        let run = measure::run(&command, &[], from)?;
        self.verify(workload, program, &run, is_first)
            .with_context(|| format!("{} by {}", workload.full_name(), program.name()))?;
        Ok(run)
    }

    fn arguments(&self, workload: &Workload, input: &Path, dest: &Path) -> Result<Vec<String>> {
        let input = text(input)?;
        let mut all = words(&[workload.operation]);
        match workload.operation {
            "save" => all.extend(words(&[text(&self.dir.join("values.bin"))?, text(dest)?, input])),
            "slices" => all.extend(words(&[input, text(&self.dir.join("positions.json"))?])),
            _ if matches!(workload.leaves, Leaves::Reading(_)) => all.push(input.to_owned()),
            _ => all.extend(words(&[input, text(dest)?])),
        }
        Ok(all)
    }

    fn verify(&self, workload: &Workload, program: Program, run: &Run, is_first: bool) -> Result<()> {
        let dest = self.dest(workload);
        // What we wrote is read by another library once, and each time by our own.
        let judge = |peer: Program| {
            let by_peer = program == Program::Ours && is_first && self.has(peer);
            if by_peer { peer } else { Program::Ours }
        };
        let read = |reader: Program, operation: &str| -> Result<Value> {
            let mut command = self.command(reader)?;
            command.extend(words(&[operation, text(&dest)?]));
            Ok(measure::run(&command, &[], &self.dir)?.said)
        };
        let (said, wanted) = match workload.leaves {
            Leaves::Reading(member) => (run.said.clone(), &self.expected[member]),
            Leaves::Array => (read(judge(Program::Zarr3), "read")?, &self.expected["read"]),
            Leaves::Arrays => (read(judge(Program::Zarr2), "read-all")?, &self.expected["hdf5"]),
            Leaves::Keys | Leaves::Archive => {
                return same_keys(&self.dir.join(workload.input), &dest);
            }
        };
        ensure!(
            wanted.is_object() && said == *wanted,
            "a wrong result: {said} for {wanted}"
        );
        Ok(())
    }
}

/// Every key of a store with its value.
fn keys(store: &dyn Store) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut all = BTreeMap::new();
    for key in store.list_prefix(&StorePrefix::root())? {
        let value = store.get(&key, u64::MAX)?.context("a key has gone")?;
        all.insert(key.to_string(), value.to_vec());
    }
    Ok(all)
}

fn same_keys(source: &Path, dest: &Path) -> Result<()> {
    let source = keys(&DirectoryStore::open(source)?)?;
    let store: Arc<dyn Store> = if dest.is_dir() {
        Arc::new(DirectoryStore::open(dest)?)
    } else {
        Arc::new(ZipStore::open(dest)?)
    };
    let copied = keys(&*store)?;
    ensure!(
        copied.keys().eq(source.keys()),
        "{} keys came of {}",
        copied.len(),
        source.len()
    );
    for (key, value) in &copied {
        ensure!(source.get(key) == Some(value), "{key} has other bytes");
    }
    Ok(())
}
