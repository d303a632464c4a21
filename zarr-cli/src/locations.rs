//! From words to sources and groups.

use std::{path::Path, sync::Arc};

use anyhow::Result;
use zarr_convenience::{
    Error, Ledger, Location, Sink, Source, SourceNode, StoreKind, UseConsolidated, ZarrSource,
    core::{
        Error as CoreError, Freshness, Group, Node, NodePath, Options, Workers, ZarrFormat,
        consolidated_groups,
        store::{MemoryStore, Staged, Store, ZipStore},
    },
    open_reading, open_references, open_store,
};

#[cfg(feature = "hdf5")]
use zarr_h5bridge::Hdf5Sink;

use crate::{args::Common, new_file::NewFile, output, room::Room, status};

/// A source and a node in it.
pub(crate) type Opened = (Box<dyn Source>, SourceNode);

/// The options for opening nodes.
pub(crate) fn options(common: &Common) -> Options {
    let mut options = Options {
        workers: workers(common),
        ..Options::default()
    };
    if let Some(memory) = memory(common) {
        options.read_size_max = memory;
    }
    options
}

/// The most memory that values may take at once, if something limits it; in a process with limits, half of those,
/// since the HDF5 library has what it reads a second time.
pub(crate) fn memory(common: &Common) -> Option<u64> {
    let untrusted = &common.confinement;
    let confined = untrusted.confined.map(|_| untrusted.untrusted_memory / 2);
    common.memory.or(confined)
}

/// How many threads may work, and how many requests may be in flight.
pub(crate) fn workers(common: &Common) -> Workers {
    let workers = common.threads.map_or_else(Workers::default, Workers::new);
    match common.requests {
        None => workers,
        Some(requests) => workers.with_requests(requests),
    }
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
    open(text, path, Detail::Plain, common)
}

/// Opens a node for a copy of a format, or for a comparison with one: with what only its own format has words for.
pub(crate) fn open_whole(
    text: &str,
    path: Option<&str>,
    format: ZarrFormat,
    common: &Common,
) -> Result<Opened> {
    open(text, path, Detail::Whole(format), common)
}

/// The format of a node of Zarr; `None` of one in a file of another format.
pub(crate) fn zarr_format(source: &dyn Source, node: &SourceNode) -> Result<Option<ZarrFormat>> {
    let Some(store) = source.zarr_store() else {
        return Ok(None);
    };
    let found = Node::find(store, node.path(), &Options::default(), None)?;
    Ok(found.map(|node| match node {
        Node::Array(array) => array.metadata().format,
        Node::Group(group) => group.metadata().format,
    }))
}

/// How much of a file of another format is shown.
#[derive(Clone, Copy)]
#[cfg_attr(
    not(feature = "hdf5"),
    expect(dead_code, reason = "without HDF5 no other format is read")
)]
enum Detail {
    /// What Zarr has words for.
    Plain,
    /// All, in the words of a format of Zarr.
    Whole(ZarrFormat),
}

fn open(text: &str, path: Option<&str>, detail: Detail, common: &Common) -> Result<Opened> {
    let location = locate(text, path)?;
    if location.kind() == StoreKind::OtherFile {
        return open_file(&location, detail, common);
    }
    let node = open_zarr(&location, common)?;
    let source = ZarrSource::new(node);
    let root = source.root();
    Ok((Box::new(source), root))
}

/// Opens a Zarr node for reading.
pub(crate) fn open_zarr(location: &Location, common: &Common) -> Result<Node> {
    if !location.exists() {
        check_there(&location.store)?;
    }
    let store = read_store(location, common)?;
    let options = Options {
        read_only: true,
        ..options(common)
    };
    let policy = UseConsolidated::parse(&common.consolidated)?;
    let (node, freshness) = open_reading(&store, &location.path, policy, &options)?;
    let stale = freshness.filter(|freshness| !freshness.is_fresh());
    if let (Some(freshness), false) = (stale, common.quiet) {
        let why = freshness_text(&freshness);
        output::notice(&format!("zarr: consolidated metadata are not used: {why}"));
    }
    Ok(node)
}

