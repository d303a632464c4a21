//! The side-by-side benchmark: whole processes of ours and of the others, in turn, on the same inputs.

mod field;
mod report;
mod workloads;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};

use self::{
    field::Field,
    report::Standing,
    workloads::{Program, WORKLOADS, Workload},
};
use super::{adapter, machine, page};
use crate::conformance::peer;

/// What the arguments ask for.
struct Plan {
    home: PathBuf,
    dir: Option<PathBuf>,
    rounds: usize,
    side: u64,
    only: Option<String>,
    out: PathBuf,
}

impl Plan {
    fn parse(arguments: &[String]) -> Result<Self> {
        let mut plan = Self {
            home: peer::default_home()?,
            dir: None,
            rounds: 3,
            side: 512,
            only: None,
            out: crate::root()?.join("docs/benchmarks.md"),
        };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                bail!("{} needs a value", pair[0])
            };
            let number = || value.parse::<u64>().with_context(|| format!("{name} {value}"));
            match name.as_str() {
                "--peers" => plan.home = value.into(),
                "--dir" => plan.dir = Some(value.into()),
                "--rounds" => plan.rounds = usize::try_from(number()?)?,
                "--side" => plan.side = number()?,
                "--only" => plan.only = Some(value.to_lowercase()),
                "--out" => plan.out = value.into(),
                _ => bail!("unknown option: {name}"),
            }
        }
        ensure!(plan.rounds > 0, "--rounds 0 measures nothing");
        ensure!(
            plan.side.is_multiple_of(256) && plan.side > 0,
            "--side must be a multiple of 256"
        );
        Ok(plan)
    }

    fn workloads(&self) -> Vec<Workload> {
        let is_wanted = |workload: &&Workload| {
            let name = workload.full_name().to_lowercase();
            self.only.as_ref().is_none_or(|word| name.contains(word))
        };
        WORKLOADS.iter().filter(is_wanted).copied().collect()
    }
}

/// `bench peers [--peers HOME] [--dir DIR] [--rounds N] [--side N] [--only WORD] [--out FILE.md]`.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let plan = Plan::parse(arguments)?;
    let workloads = plan.workloads();
    ensure!(!workloads.is_empty(), "no workload has that word in its name");
    let home = plan.home.canonicalize().with_context(|| {
        format!(
            "{}: `cargo xtask peers DIR` makes the other programs",
            plan.home.display()
        )
    })?;
    let adapter = adapter::build()?;
    crate::peers::build_zarrs(&home)?;
    let base = plan.dir.clone().unwrap_or_else(std::env::temp_dir);
    std::fs::create_dir_all(&base)?;
    let dir = tempfile::Builder::new().prefix("zarr-bench").tempdir_in(base)?;
    let started = Instant::now();
    println!("making the inputs");
    let field = Field::prepare(adapter, &home, &dir.path().canonicalize()?, plan.side)?;
    let results: Vec<Standing> = workloads
        .iter()
        .map(|workload| stand(&field, workload, plan.rounds))
        .collect();
    let took = started.elapsed().as_secs();
    let succeeded = results.iter().all(|result| result.failures.is_empty());
    if plan.only.is_some() {
        // A part does not take the place of the whole.
        println!("{}", report::tables(&results));
        return Ok(succeeded);
    }
    let chart = plan.out.with_extension("svg");
    std::fs::write(&chart, report::chart(&results))?;
    let text = format!(
        "{}\n{}",
        introduction(&plan, &field, &chart, took),
        report::tables(&results)
    );
    page::write(&plan.out, "peers", &text)?;
    println!("{} and {}", plan.out.display(), chart.display());
    Ok(succeeded)
}

