//! Attributes: the JSON object that says more about a node.
//!
//! V2 keeps it in `.zattrs`, which is absent until something is written and `{}` after the last attribute has
//! gone; V3 keeps it as a member of `zarr.json`, whose other members stay as they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value};
use zarr_store::{Store, StoreExt, StoreKey};

use crate::{
    Error, NodePath, Options, Result, ZarrFormat,
    consolidated::SIZE_MAX,
    hierarchy::{outdate, parse_document, read_document, read_node_document, wrong_member},
    locks::StoreLocks,
    metadata::{
        Wrong,
        json::{self, Style},
    },
};

/// The member of a V3 document that holds the attributes.
const MEMBER: &str = "attributes";

/// The attributes of a node, one by one.
///
/// The handle remembers what it read: another handle's changes are seen after [`Attributes::refresh`] or after
/// a change through this one, unless [`Attributes::uncached`] was asked for.
///
/// A change reads the document again, applies itself, and replaces the document at once, under a lock that all
/// handles of this process share. So threads that change different attributes of a node lose nothing, and a
/// change that fails leaves the document as it was. Between processes the last one to write wins.
///
/// A key may be any text, and a value anything that JSON has; a float that JSON lacks is written bare, as
/// zarr-python does (`NaN`, `Infinity`), if it was read so.
///
/// ```
/// use std::sync::Arc;
/// use serde_json::json;
/// use zarr_core::{Group, NodePath, Options, ZarrFormat, store::MemoryStore};
/// let store = Arc::new(MemoryStore::new());
/// let group = Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default())?;
/// let attributes = group.attrs();
/// attributes.set("units", "K")?;
/// attributes.update([("title", json!("ice")), ("levels", json!([1, 2]))])?;
/// assert_eq!(attributes.get("levels")?, Some(json!([1, 2])));
/// assert_eq!(attributes.keys()?, ["units", "title", "levels"]);
/// assert_eq!(attributes.remove("units")?, Some(json!("K")));
/// assert!(!attributes.contains("units")?);
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Attributes {
    place: Place,
    is_cached: bool,
    cache: Mutex<Option<Map<String, Value>>>,
}

impl Attributes {
    pub(crate) fn new(store: Arc<dyn Store>, path: NodePath, format: ZarrFormat, options: Options) -> Self {
        Self {
            place: Place {
                store,
                path,
                format,
                options,
            },
            is_cached: true,
            cache: Mutex::new(None),
        }
    }

    /// What is stored now; `None` when the document is not there.
    pub(crate) fn stored(&self) -> Result<Option<Map<String, Value>>> {
        self.place.read()
    }

    /// The same attributes, read from the store at every call.
    #[must_use]
    pub fn uncached(mut self) -> Self {
        self.is_cached = false;
        self
    }

    /// The value of a key; `None` if it is not there.
    ///
    /// # Errors
    /// [`Error::Metadata`] when the document is damaged; when the store fails.
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        self.with(|attributes| attributes.get(key).cloned())
    }

    /// Whether a key is there.
    ///
    /// # Errors
    /// Those of [`Attributes::get`].
    pub fn contains(&self, key: &str) -> Result<bool> {
        self.with(|attributes| attributes.contains_key(key))
    }

    /// The keys in the order of the document, which in V2 is by code point.
    ///
    /// What was added through this handle since it last read comes behind.
    ///
    /// # Errors
    /// Those of [`Attributes::get`].
    pub fn keys(&self) -> Result<Vec<String>> {
        self.with(|attributes| attributes.keys().cloned().collect())
    }

    /// A copy of all attributes; to change it changes nothing else.
    ///
    /// # Errors
    /// Those of [`Attributes::get`].
    pub fn to_map(&self) -> Result<Map<String, Value>> {
        self.with(Map::clone)
    }

    /// Sets one attribute.
    ///
    /// # Errors
    /// [`Error::ReadOnly`]; those of [`Attributes::get`]; the document is then what it was.
    pub fn set(&self, key: &str, value: impl Into<Value>) -> Result<()> {
        self.update([(key, value.into())])
    }

    /// Sets several attributes in one write.
    ///
    /// # Errors
    /// Those of [`Attributes::set`].
    pub fn update<K: Into<String>>(&self, values: impl IntoIterator<Item = (K, Value)>) -> Result<()> {
        self.change(|attributes| {
            attributes.extend(values.into_iter().map(|(key, value)| (key.into(), value)));
            ((), true)
        })
    }

    /// Replaces all attributes.
    ///
    /// # Errors
    /// Those of [`Attributes::set`].
    pub fn put(&self, values: Map<String, Value>) -> Result<()> {
        let mut cache = self.cached();
        self.place.put(values.clone())?;
        *cache = Some(values);
        Ok(())
    }

    /// Stores the attributes of a V2 node that was just made, which outdated the consolidated metadata.
    pub(crate) fn put_first(&self, values: Map<String, Value>) -> Result<()> {
        let key = self.place.key()?;
        let text = self.place.text(&key, Value::Null, values)?;
        Ok(self.place.store.set(&key, &text)?)
    }

    /// Removes an attribute and gives its value; `None`, and nothing is written, if it is not there.
    ///
    /// # Errors
    /// Those of [`Attributes::set`].
    pub fn remove(&self, key: &str) -> Result<Option<Value>> {
        self.place.check_writable()?;
        let stored = self.place.read()?.unwrap_or_default();
        if !stored.contains_key(key) {
            *self.cached() = Some(stored);
            return Ok(None);
        }
        self.change(|attributes| {
            let removed = attributes.shift_remove(key);
            let is_changed = removed.is_some();
            (removed, is_changed)
        })
    }

    /// Forgets what was read, so that the next call sees what is stored.
    pub fn refresh(&self) {
        *self.cached() = None;
    }

    fn cached(&self) -> MutexGuard<'_, Option<Map<String, Value>>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, look: impl FnOnce(&Map<String, Value>) -> T) -> Result<T> {
        let mut cache = self.cached();
        if let (true, Some(attributes)) = (self.is_cached, &*cache) {
            return Ok(look(attributes));
        }
        let attributes = self.place.read()?.unwrap_or_default();
        Ok(look(cache.insert(attributes)))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Map<String, Value>) -> (T, bool)) -> Result<T> {
        // The cache is locked first and the document second, as by every other change through this handle.
        let mut cache = self.cached();
        let (result, attributes) = self.place.change(change)?;
        *cache = Some(attributes);
        Ok(result)
    }
}

