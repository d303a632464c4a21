//! The files that a document refers to: which may be read, and those that are open.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// How many files are kept open.
const OPEN_MAX: usize = 64;

/// An open file, and its size in bytes when it was opened.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) file: File,
    pub(super) size: u64,
}

/// Opens files by the addresses of a document.
#[derive(Debug)]
pub(super) struct Files {
    /// What relative paths start from.
    base: PathBuf,
    /// The directories, without links, that all files must lie beneath.
    allowed: Vec<PathBuf>,
    open: Mutex<HashMap<Box<str>, Arc<Target>>>,
}

/// Why a file was not opened.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The policy forbids it.
    Policy(String),
    /// The system could not.
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Files {
    /// Files beneath a directory, which is also what relative paths start from.
    pub(super) fn beneath(base: PathBuf) -> io::Result<Self> {
        let allowed = vec![base.canonicalize()?];
        let open = Mutex::default();
        Ok(Self { base, allowed, open })
    }

    /// Files beneath another directory as well.
    pub(super) fn allow(&mut self, directory: &Path) -> io::Result<()> {
        self.allowed.push(directory.canonicalize()?);
        Ok(())
    }

    /// Opens the file of an address, or takes the one that is open.
    pub(super) fn open(&self, url: &str) -> Result<Arc<Target>, Refusal> {
        if let Some(target) = self.kept().get(url) {
            return Ok(Arc::clone(target));
        }
        // With all links resolved, so that none leads out of what is allowed.
        let path = self
            .base
            .join(path_of(url).map_err(Refusal::Policy)?)
            .canonicalize()?;
        if !self.allowed.iter().any(|directory| path.starts_with(directory)) {
            let directories: Vec<_> = self
                .allowed
                .iter()
                .map(|allowed| allowed.display().to_string())
                .collect();
            return Err(Refusal::Policy(format!(
                "lies outside {}, and other directories were not allowed",
                directories.join(" and ")
            )));
        }
        // Opening a pipe would wait for its other end.
        if !fs::metadata(&path)?.is_file() {
            return Err(Refusal::Policy("is no regular file".to_owned()));
        }
        let file = File::open(&path)?;
        let status = file.metadata()?;
        if !status.is_file() {
            return Err(Refusal::Policy("is no regular file".to_owned()));
        }
        let size = status.len();
        let target = Arc::new(Target { file, size });
        let mut kept = self.kept();
        if kept.len() >= OPEN_MAX {
            kept.clear();
        }
        kept.insert(url.into(), Arc::clone(&target));
        Ok(target)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Arc<Target>>> {
        // A panic elsewhere cannot leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path that an address names, if it names a file of this machine. As fsspec has it, `%` stands for itself.
fn path_of(url: &str) -> Result<PathBuf, String> {
    if let Some(path) = url.strip_prefix("file://") {
        let path = path.strip_prefix("localhost").unwrap_or(path);
        if !path.starts_with('/') {
            return Err("names a file of another machine".to_owned());
        }
        return Ok(path.into());
    }
    if let Some((scheme, _)) = url.split_once("://") {
        return Err(format!(
            "lies elsewhere, and references are followed to files only, not to {scheme}://"
        ));
    }
    if url.is_empty() {
        return Err("is no address".to_owned());
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_files_of_this_machine() {
        for (url, path) in [
            ("x.h5", "x.h5"),
            ("a/b%20c.h5", "a/b%20c.h5"),
            ("/data/x.h5", "/data/x.h5"),
            ("file:///data/a%20b.h5", "/data/a%20b.h5"),
            ("file://localhost/x", "/x"),
        ] {
            assert_eq!(path_of(url).unwrap(), Path::new(path), "{url}");
        }
        for (url, words) in [
            ("", "no address"),
            ("s3://bucket/x", "s3://"),
            ("http://h/x", "http://"),
            ("file://host/x", "another machine"),
        ] {
            let reason = path_of(url).unwrap_err();
            assert!(reason.contains(words), "{url}: {reason}");
        }
    }
}
