//! `zarr copy` and `zarr copy-all`.

use std::{
    fs::File,
    io::{BufWriter, Write},
};

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};
use zarr_convenience::{
    Check, CopyOptions, Error, IfExists, Location, Lost, Plan, Report, Source, SourceNode, Step, StoreKind,
    core::ZarrFormat, count_text, plan_copy, plan_copy_all, run as run_plan, verify,
};

use crate::{
    args::{Common, CopyAllArgs},
    cancel,
    creation::check_compressor,
    locations::{Target, Work, check_distinct, locate, memory, open_whole, workers, zarr_format},
    output,
    progress::Display,
    room::Room,
};

/// What is copied.
#[derive(Clone, Copy)]
pub(crate) enum What<'a> {
    /// The node itself, under a name.
    Node(Option<&'a str>),
    /// The members of a group.
    Members,
}

pub(crate) fn run(args: &CopyAllArgs, what: What<'_>, common: &Common) -> Result<()> {
    let if_exists = IfExists::parse(&args.if_exists)?;
    let creation = args.creation.parse()?;
    let asked = creation.zarr_format.unwrap_or(ZarrFormat::V2);
    let (source, node) = open_whole(&args.source, args.source_path.as_deref(), asked, common)?;
    let from = locate(&args.source, args.source_path.as_deref())?;
    let to = locate(&args.dest, args.dest_path.as_deref())?;
    let room = room_of_copy((source.as_ref(), &node), &what, &to, common)?;
    let name = room.name();
    check_distinct(&from, &to, name)?;
    check_other_file(&from, &to)?;
    check_compressor(&creation, &to)?;
    let format = asked;
    let dry_run = args.dry_run || args.explain;
    let target = if dry_run {
        Target::imagine(&to, (room, format), common)?
    } else {
        let work = Work {
            what: work(args, name, &from, &to),
            resumes: !args.resume.no_resume,
        };
        Target::open(&to, (room, format), &work, common)?
    };
    let display = Display::new(common);
    let progress = |progress: zarr_convenience::Progress<'_>| display.show(progress);
    let options = CopyOptions {
        name: name.map(str::to_owned),
        shallow: args.shallow,
        without_attrs: args.without_attrs,
        if_exists,
        dry_run,
        creation,
        workers: workers(common),
        memory: memory(common),
        ledger: target.ledger(),
        cancel: cancel::on_signals()?,
        log: None,
        progress: Some(&progress),
    };
    let copied = match what {
        What::Members => plan_copy_all(source.as_ref(), node.path(), target.sink.as_ref(), &options),
        What::Node(_) => plan_copy(source.as_ref(), &node, target.sink.as_ref(), &options),
    };
    let copied = copied.map_err(anyhow::Error::from);
    let copied = copied.and_then(|plan| carry_out(plan, &target, args, options, common));
    let done = match copied {
        Ok(Some(done)) => done,
        Ok(None) => return Ok(()),
        Err(error) => {
            target.give_up(&error);
            return Err(error);
        }
    };
    if !dry_run {
        target.finish()?;
    }
    display.finish();
    tell_lost(&done.report, common);
    if args.verify && !dry_run {
        // In the words that the source has.
        let words = zarr_format(source.as_ref(), &node)?.unwrap_or(format);
        let (dest, _) = open_whole(&args.dest, args.dest_path.as_deref(), words, common)?;
        let cancel = cancel::on_signals()?;
        let different = verify(
            &done.checks,
            dest.as_ref(),
            &done.report,
            workers(common),
            &cancel,
        )?;
        tell_different(&args.dest, &different, common)?;
    }
    summary(&done, args, common)
}

/// Refuses a copy within one HDF5 file: it is locked while it is read, and must be free to be changed.
fn check_other_file(from: &Location, to: &Location) -> Result<()> {
    let are_files = [from, to]
        .iter()
        .all(|place| place.kind() == StoreKind::OtherFile);
    let is_same = || Some(from.store.canonicalize().ok()? == to.store.canonicalize().ok()?);
    if !are_files || is_same() != Some(true) {
        return Ok(());
    }
    Err(Error::Refused {
        what: from.store.display().to_string(),
        reason: "there are no copies within one HDF5 file; copy to another file, and from there".to_owned(),
    }
    .into())
}

