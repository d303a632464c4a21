//! The array between two passes, where another process can continue them.

use std::{path::Path, sync::Arc};

use zarr_core::store::{DirectoryStore, Staged, Store, TempStore};

use crate::{Ledger, Result};

/// A directory for what two passes of [`rechunk`](crate::rechunk()) have between them.
///
/// Dropped it stays, if it lies [beside](Self::beside) something, and the same work finds in it what is whole;
/// [`Between::finish`] removes it.
#[derive(Debug)]
pub struct Between {
    store: Arc<dyn Store>,
    /// What makes the directory last, and what is done in it.
    lasting: Option<(Box<dyn Staged>, Ledger)>,
}

impl Between {
    /// Makes or finds a hidden directory beside a path, at which nothing need be.
    ///
    /// `work` tells the work from others; with `resumes`, what a killed process made counts.
    ///
    /// # Errors
    /// `Conflict` when a living process does the same work; when the directory cannot be made.
    pub fn beside(path: &Path, work: &str, resumes: bool) -> Result<Self> {
        let place: Arc<dyn Store> = Arc::new(DirectoryStore::create(path)?);
        if let Some(ledger) = Ledger::open(&place, work, resumes)?
            && let Some(staged) = ledger.stage_root()?
        {
            return Ok(Self {
                store: staged.store(),
                lasting: Some((staged, ledger)),
            });
        }
        Self::temporary()
    }

    /// Makes a directory in the system's place for temporary files, which goes when this is dropped.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn temporary() -> Result<Self> {
        Ok(Self {
            store: Arc::new(TempStore::new()?),
            lasting: None,
        })
    }

    /// Removes the directory.
    ///
    /// # Errors
    /// When what is done is still noted; the directory is then there too.
    pub fn finish(self) -> Result<()> {
        if let Some((staged, ledger)) = self.lasting {
            // What is being removed is no longer taken for whole.
            ledger.finish()?;
            staged.discard();
        }
        Ok(())
    }

    /// Where the array is put.
    pub(crate) const fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What is done of it.
    pub(crate) fn ledger(&self) -> Option<&Ledger> {
        self.lasting.as_ref().map(|(_, ledger)| ledger)
    }
}
