//! The units of work in which arrays are copied.
//!
//! No two units write the same key, so they may be done in any order and at the same time. Where the keys of a store
//! have an order, as in an archive, only what units set is put into theirs.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use zarr_core::{Array, Selection, Turn, Turns, Workers, store::Store};

use crate::{
    Budget, Cancel, Result, SourceArray, StepLedger,
    boxes::Boxes,
    groups::{Groups, TURN_SIZE},
    waiting::Waiting,
};

/// Units of work.
pub(crate) trait Units: Sync {
    /// How many there are.
    fn len(&self) -> usize;

    /// The bytes of values of a unit.
    fn size(&self, index: usize) -> Result<u64>;

    /// The bytes of values of a unit, unless that must be asked for.
    fn known_size(&self, index: usize) -> Result<Option<u64>> {
        self.size(index).map(Some)
    }

    /// What a unit is called in a ledger.
    fn number(&self, index: usize) -> u64 {
        index as u64
    }

    /// What tells the source of a unit from what it was before; `None` if nothing does.
    fn generation(&self, index: usize) -> Result<Option<u64>>;

    /// Does a unit; what it sets goes into a store that waits for its turn, if one is given.
    fn run(&self, index: usize, budget: &Budget, waiting: Option<&Arc<dyn Store>>) -> Result<()>;

    /// Does a unit, and says of what generation its source was, if that can be told.
    ///
    /// That is the one from before it was read: what changes after that is noticed the next time.
    fn run_noted(
        &self,
        index: usize,
        budget: &Budget,
        waiting: Option<&Arc<dyn Store>>,
    ) -> Result<Option<u64>> {
        let generation = self.generation(index)?;
        self.run(index, budget, waiting)?;
        Ok(generation)
    }

    /// Where the units' keys go.
    fn dest(&self) -> &Arc<dyn Store>;

    /// Makes what was done safe from a loss of power.
    fn flush(&self) -> Result<()>;
}

/// Those who work at units.
pub(crate) struct Crew<'a> {
    pub(crate) budget: &'a Budget,
    pub(crate) cancel: &'a Cancel,
    pub(crate) ledger: Option<StepLedger<'a>>,
    /// Is told which unit was done, and its bytes.
    pub(crate) progress: &'a (dyn Fn(usize, u64) + Sync),
}

impl Crew<'_> {
    /// Does units of work on as many threads as there may be; those that a ledger has are done.
    pub(crate) fn for_each(&self, workers: Workers, units: &dyn Units) -> Result<()> {
        let ended = match Turns::for_store(units.dest().as_ref()) {
            Some(turns) if workers.threads() > 1 => self.in_turns(workers, units, &turns),
            _ => workers.for_each(units.len(), &|index| self.unit(index, units, None)),
        };
        if let (Err(_), Some(ledger)) = (&ended, self.ledger) {
            ledger.write_down()?;
        }
        ended
    }

    /// Does units of work whose keys are set in the order of the units, as in an archive, whatever thread is first:
    /// what each thread has done waits in memory for its turn.
    fn in_turns(&self, workers: Workers, units: &dyn Units, turns: &Turns) -> Result<()> {
        let groups = Groups::new(units);
        let free = Mutex::new(Vec::new());
        let free = || free.lock().unwrap_or_else(PoisonError::into_inner);
        workers.for_each(units.len(), &|_| {
            // There are at most as many groups as units.
            let Some((number, group)) = groups.take()? else {
                return Ok(());
            };
            // Taken before anything may fail: whoever waits for this turn is then let go.
            let turn = turns.of(number);
            let taken = free().pop();
            let waiting: Arc<Waiting> = taken.unwrap_or_default();
            let store: Arc<dyn Store> = Arc::<Waiting>::clone(&waiting);
            let n_units = group.len();
            for index in group {
                self.unit(index, units, Some(&store))?;
                // As much as is kept when the sizes of units are not known and turn out to be large.
                if waiting.size() >= 2 * TURN_SIZE {
                    self.set_in_turn(&turn, &waiting, units)?;
                }
            }
            self.set_in_turn(&turn, &waiting, units)?;
            turn.done();
            groups.add_done(n_units, waiting.restart(2 * TURN_SIZE));
            drop(store);
            free().push(waiting);
            Ok(())
        })
    }

    /// Sets what waits, once it has its turn.
    fn set_in_turn(&self, turn: &Turn<'_>, waiting: &Waiting, units: &dyn Units) -> Result<()> {
        let _held = self.budget.hold(waiting.size());
        if turn.wait() {
            waiting.pass_on(units.dest().as_ref())?;
        }
        Ok(())
    }

    /// Does a unit that no ledger has, and tells of it.
    fn unit(&self, index: usize, units: &dyn Units, waiting: Option<&Arc<dyn Store>>) -> Result<()> {
        self.cancel.check()?;
        let number = units.number(index);
        match self.ledger {
            None => units.run(index, self.budget, waiting)?,
            Some(ledger) if ledger.has_unit(number) && is_done(units, index, &ledger)? => {}
            Some(ledger) => {
                if let Some(generation) = units.run_noted(index, self.budget, waiting)? {
                    ledger.add(number, generation, units.size(index)?, &|| units.flush())?;
                }
            }
        }
        (self.progress)(index, units.size(index)?);
        Ok(())
    }
}

