//! Listing one level of keys that are kept in order.

use std::{collections::BTreeMap, ops::Bound};

use crate::{Listing, Result, StoreKey, StorePrefix};

/// Lists one level without visiting the keys of the levels below.
///
/// `next` finds the first key from a bound on, in the order of bytes.
/// Names that are no keys of ours, as others may have written them, are left out.
pub(crate) fn list_level(
    prefix: &StorePrefix,
    mut next: impl FnMut(Bound<&str>) -> Result<Option<String>>,
) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut from = Bound::Included(prefix.as_str().to_owned());
    while let Some(key) = next(from.as_ref().map(String::as_str))? {
        let Some(rest) = key.strip_prefix(prefix.as_str()) else {
            break;
        };
        from = if let Some((part, _)) = rest.split_once('/') {
            // With the slash, so that an empty part does not stand for the root.
            listing.prefixes.extend(prefix.child(&format!("{part}/")));
            Bound::Included(after(&format!("{prefix}{part}/")))
        } else {
            listing.keys.extend(prefix.key(rest));
            Bound::Excluded(key)
        };
    }
    listing.prefixes.sort();
    Ok(listing)
}

/// Lists one level of a map.
pub(crate) fn list_map<V>(values: &BTreeMap<StoreKey, V>, prefix: &StorePrefix) -> Result<Listing> {
    list_level(prefix, |from| {
        let next = values.range::<str, _>((from, Bound::Unbounded)).next();
        Ok(next.map(|(key, _)| key.as_str().to_owned()))
    })
}

/// The first text after all keys below a folder, which ends in `/`: `0` follows `/`.
pub(crate) fn after(folder: &str) -> String {
    let mut text = folder.to_owned();
    if text.pop().is_some() {
        text.push('0');
    }
    text
}
