//! `zarr mv`.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::json;
use zarr_convenience::{
    Error, Location, StoreKind,
    core::{Group, NodePath},
};

use crate::{
    args::Common,
    locations::{Output, locate, open_zarr, options},
    output, status,
};

pub(crate) const HELP: &str = "\
Example: zarr mv out.zarr/temp out.zarr/ocean/temperature";

#[derive(Debug, Args)]
pub(crate) struct MvArgs {
    /// The array or group to move
    pub(crate) source: String,
    /// Its new place in the same store, where nothing is; groups above it are made
    pub(crate) dest: String,
}

pub(crate) fn run(args: &MvArgs, common: &Common) -> Result<()> {
    let from = locate(&args.source, None)?;
    check_source(args, &from, common)?;
    let to = dest(args, &from)?;
    let output = Output::open_in_place(&from, common)?;
    let root = Group::open(output.store(), &NodePath::root(), &options(common))?;
    root.rename(&format!("/{}", from.path.as_str()), &format!("/{}", to.as_str()))?;
    output.finish()?;
    if common.json {
        return output::json(&json!({"from": from.path.to_string(), "to": to.to_string()}));
    }
    Ok(())
}

fn check_source(args: &MvArgs, from: &Location, common: &Common) -> Result<()> {
    let refused = |reason: &str| Error::Refused {
        what: args.source.clone(),
        reason: reason.to_owned(),
    };
    if from.kind() == StoreKind::OtherFile && from.exists() {
        bail!(refused("nodes are moved in Zarr stores alone"));
    }
    open_zarr(from, common)?;
    if from.path.is_root() {
        bail!(refused("is a whole store; rename its directory or file"));
    }
    Ok(())
}

/// The new path, which must lie in the same store.
fn dest(args: &MvArgs, from: &Location) -> Result<NodePath> {
    let to = locate(&args.dest, None)?;
    let is_same = to.store == from.store
        || match (to.store.canonicalize(), from.store.canonicalize()) {
            (Ok(to), Ok(from)) => to == from,
            _ => false,
        };
    if is_same {
        return Ok(to.path);
    }
    let store = from.store.display();
    let reason = format!(
        "{} is not in {store}; zarr copy and zarr rm move from store to store",
        args.dest
    );
    Err(status::usage(reason).into())
}
