//! A file that is written to.

use std::collections::HashMap;
use std::ffi::CString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::file::{c_path, exists};
use super::libhdf5::{self, Called, Handle, Kind, NewLayout, NewValues};
use super::{Datatype, Error, FileSpace, Filter, Item, ObjectKind, Result, Times, UserBlock};

/// An HDF5 file, open for changes.
///
/// External links are never followed, so nothing is written to other files.
#[derive(Debug)]
pub(crate) struct Writer {
    handle: Handle,
    path: PathBuf,
    is_writable: bool,
    /// Data types that get names when the groups are there, by the paths that they will have.
    named_types: Mutex<HashMap<String, (Datatype, Arc<Handle>)>>,
}

/// What a new dataset is to be.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own in HDF5"
)]
pub(crate) struct NewDataset {
    pub(crate) datatype: Datatype,
    /// The path of the type, if it has one.
    pub(crate) named_type: Option<String>,
    /// The length of each dimension; without dimensions there is one element.
    pub(crate) shape: Vec<u64>,
    /// Whether there are no elements and no shape either; the shape is then ignored.
    pub(crate) is_null: bool,
    /// What each length may grow to, if that is more than it is.
    pub(crate) max_shape: Option<Vec<Option<u64>>>,
    /// In one piece if absent.
    pub(crate) chunk_shape: Option<Vec<u64>>,
    /// Whether the one piece lies in the object's own header.
    pub(crate) is_compact: bool,
    /// What is done to the bytes of each chunk, in this order; only chunks have filters.
    pub(crate) filters: Vec<Filter>,
    /// Whether chunks that reach beyond the dataset go through the filters too.
    pub(crate) filters_partial_chunks: bool,
    /// The bytes of an element that was never written, as in the file; of text of any length its bytes, and of
    /// sequences none, as that is the only one that can be told.
    pub(crate) fill_value: Option<Vec<u8>>,
    /// Whether elements that were never written are whatever happens to be there.
    pub(crate) is_fill_undefined: bool,
    /// Whether the order of attributes is kept.
    pub(crate) tracks_attributes: bool,
    pub(crate) times: Times,
}

/// A link that is not the name of a new object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NewLink {
    /// To a path.
    Soft(String),
    /// To a path of another file.
    External(String, String),
    /// To the object that has this path.
    Hard(String),
    /// The name of a data type.
    Type(Datatype),
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
    /// Values of any type.
    Items {
        datatype: Datatype,
        shape: Vec<u64>,
        items: Vec<Item>,
    },
    /// No value, but a type.
    Null { datatype: Datatype },
}

/// Values that are written when everything that they point to is there.
#[derive(Debug)]
pub(crate) struct Later {
    pub(crate) datatype: Datatype,
    /// The shape of the dataset.
    pub(crate) shape: Vec<u64>,
    pub(crate) offset: Vec<u64>,
    pub(crate) count: Vec<u64>,
    pub(crate) items: Vec<Item>,
}

/// A dataset that is being written and has no name yet.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    writer: &'a Writer,
    handle: Arc<Handle>,
    datatype: Arc<Handle>,
    described: Datatype,
    shape: Vec<u64>,
    /// The path that it will have.
    path: &'a str,
}

/// The chunks of a dataset that is being written, as they are stored.
#[derive(Debug)]
pub(crate) struct ChunkWriter {
    handle: Arc<Handle>,
    ndim: usize,
    file: PathBuf,
    path: String,
}

impl ChunkWriter {
    /// The words for the dataset.
    pub(crate) fn describe(&self) -> String {
        format!("`{}` in `{}`", self.path, self.file.display())
    }

    /// Writes a chunk that went through all filters, told by its first element.
    pub(crate) fn write(&self, offset: &[u64], encoded: &[u8]) -> Result<()> {
        let written = libhdf5::write_chunk(&self.handle, self.ndim, offset, encoded);
        written.map_err(|reason| Error::Library {
            action: "writing",
            file: self.file.clone(),
            object: self.path.clone(),
            reason: format!("{reason}, of the chunk at {offset:?}"),
        })
    }
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