/// What tells a copy from others.
fn work(args: &CopyAllArgs, name: Option<&str>, from: &Location, to: &Location) -> String {
    let source = from.store.canonicalize().unwrap_or_else(|_| from.store.clone());
    let source = source.display();
    let how = (args.shallow, args.without_attrs, &args.if_exists, &args.creation);
    format!("copy {source} {:?} {name:?} {:?} {how:?}", from.path, to.path)
}

/// What a copy came to.
struct Done {
    report: Report,
    /// The steps of a dry run.
    steps: Option<Value>,
    /// What to compare afterwards.
    checks: Vec<Check>,
}

/// Fails if a copy differs from its source.
pub(crate) fn tell_different(dest: &str, different: &[Lost], common: &Common) -> Result<()> {
    let [first, rest @ ..] = different else {
        return Ok(());
    };
    for Lost { what, reason } in rest.iter().filter(|_| !common.quiet) {
        output::notice(&crate::status::printable(&format!(
            "zarr: differs: {what}: {reason}"
        )));
    }
    let n = count_text(different.len() as u64);
    Err(Error::Source {
        what: format!("{dest}: {}", first.what),
        reason: format!("{}; {n} in all differ from what was copied", first.reason),
    }
    .into())
}

/// Does what a plan says, or shows it; `None` if there is nothing more to be told.
fn carry_out(
    plan: Plan,
    target: &Target,
    args: &CopyAllArgs,
    options: CopyOptions<'_>,
    common: &Common,
) -> Result<Option<Done>> {
    if args.explain {
        return explain(plan, common).map(|()| None);
    }
    let steps = (options.dry_run && common.json).then(|| steps(&plan));
    let checks = if args.verify {
        plan.checks(target.sink.root())
    } else {
        Vec::new()
    };
    let mut log = Log::open(args.log.as_deref(), options.dry_run)?;
    let mut line = |line: &str| log.write(line);
    let options = CopyOptions {
        log: Some(&mut line),
        ..options
    };
    let report = run_plan(plan, target.sink.as_ref(), options)?;
    log.finish()?;
    if args.strict && !report.lost.is_empty() {
        tell_lost(&report, common);
        return Err(strict(report.lost.len(), target));
    }
    Ok(Some(Done {
        report,
        steps,
        checks,
    }))
}

/// Shows the ways of the data.
fn explain(plan: Plan, common: &Common) -> Result<()> {
    if common.json {
        output::json(&json!({"n_bytes": plan.size(), "steps": steps(&plan)}))?;
    } else {
        for step in &plan.steps {
            output::line(&crate::status::printable(&step.explanation()))?;
        }
        output::line(&format!("in all {} bytes of values", count_text(plan.size())))?;
    }
    plan.failure.map_or(Ok(()), |failure| Err(failure.into()))
}

/// The steps of a plan as JSON.
fn steps(plan: &Plan) -> Value {
    let step = |step: &Step| {
        let mut members = json!({
            "action": step.action.word(),
            "source": step.source.to_string(),
            "target": step.target.to_string(),
            "line": step.line(),
            "n_bytes": step.size(),
        });
        if let (Some(route), Value::Object(members)) = (&step.route, &mut members) {
            members.insert("way".to_owned(), route.way.word().into());
            members.insert("reason".to_owned(), route.reason.clone().into());
            members.insert("unit_shape".to_owned(), route.unit_shape.clone().into());
            members.insert("n_units".to_owned(), route.n_units.into());
            members.insert("unit_memory".to_owned(), route.unit_memory.into());
        }
        members
    };
    plan.steps.iter().map(step).collect()
}

