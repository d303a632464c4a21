//! `zarr copy` and `zarr copy-all`.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use zarr_convenience::{CopyOptions, IfExists, Report, Source, SourceNode, copy, copy_all, core::ZarrFormat};

use crate::{
    args::{Common, CopyAllArgs},
    locations::{Target, check_distinct, locate, open_source, workers},
    output,
    progress::Display,
};

/// What is copied.
pub(crate) enum What<'a> {
    /// The node itself, under a name.
    Node(Option<&'a str>),
    /// The members of a group.
    Members,
}

pub(crate) fn run(args: &CopyAllArgs, what: What<'_>, common: &Common) -> Result<()> {
    let if_exists = IfExists::parse(&args.if_exists)?;
    let creation = args.creation.parse()?;
    let (source, node) = open_source(&args.source, args.source_path.as_deref(), common)?;
    let name = name_of_copy(source.as_ref(), &node, &what)?;
    check_distinct(
        &locate(&args.source, args.source_path.as_deref())?,
        &locate(&args.dest, args.dest_path.as_deref())?,
        name,
    )?;
    let format = creation.zarr_format.unwrap_or(ZarrFormat::V2);
    let open = if args.dry_run {
        Target::imagine
    } else {
        Target::open
    };
    let mut log = Log::open(args.log.as_deref())?;
    let target = open(&args.dest, args.dest_path.as_deref(), format, common)?;
    let display = Display::new(common);
    let mut failed = None;
    let mut line = |line: &str| {
        let written = log.write(line);
        failed = failed.take().or(written.err());
    };
    let progress = |progress: zarr_convenience::Progress<'_>| display.show(progress);
    let options = CopyOptions {
        name: None,
        shallow: args.shallow,
        without_attrs: args.without_attrs,
        if_exists,
        dry_run: args.dry_run,
        creation,
        workers: workers(common),
        log: Some(&mut line),
        progress: Some(&progress),
    };
    let report = if let (What::Members, SourceNode::Group(path)) = (what, &node) {
        copy_all(source.as_ref(), path, target.sink.as_ref(), options)?
    } else {
        let options = CopyOptions {
            name: name.map(str::to_owned),
            ..options
        };
        copy(source.as_ref(), &node, target.sink.as_ref(), options)?
    };
    if let Some(error) = failed {
        return Err(error);
    }
    log.finish().context("writing the log")?;
    if args.strict && !report.lost.is_empty() {
        tell_lost(&report, common);
        return Err(strict(report.lost.len(), &target));
    }
    if !args.dry_run {
        target.finish()?;
    }
    display.finish();
    tell_lost(&report, common);
    summary(&report, args, common)
}

/// The name that a copy will have; none when members are copied, each under its own.
fn name_of_copy<'a>(source: &dyn Source, node: &'a SourceNode, what: &What<'a>) -> Result<Option<&'a str>> {
    let wrong = match what {
        What::Members if matches!(node, SourceNode::Group(_)) => return Ok(None),
        What::Members => "is no group; use copy",
        What::Node(None) if node.path().is_root() => "has no name; give the copy one with --name",
        What::Node(name) => return Ok(Some(name.unwrap_or(node.path().name()))),
    };
    Err(crate::status::usage(format!("{}: {wrong}", source.describe(node.path()))).into())
}

/// The error for what is missing in a copy that was to be complete.
fn strict(n_lost: usize, target: &Target) -> anyhow::Error {
    let things = if n_lost == 1 { "thing" } else { "things" };
    let state = if target.is_unseen() {
        "nothing was published"
    } else {
        "the rest was copied"
    };
    anyhow!("{n_lost} {things} cannot be carried over, and --strict was given; {state}")
}

/// Names what is missing in the copy.
fn tell_lost(report: &Report, common: &Common) {
    if common.quiet || common.json {
        return;
    }
    for lost in &report.lost {
        let text = format!("zarr: not carried over: {}: {}", lost.what, lost.reason);
        output::notice(&crate::status::printable(&text));
    }
}

fn summary(report: &Report, args: &CopyAllArgs, common: &Common) -> Result<()> {
    let copied = report.copied;
    if common.json {
        let lost: Vec<_> = report
            .lost
            .iter()
            .map(|lost| json!({"what": lost.what, "reason": lost.reason}))
            .collect();
        output::json(&json!({
            "n_copied": copied.n_copied,
            "n_skipped": copied.n_skipped,
            "n_bytes_copied": copied.n_bytes_copied,
            "dry_run": args.dry_run,
            "lost": lost,
        }))
    } else if args.log.as_deref() != Some("-") {
        output::line(&copied.summary(args.dry_run))
    } else {
        Ok(())
    }
}

/// Where the lines of a log go.
pub(crate) enum Log {
    None,
    Output,
    File(BufWriter<File>),
}

impl Log {
    /// Opens a log.
    pub(crate) fn open(place: Option<&str>) -> Result<Self> {
        Ok(match place {
            None => Self::None,
            Some("-") => Self::Output,
            Some(path) => Self::File(BufWriter::new(
                File::create(path).with_context(|| path.to_owned())?,
            )),
        })
    }

    pub(crate) fn write(&mut self, line: &str) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Output => output::line(&crate::status::printable(line)),
            Self::File(file) => writeln!(file, "{line}").context("writing the log"),
        }
    }

    pub(crate) fn finish(self) -> std::io::Result<()> {
        match self {
            Self::File(mut file) => file.flush(),
            Self::None | Self::Output => Ok(()),
        }
    }
}
