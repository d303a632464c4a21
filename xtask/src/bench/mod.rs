//! Measuring: the criterion benches of the crates, and runs of whole processes side by side, and
//! counts of instructions.

mod adapter;
mod chart;
mod counts;
mod machine;
mod measure;
mod page;
mod peers;
mod scaling;

use anyhow::Result;

/// Runs what the arguments name.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let Some((what, rest)) = arguments.split_first() else {
        return benches(arguments);
    };
    match (what.as_str(), rest) {
        ("adapter", []) => {
            println!("{}", adapter::build()?.display());
            Ok(true)
        }
        ("counts", []) => counts::run(false),
        ("counts", [flag]) if flag == "--record" => counts::run(true),
        ("peers", rest) => peers::run(rest),
        ("scaling", rest) => scaling::run(rest),
        // What the others start for each process that they measure.
        ("measured", rest) => measure::measured(rest),
        _ => benches(arguments),
    }
}

/// Runs what is named `[[bench]]` and nothing else: unit tests do not know the arguments of criterion.
fn benches(names: &[String]) -> Result<bool> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(crate::root()?)
        .no_deps()
        .exec()?;
    let mut command = crate::cargo();
    command.arg("bench");
    for package in &metadata.packages {
        for bench in package.targets.iter().filter(|target| target.is_bench()) {
            command.args(["--package", package.name.as_str(), "--bench", &bench.name]);
        }
    }
    Ok(command.arg("--").args(names).status()?.success())
}
