//! The error that a dropped store leaves behind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::StoreError;

/// The error of completing an archive when its store was dropped, for those who did not close it.
#[derive(Debug, Clone, Default)]
pub struct CloseError(Arc<Mutex<Option<StoreError>>>);

impl CloseError {
    /// Takes the error, if the store was dropped and what was set could not be kept.
    pub fn take(&self) -> Option<StoreError> {
        self.slot().take()
    }

    pub(super) fn slot(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
