//! A file that is written to.

use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};

use super::file::{c_path, exists};
use super::libhdf5::{self, Called, Handle, Kind, NewLayout, NewValues};
use super::{Datatype, Error, ObjectKind, Result};

/// An HDF5 file, open for changes.
///
/// External links are never followed, so nothing is written to other files.
#[derive(Debug)]
pub(crate) struct Writer {
    handle: Handle,
    path: PathBuf,
    is_writable: bool,
}

/// What a new dataset is to be.
#[derive(Clone, Debug)]
pub(crate) struct NewDataset {
    pub(crate) datatype: Datatype,
    /// The length of each dimension; without dimensions there is one element.
    pub(crate) shape: Vec<u64>,
    /// In one piece if absent.
    pub(crate) chunk_shape: Option<Vec<u64>>,
    /// The level of compression; only chunks can be compressed.
    pub(crate) gzip: Option<u8>,
    /// Whether the bytes of elements are shuffled before; of chunks alone.
    pub(crate) shuffle: bool,
    /// Whether chunks carry a checksum.
    pub(crate) fletcher32: bool,
    /// The bytes of an element that was never written, as in the file.
    pub(crate) fill_value: Option<Vec<u8>>,
}

/// The values of a new attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NewAttribute {
    /// Values of a fixed size, in the bytes of the file.
    Fixed {
        datatype: Datatype,
        shape: Vec<u64>,
        bytes: Vec<u8>,
    },
    /// UTF-8 texts of any length.
    Texts { shape: Vec<u64>, texts: Vec<CString> },
}

/// A dataset that is being written and has no name yet.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    writer: &'a Writer,
    handle: Handle,
    datatype: Handle,
    shape: Vec<u64>,
    /// The path that it will have.
    path: &'a str,
}

