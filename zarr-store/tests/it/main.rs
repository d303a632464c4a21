//! Tests of the stores through their public interface.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod cached;
mod databases;
mod directory;
mod faulty;
#[cfg(feature = "http")]
mod http;
mod properties;
#[cfg(feature = "reference")]
mod references;
mod room;
#[cfg(feature = "s3")]
mod s3;
mod stores;
mod wrappers;
mod zip;
mod zip_writing;

use std::path::Path;

use tempfile::TempDir;
use zarr_store::{Store, StoreExt, StoreKey, StorePrefix};

fn key(text: &str) -> StoreKey {
    StoreKey::new(text).unwrap()
}

fn prefix(text: &str) -> StorePrefix {
    StorePrefix::new(text).unwrap()
}

fn get(store: &dyn Store, name: &str) -> Option<Vec<u8>> {
    store.get(&key(name), u64::MAX).unwrap().map(Vec::from)
}

/// All keys of a store.
fn keys(store: &dyn Store) -> Vec<String> {
    let keys = store.list_prefix(&StorePrefix::root()).unwrap();
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// All names below a directory that a store hides.
fn debris(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(debris(&entry.path()));
        }
        if name.ends_with(".zt-partial") {
            found.push(name);
        }
    }
    found
}
