//! `zarr rechunk`.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use zarr_convenience::{
    Between, CopyOptions, IfExists, Location, RechunkPlan, StoreKind,
    core::{Array, Node, ZarrFormat},
    count_text, plan_rechunk, rechunk, shape_text,
};

use crate::{
    args::{Common, ResumeArgs},
    cancel,
    creation::CreationArgs,
    locations::{Target, Work, can_be_continued, check_distinct, locate, open_zarr, options, workers},
    output,
    progress::Display,
    room::Room,
    status,
};

pub(crate) const HELP: &str = "\
Example: zarr rechunk series.zarr/t maps.zarr --chunks 1,400,400 --memory 500M --dry-run
         zarr rechunk data.zarr/t out.zarr --zarr-format 3 --chunks 64,64 --shards 1024,1024";

#[derive(Debug, Args)]
pub(crate) struct RechunkArgs {
    /// The array
    pub(crate) source: String,
    /// The group for the array in its new chunks, which is created if it is not there; an array that is the root of
    /// its store takes this place itself, unless it is given a name
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
    resume: ResumeArgs,
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
    let to = locate(&args.dest, None)?;
    let streams = to.kind() == StoreKind::Directory;
    let plan = plan_rechunk(&source, &creation, streams, memory)?;
    if args.dry_run {
        return tell(&plan, common);
    }
    let own_name = Some(source.path().name()).filter(|name| !name.is_empty());
    let room = Room::of(
        (&args.source, true),
        args.name.as_deref().or(own_name),
        &to,
        common,
    )?;
    check_distinct(&from, &to, room.name())?;
    let format = creation.zarr_format.unwrap_or(source.metadata().format);
    let work = Work {
        what: work(args, &from, &to, (room.name(), format)),
        resumes: !args.resume.no_resume,
    };
    let target = Target::open(&to, (room, format), &work, common)?;
    let display = Display::new(common);
    let progress = |progress: zarr_convenience::Progress<'_>| display.show(progress);
    let options = CopyOptions {
        name: room.name().map(str::to_owned),
        if_exists,
        creation,
        workers: workers(common),
        ledger: target.ledger(),
        cancel: cancel::on_signals()?,
        progress: Some(&progress),
        ..CopyOptions::default()
    };
    let mut between = None;
    let done = between_passes(&plan, &to, &work).and_then(|opened| {
        between = opened;
        Ok(rechunk(
            &source,
            &plan,
            target.sink.as_ref(),
            between.as_ref(),
            options,
        )?)
    });
    let report = match done {
        Ok(report) => report,
        Err(error) => {
            target.give_up(&error);
            if !can_be_continued(&error) {
                // The error that led here is the one to report.
                let _ = between.map(Between::finish);
            }
            return Err(error);
        }
    };
    target.finish()?;
    between.map_or(Ok(()), Between::finish)?;
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

/// What tells the work from others; what was made of it in other chunks does not count, but makes room.
fn work(
    args: &RechunkArgs,
    from: &Location,
    to: &Location,
    (name, format): (Option<&str>, ZarrFormat),
) -> String {
    let source = from.store.canonicalize().unwrap_or_else(|_| from.store.clone());
    let how = (name, format, &args.if_exists);
    format!(
        "rechunk {} {:?} {:?} {how:?}",
        source.display(),
        from.path,
        to.path
    )
}

/// The directory between two passes: beside the destination, where there is room for the array, and where the same
/// command finds it again.
fn between_passes(plan: &RechunkPlan, to: &Location, work: &Work) -> Result<Option<Between>> {
    let store = to.store.canonicalize().unwrap_or_else(|_| to.store.clone());
    let above = store.parent().map(|above| {
        if above.as_os_str().is_empty() {
            Path::new(".")
        } else {
            above
        }
    });
    let (Some(name), true) = (store.file_name(), above.is_some_and(Path::is_dir)) else {
        return Ok(None);
    };
    let path = store.with_file_name(format!("{}.rechunk", name.to_string_lossy()));
    let between = Between::beside(&path, &work.what, work.resumes);
    if plan.passes.len() > 1 {
        return Ok(Some(between?));
    }
    // What two passes left that were killed, if they are one now.
    let _ = between.map(Between::finish);
    Ok(None)
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
            .map(|pass| {
                json!({
                    "chunks": pass.chunk_shape, "n_bytes": pass.n_bytes, "n_bytes_read": pass.n_bytes_read,
                    "memory": pass.memory,
                })
            })
            .collect();
        return output::json(&json!({"memory": plan.memory, "passes": passes}));
    }
    let pass = |(index, pass): (usize, &zarr_convenience::RechunkPass)| {
        format!(
            "pass {} of {}: reads {} and writes {} bytes, chunks {}, peak memory {} bytes a thread",
            index + 1,
            plan.passes.len(),
            count_text(pass.n_bytes_read),
            count_text(pass.n_bytes),
            shape_text(&pass.chunk_shape),
            count_text(pass.memory)
        )
    };
    let lines: Vec<_> = plan.passes.iter().enumerate().map(pass).collect();
    output::line(&lines.join("\n"))
}
