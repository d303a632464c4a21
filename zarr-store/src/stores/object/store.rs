//! The bucket as a store.

use std::{future::Future, io, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use object_store::{
    Error, GetOptions, GetRange, ObjectStore as Objects, ObjectStoreExt, memory::InMemory, path::Path,
};

use super::runtime::Carrier;
use crate::{
    ByteRange, Capabilities, IoHints, Listing, ReadBuffer, Result, Store, StoreError, StoreKey, StorePrefix,
    stores::{
        Strays,
        answers::{Seen, Telling, read_parts},
        ranges::check_limit,
        secrets::redact,
    },
};

/// How many requests are worth having in flight.
const REQUESTS_MAX: usize = 64;
/// The longest gap that is cheaper read than asked around, in bytes.
const GAP_MAX: u64 = 1 << 20;

/// Objects below a prefix of a bucket: S3, Google Cloud Storage, Azure, or anything else that the crate
/// `object_store` reaches.
///
/// Each cloud is a feature: `s3`, `gcs`, `azure`.
/// Setting an object is atomic, as all these services promise; replacing a whole tree is not, so nothing can be
/// staged.
/// Nothing is locked: where several processes write, each chunk must be written to by one of them only, as two that
/// write parts of one undo each other's.
/// The store has a runtime of its own, and may be used from any thread.
///
/// ```
/// use zarr_store::{ObjectStore, Store, StoreExt, StoreKey};
/// let store = ObjectStore::in_memory("data.zarr")?;
/// let key = StoreKey::new("foo/.zgroup")?;
/// store.set(&key, b"{}")?;
/// assert_eq!(store.get(&key, 100)?.as_deref(), Some(&b"{}"[..]));
/// # Ok::<(), zarr_store::StoreError>(())
/// ```
pub struct ObjectStore {
    objects: Arc<dyn Objects>,
    root: Path,
    shown: String,
    carrier: Carrier,
    strays: Strays,
    /// Whether objects come with entity tags.
    telling: Telling,
}

impl std::fmt::Debug for ObjectStore {
    /// Shows no more than where the store is: what holds the credentials is not ours to print.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectStore")
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

impl ObjectStore {
    /// Takes the objects below `root`, which has parts joined by `/`; `shown` names the place in errors.
    ///
    /// # Errors
    /// `InvalidKey` when the root is no path, `Io` when no threads can be started.
    pub fn new(objects: Arc<dyn Objects>, root: &str, shown: &str) -> Result<Self> {
        let shown = redact(shown.trim_end_matches('/'));
        let root = Path::parse(root).map_err(|_| StoreError::InvalidKey {
            key: root.chars().take(80).collect(),
            reason: "is no path of an object store",
        })?;
        let carrier = Carrier::new().map_err(|error| StoreError::io("opening", &shown, error))?;
        Ok(Self {
            objects,
            root,
            shown,
            carrier,
            strays: Strays::default(),
            telling: Telling::default(),
        })
    }

    /// Chooses what listings make of names that are no keys, as others may have given them to objects; they are left out
    /// unless told otherwise.
    #[must_use]
    pub fn with_strays(mut self, strays: Strays) -> Self {
        self.strays = strays;
        self
    }

    /// Makes a bucket in memory.
    ///
    /// # Errors
    /// Those of [`ObjectStore::new`].
    pub fn in_memory(root: &str) -> Result<Self> {
        Self::new(Arc::new(InMemory::new()), root, &format!("memory:///{root}"))
    }

    /// Opens what an address names, such as `s3://bucket/data.zarr`, `gs://...`, `az://...`.
    ///
    /// `settings` are pairs of names and values as the tools of the clouds read them from their environment,
    /// such as `AWS_REGION` and `AWS_ENDPOINT_URL`; those that do not concern the cloud are passed over.
    ///
    /// # Errors
    /// `InvalidKey` for what is no address, `NotSupported` for one of a cloud that was not built in, `Io` when
    /// something is missing.
    pub fn from_url(url: &str, settings: impl IntoIterator<Item = (String, String)>) -> Result<Self> {
        let shown = redact(url);
        let parsed = url::Url::parse(url).map_err(|_| StoreError::InvalidKey {
            key: shown.chars().take(80).collect(),
            reason: "is no address",
        })?;
        if let Some((feature, false)) = cloud_of(parsed.scheme()) {
            return Err(StoreError::NotSupported {
                operation: feature,
                store: shown,
            });
        }
        let settings = settings
            .into_iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (objects, root) = object_store::parse_url_opts(&parsed, settings)
            .map_err(|error| StoreError::io("opening", &shown, failure(&error)))?;
        Self::new(objects.into(), root.as_ref(), url)
    }

    fn path(&self, key: &str) -> Result<Path> {
        let whole = match (self.root.as_ref(), key.trim_end_matches('/')) {
            ("", key) => key.to_owned(),
            (root, "") => root.to_owned(),
            (root, key) => format!("{root}/{key}"),
        };
        Path::parse(&whole).map_err(|_| StoreError::InvalidKey {
            key: key.chars().take(80).collect(),
            reason: "is no path of an object store",
        })
    }

    /// What remains of an object's path below the root.
    fn below<'a>(&self, path: &'a Path) -> Option<&'a str> {
        let rest = path.as_ref().strip_prefix(self.root.as_ref())?;
        Some(rest.strip_prefix('/').unwrap_or(rest))
    }

    /// Runs a request; `None` when its object is not there.
    fn ask<T: Send + 'static>(
        &self,
        action: &'static str,
        key: &str,
        task: impl Future<Output = std::result::Result<T, Error>> + Send + 'static,
    ) -> Result<Option<T>> {
        let failed = |error| StoreError::io(action, self.describe(key), error);
        match self.carrier.run(task).map_err(failed)? {
            Ok(value) => Ok(Some(value)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(failure(&error))),
        }
    }

    /// Reads one part of an object, or all of it, at most `size_max` bytes.
    fn part(&self, key: &StoreKey, range: ByteRange, size_max: u64) -> Result<Option<(Bytes, Seen)>> {
        let asked = match range {
            ByteRange::All => None,
            ByteRange::Part { offset, length } if length > 0 && offset.checked_add(length).is_some() => {
                Some(GetRange::Bounded(offset..offset + length))
            }
            ByteRange::Suffix { length } if length > 0 => Some(GetRange::Suffix(length)),
            _ => return self.settle(key, range, None),
        };
        let (objects, path) = (Arc::clone(&self.objects), self.path(key.as_str())?);
        let read = self.ask("reading", key.as_str(), async move {
            let options = GetOptions {
                range: asked,
                ..GetOptions::default()
            };
            let found = objects.get_opts(&path, options).await?;
            let (size, found_range) = (found.meta.size, found.range.clone());
            // These services give every object that is put a tag of its own, but for one with the same bytes.
            let seen = Seen::new(found.meta.e_tag.as_deref(), true).of_size(Some(size));
            let is_allowed = found_range.end - found_range.start <= size_max;
            let bytes = if is_allowed {
                found.bytes().await?
            } else {
                Bytes::new()
            };
            Ok((size, seen, found_range, bytes))
        });
        let (size, seen, found_range, bytes) = match read {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(None),
            // A part that begins behind the end is refused by some services in words of their own.
            Err(error) if range != ByteRange::All => return self.settle(key, range, Some(error)),
            Err(error) => return Err(error),
        };
        self.telling.note(seen);
        let expected = range.resolve(size).ok_or_else(|| StoreError::OutOfRange {
            what: self.describe(key.as_str()),
            range,
            size,
        })?;
        check_limit(expected.end - expected.start, size_max, &|| {
            self.describe(key.as_str())
        })?;
        if found_range != expected || bytes.len() as u64 != expected.end - expected.start {
            let error = io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "other bytes came than were asked for",
            );
            return Err(StoreError::io("reading", self.describe(key.as_str()), error));
        }
        Ok(Some((bytes, seen)))
    }

    /// Settles by the object's size what no request can ask for, or what one failed for.
    fn settle(
        &self,
        key: &StoreKey,
        range: ByteRange,
        error: Option<StoreError>,
    ) -> Result<Option<(Bytes, Seen)>> {
        let size = match (self.size(key), error) {
            (Ok(Some(size)), error) => match (range.resolve(size), error) {
                (None, _) => size,
                (Some(_), Some(error)) => return Err(error),
                (Some(_), None) => return Ok(Some((Bytes::new(), Seen::default().of_size(Some(size))))),
            },
            (Ok(None), None) => return Ok(None),
            (_, Some(error)) | (Err(error), None) => return Err(error),
        };
        Err(StoreError::OutOfRange {
            what: self.describe(key.as_str()),
            range,
            size,
        })
    }
}

