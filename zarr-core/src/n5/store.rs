//! The keys of N5 as those of Zarr V2.
//!
//! ```text
//! a/.zgroup, a/.zarray, a/.zattrs    a/attributes.json, all of them
//! a/0.1.2                            a/2/1/0
//! ```

use std::sync::Arc;

use serde_json::Value;
use zarr_store::{
    ByteRange, Capabilities, KeyLock, Listing, ReadBuffer, Staged, Store, StoreError, StoreExt, StoreKey,
    StorePrefix, forward_to_store,
};

use super::{
    FORMAT,
    documents::{
        DIMENSIONS, Document, KEYWORDS, array_to_n5, array_to_zarr, attributes_to_n5, attributes_to_zarr,
        group_to_n5, group_to_zarr,
    },
    parse,
};
use crate::{
    hierarchy::{V2_ARRAY, V2_ATTRIBUTES, V2_GROUP, V3_NODE},
    metadata::json::{self, Style},
};

type Result<T> = std::result::Result<T, StoreError>;

/// The document of N5.
const ATTRIBUTES: &str = "attributes.json";
/// The largest document that is read.
const SIZE_MAX: u64 = 64 << 20;

/// A tree of N5 that is seen as one of Zarr V2.
///
/// A node is where an `attributes.json` is: an array if that has dimensions, else a group.
/// Arrays have the compressor `n5_wrapper`, with the compression of N5 within; a change of one document of a node is a
/// change of `attributes.json`, which is read before and written as a whole.
#[derive(Debug)]
pub struct N5Store {
    inner: Arc<dyn Store>,
    /// Whether the root of this store is the root of the tree.
    is_top: bool,
}

/// What a key of V2 stands for.
enum Target {
    Document(&'static str, StoreKey),
    Value(StoreKey),
    /// A document of V3, of which there are none.
    Nothing,
}

impl N5Store {
    pub(super) fn below(inner: Arc<dyn Store>, is_top: bool) -> Self {
        Self { inner, is_top }
    }

    fn target(key: &StoreKey) -> Result<Target> {
        let name = [V2_GROUP, V2_ARRAY, V2_ATTRIBUTES]
            .into_iter()
            .find(|name| *name == key.name());
        if let Some(name) = name {
            return Ok(Target::Document(name, key.parent().key(ATTRIBUTES)?));
        }
        if key.name() == V3_NODE {
            return Ok(Target::Nothing);
        }
        if !is_chunk(key.name()) {
            return Ok(Target::Value(key.clone()));
        }
        let coords: Vec<_> = key.name().split('.').rev().collect();
        Ok(Target::Value(key.parent().key(&coords.join("/"))?))
    }

    fn no_v3(&self) -> StoreError {
        StoreError::NotSupported {
            operation: "the Zarr format 3 in N5 directories",
            store: self.describe(""),
        }
    }

    /// The document of N5 at its key.
    fn load(&self, key: &StoreKey) -> Result<Option<Document>> {
        let Some(bytes) = self.inner.get(key, SIZE_MAX)? else {
            return Ok(None);
        };
        let corrupt = |reason| StoreError::Corrupt {
            what: self.inner.describe(key.as_str()),
            reason,
        };
        parse(&bytes).map(Some).map_err(corrupt)
    }

    /// A document of V2; `None` if the node is none of its kind.
    fn document(&self, name: &str, key: &StoreKey) -> Result<Option<Vec<u8>>> {
        let Some(document) = self.load(key)? else {
            return Ok(None);
        };
        let is_array = document.contains_key(DIMENSIONS);
        let shown = match name {
            V2_GROUP if !is_array => group_to_zarr(),
            V2_ARRAY if is_array => array_to_zarr(&document).map_err(|reason| StoreError::Corrupt {
                what: self.inner.describe(key.as_str()),
                reason,
            })?,
            V2_ATTRIBUTES => match attributes_to_zarr(&document) {
                attributes if attributes.is_empty() => return Ok(None),
                attributes => attributes.into(),
            },
            _ => return Ok(None),
        };
        Ok(Some(json::write(&shown, Style::V2)))
    }

    fn set_document(&self, name: &str, key: &StoreKey, value: &[u8]) -> Result<()> {
        let refused = |reason| StoreError::Conflict {
            what: self.inner.describe(key.as_str()),
            reason,
        };
        let given = parse(value).map_err(refused)?;
        let mut document = self.load(key)?.unwrap_or_default();
        match name {
            V2_GROUP => group_to_n5(&mut document),
            V2_ARRAY => {
                let is_top = self.is_top && key.parent().is_root();
                array_to_n5(&mut document, &Value::from(given), is_top).map_err(refused)?;
            }
            _ => attributes_to_n5(&mut document, given).map_err(refused)?,
        }
        self.inner.set(key, &json::write(&document.into(), Style::V2))
    }

    /// Takes what a document of V2 says out of that of N5; the last one takes the document with it.
    fn erase_document(&self, name: &str, key: &StoreKey) -> Result<()> {
        let Some(mut document) = self.load(key)? else {
            return Ok(());
        };
        let is_array = document.contains_key(DIMENSIONS);
        match name {
            V2_ATTRIBUTES => document.retain(|name, _| KEYWORDS.contains(&name.as_str())),
            V2_GROUP if is_array => return Ok(()),
            V2_ARRAY if !is_array => return Ok(()),
            // Without it the node is gone, whatever attributes it had.
            _ => return self.inner.erase(key),
        }
        self.inner.set(key, &json::write(&document.into(), Style::V2))
    }

