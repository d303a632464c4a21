//! From words to sources and groups.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use zarr_convenience::{
    Error, Location, Source, SourceNode, StoreKind, ZarrSource,
    core::{Error as CoreError, Group, Node, NodePath, Options, Workers, ZarrFormat, store::Store},
    open_store,
};

use crate::args::Common;

/// A source and a node in it.
pub(crate) type Opened = (Box<dyn Source>, SourceNode);

/// The options for opening nodes.
pub(crate) fn options(common: &Common) -> Options {
    let mut options = Options {
        workers: workers(common),
        ..Options::default()
    };
    if let Some(memory) = common.memory {
        options.read_size_max = memory;
    }
    options
}

/// How many threads may work.
pub(crate) fn workers(common: &Common) -> Workers {
    common.threads.map_or_else(Workers::default, Workers::new)
}

/// Finds store and node.
pub(crate) fn locate(text: &str, path: Option<&str>) -> Result<Location> {
    Ok(match path {
        Some(path) => Location::with_path(text, path)?,
        None => Location::parse(text)?,
    })
}

/// Opens a node for reading, whatever its format.
pub(crate) fn open_source(text: &str, path: Option<&str>, common: &Common) -> Result<Opened> {
    let location = locate(text, path)?;
    if location.kind() == StoreKind::OtherFile {
        return open_file(&location);
    }
    let node = open_zarr(&location, common)?;
    let source = ZarrSource::new(node);
    let root = source.root();
    Ok((Box::new(source), root))
}

/// Opens a Zarr node for reading.
pub(crate) fn open_zarr(location: &Location, common: &Common) -> Result<Node> {
    check_there(&location.store)?;
    let store = open_store(location, false)?;
    let options = Options {
        read_only: true,
        ..options(common)
    };
    Ok(Node::open(store, &location.path, &options)?)
}

/// Refuses a path where nothing is, in the words of the system.
fn check_there(path: &Path) -> Result<(), Error> {
    let what = || path.display().to_string();
    let failed = |source| Error::File {
        what: what(),
        action: "opening",
        source,
    };
    std::fs::metadata(path).map(drop).map_err(failed)
}

#[cfg(feature = "hdf5")]
fn open_file(location: &Location) -> Result<Opened> {
    let path = &location.store;
    check_there(path)?;
    if !zarr_h5bridge::is_hdf5(path)? {
        let reason = "is neither a directory, a ZIP archive nor an HDF5 file".to_owned();
        return Err(Error::Source {
            what: path.display().to_string(),
            reason,
        }
        .into());
    }
    let source = zarr_h5bridge::Hdf5Source::open(path)?;
    find(Box::new(source), location)
}

#[cfg(not(feature = "hdf5"))]
fn open_file(location: &Location) -> Result<Opened> {
    let reason = "this build reads directories and ZIP archives only".to_owned();
    Err(Error::Source {
        what: location.store.display().to_string(),
        reason,
    }
    .into())
}

#[cfg_attr(not(feature = "hdf5"), expect(dead_code, reason = "only HDF5 is opened so"))]
fn find(source: Box<dyn Source>, location: &Location) -> Result<Opened> {
    let node = source.node(&location.path)?;
    let node = node.ok_or_else(|| CoreError::NotFound {
        path: location.path.as_str().to_owned(),
        store: location.store.display().to_string(),
    })?;
    Ok((source, node))
}

/// A group that is written to, and the store whose changes are to be published.
pub(crate) struct Target {
    pub(crate) group: Group,
    /// A new tree that takes its place when all is done.
    staged: Option<Box<dyn zarr_convenience::core::store::Staged>>,
    store: Arc<dyn Store>,
}

impl Target {
    /// Opens the group at a location, or prepares one where nothing is.
    ///
    /// What is made in a store that is not there yet is seen when all of it is there.
    pub(crate) fn open(text: &str, path: Option<&str>, format: ZarrFormat, common: &Common) -> Result<Self> {
        let location = locate(text, path)?;
        let options = options(common);
        let is_new = !location.exists();
        let store = open_store(&location, true)?;
        let staged = if is_new {
            store.stage(NodePath::root().prefix())?
        } else {
            None
        };
        let target = staged
            .as_ref()
            .map_or_else(|| Arc::clone(&store), |staged| staged.store());
        let group = group(&target, &location.path, format, &options)?;
        Ok(Self { group, staged, store })
    }

    /// An empty group in memory in the place of one that is not there, for dry runs.
    pub(crate) fn imagine(
        text: &str,
        path: Option<&str>,
        format: ZarrFormat,
        common: &Common,
    ) -> Result<Self> {
        let location = locate(text, path)?;
        let options = options(common);
        if location.exists() {
            let store = open_store(&location, false)?;
            match Node::find(&store, &location.path, &options, None)? {
                Some(Node::Group(group)) => {
                    return Ok(Self {
                        group,
                        staged: None,
                        store,
                    });
                }
                Some(Node::Array(_)) => return Err(in_the_way(&location.path).into()),
                None => {}
            }
        }
        let store: Arc<dyn Store> = Arc::new(zarr_convenience::core::store::MemoryStore::new());
        let group = group(&store, &location.path, format, &options)?;
        Ok(Self {
            group,
            staged: None,
            store,
        })
    }

    /// Publishes what was written.
    pub(crate) fn finish(self) -> Result<()> {
        if let Some(staged) = self.staged {
            staged.publish()?;
        }
        Ok(self.store.flush()?)
    }
}

fn group(store: &Arc<dyn Store>, path: &NodePath, format: ZarrFormat, options: &Options) -> Result<Group> {
    Ok(match Node::find(store, path, options, None)? {
        Some(Node::Group(group)) => group,
        Some(Node::Array(_)) => return Err(in_the_way(path).into()),
        None => Group::create(Arc::clone(store), path, format, options)?,
    })
}

fn in_the_way(path: &NodePath) -> CoreError {
    CoreError::Exists {
        path: path.as_str().to_owned(),
        found: "an array",
    }
}
