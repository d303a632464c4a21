//! Keys and prefixes, validated once.
//!
//! A key is one or more parts joined by `/`.
//! The rules hold for every store, also for those that could hold any text, so that what is copied
//! from one store to another can neither leave the other's root nor clash with its temporary files.

use std::{borrow::Borrow, fmt};

use crate::StoreError;

/// The longest key in bytes.
const KEY_SIZE_MAX: usize = 4096;
/// The longest part of a key in bytes; what file systems allow for a name.
const PART_SIZE_MAX: usize = 255;
/// How the names of our own temporary files end.
pub(crate) const PARTIAL_SUFFIX: &str = ".zt-partial";
/// How the names end of those of them that outlive their process.
pub(crate) const LASTING_SUFFIX: &str = ".lasting.zt-partial";

/// The name of a value in a store, such as `foo/bar/.zarray` or `c/0/1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey(String);

/// A folder of a store: all keys that begin with it, ending in `/`, or everything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct StorePrefix(String);

impl StoreKey {
    /// Checks a text and makes it a key.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`] for an empty key or part, `.` and `..`, `\`, control characters, a
    /// drive (a first part such as `C:`), a name of our temporary files, and what is too long.
    ///
    /// ```
    /// # use zarr_store::StoreKey;
    /// assert!(StoreKey::new("a/.zarray").is_ok());
    /// assert!(StoreKey::new("../secret").is_err());
    /// ```
    pub fn new(text: impl Into<String>) -> Result<Self, StoreError> {
        let text = text.into();
        match refusal(&text) {
            None => Ok(Self(text)),
            Some(reason) => Err(StoreError::InvalidKey {
                key: excerpt(&text),
                reason,
            }),
        }
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the key, whose memory can be used for the next one.
    pub fn into_string(self) -> String {
        self.0
    }

    /// The last part: what would be the file's name.
    pub fn name(&self) -> &str {
        &self.0[self.folder().len()..]
    }

    /// Whether the name is one that Zarr gives to documents: `zarr.json`, or `.zarray` and its like.
    pub(crate) fn is_document(&self) -> bool {
        let name = self.name();
        name.starts_with(".z") || name == "zarr.json"
    }

    /// The folder that the key lies in.
    pub fn parent(&self) -> StorePrefix {
        StorePrefix(self.folder().to_owned())
    }

    /// The text of the folder that the key lies in, for a look into a map of [`StorePrefix`]es.
    pub fn folder(&self) -> &str {
        // Keys are short: `rfind` takes longer for its beginning than for them.
        let end = self.0.bytes().rposition(|byte| byte == b'/');
        &self.0[..end.map_or(0, |end| end + 1)]
    }
}

impl StorePrefix {
    /// The prefix of every key.
    pub const fn root() -> Self {
        Self(String::new())
    }

    /// Checks a text, with or without a slash at its end; an empty one is the root.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`], by the rules of [`StoreKey::new`].
    pub fn new(text: &str) -> Result<Self, StoreError> {
        let inner = text.strip_suffix('/').unwrap_or(text);
        if inner.is_empty() && text.is_empty() {
            return Ok(Self::root());
        }
        StoreKey::new(inner).map(|key| Self(key.0 + "/"))
    }

    /// The text of the prefix: empty, or ending in `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the prefix of every key.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of the given name below this prefix; the name may have several parts.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`], by the rules of [`StoreKey::new`].
    pub fn key(&self, name: &str) -> Result<StoreKey, StoreError> {
        StoreKey::new(format!("{}{name}", self.0))
    }

    /// The prefix of the given name below this prefix.
    ///
    /// # Errors
    /// [`StoreError::InvalidKey`], by the rules of [`StoreKey::new`].
    pub fn child(&self, name: &str) -> Result<Self, StoreError> {
        Self::new(&format!("{}{name}", self.0))
    }

