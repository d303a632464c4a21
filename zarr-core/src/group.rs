//! The handle of a group.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};
use zarr_store::Store;

use crate::{
    Array, ArrayBuilder, ArrayData, Attributes, Error, GroupMetadata, NodePath, Options, Result, Selection,
    ZarrFormat,
    hierarchy::{self, Node},
    new_node::Above,
    replace,
};

/// A group of a hierarchy.
///
/// A clone is cheap and is the same group.
///
/// ```
/// use std::sync::Arc;
/// use zarr_core::{Group, NodePath, Options, ZarrFormat, store::MemoryStore};
/// let store = Arc::new(MemoryStore::new());
/// let root = Group::create(store, &NodePath::root(), ZarrFormat::V3, &Options::default())?;
/// root.create_group("foo/bar")?;
/// let names: Vec<_> = root.members()?.iter().map(|node| node.path().name().to_owned()).collect();
/// assert_eq!(names, ["foo"]);
/// # Ok::<(), zarr_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Group {
    store: Arc<dyn Store>,
    path: NodePath,
    metadata: Arc<GroupMetadata>,
    options: Options,
    above: Arc<Above>,
}

impl Group {
    /// Opens a group.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::WrongKind`] for an array, [`Error::Metadata`] for a damaged document.
    pub fn open(store: Arc<dyn Store>, path: &NodePath, options: &Options) -> Result<Self> {
        match Node::open(store, path, options)? {
            Node::Group(group) => Ok(group),
            Node::Array(_) => Err(Error::WrongKind {
                path: path.as_str().to_owned(),
                found: "an array",
            }),
        }
    }

    /// Makes a group where nothing is, and of the folders above what is none yet.
    ///
    /// # Errors
    /// [`Error::Exists`] when a node is there or an array is above.
    pub fn create(
        store: Arc<dyn Store>,
        path: &NodePath,
        format: ZarrFormat,
        options: &Options,
    ) -> Result<Self> {
        replace::check_free(&store, path, options)?;
        hierarchy::create_parents(&store, path, format, options)?;
        let metadata = GroupMetadata::new(format);
        hierarchy::write_group_document(store.as_ref(), path, &metadata)?;
        Ok(Self::new(store, path.clone(), metadata, options.clone()))
    }

    pub(crate) fn new(
        store: Arc<dyn Store>,
        path: NodePath,
        metadata: GroupMetadata,
        options: Options,
    ) -> Self {
        Self {
            store,
            path,
            metadata: Arc::new(metadata),
            options,
            above: Arc::default(),
        }
    }

    /// What it knows of itself and the groups above.
    pub(crate) fn above(&self) -> &Above {
        &self.above
    }

    /// The store that holds the group.
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Where the group is in its hierarchy.
    pub const fn path(&self) -> &NodePath {
        &self.path
    }

    /// All that the metadata say.
    pub fn metadata(&self) -> &GroupMetadata {
        &self.metadata
    }

    /// How the group was opened.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The same group, opened otherwise; members opened from it are opened so too.
    #[must_use]
    pub fn with_options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// The names of folders directly below, by code point; not all need be nodes.
    ///
    /// # Errors
    /// When the store cannot list.
    pub fn folder_names(&self) -> Result<Vec<String>> {
        self.folder_names_of(&self.path)
    }

    fn folder_names_of(&self, path: &NodePath) -> Result<Vec<String>> {
        let listing = self.store.list_dir(path.prefix())?;
        let mut names: Vec<_> = listing
            .prefixes
            .iter()
            .map(|prefix| prefix.name().to_owned())
            .collect();
        // Prefixes end in a slash, which comes behind a blank and others.
        names.sort();
        Ok(names)
    }

    /// The arrays and groups directly below, by code point of their names.
    ///
    /// # Errors
    /// When the store cannot list, and [`Error::Metadata`] for a damaged document.
    pub fn members(&self) -> Result<Vec<Node>> {
        self.members_of(&self.path)
    }

    /// The arrays and groups directly below another group of the store, by code point of their names.
    ///
    /// Its document is not read: who walks a hierarchy has seen it.
    ///
    /// # Errors
    /// Those of [`Group::members`].
    pub fn members_of(&self, path: &NodePath) -> Result<Vec<Node>> {
        let names = self.folder_names_of(path)?;
        let workers = self.options.workers.for_answers(self.store.as_ref());
        let found: Vec<_> = names.iter().map(|_| OnceLock::new()).collect();
        workers.for_each(names.len(), &|index| {
            let node = self.find_at(&path.join(&names[index])?)?;
            found[index].get_or_init(|| node);
            Ok::<_, Error>(())
        })?;
        Ok(found
            .into_iter()
            .filter_map(|node| node.into_inner().flatten())
            .collect())
    }

    /// Opens a node by its name, which may be a path, absolute if it begins with a slash; `None` if absent.
    ///
    /// # Errors
    /// [`Error::Metadata`] for a damaged document.
    pub fn find(&self, name: &str) -> Result<Option<Node>> {
        self.find_at(&self.path.join(name)?)
    }

    fn find_at(&self, path: &NodePath) -> Result<Option<Node>> {
        // A hierarchy is of one format, but for what was put together by hand.
        match Node::find(&self.store, path, &self.options, Some(self.metadata.format))? {
            Some(node) => Ok(Some(node)),
            None => Node::find(
                &self.store,
                path,
                &self.options,
                Some(self.metadata.format.other()),
            ),
        }
    }

    /// Opens a node by its name.
    ///
    /// # Errors
    /// [`Error::NotFound`], and those of [`Group::find`].
    pub fn get(&self, name: &str) -> Result<Node> {
        let missing = || Error::NotFound {
            path: name.to_owned(),
            store: self.store.describe(self.path.as_str()),
        };
        self.find(name)?.ok_or_else(missing)
    }