    /// Makes a file where none is, whose root group keeps the order of its links and of its attributes, or not.
    pub(crate) fn create(
        path: &Path,
        tracks: (bool, bool),
        user_block: Option<&UserBlock>,
        space: &FileSpace,
    ) -> Result<Self> {
        let size = user_block.map_or(0, |block| block.size);
        let made = Self::new(path, "creating", |name| {
            libhdf5::create_file(name, tracks, size, space)
        })?;
        if let Some(UserBlock { bytes, .. }) = user_block {
            let file = fs::OpenOptions::new().write(true).open(path);
            let written = file.and_then(|mut file| file.write_all(bytes));
            written.map_err(|source| Error::Io {
                action: "writing the user block of",
                file: path.to_owned(),
                source,
            })?;
        }
        Ok(made)
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
            named_types: Mutex::default(),
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
    pub(crate) fn require_group(&self, path: &str, tracks: (bool, bool)) -> Result<()> {
        self.group(path, tracks).map(drop)
    }

    /// Gives the members of a group an order, by making their links anew.
    pub(crate) fn arrange(&self, path: &str, names: &[String]) -> Result<()> {
        let Some(group) = self.find(path)? else {
            return Ok(());
        };
        for name in names {
            let name = self.name(name, path)?;
            self.check("arranging", path, libhdf5::relink(&group, &name))?;
        }
        Ok(())
    }

    /// Makes a link, in the place of what has its name.
    pub(crate) fn put_link(&self, group: &str, name: &str, link: &NewLink) -> Result<()> {
        let path = format!("{}/{name}", group.trim_end_matches('/'));
        let above = self.group(group, (false, false))?;
        let object = match link {
            NewLink::Hard(target) => Some(self.find(target)?.ok_or_else(|| Error::NotFound {
                file: self.path.clone(),
                object: target.clone(),
            })?),
            _ => None,
        };
        self.remove(&path)?;
        let c_name = self.name(name, &path)?;
        let text = |text: &str| self.name(text, &path);
        let made = match (link, object) {
            (NewLink::Soft(target), _) => libhdf5::link_softly(&text(target)?, &above, &c_name),
            (NewLink::External(file, target), _) => {
                libhdf5::link_outside((&text(file)?, &text(target)?), &above, &c_name)
            }
            (NewLink::Type(datatype), _) => match self.named_type(datatype, Some(&path)) {
                Some(made) => libhdf5::link(&made, &above, &c_name),
                None => libhdf5::make_type(datatype).and_then(|made| libhdf5::commit(&made, &above, &c_name)),
            },
            (NewLink::Hard(_), Some(object)) => libhdf5::link(&object, &above, &c_name),
            (NewLink::Hard(_), None) => Ok(()),
        };
        self.check("linking", &path, made)
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

    /// Makes a data type that datasets and attributes can share before [`put_link`](Self::put_link) gives it its name.
    pub(crate) fn prepare_type(&self, path: &str, datatype: &Datatype) -> Result<()> {
        let make = || -> Called<_> {
            let made = libhdf5::make_type(datatype)?;
            libhdf5::commit_unnamed(&self.handle, &made)?;
            Ok(Arc::new(made))
        };
        let made = self.check("creating", path, make())?;
        let mut named = self.named_types.lock().unwrap_or_else(PoisonError::into_inner);
        named.insert(path.to_owned(), (datatype.clone(), made));
        Ok(())
    }

    /// A type that was prepared for a path, if it is still this one.
    fn named_type(&self, datatype: &Datatype, path: Option<&str>) -> Option<Arc<Handle>> {
        let named = self.named_types.lock().unwrap_or_else(PoisonError::into_inner);
        let (described, made) = named.get(path?)?;
        (described == datatype).then(|| Arc::clone(made))
    }

    fn make_type(&self, datatype: &Datatype, named: Option<&str>) -> Called<Arc<Handle>> {
        match self.named_type(datatype, named) {
            Some(made) => Ok(made),
            None => libhdf5::make_type(datatype).map(Arc::new),
        }
    }

    fn must_find(&self, path: &str) -> Result<Handle> {
        self.find(path)?.ok_or_else(|| Error::NotFound {
            file: self.path.clone(),
            object: path.to_owned(),
        })
    }

    /// Sets an attribute of the object at a path, whose type may have a path too.
    pub(crate) fn set_attribute(
        &self,
        path: &str,
        name: &str,
        value: &NewAttribute,
        named_type: Option<&str>,
    ) -> Result<()> {
        self.attribute(&self.must_find(path)?, path, name, value, named_type)
    }

    /// Writes other items into an attribute of the object at a path.
    pub(crate) fn rewrite_attribute(
        &self,
        path: &str,
        name: &str,
        datatype: &Datatype,
        items: &[Item],
    ) -> Result<()> {
        let (object, shown) = (self.must_find(path)?, format!("{path}@{name}"));
        let c_name = self.name(name, &shown)?;
        let rewrite = || -> Called<()> {
            let made = libhdf5::make_type(datatype)?;
            let values = NewValues::Items(datatype, items, &self.handle);
            libhdf5::rewrite_attribute(&object, &c_name, &made, values)
        };
        self.check("writing", &shown, rewrite())
    }

    /// Begins a dataset that will be at a path.
    pub(crate) fn begin<'a>(&'a self, path: &'a str, new: &NewDataset) -> Result<Draft<'a>> {
        let make = || -> Called<_> {
            let datatype = self.make_type(&new.datatype, new.named_type.as_deref())?;
            let text: Vec<_> = new
                .fill_value
                .iter()
                .flat_map(|text| CString::new(text.as_slice()))
                .collect();
            let nothing = [Item::Sequence(Vec::new())];
            let handle = libhdf5::create_dataset(
                &self.handle,
                &datatype,
                &new.shape,
                &NewLayout {
                    is_null: new.is_null,
                    max_shape: new.max_shape.as_deref(),
                    chunk_shape: new.chunk_shape.as_deref(),
                    is_compact: new.is_compact,
                    filters: &new.filters,
                    filters_partial_chunks: new.filters_partial_chunks,
                    fill_value: new.fill_value.as_deref().map(|bytes| match new.datatype {
                        Datatype::VlenString { .. } => NewValues::Texts(&text),
                        Datatype::VlenSequence { .. } => {
                            NewValues::Items(&new.datatype, &nothing, &self.handle)
                        }
                        _ => NewValues::Fixed(bytes),
                    }),
                    is_fill_undefined: new.is_fill_undefined,
                    tracks_attributes: new.tracks_attributes,
                    times: new.times,
                },
            )?;
            Ok((datatype, handle))
        };
        let (datatype, handle) = self.check("creating", path, make())?;
        Ok(Draft {
            writer: self,
            handle: Arc::new(handle),
            datatype,
            described: new.datatype.clone(),
            shape: new.shape.clone(),
            path,
        })
    }

    fn attribute(
        &self,
        object: &Handle,
        path: &str,
        name: &str,
        value: &NewAttribute,
        named_type: Option<&str>,
    ) -> Result<()> {
        let shown = format!("{path}@{name}");
        let c_name = self.name(name, &shown)?;
        let set = || match value {
            NewAttribute::Fixed {
                datatype,
                shape,
                bytes,
            } => {
                let datatype = self.make_type(datatype, named_type)?;
                libhdf5::set_attribute(object, &c_name, &datatype, Some(shape), NewValues::Fixed(bytes))
            }
            NewAttribute::Items {
                datatype,
                shape,
                items,
            } => {
                let made = self.make_type(datatype, named_type)?;
                let values = NewValues::Items(datatype, items, &self.handle);
                libhdf5::set_attribute(object, &c_name, &made, Some(shape), values)
            }
            NewAttribute::Null { datatype } => {
                let made = self.make_type(datatype, named_type)?;
                libhdf5::set_attribute(object, &c_name, &made, None, NewValues::Fixed(&[]))
            }
            NewAttribute::Texts { shape, texts } => {
                let charset = super::Charset::Utf8;
                let datatype = libhdf5::make_type(&Datatype::VlenString { charset })?;
                libhdf5::set_attribute(object, &c_name, &datatype, Some(shape), NewValues::Texts(texts))
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
                reason: "an external link".to_owned(),
            }),
            Err(_) if !exists(location, relative.as_bytes()).unwrap_or(true) => Ok(None),
            Err(reason) => self.check("opening", path, Err(reason)),
        }
    }

    /// Opens a group, and makes it and those above it where they are not there.
    fn group(&self, path: &str, tracks: (bool, bool)) -> Result<Handle> {
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
                    self.check("creating", path, libhdf5::create_group(&group, &name, tracks))?
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
    /// The way to write chunks as they are stored, which any thread may go.
    pub(crate) fn chunks(&self) -> ChunkWriter {
        ChunkWriter {
            handle: Arc::clone(&self.handle),
            ndim: self.shape.len(),
            file: self.writer.path.clone(),
            path: self.path.to_owned(),
        }
    }

    /// Writes a box of `count` elements that starts at `offset`, in the bytes of the file.
    pub(crate) fn write(&self, offset: &[u64], count: &[u64], bytes: &[u8]) -> Result<()> {
        self.write_values(offset, count, NewValues::Fixed(bytes))
    }

    /// Writes a box of `count` texts that starts at `offset`.
    pub(crate) fn write_texts(&self, offset: &[u64], count: &[u64], texts: &[CString]) -> Result<()> {
        self.write_values(offset, count, NewValues::Texts(texts))
    }

    /// Writes a box of values of any type that starts at `offset`.
    pub(crate) fn write_items(&self, offset: &[u64], count: &[u64], items: &[Item]) -> Result<()> {
        let values = NewValues::Items(&self.described, items, &self.writer.handle);
        self.write_values(offset, count, values)
    }

    fn write_values(&self, offset: &[u64], count: &[u64], values: NewValues<'_>) -> Result<()> {
        let written =
            libhdf5::write_region(&self.handle, &self.datatype, &self.shape, (offset, count), values);
        self.writer.check("writing", self.path, written)
    }

    /// Sets an attribute, as [`Writer::set_attribute`].
    pub(crate) fn set_attribute(
        &self,
        name: &str,
        value: &NewAttribute,
        named_type: Option<&str>,
    ) -> Result<()> {
        self.writer
            .attribute(&self.handle, self.path, name, value, named_type)
    }

    /// Writes values of any type into all of the dataset at a path.
    pub(crate) fn finish_items(writer: &Writer, path: &str, later: &Later) -> Result<()> {
        let Some(handle) = writer.find(path)? else {
            return Ok(());
        };
        let (offset, count) = (&later.offset, &later.count);
        let write = || -> Called<()> {
            let datatype = libhdf5::make_type(&later.datatype)?;
            let values = NewValues::Items(&later.datatype, &later.items, &writer.handle);
            libhdf5::write_region(&handle, &datatype, &later.shape, (offset, count), values)
        };
        writer.check("writing", path, write())
    }

    /// Gives the dataset its name; with `replaces`, what has the name loses it.
    pub(crate) fn publish(self, replaces: bool) -> Result<()> {
        let (above, name) = split(self.path);
        let group = self.writer.group(above, (false, false))?;
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
