//! `zarr rm`.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;
use zarr_convenience::{
    Error, Location, StoreKind,
    core::{
        erase_node,
        store::{DirectoryStore, Store, StorePrefix},
    },
};

use crate::{
    args::Common,
    locations::{Output, locate, open_zarr},
    output,
};

pub(crate) const HELP: &str = "\
Example: zarr rm out.zarr/ocean/salinity
         zarr rm old.zarr older.zip";

#[derive(Debug, Args)]
pub(crate) struct RmArgs {
    /// The arrays, groups or whole stores to remove, each with all that is in it
    #[arg(required = true, value_name = "LOCATION")]
    pub(crate) locations: Vec<String>,
    /// The path of the node; the location is then the store alone
    #[arg(long)]
    path: Option<String>,
}

pub(crate) fn run(args: &RmArgs, common: &Common) -> Result<()> {
    let locate = |text: &String| locate(text, args.path.as_deref());
    let locations: Vec<_> = args.locations.iter().map(locate).collect::<Result<_>>()?;
    // Nothing is removed unless all can be.
    for (text, location) in args.locations.iter().zip(&locations) {
        check(text, location, common)?;
    }
    for location in &locations {
        remove(location, common)?;
    }
    if common.json {
        output::json(&json!({"removed": args.locations}))?;
    }
    Ok(())
}

/// Refuses what is no Zarr node: a directory of other files, an HDF5 file.
fn check(text: &str, location: &Location, common: &Common) -> Result<()> {
    if location.kind() == StoreKind::OtherFile && location.exists() {
        bail!(Error::Refused {
            what: text.to_owned(),
            reason: "is a file that is no Zarr store, and is not removed".to_owned(),
        });
    }
    if location.kind() == StoreKind::Directory && !location.exists() {
        // What is there no more may have been left half removed under another name.
        DirectoryStore::create(&location.store)?.sweep(&StorePrefix::root(), false)?;
    }
    open_zarr(location, common).map(drop)
}

fn remove(location: &Location, common: &Common) -> Result<()> {
    let is_file_system = matches!(location.kind(), StoreKind::Directory | StoreKind::Zip);
    if location.path.is_root() && is_file_system {
        return remove_store(&location.store);
    }
    let output = Output::open_in_place(location, common)?;
    erase_node(output.store().as_ref(), &location.path).map_err(Error::from)?;
    output.finish()
}

/// Removes a directory, which nobody sees a part of, or a file.
fn remove_store(path: &Path) -> Result<()> {
    let failed = || path.display().to_string();
    if fs::symlink_metadata(path).with_context(failed)?.is_dir() {
        return Ok(DirectoryStore::open(path)?.remove()?);
    }
    fs::remove_file(path).with_context(failed)
}
