//! Indices of shards that are kept from one read to the next, as much as memory is granted.
//!
//! What is kept is of one generation of a shard. Each read compares it with that of the value it reads, so a shard that
//! was replaced, by whatever program, is noticed; of values that a store cannot tell apart nothing is kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use zarr_store::StoreKey;

use crate::fetch::Learnt;

/// What is known of the shards of an array, by their keys.
#[derive(Debug, Default)]
pub(crate) struct KeptIndices {
    shelves: Mutex<Shelves>,
}

/// When the shelf of what was used last is full, it becomes the other one, and all is dropped that was on that.
///
/// So what is used often stays, and nothing need be sorted by its last use.
#[derive(Debug, Default)]
struct Shelves {
    used_last: HashMap<StoreKey, Arc<Learnt>>,
    /// The bytes on it.
    size: usize,
    used_before: HashMap<StoreKey, Arc<Learnt>>,
}

impl KeptIndices {
    /// What is known of a shard; nothing, if no memory is granted any more.
    pub(crate) fn find(&self, key: &StoreKey, size_max: usize) -> Option<Arc<Learnt>> {
        if size_max == 0 {
            return None;
        }
        let mut shelves = self.shelves();
        if let Some(learnt) = shelves.used_last.get(key) {
            return Some(Arc::clone(learnt));
        }
        let (key, learnt) = shelves.used_before.remove_entry(key)?;
        shelves.put(key, &learnt, size_max);
        Some(learnt)
    }

    /// Keeps what is known of a shard, unless it takes more than half of `size_max` bytes, and drops what was not used
    /// for long so that all takes no more than that.
    pub(crate) fn keep(&self, key: &StoreKey, learnt: &Arc<Learnt>, size_max: usize) {
        let mut shelves = self.shelves();
        shelves.remove(key);
        shelves.put(key.clone(), learnt, size_max);
    }

    /// Drops what is known of a shard.
    pub(crate) fn forget(&self, key: &StoreKey) {
        self.shelves().remove(key);
    }

    // A panic elsewhere cannot leave the shelves worse than with a size that is off by an index.
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn put(&mut self, key: StoreKey, learnt: &Arc<Learnt>, size_max: usize) {
        let size = size_of_entry(&key, learnt);
        if size > size_max / 2 {
            return;
        }
        if self.size + size > size_max / 2 {
            self.used_before = std::mem::take(&mut self.used_last);
            self.size = 0;
        }
        self.size += size;
        self.used_last.insert(key, Arc::clone(learnt));
    }

    fn remove(&mut self, key: &StoreKey) {
        if let Some(learnt) = self.used_last.remove(key) {
            self.size -= size_of_entry(key, &learnt);
        }
        self.used_before.remove(key);
    }
}

/// The bytes that a shard takes on a shelf.
fn size_of_entry(key: &StoreKey, learnt: &Learnt) -> usize {
    2 * key.as_str().len() + learnt.size()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> StoreKey {
        StoreKey::new(format!("c/{number}")).unwrap()
    }

    /// The numbers of the shards that are found.
    fn found(kept: &KeptIndices, size_max: usize) -> Vec<usize> {
        let numbers = 0..1000;
        numbers
            .filter(|number| kept.find(&key(*number), size_max).is_some())
            .collect()
    }

    #[test]
    fn what_is_used_stays_and_memory_is_bounded() {
        let kept = KeptIndices::default();
        let learnt = Arc::new(Learnt::of_size(1000));
        let size_max = 20_000;
        for number in 0..1000 {
            kept.keep(&key(number), &learnt, size_max);
            assert!(
                kept.find(&key(0), size_max).is_some(),
                "the first is used again and again"
            );
        }
        let found = found(&kept, size_max);
        assert!(found.contains(&0) && found.contains(&999), "{found:?}");
        assert!(found.len() > 8 && found.len() <= 19, "{found:?}");
    }

    #[test]
    fn what_is_too_large_or_was_dropped_is_not_found() {
        let kept = KeptIndices::default();
        kept.keep(&key(0), &Arc::new(Learnt::of_size(1000)), 1500);
        assert!(found(&kept, 1500).is_empty());
        let size_max = 4000;
        kept.keep(&key(1), &Arc::new(Learnt::of_size(1000)), size_max);
        kept.keep(&key(1), &Arc::new(Learnt::of_size(1100)), size_max);
        assert_eq!(kept.find(&key(1), size_max).unwrap().size(), 1100);
        kept.forget(&key(1));
        assert!(found(&kept, size_max).is_empty());
        // What was dropped takes no room: this is the only one, and is not dropped for the next.
        kept.keep(&key(2), &Arc::new(Learnt::of_size(900)), size_max);
        kept.keep(&key(3), &Arc::new(Learnt::of_size(900)), size_max);
        assert_eq!(found(&kept, size_max), [2, 3]);
    }
}
