//! A root that is read from its handle, so that no other directory is taken for it.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::fs::{Mode, OFlags, fstat, open, stat};

/// A directory, and what tells it from those that had its path before or have it after.
#[derive(Debug)]
pub(super) struct Pinned {
    root: OwnedFd,
    device_and_number: (u64, u64),
}

impl Pinned {
    /// Opens the directory that has the path now.
    pub(super) fn new(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open(path, flags, Mode::empty())?;
        let status = fstat(&root)?;
        Ok(Self {
            root,
            device_and_number: (status.st_dev, status.st_ino),
        })
    }

    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }

    /// Whether the directory still has its path.
    ///
    /// One that lost it may be on its way to be removed, file by file, so what is missing of it tells nothing.
    pub(super) fn is_in_place(&self, path: &Path) -> bool {
        stat(path).is_ok_and(|status| (status.st_dev, status.st_ino) == self.device_and_number)
    }
}
