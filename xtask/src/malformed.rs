//! HDF5 files with bytes changed at random, copied by the command in a process with limits: whatever the file does to
//! that process, the command ends with an error or without, in time, and leaves nothing half-done to be seen.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use fastrand::Rng;

/// The files that are changed, below `testdata/`.
const FIXTURES: [&str; 8] = [
    "hostile/old.h5",
    "hostile/new.h5",
    "hostile/vlen.h5",
    "hostile/outside.h5",
    "hdf5/links.h5",
    "hdf5/scales.h5",
    "hdf5/xarray.nc",
    "hdf5/tables.h5",
];
/// How long the process with limits may take, and how long the command may then take in all.
const SECONDS: u64 = 5;
const PATIENCE: Duration = Duration::from_secs(SECONDS + 10);
/// The exit statuses of what is said of a file: done, other error, corrupt, refused.
const STATUSES: [i32; 4] = [0, 1, 4, 5];

/// How the copies ended.
#[derive(Default)]
struct Counts {
    copied: u64,
    refused: u64,
    crashed: u64,
    over_limits: u64,
}

/// `malformed [CASES] [SEED]`.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let number = |index: usize, default: u64| {
        let Some(text) = arguments.get(index) else {
            return Ok(default);
        };
        text.parse().with_context(|| format!("{text} is no number"))
    };
    let (n_cases, seed) = (number(0, 500)?, number(1, 1)?);
    if arguments.len() > 2 {
        bail!("usage: cargo xtask malformed [CASES] [SEED]");
    }
    let program = crate::built_command()?;
    let root = crate::root()?;
    let wholes: Vec<Vec<u8>> = FIXTURES
        .iter()
        .map(|name| fs::read(root.join("testdata").join(name)).with_context(|| (*name).to_owned()))
        .collect::<Result<_>>()?;
    let folder = tempfile::tempdir()?;
    let mut counts = Counts::default();
    let mut n_faults = 0;
    for case in 0..n_cases {
        let mut random = Rng::with_seed(seed.wrapping_add(case.wrapping_mul(0x1000_0000_01b3)));
        let which = random.usize(..FIXTURES.len());
        let changed = change(&wholes[which], &mut random);
        if let Err(fault) = copy(&program, folder.path(), &changed, case, &mut counts) {
            let kept = std::env::temp_dir().join(format!("malformed-{seed}-{case}.h5"));
            fs::write(&kept, &changed)?;
            println!(
                "seed={seed} case={case} {}: {fault:#}; kept as {}",
                FIXTURES[which],
                kept.display()
            );
            n_faults += 1;
        }
    }
    let Counts {
        copied,
        refused,
        crashed,
        over_limits,
    } = counts;
    println!(
        "{n_cases} cases, seed={seed}: {copied} copied, {refused} refused, {crashed} ended a process, {over_limits} went over a limit, {n_faults} faults"
    );
    Ok(n_faults == 0)
}

/// A file with some of its bytes changed: single bits, numbers that are edges, runs of bytes from elsewhere, or its end.
fn change(whole: &[u8], random: &mut Rng) -> Vec<u8> {
    const EDGES: [u64; 10] = [
        0,
        1,
        8,
        0x7f,
        0xffff,
        1 << 31,
        1 << 40,
        1 << 62,
        u64::MAX - 1,
        u64::MAX,
    ];
    let mut bytes = whole.to_vec();
    for _ in 0..=random.usize(..4) {
        let at = random.usize(..bytes.len());
        match random.usize(..5) {
            0 => bytes[at] ^= 1 << random.usize(..8),
            1 => bytes[at] = random.u8(..),
            2 => {
                // At a multiple of 4 more often than not, as numbers and addresses are.
                let at = if random.usize(..3) > 0 { at & !3 } else { at };
                let size = [1, 2, 4, 8][random.usize(..4)].min(bytes.len() - at);
                let number = EDGES[random.usize(..EDGES.len())].to_le_bytes();
                bytes[at..at + size].copy_from_slice(&number[..size]);
            }
            3 => {
                let from = random.usize(..bytes.len());
                let size = (1 + random.usize(..32)).min(bytes.len() - at.max(from));
                bytes.copy_within(from..from + size, at);
            }
            // An address of the file in the place of another.
            _ => {
                let size = 8.min(bytes.len() - at);
                let address = (random.usize(..bytes.len()) as u64 & !7).to_le_bytes();
                bytes[at..at + size].copy_from_slice(&address[..size]);
            }
        }
    }
    if random.usize(..20) == 0 {
        bytes.truncate(random.usize(..bytes.len()));
    }
    bytes
}

/// Copies a file, to a directory, an archive and an HDF5 file by turns, and checks how that ends.
fn copy(program: &Path, folder: &Path, bytes: &[u8], case: u64, counts: &mut Counts) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    fs::write(folder.join("case.h5"), bytes)?;
    let dest = ["out.zarr", "out.zip", "out.h5"][(case % 3) as usize];
    let time = SECONDS.to_string();
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(["copy-all", "case.h5", dest, "--untrusted", "--quiet"])
        .args(["--untrusted-time", &time, "--untrusted-memory", "512M"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(folder.join("stderr"))?)
        .spawn()?;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("the command hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    let said = String::from_utf8_lossy(&fs::read(folder.join("stderr"))?).into_owned();
    let code = status
        .code()
        .with_context(|| format!("{status} ended the command"))?;
    ensure!(STATUSES.contains(&code), "exit status {code}: {said}");
    ensure!(!said.contains("panicked"), "{said}");
    let is_there = folder.join(dest).exists();
    ensure!(code == 0 || !is_there, "{dest} is there after an error: {said}");
    ensure!(code != 0 || is_there, "{dest} is not there: {said}");
    let last = said.lines().last().unwrap_or_default();
    // What cannot be made of it is said of the new file.
    let is_named = ["case.h5", dest].iter().any(|name| last.contains(name));
    ensure!(code == 0 || is_named, "the file is not named: {said:?}");
    let hidden = fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let hidden: Vec<_> = hidden.filter(|name| name.ends_with(".partial")).collect();
    ensure!(hidden.is_empty(), "{hidden:?} were left: {said}");
    if code == 0 {
        counts.copied += 1;
    } else if last.contains("ended the process") {
        counts.crashed += 1;
    } else if last.contains("limit: --untrusted") {
        counts.over_limits += 1;
    } else {
        counts.refused += 1;
    }
    Ok(())
}
