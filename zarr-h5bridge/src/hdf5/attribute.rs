//! Attributes, and what all objects that have them share.

use std::ffi::CString;
use std::sync::Arc;

use super::libhdf5::{self, Called, Handle, Holder};
use super::{Dataspace, Datatype, Error, File, Item, Name, Result};

/// An attribute with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: Name,
    /// The type of the values.
    pub datatype: Datatype,
    /// The address of the type, if it is an object of the file.
    pub named_type: Option<u64>,
    /// How many values there are, and in what shape.
    pub space: Dataspace,
    /// The values, in C order; `None` if the type has values that are never given out.
    pub values: Option<Values>,
}

/// Values as they are in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Values of a fixed size, one after the other, in the bytes of the file.
    Fixed(Vec<u8>),
    /// Values of any length: for [`Datatype::VlenString`] the bytes of each text,
    /// for [`Datatype::VlenSequence`] the bytes of each sequence's values.
    Variable(Vec<Vec<u8>>),
    /// Values of any other type: those that mix fixed sizes and others, and references.
    Mixed(Vec<Item>),
}

/// Reads values of whatever type; `None` for references of HDF5 1.12, which are never given out.
pub(super) fn read_values(
    holder: Holder<'_>,
    datatype: &Datatype,
    handle: &Handle,
    file: &Handle,
) -> Called<Option<Values>> {
    match datatype {
        Datatype::VlenString { .. } => libhdf5::read_texts(holder, handle)
            .map(Values::Variable)
            .map(Some),
        Datatype::VlenSequence { element } if !element.points() => match element.size() {
            Some(size) => libhdf5::read_sequences(holder, handle, size)
                .map(Values::Variable)
                .map(Some),
            None => Ok(None),
        },
        _ if !datatype.points() => libhdf5::read_fixed(holder, handle).map(Values::Fixed).map(Some),
        _ if datatype.is_hidden() => Ok(None),
        _ => libhdf5::read_items(holder, datatype, handle, file)
            .map(Values::Mixed)
            .map(Some),
    }
}

/// An open object of a file: what groups, datasets and named types have in common.
#[derive(Clone, Debug)]
pub(super) struct Node {
    file: File,
    path: Arc<str>,
    handle: Arc<Handle>,
}

impl Node {
    pub(super) fn new(file: File, path: String, handle: Handle) -> Self {
        Self {
            file,
            path: path.into(),
            handle: Arc::new(handle),
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// The handle, to be kept as long as it is needed.
    pub(super) fn shared_handle(&self) -> Arc<Handle> {
        Arc::clone(&self.handle)
    }

    pub(super) fn address(&self) -> Result<u64> {
        self.check("opening", libhdf5::address(&self.handle))
    }

    pub(super) fn error(&self, action: &'static str, reason: String) -> Error {
        self.file.library_error(action, self.path.to_string(), reason)
    }

    /// Says which object of which file a call failed for.
    pub(super) fn check<T>(&self, action: &'static str, called: Called<T>) -> Result<T> {
        called.map_err(|reason| self.error(action, reason))
    }

    pub(super) fn attribute_names(&self) -> Result<Vec<Name>> {
        let names = self.check(
            "listing the attributes of",
            libhdf5::attribute_names(&self.handle),
        )?;
        Ok(names
            .into_iter()
            .map(|name| Name::from(name.into_bytes()))
            .collect())
    }

    pub(super) fn attribute(&self, name: &Name) -> Result<Attribute> {
        let object = format!("{}@{name}", self.path);
        let file_path = || self.file.path().to_owned();
        let Ok(c_name) = CString::new(name.as_bytes()) else {
            return Err(Error::NotFound {
                file: file_path(),
                object,
            });
        };
        match libhdf5::has_attribute(&self.handle, &c_name) {
            Ok(true) => {}
            Ok(false) => {
                return Err(Error::NotFound {
                    file: file_path(),
                    object,
                });
            }
            Err(reason) => return Err(self.file.library_error("reading", object, reason)),
        }
        let read = || -> Called<Attribute> {
            let handle = libhdf5::open_attribute(&self.handle, &c_name)?;
            let type_handle = libhdf5::attribute_type(&handle)?;
            let datatype = libhdf5::describe(&type_handle)?;
            let space = libhdf5::extent(&libhdf5::attribute_space(&handle)?)?;
            let stored_max = self.file.len_bytes();
            if space.n_elements().is_none_or(|n| n > stored_max) {
                return Err("it has more values than the file has bytes".to_owned());
            }
            let file = self.file.handle();
            let values = read_values(Holder::Attribute(&handle), &datatype, &type_handle, file)?;
            Ok(Attribute {
                name: name.clone(),
                datatype,
                named_type: libhdf5::committed_address(&type_handle)?,
                space,
                values,
            })
        };
        read().map_err(|reason| self.file.library_error("reading", object, reason))
    }
}
