//! The values of an array on their way into another one, in the best of the ways there are.

use std::collections::HashSet;

use zarr_core::{Array, Options, Workers};

use crate::{
    How, Result, SourceArray, StepLedger,
    boxes::Boxes,
    moves::{Moves, Proof},
    route::{movable, route, streams},
    units::{Crew, Recodes, Units, memory_in},
};

/// Values on their way.
pub(crate) struct Carry<'a> {
    pub(crate) source: &'a dyn SourceArray,
    pub(crate) target: &'a Array,
    /// The chunks that the source has, if that is known.
    pub(crate) stored: Option<&'a HashSet<Vec<u64>>>,
    pub(crate) how: &'a How<'a>,
    /// Whether the chunks leave Zarr, so that damaged ones would no longer be found where they are read.
    pub(crate) leaves: bool,
}

/// Carries all values of an array into a Zarr array of its shape, as [`route`](crate::route()) says; documents are not
/// touched. Chunks that are missing in the source stay so where that means the same.
///
/// The destination may be a twin of something else than Zarr, so chunks that are moved are seen to decode first, unless
/// they are [trusted](crate::Creation::trusts_chunks).
///
/// # Errors
/// When either side fails, and when the work is told to stop.
pub fn carry(source: &dyn SourceArray, target: &Array, how: &How<'_>) -> Result<()> {
    if target.n_elements() == 0 {
        return Ok(());
    }
    let stored = source.stored_chunks()?;
    let carry = Carry {
        source,
        target,
        stored: stored.as_ref(),
        how,
        leaves: true,
    };
    carry.run(None)
}

impl Carry<'_> {
    /// Does all units that a ledger does not have.
    pub(crate) fn run(&self, ledger: Option<StepLedger<'_>>) -> Result<()> {
        let (units, workers) = self.units();
        let crew = Crew {
            budget: self.how.budget,
            cancel: self.how.cancel,
            ledger,
            progress: &|_, size| (self.how.progress)(size),
        };
        crew.for_each(workers, units.as_ref())
    }

    /// Whether a chunk that is missing means the same in the copy.
    fn keeps_fill_value(&self) -> bool {
        match self.source.as_zarr() {
            Some(from) => from.metadata().fill_value_or_zero() == self.target.metadata().fill_value_or_zero(),
            None => self.how.creation.fill_value.is_none(),
        }
    }

    /// How many requests are worth having in flight.
    fn requests(&self) -> usize {
        let of = |array: &Array| self.how.workers.requests(array.store().as_ref());
        self.source.as_zarr().map_or(1, of).max(of(self.target))
    }

    /// The units in the best of the ways there are, and how many threads may work at them.
    pub(crate) fn units(&self) -> (Box<dyn Units + '_>, Workers) {
        let memory = self.how.budget.limit();
        let route = route(self.source, self.target, memory);
        let unit_memory = memory_in(self.target.store().as_ref(), route.unit_memory);
        if let Ok(wrapping) = movable(self.source, self.target) {
            let proof = match (self.how.creation.trusts_chunks, self.leaves) {
                (true, _) => Proof::Nothing,
                (false, true) => Proof::All,
                (false, false) => Proof::Foreign,
            };
            let moves = Moves::new(self.source, self.target, wrapping, (self.stored, proof));
            let workers = moves.workers(self.how.workers);
            let workers = self.how.budget.affordable(workers, unit_memory);
            return (Box::new(moves), workers);
        }
        let requests = self.requests();
        let wanted = self.how.workers.for_requests(requests, route.unit_memory);
        let workers = self.how.budget.affordable(wanted, unit_memory);
        let boxes = Boxes::new(self.source, (self.target, streams(self.target)), memory);
        // Where there are fewer shards than threads, several work at each of them.
        let n_boxes = boxes.len().max(1);
        let n_at_once = if boxes.piece_shape().is_some() {
            (workers.threads() / n_boxes).max(1)
        } else {
            1
        };
        // All together have as many requests in flight as is worth it, and as memory lasts: each has a chunk in hand.
        let n_readers = workers.threads().min(n_boxes) * n_at_once;
        let spare = memory.map_or(u64::MAX, |limit| {
            (limit / n_readers as u64).saturating_sub(unit_memory) / boxes.codec_memory().max(1)
        });
        let spare = usize::try_from(spare).unwrap_or(usize::MAX);
        let share = (requests / n_readers).clamp(1, spare.saturating_add(1));
        let few = |options: &mut Options| options.workers = Workers::new(n_at_once).with_requests(share);
        let recodes = Recodes {
            source: self.source,
            reading: Workers::ONE.with_requests(share),
            target: self.target.clone().with_options(few),
            boxes,
            // Where missing chunks mean other values in the copy, they are written.
            stored: self.stored.filter(|_| self.keeps_fill_value()),
        };
        (Box::new(recodes), workers)
    }
}
