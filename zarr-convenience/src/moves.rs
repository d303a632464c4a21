//! Chunks that are moved as they are stored: no values are decoded.

use std::{cell::RefCell, collections::HashSet, sync::Arc};

use zarr_core::{
    Array, Selection, Workers,
    codecs::{CodecError, Scratch},
    store::Store,
};

use crate::{
    Budget, Error, Result, SourceArray, StoredChunk,
    boxes::position,
    units::{Units, in_store},
    wrapping::Wrapping,
};

thread_local! {
    /// What chunks are decoded into that are proven on the way, used again from chunk to chunk.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static DECODED: RefCell<Scratch> = RefCell::default();
}

/// Which chunks are seen to decode before they are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// None, unless what is done to them needs it.
    Nothing,
    /// Those of sources that are not Zarr.
    Foreign,
    /// All.
    All,
}

/// Chunks on their way, each a unit of its own.
pub(crate) struct Moves<'a> {
    source: &'a dyn SourceArray,
    target: Array,
    wrapping: Wrapping,
    proof: Proof,
    /// The positions of the chunks that are stored, in C order; `None` where the source cannot list them.
    stored: Option<Vec<Vec<u64>>>,
    chunk_size: u64,
}

impl<'a> Moves<'a> {
    pub(crate) fn new(
        source: &'a dyn SourceArray,
        target: &Array,
        wrapping: Wrapping,
        (stored, proof): (Option<&HashSet<Vec<u64>>>, Proof),
    ) -> Self {
        let stored = stored.map(|stored| {
            let mut chunks: Vec<_> = stored.iter().cloned().collect();
            chunks.sort_unstable();
            chunks
        });
        let item_size = target.data_type().size().unwrap_or(1) as u64;
        let lengths = target.chunk_shape().iter();
        Self {
            source,
            chunk_size: lengths.fold(item_size, |size, length| size.saturating_mul(*length)),
            target: target
                .clone()
                .with_options(|options| options.workers = Workers::ONE),
            wrapping,
            proof,
            stored,
        }
    }

    /// As many threads as both stores like to have at work.
    pub(crate) fn workers(&self, workers: Workers) -> Workers {
        let wanted = |array: &Array| workers.requests(array.store().as_ref());
        let from = self.source.as_zarr().map_or(1, wanted);
        workers.for_requests(from.max(wanted(&self.target)), self.chunk_size)
    }

    /// The position of the chunk of a unit.
    fn chunk(&self, index: usize) -> Vec<u64> {
        match &self.stored {
            Some(chunks) => chunks[index].clone(),
            None => position(index as u64, &self.target.grid_shape()),
        }
    }

    /// First element and shape of a chunk, as far as it lies in the array.
    fn region(&self, chunk: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let lengths = chunk.iter().zip(self.target.chunk_shape());
        let start: Vec<_> = lengths.map(|(at, length)| at * length).collect();
        let lengths = start
            .iter()
            .zip(self.target.chunk_shape())
            .zip(self.target.shape());
        let shape = lengths.map(|((start, chunk), length)| (*chunk).min(length.saturating_sub(*start)));
        let shape = shape.collect();
        (start, shape)
    }

    /// Moves a chunk; `false` if that needs its values.
    fn moved(&self, chunk: &[u64], budget: &Budget, target: &Array) -> Result<bool> {
        let proven = self.proof != Proof::Nothing && !self.wrapping.proves();
        let encoded = match self.source.stored_chunk(chunk, proven)? {
            StoredChunk::Missing => return Ok(true),
            StoredChunk::Otherwise => return Ok(false),
            StoredChunk::Encoded(encoded) => encoded,
        };
        let _held = budget.hold(encoded.len() as u64);
        let failed = |error: CodecError| Error::Source {
            what: format!("`{}`, chunk {chunk:?}", self.source.path()),
            reason: error.to_string(),
        };
        if let (true, Some(from), Proof::All) = (proven, self.source.as_zarr(), self.proof) {
            let codec = from.chunk_codec()?;
            let decoded = DECODED.with_borrow_mut(|scratch| codec.decode(&encoded, scratch).map(drop));
            decoded.map_err(failed)?;
        }
        if self.wrapping.is_none() {
            target.write_encoded_chunk(chunk, &encoded)?;
            return Ok(true);
        }
        let wrapped = SCRATCH.with_borrow_mut(|scratch| self.wrapping.apply(&encoded, scratch));
        let Some(wrapped) = wrapped.map_err(failed)? else {
            return Ok(false);
        };
        let _held = budget.hold(wrapped.len() as u64);
        target.write_encoded_chunk(chunk, &wrapped)?;
        Ok(true)
    }
}

impl Units for Moves<'_> {
    fn len(&self) -> usize {
        let n_chunks = || usize::try_from(self.target.n_chunks()).unwrap_or(usize::MAX);
        self.stored.as_ref().map_or_else(n_chunks, Vec::len)
    }

    fn size(&self, _: usize) -> Result<u64> {
        Ok(self.chunk_size)
    }

    fn generation(&self, index: usize) -> Result<Option<u64>> {
        let (start, shape) = self.region(&self.chunk(index));
        self.source.generation(&start, &shape)
    }

    fn dest(&self) -> &Arc<dyn Store> {
        self.target.store()
    }

    fn run(&self, index: usize, budget: &Budget, waiting: Option<&Arc<dyn Store>>) -> Result<()> {
        let chunk = self.chunk(index);
        let target = in_store(&self.target, waiting);
        if self.moved(&chunk, budget, &target)? {
            return Ok(());
        }
        let (start, shape) = self.region(&chunk);
        let selection = Selection::region(&start, &shape);
        let data = self.source.read(&selection, Workers::ONE)?;
        let _held = budget.hold(data.buffer.elements.len() as u64);
        Ok(target.write_data(&selection, &data)?)
    }

    fn flush(&self) -> Result<()> {
        Ok(self.target.store().flush()?)
    }
}
