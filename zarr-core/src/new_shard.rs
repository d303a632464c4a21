//! A shard that is being put together: bytes are added, or copied from the one whose place it takes.

use std::ops::Range;

use zarr_store::{ByteRange, PendingValue, ReadBuffer, Store, StoreError, StoreKey, may_be_same};

use crate::{Error, Result};

/// The most bytes of an old shard that are copied at once.
const COPY_SIZE_MAX: u64 = 4 << 20;

/// A shard that is put together, in a store if that can, else in memory.
pub(crate) struct NewShard<'w> {
    store: &'w dyn Store,
    key: &'w StoreKey,
    pending: Option<Box<dyn PendingValue + 'w>>,
    /// The shard, for a store that takes it only as a whole.
    bytes: Vec<u8>,
    /// So many bytes it has, with those of the old shard that are yet to be copied.
    size: u64,
    /// Bytes of the old shard that are yet to be copied.
    kept: Range<u64>,
    /// The shard of which they are.
    old_generation: Option<u64>,
}

impl<'w> NewShard<'w> {
    /// Begins a shard; `bytes` is memory to write it in, for a store that takes it only as a whole.
    pub(crate) fn new(store: &'w dyn Store, key: &'w StoreKey, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self {
            store,
            key,
            pending: None,
            bytes,
            size: 0,
            kept: 0..0,
            old_generation: None,
        }
    }

    /// How many bytes it has.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Says of which shard bytes are kept.
    ///
    /// # Errors
    /// When it is another one than before.
    pub(crate) fn is_of(&mut self, old_generation: Option<u64>) -> Result<()> {
        if self.old_generation.is_some() && !may_be_same(old_generation, self.old_generation) {
            return Err(self.changed());
        }
        self.old_generation = old_generation;
        Ok(())
    }

    /// Adds bytes of the old shard; they are copied together with those that follow them.
    pub(crate) fn keep(&mut self, old: Range<u64>, read: &mut ReadBuffer) -> Result<Range<u64>> {
        if self.kept.end != old.start || self.kept.is_empty() {
            self.finish_keeping(read)?;
            self.kept = old.start..old.start;
        }
        let start = self.size;
        self.size += old.end - old.start;
        self.kept.end = old.end;
        Ok(start..self.size)
    }

    /// Copies what is yet to be copied.
    pub(crate) fn finish_keeping(&mut self, read: &mut ReadBuffer) -> Result<()> {
        let mut kept = std::mem::replace(&mut self.kept, 0..0);
        self.size -= kept.end - kept.start;
        while !kept.is_empty() {
            let end = kept.end.min(kept.start + COPY_SIZE_MAX);
            self.read_old(kept.start..end, read)?;
            self.append(read.part(0))?;
            kept.start = end;
        }
        Ok(())
    }

    /// Reads bytes of the old shard.
    pub(crate) fn read_old(&self, bytes: Range<u64>, read: &mut ReadBuffer) -> Result<()> {
        let length = bytes.end - bytes.start;
        let range = ByteRange::Part {
            offset: bytes.start,
            length,
        };
        read.set_limit(length);
        let is_there = match self.store.get_ranges(self.key, &[range], read) {
            Err(StoreError::OutOfRange { .. }) => false,
            other => other?,
        };
        if !is_there || !may_be_same(read.generation(), self.old_generation) {
            return Err(self.changed());
        }
        Ok(())
    }

    /// The error of a shard that changed under our hands.
    pub(crate) fn changed(&self) -> Error {
        let what = self.store.describe(self.key.as_str());
        let reason = "another program has replaced it, without a lock, while it was changed".to_owned();
        StoreError::Conflict { what, reason }.into()
    }

    /// Adds room for indices.
    pub(crate) fn reserve(&mut self, size: u64, read: &mut ReadBuffer) -> Result<()> {
        if size == 0 {
            return Ok(());
        }
        self.finish_keeping(read)?;
        self.append(&vec![0; size as usize])
    }

    /// Adds bytes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        if self.pending.is_none() && self.size == 0 {
            self.pending = self.store.begin_set(self.key)?;
        }
        match (&mut self.pending, &mut self.bytes) {
            (Some(pending), _) => pending.append(bytes)?,
            (None, memory) => {
                if memory.try_reserve(bytes.len()).is_err() {
                    let what = self.store.describe(self.key.as_str());
                    let error = std::io::ErrorKind::OutOfMemory.into();
                    return Err(StoreError::io("writing", what, error).into());
                }
                memory.extend_from_slice(bytes);
            }
        }
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Replaces bytes that were added already.
    pub(crate) fn overwrite(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        match (&mut self.pending, &mut self.bytes) {
            (Some(pending), _) => Ok(pending.overwrite(offset, bytes)?),
            (None, memory) => {
                memory[offset as usize..][..bytes.len()].copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Puts the shard in its place; gives the memory back.
    pub(crate) fn publish(self) -> Result<Vec<u8>> {
        match self.pending {
            Some(pending) => pending.publish()?,
            None => self.store.set(self.key, &self.bytes)?,
        }
        Ok(self.bytes)
    }
}
