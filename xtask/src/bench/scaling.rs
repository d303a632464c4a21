//! What our own operations take as the work grows.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    adapter,
    chart::{self, Line},
    machine,
    measure::{self, Cost, median},
    page,
};

/// How many chunks or nodes, from the least.
const SIZES: [u64; 3] = [1_000, 10_000, 100_000];
const THREADS: [usize; 2] = [1, 2];
const ROUNDS: usize = 3;
/// Up to this many times ten times the cost for ten times the work counts as linear.
const LINEAR: f64 = 1.3;

/// An operation, its arguments below the directory, and the member of what is expected, if it reads.
struct Operation {
    name: &'static str,
    unit: &'static str,
    arguments: &'static [&'static str],
    expected: Option<&'static str>,
}

const fn operation(
    name: &'static str,
    unit: &'static str,
    arguments: &'static [&'static str],
    expected: Option<&'static str>,
) -> Operation {
    Operation {
        name,
        unit,
        arguments,
        expected,
    }
}

const OPERATIONS: &[Operation] = &[
    operation("load", "chunks", &["read", "chunks.zarr"], Some("read")),
    operation(
        "save",
        "chunks",
        &["save", "values.bin", "out", "chunks.zarr"],
        None,
    ),
    operation(
        "copy_store",
        "chunks",
        &["copy-store", "chunks.zarr", "out"],
        None,
    ),
    operation("walk", "nodes", &["walk", "nodes"], Some("walk")),
    operation("consolidate", "nodes", &["consolidate", "nodes"], None),
    operation(
        "open_consolidated",
        "nodes",
        &["open-consolidated", "consolidated"],
        None,
    ),
    operation(
        "the same, and walk",
        "nodes",
        &["consolidated", "consolidated"],
        Some("walk"),
    ),
];

/// What an operation took at each size, with a number of threads.
struct Growth {
    name: &'static str,
    unit: &'static str,
    threads: usize,
    costs: Vec<Cost>,
}

impl Growth {
    /// What ten times the work costs over ten times the cost, at the last step.
    fn last_step(&self) -> f64 {
        let [.., before, last] = self.costs.as_slice() else {
            return 1.0;
        };
        last.cpu / before.cpu.max(1e-9) / 10.0
    }
}

/// `bench scaling [--dir DIR] [--out FILE.md]`.
pub(super) fn run(arguments: &[String]) -> Result<bool> {
    let mut base = std::env::temp_dir();
    let mut out = crate::root()?.join("docs/benchmarks.md");
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--dir" => base = value.into(),
            [name, value] if name == "--out" => out = value.into(),
            _ => bail!("usage: cargo xtask bench scaling [--dir DIR] [--out FILE.md]"),
        }
    }
    let adapter = adapter::build()?;
    std::fs::create_dir_all(&base)?;
    let mut growths: Vec<Growth> = Vec::new();
    for operation in OPERATIONS {
        growths.extend(THREADS.map(|threads| Growth {
            name: operation.name,
            unit: operation.unit,
            threads,
            costs: Vec::new(),
        }));
    }
    for size in SIZES {
        let dir = tempfile::Builder::new().prefix("zarr-bench").tempdir_in(&base)?;
        let dir = dir.path().canonicalize()?;
        let field = Inputs::prepare(&adapter, &dir, size)?;
        for (at, operation) in OPERATIONS.iter().enumerate() {
            for (which, threads) in THREADS.into_iter().enumerate() {
                let cost = field.median(operation, threads)?;
                println!(
                    "{} of {size} {}, {threads} threads: {}",
                    operation.name,
                    operation.unit,
                    page::seconds(cost.wall)
                );
                growths[at * THREADS.len() + which].costs.push(cost);
            }
        }
    }
    let svg = out.with_file_name("scaling.svg");
    std::fs::write(&svg, plot(&growths))?;
    page::write(&out, "scaling", &text(&growths))?;
    println!("{} and {}", out.display(), svg.display());
    Ok(true)
}

/// Inputs of one size.
struct Inputs {
    adapter: PathBuf,
    dir: PathBuf,
    expected: [Value; 2],
}

impl Inputs {
    fn prepare(adapter: &Path, dir: &Path, size: u64) -> Result<Self> {
        let field = Self {
            adapter: adapter.to_owned(),
            dir: dir.to_owned(),
            expected: [Value::Null, Value::Null],
        };
        let here = dir.to_str().context("the directory is no UTF-8")?;
        let make = |what: &str| field.run(&[what, here, &size.to_string()], 2);
        let expected = [make("prepare-chunks")?.said, make("prepare-nodes")?.said];
        Ok(Self { expected, ..field })
    }