    /// Makes a group below this one, in its format.
    ///
    /// # Errors
    /// Those of [`Group::create`].
    pub fn create_group(&self, name: &str) -> Result<Self> {
        self.create_group_with(name, false)
    }

    /// Makes a group below this one, in the place of whatever is there if `overwrite` says so.
    ///
    /// # Errors
    /// Those of [`Group::create`]; [`Error::Path`] when this group itself or one above it would be overwritten.
    pub fn create_group_with(&self, name: &str, overwrite: bool) -> Result<Self> {
        let path = self.path.join(name)?;
        let (store, format) = (Arc::clone(&self.store), self.metadata.format);
        if overwrite {
            self.check_other(name, &path)?;
            return Self::replace(store, &path, format, &self.options);
        }
        Self::create(store, &path, format, &self.options)
    }

    /// Opens the group of a name below this one, or makes it.
    ///
    /// # Errors
    /// [`Error::Exists`] when an array is there or above; [`Error::ReadOnly`] even if the group is there.
    pub fn require_group(&self, name: &str) -> Result<Self> {
        self.require_group_with(name, false)
    }

    /// Opens the group of a name below this one, or makes it, in the place of an array if `overwrite` says so.
    ///
    /// # Errors
    /// Those of [`Group::require_group`].
    pub fn require_group_with(&self, name: &str, overwrite: bool) -> Result<Self> {
        self.check_writable()?;
        match self.find(name)? {
            Some(Node::Group(group)) => Ok(group),
            _ => self.create_group_with(name, overwrite),
        }
    }

    /// Makes an array below this one, in its format, in the place of whatever is there if `overwrite` says so.
    ///
    /// # Errors
    /// Those of [`ArrayBuilder::create`]; [`Error::Path`] when this group itself or one above it would be
    /// overwritten.
    pub fn create_array(&self, name: &str, builder: ArrayBuilder, overwrite: bool) -> Result<Array> {
        let path = self.path.join(name)?;
        let builder = builder.format(self.metadata.format);
        if overwrite {
            self.check_other(name, &path)?;
            return builder.replace(Arc::clone(&self.store), &path, &self.options);
        }
        builder.create_in(&self.store, &path, &self.options, Some(self))
    }

    /// Stores data as an array of a name, in the place of whatever is there: `group[name] = data`.
    ///
    /// Chunks and codecs are those that [`ArrayBuilder::new`] chooses.
    ///
    /// # Errors
    /// Those of [`Group::create_array`] and [`Array::write_data`].
    pub fn set(&self, name: &str, data: &ArrayData) -> Result<Array> {
        let builder = ArrayBuilder::new(data.shape.clone(), data.data_type.clone());
        let array = self.create_array(name, builder, true)?;
        array.write_data(&Selection::all(), data)?;
        Ok(array)
    }

    /// Erases a node below this one and everything in it.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Path`] for a name of this group itself or one above it.
    pub fn erase(&self, name: &str) -> Result<()> {
        self.check_writable()?;
        let node = self.get(name)?;
        self.check_other(name, node.path())?;
        hierarchy::erase_node(self.store.as_ref(), node.path())
    }

    /// Makes everything that was written visible to other processes, as leaving a group does in Python.
    ///
    /// # Errors
    /// When the store fails.
    pub fn flush(&self) -> Result<()> {
        Ok(self.store.flush()?)
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        self.options.check_writable(&self.path)
    }

    /// Refuses what would take away this group itself.
    pub(crate) fn check_other(&self, name: &str, path: &NodePath) -> Result<()> {
        if self.path.is_within(path) {
            return Err(Error::Path {
                path: name.to_owned(),
                reason: "names the group itself or one above it",
            });
        }
        Ok(())
    }

    /// The attributes, one by one.
    pub fn attrs(&self) -> Attributes {
        Attributes::new(
            Arc::clone(&self.store),
            self.path.clone(),
            self.metadata.format,
            self.options.clone(),
        )
    }

    /// The attributes, as they are stored now.
    ///
    /// # Errors
    /// [`Error::Metadata`] when their document is damaged.
    pub fn attributes(&self) -> Result<Map<String, Value>> {
        self.attrs().to_map()
    }

    /// Replaces the attributes.
    ///
    /// # Errors
    /// When the store fails; the attributes are then what they were.
    pub fn set_attributes(&self, attributes: Map<String, Value>) -> Result<()> {
        self.attrs().put(attributes)
    }
}

#[cfg(test)]
mod tests {
    use zarr_store::MemoryStore;

    use super::*;
    use crate::{Order, codecs::DataType};

    #[test]
    fn members_come_by_name() {
        let options = Options::default();
        let store = Arc::new(MemoryStore::new());
        let root = Group::create(store, &NodePath::root(), ZarrFormat::V2, &options).unwrap();
        for name in ["a b", "a", "a.b"] {
            root.create_group(name).unwrap();
        }
        assert_eq!(root.folder_names().unwrap(), ["a", "a b", "a.b"]);
    }

    #[test]
    fn order_f_stays_named_where_it_makes_no_difference() {
        let options = Options::default();
        let store = Arc::new(MemoryStore::new());
        let builder = ArrayBuilder::new(vec![3], DataType::Int8).order(Order::F);
        builder
            .create(Arc::<MemoryStore>::clone(&store), &NodePath::root(), &options)
            .unwrap();
        let array = Array::open(store, &NodePath::root(), &options).unwrap();
        assert_eq!(array.metadata().order(), Some(Order::F));
    }
}
