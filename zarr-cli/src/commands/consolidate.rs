//! `zarr consolidate`.

use anyhow::{Result, bail};
use zarr_convenience::{
    Error, Location, OpenConsolidated, consolidate_metadata,
    core::{Error as CoreError, store::StoreKey},
};

use super::create::show;
use crate::{
    args::{Common, ConsolidateArgs},
    locations::{Output, options},
};

pub(crate) fn run(args: &ConsolidateArgs, common: &Common) -> Result<()> {
    let location = Location::with_path(&args.store, "")?;
    if !location.exists() {
        // An archive would be made otherwise.
        bail!(Error::Core(CoreError::NotFound {
            path: String::new(),
            store: args.store.clone(),
        }));
    }
    let how = OpenConsolidated {
        metadata_key: StoreKey::new(args.metadata_key.as_str())?,
        options: options(common),
        ..OpenConsolidated::default()
    };
    let output = Output::open_in_place(&location)?;
    let node = consolidate_metadata(&output.store(), &location.path, &how)?;
    output.finish()?;
    show(&node, common)
}
