//! Files that are seen when they are complete.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    process,
    sync::OnceLock,
};

use anyhow::Result;
use zarr_convenience::Error;

/// The process whose number is in temporary names.
static OWNER: OnceLock<u32> = OnceLock::new();

/// Names new files after the process that started this one, and removes them where this one cannot.
#[cfg(all(unix, feature = "hdf5"))]
pub(crate) fn leave_to_parent() {
    // Nothing was named before.
    let _ = OWNER.set(std::os::unix::process::parent_id());
}

/// Removes the new file that a process left which was ended while this one waited for it.
#[cfg(feature = "hdf5")]
pub(crate) fn remove_left(path: &Path) {
    // Mostly there is none.
    let _ = fs::remove_file(temporary_name(path, process::id()));
}

fn temporary_name(path: &Path, owner: u32) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{owner}.partial"))
}

/// A file under a temporary name beside its own, removed unless it is published.
pub(crate) struct NewFile {
    temporary: PathBuf,
    path: PathBuf,
    is_published: bool,
}

impl NewFile {
    /// A file that will be at `path`.
    pub(crate) fn beside(path: &Path) -> Self {
        Self {
            temporary: temporary_name(path, *OWNER.get_or_init(process::id)),
            path: path.to_owned(),
            is_published: false,
        }
    }

    #[cfg_attr(
        not(feature = "hdf5"),
        expect(dead_code, reason = "only HDF5 makes its files itself")
    )]
    /// Where it is until it is published.
    pub(crate) fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// Makes it, to be written to.
    pub(crate) fn create(&self) -> io::Result<BufWriter<File>> {
        Ok(BufWriter::with_capacity(1 << 16, File::create(&self.temporary)?))
    }

    /// Gives the file its name, which must still be free.
    pub(crate) fn publish(self) -> Result<()> {
        if self.path.try_exists().map_err(|error| self.failed(error))? {
            let reason = format!("{}: appeared while the copy was made", self.path.display());
            return Err(Error::Copy(reason).into());
        }
        self.replace()
    }

    /// Gives the file its name, and takes it from an older one.
    pub(crate) fn replace(mut self) -> Result<()> {
        fs::rename(&self.temporary, &self.path).map_err(|error| self.failed(error))?;
        self.is_published = true;
        Ok(())
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::File {
            what: self.path.display().to_string(),
            action: "publishing",
            source,
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_published {
            // There is nobody left to tell.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}
