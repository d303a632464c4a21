//! Words for a node: which store, and where in it.

use std::{
    fs,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use zarr_core::{
    N5Store, NodePath,
    store::{DirectoryStore, Store, StoreError, Strays},
};

#[cfg(feature = "reference")]
use zarr_core::store::ReferenceStore;
#[cfg(feature = "zip")]
use zarr_core::store::ZipStore;

use crate::{Error, Result, address};

/// A store and a node in it, as `DIR.zarr/group/array`, `FILE.zip/group` or `s3://bucket/x.zarr/array` name them.
///
/// An address ends the store at the first part of its path whose name ends in `.zarr`, or else is the store.
/// A directory whose name ends in `.n5` is one of N5.
///
/// The store ends at the first component that is a regular file, or, where nothing exists yet, whose name
/// ends like that of a file format; else at the outermost directory that holds a Zarr document; else, where nothing
/// exists yet, at the first component whose name ends in `.zarr`; else it is the whole path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file or directory, or the address of a store elsewhere.
    pub store: PathBuf,
    /// The node in it.
    pub path: NodePath,
}

/// What a store is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A directory, or nothing yet.
    Directory,
    /// A ZIP archive, or nothing yet under a name that ends in `.zip`.
    Zip,
    /// A document of references to other files, in kerchunk's format.
    References,
    /// Another file, or nothing yet under a name that ends like one; also what is neither file nor directory.
    OtherFile,
    /// A store elsewhere, named by its address.
    Remote,
}

/// How names of files end that are one store; all but the first are HDF5's, of itself and of what is made of it:
/// netCDF-4, HDF-EOS5, `anndata` and MATLAB.
const FILE_ENDINGS: [&str; 9] = ["zip", "h5", "hdf5", "hdf", "he5", "nc", "nc4", "h5ad", "mat"];
/// The documents whose directory is a node.
const DOCUMENTS: [&str; 4] = [".zgroup", ".zarray", ".zmetadata", "zarr.json"];

impl Location {
    /// Finds store and node in a text.
    ///
    /// # Errors
    /// [`Error::Core`] when what follows the store is no path of a node.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.strip_prefix("file://").unwrap_or(text);
        if text.contains("://") {
            let (store, path) = address::split(text);
            return Self::with_path(&store, &path);
        }
        let given = Path::new(text);
        let ancestors: Vec<_> = given
            .ancestors()
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        let outermost = || ancestors.iter().rev();
        let store = outermost()
            .find(|path| path.is_file())
            .or_else(|| outermost().find(|path| !path.exists() && has_file_ending(path)))
            .or_else(|| outermost().find(|path| is_n5(path)))
            .or_else(|| outermost().find(|path| DOCUMENTS.iter().any(|name| path.join(name).is_file())))
            .or_else(|| {
                outermost()
                    .find(|path| !path.exists() && path.extension().is_some_and(|ending| ending == "zarr"))
            })
            .map_or(given, |store| *store);
        let rest = given.strip_prefix(store).unwrap_or_else(|_| Path::new(""));
        let names = rest.components().map(|component| match component {
            Component::Normal(name) => name.to_string_lossy(),
            other => other.as_os_str().to_string_lossy(),
        });
        let path = NodePath::new(&names.collect::<Vec<_>>().join("/"))?;
        Ok(Self {
            store: store.to_owned(),
            path,
        })
    }

    /// Takes a text as the store and another as the node.
    ///
    /// # Errors
    /// [`Error::Core`] when the second text is no path of a node.
    pub fn with_path(store: &str, path: &str) -> Result<Self> {
        let store = store.strip_prefix("file://").unwrap_or(store);
        Ok(Self {
            store: store.into(),
            path: NodePath::new(path)?,
        })
    }

    /// What the store is made of.
    pub fn kind(&self) -> StoreKind {
        if self.address().is_some() {
            return StoreKind::Remote;
        }
        let ending = |ending: &str| self.store.extension().is_some_and(|found| found == ending);
        match fs::metadata(&self.store) {
            Ok(found) if found.is_dir() => StoreKind::Directory,
            // Looking into a pipe would wait for somebody to write into it.
            Ok(found) if !found.is_file() => StoreKind::OtherFile,
            Ok(_) if is_zip(&self.store) || ending("zip") => StoreKind::Zip,
            Ok(_) if is_object(&self.store) => StoreKind::References,
            Ok(_) => StoreKind::OtherFile,
            Err(_) if ending("zip") => StoreKind::Zip,
            Err(_) if has_file_ending(&self.store) => StoreKind::OtherFile,
            Err(_) => StoreKind::Directory,
        }
    }

    /// Whether the store is there; one elsewhere is taken to be.
    pub fn exists(&self) -> bool {
        self.address().is_some() || self.store.exists()
    }

    /// The address of a store elsewhere.
    fn address(&self) -> Option<&str> {
        self.store.to_str().filter(|text| text.contains("://"))
    }
}

