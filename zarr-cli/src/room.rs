//! Where at its destination a copy goes.

use std::sync::Arc;

use anyhow::Result;
use zarr_convenience::{
    Location, Place, Sink, StoreKind,
    core::{Node, NodePath, Options, ZarrFormat, store::Store},
    open_store,
};

use crate::{
    args::Common,
    locations::{group, options},
    status,
};

/// Where in a location a copy goes.
#[derive(Clone, Copy)]
pub(crate) enum Room<'a> {
    /// Into the group there, under the names of what is copied.
    Members,
    /// Into the group there, under a name.
    Name(&'a str),
    /// An array without a name takes the place itself.
    Place,
}

impl<'a> Room<'a> {
    /// Where a node goes: an array that has no name, as the root of its store, takes the place of what it is copied to,
    /// as a file does, but not that of a group.
    pub(crate) fn of(
        (what, is_array): (&str, bool),
        name: Option<&'a str>,
        to: &Location,
        common: &Common,
    ) -> Result<Self> {
        if let Some(name) = name {
            return Ok(Self::Name(name));
        }
        if !is_array {
            let reason = "has no name; give the copy one with --name, or copy its members with copy-all";
            return Err(status::usage(format!("{what}: {reason}")).into());
        }
        let is_group = match to.kind() {
            StoreKind::OtherFile => true,
            StoreKind::References => false,
            _ if !to.exists() => false,
            _ => {
                let found = Node::find(&open_store(to, false)?, &to.path, &options(common), None)?;
                matches!(found, Some(Node::Group(_)))
            }
        };
        if is_group {
            let to = to.store.join(to.path.as_str());
            let reason = "the array is the root of its store and has no name; give it one with --name";
            return Err(
                status::usage(format!("{}: {reason} to copy it into the group", to.display())).into(),
            );
        }
        Ok(Self::Place)
    }

    /// The name of the copy.
    pub(crate) const fn name(self) -> Option<&'a str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Members | Self::Place => None,
        }
    }

    /// What copies at a location go into.
    pub(crate) fn sink(
        self,
        store: &Arc<dyn Store>,
        path: &NodePath,
        format: ZarrFormat,
        options: Options,
    ) -> Result<Box<dyn Sink>> {
        Ok(match self {
            Self::Place => Box::new(Place::new(Arc::clone(store), path.clone(), format, options)),
            Self::Members | Self::Name(_) => Box::new(group(store, path, format, &options)?),
        })
    }
}