/// The rounds of a workload; in each the next program is the first.
fn stand(field: &Field, workload: &Workload, rounds: usize) -> Standing {
    let takes_part = |program: &Program| *program == Program::Ours || workload.peers.contains(program);
    let mut programs: Vec<Program> = Program::ALL
        .into_iter()
        .filter(takes_part)
        .filter(|program| field.has(*program))
        .collect();
    let mut result = Standing {
        workload: *workload,
        costs: programs.iter().map(|program| (*program, Vec::new())).collect(),
        failures: Vec::new(),
    };
    for round in 0..rounds {
        for program in programs.clone() {
            match field.run(workload, program, round == 0) {
                Ok(run) => {
                    let costs = result.costs.iter_mut().find(|(name, _)| *name == program);
                    if let Some((_, costs)) = costs {
                        costs.push(run.cost);
                    }
                }
                Err(error) => {
                    eprintln!("{error:#}");
                    result.failures.push((program, first_line(&error)));
                    result.costs.retain(|(name, _)| *name != program);
                }
            }
        }
        let has_failed = |program: &Program| result.failures.iter().any(|(name, _)| name == program);
        programs.retain(|program| !has_failed(program));
        if !programs.is_empty() {
            programs.rotate_left(1);
        }
    }
    let walls = result.costs.iter().map(|(program, costs)| {
        let wall = super::measure::median(costs.iter().map(|cost| cost.wall));
        format!("{} {}", program.name(), page::seconds(wall))
    });
    println!(
        "{}: {}",
        workload.full_name(),
        walls.collect::<Vec<_>>().join(", ")
    );
    result
}

/// What a program complains of, without the places of this machine.
fn first_line(error: &anyhow::Error) -> String {
    let text = error.root_cause().to_string();
    let last = text.lines().last().unwrap_or_default();
    let words = last.split(' ').filter(|word| !word.starts_with('/'));
    words.collect::<Vec<_>>().join(" ")
}

/// How the figures were made.
fn introduction(plan: &Plan, field: &Field, chart: &Path, took: u64) -> String {
    let side = plan.side;
    let mut versions = Vec::new();
    for peer in peer::find(&field.home) {
        // One that is not there took no part.
        versions.extend(peer.version());
    }
    let name = chart.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "## Side by side

`cargo xtask bench peers{options}` made this section and the chart in {took} s, on {machine}.
`cargo xtask peers` makes the other programs: {versions}; `cp` and `zip` are the system's.

Each run is a process of its own, timed from its start to its end, so the start of Python is in it; programs take turns, {rounds} rounds.
Wall, processor time (all threads together) and peak memory are medians; ratios are ours over theirs in the same round: median (least–largest), below 1 where we need less.
What is read is compared with the values, and what is written is read back; a wrong result is no result.
Everything is in the page cache or in memory, and nobody flushes files to the disk.

V3 is the design that zarrs_benchmarks made usual: uint16, {side}x{side}x{side}, a smooth field with four bits of noise, in chunks or shards of 256x256x256 with inner chunks of 64x64x64; zstd at level 0.
*Roundtrip* reads every chunk and writes it to a new array; *chunk by chunk* has one request at a time.
V2 has the same values in chunks of 64x64x64, with Blosc as zarr-python 2 takes it by itself; a row is 128 elements.
The store that is copied has 4 096 chunks of 16x16x16; hierarchies have 5 000 nodes; the HDF5 file has 4 datasets of 32x{side}x{side}, shuffled and deflated.

![Time of each workload]({name})
",
        options = options(plan),
        machine = machine::describe(),
        versions = versions.join("; "),
        rounds = plan.rounds,
    )
}

/// The options that were not left as they are by themselves.
fn options(plan: &Plan) -> String {
    let of = |name: &str, value: u64, usual: u64| {
        let is_usual = value == usual;
        Some(format!(" --{name} {value}")).filter(|_| !is_usual)
    };
    let all = [of("side", plan.side, 512), of("rounds", plan.rounds as u64, 3)];
    all.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn plan(arguments: &[&str]) -> Result<Plan> {
        let words: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        Plan::parse(&words)
    }

    #[test]
    fn options_choose_workloads() {
        let all = plan(&[]).unwrap().workloads();
        assert_eq!(all.len(), WORKLOADS.len());
        let some = plan(&["--only", "ZIP"]).unwrap().workloads();
        assert_eq!(some.len(), 1);
        assert_eq!(some[0].operation, "copy-store");
        assert!(plan(&["--only"]).is_err());
        assert!(plan(&["--side", "100"]).is_err());
        assert!(plan(&["--rounds", "0"]).is_err());
        assert!(plan(&["--speed", "1"]).is_err());
    }

    #[test]
    fn workloads_have_names_of_their_own_and_peers() {
        let names: BTreeSet<String> = WORKLOADS.iter().map(Workload::full_name).collect();
        assert_eq!(names.len(), WORKLOADS.len());
        assert!(
            WORKLOADS
                .iter()
                .all(|workload| !workload.peers.is_empty() && !workload.peers.contains(&Program::Ours))
        );
    }
}