/// Whether a directory is one of N5, by its name alone.
fn is_n5(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "n5")
}

fn has_file_ending(path: &Path) -> bool {
    path.extension()
        .is_some_and(|found| FILE_ENDINGS.iter().any(|ending| found == *ending))
}

/// Whether a file begins or ends as a ZIP archive does.
fn is_zip(path: &Path) -> bool {
    use std::io::Read;
    let mut signature = [0; 4];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut signature));
    read.is_ok() && matches!(&signature, b"PK\x03\x04" | b"PK\x05\x06")
}

/// Whether a file begins as an object of JSON does, as a document of references.
fn is_object(path: &Path) -> bool {
    use std::io::Read;
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(64).read_to_end(&mut start));
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    read.is_ok() && first == Some(&b'{')
}

/// Opens a document of references, which are followed to files beneath its own directory and beneath those that are
/// allowed.
///
/// # Errors
/// [`Error::Core`] when the document or a directory cannot be opened.
#[cfg(feature = "reference")]
pub fn open_references<P: AsRef<Path>>(location: &Location, allowed: &[P]) -> Result<Arc<dyn Store>> {
    let store = ReferenceStore::open(&location.store)?;
    let store = allowed.iter().try_fold(store, ReferenceStore::with_allowed)?;
    Ok(Arc::new(store))
}

/// Opens the Zarr store at a location, for reading or to be changed.
///
/// # Errors
/// [`Error::Argument`] for an address that this build cannot open;
/// [`Error::Core`] when it cannot be opened, or a file is in its place; [`Error::Source`] for a file that is no
/// ZIP archive and was to be read.
pub fn open_store(location: &Location, writable: bool) -> Result<Arc<dyn Store>> {
    open_with(location, writable, Strays::Passed)
}

/// Opens the Zarr store at a location for reading, where all that is in it is to be copied.
///
/// What is no key of a directory, an archive or a bucket is an error of listing it, and, unless they are followed, so is a link
/// that leads out of it.
///
/// # Errors
/// Those of [`open_store`].
pub fn open_whole_store(location: &Location, follows_links: bool) -> Result<Arc<dyn Store>> {
    let strays = if follows_links {
        Strays::Named
    } else {
        Strays::Refused
    };
    open_with(location, false, strays)
}

fn open_with(location: &Location, writable: bool, strays: Strays) -> Result<Arc<dyn Store>> {
    let path = &location.store;
    if let Some(address) = location.address() {
        return address::open(address, strays);
    }
    match location.kind() {
        StoreKind::Directory => {
            let store: Arc<dyn Store> = if writable {
                Arc::new(DirectoryStore::create(path)?)
            } else {
                Arc::new(DirectoryStore::open(path)?.with_strays(strays).pinned()?)
            };
            Ok(if is_n5(path) {
                Arc::new(N5Store::new(store))
            } else {
                store
            })
        }
        #[cfg(feature = "zip")]
        StoreKind::Zip if writable => Ok(Arc::new(ZipStore::update(path)?)),
        #[cfg(feature = "zip")]
        StoreKind::Zip => Ok(Arc::new(ZipStore::open(path)?.with_strays(strays))),
        #[cfg(feature = "reference")]
        StoreKind::References if !writable => open_references::<&Path>(location, &[]),
        StoreKind::References if writable => Err(StoreError::NotSupported {
            operation: "writing",
            store: format!("the document of references {}", path.display()),
        }
        .into()),
        _ => {
            let what = path.display().to_string();
            let is = match fs::metadata(path) {
                Ok(found) if !found.is_file() => "is neither a file nor a directory",
                Ok(_) => "is a file that is no ZIP archive",
                Err(_) => "would be a file that is no ZIP archive",
            };
            let reason = format!("{is}; Zarr is kept in directories and ZIP archives");
            Err(if writable {
                StoreError::Conflict { what, reason }.into()
            } else {
                Error::Source { what, reason }
            })
        }
    }
}