impl Writer {
    /// Opens a file that is there.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        Self::new(path, "opening", libhdf5::open_file_for_changes)
    }

    /// Opens a file that is there and stays as it is.
    pub(crate) fn look(path: &Path) -> Result<Self> {
        let opened = Self::new(path, "opening", libhdf5::open_file)?;
        Ok(Self {
            is_writable: false,
            ..opened
        })
    }

    /// Whether the file may be changed.
    pub(crate) fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Makes a file where none is.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        Self::new(path, "creating", libhdf5::create_file)
    }

    fn new(
        path: &Path,
        action: &'static str,
        open: impl FnOnce(&std::ffi::CStr) -> Called<Handle>,
    ) -> Result<Self> {
        let name = c_path(path).map_err(|source| Error::Io {
            action,
            file: path.to_owned(),
            source,
        })?;
        let handle = open(&name).map_err(|reason| Error::Library {
            action,
            file: path.to_owned(),
            object: "/".to_owned(),
            reason,
        })?;
        Ok(Self {
            handle,
            path: path.to_owned(),
            is_writable: true,
        })
    }

    /// Hands all changes to the disk.
    pub(crate) fn flush(&self) -> Result<()> {
        self.check("flushing", "/", libhdf5::flush(&self.handle))?;
        let synced = fs::File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|source| Error::Io {
            action: "flushing",
            file: self.path.clone(),
            source,
        })
    }

    /// What is at a path; `None` if nothing is.
    pub(crate) fn kind(&self, path: &str) -> Result<Option<ObjectKind>> {
        Ok(self.find(path)?.map(|object| match libhdf5::kind(&object) {
            Kind::Group => ObjectKind::Group,
            Kind::Dataset => ObjectKind::Dataset,
            Kind::NamedType => ObjectKind::NamedType,
            Kind::Unknown => ObjectKind::Unknown,
        }))
    }

    /// Makes a group and those above it where they are not there.
    pub(crate) fn require_group(&self, path: &str) -> Result<()> {
        self.group(path).map(drop)
    }

    /// Removes the link at a path, if there is one.
    pub(crate) fn remove(&self, path: &str) -> Result<()> {
        let (above, name) = split(path);
        let Some(group) = self.find(above)? else {
            return Ok(());
        };
        let name = self.name(name, path)?;
        let remove = || -> Called<()> {
            if libhdf5::has_link(&group, &name)? {
                libhdf5::unlink(&group, &name)?;
            }
            Ok(())
        };
        self.check("removing", path, remove())
    }

    /// Sets an attribute of the object at a path.
    pub(crate) fn set_attribute(&self, path: &str, name: &str, value: &NewAttribute) -> Result<()> {
        let object = self.find(path)?.ok_or_else(|| Error::NotFound {
            file: self.path.clone(),
            object: path.to_owned(),
        })?;
        self.attribute(&object, path, name, value)
    }

    /// Begins a dataset that will be at a path.
    pub(crate) fn begin<'a>(&'a self, path: &'a str, new: &NewDataset) -> Result<Draft<'a>> {
        let make = || -> Called<_> {
            let datatype = libhdf5::make_type(&new.datatype)?;
            let handle = libhdf5::create_dataset(
                &self.handle,
                &datatype,
                &new.shape,
                NewLayout {
                    chunk_shape: new.chunk_shape.as_deref(),
                    gzip: new.gzip,
                    shuffle: new.shuffle,
                    fletcher32: new.fletcher32,
                },
                new.fill_value.as_deref(),
            )?;
            Ok((datatype, handle))
        };
        let (datatype, handle) = self.check("creating", path, make())?;
        Ok(Draft {
            writer: self,
            handle,
            datatype,
            shape: new.shape.clone(),
            path,
        })
    }

    fn attribute(&self, object: &Handle, path: &str, name: &str, value: &NewAttribute) -> Result<()> {
        let shown = format!("{path}@{name}");
        let c_name = self.name(name, &shown)?;
        let set = || match value {
            NewAttribute::Fixed {
                datatype,
                shape,
                bytes,
            } => {
                let datatype = libhdf5::make_type(datatype)?;
                libhdf5::set_attribute(object, &c_name, &datatype, shape, NewValues::Fixed(bytes))
            }
            NewAttribute::Texts { shape, texts } => {
                let charset = super::Charset::Utf8;
                let datatype = libhdf5::make_type(&Datatype::VlenString { charset })?;
                libhdf5::set_attribute(object, &c_name, &datatype, shape, NewValues::Texts(texts))
            }
        };
        self.check("writing", &shown, set())
    }

    /// Opens what is at a path.
    fn find(&self, path: &str) -> Result<Option<Handle>> {
        let relative = match path.trim_matches('/') {
            "" => "/",
            relative => relative,
        };
        self.find_from(&self.handle, relative, path)
    }

    fn find_from(&self, location: &Handle, relative: &str, path: &str) -> Result<Option<Handle>> {
        let name = self.name(relative, path)?;
        match libhdf5::open_object(location, &name) {
            Ok(Some(object)) => Ok(Some(object)),
            Ok(None) => Err(Error::Outside {
                file: self.path.clone(),
                object: path.to_owned(),
            }),
            Err(_) if !exists(location, relative.as_bytes()).unwrap_or(true) => Ok(None),
            Err(reason) => self.check("opening", path, Err(reason)),
        }
    }

    /// Opens a group, and makes it and those above it where they are not there.
    fn group(&self, path: &str) -> Result<Handle> {
        let root = self.find_from(&self.handle, "/", "/")?;
        let mut group =
            root.ok_or_else(|| self.error("opening", "/", "there is no root group".to_owned()))?;
        for part in path.split('/').filter(|part| !part.is_empty()) {
            group = match self.find_from(&group, part, path)? {
                Some(found) if libhdf5::kind(&found) == Kind::Group => found,
                Some(_) => {
                    return Err(self.error("creating", path, format!("`{part}` on the way is no group")));
                }
                None => {
                    let name = self.name(part, path)?;
                    self.check("creating", path, libhdf5::create_group(&group, &name))?
                }
            };
        }
        Ok(group)
    }

    fn name(&self, name: &str, path: &str) -> Result<CString> {
        CString::new(name).map_err(|_| {
            self.error(
                "naming",
                path,
                "its name has a zero byte, which ends names in HDF5".to_owned(),
            )
        })
    }

    fn error(&self, action: &'static str, object: &str, reason: String) -> Error {
        Error::Library {
            action,
            file: self.path.clone(),
            object: object.to_owned(),
            reason,
        }
    }

    fn check<T>(&self, action: &'static str, object: &str, called: Called<T>) -> Result<T> {
        called.map_err(|reason| self.error(action, object, reason))
    }
}

impl Draft<'_> {
    /// Writes a box of `count` elements that starts at `offset`, in the bytes of the file.
    pub(crate) fn write(&self, offset: &[u64], count: &[u64], bytes: &[u8]) -> Result<()> {
        self.write_values(offset, count, NewValues::Fixed(bytes))
    }

    /// Writes a box of `count` texts that starts at `offset`.
    pub(crate) fn write_texts(&self, offset: &[u64], count: &[u64], texts: &[CString]) -> Result<()> {
        self.write_values(offset, count, NewValues::Texts(texts))
    }

    fn write_values(&self, offset: &[u64], count: &[u64], values: NewValues<'_>) -> Result<()> {
        let written =
            libhdf5::write_region(&self.handle, &self.datatype, &self.shape, (offset, count), values);
        self.writer.check("writing", self.path, written)
    }

    /// Sets an attribute.
    pub(crate) fn set_attribute(&self, name: &str, value: &NewAttribute) -> Result<()> {
        self.writer.attribute(&self.handle, self.path, name, value)
    }

    /// Gives the dataset its name; with `replaces`, what has the name loses it.
    pub(crate) fn publish(self, replaces: bool) -> Result<()> {
        let (above, name) = split(self.path);
        let group = self.writer.group(above)?;
        if replaces {
            self.writer.remove(self.path)?;
        }
        let name = self.writer.name(name, self.path)?;
        self.writer
            .check("creating", self.path, libhdf5::link(&self.handle, &group, &name))
    }
}

/// The path of the group above, and the name in it.
fn split(path: &str) -> (&str, &str) {
    path.trim_end_matches('/').rsplit_once('/').unwrap_or(("", path))
}
