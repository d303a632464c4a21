//! Zarr as a destination of copies.
//!
//! Each array is copied in units of whole chunks, so that no two threads write one key.
//! Its document is stored after its chunks, or, where something is replaced and the store can, the whole
//! array takes the place of the old node in one step.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use serde_json::{Map, Value};
use zarr_core::{
    Array, ArrayBuilder, ArrayMetadata, DimensionNames, Error as CoreError, Group, Node, NodePath, Options,
    ZarrFormat, clear,
    codecs::may_be_ignored,
    create_parents,
    store::{Staged, Store},
};

use crate::{
    Creation, Error, Found, How, Lost, Prospect, Result, Sink, SourceArray, StepLedger, Way, carry::Carry,
    ledger::hash, route::route, units::are_done, wrapping::kept_codecs,
};

/// The place of one array, which a copy takes itself instead of going into a group under a name.
///
/// It may be the root of a store, where an array has no name.
///
/// ```
/// # use std::sync::Arc;
/// # use zarr_convenience::{CopyOptions, Place, ZarrSource, copy, core::{*, codecs::DataType, store::MemoryStore}};
/// let (options, root) = (Options::default(), NodePath::root());
/// let from = ArrayBuilder::new(vec![3], DataType::Int8).create(Arc::new(MemoryStore::new()), &root, &options)?;
/// let store = Arc::new(MemoryStore::new());
/// let source = ZarrSource::new(Node::Array(from));
/// let place = Place::new(store.clone(), root.clone(), ZarrFormat::V3, options.clone());
/// copy(&source, &source.root(), &place, CopyOptions::default())?;
/// assert_eq!(Array::open(store, &root, &options)?.shape(), [3]);
/// # Ok::<(), zarr_convenience::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Place {
    store: Arc<dyn Store>,
    path: NodePath,
    /// The format of what is made, unless another one is asked for.
    format: ZarrFormat,
    options: Options,
}

impl Place {
    /// The place at a path of a store; nothing need be there.
    pub const fn new(store: Arc<dyn Store>, path: NodePath, format: ZarrFormat, options: Options) -> Self {
        Self {
            store,
            path,
            format,
            options,
        }
    }

    /// What members of a group are made with.
    fn in_group(group: &Group) -> Self {
        Self::new(
            Arc::clone(group.store()),
            group.path().clone(),
            group.metadata().format,
            group.options().clone(),
        )
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        let found = Node::find(&self.store, path, &self.options, None)?;
        Ok(found.map(|node| match node {
            Node::Array(_) => Found::Array,
            Node::Group(_) => Found::Group,
        }))
    }

    /// The format in which a copy is made.
    fn format(&self, creation: &Creation) -> ZarrFormat {
        creation.zarr_format.unwrap_or(self.format)
    }

    fn builder(&self, array: &dyn SourceArray, creation: &Creation) -> Result<ArrayBuilder> {
        let format = self.format(creation);
        let mut builder = array.builder()?.format(format);
        if format == ZarrFormat::V3 {
            builder = builder.in_one_byte_order();
        } else if array.shape().is_empty()
            && array
                .as_zarr()
                .is_some_and(|from| from.metadata().format == ZarrFormat::V3)
        {
            // V3 has no names for no dimensions; in V2 the empty list is what xarray asks for.
            builder = builder.dimension_names(Some(DimensionNames::new()));
        }
        // Those of Zarr are kept in any case.
        if creation.keeps_codecs
            && array.as_zarr().is_none()
            && let Ok(stored) = array.stored_as()
            && let Some(codecs) = kept_codecs(
                stored.metadata().codecs.list(),
                format == ZarrFormat::V3,
                &self.options.registry,
            )
        {
            builder = builder.codecs(codecs);
        }
        creation.apply(builder, array.shape(), array.data_type(), array.byte_order())
    }
}

