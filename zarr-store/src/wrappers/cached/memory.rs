//! What a cache holds, and what it lets go.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher, RandomState},
};

use bytes::Bytes;

use crate::{ByteRange, Listing, StoreKey, StorePrefix};

/// How many keys' changes are told apart; more keys share a number.
const N_VERSIONS: usize = 256;

/// Values by when they were last used, sizes and listings.
///
/// Every change of a key counts its version up when it begins and when it ends, so that whoever read the key
/// meanwhile can tell that what was read may be old.
#[derive(Debug)]
pub(super) struct Memory {
    size_max: Option<u64>,
    size: u64,
    values: HashMap<StoreKey, HashMap<ByteRange, Held>>,
    /// From the time of the last use to the value that was used.
    used: BTreeMap<u64, (StoreKey, ByteRange)>,
    now: u64,
    sizes: HashMap<StoreKey, Option<u64>>,
    listings: HashMap<StorePrefix, Listing>,
    versions: Vec<u64>,
    n_changes: u64,
    hasher: RandomState,
    pub(super) hits: u64,
    pub(super) misses: u64,
}

#[derive(Debug)]
struct Held {
    bytes: Bytes,
    used: u64,
}

impl Memory {
    pub(super) fn new(size_max: Option<u64>) -> Self {
        Self {
            size_max,
            size: 0,
            values: HashMap::new(),
            used: BTreeMap::new(),
            now: 0,
            sizes: HashMap::new(),
            listings: HashMap::new(),
            versions: vec![0; N_VERSIONS],
            n_changes: 0,
            hasher: RandomState::new(),
            hits: 0,
            misses: 0,
        }
    }

    /// The sum of the sizes of the values in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The keys of values held whole, the one to go first at the front.
    pub(super) fn keys(&self) -> Vec<StoreKey> {
        let whole = self.used.values().filter(|(_, range)| *range == ByteRange::All);
        whole.map(|(key, _)| key.clone()).collect()
    }

    fn slot(&self, key: &str) -> usize {
        self.hasher.hash_one(key) as usize % N_VERSIONS
    }

    /// The number of changes to a key, and to those that share its number.
    pub(super) fn version(&self, key: &str) -> u64 {
        self.versions[self.slot(key)]
    }

    /// The number of changes to any key.
    pub(super) fn n_changes(&self) -> u64 {
        self.n_changes
    }

    pub(super) fn count_change(&mut self, key: &str) -> u64 {
        self.n_changes += 1;
        let slot = self.slot(key);
        self.versions[slot] += 1;
        self.versions[slot]
    }

    pub(super) fn count_change_of_all(&mut self) {
        self.n_changes += 1;
        self.versions.iter_mut().for_each(|version| *version += 1);
    }

    /// A value, or the part of one, if it is held; it is then the last to go.
    pub(super) fn find(&mut self, key: &StoreKey, range: ByteRange) -> Option<Bytes> {
        let parts = self.values.get_mut(key)?;
        let held = parts.get_mut(&range)?;
        self.now += 1;
        if let Some(id) = self.used.remove(&held.used) {
            self.used.insert(self.now, id);
        }
        held.used = self.now;
        Some(held.bytes.clone())
    }

    /// Whether a value of so many bytes is held at all.
    pub(super) fn takes(&self, size: u64) -> bool {
        self.size_max.is_none_or(|max| size <= max)
    }

    /// Holds a value, and lets go what was used least recently to make room.
    pub(super) fn hold(&mut self, key: &StoreKey, range: ByteRange, bytes: Bytes) {
        let size = bytes.len() as u64;
        if !self.takes(size) {
            return;
        }
        self.let_go(key, range);
        while self.size_max.is_some_and(|max| self.size + size > max) {
            let Some((_, (key, range))) = self.used.pop_first() else {
                break;
            };
            self.let_go(&key, range);
        }
        self.now += 1;
        self.used.insert(self.now, (key.clone(), range));
        self.size += size;
        let held = Held {
            bytes,
            used: self.now,
        };
        self.values.entry(key.clone()).or_default().insert(range, held);
    }

    fn let_go(&mut self, key: &StoreKey, range: ByteRange) {
        let Some(parts) = self.values.get_mut(key) else {
            return;
        };
        if let Some(held) = parts.remove(&range) {
            self.used.remove(&held.used);
            self.size -= held.bytes.len() as u64;
        }
        if parts.is_empty() {
            self.values.remove(key);
        }
    }

