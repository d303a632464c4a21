//! Which other files the data of a dataset may be taken from, and where they are.
//!
//! None, unless directories are named; then files beneath these, links resolved, and beneath the directory of the file
//! itself. Names are looked up beside the file that has them, whatever the environment and the working directory say.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Error, Result};

/// The directories beneath which other files may be read, without links; none of them in most cases.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed(Arc<[PathBuf]>);

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// To the file that has the name in it.
    Here,
    /// To another one, which is a regular file.
    File(PathBuf),
    /// To nothing.
    Missing,
}

impl Allowed {
    /// Allows what is beneath directories, and beneath that of `file`; nothing if there are no directories.
    pub(super) fn new(file: &Path, directories: &[PathBuf]) -> Result<Self> {
        if directories.is_empty() {
            return Ok(Self::default());
        }
        let own = folder(&canonical(file)?).to_owned();
        let others = directories.iter().map(|directory| canonical(directory));
        let all = std::iter::once(Ok(own)).chain(others);
        Ok(Self(all.collect::<Result<Vec<_>>>()?.into()))
    }

    /// Finds the file that a name in `file` leads to, or says why it must not be read.
    ///
    /// The name is one on its own, or a path from the directory of the file; where nothing is at a full path, what has
    /// its last part beside the file is taken, as the library does.
    pub(super) fn find(&self, file: &Path, name: &[u8]) -> std::result::Result<Place, String> {
        let shown = String::from_utf8_lossy(name).into_owned();
        let failed = |error: io::Error| format!("its source `{shown}`: {error}");
        let Some(name) = os_str(name).filter(|name| !name.is_empty()) else {
            return Err(format!(
                "its source has the name `{shown}`, which no file can have"
            ));
        };
        let own = fs::canonicalize(file).map_err(failed)?;
        let beside = [folder(file), folder(&own)];
        let last = Path::new(name)
            .file_name()
            .filter(|_| Path::new(name).is_absolute());
        let names = std::iter::once(name).chain(last);
        let candidates = names.flat_map(|name| beside.iter().map(move |folder| folder.join(name)));
        for candidate in candidates {
            let found = match fs::canonicalize(&candidate) {
                Ok(found) => found,
                Err(error) if is_missing(&error) => continue,
                Err(error) => return Err(failed(error)),
            };
            if found == own {
                return Ok(Place::Here);
            }
            if self.0.is_empty() {
                break;
            }
            if !self.0.iter().any(|directory| found.starts_with(directory)) {
                return Err(format!(
                    "its source `{shown}` lies beyond the directories that are allowed"
                ));
            }
            // What is no regular file may wait for ever when it is opened.
            if fs::metadata(&found).map_err(failed)?.is_file() {
                return Ok(Place::File(found));
            }
            return Err(format!("its source `{shown}` is no regular file"));
        }
        if self.0.is_empty() {
            return Err(format!(
                "its source `{shown}` is another file, and none are allowed"
            ));
        }
        Ok(Place::Missing)
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The directory that a file is in.
fn folder(file: &Path) -> &Path {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|source| Error::Io {
        action: "resolving",
        file: path.to_owned(),
        source,
    })
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere names are texts")]
fn os_str(name: &[u8]) -> Option<&OsStr> {
    Some(std::os::unix::ffi::OsStrExt::from_bytes(name))
}

#[cfg(not(unix))]
fn os_str(name: &[u8]) -> Option<&OsStr> {
    std::str::from_utf8(name).ok().map(OsStr::new)
}

#[cfg(all(test, unix))]
mod tests {

    use super::*;

    #[test]
    fn names_lead_to_files_beneath_the_directories_alone() {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        fs::create_dir_all(at("own/below")).unwrap();
        fs::create_dir_all(at("other")).unwrap();
        for name in ["own/x.h5", "own/a.h5", "own/below/b.h5", "other/c.h5", "d.h5"] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink(at("d.h5"), at("own/link.h5")).unwrap();
        let x = at("own/x.h5");
        let top_path = fs::canonicalize(top.path()).unwrap();
        let found = |allowed: &[&str], name: &str| {
            let directories: Vec<_> = allowed.iter().map(|name| at(name)).collect();
            let place = Allowed::new(&x, &directories).unwrap().find(&x, name.as_bytes());
            place.map(|place| match place {
                Place::Here => "here".to_owned(),
                Place::Missing => "missing".to_owned(),
                Place::File(path) => path.strip_prefix(&top_path).unwrap().display().to_string(),
            })
        };
        assert_eq!(found(&[], "x.h5").unwrap(), "here");
        assert_eq!(found(&[], "below/../x.h5").unwrap(), "here");
        assert!(found(&[], "a.h5").unwrap_err().contains("`a.h5` is another file"));
        assert!(found(&[], "absent.h5").unwrap_err().contains("none are allowed"));
        assert_eq!(found(&["own"], "a.h5").unwrap(), "own/a.h5");
        assert_eq!(found(&["other"], "below/b.h5").unwrap(), "own/below/b.h5");
        assert_eq!(found(&["other"], "../other/c.h5").unwrap(), "other/c.h5");
        assert_eq!(found(&["own"], "absent.h5").unwrap(), "missing");
        let full = at("elsewhere/a.h5").display().to_string();
        assert_eq!(found(&["own"], &full).unwrap(), "own/a.h5");
        for beyond in [
            "../other/c.h5",
            "../d.h5",
            "link.h5",
            &at("d.h5").display().to_string(),
        ] {
            let refused = found(&["own"], beyond).unwrap_err();
            assert!(refused.contains("beyond the directories"), "{beyond}: {refused}");
        }
        assert!(found(&["own"], "below").unwrap_err().contains("no regular file"));
        assert!(found(&["own"], "").unwrap_err().contains("no file can have"));
    }
}