/// The members of the document of a V2 array that have no place in V3.
fn lost_members(path: &NodePath, array: &dyn SourceArray, format: ZarrFormat) -> Vec<Lost> {
    let metadata = array.as_zarr().map(Array::metadata);
    let metadata = metadata.filter(|metadata| metadata.format == ZarrFormat::V2 && format == ZarrFormat::V3);
    let members = metadata.into_iter().flat_map(ArrayMetadata::foreign_members);
    members
        .filter(|(_, value)| !may_be_ignored(value))
        .map(|(name, _)| Lost {
            what: path.to_string(),
            reason: format!("member `{name}` of its document, which V3 does not have"),
        })
        .collect()
}

impl Sink for Place {
    fn root(&self) -> &NodePath {
        &self.path
    }

    fn is_place(&self) -> bool {
        true
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        Self::find(self, path)
    }

    fn is_complete(&self, path: &NodePath) -> Result<bool> {
        let array = Array::open(Arc::clone(&self.store), path, &self.options)?;
        Ok(array.n_chunks_initialized()? == array.n_chunks())
    }

    fn prospect(
        &self,
        array: &dyn SourceArray,
        _: &Map<String, Value>,
        creation: &Creation,
        memory: Option<u64>,
    ) -> Result<Prospect> {
        let builder = self.builder(array, creation)?;
        let target = builder.prepare(Arc::clone(&self.store), &NodePath::root(), &self.options)?;
        let route = route(array, &target, memory);
        match array.as_zarr().map(Array::chunk_codec) {
            // What cannot be decoded can still be carried along, if its chunks need not change.
            Some(Err(_)) if route.way == Way::Move => {}
            Some(Err(error)) => return Err(error.into()),
            _ => drop(target.chunk_codec()?),
        }
        match target.check_metadata() {
            Ok(()) => Ok(Prospect::Route(route)),
            Err(CoreError::Metadata { reason, .. }) => Ok(Prospect::Refusal(reason)),
            Err(error) => Err(error.into()),
        }
    }

    fn put_group(&self, path: &NodePath, _: Map<String, Value>, _: &How<'_>) -> Result<Vec<Lost>> {
        let what = self.store.describe(path.as_str());
        Err(Error::Argument(format!("{what}: is the place of an array")))
    }

    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>> {
        let stored = if array.shape().contains(&0) {
            Some(HashSet::new())
        } else {
            array.stored_chunks()?
        };
        let builder = self.builder(array, how.creation)?;
        let lost = lost_members(path, array, builder.current_format());
        let from = array.as_zarr().map(|from| from.metadata().format);
        let put = Put {
            place: self,
            array,
            builder: if from == Some(builder.current_format()) {
                builder.attributes(attributes)
            } else {
                builder.foreign_attributes(attributes)
            },
            stored,
            how,
        };
        put.at(path)?;
        Ok(lost)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.store.flush()?)
    }

    fn zarr_store(&self) -> Option<&Arc<dyn Store>> {
        Some(&self.store)
    }
}

impl Sink for Group {
    fn root(&self) -> &NodePath {
        self.path()
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        Place::in_group(self).find(path)
    }

    fn is_complete(&self, path: &NodePath) -> Result<bool> {
        Place::in_group(self).is_complete(path)
    }

    fn prospect(
        &self,
        array: &dyn SourceArray,
        attributes: &Map<String, Value>,
        creation: &Creation,
        memory: Option<u64>,
    ) -> Result<Prospect> {
        Place::in_group(self).prospect(array, attributes, creation, memory)
    }

    fn put_group(&self, path: &NodePath, attributes: Map<String, Value>, how: &How<'_>) -> Result<Vec<Lost>> {
        let (store, options) = (self.store(), self.options());
        if how.replaces {
            clear(store.as_ref(), path)?;
        }
        let group = if let Some(Node::Group(group)) = Node::find(store, path, options, None)? {
            group
        } else {
            let format = Place::in_group(self).format(how.creation);
            Self::create(Arc::clone(store), path, format, options)?
        };
        if !attributes.is_empty() {
            group.attrs().update(attributes)?;
        }
        Ok(Vec::new())
    }

    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>> {
        Place::in_group(self).put_array(path, array, attributes, how)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.store().flush()?)
    }

    fn zarr_store(&self) -> Option<&Arc<dyn Store>> {
        Some(self.store())
    }
}