    /// The prefix that this one lies in; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let inner = self.0.strip_suffix('/')?;
        Some(Self(
            inner
                .rfind('/')
                .map_or_else(String::new, |end| inner[..=end].to_owned()),
        ))
    }

    /// The last part of the prefix, without slashes.
    pub fn name(&self) -> &str {
        let inner = self.0.strip_suffix('/').unwrap_or(&self.0);
        inner.rsplit('/').next().unwrap_or(inner)
    }

    /// What remains of a key below this prefix.
    pub fn strip<'a>(&self, key: &'a StoreKey) -> Option<&'a str> {
        key.0.strip_prefix(&self.0)
    }
}

/// The rule that a text breaks, if any.
fn refusal(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        return Some("empty");
    }
    if text.len() > KEY_SIZE_MAX {
        return Some("over 4096 bytes");
    }
    let first = text.split('/').next().unwrap_or_default();
    if let [letter, b':'] = first.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Some("drive letter");
    }
    text.split('/').find_map(part_refusal)
}

fn part_refusal(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("empty part"),
        "." => Some("'.' part"),
        ".." => Some("'..' part"),
        _ if part.len() > PART_SIZE_MAX => Some("part over 255 bytes"),
        _ if part.contains('\\') => Some("backslash"),
        _ if part.chars().any(char::is_control) => Some("control character"),
        _ if part.ends_with(PARTIAL_SUFFIX) => Some("name of a temporary file"),
        _ => None,
    }
}

/// The beginning of a text that was refused, for an error.
fn excerpt(text: &str) -> String {
    text.chars().take(80).collect()
}

macro_rules! text_like {
    ($type:ty) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}
text_like!(StoreKey);
text_like!(StorePrefix);

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(refusal(text), expected, "{text:?}");
    }

    #[test]
    fn keys_that_real_hierarchies_use_are_accepted() {
        for text in [
            ".zarray",
            "a/.zgroup",
            "c/0/1",
            "a b/ä.x",
            "...",
            "..b",
            "0.0",
            "zarr.json",
            "T:mean",
            "T:mean/.zarray",
            "a/C:/b",
            "é:",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn b34_keys_that_leave_the_root_or_are_not_portable_are_refused() {
        check("", Some("empty"));
        check("..", Some("'..' part"));
        check("a/../b", Some("'..' part"));
        check(".", Some("'.' part"));
        check("/a", Some("empty part"));
        check("a//b", Some("empty part"));
        check("a/", Some("empty part"));
        check("a\0", Some("control character"));
        check("a\\b", Some("backslash"));
        check("C:/a", Some("drive letter"));
        check("c:", Some("drive letter"));
        check("a/.x.12-ab.zt-partial", Some("name of a temporary file"));
        check(&"x".repeat(256), Some("part over 255 bytes"));
        check(&"x/".repeat(2049), Some("over 4096 bytes"));
    }

    #[test]
    fn a_prefix_takes_a_slash_or_not() {
        assert_eq!(
            StorePrefix::new("a/b").unwrap(),
            StorePrefix::new("a/b/").unwrap()
        );
        assert!(StorePrefix::new("/").is_err());
        assert!(StorePrefix::new("").unwrap().is_root());
        assert_eq!(StorePrefix::new("a/b").unwrap().name(), "b");
        let parent = |text: &str| StorePrefix::new(text).unwrap().parent().map(|above| above.0);
        assert_eq!(parent("a/b").as_deref(), Some("a/"));
        assert_eq!(parent("a").as_deref(), Some(""));
        assert_eq!(parent(""), None);
    }

    #[test]
    fn a_key_knows_its_folder() {
        let key = StoreKey::new("a/b/c").unwrap();
        assert_eq!(key.parent().as_str(), "a/b/");
        assert_eq!(key.name(), "c");
        assert_eq!(key.parent().strip(&key), Some("c"));
        assert!(StoreKey::new("c").unwrap().parent().is_root());
    }
}