    /// Forgets a value that changed, and the listings that name it.
    pub(super) fn forget(&mut self, key: &StoreKey) {
        for held in self.values.remove(key).into_iter().flat_map(HashMap::into_values) {
            self.used.remove(&held.used);
            self.size -= held.bytes.len() as u64;
        }
        self.sizes.remove(key);
        let mut above = Some(key.parent());
        while let Some(prefix) = above {
            self.listings.remove(&prefix);
            above = parent(&prefix);
        }
    }

    /// Forgets everything below a prefix, and the listings that name it.
    pub(super) fn forget_below(&mut self, prefix: &StorePrefix) {
        let known = self.values.keys().chain(self.sizes.keys());
        let below: Vec<_> = known.filter(|key| prefix.strip(key).is_some()).cloned().collect();
        for key in &below {
            self.forget(key);
        }
        let text = prefix.as_str();
        self.listings
            .retain(|known, _| !known.as_str().starts_with(text) && !text.starts_with(known.as_str()));
    }

    /// Forgets all values.
    pub(super) fn forget_values(&mut self) {
        self.values.clear();
        self.used.clear();
        self.size = 0;
    }

    /// Forgets all listings and sizes.
    pub(super) fn forget_keys(&mut self) {
        self.listings.clear();
        self.sizes.clear();
    }

    /// The outer `None` is for what is not known, the inner one for a key that is not there.
    #[expect(
        clippy::option_option,
        reason = "what is known and what is there are two questions"
    )]
    pub(super) fn find_size(&self, key: &StoreKey) -> Option<Option<u64>> {
        self.sizes.get(key).copied()
    }

    pub(super) fn hold_size(&mut self, key: &StoreKey, size: Option<u64>) {
        self.sizes.insert(key.clone(), size);
    }

    pub(super) fn find_listing(&self, prefix: &StorePrefix) -> Option<Listing> {
        self.listings.get(prefix).cloned()
    }

    pub(super) fn hold_listing(&mut self, prefix: &StorePrefix, listing: &Listing) {
        self.listings.insert(prefix.clone(), listing.clone());
    }
}

/// The prefix above a prefix; `None` for the root.
fn parent(prefix: &StorePrefix) -> Option<StorePrefix> {
    let inner = prefix.as_str().strip_suffix('/')?;
    StoreKey::new(inner).ok().map(|key| key.parent())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> StoreKey {
        StoreKey::new(text).unwrap()
    }

    fn keys(memory: &Memory) -> Vec<String> {
        memory.keys().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_was_used_least_recently_goes_first() {
        let mut memory = Memory::new(Some(10));
        for name in ["a", "b", "c"] {
            memory.hold(&key(name), ByteRange::All, Bytes::from_static(b"123"));
        }
        memory.find(&key("a"), ByteRange::All).unwrap();
        memory.hold(&key("d"), ByteRange::All, Bytes::from_static(b"1234"));
        assert_eq!(keys(&memory), ["c", "a", "d"]);
        assert_eq!(memory.size(), 10);
        memory.hold(&key("e"), ByteRange::All, Bytes::from_static(b"1234567890"));
        assert_eq!(keys(&memory), ["e"]);
        memory.hold(&key("f"), ByteRange::All, Bytes::from_static(b"12345678901"));
        assert_eq!(keys(&memory), ["e"], "what is larger than the cache is not held");
    }

    #[test]
    fn the_size_is_that_of_what_is_held() {
        let mut memory = Memory::new(None);
        let part = ByteRange::Suffix { length: 2 };
        memory.hold(&key("a"), ByteRange::All, Bytes::from_static(b"123"));
        memory.hold(&key("a"), ByteRange::All, Bytes::from_static(b"12345"));
        memory.hold(&key("a"), part, Bytes::from_static(b"45"));
        memory.hold(&key("b"), part, Bytes::from_static(b"45"));
        assert_eq!(memory.size(), 9);
        memory.forget(&key("a"));
        assert_eq!(memory.size(), 2);
        memory.forget_values();
        assert_eq!(memory.size(), 0);
        assert!(memory.find(&key("b"), part).is_none());
    }
}
