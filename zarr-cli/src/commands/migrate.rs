//! `zarr migrate`.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use zarr_convenience::{
    Location, core::ZarrFormat, finish_migration, migrate, open_store, plan_migration, roll_back_migration,
};

use crate::{
    args::{Common, NodeArgs},
    locations::{Output, locate, open_zarr, options},
    output,
    status::printable,
};

pub(crate) const HELP: &str = "\
Chunks stay where they are, and keep their names and bytes; where that cannot be, each array says what blocks it,
and nothing is changed. The old documents are kept in one key, .zarr-migration: --rollback brings them back byte for
byte, after a migration that was stopped too, unless a document was changed, made or removed meanwhile; --finish
removes the key. --to 2 translates the documents as they are now.

Example: zarr migrate out.zarr --dry-run
         zarr migrate out.zarr
         zarr migrate out.zarr --rollback
         zarr migrate out.zarr --to 2
         zarr migrate out.zarr --finish";

#[derive(Debug, Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// The version of the format that all nodes are to have
    #[arg(long, value_name = "3 or 2", value_parser = ["2", "3"], default_value = "3")]
    to: String,
    /// Tell what would be done, and what blocks it
    #[arg(long)]
    dry_run: bool,
    /// Bring back the documents from before the migration
    #[arg(long, conflicts_with_all = ["to", "dry_run", "finish"])]
    rollback: bool,
    /// Remove what is kept of a migration, which cannot be rolled back then
    #[arg(long, conflicts_with_all = ["to", "dry_run"])]
    finish: bool,
}

pub(crate) fn run(args: &MigrateArgs, common: &Common) -> Result<()> {
    let location = locate(&args.node.location, args.node.path.as_deref())?;
    open_zarr(&location, common)?;
    if args.rollback || args.finish {
        return end(args, &location, common);
    }
    let to = if args.to == "2" {
        ZarrFormat::V2
    } else {
        ZarrFormat::V3
    };
    let (output, store) = if args.dry_run {
        (None, open_store(&location, false)?)
    } else {
        let output = Output::open_in_place(&location, common)?;
        let store = output.store();
        (Some(output), store)
    };
    let migration = plan_migration(&store, &location.path, to, &options(common))?;
    for (step, blocker) in migration.blocked() {
        output::notice(&printable(&format!("{}: {}", step.path, chain(blocker))));
    }
    let n_blocked = migration.blocked().count();
    if let Some(output_place) = output {
        migrate(&store, &migration)?;
        output_place.finish()?;
    }
    let n_arrays = migration.steps.iter().filter(|step| step.is_array).count();
    let n_groups = migration.steps.len() - n_arrays;
    if common.json {
        let blocked: Vec<_> = migration
            .blocked()
            .map(|(step, blocker)| json!({"path": step.path.to_string(), "reason": chain(blocker)}))
            .collect();
        return output::json(&json!({
            "to": args.to, "arrays": n_arrays, "groups": n_groups, "blocked": blocked, "dry_run": args.dry_run,
        }));
    }
    let verb = if args.dry_run { "would be" } else { "were" };
    let blocked = if n_blocked == 0 {
        String::new()
    } else {
        format!("; {n_blocked} blocked")
    };
    output::line(&format!(
        "{n_arrays} arrays and {n_groups} groups {verb} given documents of Zarr V{}{blocked}",
        args.to
    ))
}

/// Ends a migration, either way.
fn end(args: &MigrateArgs, location: &Location, common: &Common) -> Result<()> {
    let output = Output::open_in_place(location, common)?;
    let store = output.store();
    let n_nodes = if args.rollback {
        Some(roll_back_migration(&store, &location.path, &options(common))?)
    } else {
        finish_migration(store.as_ref(), &location.path)?;
        None
    };
    output.finish()?;
    match (n_nodes, common.json) {
        (Some(n_nodes), true) => output::json(&json!({"rolled_back": n_nodes})),
        (None, true) => output::json(&json!({"finished": true})),
        (Some(n_nodes), false) => {
            output::line(&format!("{n_nodes} nodes have the documents again that they had"))
        }
        (None, false) => output::line("the migration can no longer be rolled back"),
    }
}

/// An error and its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
