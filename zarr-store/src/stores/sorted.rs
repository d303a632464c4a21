//! Listing one level of keys that are kept in order.

use std::{collections::BTreeMap, ops::Bound};

use super::Strays;
use crate::{Listing, Result, StoreKey, StorePrefix};

/// Lists one level without visiting the keys of the levels below.
///
/// `next` finds the first key from a bound on, in the order of bytes.
/// Names that are no keys of ours, as others may have written them, are left out if `strays` says so.
pub(crate) fn list_level(
    prefix: &StorePrefix,
    strays: Strays,
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
            let below = prefix.child(&format!("{part}/"));
            listing.prefixes.extend(strays.known(part, below)?);
            Bound::Included(after(&format!("{prefix}{part}/")))
        } else {
            listing.keys.extend(strays.known(rest, prefix.key(rest))?);
            Bound::Excluded(key)
        };
    }
    listing.prefixes.sort();
    Ok(listing)
}

/// Lists one level of a map.
pub(crate) fn list_map<V>(values: &BTreeMap<StoreKey, V>, prefix: &StorePrefix) -> Result<Listing> {
    list_level(prefix, Strays::Passed, |from| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b34_names_that_are_no_keys_are_left_out_or_named() {
        let list = |names: &[&str], strays| {
            let prefix = StorePrefix::new("a").expect("it is a prefix");
            list_level(&prefix, strays, |from| {
                let is_after = |name: &&&str| match from {
                    Bound::Included(from) => **name >= from,
                    Bound::Excluded(from) => **name > from,
                    Bound::Unbounded => true,
                };
                Ok(names.iter().find(is_after).map(|name| (*name).to_owned()))
            })
        };
        for stray in ["a/../b", "a/./b", "a//b", "a/b\\c"] {
            let names = ["a/!", stray, "a/~/c"];
            let listing = list(&names, Strays::Passed).unwrap();
            assert_eq!((listing.keys.len(), listing.prefixes.len()), (1, 1), "{stray}");
            let error = list(&names, Strays::Named).unwrap_err();
            assert!(matches!(error, crate::StoreError::InvalidKey { .. }), "{error}");
        }
        let names = ["a/!", "a/.c.1-2f.zt-partial", "a/~/c"];
        assert_eq!(list(&names, Strays::Named).unwrap().keys.len(), 1);
    }
}
