//! The one place that makes threads.

use std::{
    cell::RefCell,
    mem,
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use zarr_codecs::Scratch;
use zarr_store::ReadBuffer;

use crate::projection::Part;

/// How many threads may work at once.
///
/// Threads live as long as one call; nothing stays behind, so a process may fork.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    threads: NonZeroUsize,
}

impl Default for Workers {
    /// As many as the machine has processors for this process.
    fn default() -> Self {
        Self {
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// What a thread uses again from chunk to chunk.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) scratch: Scratch,
    pub(crate) read: ReadBuffer,
    pub(crate) chunk: Vec<u8>,
    pub(crate) heap: Vec<u8>,
    pub(crate) name: String,
    pub(crate) parts: Vec<Part>,
}

thread_local! {
    /// Kept from call to call, because many small reads come one after the other from one thread.
    static DESK: RefCell<Desk> = RefCell::default();
}

impl Workers {
    /// Work on the caller's thread alone.
    pub const ONE: Self = Self {
        threads: NonZeroUsize::MIN,
    };

    /// At most so many threads; 0 counts as 1.
    pub const fn new(threads: usize) -> Self {
        match NonZeroUsize::new(threads) {
            Some(threads) => Self { threads },
            None => Self::ONE,
        }
    }

    /// The most threads.
    pub const fn threads(self) -> usize {
        self.threads.get()
    }

    /// Does units of work, numbered from 0, each once, on as many threads as there are.
    ///
    /// # Errors
    /// The first error; units that were not begun are left out then.
    pub fn for_each<E: Send>(
        self,
        n_units: usize,
        unit: &(dyn Fn(usize) -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        self.run(n_units, u64::MAX, &|number, _| unit(number))
    }

    /// Does units of work, numbered from 0, each once, on as many threads as `size` bytes are worth.
    ///
    /// # Errors
    /// The first error; units that were not begun are left out then.
    pub(crate) fn run<E: Send>(
        self,
        n_units: usize,
        size: u64,
        unit: &(dyn Fn(usize, &mut Desk) -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        // A thread costs some ten microseconds, which is what this many bytes take.
        const BYTES_PER_THREAD: u64 = 256 * 1024;
        let worth = usize::try_from(size / BYTES_PER_THREAD).unwrap_or(usize::MAX);
        let threads = self.threads.get().min(n_units).min(worth.max(1));
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = |desk: &mut Desk| {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= n_units {
                    return;
                }
                if let Err(error) = unit(number, desk) {
                    next.store(n_units, Ordering::Relaxed);
                    failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                    return;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| work(&mut Desk::default()));
            }
            // The desk is taken away while in use, so that a nested call finds an empty one.
            let mut desk = DESK.with(|desk| mem::take(&mut *desk.borrow_mut()));
            work(&mut desk);
            DESK.with(|place| *place.borrow_mut() = desk);
        });
        failure
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_done_once() {
        let done: Vec<_> = (0..1000).map(|_| AtomicUsize::new(0)).collect();
        let unit = |number: usize, _: &mut Desk| {
            done[number].fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(())
        };
        Workers::new(4).run(done.len(), u64::MAX, &unit).unwrap();
        assert!(done.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn the_first_error_ends_the_work() {
        let unit = |number: usize, _: &mut Desk| if number == 3 { Err(number) } else { Ok(()) };
        assert_eq!(Workers::ONE.run(1000, 0, &unit), Err(3));
    }
}