/// The sentence for a cloud that an address names, and whether it is built in.
fn cloud_of(scheme: &str) -> Option<(&'static str, bool)> {
    match scheme {
        "s3" | "s3a" => Some(("S3, in a build without the feature `s3`", cfg!(feature = "s3"))),
        "gs" => Some((
            "Google Cloud Storage, in a build without the feature `gcs`",
            cfg!(feature = "gcs"),
        )),
        "az" | "adl" | "azure" | "abfs" | "abfss" => Some((
            "Azure, in a build without the feature `azure`",
            cfg!(feature = "azure"),
        )),
        _ => None,
    }
}

/// An error without secrets, of the kind that it has for all stores.
fn failure(error: &Error) -> io::Error {
    let kind = match error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        Error::NotSupported { .. } | Error::NotImplemented { .. } => io::ErrorKind::Unsupported,
        _ => io::ErrorKind::Other,
    };
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    io::Error::new(kind, redact(&text))
}

impl Store for ObjectStore {
    fn get_ranges(&self, key: &StoreKey, ranges: &[ByteRange], buffer: &mut ReadBuffer) -> Result<bool> {
        buffer.clear();
        if ranges.is_empty() {
            return Ok(self.size(key)?.is_some());
        }
        let (limit, what) = (buffer.limit(), || self.describe(key.as_str()));
        read_parts(ranges, buffer, what, |range| self.part(key, range, limit))
    }