/// Opens the Zarr store at a location for reading.
pub(crate) fn read_store(location: &Location, common: &Common) -> Result<Arc<dyn Store>> {
    if location.kind() == StoreKind::References {
        return Ok(open_references(location, &common.allow_external)?);
    }
    Ok(open_store(location, false)?)
}

/// How consolidated metadata compare with the documents of the nodes, in words.
pub(crate) fn freshness_text(freshness: &Freshness) -> String {
    let n_more = freshness.differences.len().saturating_sub(1);
    match freshness.differences.first() {
        None if freshness.is_complete => "up to date".to_owned(),
        None => format!("up to date as far as {} folders tell", freshness.n_compared),
        Some(first) if n_more == 0 => format!("stale, {first}"),
        Some(first) => format!("stale, {first} and {n_more} more differ"),
    }
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

/// Refuses a path where there is no HDF5 file.
#[cfg(feature = "hdf5")]
pub(crate) fn check_hdf5(path: &Path) -> Result<()> {
    check_there(path)?;
    if zarr_h5bridge::is_hdf5(path)? {
        return Ok(());
    }
    let reason = "is neither a directory, a ZIP archive nor an HDF5 file".to_owned();
    let what = path.display().to_string();
    Err(Error::Source { what, reason }.into())
}

#[cfg(feature = "hdf5")]
fn open_file(location: &Location, detail: Detail, common: &Common) -> Result<Opened> {
    let path = &location.store;
    check_hdf5(path)?;
    let source = zarr_h5bridge::Hdf5Source::open(path)?;
    let mut source = source.allowing_external(&common.allow_external)?;
    if let Detail::Whole(format) = detail {
        source = source.keeping_originals().for_format(format);
    }
    find(Box::new(source), location)
}

#[cfg(not(feature = "hdf5"))]
fn open_file(location: &Location, _: Detail, _: &Common) -> Result<Opened> {
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

/// Whether the same command may succeed another time, from where it ended.
pub(crate) fn can_be_continued(error: &anyhow::Error) -> bool {
    let mut errors = error.chain().filter_map(|cause| cause.downcast_ref::<Error>());
    errors.any(Error::can_be_continued)
}

/// A store that is written to, and published as a whole where it can be.
pub(crate) struct Output {
    store: Arc<dyn Store>,
    /// A new tree that becomes the store when all is done.
    staged: Option<Box<dyn Staged>>,
    /// The archive that is not completed when something fails.
    archive: Option<Arc<ZipStore>>,
    ledger: Option<Ledger>,
    /// The groups at and above the node that had consolidated metadata.
    consolidated: Vec<NodePath>,
}

/// What tells a piece of work from others on the same store, and whether it is continued.
pub(crate) struct Work {
    pub(crate) what: String,
    pub(crate) resumes: bool,
}

impl Output {
    /// Opens a store to be changed; what is set in one that is not there yet is seen when all of it is there.
    ///
    /// Work that was interrupted is continued where it can be.
    pub(crate) fn open(location: &Location, work: &Work, common: &Common) -> Result<Self> {
        let mut output = Self::open_in_place(location, common)?;
        output.ledger = Ledger::open(&output.store, &work.what, work.resumes)?;
        if output.ledger.as_ref().is_some_and(Ledger::is_resumed) && !common.quiet {
            output::notice("zarr: continuing what was interrupted");
        }
        if !location.exists() {
            output.staged = match &output.ledger {
                Some(ledger) => ledger.stage_root()?,
                None => output.store.stage(NodePath::root().prefix())?,
            };
        }
        Ok(output)
    }

    /// Opens a store to be changed step by step.
    pub(crate) fn open_in_place(location: &Location, common: &Common) -> Result<Self> {
        let mut output = Self {
            store: Arc::new(MemoryStore::new()),
            staged: None,
            archive: None,
            ledger: None,
            consolidated: Vec::new(),
        };
        if location.kind() == StoreKind::Zip {
            let archive = Arc::new(ZipStore::update(&location.store)?);
            output.archive = Some(Arc::clone(&archive));
            output.store = archive;
        } else {
            output.store = open_store(location, true)?;
        }
        output.store.sweep(NodePath::root().prefix(), false)?;
        if location.exists() && !common.quiet {
            output.consolidated = consolidated_groups(output.store.as_ref(), &location.path)?;
        }
        Ok(output)
    }

    /// What is done, where it can be continued.
    pub(crate) const fn ledger(&self) -> Option<&Ledger> {
        self.ledger.as_ref()
    }

    /// Removes what is half done, unless the same command can continue it.
    pub(crate) fn give_up(mut self, error: &anyhow::Error) {
        if can_be_continued(error) {
            return;
        }
        if let Some(staged) = self.staged.take() {
            staged.discard();
        }
        // What cannot be removed is hidden; the error that led here is the one to report.
        let _ = self.ledger.take().map(Ledger::finish);
    }

    /// Where keys are set.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        self.staged
            .as_ref()
            .map_or_else(|| Arc::clone(&self.store), |staged| staged.store())
    }

    /// Publishes what was set.
    pub(crate) fn finish(mut self) -> Result<()> {
        if let Some(staged) = self.staged.take() {
            staged.store().flush()?;
            staged.publish()?;
        }
        self.store.flush()?;
        self.tell_dropped()?;
        self.archive = None;
        self.ledger.take().map_or(Ok(()), Ledger::finish)?;
        Ok(())
    }
}

impl Output {
    /// Says which groups lost their consolidated metadata, as they no longer said what is there.
    fn tell_dropped(&self) -> Result<()> {
        for group in &self.consolidated {
            let is_left = consolidated_groups(self.store.as_ref(), group)?.first() == Some(group);
            if !is_left {
                let what = self.store.describe(group.as_str());
                output::notice(&status::printable(&format!(
                    "zarr: the consolidated metadata of {what} no longer said what is there and were dropped; zarr consolidate makes them anew"
                )));
            }
        }
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(archive) = &self.archive {
            archive.abandon();
        }
    }
}

/// A group that is written to, or the place of an array.
pub(crate) struct Target {
    pub(crate) sink: Box<dyn Sink>,
    /// What is to be published; nothing is written in a dry run.
    output: Option<Pending>,
}

/// What a copy went into before it is published.
enum Pending {
    Store(Box<Output>),
    #[cfg_attr(not(feature = "hdf5"), expect(dead_code, reason = "only HDF5 is written so"))]
    File(NewFile),
}

impl Target {
    /// Opens the group at a location, or prepares one where nothing is, or the place of an array.
    ///
    /// What is made in a store that is not there yet is seen when all of it is there.
    pub(crate) fn open(
        location: &Location,
        (room, format): (Room<'_>, ZarrFormat),
        work: &Work,
        common: &Common,
    ) -> Result<Self> {
        #[cfg(feature = "hdf5")]
        if is_hdf5(location)? {
            return Self::open_file(location);
        }
        let output = Output::open(location, work, common)?;
        match room.sink(&output.store(), &location.path, format, options(common)) {
            Ok(sink) => Ok(Self {
                sink,
                output: Some(Pending::Store(Box::new(output))),
            }),
            Err(error) => {
                output.give_up(&error);
                Err(error)
            }
        }
    }

    /// What is done, where it can be continued.
    pub(crate) const fn ledger(&self) -> Option<&Ledger> {
        match &self.output {
            Some(Pending::Store(output)) => output.ledger(),
            _ => None,
        }
    }

    /// Removes what is half done, unless the same command can continue it.
    pub(crate) fn give_up(self, error: &anyhow::Error) {
        if let Some(Pending::Store(output)) = self.output {
            output.give_up(error);
        }
    }

    #[cfg(feature = "hdf5")]
    fn open_file(location: &Location) -> Result<Self> {
        let path = &location.store;
        // A file that is changed in place is lost when the process is killed, so it is the copy that changes.
        let (new, sink) = if location.exists() {
            let new = NewFile::changed(path)?;
            let sink = Hdf5Sink::open(new.temporary())?;
            (new, sink)
        } else {
            let new = NewFile::beside(path)?;
            let sink = Hdf5Sink::create(new.temporary())?;
            (new, sink)
        };
        Ok(Self {
            sink: Box::new(sink.at(&location.path)?),
            output: Some(Pending::File(new)),
        })
    }

    /// Whether what is written is seen only when it is published.
    pub(crate) fn is_unseen(&self) -> bool {
        match &self.output {
            Some(Pending::Store(output)) => output.staged.is_some() || output.archive.is_some(),
            Some(Pending::File(_)) => true,
            None => false,
        }
    }

    /// An empty group in memory in the place of one that is not there, for dry runs.
    pub(crate) fn imagine(
        location: &Location,
        (room, format): (Room<'_>, ZarrFormat),
        common: &Common,
    ) -> Result<Self> {
        let options = options(common);
        let imagined = |sink: Box<dyn Sink>| Self { sink, output: None };
        #[cfg(feature = "hdf5")]
        if is_hdf5(location)? {
            return Ok(imagined(Box::new(
                Hdf5Sink::look(&location.store)?.at(&location.path)?,
            )));
        }
        if location.exists() {
            let store = open_store(location, false)?;
            if matches!(room, Room::Place) {
                return Ok(imagined(room.sink(&store, &location.path, format, options)?));
            }
            match Node::find(&store, &location.path, &options, None)? {
                Some(Node::Group(group)) => return Ok(imagined(Box::new(group))),
                Some(Node::Array(_)) => return Err(in_the_way(&store, &location.path).into()),
                None => {}
            }
        }
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Ok(imagined(room.sink(&store, &location.path, format, options)?))
    }

    /// Publishes what was written.
    pub(crate) fn finish(self) -> Result<()> {
        match self.output {
            Some(Pending::Store(output)) => output.finish(),
            Some(Pending::File(new)) => {
                self.sink.flush()?;
                // The file is closed before it is seen.
                drop(self.sink);
                new.publish()
            }
            None => Ok(()),
        }
    }
}

/// Whether a location lies in an HDF5 file, or in one to be made.
#[cfg(feature = "hdf5")]
fn is_hdf5(location: &Location) -> Result<bool> {
    let is_file = location.kind() == StoreKind::OtherFile;
    Ok(is_file && (!location.exists() || zarr_h5bridge::is_hdf5(&location.store)?))
}

/// The group at a path, which is made if nothing is there.
pub(crate) fn group(
    store: &Arc<dyn Store>,
    path: &NodePath,
    format: ZarrFormat,
    options: &Options,
) -> Result<Group> {
    Ok(match Node::find(store, path, options, None)? {
        Some(Node::Group(group)) => group,
        Some(Node::Array(_)) => return Err(in_the_way(store, path).into()),
        None => Group::create(Arc::clone(store), path, format, options)?,
    })
}

fn in_the_way(store: &Arc<dyn Store>, path: &NodePath) -> Error {
    Error::Copy(format!(
        "{}: is an array, and copies go into groups",
        store.describe(path.as_str())
    ))
}

/// Refuses to copy a node onto itself, into itself or over what holds it, before anything is opened to be
/// changed.
///
/// `name` is that of the copy in the group at `to`; without it the members of the group at `from` are copied.
pub(crate) fn check_distinct(from: &Location, to: &Location, name: Option<&str>) -> Result<()> {
    let place = |location: &Location| {
        let store = match location.kind() {
            StoreKind::Remote => location.store.clone(),
            _ => location.store.canonicalize().ok()?,
        };
        Some(store.join(location.path.as_str()))
    };
    // A store that is not there yet may still be meant to lie inside the source.
    let from_place = place(from);
    let to_place = place(to).or_else(|| {
        let above = to.store.parent().filter(|above| !above.as_os_str().is_empty());
        let above = above.unwrap_or(Path::new(".")).canonicalize().ok()?;
        Some(above.join(to.store.file_name()?).join(to.path.as_str()))
    });
    let (Some(from_place), Some(to_place)) = (from_place, to_place) else {
        return Ok(());
    };
    let target = name.map_or_else(|| to_place.clone(), |name| to_place.join(name));
    let covers = target != from_place && from_place.starts_with(&target);
    if target.starts_with(&from_place) || covers {
        return Err(Error::Refused {
            what: from_place.display().to_string(),
            reason: format!(
                "cannot be copied to {}, which is or holds the node itself or lies below it",
                target.display()
            ),
        }
        .into());
    }
    Ok(())
}