/// The bytes that a unit takes, with what waits for its turn where keys have an order.
pub(crate) fn memory_in(dest: &dyn Store, unit_memory: u64) -> u64 {
    if dest.capabilities().deferred {
        unit_memory.saturating_mul(2).saturating_add(TURN_SIZE)
    } else {
        unit_memory
    }
}

/// Whether all units are in a ledger.
pub(crate) fn are_done(units: &dyn Units, ledger: &StepLedger<'_>) -> Result<bool> {
    for index in 0..units.len() {
        if !is_done(units, index, ledger)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a unit is in a ledger, from a source that is what it was.
fn is_done(units: &dyn Units, index: usize, ledger: &StepLedger<'_>) -> Result<bool> {
    let generation = units.generation(index)?;
    Ok(generation.is_some_and(|generation| ledger.has(units.number(index), generation)))
}

/// An array, or the same in a store where what is set waits for its turn.
pub(crate) fn in_store<'a>(array: &'a Array, waiting: Option<&Arc<dyn Store>>) -> Cow<'a, Array> {
    match waiting {
        None => Cow::Borrowed(array),
        Some(store) => Cow::Owned(array.clone().in_store(Arc::clone(store))),
    }
}

/// Parts that are decoded and encoded anew.
pub(crate) struct Recodes<'a> {
    pub(crate) source: &'a dyn SourceArray,
    /// How many threads and requests read a box.
    pub(crate) reading: Workers,
    pub(crate) target: Array,
    pub(crate) boxes: Boxes,
    /// The chunks that the source has, if that is known.
    pub(crate) stored: Option<&'a HashSet<Vec<u64>>>,
}

impl Units for Recodes<'_> {
    fn len(&self) -> usize {
        self.boxes.len()
    }

    fn size(&self, index: usize) -> Result<u64> {
        let (_, shape) = self.boxes.region(index);
        let lengths = shape.iter();
        Ok(lengths.fold(self.boxes.item_size(), |size, length| {
            size.saturating_mul(*length)
        }))
    }

    fn generation(&self, index: usize) -> Result<Option<u64>> {
        let (start, shape) = self.boxes.region(index);
        self.source.generation(&start, &shape)
    }

    fn dest(&self) -> &Arc<dyn Store> {
        self.target.store()
    }

    fn run(&self, index: usize, budget: &Budget, waiting: Option<&Arc<dyn Store>>) -> Result<()> {
        let (start, shape) = self.boxes.region(index);
        let is_stored = |stored| self.boxes.is_stored(&start, &shape, stored);
        if !self.stored.is_none_or(is_stored) {
            return Ok(());
        }
        let target = in_store(&self.target, waiting);
        if let Some(piece_shape) = self.boxes.piece_shape() {
            let n_threads = target.options().workers.threads() as u64;
            let _pieces = budget.hold(self.boxes.memory_at_once(n_threads));
            // What waits for its turn does so as a whole.
            let size = self.size(index)?;
            let _waiting = waiting.map(|_| budget.hold(size));
            let grid = &target.metadata().chunk_grid;
            let chunk: Vec<_> = start
                .iter()
                .enumerate()
                .map(|(dimension, start)| grid.chunk_of(dimension, *start))
                .collect();
            return target.write_shard(&chunk, piece_shape, &|piece| {
                self.source.read(piece, self.reading)
            });
        }
        let selection = Selection::region(&start, &shape);
        // Of chunks that are read at the same time each is in memory.
        let n_at_once = self.reading.requests(self.dest().as_ref()) as u64;
        let _codecs = budget.hold(self.boxes.codec_memory().saturating_mul(n_at_once));
        let data = self.source.read(&selection, self.reading)?;
        let values = data.buffer.elements.len() + data.buffer.heap.len();
        // What waits for its turn is as much again, at most and about.
        let times = if waiting.is_some() { 2 } else { 1 };
        let _values = budget.hold(values as u64 * times);
        Ok(target.write_data(&selection, &data)?)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.target.store().flush()?)
    }
}
