//! Listing one level of a sorted map of keys.

use std::{collections::BTreeMap, ops::Bound};

use crate::{Listing, Result, StoreKey, StorePrefix};

/// Lists one level without visiting the keys of the levels below.
pub(crate) fn list_level<V>(values: &BTreeMap<StoreKey, V>, prefix: &StorePrefix) -> Result<Listing> {
    let mut listing = Listing::default();
    let mut from = Bound::Included(prefix.as_str().to_owned());
    while let Some((key, _)) = values
        .range::<str, _>((from.as_ref().map(String::as_str), Bound::Unbounded))
        .next()
    {
        let Some(rest) = prefix.strip(key) else { break };
        from = if let Some((part, _)) = rest.split_once('/') {
            let below = prefix.child(part)?;
            // `0` follows `/`: the first text after all keys below the folder.
            let after = format!("{}{part}0", prefix.as_str());
            listing.prefixes.push(below);
            Bound::Included(after)
        } else {
            listing.keys.push(key.clone());
            Bound::Excluded(key.as_str().to_owned())
        };
    }
    listing.prefixes.sort();
    Ok(listing)
}
