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
    locations::{Target, open_source, workers},
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
    let format = creation.zarr_format.unwrap_or(ZarrFormat::V2);
    let open = if args.dry_run {
        Target::imagine
    } else {
        Target::open
    };
    let mut log = Log::open(args.log.as_deref(), args.dry_run)?;
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
        (What::Members, _) => bail!(crate::status::usage(format!(
            "{} is no group; use copy",
            node.path()
        ))),
        (What::Node(name), _) => {
            let options = CopyOptions {
                name: name.map(str::to_owned),
                ..options
            };
            copy(source.as_ref(), &node, &target.group, options)?
        }
    };
    if let Some(error) = failed {
        return Err(error).context("writing the log");
    }
    log.finish().context("writing the log")?;
    if args.strict && !report.lost.is_empty() {
        tell_lost(&report, common);
        bail!(
            "{} things cannot be carried over, and --strict was given; nothing was published",
            report.lost.len()
        );
    }
    if !args.dry_run {
        target.finish()?;
    }
    display.finish();
    tell_lost(&report, common);
    summary(&report, args, common);
    Ok(())
}

/// Names what is missing in the copy.
fn tell_lost(report: &Report, common: &Common) {
    if common.quiet || common.json {
        return;
    }
    for lost in &report.lost {
        eprintln!(
            "zarr: not carried over: {}",
            crate::status::printable(&format!("{}: {}", lost.what, lost.reason))
        );
    }
}

fn summary(report: &Report, args: &CopyAllArgs, common: &Common) {
    let copied = report.copied;
    if common.json {
        let lost: Vec<_> = report
            .lost
            .iter()
            .map(|lost| json!({"what": lost.what, "reason": lost.reason}))
            .collect();
        println!(
            "{}",
            json!({
                "n_copied": copied.n_copied,
                "n_skipped": copied.n_skipped,
                "n_bytes_copied": copied.n_bytes_copied,
                "dry_run": args.dry_run,
                "lost": lost,
            })
        );
    } else if args.log.as_deref() != Some("-") {
        println!("{}", copied.summary(args.dry_run));
    }
}

/// Where the lines of a log go.
pub(crate) enum Log {
    None,
    Output,
    File(BufWriter<File>),
}

impl Log {
    /// Opens a log; a dry run writes no file.
    pub(crate) fn open(place: Option<&str>, dry_run: bool) -> Result<Self> {
        Ok(match place {
            None => Self::None,
            Some("-") => Self::Output,
            Some(_) if dry_run => Self::Output,
            Some(path) => Self::File(BufWriter::new(
                File::create(path).with_context(|| path.to_owned())?,
            )),
        })
    }

    pub(crate) fn write(&mut self, line: &str) -> std::io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Output => writeln!(std::io::stdout(), "{}", crate::status::printable(line)),
            Self::File(file) => writeln!(file, "{line}"),
        }
    }

    pub(crate) fn finish(self) -> std::io::Result<()> {
        match self {
            Self::File(mut file) => file.flush(),
            Self::None | Self::Output => Ok(()),
        }
    }
}
