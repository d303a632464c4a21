//! `zarr copy` and `zarr copy-all`.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use zarr_convenience::{CopyOptions, IfExists, Report, SourceNode, copy, copy_all, core::ZarrFormat};

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
    let name = match what {
        What::Members if !matches!(node, SourceNode::Group(_)) => {
            bail!(crate::status::usage(format!(
                "{}: is no group; use copy",
                source.describe(node.path())
            )));
        }
        What::Node(None) if node.path().is_root() => {
            bail!(crate::status::usage(format!(
                "{}: has no name; give the copy one with --name",
                source.describe(node.path())
            )));
        }
        What::Members => None,
        What::Node(name) => Some(name.unwrap_or(node.path().name())),
    };
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
    let report = match (what, &node) {
        (What::Members, SourceNode::Group(path)) => copy_all(source.as_ref(), path, &target.group, options)?,
        _ => {
            let options = CopyOptions {
                name: name.map(str::to_owned),
                ..options
            };
            copy(source.as_ref(), &node, &target.group, options)?
        }
    };
    if let Some(error) = failed {
        return Err(error);
    }
    log.finish().context("writing the log")?;
    if args.strict && !report.lost.is_empty() {
        tell_lost(&report, common);
        let n_lost = report.lost.len();
        let (things, state) = (
            if n_lost == 1 { "thing" } else { "things" },
            if target.is_unseen() {
                "nothing was published"
            } else {
                "the rest was copied"
            },
        );
        bail!("{n_lost} {things} cannot be carried over, and --strict was given; {state}");
    }
    if !args.dry_run {
        target.finish()?;
    }
    display.finish();
    tell_lost(&report, common);
    summary(&report, args, common)
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