    fn run(&self, arguments: &[&str], threads: usize) -> Result<measure::Run> {
        let program = self.adapter.to_string_lossy().into_owned();
        let mut words = vec![program, "bench".to_owned()];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let environment = [("BENCH_THREADS", threads.to_string())];
        measure::run(&words, &environment, &self.dir)
    }

    /// The medians of some runs.
    fn median(&self, operation: &Operation, threads: usize) -> Result<Cost> {
        let mut costs = Vec::new();
        for _ in 0..ROUNDS {
            let out = self.dir.join("out");
            if out.exists() {
                std::fs::remove_dir_all(&out)?;
            }
            let run = self.run(operation.arguments, threads)?;
            if let Some(member) = operation.expected {
                let wanted = self.expected.iter().find_map(|expected| expected.get(member));
                ensure!(
                    wanted == Some(&run.said),
                    "{}: a wrong result: {}",
                    operation.name,
                    run.said
                );
            }
            costs.push(run.cost);
        }
        let of = |number: fn(&Cost) -> f64| median(costs.iter().map(number));
        Ok(Cost {
            wall: of(|cost| cost.wall),
            cpu: of(|cost| cost.cpu),
            peak: of(|cost| cost.peak),
        })
    }
}

fn plot(growths: &[Growth]) -> String {
    let lines: Vec<Line> = growths
        .iter()
        .filter(|growth| growth.threads == 1)
        .map(|growth| Line {
            label: format!("{} ({})", growth.name, growth.unit),
            points: SIZES
                .iter()
                .zip(&growth.costs)
                .map(|(size, cost)| (*size as f64, cost.cpu))
                .collect(),
        })
        .collect();
    chart::lines(
        "Cost as the work grows, one thread",
        ("chunks or nodes", "processor time of the whole process"),
        &lines,
    )
}

fn text(growths: &[Growth]) -> String {
    let head = [
        "operation",
        "threads",
        "1 000",
        "10 000",
        "100 000",
        "each",
        "last step",
        "peak",
    ];
    let rows: Vec<Vec<String>> = growths
        .iter()
        .map(|growth| {
            let mut row = vec![
                format!("{} of {}", growth.name, growth.unit),
                growth.threads.to_string(),
            ];
            let both = |cost: &Cost| format!("{} / {}", page::seconds(cost.cpu), page::seconds(cost.wall));
            row.extend(growth.costs.iter().map(both));
            let last = growth
                .costs
                .last()
                .map_or((0.0, 0.0), |cost| (cost.cpu, cost.peak));
            row.push(format!("{} µs", page::digits(last.0 / SIZES[2] as f64 * 1e6)));
            row.push(format!("{}x", page::digits(growth.last_step())));
            row.push(page::mebibytes(last.1));
            row
        })
        .collect();
    let steep: Vec<String> = growths
        .iter()
        .filter(|growth| growth.last_step() > LINEAR)
        .map(|growth| format!("{} ({})", growth.name, growth.threads))
        .collect();
    let verdict = if steep.is_empty() {
        format!("None costs more than {LINEAR} times ten times as much for ten times the work.")
    } else {
        format!(
            "More than {LINEAR} times ten times as much for ten times the work: {}.",
            steep.join(", ")
        )
    };
    format!(
        "## As the work grows\n\n\
         `cargo xtask bench scaling` made this section, on {}.\n\
         Whole processes, medians of {ROUNDS}: processor time / wall. Chunks are of 1 024 elements of uint16, with Blosc, in V2; \
         nodes are groups of 99 arrays with two attributes each, in V2.\n\
         *Each* is the processor time of a chunk or node at 100 000; *last step* is the cost of 100 000 over ten times that of 10 000, so 1 is linear.\n\n\
         {}\n{verdict}\n\n![Cost as the work grows](scaling.svg)\n",
        machine::describe(),
        page::table(&head, 1, &rows)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(cpu: [f64; 3]) -> Growth {
        let cost = |cpu| Cost {
            wall: cpu,
            cpu,
            peak: 1_048_576.0,
        };
        Growth {
            name: "walk",
            unit: "nodes",
            threads: 1,
            costs: cpu.map(cost).to_vec(),
        }
    }

    #[test]
    fn what_grows_faster_than_the_work_is_named() {
        let linear = text(&[growth([0.01, 0.1, 1.0])]);
        assert!(linear.contains("None costs more than 1.3 times"), "{linear}");
        assert!(
            linear.contains("| 1.00 s / 1.00 s | 10.0 µs | 1.00x | 1 MiB |"),
            "{linear}"
        );
        let steep = text(&[growth([0.01, 0.1, 2.0])]);
        assert!(steep.contains("ten times the work: walk (1)."), "{steep}");
        let svg = plot(&[growth([0.01, 0.1, 1.0])]);
        assert!(svg.contains(">walk (nodes)<") && svg.contains("<polyline"));
    }
}
