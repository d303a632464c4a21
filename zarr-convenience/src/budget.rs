//! The memory that buffers of values may take, and how much they took.

use std::sync::atomic::{AtomicU64, Ordering};

use zarr_core::Workers;

/// Counts the bytes of buffers that are held at once.
#[derive(Debug, Default)]
pub struct Budget {
    limit: Option<u64>,
    held: AtomicU64,
    peak: AtomicU64,
}

impl Budget {
    /// A budget of so many bytes; `None` for as many as it takes.
    pub fn new(limit: Option<u64>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// The most bytes that may be held at once.
    pub const fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Fewer threads, if units of so many bytes would together take more than the limit.
    pub(crate) fn affordable(&self, workers: Workers, unit_size: u64) -> Workers {
        let affordable = self.limit.map_or(u64::MAX, |limit| limit / unit_size.max(1));
        let affordable = usize::try_from(affordable).unwrap_or(usize::MAX);
        workers.with_threads(workers.threads().min(affordable))
    }

    /// The most bytes that were held at once.
    pub fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Counts bytes as held until the result is dropped.
    pub fn hold(&self, size: u64) -> Held<'_> {
        let held = self.held.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        self.peak.fetch_max(held, Ordering::Relaxed);
        Held { budget: self, size }
    }
}

/// Bytes that are held.
#[derive(Debug)]
pub struct Held<'a> {
    budget: &'a Budget,
    size: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.budget.held.fetch_sub(self.size, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use zarr_core::store::MemoryStore;

    use super::*;

    #[test]
    fn the_peak_is_what_was_held_at_once() {
        let budget = Budget::new(Some(10));
        let first = budget.hold(3);
        drop(budget.hold(4));
        drop(first);
        drop(budget.hold(5));
        assert_eq!(budget.peak(), 7);
    }

    #[test]
    fn fewer_threads_keep_the_limit() {
        let workers = Workers::new(8);
        let store = MemoryStore::new();
        let many = Budget::new(Some(100)).affordable(workers.with_requests(32), 30);
        assert_eq!((many.threads(), many.requests(&store)), (3, 32));
        assert_eq!(Budget::new(None).affordable(workers, u64::MAX).threads(), 8);
        assert_eq!(Budget::new(Some(100)).affordable(workers, 30).threads(), 3);
        assert_eq!(Budget::new(Some(100)).affordable(workers, 101).threads(), 1);
    }
}
