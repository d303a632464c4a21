//! A file as a destination of copies.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock, PoisonError},
};

use serde_json::{Map, Value};
use zarr_convenience::core::codecs::DataType;
use zarr_convenience::core::{
    Array, DIMENSIONS_ATTRIBUTE, NodePath, ZarrFormat, mask_from_v3, put_dimension_names,
};
use zarr_convenience::{Creation, Error, Found, How, Lost, Plan, Prospect, Result, Sink, SourceArray};

use super::{
    attributes::restored,
    copying::{Copying, refers, route},
    datatype::Form,
    filters,
    new_attribute::named_to_hdf5,
    new_dataset::new_dataset,
    original::{self, KEY},
    source::source_error,
};
use crate::hdf5::{Datatype, Draft, Item, NewAttribute, NewLink, ObjectKind, Referent, Target, Writer};

/// An HDF5 file that copies go into.
///
/// Chunks are as long as in the source, but not longer than the array, and compressed with gzip at level 1; those
/// of an HDF5 source keep its shuffle, gzip and fletcher32.
/// A dataset gets its name when all of it is written. What has no form in HDF5 is reported as lost.
#[derive(Debug)]
pub struct Hdf5Sink {
    /// Absent where nothing is to be written, and while the file is not made yet.
    writer: OnceLock<Writer>,
    /// Whether the file is to be made.
    is_new: bool,
    path: PathBuf,
    root: NodePath,
    /// Nodes that were links and become links again.
    skipped: Mutex<HashSet<NodePath>>,
    later: Mutex<Later>,
}

impl Hdf5Sink {
    /// Makes a file where none is.
    ///
    /// # Errors
    /// [`Error::Source`] when something is there, and when the file cannot be made.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        if path.symlink_metadata().is_ok() {
            return Err(Error::Source {
                what: format!("`{}`", path.display()),
                reason: "creating: it is there already".to_owned(),
            });
        }
        Ok(Self {
            is_new: true,
            ..Self::new(path, None)
        })
    }

    /// Opens a file for changes, or makes it where none is.
    ///
    /// # Errors
    /// [`Error::Source`] when the file cannot be opened or made, is something else, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let is_there = path.try_exists().map_err(|source| Error::File {
            what: path.display().to_string(),
            action: "opening",
            source,
        })?;
        if !is_there {
            return Self::create(path);
        }
        Ok(Self::new(path, Some(Writer::open(path).map_err(source_error)?)))
    }

    /// Opens a file only to look at it, for dry runs; a file that is not there counts as empty.
    ///
    /// # Errors
    /// [`Error::Source`] when the file cannot be opened, is something else, or is damaged.
    pub fn look(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let writer = path
            .exists()
            .then(|| Writer::look(path).map_err(source_error))
            .transpose()?;
        Ok(Self::new(path, writer))
    }

    fn new(path: &Path, writer: Option<Writer>) -> Self {
        filters::register();
        Self {
            writer: writer.map_or_else(OnceLock::new, OnceLock::from),
            is_new: false,
            path: path.to_owned(),
            root: NodePath::root(),
            skipped: Mutex::default(),
            later: Mutex::default(),
        }
    }

    /// Lets copies go into a group of the file, which is made if it is not there.
    ///
    /// # Errors
    /// [`Error::Copy`] when something else is in its place, [`Error::Source`] when it cannot be made.
    pub fn at(mut self, group: &NodePath) -> Result<Self> {
        match self.find(group)? {
            Some(Found::Array) => {
                return Err(Error::Copy(format!(
                    "`{group}` in `{}`: is an array, and copies go into groups",
                    self.path.display()
                )));
            }
            None if self.is_new || self.writer.get().is_some_and(Writer::is_writable) => {
                let path = group.to_string();
                let writer = self.writer()?;
                writer
                    .require_group(&path, (false, false))
                    .map_err(source_error)?;
            }
            _ => {}
        }
        self.root = group.clone();
        Ok(self)
    }

    fn writer(&self) -> Result<&Writer> {
        if self.writer.get().is_none() && self.is_new {
            self.make(&Map::new())?;
        }
        self.writer.get().ok_or_else(|| Error::Source {
            what: format!("`{}`", self.path.display()),
            reason: "is not there".to_owned(),
        })
    }

    /// Makes the file if it is to be made and is not there yet.
    fn make(&self, original: &Map<String, Value>) -> Result<()> {
        if self.is_new && self.writer.get().is_none() {
            let user_block = original::user_block(original);
            let space = original::file_space(original);
            let writer = Writer::create(&self.path, tracked(original), user_block.as_ref(), &space);
            let writer = writer.map_err(source_error)?;
            // Only one thread puts nodes.
            let _ = self.writer.set(writer);
        }
        Ok(())
    }

    fn is_skipped(&self, path: &NodePath) -> bool {
        let skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = Some(path.clone());
        while let Some(path) = at {
            if skipped.contains(&path) {
                return true;
            }
            at = path.parent();
        }
        false
    }

    fn later(&self) -> std::sync::MutexGuard<'_, Later> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets attributes, and tells which of them have no form in HDF5.
    fn put_attributes(
        &self,
        path: &str,
        attributes: &Map<String, Value>,
        original: &Map<String, Value>,
        set: impl Fn(&str, &NewAttribute, Option<&str>) -> crate::hdf5::Result<()>,
    ) -> Vec<Lost> {
        let mut lost = Vec::new();
        for (name, value) in restore(attributes, original) {
            let named_type = original
                .get("attributes")
                .and_then(|kept| kept.get(&name)?.get("named_type")?.as_str());
            let made = value.and_then(|value| {
                // What references lead to may not be there yet, but the attribute has its place among the others.
                let first = match &value {
                    NewAttribute::Items {
                        datatype,
                        shape,
                        items,
                    } if items.iter().any(refers) => Some(NewAttribute::Items {
                        datatype: datatype.clone(),
                        shape: shape.clone(),
                        items: items.iter().map(without_references).collect(),
                    }),
                    _ => None,
                };
                match set(&name, first.as_ref().unwrap_or(&value), named_type) {
                    Ok(()) => {}
                    Err(crate::hdf5::Error::Library { reason, .. }) => return Err(reason),
                    Err(error) => return Err(error.to_string()),
                }
                if let (Some(_), NewAttribute::Items { datatype, items, .. }) = (first, value) {
                    let place = (path.to_owned(), name.clone());
                    self.later().attributes.push((place, datatype, items));
                }
                Ok(())
            });
            let failed = made.err();
            lost.extend(failed.map(|reason| Lost {
                what: format!("{path}@{name}"),
                reason,
            }));
        }
        lost
    }
}