/// An array on its way into a store.
struct Put<'a> {
    place: &'a Place,
    array: &'a dyn SourceArray,
    /// Makes the copy, with its attributes.
    builder: ArrayBuilder,
    /// The chunks that the source has, if that is known.
    stored: Option<HashSet<Vec<u64>>>,
    how: &'a How<'a>,
}

impl Put<'_> {
    /// Makes the array at a path, or completes what an earlier process made of it.
    fn at(&self, path: &NodePath) -> Result<()> {
        let store = &self.place.store;
        let format = self.place.format(self.how.creation);
        create_parents(store, path, format, &self.place.options)?;
        let hash = match self.how.ledger {
            None => String::new(),
            Some(ledger) => {
                let target = self.target(store, path)?;
                let hash = self.hash(&target);
                if let Some(ledger) = ledger.was_done(&hash)
                    && self.place.find(path)? == Some(Found::Array)
                    && are_done(self.carry(&target).units().0.as_ref(), &ledger)?
                {
                    return Ok(());
                }
                hash
            }
        };
        // In a tree of its own chunks need no care to be seen whole, as nobody sees them; where nothing is replaced and
        // a journal is kept, they are continued in their place.
        let staged = match (self.how.ledger, self.how.replaces) {
            (None, _) => store.stage(path.prefix())?.map(|staged| (staged, false)),
            (Some(ledger), true) => ledger.stage(path.prefix())?,
            (Some(_), false) => None,
        };
        let Some((staged, continues)) = staged else {
            let counted = self.how.ledger.and_then(|ledger| ledger.continues(&hash));
            if counted.is_none() {
                // Chunks that a killed copy left there would be taken for ours.
                clear(store.as_ref(), path)?;
            }
            return self.write((store, path), self.counted(counted, &hash)?);
        };
        let counted = self.how.ledger.and_then(|ledger| ledger.continues(&hash));
        let ledger = self.counted(counted.filter(|_| continues), &hash)?;
        match self.write((&staged.store(), &NodePath::root()), ledger) {
            Ok(()) => Ok(Staged::publish(staged)?),
            Err(error) => {
                if !error.can_be_continued() {
                    staged.discard();
                }
                Err(error)
            }
        }
    }

    /// The ledger that counts what was done, or in which the units are begun.
    fn counted<'b>(&'b self, counted: Option<StepLedger<'b>>, hash: &str) -> Result<Option<StepLedger<'b>>> {
        match (counted, self.how.ledger) {
            (None, Some(ledger)) => ledger.begin(hash).map(Some),
            (counted, _) => Ok(counted),
        }
    }

    fn target(&self, store: &Arc<dyn Store>, path: &NodePath) -> Result<Array> {
        let builder = self.builder.clone();
        Ok(builder.prepare(Arc::clone(store), path, &self.place.options)?)
    }

    /// What tells the units of the array from those of any other: both ends, and the chunks that there are.
    fn hash(&self, target: &Array) -> String {
        let route = route(self.array, target, self.how.budget.limit());
        let source = self.array.as_zarr().map(Array::metadata);
        let mut text = format!("{route:?} {source:?} {:?}", target.metadata()).into_bytes();
        for chunk in self.stored.iter().flatten().collect::<BTreeSet<_>>() {
            text.extend(chunk.iter().flat_map(|at| at.to_le_bytes()));
        }
        hash(&text)
    }

    /// Writes chunks, then attributes, then the document.
    fn write(
        &self,
        (store, path): (&Arc<dyn Store>, &NodePath),
        ledger: Option<StepLedger<'_>>,
    ) -> Result<()> {
        let target = self.target(store, path)?;
        if target.n_elements() > 0 {
            let alone = target
                .clone()
                .with_options(|options| options.is_sole_writer = true);
            self.carry(&alone).run(ledger)?;
        }
        let attributes = self.builder.current_attributes();
        if target.metadata().format == ZarrFormat::V2 && !attributes.is_empty() {
            target.set_attributes(attributes.clone())?;
        }
        Ok(target.write_metadata()?)
    }

    fn carry<'b>(&'b self, target: &'b Array) -> Carry<'b> {
        Carry {
            source: self.array,
            target,
            stored: self.stored.as_ref(),
            how: self.how,
            leaves: false,
        }
    }
}
