//! A file, and opening the objects in it.

use std::collections::{HashMap, VecDeque};
use std::ffi::CString;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::attribute::Node;
use super::libhdf5::{self, Called, Handle, Kind};
use super::outside::{Allowed, Place};
use super::{Attribute, Dataset, Datatype, Error, FileSpace, Group, LinkKind, Name, ObjectKind, Result};

/// The eight bytes that an HDF5 file proper starts with.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// An HDF5 file, open for reading. Clones share it; it is closed with the last object of it.
#[derive(Clone, Debug)]
pub struct File {
    shared: Arc<Shared>,
    path: Arc<Path>,
    allowed: Allowed,
}

#[derive(Debug)]
struct Shared {
    handle: Handle,
    /// The same file, for reading chunks without the library.
    bytes: fs::File,
    /// Where HDF5 begins, behind a user block, and how long the file was when it was opened.
    bounds: (u64, u64),
    /// What told it from others then.
    state: [u64; 7],
    /// The paths of objects by their addresses, found when one is first asked for.
    paths: OnceLock<HashMap<u64, String>>,
}

/// An object of a file.
#[derive(Clone, Debug)]
pub enum Object {
    /// A group.
    Group(Group),
    /// A dataset.
    Dataset(Dataset),
    /// A data type with a name.
    NamedType(NamedType),
}

/// A data type that is an object of its own.
#[derive(Clone, Debug)]
pub struct NamedType {
    node: Node,
    datatype: Datatype,
}

/// What other programs keep in front of an HDF5 file, as MATLAB does; HDF5 itself does not look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserBlock {
    /// Its length in bytes, a power of two and at least 512.
    pub size: u64,
    /// What is in it, but for zeros at its end.
    pub bytes: Vec<u8>,
}

/// What tells a file from others, and from what it was before it changed.
type State = (PathBuf, [u64; 7]);

/// The files that this process has open.
///
/// One that is opened again is the same one to the library as well: where it has a file twice, a dataset that both have
/// open has its texts and sequences looked for in the one that was opened last, also after that was closed.
fn open_files() -> MutexGuard<'static, Vec<(State, Weak<Shared>)>> {
    static OPEN: Mutex<Vec<(State, Weak<Shared>)>> = Mutex::new(Vec::new());
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(unix)]
fn state(_: &Path, metadata: &fs::Metadata) -> State {
    use std::os::unix::fs::MetadataExt;
    let times = [
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ];
    let [modified, modified_nsec, changed, changed_nsec] = times.map(i64::cast_unsigned);
    let (device, number, len) = (metadata.dev(), metadata.ino(), metadata.len());
    // The number says which file it is, whatever its path.
    let numbers = [
        device,
        number,
        len,
        modified,
        modified_nsec,
        changed,
        changed_nsec,
    ];
    (PathBuf::new(), numbers)
}

#[cfg(not(unix))]
fn state(path: &Path, metadata: &fs::Metadata) -> State {
    let since = |time: io::Result<std::time::SystemTime>| {
        let since = time
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        since.unwrap_or_default().as_nanos() as u64
    };
    let times = (since(metadata.modified()), since(metadata.created()));
    (path.to_owned(), [metadata.len(), times.0, times.1, 0, 0, 0, 0])
}

/// Whether a file carries the signature of HDF5: at its start, or at 512 bytes, 1024, 2048 and so on.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read.
pub fn is_hdf5(path: impl AsRef<Path>) -> Result<bool> {
    let path = path.as_ref();
    open_bytes(path)
        .and_then(|mut file| find_signature(&mut file))
        .map(|start| start.is_some())
        .map_err(|source| Error::Io {
            action: "opening",
            file: path.to_owned(),
            source,
        })
}

/// Opens a file, and refuses what is neither that nor a directory: opening a pipe would wait for its other end.
pub(super) fn open_bytes(path: &Path) -> io::Result<fs::File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() || kind.is_dir() {
        return fs::File::open(path);
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("it is {}", name_of(kind)),
    ))
}

#[cfg(unix)]
fn name_of(kind: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn name_of(_: fs::FileType) -> &'static str {
    "no file"
}