/// Where the attributes of a node are.
#[derive(Debug)]
struct Place {
    store: Arc<dyn Store>,
    path: NodePath,
    format: ZarrFormat,
    options: Options,
}

impl Place {
    /// The attributes as they are stored; `None` when the document is not there.
    fn read(&self) -> Result<Option<Map<String, Value>>> {
        let key = self.key()?;
        let store = self.store.as_ref();
        let document = match self.format {
            ZarrFormat::V2 => read_document(store, &key, &self.options)?,
            ZarrFormat::V3 => read_node_document(store, &key, &self.options)?,
        };
        let Some(mut document) = document else {
            return Ok(None);
        };
        self.attributes_of(&key, &mut document).map(Some)
    }

    /// Changes the attributes and stores them if the change says so; gives what it says and all attributes.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Map<String, Value>) -> (T, bool),
    ) -> Result<(T, Map<String, Value>)> {
        self.check_writable()?;
        let key = self.key()?;
        outdate(self.store.as_ref(), &self.path, self.format)?;
        let guard = StoreLocks::of(self.store.as_ref()).lock(&key)?;
        let mut document = self.document(&key)?;
        let mut attributes = self.attributes_of(&key, &mut document)?;
        let (result, is_changed) = change(&mut attributes);
        if is_changed {
            guard.set(&key, &self.text(&key, document, attributes.clone())?)?;
        }
        Ok((result, attributes))
    }

    /// Replaces the attributes, whatever their old document says.
    fn put(&self, attributes: Map<String, Value>) -> Result<()> {
        self.check_writable()?;
        let key = self.key()?;
        outdate(self.store.as_ref(), &self.path, self.format)?;
        let guard = StoreLocks::of(self.store.as_ref()).lock(&key)?;
        let document = match self.format {
            ZarrFormat::V2 => Value::Null,
            ZarrFormat::V3 => self.document(&key)?,
        };
        Ok(guard.set(&key, &self.text(&key, document, attributes)?)?)
    }

    fn document(&self, key: &StoreKey) -> Result<Value> {
        let store = self.store.as_ref();
        let document = match self.format {
            ZarrFormat::V2 => read_document(store, key, &self.options)?,
            // With its consolidated metadata, which the attributes of the group are no part of.
            ZarrFormat::V3 => {
                let size_max = self.options.document_size_max.max(SIZE_MAX);
                let document = store.get(key, size_max)?;
                let document = document.map(|document| parse_document(store, key, &document));
                document.transpose()?
            }
        };
        match (document, self.format) {
            (Some(document), _) => Ok(document),
            (None, ZarrFormat::V2) => Ok(Map::new().into()),
            (None, ZarrFormat::V3) => Err(Error::NotFound {
                path: self.path.as_str().to_owned(),
                store: self.store.describe(""),
            }),
        }
    }

    /// The document with other attributes, as it is stored.
    fn text(&self, key: &StoreKey, mut document: Value, attributes: Map<String, Value>) -> Result<Vec<u8>> {
        Ok(match self.format {
            ZarrFormat::V2 => json::write(&attributes.into(), Style::V2),
            ZarrFormat::V3 => {
                let Value::Object(members) = &mut document else {
                    let wrong = Wrong::expected("", "an object", &document);
                    return Err(wrong_member(self.store.as_ref(), key, wrong));
                };
                members.insert(MEMBER.to_owned(), attributes.into());
                json::write(&document, Style::V3)
            }
        })
    }

    fn check_writable(&self) -> Result<()> {
        self.options.check_writable(&self.path)
    }

    fn key(&self) -> Result<StoreKey> {
        self.path.key(self.format.attributes_document())
    }

    /// Takes the attributes out of their document.
    fn attributes_of(&self, key: &StoreKey, document: &mut Value) -> Result<Map<String, Value>> {
        let wrong = |pointer: &str, value: &Value| {
            let wrong = Wrong::expected(pointer, "an object", value);
            Err(wrong_member(self.store.as_ref(), key, wrong))
        };
        match (self.format, document) {
            (ZarrFormat::V2, Value::Object(attributes)) => Ok(std::mem::take(attributes)),
            (ZarrFormat::V3, Value::Object(members)) => match members.get_mut(MEMBER) {
                None => Ok(Map::new()),
                Some(Value::Object(attributes)) => Ok(std::mem::take(attributes)),
                Some(other) => wrong("/attributes", other),
            },
            (_, other) => wrong("", other),
        }
    }
}
