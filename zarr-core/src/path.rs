//! Where a node is in its hierarchy.

use std::fmt;

use zarr_store::{StoreKey, StorePrefix};

use crate::{Error, Result};

/// The path of a node: names joined by `/`, without one at either end; the root is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodePath(StorePrefix);

impl NodePath {
    /// The path of the root.
    pub const fn root() -> Self {
        Self(StorePrefix::root())
    }

    /// Normalises a text as zarr-python does: backslashes become slashes, and slashes at the ends and runs
    /// of slashes go.
    ///
    /// # Errors
    /// [`Error::Path`] for a part `.` or `..`; [`Error::Store`] for what no store key may have.
    ///
    /// ```
    /// # use zarr_core::NodePath;
    /// assert_eq!(NodePath::new("/foo//bar/")?.as_str(), "foo/bar");
    /// # Ok::<(), zarr_core::Error>(())
    /// ```
    pub fn new(text: &str) -> Result<Self> {
        let slashed = text.replace('\\', "/");
        let parts: Vec<_> = slashed.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            let reason = "path containing '.' or '..' segment not allowed";
            return Err(Error::Path {
                path: text.to_owned(),
                reason,
            });
        }
        Ok(Self(StorePrefix::new(&parts.join("/"))?))
    }

    /// The path without a slash at either end; empty for the root.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The last name; empty for the root.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_root()
    }

    /// The path of the node that holds this one; `None` for the root.
    #[expect(
        clippy::missing_panics_doc,
        reason = "what lies above a valid prefix is valid"
    )]
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.as_str().rsplit_once('/').unwrap_or(("", ""));
        let parent = StorePrefix::new(parent).expect("what lies above a valid prefix is valid");
        (!self.is_root()).then_some(Self(parent))
    }

    /// The path of a node below, by a name or several joined by `/`; an absolute one is taken from the root.
    ///
    /// # Errors
    /// Those of [`NodePath::new`].
    pub fn join(&self, name: &str) -> Result<Self> {
        if name.starts_with('/') {
            return Self::new(name);
        }
        Self::new(&format!("{}/{name}", self.0))
    }

    /// Whether this node is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.as_str().starts_with(other.0.as_str())
    }

    /// The folder of the node in its store.
    pub const fn prefix(&self) -> &StorePrefix {
        &self.0
    }

    /// The key of a document or chunk of the node.
    ///
    /// # Errors
    /// [`Error::Store`] when it would be too long.
    pub fn key(&self, name: &str) -> Result<StoreKey> {
        Ok(self.0.key(name)?)
    }
}

impl fmt::Display for NodePath {
    /// With a slash at the beginning.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.as_str())
    }
}

impl From<StorePrefix> for NodePath {
    fn from(prefix: StorePrefix) -> Self {
        Self(prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_as_zarr_python_does() {
        for (text, expected) in [
            ("", ""),
            ("/", ""),
            ("foo/", "foo"),
            ("/foo\\bar//baz", "foo/bar/baz"),
            ("...", "..."),
        ] {
            assert_eq!(NodePath::new(text).unwrap().as_str(), expected, "{text}");
        }
        assert!(NodePath::new("a/../b").is_err());
    }

    #[test]
    fn a_path_knows_its_neighbours() {
        let path = NodePath::new("a/b").unwrap();
        assert_eq!(path.parent().unwrap().as_str(), "a");
        assert!(path.parent().unwrap().parent().unwrap().is_root());
        assert_eq!(path.join("c/d").unwrap().as_str(), "a/b/c/d");
        assert_eq!(path.join("/c").unwrap().as_str(), "c");
        assert!(path.is_within(&NodePath::new("a").unwrap()));
        assert!(
            !NodePath::new("ab")
                .unwrap()
                .is_within(&NodePath::new("a").unwrap())
        );
    }
}