/// Where the signature is.
fn find_signature(file: &mut fs::File) -> io::Result<Option<u64>> {
    let len = file.metadata()?.len();
    let mut start: u64 = 0;
    while start.checked_add(8).is_some_and(|end| end <= len) {
        let mut found = [0; 8];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut found)?;
        if found == SIGNATURE {
            return Ok(Some(start));
        }
        start = if start == 0 { 512 } else { start.saturating_mul(2) };
    }
    Ok(None)
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be opened, [`Error::NotHdf5`] if it is something else,
    /// [`Error::Library`] if it is damaged or cut.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let io_error = |source| Error::Io {
            action: "opening",
            file: path.to_owned(),
            source,
        };
        let mut bytes = open_bytes(path).map_err(io_error)?;
        let metadata = bytes.metadata().map_err(io_error)?;
        let start = if metadata.is_dir() {
            None
        } else {
            find_signature(&mut bytes).map_err(io_error)?
        };
        let start = start.ok_or_else(|| Error::NotHdf5 {
            file: path.to_owned(),
        })?;
        let path: Arc<Path> = path.into();
        let (mut open, found) = (open_files(), state(&path, &metadata));
        open.retain(|(_, shared)| shared.strong_count() > 0);
        let same = open.iter().find(|(known, _)| *known == found);
        if let Some(shared) = same.and_then(|(_, shared)| shared.upgrade()) {
            return Ok(Self::new(shared, path));
        }
        let name = c_path(&path).map_err(io_error)?;
        let handle = libhdf5::open_file(&name).map_err(|reason| Error::Library {
            action: "opening",
            file: path.to_path_buf(),
            object: "/".to_owned(),
            reason,
        })?;
        let shared = Arc::new(Shared {
            handle,
            bytes,
            bounds: (start, metadata.len()),
            state: found.1,
            paths: OnceLock::new(),
        });
        open.push((found, Arc::downgrade(&shared)));
        Ok(Self::new(shared, path))
    }

    fn new(shared: Arc<Shared>, path: Arc<Path>) -> Self {
        let allowed = Allowed::default();
        Self {
            shared,
            path,
            allowed,
        }
    }

    /// Reads virtual datasets and external raw data whose files lie beneath these directories, or beneath that of the
    /// file itself, links resolved; without it, and if there are no directories, none that lie in other files.
    ///
    /// Names are looked up in the directory of the file that has them. External links stay refused.
    ///
    /// # Errors
    /// [`Error::Io`] if a directory is not there.
    pub fn allowing_external(mut self, directories: &[PathBuf]) -> Result<Self> {
        self.allowed = Allowed::new(&self.path, directories)?;
        Ok(self)
    }

    /// Where a name leads that the file has for another one.
    pub(super) fn outside(&self, name: &[u8]) -> Called<Place> {
        if name == b"." {
            return Ok(Place::Here);
        }
        self.allowed.find(&self.path, name)
    }

    /// Opens another file under the same rules.
    pub(super) fn beside(&self, path: &Path) -> Result<Self> {
        let mut file = Self::open(path)?;
        file.allowed = self.allowed.clone();
        Ok(file)
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.shared.handle
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What told the file, when it was opened, from others and from what it was before it changed: on Unix its device,
    /// number, size in bytes and times, elsewhere its size and times.
    pub fn state(&self) -> [u64; 7] {
        self.shared.state
    }

    /// How long the file was when it was opened.
    pub fn len_bytes(&self) -> u64 {
        self.shared.bounds.1
    }

    /// What lies in front of the file, if it is no more than so many bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn user_block(&self, bytes_max: u64) -> Result<Option<UserBlock>> {
        let size = self.shared.bounds.0;
        let mut bytes = vec![0; usize::try_from(size.min(bytes_max)).unwrap_or_default()];
        if size > bytes_max || bytes.is_empty() {
            return Ok(None);
        }
        self.read_into(0, &mut bytes)?;
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        bytes.truncate(end);
        Ok(Some(UserBlock { size, bytes }))
    }

    /// How the file manages its room; `None` for a way without a name.
    ///
    /// # Errors
    /// [`Error::Library`] if the file does not tell.
    pub fn space(&self) -> Result<Option<FileSpace>> {
        libhdf5::file_space(&self.shared.handle).map_err(|reason| Error::Library {
            action: "reading the properties of",
            file: self.path.to_path_buf(),
            object: "/".to_owned(),
            reason,
        })
    }

    /// The length in bytes of what lies in front of the file.
    pub fn user_block_size(&self) -> u64 {
        self.shared.bounds.0
    }

    /// The bytes that addresses may lead to: the first, and the one behind the last.
    pub(super) fn bounds(&self) -> (u64, u64) {
        self.shared.bounds
    }

    /// The group that all paths start from.
    ///
    /// # Errors
    /// [`Error::Library`] if the file is damaged.
    pub fn root(&self) -> Result<Group> {
        self.group("/")
    }

    /// Opens the object at a path such as `/a/b`. Soft links on the way are followed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Outside`] if an external link is on the way,
    /// [`Error::Library`] if the object is damaged.
    pub fn object(&self, path: &str) -> Result<Object> {
        let absolute = format!("/{}", path.trim_matches('/'));
        self.open_from(&self.shared.handle, path.as_bytes(), absolute)
    }

    /// Opens the group at a path.
    ///
    /// # Errors
    /// As [`object`](Self::object), and [`Error::WrongKind`].
    pub fn group(&self, path: &str) -> Result<Group> {
        match self.object(path)? {
            Object::Group(group) => Ok(group),
            object => Err(self.wrong_kind(&object, "group")),
        }
    }

    /// Opens the dataset at a path.
    ///
    /// # Errors
    /// As [`object`](Self::object), and [`Error::WrongKind`].
    pub fn dataset(&self, path: &str) -> Result<Dataset> {
        match self.object(path)? {
            Object::Dataset(dataset) => Ok(dataset),
            object => Err(self.wrong_kind(&object, "dataset")),
        }
    }

    /// The first path that leads to an object by hard links alone, from above; `None` if there is none.
    pub fn path_of(&self, address: u64) -> Option<String> {
        let paths = self.shared.paths.get_or_init(|| self.find_paths());
        paths.get(&address).cloned()
    }

    fn find_paths(&self) -> HashMap<u64, String> {
        let mut paths = HashMap::new();
        let Ok(root) = self.root() else {
            return paths;
        };
        if let Ok(address) = root.address() {
            paths.insert(address, "/".to_owned());
        }
        let mut groups = VecDeque::from([root]);
        while let Some(group) = groups.pop_front() {
            // A group that is damaged is reported where it is listed.
            for link in group.links().unwrap_or_default() {
                let (LinkKind::Hard { address, object }, Some(name)) = (&link.kind, link.name.to_str())
                else {
                    continue;
                };
                if paths.contains_key(address) {
                    continue;
                }
                let path = format!("{}/{name}", group.path().trim_end_matches('/'));
                paths.insert(*address, path);
                if *object == ObjectKind::Group
                    && let Ok(Object::Group(below)) = group.open(&link.name)
                {
                    groups.push_back(below);
                }
            }
        }
        paths
    }

    /// Whether what the file holds is what the library says: not while this process changes the file.
    ///
    /// Chunks are read by their addresses only then.
    pub fn is_settled(&self) -> bool {
        !libhdf5::is_changed_here(&self.shared.handle)
    }

    /// Reads bytes of the file as they are, without the library and its lock.
    ///
    /// `bytes` is emptied first. Addresses and sizes are as in [`Chunk`](super::Chunk) and
    /// [`Layout`](super::Layout).
    ///
    /// # Errors
    /// [`Error::Damaged`] if they lie beyond the end of the file, else [`Error::Io`].
    pub fn read_bytes(&self, address: u64, size_bytes: u64, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        let size = self.check_bytes(address, size_bytes)?;
        bytes.resize(size, 0);
        self.read_into(address, bytes)
    }

    /// Fails with [`Error::Damaged`] if bytes of the file lie beyond its end; gives how many they are.
    pub(crate) fn check_bytes(&self, address: u64, size_bytes: u64) -> Result<usize> {
        let size = usize::try_from(size_bytes).ok();
        size.filter(|_| self.has_bytes(address, size_bytes))
            .ok_or_else(|| Error::Damaged {
                file: self.path.to_path_buf(),
                object: "/".to_owned(),
                reason: format!("{size_bytes} bytes at {address} lie beyond the end of the file"),
            })
    }

    /// Reads bytes of the file that lie within it.
    pub(crate) fn read_into(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        read_exact_at(&self.shared.bytes, bytes, address).map_err(|source| Error::Io {
            action: "reading",
            file: self.path.to_path_buf(),
            source,
        })
    }

    /// Whether so many bytes lie in the file as it was when it was opened.
    pub(super) fn has_bytes(&self, address: u64, size_bytes: u64) -> bool {
        let last = address.checked_add(size_bytes);
        let (start, end) = self.shared.bounds;
        // An address that the library counted beyond all numbers would come out before the start.
        address >= start && last.is_some_and(|last| last <= end)
    }

    /// Opens what `relative` leads to from an open object; `path` is its absolute path for people.
    pub(super) fn open_from(&self, location: &Handle, relative: &[u8], path: String) -> Result<Object> {
        let not_found = || Error::NotFound {
            file: self.path.to_path_buf(),
            object: path.clone(),
        };
        let relative = if relative.is_empty() { b"/" } else { relative };
        let name = CString::new(relative).map_err(|_| not_found())?;
        let handle = match libhdf5::open_object(location, &name) {
            Ok(Some(handle)) => handle,
            Ok(None) => {
                return Err(Error::Outside {
                    file: self.path.to_path_buf(),
                    object: path,
                    reason: "an external link".to_owned(),
                });
            }
            Err(_) if !exists(location, relative).unwrap_or(true) => return Err(not_found()),
            Err(reason) => return Err(self.library_error("opening", path, reason)),
        };
        let kind = libhdf5::kind(&handle);
        let node = Node::new(self.clone(), path, handle);
        match kind {
            Kind::Group => Ok(Object::Group(Group::new(node))),
            Kind::Dataset => Dataset::new(node).map(Object::Dataset),
            Kind::NamedType => {
                let datatype = node.check("opening", libhdf5::describe(node.handle()))?;
                Ok(Object::NamedType(NamedType { node, datatype }))
            }
            Kind::Unknown => Err(node.error(
                "opening",
                "it is neither a group nor a dataset nor a data type".to_owned(),
            )),
        }
    }

    pub(super) fn library_error(&self, action: &'static str, object: String, reason: String) -> Error {
        Error::Library {
            action,
            file: self.path.to_path_buf(),
            object,
            reason,
        }
    }

    fn wrong_kind(&self, object: &Object, expected: &'static str) -> Error {
        let found = match object {
            Object::Group(_) => "group",
            Object::Dataset(_) => "dataset",
            Object::NamedType(_) => "data type",
        };
        Error::WrongKind {
            file: self.path.to_path_buf(),
            object: object.path().to_owned(),
            expected,
            found,
        }
    }
}

