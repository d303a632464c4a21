//! `zarr copy-store`.

use anyhow::{Context, Result};
use serde_json::json;
use zarr_convenience::{
    CopyStoreOptions, IfExists, Location, PatternFlags, copy_store,
    core::{NodePath, store::MemoryStore},
    open_store, pattern,
};

use super::copy::Log;
use crate::{
    args::{Common, CopyStoreArgs},
    locations::Output,
    output,
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
    let source = open_store(&from, false)?;
    let opened = if args.dry_run {
        None
    } else {
        Some(Output::open(&to)?)
    };
    let dest = match &opened {
        Some(output) => output.store(),
        None if to.exists() => open_store(&to, false)?,
        None => std::sync::Arc::new(MemoryStore::new()),
    };
    let mut log = Log::open(args.log.as_deref())?;
    let mut failed = None;
    let mut line = |line: &str| {
        let written = log.write(line);
        failed = failed.take().or(written.err());
    };
    let options = CopyStoreOptions {
        source_path: NodePath::new(&args.source_path)?,
        dest_path: NodePath::new(&args.dest_path)?,
        excludes,
        includes,
        if_exists,
        dry_run: args.dry_run,
        log: Some(&mut line),
    };
    let copied = copy_store(&source, &dest, options)?;
    if let Some(error) = failed {
        return Err(error);
    }
    opened.map_or(Ok(()), Output::finish)?;
    log.finish().context("writing the log")?;
    if common.json {
        let (copied, skipped, bytes) = (copied.n_copied, copied.n_skipped, copied.n_bytes_copied);
        output::json(&json!({
            "n_copied": copied,
            "n_skipped": skipped,
            "n_bytes_copied": bytes,
            "dry_run": args.dry_run,
        }))
    } else if args.log.as_deref() != Some("-") {
        output::line(&copied.summary(args.dry_run))
    } else {
        Ok(())
    }
}
