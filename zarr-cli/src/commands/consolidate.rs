//! `zarr consolidate`.

use std::sync::Arc;

use anyhow::{Result, bail};
use zarr_convenience::{
    Error, Location, OpenConsolidated, consolidate_metadata,
    core::{
        Error as CoreError, Node, NodePath, ZarrFormat,
        store::{PrefixStore, Store, StoreKey},
    },
};

use super::create::show;
use crate::{
    args::{Common, ConsolidateArgs},
    locations::{Output, options},
};

pub(crate) fn run(args: &ConsolidateArgs, common: &Common) -> Result<()> {
    let location = Location::with_path(&args.store, &args.path)?;
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
    let output = Output::open_in_place(&location, common)?;
    let (store, path) = (output.store(), &location.path);
    let found = Node::find(&store, path, &how.options, None)?;
    // A group of format 2 is consolidated as a hierarchy of its own, as zarr-python 3 does.
    let node = if !path.is_root() && found.is_some_and(|node| node.format() == ZarrFormat::V2) {
        let part: Arc<dyn Store> = Arc::new(PrefixStore::new(store, path.prefix().clone()));
        consolidate_metadata(&part, &NodePath::root(), &how)?
    } else {
        consolidate_metadata(&store, path, &how)?
    };
    output.finish()?;
    show(&node, common)
}
