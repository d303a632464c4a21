//! A file as a source: its groups, datasets and attributes.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value, json};
use zarr_convenience::core::{DIMENSIONS_ATTRIBUTE, NodePath, ZarrFormat};
use zarr_convenience::{Attributes, Error, Fate, Kept, Lost, Result, Source, SourceNode};

use super::{
    array::Hdf5Array,
    attributes::{self, NETCDF_PROPERTIES, lost_of_type},
    filters,
    links::{node_path, unfollowed},
    original::{self, KEY},
    type_json,
};
use crate::hdf5::{
    self, Dataset, File, FileSpace, Group, Layout, Link, LinkKind, NamedType, Object, ObjectKind,
};

/// An HDF5 file whose groups, datasets and attributes are read as those of a Zarr hierarchy.
///
/// Soft links are followed, and virtual datasets read whose sources are in the same file. What cannot be a node is listed as [`SourceNode::Other`], so that a copy reports it:
/// broken and external links, named data types, datasets of types that Zarr lacks or without a shape, links whose
/// names no node can have, and links that lead back to a group above.
#[derive(Debug, Clone)]
pub struct Hdf5Source {
    file: File,
    keeps: bool,
    format: ZarrFormat,
    is_netcdf: OnceLock<bool>,
}

impl Hdf5Source {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::Source`] if it cannot be opened, is something else, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        filters::register();
        let file = File::open(path).map_err(source_error)?;
        let (keeps, format) = (false, ZarrFormat::V2);
        let is_netcdf = OnceLock::new();
        Ok(Self {
            file,
            keeps,
            format,
            is_netcdf,
        })
    }

    /// Reads virtual datasets and external raw data whose files lie beneath these directories, or beneath that of the
    /// file itself; without it, and without directories, those in the same file alone.
    ///
    /// # Errors
    /// [`Error::Source`] if a directory is not there.
    pub fn allowing_external(mut self, directories: &[PathBuf]) -> Result<Self> {
        self.file = self.file.allowing_external(directories).map_err(source_error)?;
        Ok(self)
    }

    /// Keeps what Zarr has no words for in the attribute `_hdf5` of each node, so that a copy back is the same file.
    ///
    /// Without it such things are reported as lost.
    #[must_use]
    pub const fn keeping_originals(mut self) -> Self {
        self.keeps = true;
        self
    }

    /// Gives elements types that a format has names for: in V3, records with fields that it lacks are raw bytes, and sequences texts in JSON.
    #[must_use]
    pub const fn for_format(mut self, format: ZarrFormat) -> Self {
        self.format = format;
        self
    }

    /// The group that all paths start from.
    pub fn root(&self) -> SourceNode {
        SourceNode::Group(NodePath::root())
    }

    fn object(&self, path: &NodePath) -> Result<Object> {
        self.file.object(&path.to_string()).map_err(source_error)
    }

    fn group(&self, path: &NodePath) -> Result<Group> {
        self.file.group(&path.to_string()).map_err(source_error)
    }

    /// The addresses of a group and of all above it.
    fn addresses(&self, group: &NodePath) -> Result<HashMap<u64, NodePath>> {
        let mut addresses = HashMap::new();
        let mut above = Some(group.clone());
        while let Some(path) = above {
            let address = self.group(&path)?.address().map_err(source_error)?;
            above = path.parent();
            addresses.insert(address, path);
        }
        Ok(addresses)
    }

    /// What a link of a group is to Zarr.
    fn follow(
        &self,
        group: &Group,
        path: &NodePath,
        link: &Link,
        above: &HashMap<u64, NodePath>,
    ) -> Result<SourceNode> {
        let path = match node_path(path, &link.name) {
            Ok(path) => path,
            Err((path, what)) => return Ok(SourceNode::Other { path, what }),
        };
        if let LinkKind::Damaged { reason } = &link.kind {
            return Err(Error::Source {
                what: self.describe(&path),
                reason: reason.clone(),
            });
        }
        match group.open(&link.name) {
            Ok(object) => self.classify(object, path, above),
            Err(error) => match unfollowed(&link.kind, &error) {
                Some(what) => Ok(SourceNode::Other { path, what }),
                None => Err(source_error(error)),
            },
        }
    }

    /// What an object is to Zarr.
    fn classify(&self, object: Object, path: NodePath, above: &HashMap<u64, NodePath>) -> Result<SourceNode> {
        Ok(match object {
            Object::Group(group) => match above.get(&group.address().map_err(source_error)?) {
                Some(same) => SourceNode::Other {
                    what: format!("cycle: it is '{same}' again"),
                    path,
                },
                None => SourceNode::Group(path),
            },
            Object::Dataset(dataset) => match Hdf5Array::new(path.clone(), dataset.clone(), self.format) {
                Ok(array) => SourceNode::Array(Arc::new(array.named(self.dimension_names(&dataset)?))),
                Err(what) => SourceNode::Other { path, what },
            },
            Object::NamedType(_) => SourceNode::Other {
                path,
                what: "named data type".to_owned(),
            },
        })
    }

    /// Whether a library of netCDF has made the file, in which every variable names its dimensions.
    fn is_netcdf(&self) -> Result<bool> {
        if let Some(known) = self.is_netcdf.get() {
            return Ok(*known);
        }
        let names = match self.file.object("/").map_err(source_error)? {
            Object::Group(root) => root.attribute_names().map_err(source_error)?,
            _ => Vec::new(),
        };
        Ok(*self
            .is_netcdf
            .get_or_init(|| names.iter().any(|name| *name == NETCDF_PROPERTIES)))
    }

    /// The names of the dimensions of a dataset that has dimension scales, or is one; none of one without dimensions
    /// in a file of netCDF.
    fn dimension_names(&self, dataset: &Dataset) -> Result<Option<Vec<Option<String>>>> {
        let mut found = Vec::new();
        for name in dataset.attribute_names().map_err(source_error)? {
            if name == "CLASS" || name == "DIMENSION_LIST" {
                found.push(dataset.attribute(&name).map_err(source_error)?);
            }
        }
        let ndim = dataset.info().space.shape().map_or(0, <[u64]>::len);
        if ndim == 0 && self.is_netcdf()? {
            return Ok(Some(Vec::new()));
        }
        let paths = |address| self.file.path_of(address);
        Ok(attributes::dimension_names(dataset.path(), &found, ndim, &paths))
    }

    /// What is kept of a group beside its attributes: its links that are no nodes of their own, and their order.
    fn keep_links(
        &self,
        group: &Group,
        path: &NodePath,
        original: &mut Map<String, Value>,
    ) -> Result<Vec<Kept>> {
        let (tracks_links, tracks_attributes) = group.tracks_order().map_err(source_error)?;
        for (name, tracks) in [
            ("tracks_links", tracks_links),
            ("tracks_attributes", tracks_attributes),
        ] {
            if tracks {
                original.insert(name.to_owned(), true.into());
            }
        }
        let listed = group.links().map_err(source_error)?;
        if tracks_links {
            let names = listed.iter().filter_map(|link| link.name.to_str());
            original.insert("members".to_owned(), names.map(Value::from).collect());
        }
        let (mut links, mut kept) = (Map::new(), Vec::new());
        for link in &listed {
            let Some(name) = link.name.to_str() else {
                continue;
            };
            let own = format!("{}/{name}", group.path().trim_end_matches('/'));
            let (value, reason) = match &link.kind {
                LinkKind::Hard {
                    object: ObjectKind::NamedType,
                    ..
                } => match group.open(&link.name) {
                    Ok(Object::NamedType(named)) => (self.named_type(&named)?, "a named data type"),
                    _ => continue,
                },
                LinkKind::Hard { address, .. } if self.file.path_of(*address).as_ref() == Some(&own) => {
                    continue;
                }
                LinkKind::Hard { .. } => (self.link(&link.kind), "another name of an object"),
                LinkKind::Soft { .. } => (self.link(&link.kind), "a soft link"),
                LinkKind::External { .. } => (self.link(&link.kind), "an external link"),
                _ => continue,
            };
            let Some(value) = value else { continue };
            links.insert(name.to_owned(), value);
            if let Ok(path) = path.join(name) {
                kept.push(Kept {
                    what: path.to_string(),
                    fate: Fate::Mapped,
                    reason: format!("{reason}, which is kept in `{KEY}` of its group"),
                });
            }
        }
        if !links.is_empty() {
            original.insert("links".to_owned(), links.into());
        }
        Ok(kept)
    }

    /// What is in front of the file, which belongs to its root group as much as to anything.
    fn user_block(&self, attributes: &mut Attributes) -> Result<Option<Value>> {
        let (what, size) = ("/".to_owned(), self.file.user_block_size());
        if size == 0 {
            return Ok(None);
        }
        let reason = format!("a user block of {size} bytes");
        let kept = if self.keeps {
            let user_block = self.file.user_block(original::USER_BLOCK_MAX);
            user_block.map_err(source_error)?
        } else {
            None
        };
        if kept.is_some() {
            attributes.kept.push(Kept {
                what,
                fate: Fate::Mapped,
                reason: format!("{reason}, which is kept in `{KEY}`"),
            });
        } else {
            attributes.lost.push(Lost { what, reason });
        }
        Ok(kept.as_ref().map(original::user_block_json))
    }

    /// What is kept of the file with its root group: what lies in front of it, and how it manages its room where that is
    /// not the usual way.
    fn keep_file(
        &self,
        group: &NodePath,
        user_block: Option<Value>,
        original: &mut Map<String, Value>,
    ) -> Result<()> {
        if !group.is_root() {
            return Ok(());
        }
        original.extend(user_block.map(|block| (original::USER_BLOCK.to_owned(), block)));
        let space = self.file.space().map_err(source_error)?;
        if let Some(space) = space.filter(|space| *space != FileSpace::USUAL) {
            original.insert(original::FILE_SPACE.to_owned(), original::file_space_json(&space));
        }
        Ok(())
    }

    fn link(&self, kind: &LinkKind) -> Option<Value> {
        original::link_json(kind, |address| self.file.path_of(address))
    }

    /// A named data type, with its attributes.
    fn named_type(&self, named: &NamedType) -> Result<Option<Value>> {
        let Some(datatype) = type_json::to_json(named.datatype()) else {
            return Ok(None);
        };
        let mut link = Map::from_iter([("type".to_owned(), datatype)]);
        let names = named.attribute_names().map_err(source_error)?;
        let paths = |address| self.file.path_of(address);
        let read = |name: &hdf5::Name| named.attribute(name);
        let read = attributes::read(named.path(), &names, true, &paths, read).map_err(source_error)?;
        // There is no node to have them, so they are all kept with their values.
        let mut kept = read.original;
        for (name, value) in read.attributes.members {
            kept.entry(name).or_insert_with(|| json!({}))["value"] = value;
        }
        if !kept.is_empty() {
            link.insert("attributes".to_owned(), kept.into());
        }
        Ok(Some(link.into()))
    }
}

impl Source for Hdf5Source {
    fn describe(&self, path: &NodePath) -> String {
        format!("`{path}` in `{}`", self.file.path().display())
    }

    fn node(&self, path: &NodePath) -> Result<Option<SourceNode>> {
        let Some(parent) = path.parent() else {
            return Ok(Some(self.root()));
        };
        let group = match self.file.object(&parent.to_string()) {
            Ok(Object::Group(group)) => group,
            Ok(_) | Err(hdf5::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(source_error(error)),
        };
        let links = group.links().map_err(source_error)?;
        let Some(link) = links.iter().find(|link| link.name == *path.name()) else {
            return Ok(None);
        };
        self.follow(&group, &parent, link, &self.addresses(&parent)?)
            .map(Some)
    }

    fn members(&self, path: &NodePath) -> Result<Vec<SourceNode>> {
        let group = self.group(path)?;
        let above = self.addresses(path)?;
        let links = group.links().map_err(source_error)?;
        links
            .iter()
            .map(|link| self.follow(&group, path, link, &above))
            .collect()
    }

    fn first_name(&self, group: &NodePath) -> Result<Option<NodePath>> {
        let address = self.group(group)?.address().map_err(source_error)?;
        let first = self.file.path_of(address);
        let first = first.and_then(|first| NodePath::new(first.trim_start_matches('/')).ok());
        Ok(first.filter(|first| first != group))
    }

    fn attributes(&self, node: &SourceNode) -> Result<Attributes> {
        if matches!(node, SourceNode::Other { .. }) {
            return Ok(Attributes::default());
        }
        let path = node.path().to_string();
        let object = self.object(node.path())?;
        let names = match &object {
            Object::Group(group) => group.attribute_names(),
            Object::Dataset(dataset) => dataset.attribute_names(),
            Object::NamedType(datatype) => datatype.attribute_names(),
        };
        let read = |name: &hdf5::Name| match &object {
            Object::Group(group) => group.attribute(name),
            Object::Dataset(dataset) => dataset.attribute(name),
            Object::NamedType(datatype) => datatype.attribute(name),
        };
        let names = names.map_err(source_error)?;
        let paths = |address| self.file.path_of(address);
        let read = attributes::read(&path, &names, self.keeps, &paths, read).map_err(source_error)?;
        let (mut attributes, kept, found) = (read.attributes, read.original, read.found);
        if let SourceNode::Array(array) = node
            && let Some(array) = array.as_any().and_then(|array| array.downcast_ref::<Hdf5Array>())
            && let Some(names) = array.dimension_names()
        {
            let named = (DIMENSIONS_ATTRIBUTE.to_owned(), json!(names));
            attributes.members.extend([named]);
        }
        // What a dataset itself loses has no better place than beside what its attributes lose.
        if let Object::Dataset(dataset) = &object
            && let Some(reason) = lost_of_type(&dataset.info().datatype)
        {
            if self.keeps && type_json::to_json(&dataset.info().datatype).is_some() {
                attributes.kept.push(Kept {
                    what: path.clone(),
                    fate: Fate::Mapped,
                    reason: format!("{reason}: kept in `{KEY}`"),
                });
            } else {
                attributes.lost.push(Lost {
                    what: path.clone(),
                    reason,
                });
            }
        }
        let user_block = if node.path().is_root() {
            self.user_block(&mut attributes)?
        } else {
            None
        };
        if let Object::Dataset(dataset) = &object {
            tell_sources(dataset, &mut attributes)?;
        }
        if !self.keeps {
            return Ok(attributes);
        }
        attributes.reserved = Some(KEY);
        let mut original = Map::new();
        match &object {
            Object::Dataset(dataset) => {
                original::of_dataset(dataset.info(), &mut original);
                if let Some(path) = dataset.info().named_type.and_then(paths) {
                    original.insert("named_type".to_owned(), path.into());
                }
            }
            Object::Group(group) => {
                let links = self.keep_links(group, node.path(), &mut original)?;
                attributes.kept.extend(links);
                self.keep_file(node.path(), user_block, &mut original)?;
            }
            Object::NamedType(_) => {}
        }
        if original.get("tracks_attributes").is_some() {
            let order = found.iter().filter_map(|attribute| attribute.name.to_str());
            original.insert("attribute_order".to_owned(), order.map(Value::from).collect());
        }
        if !kept.is_empty() {
            original.insert("attributes".to_owned(), kept.into());
        }
        if !original.is_empty() {
            attributes.members.insert(KEY.to_owned(), original.into());
        }
        Ok(attributes)
    }
}

/// Tells of a dataset whose values come from elsewhere, and of what is not there.
fn tell_sources(dataset: &Dataset, attributes: &mut Attributes) -> Result<()> {
    let Some(names) = dataset.source_names().map_err(source_error)? else {
        return Ok(());
    };
    let what = match dataset.info().layout {
        Layout::Virtual => "a virtual dataset, whose values are copied",
        _ => "values in files without a format, which are copied",
    };
    let missing = dataset.missing_sources().map_err(source_error)?;
    let lost = missing.iter().map(|missing| Lost {
        what: dataset.path().to_owned(),
        reason: format!("its source {missing} is not there: the fill value is in its place"),
    });
    attributes.lost.extend(lost);
    // What is lost in part is not said to be carried over.
    if missing.is_empty() {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        attributes.kept.push(Kept {
            what: dataset.path().to_owned(),
            fate: Fate::Mapped,
            reason: format!("{what} from {}", names.join(", ")),
        });
    }
    Ok(())
}

/// An error of the file as one of a source: first what it is about, then what is wrong.
pub(super) fn source_error(error: hdf5::Error) -> Error {
    let shown = |file: &Path, object: &str| format!("`{object}` in `{}`", file.display());
    let (what, reason) = match error {
        hdf5::Error::Io { action, file, source } => {
            (format!("`{}`", file.display()), format!("{action}: {source}"))
        }
        hdf5::Error::NotHdf5 { file } => (
            format!("`{}`", file.display()),
            "it is not an HDF5 file".to_owned(),
        ),
        hdf5::Error::Library {
            action,
            file,
            object,
            reason,
        } => (shown(&file, &object), format!("{action}: {reason}")),
        hdf5::Error::NotFound { file, object } => (shown(&file, &object), "it is not there".to_owned()),
        hdf5::Error::WrongKind {
            file,
            object,
            expected,
            found,
        } => (
            shown(&file, &object),
            format!("it is a {found}, not a {expected}"),
        ),
        hdf5::Error::Damaged { file, object, reason } | hdf5::Error::Request { file, object, reason } => {
            (shown(&file, &object), reason)
        }
        hdf5::Error::Outside { file, object, reason } => {
            let reason = format!("its data lie outside the file: {reason}");
            (shown(&file, &object), reason)
        }
        hdf5::Error::MissingFilter {
            file,
            object,
            id,
            name,
        } => (
            shown(&file, &object),
            format!("filter {id} `{name}` is not built in"),
        ),
    };
    Error::Source { what, reason }
}