/// A value without what it points to, which takes no room outside of itself.
fn without_references(item: &Item) -> Item {
    match item {
        Item::Sequence(_) => Item::Sequence(Vec::new()),
        Item::Parts(parts) => Item::Parts(parts.iter().map(without_references).collect()),
        Item::Reference(_) => Item::Reference(None),
        other => other.clone(),
    }
}

/// Lets references to paths where nothing is point to nothing.
fn forget_missing(item: &mut Item, writer: &Writer, missing: &mut Vec<String>) -> Result<()> {
    match item {
        Item::Sequence(items) | Item::Parts(items) => items
            .iter_mut()
            .try_for_each(|item| forget_missing(item, writer, missing)),
        Item::Reference(target) => {
            if let Some(Target {
                object: Referent::Path(path),
                ..
            }) = target
                && writer.kind(path).map_err(source_error)?.is_none()
            {
                missing.push(path.clone());
                *target = None;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The attributes of an object, those of an original in its order and of its types.
fn restore(
    attributes: &Map<String, Value>,
    original: &Map<String, Value>,
) -> Vec<(String, Result<NewAttribute, String>)> {
    let empty = Map::new();
    let kept = original
        .get("attributes")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let made = |name: &str, value: &Value| {
        let before = kept.get(name).and_then(|kept| restored(kept, value));
        before.map_or_else(|| named_to_hdf5(name, value), Ok)
    };
    let hidden = |name: &String| {
        let value = kept
            .get(name)?
            .get("value")
            .filter(|_| !attributes.contains_key(name))?;
        Some((name.clone(), made(name, value)))
    };
    let names_dimensions = kept
        .keys()
        .any(|name| name == "DIMENSION_LIST" || name == "CLASS");
    let own = |name: &String| {
        let value = attributes.get(name)?;
        // Scales say it, and of a dataset without dimensions nothing need be said.
        let is_said = names_dimensions || !original.is_empty() && *value == Value::Array(Vec::new());
        if name == DIMENSIONS_ATTRIBUTE && is_said && !kept.contains_key(name) {
            return None;
        }
        Some((name.clone(), made(name, value)))
    };
    let order = original::names(original, "attribute_order");
    let first = order.iter().filter_map(|name| own(name).or_else(|| hidden(name)));
    let rest = attributes
        .keys()
        .filter(|name| !order.contains(name))
        .filter_map(own);
    let rest = rest.chain(
        kept.keys()
            .filter(|name| !order.contains(name))
            .filter_map(hidden),
    );
    first.chain(rest).collect()
}

/// What had to wait until all objects are there.
#[derive(Debug, Default)]
struct Later {
    groups: Vec<(String, Map<String, Value>)>,
    values: Vec<(String, crate::hdf5::Later)>,
    attributes: Vec<((String, String), Datatype, Vec<Item>)>,
}

impl Sink for Hdf5Sink {
    fn root(&self) -> &NodePath {
        &self.root
    }

    fn find(&self, path: &NodePath) -> Result<Option<Found>> {
        let Some(writer) = self.writer.get() else {
            return Ok(path.is_root().then_some(Found::Group));
        };
        let found = writer.kind(&path.to_string()).map_err(source_error)?;
        Ok(found.map(|kind| match kind {
            ObjectKind::Group => Found::Group,
            // Whatever it is, it has no members and is in the way of a copy.
            _ => Found::Array,
        }))
    }

    fn check_tells_complete(&self) -> Result<()> {
        let reason = "'skip_initialized' can only be used when copying to zarr";
        Err(Error::Argument(reason.to_owned()))
    }

    fn is_complete(&self, _: &NodePath) -> Result<bool> {
        self.check_tells_complete().map(|()| false)
    }

    fn prospect(
        &self,
        array: &dyn SourceArray,
        attributes: &Map<String, Value>,
        creation: &Creation,
        memory: Option<u64>,
    ) -> Result<Prospect> {
        let empty = Map::new();
        let original = attributes.get(KEY).and_then(Value::as_object);
        Ok(match new_dataset(array, creation, original.unwrap_or(&empty))? {
            Ok(target) => Prospect::Route(route(array, &target, memory)),
            Err(reason) => Prospect::Refusal(reason),
        })
    }

    fn begin(&self, plan: &Plan) -> Result<()> {
        let empty = Map::new();
        let originals = plan.steps.iter().map(|step| (&step.target, &step.attributes));
        let root = plan
            .root_attributes
            .iter()
            .map(|attributes| (&self.root, attributes));
        let mut skipped = self.skipped.lock().unwrap_or_else(PoisonError::into_inner);
        let mut types = Vec::new();
        for (path, attributes) in root.chain(originals) {
            let original = attributes
                .members
                .get(KEY)
                .and_then(Value::as_object)
                .unwrap_or(&empty);
            if path.is_root() {
                self.make(original)?;
            }
            for (name, link) in original::links(original) {
                let path = path.join(&name)?;
                if let NewLink::Type(datatype) = link {
                    types.push((path.to_string(), datatype));
                }
                skipped.insert(path);
            }
        }
        for (path, datatype) in types {
            self.writer()?
                .prepare_type(&path, &datatype)
                .map_err(source_error)?;
        }
        Ok(())
    }

    fn put_group(&self, path: &NodePath, attributes: Map<String, Value>, how: &How<'_>) -> Result<Vec<Lost>> {
        if self.is_skipped(path) {
            return Ok(Vec::new());
        }
        let (writer, shown) = (self.writer()?, path.to_string());
        if how.replaces {
            writer.remove(&shown).map_err(source_error)?;
        }
        let (attributes, original) = taken(attributes);
        writer
            .require_group(&shown, tracked(&original))
            .map_err(source_error)?;
        let mut lost = self.put_attributes(&shown, &attributes, &original, |name, value, named_type| {
            writer.set_attribute(&shown, name, value, named_type)
        });
        let has_room = path.is_root() && self.is_new && original::user_block(&original).is_some();
        if original.contains_key(original::USER_BLOCK) && !has_room {
            lost.push(Lost {
                what: shown.clone(),
                reason: "the user block of the file it was the root of; only a new file gets one".to_owned(),
            });
        }
        if !original.is_empty() {
            self.later().groups.push((shown, original));
        }
        Ok(lost)
    }

    fn put_array(
        &self,
        path: &NodePath,
        array: &dyn SourceArray,
        attributes: Map<String, Value>,
        how: &How<'_>,
    ) -> Result<Vec<Lost>> {
        if self.is_skipped(path) {
            return Ok(Vec::new());
        }
        let (writer, path) = (self.writer()?, path.to_string());
        let (mut attributes, original) = taken(attributes);
        // What V3 has words of its own for, HDF5 has as V2 has it.
        if let Some(metadata) = array.as_zarr().map(Array::metadata)
            && metadata.format == ZarrFormat::V3
        {
            mask_from_v3(&mut attributes, array.data_type());
            if let Some(names) = &metadata.dimension_names {
                put_dimension_names(&mut attributes, names);
            }
        }
        let mut target = match new_dataset(array, how.creation, &original)? {
            Ok(target) => target,
            Err(reason) => return Ok(vec![Lost { what: path, reason }]),
        };
        let was_undefined = original.get("fill_value").is_some_and(Value::is_null);
        let mut lost = Vec::new();
        if target.is_fill_null && !was_undefined && !has_all_chunks(array)? {
            target.define_fill();
            let reason =
                "its fill value is null, and chunks of it are missing: their elements are zero".to_owned();
            lost.push(Lost {
                what: path.clone(),
                reason,
            });
        }
        let draft = writer.begin(&path, &target.new).map_err(source_error)?;
        let copying = Copying {
            array,
            target: &target,
            draft: &draft,
            path: &path,
            how,
        };
        let values = copying.run()?;
        self.later()
            .values
            .extend(values.into_iter().map(|later| (path.clone(), later)));
        lost.extend(
            self.put_attributes(&path, &attributes, &original, |name, value, named_type| {
                draft.set_attribute(name, value, named_type)
            }),
        );
        if *array.data_type() == DataType::Object && target.elements.form == Form::Text {
            let reason = "its objects are stored as texts in JSON".to_owned();
            lost.push(Lost {
                what: path.clone(),
                reason,
            });
        }
        draft.publish(how.replaces).map_err(source_error)?;
        Ok(lost)
    }

    fn finish(&self) -> Result<Vec<Lost>> {
        let mut lost = Vec::new();
        let Later {
            groups,
            values,
            attributes,
        } = std::mem::take(&mut *self.later());
        let writer = self.writer()?;
        for (group, original) in &groups {
            for (name, link) in original::links(original) {
                // A link to what was removed since becomes nothing.
                match writer.put_link(group, &name, &link) {
                    Ok(()) | Err(crate::hdf5::Error::NotFound { .. }) => {}
                    Err(error) => return Err(source_error(error)),
                }
                // Only data types have attributes here; other objects have their own.
                if let (NewLink::Type(_), Some(Value::Object(kept))) = (&link, original["links"].get(&name)) {
                    let path = format!("{}/{name}", group.trim_end_matches('/'));
                    for (name, value) in restore(&Map::new(), kept) {
                        let value = value.map_err(|reason| Error::Source {
                            what: path.clone(),
                            reason,
                        })?;
                        writer
                            .set_attribute(&path, &name, &value, None)
                            .map_err(source_error)?;
                    }
                }
            }
        }
        for (group, original) in &groups {
            let names = original::names(original, "members");
            writer.arrange(group, &names).map_err(source_error)?;
        }
        let mut forget = |what: &str, items: &mut Vec<Item>| -> Result<()> {
            let mut missing = Vec::new();
            for item in items {
                forget_missing(item, writer, &mut missing)?;
            }
            lost.extend(missing.first().map(|path| Lost {
                what: what.to_owned(),
                reason: format!(
                    "{} of its references, as that to {path}, lead to nothing",
                    missing.len()
                ),
            }));
            Ok(())
        };
        for (path, mut later) in values {
            forget(&path, &mut later.items)?;
            let (path, later) = (path.as_str(), &later);
            Draft::finish_items(writer, path, later).map_err(source_error)?;
        }
        for ((path, name), datatype, mut items) in attributes {
            forget(&format!("{path}@{name}"), &mut items)?;
            writer
                .rewrite_attribute(&path, &name, &datatype, &items)
                .map_err(source_error)?;
        }
        Ok(lost)
    }

    fn flush(&self) -> Result<()> {
        self.writer()?.flush().map_err(source_error)
    }
}

/// The attributes of a node, and what was kept of an original.
fn taken(mut attributes: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    match attributes.shift_remove(KEY) {
        Some(Value::Object(original)) => (attributes, original),
        Some(other) => {
            attributes.insert(KEY.to_owned(), other);
            (attributes, Map::new())
        }
        None => (attributes, Map::new()),
    }
}

/// Whether all chunks of an array are stored, as far as that can be told.
fn has_all_chunks(array: &dyn SourceArray) -> Result<bool> {
    let Some(chunk_grid) = array.chunk_grid() else {
        return Ok(true);
    };
    let (Some(stored), Some(chunks)) = (array.stored_chunks()?, array.chunk_shape()) else {
        return Ok(false);
    };
    if chunk_grid.rectilinear().is_some() {
        return Ok(false);
    }
    let counts: Vec<u64> = array
        .shape()
        .iter()
        .zip(chunks)
        .map(|(length, chunk)| length.div_ceil((*chunk).max(1)))
        .collect();
    let n_chunks = counts.iter().fold(1_u64, |n, count| n.saturating_mul(*count));
    let is_inside = |at: &&Vec<u64>| at.iter().zip(&counts).all(|(at, count)| at < count);
    Ok(stored.iter().filter(is_inside).count() as u64 == n_chunks)
}

/// Whether a group kept the order of its links, and of its attributes.
fn tracked(original: &Map<String, Value>) -> (bool, bool) {
    let is_true = |name: &str| original.get(name).is_some_and(|value| value == true);
    (is_true("tracks_links"), is_true("tracks_attributes"))
}