    /// The chunks below a folder of an array, by the names that V2 gives them.
    fn chunks(&self, array: &StorePrefix, listing: &Listing, keys: &mut Vec<StoreKey>) -> Result<()> {
        for key in &listing.keys {
            let coords: Vec<_> = array.strip(key).unwrap_or_default().split('/').collect();
            if coords.iter().all(|part| is_number(part)) {
                let name: Vec<_> = coords.into_iter().rev().collect();
                keys.push(array.key(&name.join("."))?);
            }
        }
        for below in listing.prefixes.iter().filter(|prefix| is_number(prefix.name())) {
            self.chunks(array, &self.inner.list_dir(below)?, keys)?;
        }
        Ok(())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_chunk(name: &str) -> bool {
    name.split('.').all(is_number)
}

#[deny(clippy::missing_trait_methods)]
impl Store for N5Store {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        match Self::target(key)? {
            Target::Value(key) => self.inner.get_ranges(&key, ranges, buffer),
            Target::Nothing => {
                buffer.clear();
                Ok(false)
            }
            Target::Document(name, key) => {
                buffer.clear();
                let Some(document) = self.document(name, &key)? else {
                    return Ok(false);
                };
                buffer.push_ranges(&document.into(), ranges, || self.describe(key.as_str()))?;
                Ok(true)
            }
        }
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        match Self::target(key)? {
            Target::Value(key) => self.inner.size(&key),
            Target::Nothing => Ok(None),
            Target::Document(name, key) => {
                Ok(self.document(name, &key)?.map(|document| document.len() as u64))
            }
        }
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        match Self::target(key)? {
            Target::Value(key) => self.inner.set(&key, value),
            Target::Document(name, key) => self.set_document(name, &key, value),
            Target::Nothing => Err(self.no_v3()),
        }
    }

    fn check_set(&self, keys: &[StoreKey]) -> Result<()> {
        let kept = keys.iter().map(|key| match Self::target(key)? {
            Target::Value(kept) | Target::Document(_, kept) => Ok(kept),
            Target::Nothing => Err(self.no_v3()),
        });
        self.inner.check_set(&kept.collect::<Result<Vec<_>>>()?)
    }

    fn lock(&self, key: &StoreKey) -> Result<KeyLock> {
        match Self::target(key)? {
            Target::Value(key) | Target::Document(_, key) => self.inner.lock(&key),
            Target::Nothing => Ok(KeyLock::default()),
        }
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        match Self::target(key)? {
            Target::Value(key) => self.inner.erase(&key),
            Target::Document(name, key) => self.erase_document(name, &key),
            Target::Nothing => Ok(()),
        }
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let mut listing = self.inner.list_dir(prefix)?;
        let key = prefix.key(ATTRIBUTES)?;
        let Some(document) = self.load(&key)? else {
            return Ok(listing);
        };
        let mut keys = Vec::new();
        if !attributes_to_zarr(&document).is_empty() {
            keys.push(prefix.key(V2_ATTRIBUTES)?);
        }
        listing.keys.retain(|found| *found != key);
        if document.contains_key(DIMENSIONS) {
            keys.push(prefix.key(V2_ARRAY)?);
            let (chunks, others) = listing
                .prefixes
                .into_iter()
                .partition(|below| is_number(below.name()));
            let (values, strangers) = listing.keys.into_iter().partition(|key| is_number(key.name()));
            keys.extend::<Vec<_>>(strangers);
            let numbered = Listing {
                keys: values,
                prefixes: chunks,
            };
            self.chunks(prefix, &numbered, &mut keys)?;
            listing.prefixes = others;
        } else {
            keys.push(prefix.key(V2_GROUP)?);
            keys.append(&mut listing.keys);
        }
        keys.sort();
        listing.keys = keys;
        Ok(listing)
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().at_once()
    }

    fn stage(&self, target: &StorePrefix) -> Result<Option<Box<dyn Staged>>> {
        let is_top = self.is_top && target.is_root();
        let staged = self.inner.stage(target)?;
        Ok(staged.map(|tree| tree.with_store(|inner| Self::below(inner, is_top))))
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        match Self::target(key)? {
            Target::Document(_, key) | Target::Value(key) => self.inner.generation(&key),
            Target::Nothing => Ok(None),
        }
    }

    fn node_format(&self) -> Option<&'static str> {
        Some(FORMAT)
    }

    fn describe(&self, key: &str) -> String {
        let target = StoreKey::new(key).ok().and_then(|key| Self::target(&key).ok());
        match target {
            Some(Target::Document(_, key) | Target::Value(key)) => self.inner.describe(key.as_str()),
            _ => self.inner.describe(key),
        }
    }

    forward_to_store! {
        to inner: erase_prefix, flush, rename_prefix, sweep, io_hints;
        // Blocks are set as a whole, a node has one document, and the trees of the inner store do not have the keys of
        // this one.
        without: begin_set, set_new, set_locked, changes, lasting;
    }
}