/// Whether every link of a path is there and leads somewhere.
pub(super) fn exists(location: &Handle, path: &[u8]) -> Called<bool> {
    let mut prefix = if path.first() == Some(&b'/') {
        vec![b'/']
    } else {
        Vec::new()
    };
    for part in path.split(|&byte| byte == b'/').filter(|part| !part.is_empty()) {
        if !prefix.is_empty() && prefix.last() != Some(&b'/') {
            prefix.push(b'/');
        }
        prefix.extend_from_slice(part);
        let name = CString::new(prefix.clone()).map_err(|error| error.to_string())?;
        if !libhdf5::exists(location, &name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Object {
    /// The path that the object was opened by.
    pub fn path(&self) -> &str {
        match self {
            Self::Group(group) => group.path(),
            Self::Dataset(dataset) => dataset.path(),
            Self::NamedType(named) => named.node.path(),
        }
    }
}

impl NamedType {
    /// The path that the data type was opened by.
    pub fn path(&self) -> &str {
        self.node.path()
    }

    /// The data type itself.
    pub fn datatype(&self) -> &Datatype {
        &self.datatype
    }

    /// The names of its attributes, as [`Group::attribute_names`].
    ///
    /// # Errors
    /// [`Error::Library`] if the object is damaged.
    pub fn attribute_names(&self) -> Result<Vec<Name>> {
        self.node.attribute_names()
    }

    /// Reads one attribute, as [`Group::attribute`].
    ///
    /// # Errors
    /// As there.
    pub fn attribute(&self, name: &Name) -> Result<Attribute> {
        self.node.attribute(name)
    }
}

/// The path in the form that the library takes: bytes on Unix, UTF-8 elsewhere.
pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    #[cfg(unix)]
    let bytes = Some(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()));
    #[cfg(not(unix))]
    let bytes = path.to_str().map(str::as_bytes);
    bytes.and_then(|bytes| CString::new(bytes).ok()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "the name has a form that HDF5 cannot take",
        )
    })
}

#[cfg(unix)]
fn read_exact_at(file: &fs::File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &fs::File, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        let len = std::os::windows::fs::FileExt::seek_read(file, buffer, offset)?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        buffer = &mut buffer[len..];
        offset += len as u64;
    }
    Ok(())
}
