//! A file as a source: its groups, datasets and attributes.

use std::{collections::HashMap, path::Path, sync::Arc};

use zarr_convenience::core::NodePath;
use zarr_convenience::{Attributes, Error, Lost, Result, Source, SourceNode};

use super::{
    array::Hdf5Array,
    attributes,
    datatype::lost_names,
    filters,
    links::{node_path, unfollowed},
};
use crate::hdf5::{self, File, Group, Link, LinkKind, Object};

/// An HDF5 file whose groups, datasets and attributes are read as those of a Zarr hierarchy.
///
/// Soft links are followed. What cannot be a node is listed as [`SourceNode::Other`], so that a copy reports it:
/// broken and external links, named data types, datasets of types that Zarr lacks or without a shape, links whose
/// names no node can have, and links that lead back to a group above.
#[derive(Debug, Clone)]
pub struct Hdf5Source {
    file: File,
}

impl Hdf5Source {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::Source`] if it cannot be opened, is something else, or is damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        filters::register();
        let file = File::open(path).map_err(source_error)?;
        Ok(Self { file })
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
            Ok(object) => classify(object, path, above),
            Err(error) => match unfollowed(&link.kind, &error) {
                Some(what) => Ok(SourceNode::Other { path, what }),
                None => Err(source_error(error)),
            },
        }
    }
}

/// What an object is to Zarr.
fn classify(object: Object, path: NodePath, above: &HashMap<u64, NodePath>) -> Result<SourceNode> {
    Ok(match object {
        Object::Group(group) => match above.get(&group.address().map_err(source_error)?) {
            Some(same) => SourceNode::Other {
                what: format!("cycle: it is '{same}' again"),
                path,
            },
            None => SourceNode::Group(path),
        },
        Object::Dataset(dataset) => match Hdf5Array::new(path.clone(), dataset) {
            Ok(array) => SourceNode::Array(Arc::new(array)),
            Err(what) => SourceNode::Other { path, what },
        },
        Object::NamedType(_) => SourceNode::Other {
            path,
            what: "named data type".to_owned(),
        },
    })
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
        let mut attributes = attributes::read(&path, &names, read).map_err(source_error)?;
        // What a dataset itself loses has no better place than beside what its attributes lose.
        if let Object::Dataset(dataset) = &object
            && let Some(reason) = lost_names(&dataset.info().datatype)
        {
            attributes.lost.push(Lost { what: path, reason });
        }
        Ok(attributes)
    }
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
        hdf5::Error::Outside { file, object } => {
            (shown(&file, &object), "its data lie outside the file".to_owned())
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
