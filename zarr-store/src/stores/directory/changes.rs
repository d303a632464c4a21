//! What changed in a directory and may not be on the disk yet.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether something changed since the last time that all was synced; a store and the trees staged in it share one.
#[derive(Debug, Default)]
pub(super) struct Changes {
    is_there: AtomicBool,
    syncing: Mutex<()>,
}

impl Changes {
    pub(super) fn note(&self) {
        self.is_there.store(true, Ordering::Release);
    }

    /// Syncs if something changed; who comes while another thread does so waits for what that comes to.
    pub(super) fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let _syncing = self.syncing.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken before, so that what changes meanwhile is synced the next time.
        if !self.is_there.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        sync().inspect_err(|_| self.note())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, thread};

    use super::*;

    #[test]
    fn who_comes_during_a_sync_that_fails_syncs_again() {
        let changes = Changes::default();
        let (n_synced, is_second_there) = (AtomicUsize::new(0), AtomicBool::new(false));
        let has_first_ended = AtomicBool::new(false);
        changes.note();
        thread::scope(|scope| {
            let first = changes.sync(|| {
                scope.spawn(|| {
                    is_second_there.store(true, Ordering::SeqCst);
                    let second = changes.sync(|| {
                        assert!(has_first_ended.load(Ordering::SeqCst));
                        n_synced.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    });
                    second.unwrap();
                    assert_eq!(n_synced.load(Ordering::SeqCst), 1, "what it relies on is synced");
                });
                while !is_second_there.load(Ordering::SeqCst) {
                    thread::yield_now();
                }
                // Long enough for it to return if it does not wait.
                (0..1000).for_each(|_| thread::yield_now());
                has_first_ended.store(true, Ordering::SeqCst);
                Err(io::ErrorKind::StorageFull.into())
            });
            first.unwrap_err();
        });
        changes.sync(|| panic!("nothing changed since")).unwrap();
    }
}
