//! Random choices that a seed repeats.

use fastrand::Rng;

/// A generator of random choices.
#[derive(Debug, Clone)]
pub(super) struct Random(Rng);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Rng::with_seed(seed))
    }

    pub(super) fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    /// A number below `end`; 0 if there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.u64(..end) }
    }

    pub(super) fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// Whether one of `of` chances comes true.
    pub(super) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    pub(super) fn many<T>(&mut self, count: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| make(self)).collect()
    }
}
