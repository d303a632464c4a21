//! Many documents in one piece of memory.

use std::{fmt, ops::Range};

use bytes::Bytes;
use zarr_store::{Listing, StoreKey, StorePrefix};

/// Documents by their keys, as texts that are read when they are asked for.
///
/// They are parts of one text, which is that of the consolidated document they came from or one that was put together.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Documents {
    text: Bytes,
    /// The keys in their order, each with the place of its document.
    places: Vec<(StoreKey, Range<usize>)>,
}

impl fmt::Debug for Documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} documents", self.places.len())
    }
}

impl Documents {
    /// Takes documents by their places in a text; the key that is there twice is given back.
    pub(super) fn new(text: Bytes, mut places: Vec<(StoreKey, Range<usize>)>) -> Result<Self, StoreKey> {
        if !places.is_sorted_by(|a, b| a.0 <= b.0) {
            places.sort_by(|a, b| a.0.cmp(&b.0));
        }
        match places.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(pair[0].0.clone()),
            None => Ok(Self { text, places }),
        }
    }

    /// What all documents are parts of.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&StoreKey, &[u8])> {
        let text = &self.text;
        self.places.iter().map(|(key, place)| (key, &text[place.clone()]))
    }

    /// The document of a key, sharing the memory.
    pub(super) fn get(&self, key: &StoreKey) -> Option<Bytes> {
        let index = self.places.binary_search_by(|(found, _)| found.cmp(key)).ok()?;
        Some(self.text.slice(self.places[index].1.clone()))
    }

    pub(super) fn contains(&self, key: &StoreKey) -> bool {
        self.places.binary_search_by(|(found, _)| found.cmp(key)).is_ok()
    }

    /// The first key from a text on; `after` leaves out the text itself.
    pub(super) fn next(&self, from: &str, after: bool) -> Option<&StoreKey> {
        let is_before = |key: &StoreKey| key.as_str() < from || (after && key.as_str() == from);
        let index = self.places.partition_point(|(key, _)| is_before(key));
        self.places.get(index).map(|(key, _)| key)
    }

    /// The documents and the folders of documents one level below a prefix.
    pub(super) fn list(&self, prefix: &StorePrefix) -> Listing {
        let mut listing = Listing::default();
        let mut next = self.next(prefix.as_str(), false);
        while let Some(key) = next {
            let Some(rest) = prefix.strip(key) else { break };
            next = if let Some((name, _)) = rest.split_once('/') {
                let folder = prefix.child(name).expect("a part of a key is valid");
                // What comes behind the folder: `0` follows `/`.
                let end = format!("{}0", folder.as_str().trim_end_matches('/'));
                listing.prefixes.push(folder);
                self.next(&end, false)
            } else {
                listing.keys.push(key.clone());
                self.next(key.as_str(), true)
            };
        }
        listing.prefixes.sort();
        listing
    }
}
