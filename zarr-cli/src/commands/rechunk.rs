//! `zarr rechunk`.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use zarr_convenience::{
    CopyOptions, IfExists, RechunkPlan,
    core::{Array, Node},
    count_text, plan_rechunk, rechunk, shape_text,
};

use crate::{
    args::Common,
    cancel,
    creation::CreationArgs,
    locations::{Target, Work, check_distinct, locate, open_zarr, options, workers},
    output,
    progress::Display,
    status,
};

pub(crate) const HELP: &str = "\
Example: zarr rechunk series.zarr/t maps.zarr --chunks 1,400,400 --memory 500M --dry-run
         zarr rechunk data.zarr/t out.zarr --zarr-format 3 --chunks 64,64 --shards 1024,1024";

#[derive(Debug, Args)]
pub(crate) struct RechunkArgs {
    /// The array
    pub(crate) source: String,
    /// The group for the array in its new chunks; it is created if it is not there
    pub(crate) dest: String,
    /// The name in the destination
    #[arg(long)]
    name: Option<String>,
    /// What to do if the array is there: raise, replace or skip
    #[arg(long, default_value = "raise", value_name = "WHAT")]
    if_exists: String,
    /// Write nothing, and tell the passes, bytes and memory
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    creation: CreationArgs,
}

pub(crate) fn run(args: &RechunkArgs, common: &Common) -> Result<()> {
    let if_exists = IfExists::parse(&args.if_exists)?;
    let creation = args.creation.parse()?;
    if creation.chunks.is_none() && creation.shards.is_none() {
        bail!(status::usage("--chunks or --shards are needed".to_owned()));
    }
    let from = locate(&args.source, None)?;
    let source = array(open_zarr(&from, common)?)?;
    let memory = common.memory.unwrap_or_else(|| options(common).read_size_max);
    let plan = plan_rechunk(&source, &creation, memory)?;
    if args.dry_run {
        return tell(&plan, common);
    }
    let name = match (&args.name, source.path().name()) {
        (Some(name), _) => name.clone(),
        (None, "") => bail!(status::usage("the root of a store needs a --name".to_owned())),
        (None, name) => name.to_owned(),
    };
    let to = locate(&args.dest, None)?;
    check_distinct(&from, &to, Some(&name))?;
    let format = creation.zarr_format.unwrap_or(source.metadata().format);
    let work = Work {
        what: format!("rechunk {} {name}", args.source),
        resumes: false,
    };
    let target = Target::open(&to, format, &work, common)?;
    let display = Display::new(common);
    let progress = |progress: zarr_convenience::Progress<'_>| display.show(progress);
    let options = CopyOptions {
        name: Some(name),
        if_exists,
        creation,
        workers: workers(common),
        cancel: cancel::on_signals()?,
        progress: Some(&progress),
        ..CopyOptions::default()
    };
    // Beside the destination, where there is room for the array.
    let beside = to
        .store
        .parent()
        .filter(|folder| folder.is_dir())
        .map(PathBuf::from);
    let scratch = beside.unwrap_or_else(std::env::temp_dir);
    let report = match rechunk(&source, &plan, target.sink.as_ref(), &scratch, options) {
        Ok(report) => report,
        Err(error) => {
            let error = error.into();
            target.give_up(&error);
            return Err(error);
        }
    };
    target.finish()?;
    display.finish();
    let copied = report.copied;
    if common.json {
        return output::json(&json!({
            "passes": plan.passes.len(), "n_copied": copied.n_copied, "n_skipped": copied.n_skipped,
            "n_bytes_copied": copied.n_bytes_copied,
        }));
    }
    output::line(&format!(
        "all done: {} copied, {} skipped, {} bytes copied",
        count_text(copied.n_copied),
        count_text(copied.n_skipped),
        count_text(copied.n_bytes_copied)
    ))
}

fn array(node: Node) -> Result<Array> {
    match node {
        Node::Array(array) => Ok(array),
        Node::Group(group) => bail!(status::usage(format!(
            "{} is a group; arrays are rechunked",
            group.path()
        ))),
    }
}

/// Prints a plan.
fn tell(plan: &RechunkPlan, common: &Common) -> Result<()> {
    if common.json {
        let passes: Vec<_> = plan
            .passes
            .iter()
            .map(|pass| json!({"chunks": pass.chunk_shape, "n_bytes": pass.n_bytes, "memory": pass.memory}))
            .collect();
        return output::json(&json!({"memory": plan.memory, "passes": passes}));
    }
    let pass = |(index, pass): (usize, &zarr_convenience::RechunkPass)| {
        format!(
            "pass {} of {}: reads and writes {} bytes, chunks {}, peak memory {} bytes a thread",
            index + 1,
            plan.passes.len(),
            count_text(pass.n_bytes),
            shape_text(&pass.chunk_shape),
            count_text(pass.memory)
        )
    };
    let lines: Vec<_> = plan.passes.iter().enumerate().map(pass).collect();
    output::line(&lines.join("\n"))
}
