//! Units that have a turn together.
//!
//! Where keys have an order, waiting for a turn costs more than a small unit does, so these have one in groups. Groups
//! are given out one after the other, as threads ask for work, because the sizes of units may not be known before they
//! are done.

use std::{
    ops::{Range, RangeInclusive},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Result, units::Units};

/// A group of small units has so many bytes of values, about.
pub(crate) const TURN_SIZE: u64 = 256 << 10;
/// What a unit counts for while nothing is known of its size, nor of that of others, and at least.
const GUESSED: RangeInclusive<u64> = TURN_SIZE / 512..=TURN_SIZE / 8;

/// Gives out the groups.
pub(crate) struct Groups<'a> {
    units: &'a dyn Units,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    n_groups: usize,
    /// The first unit that no group has.
    next: usize,
    /// The units of the groups that are done, and the bytes of their values.
    n_done: u64,
    size_done: u64,
}

impl<'a> Groups<'a> {
    pub(crate) fn new(units: &'a dyn Units) -> Self {
        Self {
            units,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next group and its number, as long as there is one.
    pub(crate) fn take(&self) -> Result<Option<(usize, Range<usize>)>> {
        let mut state = self.state();
        let (start, number) = (state.next, state.n_groups);
        if start == self.units.len() {
            return Ok(None);
        }
        let mean = state.size_done.checked_div(state.n_done);
        let guessed = mean.map_or(*GUESSED.end(), |mean| mean.max(*GUESSED.start()));
        let (mut end, mut size) = (start, 0_u64);
        while end < self.units.len() && size < TURN_SIZE {
            let known = self.units.known_size(end)?;
            size = size.saturating_add(known.unwrap_or(guessed));
            end += 1;
        }
        (state.next, state.n_groups) = (end, number + 1);
        Ok(Some((number, start..end)))
    }

    /// Learns what the units of a group came to.
    pub(crate) fn add_done(&self, n_units: usize, size: u64) {
        let mut state = self.state();
        state.n_done += n_units as u64;
        state.size_done = state.size_done.saturating_add(size);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use zarr_core::store::{MemoryStore, Store};

    use super::*;
    use crate::Budget;

    /// Units of these sizes, known before or not.
    struct Sized {
        sizes: Vec<u64>,
        are_known: bool,
        dest: Arc<dyn Store>,
    }

    impl Units for Sized {
        fn len(&self) -> usize {
            self.sizes.len()
        }

        fn size(&self, index: usize) -> Result<u64> {
            Ok(self.sizes[index])
        }

        fn known_size(&self, index: usize) -> Result<Option<u64>> {
            Ok(self.are_known.then_some(self.sizes[index]))
        }

        fn generation(&self, _: usize) -> Result<Option<u64>> {
            Ok(None)
        }

        fn dest(&self) -> &Arc<dyn Store> {
            &self.dest
        }

        fn run(&self, _: usize, _: &Budget, _: Option<&Arc<dyn Store>>) -> Result<()> {
            Ok(())
        }

        fn flush(&self) -> Result<()> {
            Ok(())
        }
    }

    /// The lengths of the groups, each of which is done before the next is taken.
    fn lengths(sizes: &[u64], are_known: bool) -> Vec<usize> {
        let units = Sized {
            sizes: sizes.to_vec(),
            are_known,
            dest: Arc::new(MemoryStore::new()),
        };
        let groups = Groups::new(&units);
        let mut lengths = Vec::new();
        let mut all = 0..0;
        while let Some((number, group)) = groups.take().unwrap() {
            assert_eq!((number, group.start), (lengths.len(), all.end));
            all.end = group.end;
            lengths.push(group.len());
            groups.add_done(group.len(), sizes[group].iter().sum());
        }
        assert_eq!(all.end, sizes.len());
        lengths
    }

    #[test]
    fn known_sizes_make_groups() {
        let half = TURN_SIZE / 2;
        assert_eq!(lengths(&[half, half, 1, TURN_SIZE, 7, 8], true), [2, 2, 2]);
        assert_eq!(lengths(&[TURN_SIZE * 9; 3], true), [1, 1, 1]);
        assert!(lengths(&[], true).is_empty());
    }

    #[test]
    fn sizes_that_are_not_known_are_those_of_the_units_before() {
        assert_eq!(lengths(&[TURN_SIZE / 64; 200], false), [8, 64, 64, 64]);
        assert_eq!(lengths(&[TURN_SIZE; 12], false), [8, 1, 1, 1, 1]);
        // Empty values are no reason to give all that are left to one thread.
        assert_eq!(lengths(&[0; 1100], false), [8, 512, 512, 68]);
    }
}
