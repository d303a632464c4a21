//! What is in a group.

use zarr_store::StoreExt;

use crate::{Array, Error, Group, Node, NodePath, Result, hierarchy::walk};

impl Group {
    /// The names of the arrays and groups directly below, by code point.
    ///
    /// # Errors
    /// Those of [`Group::members`].
    pub fn names(&self) -> Result<Vec<String>> {
        let members = self.members()?;
        Ok(members.iter().map(|node| node.path().name().to_owned()).collect())
    }

    /// The arrays directly below, by code point of their names.
    ///
    /// # Errors
    /// Those of [`Group::members`].
    pub fn arrays(&self) -> Result<Vec<Array>> {
        Ok(self.members()?.into_iter().filter_map(array).collect())
    }

    /// The groups directly below, by code point of their names.
    ///
    /// # Errors
    /// Those of [`Group::members`].
    pub fn groups(&self) -> Result<Vec<Self>> {
        Ok(self.members()?.into_iter().filter_map(group).collect())
    }

    /// All arrays below, a group's arrays and the arrays of its subgroups interleaved by name.
    ///
    /// zarr-python gives their bare names; [`Group::relative`] tells arrays of the same name apart.
    ///
    /// # Errors
    /// Those of [`Group::members`].
    pub fn arrays_recursive(&self) -> Result<Vec<Array>> {
        Ok(self.nodes()?.into_iter().filter_map(array).collect())
    }

    /// All groups below, each before those in it.
    ///
    /// # Errors
    /// Those of [`Group::members`].
    pub fn groups_recursive(&self) -> Result<Vec<Self>> {
        Ok(self.nodes()?.into_iter().filter_map(group).collect())
    }

    fn nodes(&self) -> Result<Vec<Node>> {
        let mut nodes = Vec::new();
        walk::<Error>(self, &mut |node| {
            nodes.push(node.clone());
            Ok(())
        })?;
        Ok(nodes)
    }

    /// The path of a node below this group, from this group on.
    pub fn relative<'a>(&self, path: &'a NodePath) -> &'a str {
        let below = path.as_str().strip_prefix(self.path().as_str());
        below.unwrap_or(path.as_str()).trim_start_matches('/')
    }

    /// Whether a node has a name, which may be a path, absolute if it begins with a slash.
    ///
    /// The empty name is this group. Only the presence of a document counts, whatever it says.
    ///
    /// # Errors
    /// [`Error::Path`] for a part `.` or `..`.
    pub fn contains(&self, name: &str) -> Result<bool> {
        let path = self.path().join(name)?;
        for document in self.metadata().format.node_documents() {
            if self.store().exists(&path.key(document)?)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Calls `visit` with every node below and its path from this group on, each before its members, each level
    /// by name, until it gives something: zarr-python's `visititems`, `visit` and `visitvalues`.
    ///
    /// # Errors
    /// Those of `visit`, and what may go wrong with a document.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use zarr_core::{Group, NodePath, Options, ZarrFormat, store::MemoryStore};
    /// # let store = Arc::new(MemoryStore::new());
    /// let root = Group::create(store, &NodePath::root(), ZarrFormat::V2, &Options::default())?;
    /// root.create_group("a/b/c")?;
    /// let found = root.visit(|name, _| Ok::<_, zarr_core::Error>(name.ends_with('b').then(|| name.to_owned())))?;
    /// assert_eq!(found.as_deref(), Some("a/b"));
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn visit<T, E: From<Error>>(
        &self,
        mut visit: impl FnMut(&str, &Node) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let walked = walk::<Stop<T, E>>(self, &mut |node| match visit(self.relative(node.path()), node)
            .map_err(Stop::Failed)?
        {
            Some(value) => Err(Stop::Found(value)),
            None => Ok(()),
        });
        match walked {
            Ok(()) => Ok(None),
            Err(Stop::Found(value)) => Ok(Some(value)),
            Err(Stop::Failed(error)) => Err(error),
        }
    }
}

/// Why a walk ends before all nodes were seen.
enum Stop<T, E> {
    Found(T),
    Failed(E),
}

impl<T, E: From<Error>> From<Error> for Stop<T, E> {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

fn array(node: Node) -> Option<Array> {
    match node {
        Node::Array(array) => Some(array),
        Node::Group(_) => None,
    }
}

fn group(node: Node) -> Option<Group> {
    match node {
        Node::Group(group) => Some(group),
        Node::Array(_) => None,
    }
}