    fn size(&self, key: &StoreKey) -> Result<Option<u64>> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key.as_str())?);
        self.ask("reading", key.as_str(), async move {
            Ok(objects.head(&path).await?.size)
        })
    }

    fn generation(&self, key: &StoreKey) -> Result<Option<u64>> {
        if !self.telling.is_expected() {
            return Ok(None);
        }
        let (objects, path) = (Arc::clone(&self.objects), self.path(key.as_str())?);
        let found = self.ask("reading", key.as_str(), async move {
            Ok(objects.head(&path).await?.e_tag)
        })?;
        let Some(tag) = found else { return Ok(None) };
        let seen = Seen::new(tag.as_deref(), true);
        self.telling.note(seen);
        Ok(seen.generation())
    }

    fn set(&self, key: &StoreKey, value: &[u8]) -> Result<()> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key.as_str())?);
        let value = Bytes::copy_from_slice(value);
        let put = self.ask("writing", key.as_str(), async move {
            objects.put(&path, value.into()).await
        })?;
        put.map(drop).ok_or_else(|| {
            let error = io::Error::new(io::ErrorKind::NotFound, "there is no such bucket");
            StoreError::io("writing", self.describe(key.as_str()), error)
        })
    }

    fn erase(&self, key: &StoreKey) -> Result<()> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(key.as_str())?);
        self.ask(
            "erasing",
            key.as_str(),
            async move { objects.delete(&path).await },
        )
        .map(drop)
    }

    fn list_dir(&self, prefix: &StorePrefix) -> Result<Listing> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(prefix.as_str())?);
        let found = self.ask("listing", prefix.as_str(), async move {
            objects.list_with_delimiter(Some(&path)).await
        })?;
        let mut listing = Listing::default();
        let Some(found) = found else { return Ok(listing) };
        for object in &found.objects {
            let Some(name) = self.below(&object.location) else {
                continue;
            };
            // What stands for the folder itself, as the web pages of the clouds make it.
            let is_folder = name.len() < prefix.as_str().len().max(1);
            let key = match object.size {
                0 if is_folder => continue,
                _ if is_folder => Err(StoreError::InvalidKey {
                    key: format!("{name}/"),
                    reason: "empty part",
                }),
                _ => StoreKey::new(name),
            };
            listing.keys.extend(self.strays.known(name, key)?);
        }
        for path in &found.common_prefixes {
            let prefix = self.below(path).filter(|text| !text.is_empty());
            if let Some(name) = prefix {
                listing
                    .prefixes
                    .extend(self.strays.known(name, StorePrefix::new(name))?);
            }
        }
        listing.keys.sort();
        listing.prefixes.sort();
        listing.prefixes.dedup();
        Ok(listing)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            generations: self.telling.is_expected(),
            erases_at_once: false,
            ..Capabilities::ALL
        }
    }

    /// Lists what is below the prefix at any depth, and erases it in as few requests as the service takes.
    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<()> {
        let (objects, path) = (Arc::clone(&self.objects), self.path(prefix.as_str())?);
        let erased = self.ask("erasing", prefix.as_str(), async move {
            let found = objects.list(Some(&path)).map_ok(|object| object.location).boxed();
            let mut erased = objects.delete_stream(found);
            while let Some(result) = erased.next().await {
                match result {
                    // Another process was faster.
                    Err(Error::NotFound { .. }) | Ok(_) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        });
        erased.map(drop)
    }

    fn io_hints(&self) -> IoHints {
        IoHints {
            requests_max: REQUESTS_MAX,
            gap_max: GAP_MAX,
        }
    }

    fn describe(&self, key: &str) -> String {
        if key.is_empty() {
            self.shown.clone()
        } else {
            format!("{}: {key}", self.shown)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bucket with a value `a/b`, what a killed copy left, and an object of a name.
    fn bucket(name: &str) -> ObjectStore {
        let objects: Arc<dyn Objects> = Arc::new(InMemory::new());
        let store = ObjectStore::new(Arc::clone(&objects), "x.zarr", "memory:///x.zarr").unwrap();
        for (name, value) in [("a/b", &b"1"[..]), ("a/.c.1-2f.zt-partial", b"1"), (name, b"1")] {
            let path = Path::parse(format!("x.zarr/{name}")).unwrap();
            let objects = Arc::clone(&objects);
            let put = async move { objects.put(&path, value.into()).await };
            store.carrier.run(put).unwrap().unwrap();
        }
        store
    }

    #[test]
    fn b34_names_that_are_no_keys_are_left_out_or_named() {
        for name in ["a/back\\slash", "a/back\\slash/c"] {
            let store = bucket(name);
            let prefix = StorePrefix::new("a").unwrap();
            let listing = store.list_dir(&prefix).unwrap();
            assert_eq!((listing.keys.len(), listing.prefixes.len()), (1, 0));
            let error = store.with_strays(Strays::Named).list_dir(&prefix).unwrap_err();
            assert!(
                matches!(&error, StoreError::InvalidKey { key, .. } if name.starts_with(key.as_str())),
                "{error}"
            );
        }
        let whole = bucket("a/d").with_strays(Strays::Named);
        assert_eq!(
            whole
                .list_dir(&StorePrefix::new("a").unwrap())
                .unwrap()
                .keys
                .len(),
            2
        );
    }
}
