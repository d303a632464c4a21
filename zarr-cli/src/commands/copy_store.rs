//! `zarr copy-store`.

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use zarr_convenience::{
    Copied, CopyStoreOptions, IfExists, KeyPlan, Location, PatternFlags, StoreKind,
    core::{
        NodePath,
        store::{MemoryStore, Store},
    },
    count_text, open_store, open_whole_store, pattern, plan_copy_store, run_keys, verify_keys,
};

use super::copy::{Log, tell_different};
use crate::{
    args::{Common, CopyStoreArgs},
    cancel,
    locations::{Output, Work, memory, read_store, workers},
    output,
    progress::Display,
};

pub(crate) fn run(args: &CopyStoreArgs, common: &Common) -> Result<()> {
    let patterns = |texts: &[String]| {
        texts
            .iter()
            .map(|text| pattern(text, PatternFlags::default()))
            .collect::<Result<Vec<_>, _>>()
    };
    let (excludes, includes) = (patterns(&args.exclude)?, patterns(&args.include)?);
    let if_exists = IfExists::parse_for_keys(&args.if_exists)?;
    let from = Location::with_path(&args.source, &args.source_path)?;
    let to = Location::with_path(&args.dest, &args.dest_path)?;
    let source = if from.kind() == StoreKind::References {
        read_store(&from, common)?
    } else {
        open_whole_store(&from, args.follow_symlinks)?
    };
    let writes_nothing = args.dry_run || args.explain;
    let opened = if writes_nothing {
        None
    } else {
        let work = Work {
            what: work(args, &from),
            resumes: !args.resume.no_resume,
        };
        Some(Output::open(&to, &work, common)?)
    };
    let dest = match &opened {
        Some(output) => output.store(),
        None if to.exists() => open_store(&to, false)?,
        None => Arc::new(MemoryStore::new()),
    };
    let display = Display::new(common);
    let progress = |progress: zarr_convenience::Progress<'_>| display.show(progress);
    let options = CopyStoreOptions {
        source_path: NodePath::new(&args.source_path)?,
        dest_path: NodePath::new(&args.dest_path)?,
        excludes,
        includes,
        if_exists,
        dry_run: writes_nothing,
        workers: workers(common),
        memory: memory(common),
        ledger: opened.as_ref().and_then(Output::ledger),
        cancel: cancel::on_signals()?,
        log: None,
        progress: display.is_shown().then_some(&progress),
    };
    if args.explain {
        return explain(&plan_copy_store(&source, &dest, &options)?, common);
    }
    let (copied, plan) = match (carry_out(&source, &dest, args, options), opened) {
        (Ok(done), Some(output)) => output.finish().map(|()| done)?,
        (Err(error), Some(output)) => {
            output.give_up(&error);
            return Err(error);
        }
        (done, None) => done?,
    };
    display.finish();
    if args.verify && !args.dry_run {
        let (dest, cancel) = (open_store(&to, false)?, cancel::on_signals()?);
        let different = verify_keys(&plan, &source, &dest, workers(common), &cancel)?;
        tell_different(&args.dest, &different, common)?;
    }
    if common.json {
        let (copied, skipped, bytes) = (copied.n_copied, copied.n_skipped, copied.n_bytes_copied);
        output::json(&json!({
            "n_copied": copied,
            "n_skipped": skipped,
            "n_bytes_copied": bytes,
            "dry_run": args.dry_run,
        }))
    } else if args.log.as_deref() != Some("-") && !(args.dry_run && args.log.is_some()) {
        output::line(&copied.summary(args.dry_run))
    } else {
        Ok(())
    }
}

/// Shows what would be done.
fn explain(plan: &KeyPlan, common: &Common) -> Result<()> {
    let explanation = plan.explanation();
    if common.json {
        return output::json(&json!({"n_bytes": plan.size(), "explanation": explanation}));
    }
    for line in explanation {
        output::line(&crate::status::printable(&line))?;
    }
    let size = plan.size().unwrap_or_default();
    output::line(&format!("in all {} bytes to copy", count_text(size)))
}

/// What tells a copy from others.
fn work(args: &CopyStoreArgs, from: &Location) -> String {
    let source = from.store.canonicalize().unwrap_or_else(|_| from.store.clone());
    let source = source.display();
    let paths = (&args.source_path, &args.dest_path);
    let patterns = (&args.exclude, &args.include);
    format!("copy-store {source} {paths:?} {patterns:?} {}", args.if_exists)
}

/// Copies, with a log.
fn carry_out(
    source: &Arc<dyn Store>,
    dest: &Arc<dyn Store>,
    args: &CopyStoreArgs,
    options: CopyStoreOptions<'_>,
) -> Result<(Copied, KeyPlan)> {
    let plan = plan_copy_store(source, dest, &options)?;
    let mut log = Log::open(args.log.as_deref(), args.dry_run)?;
    let mut line = |line: &str| log.write(line);
    let options = CopyStoreOptions {
        log: Some(&mut line),
        ..options
    };
    let copied = run_keys(&plan, source, dest, options)?;
    log.finish()?;
    Ok((copied, plan))
}
