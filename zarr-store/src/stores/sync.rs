//! Waiting until files and the names in folders are on the disk.

use std::{fs::File, io, path::Path};

/// Waits until a file is on the disk, so that it is whole under whatever name it gets after a loss of power.
pub(crate) fn sync_file(file: &File) -> io::Result<()> {
    #[cfg(test)]
    watching::tell("file")?;
    file.sync_all()
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    watching::tell("folder")?;
    File::open(path)?.sync_all()
}

/// What tests see of this, as nothing else does before power is lost.
#[cfg(test)]
pub(crate) mod watching {
    use std::{cell::RefCell, io};

    type Watcher = Box<dyn FnMut(&'static str) -> io::Result<()>>;

    thread_local! {
        static WATCHER: RefCell<Option<Watcher>> = const { RefCell::new(None) };
    }

    /// Calls `watcher` with what is about to be synced by this thread, as long as `action` runs.
    pub(crate) fn watch<T>(
        watcher: impl FnMut(&'static str) -> io::Result<()> + 'static,
        action: impl FnOnce() -> T,
    ) -> T {
        WATCHER.set(Some(Box::new(watcher)));
        let result = action();
        WATCHER.set(None);
        result
    }

    pub(super) fn tell(what: &'static str) -> io::Result<()> {
        WATCHER.with_borrow_mut(|watcher| watcher.as_mut().map_or(Ok(()), |watch| watch(what)))
    }
}
