//! Addresses of stores elsewhere.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use zarr_core::store::{MemoryStore, Store, Strays};

use crate::{Error, Result};

/// Splits an address into that of the store and the path of a node.
///
/// The store ends with the first part that ends in `.zarr`; what follows `?` belongs to the store.
pub(crate) fn split(text: &str) -> (String, String) {
    let (place, query) = text.split_at(text.find('?').unwrap_or(text.len()));
    let start = place.find("://").map_or(0, |at| at + 3);
    let mut end = start;
    for part in place[start..].split_inclusive('/') {
        end += part.len();
        if part.trim_end_matches('/').strip_suffix(".zarr").is_some() {
            let store = place[..end].trim_end_matches('/');
            return (format!("{store}{query}"), place[end..].to_owned());
        }
    }
    (text.to_owned(), String::new())
}

/// Opens the store at an address, with what its listings are to make of names that are no keys.
pub(crate) fn open(text: &str, strays: Strays) -> Result<Arc<dyn Store>> {
    let scheme = text.split("://").next().unwrap_or_default();
    match scheme {
        "memory" => Ok(memory(text)),
        "http" | "https" => http(text),
        "s3" | "s3a" => objects(text, "s3", strays),
        "gs" => objects(text, "gcs", strays),
        "az" | "adl" | "azure" | "abfs" | "abfss" => objects(text, "azure", strays),
        _ => Err(Error::Argument(format!(
            "addresses that begin with '{scheme}://' are not known; known are file, memory, http, https, s3, gs, az"
        ))),
    }
}

/// The store in memory that has an address: the same one in all of the process.
fn memory(text: &str) -> Arc<dyn Store> {
    static STORES: Mutex<Option<HashMap<String, Arc<MemoryStore>>>> = Mutex::new(None);
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    let store = stores.get_or_insert_default().entry(text.to_owned());
    Arc::<MemoryStore>::clone(store.or_default())
}

#[cfg(feature = "http")]
fn http(text: &str) -> Result<Arc<dyn Store>> {
    if text.starts_with("https") && cfg!(not(feature = "https")) {
        return Err(missing("https"));
    }
    Ok(Arc::new(zarr_core::store::HttpStore::new(text)?))
}

#[cfg(not(feature = "http"))]
fn http(text: &str) -> Result<Arc<dyn Store>> {
    Err(missing(text.split("://").next().unwrap_or_default()))
}

/// Opens a bucket, with the settings that the tools of its cloud read from the environment as well.
#[cfg(feature = "object_store")]
fn objects(text: &str, feature: &str, strays: Strays) -> Result<Arc<dyn Store>> {
    let is_built_in = match feature {
        "s3" => cfg!(feature = "s3"),
        "gcs" => cfg!(feature = "gcs"),
        _ => cfg!(feature = "azure"),
    };
    if !is_built_in {
        return Err(missing(feature));
    }
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let is_meant = ["AWS_", "GOOGLE_", "AZURE_"]
            .iter()
            .any(|start| name.starts_with(start));
        is_meant.then_some((name, value.into_string().ok()?))
    });
    let store = zarr_core::store::ObjectStore::from_url(text, settings)?;
    Ok(Arc::new(store.with_strays(strays)))
}

#[cfg(not(feature = "object_store"))]
fn objects(_text: &str, feature: &str, _: Strays) -> Result<Arc<dyn Store>> {
    Err(missing(feature))
}

fn missing(feature: &str) -> Error {
    Error::Argument(format!(
        "this build does not reach such addresses; build it with the feature '{feature}'"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_ends_with_its_name() {
        for (text, store, path) in [
            ("s3://b/x.zarr/g/a", "s3://b/x.zarr", "g/a"),
            ("https://h/x.zarr?sig=a/b", "https://h/x.zarr?sig=a/b", ""),
            ("https://h/d/x.zarr/g?sig=a", "https://h/d/x.zarr?sig=a", "g"),
            ("http://h/data/", "http://h/data/", ""),
            ("memory://x", "memory://x", ""),
        ] {
            assert_eq!(split(text), (store.to_owned(), path.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_reached_names_what_to_build() {
        let error = open("ftp://h/x", Strays::Passed).unwrap_err().to_string();
        assert!(error.contains("'ftp://'"), "{error}");
        if cfg!(not(feature = "gcs")) {
            let error = open("gs://b/x", Strays::Passed).unwrap_err().to_string();
            assert!(error.contains("feature 'gcs'"), "{error}");
        }
    }

    #[test]
    fn an_address_in_memory_is_one_store() {
        use zarr_core::store::{StoreExt, StoreKey};
        let key = StoreKey::new("a").unwrap();
        open("memory://one", Strays::Passed)
            .unwrap()
            .set(&key, b"1")
            .unwrap();
        assert!(
            open("memory://one", Strays::Passed)
                .unwrap()
                .exists(&key)
                .unwrap()
        );
        assert!(
            !open("memory://two", Strays::Passed)
                .unwrap()
                .exists(&key)
                .unwrap()
        );
    }
}