/// Where a copy goes.
fn room_of_copy<'a>(
    (source, node): (&dyn Source, &'a SourceNode),
    what: &What<'a>,
    to: &Location,
    common: &Common,
) -> Result<Room<'a>> {
    let path = node.path();
    match what {
        What::Members if matches!(node, SourceNode::Group(_)) => Ok(Room::Members),
        What::Members => {
            let what = source.describe(path);
            Err(crate::status::usage(format!("{what}: is no group; use copy")).into())
        }
        What::Node(name) => {
            let name = name.or_else(|| (!path.is_root()).then(|| path.name()));
            let is_array = matches!(node, SourceNode::Array(_));
            Room::of((&source.describe(path), is_array), name, to, common)
        }
    }
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

/// Names what is missing in the copy; `--quiet` does not hide that.
fn tell_lost(report: &Report, common: &Common) {
    if common.json {
        return;
    }
    for lost in &report.lost {
        let text = format!("zarr: not carried over: {}: {}", lost.what, lost.reason);
        output::notice(&crate::status::printable(&text));
    }
    for kept in report.kept.iter().filter(|_| common.verbose) {
        let text = format!("zarr: {}: {}: {}", kept.fate.word(), kept.what, kept.reason);
        output::notice(&crate::status::printable(&text));
    }
}

fn summary(done: &Done, args: &CopyAllArgs, common: &Common) -> Result<()> {
    let Done { report, steps, .. } = done;
    let copied = report.copied;
    if common.verbose && !args.dry_run && !common.json {
        let peak = count_text(report.memory_peak);
        output::notice(&format!("zarr: buffers took {peak} bytes at most"));
    }
    if common.json {
        let lost: Vec<_> = report
            .lost
            .iter()
            .map(|lost| json!({"what": lost.what, "reason": lost.reason}))
            .collect();
        let kept: Vec<_> = report
            .kept
            .iter()
            .map(|kept| json!({"what": kept.what, "fate": kept.fate.word(), "reason": kept.reason}))
            .collect();
        let mut document = json!({
            "n_copied": copied.n_copied,
            "n_skipped": copied.n_skipped,
            "n_bytes_copied": copied.n_bytes_copied,
            "dry_run": args.dry_run,
            "memory_peak": report.memory_peak,
            "lost": lost,
            "kept": kept,
        });
        if let (Some(steps), Value::Object(members)) = (steps, &mut document) {
            members.insert("steps".to_owned(), steps.clone());
        }
        output::json(&document)
    } else if args.log.as_deref() != Some("-") && !(args.dry_run && args.log.is_some()) {
        output::line(&copied.summary(args.dry_run))
    } else {
        Ok(())
    }
}

/// The lines of a log on their way.
pub(crate) struct Log {
    target: LogTarget,
    failed: Option<anyhow::Error>,
}

/// Where the lines of a log go.
enum LogTarget {
    None,
    Output,
    File(BufWriter<File>),
}

impl Log {
    /// Opens a log; in a dry run no file is touched, and the lines go to standard output.
    pub(crate) fn open(place: Option<&str>, dry_run: bool) -> Result<Self> {
        let target = match place {
            None => LogTarget::None,
            Some("-") => LogTarget::Output,
            Some(_) if dry_run => LogTarget::Output,
            Some(path) => LogTarget::File(BufWriter::new(
                File::create(path).with_context(|| path.to_owned())?,
            )),
        };
        Ok(Self { target, failed: None })
    }

    /// Writes a line; the first error is told by [`Log::finish`].
    pub(crate) fn write(&mut self, line: &str) {
        let written = match &mut self.target {
            LogTarget::None => Ok(()),
            LogTarget::Output => output::line(&crate::status::printable(line)),
            LogTarget::File(file) => writeln!(file, "{line}").context("writing the log"),
        };
        self.failed = self.failed.take().or(written.err());
    }

    /// Completes the log.
    pub(crate) fn finish(self) -> Result<()> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.target {
            LogTarget::File(mut file) => file.flush().context("writing the log"),
            LogTarget::None | LogTarget::Output => Ok(()),
        }
    }
}
