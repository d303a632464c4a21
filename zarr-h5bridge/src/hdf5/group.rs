//! Groups and the links in them.

use std::ffi::{CStr, CString};

use super::attribute::Node;
use super::libhdf5::{self, Kind, ListedLink};
use super::{Attribute, File, Name, Object, Result};

/// A group of a file.
#[derive(Clone, Debug)]
pub struct Group {
    node: Node,
}

/// A link in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The name of the link in its group; never has a `/`.
    pub name: Name,
    /// Where it leads.
    pub kind: LinkKind,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkKind {
    /// To an object. Two links to the same address lead to the same object.
    Hard {
        /// The address of the object, unique in the file.
        address: u64,
        /// What the object is.
        object: ObjectKind,
    },
    /// To whatever has this path; a path without a leading `/` starts from the group.
    Soft {
        /// The path, which need not lead anywhere.
        target: Name,
    },
    /// To an object of another file. It is never followed.
    External {
        /// The name of the other file.
        file: Name,
        /// The path in it.
        path: Name,
    },
    /// Of a class that only the writer's program understands.
    UserDefined {
        /// The number of the class.
        class: i32,
    },
    /// The link cannot be read.
    Damaged {
        /// The library's words.
        reason: String,
    },
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A group.
    Group,
    /// A dataset.
    Dataset,
    /// A data type with a name.
    NamedType,
    /// Something newer than this crate.
    Unknown,
}

impl Group {
    pub(super) fn new(node: Node) -> Self {
        Self { node }
    }

    /// The file that the group belongs to.
    pub fn file(&self) -> &File {
        self.node.file()
    }

    /// The path that the group was opened by.
    pub fn path(&self) -> &str {
        self.node.path()
    }

    /// The address of the group, which tells it from all other objects of the file.
    ///
    /// # Errors
    /// [`Error::Library`](super::Error::Library) if the file is damaged.
    pub fn address(&self) -> Result<u64> {
        self.node.address()
    }

    /// Whether the order is kept in which links, and in which attributes, were made.
    ///
    /// # Errors
    /// [`Error::Library`](super::Error::Library) if the file is damaged.
    pub fn tracks_order(&self) -> Result<(bool, bool)> {
        self.node
            .check("opening", libhdf5::tracks_order(self.node.handle()))
    }

    /// All links: in the order they were made where the group tracks it, else in the order of their names' bytes.
    ///
    /// A link that cannot be read is listed as such.
    ///
    /// # Errors
    /// [`Error::Library`](super::Error::Library) if the group itself is damaged.
    pub fn links(&self) -> Result<Vec<Link>> {
        let listed = self.node.check("listing", libhdf5::links(self.node.handle()))?;
        Ok(listed.iter().map(|link| self.describe(link)).collect())
    }

    fn describe(&self, listed: &ListedLink) -> Link {
        let kind = self.kind(listed.class, &listed.name);
        Link {
            name: Name::from(listed.name.as_bytes().to_vec()),
            kind: kind.unwrap_or_else(|reason| LinkKind::Damaged { reason }),
        }
    }

    fn kind(&self, class: i32, name: &CStr) -> libhdf5::Called<LinkKind> {
        let group = self.node.handle();
        Ok(match class {
            0 => {
                let (address, kind) = libhdf5::linked_object(group, name)?;
                let object = match kind {
                    Kind::Group => ObjectKind::Group,
                    Kind::Dataset => ObjectKind::Dataset,
                    Kind::NamedType => ObjectKind::NamedType,
                    Kind::Unknown => ObjectKind::Unknown,
                };
                LinkKind::Hard { address, object }
            }
            1 => LinkKind::Soft {
                target: libhdf5::soft_target(group, name)?.into(),
            },
            64 => {
                let (file, path) = libhdf5::external_target(group, name)?;
                LinkKind::External {
                    file: file.into(),
                    path: path.into(),
                }
            }
            class => LinkKind::UserDefined { class },
        })
    }

    /// Opens the object that a link of this group leads to, through soft links if need be.
    ///
    /// # Errors
    /// As [`File::object`].
    pub fn open(&self, link: &Name) -> Result<Object> {
        let path = format!("{}/{link}", self.path().trim_end_matches('/'));
        // The library takes a path here, so it must not climb or wander.
        if CString::new(link.as_bytes()).is_err()
            || link.as_bytes().contains(&b'/')
            || link.as_bytes().is_empty()
        {
            return Err(super::Error::NotFound {
                file: self.file().path().to_owned(),
                object: path,
            });
        }
        self.file().open_from(self.node.handle(), link.as_bytes(), path)
    }

    /// The names of the attributes: in the order they were made where the group tracks it, else by name.
    ///
    /// # Errors
    /// [`Error::Library`](super::Error::Library) if the object is damaged.
    pub fn attribute_names(&self) -> Result<Vec<Name>> {
        self.node.attribute_names()
    }

    /// Reads one attribute.
    ///
    /// # Errors
    /// [`Error::NotFound`](super::Error::NotFound), or [`Error::Library`](super::Error::Library)
    /// if it is damaged.
    pub fn attribute(&self, name: &Name) -> Result<Attribute> {
        self.node.attribute(name)
    }
}
