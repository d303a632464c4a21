//! The order in which threads do what must have one.
//!
//! The members of an archive lie in the order in which they are set. Chunks are encoded on many threads and set one
//! after the other by their numbers, so that the same values make the same archive.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use zarr_store::Store;

/// Numbers from 0 on, each of which has its turn when all lower ones had theirs.
///
/// Every number that is taken must be taken by a thread that is at work already, as [`Workers::for_each`] does it; else
/// nobody comes further. No lock may be held by one who waits.
///
/// [`Workers::for_each`]: crate::Workers::for_each
#[derive(Debug, Default)]
pub struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: usize,
    /// Whether one went away without having its turn, after which nobody has one.
    is_over: bool,
}

/// A number that will have its turn; dropped before that turn was taken, it ends all turns.
#[derive(Debug)]
pub struct Turn<'a> {
    turns: &'a Turns,
    number: usize,
    is_taken: bool,
}

impl Turns {
    /// Turns for a store where all keys are seen at once, and so have an order; `None` for others.
    pub fn for_store(store: &dyn Store) -> Option<Self> {
        store.capabilities().deferred.then(Self::default)
    }

    /// The turn of a number.
    pub const fn of(&self, number: usize) -> Turn<'_> {
        Turn {
            turns: self,
            number,
            is_taken: false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Waits for the turn; `false` when it will not come, because something failed before.
    pub fn wait(&self) -> bool {
        let mut state = self.turns.state();
        while state.next != self.number && !state.is_over {
            state = self
                .turns
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        !state.is_over
    }

    /// Ends the turn, when it has come, and lets the next number have its own.
    pub fn done(mut self) {
        if self.wait() {
            self.turns.state().next += 1;
            self.is_taken = true;
            self.turns.changed.notify_all();
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.is_taken {
            self.turns.state().is_over = true;
            self.turns.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::Workers;

    #[test]
    fn numbers_have_their_turns_one_after_the_other() {
        let (turns, order) = (Turns::default(), Mutex::new(Vec::new()));
        let unit = |number: usize| {
            let turn = turns.of(number);
            // Some have nothing to do in their turn.
            if !number.is_multiple_of(3) && turn.wait() {
                order.lock().unwrap().push(number);
            }
            turn.done();
            Ok::<_, ()>(())
        };
        Workers::new(8).for_each(500, &unit).unwrap();
        let expected: Vec<_> = (0..500)
            .filter(|number: &usize| !number.is_multiple_of(3))
            .collect();
        assert_eq!(order.into_inner().unwrap(), expected);
    }

    #[test]
    fn after_a_failure_nobody_waits_and_nobody_has_a_turn() {
        let (turns, order) = (Turns::default(), Mutex::new(Vec::new()));
        let unit = |number: usize| {
            let turn = turns.of(number);
            if number == 20 {
                return Err(number);
            }
            if turn.wait() {
                order.lock().unwrap().push(number);
            }
            turn.done();
            Ok(())
        };
        assert_eq!(Workers::new(8).for_each(500, &unit), Err(20));
        // Those before it may have been too slow for theirs.
        let order = order.into_inner().unwrap();
        assert_eq!(order, (0..order.len()).collect::<Vec<_>>());
        assert!(order.len() <= 20);
    }
}
