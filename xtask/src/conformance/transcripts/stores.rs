//! Store calls.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_convenience::core::store::{
    CachedStore, DirectoryStore, Store, StoreError, StoreExt, StoreKey, StorePrefix,
};

use super::{
    Operation,
    outcome::{Failure, Fault, Outcome, quoted},
    scalar::{Scalar, to_hex},
    session::{Dialect, Session, Shelf, text},
    store_kinds::new_store,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("new_store", new_store),
    ("store_set", set),
    ("store_get", get),
    ("store_del", delete),
    ("store_contains", contains),
    ("store_keys", keys),
    ("store_len", length),
    ("store_listdir", listdir),
    ("store_getsize", getsize),
    ("store_rename", rename),
    ("store_rmdir", remove_folder),
    ("store_clear", clear),
    ("store_flush", flush),
    ("store_close", close),
    ("store_equal", equal),
    ("store_docs", docs),
    ("lru_state", cache_state),
    ("lru_invalidate", cache_invalidate),
    ("temp_info", temporary_info),
];

/// The largest value that is read.
const SIZE_MAX: u64 = 1 << 30;

pub(super) fn bytes(value: &Value) -> Outcome<Vec<u8>> {
    match Scalar::from_json(value, None)? {
        Scalar::Bytes(bytes) => Ok(bytes),
        Scalar::Text(text) => Ok(text.into_bytes()),
        other => Err(Fault::unsupported(format!("{other:?} as bytes"))),
    }
}

fn shelf(session: &Session, step: &Value) -> Outcome<Shelf> {
    session.shelf(text(step, "store")?)
}

fn store(session: &Session, step: &Value) -> Outcome<Arc<dyn Store>> {
    Ok(shelf(session, step)?.store)
}

/// The key of a step as a store of its class takes it.
fn key(shelf: &Shelf, text: &str) -> Outcome<StoreKey> {
    if shelf.dialect == Dialect::Ascii && !text.is_ascii() {
        return Err(Failure::class("UnicodeEncodeError", format!("{text:?} is not ASCII")).into());
    }
    let key = StoreKey::new(text)?;
    let is_document = [".zarray", ".zgroup", ".zattrs"].contains(&key.name());
    if shelf.dialect == Dialect::DotsAreSlashes && !is_document {
        return Ok(key.parent().key(&key.name().replace('.', "/"))?);
    }
    Ok(key)
}

fn has_folders(shelf: &Shelf) -> bool {
    matches!(shelf.dialect, Dialect::Folders | Dialect::DotsAreSlashes)
}

/// Python's hierarchical stores put a value in the place of a folder, and none below a value.
fn set(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let key = key(&shelf, text(step, "key")?)?;
    let is_archive = shelf.class == "ZipStore";
    if has_folders(&shelf) && !is_archive && shelf.store.capabilities().writes {
        let mut above = key.parent();
        while !above.is_root() {
            let folder = StoreKey::new(above.as_str().trim_end_matches('/'))?;
            if is_there(shelf.store.as_ref(), &folder)? {
                return Err(missing(&shelf, &key));
            }
            above = folder.parent();
        }
        let folder = StorePrefix::new(key.as_str())?;
        if !shelf.store.list_prefix(&folder)?.is_empty() {
            shelf.store.erase_prefix(&folder)?;
        }
    }
    shelf.store.set(&key, &bytes(&step["value"])?)?;
    Ok(Value::Null)
}

fn get(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let key = key(&shelf, text(step, "key")?)?;
    let found = match shelf.store.get(&key, SIZE_MAX) {
        // Python's stores have no key where a folder is.
        Err(StoreError::Conflict { .. }) if has_folders(&shelf) => None,
        found => found?,
    };
    let bytes = found.ok_or_else(|| missing(&shelf, &key))?;
    if shelf.class == super::consolidated::CLASS {
        // The values of that store are no bytes in Python.
        return Ok(super::attributes::shown(&document(&key, &bytes)?));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) if is_printable(text) => Ok(json!({"text": text})),
        _ => Ok(value_json(&key, &bytes)),
    }
}

fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c == '\n' || !c.is_control())
}

fn document(key: &StoreKey, bytes: &[u8]) -> Outcome {
    zarr_convenience::core::metadata::json::parse(bytes)
        .map_err(|error| Fault::unsupported(format!("{key}: {error}")))
}

fn missing(shelf: &Shelf, key: &StoreKey) -> Fault {
    let mark = if shelf.dialect == Dialect::Ascii { "b" } else { "" };
    let name = missing_folder(shelf, key).unwrap_or(key.as_str());
    Failure::new("KeyError", format!("{mark}{}", quoted(name))).into()
}

/// Python's store in memory goes from folder to folder, and names the first that is not there.
fn missing_folder<'a>(shelf: &Shelf, key: &'a StoreKey) -> Option<&'a str> {
    if shelf.class != "MemoryStore" {
        return None;
    }
    let store = shelf.store.as_ref();
    let is_value = |folder: &str| {
        let key = StoreKey::new(folder);
        key.is_ok_and(|key| matches!(is_there(store, &key), Ok(true)))
    };
    let is_empty = |folder: &str| {
        let prefix = StorePrefix::new(folder);
        prefix.is_ok_and(|prefix| store.list_prefix(&prefix).is_ok_and(|keys| keys.is_empty()))
    };
    let text = key.as_str();
    let folders = text.match_indices('/').map(|(end, _)| &text[..end]);
    let missing = folders
        .take_while(|folder| !is_value(folder))
        .find(|folder| is_empty(folder));
    missing?.rsplit('/').next()
}

/// Documents are shown as text.
fn value_json(key: &StoreKey, bytes: &[u8]) -> Value {
    let is_document = [".zarray", ".zgroup", ".zattrs", ".zmetadata"].contains(&key.name());
    match std::str::from_utf8(bytes) {
        Ok(text) if is_document => json!({"text": text}),
        _ => json!({"hex": to_hex(bytes)}),
    }
}

/// Python's hierarchical stores take a folder for a key here.
fn delete(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let key = key(&shelf, text(step, "key")?)?;
    if !shelf.store.capabilities().erases || is_there(shelf.store.as_ref(), &key)? {
        shelf.store.erase(&key)?;
        return Ok(Value::Null);
    }
    let folder = StorePrefix::new(key.as_str())?;
    if !has_folders(&shelf) || shelf.store.list_prefix(&folder)?.is_empty() {
        return Err(missing(&shelf, &key));
    }
    shelf.store.erase_prefix(&folder)?;
    Ok(Value::Null)
}

fn is_there(store: &dyn Store, key: &StoreKey) -> Outcome<bool> {
    match store.exists(key) {
        Err(StoreError::Conflict { .. }) => Ok(false),
        found => Ok(found?),
    }
}

fn contains(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let keys = step["keys"].as_array().into_iter().flatten();
    let found = keys.map(|text| {
        // The empty text is no key, so that it is in no store, and LMDB does not even look.
        if text == "" {
            return match shelf.class {
                "LMDBStore" => Err(Failure::class("lmdb.BadValsizeError", "a key is empty").into()),
                _ => Ok(false),
            };
        }
        let key = key(&shelf, text.as_str().unwrap_or_default())?;
        is_there(shelf.store.as_ref(), &key)
    });
    Ok(found.collect::<Outcome<Vec<bool>>>()?.into())
}

fn keys(session: &mut Session, step: &Value) -> Outcome {
    let keys = store(session, step)?.list_prefix(&StorePrefix::root())?;
    Ok(keys.iter().map(StoreKey::as_str).collect())
}

fn length(session: &mut Session, step: &Value) -> Outcome {
    Ok(store(session, step)?
        .list_prefix(&StorePrefix::root())?
        .len()
        .into())
}

fn folder(step: &Value) -> Outcome<StorePrefix> {
    Ok(StorePrefix::new(step["path"].as_str().unwrap_or_default())?)
}

fn listdir(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let folder = folder(step)?;
    let listing = shelf.store.list_dir(&folder)?;
    let is_array = listing.keys.iter().any(|key| key.name() == ".zarray");
    // Python shows the chunks of an array by their keys, where the store itself keeps them in folders.
    let shown_separator = match (shelf.separator, shelf.class) {
        (Some('/'), "FSStore") if is_array => Some("."),
        (Some('/'), "SQLiteStore" | "DBMStore" | "MemoryStore" | "KVStore" | "LRUStoreCache" | "") => None,
        (Some('/'), _) if is_array => Some("/"),
        _ => None,
    };
    let mut names: Vec<String> = listing.keys.iter().map(|key| key.name().to_owned()).collect();
    for prefix in &listing.prefixes {
        let begins_with_digit = prefix.name().starts_with(|first: char| first.is_ascii_digit());
        match shown_separator.filter(|_| begins_with_digit) {
            Some(separator) => {
                let keys = shelf.store.list_prefix(prefix)?;
                names.extend(
                    keys.iter()
                        .filter_map(|key| Some(folder.strip(key)?.replace('/', separator))),
                );
            }
            None => names.push(prefix.name().to_owned()),
        }
    }
    names.sort_unstable();
    names.dedup();
    Ok(names.into())
}

/// The size of a value, or of those directly in a folder.
fn getsize(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let store = shelf.store;
    let folder = folder(step)?;
    if shelf.class == super::consolidated::CLASS && !store.list_dir(&folder)?.keys.is_empty() {
        // The values of that store are no bytes in Python, whose sizes are not known.
        return Ok((-1).into());
    }
    if !folder.is_root() {
        let key = StoreKey::new(folder.as_str().trim_end_matches('/'))?;
        if is_there(store.as_ref(), &key)? {
            return Ok(store.size(&key)?.unwrap_or(0).into());
        }
    }
    let mut sum = 0;
    for key in store.list_dir(&folder)?.keys {
        sum += store.size(&key)?.unwrap_or(0);
    }
    Ok(sum.into())
}

/// Moves a value, or all that is below a folder.
fn rename(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let store = shelf.store.as_ref();
    let (from, to) = (text(step, "src")?, text(step, "dst")?);
    let (from_key, to_key) = (StoreKey::new(from)?, StoreKey::new(to)?);
    if has_folders(&shelf) && is_there(store, &from_key)? {
        let value = store.get(&from_key, SIZE_MAX)?.unwrap_or_default();
        store.set(&to_key, &value)?;
        store.erase(&from_key)?;
        return Ok(Value::Null);
    }
    let (from, to) = (StorePrefix::new(from)?, StorePrefix::new(to)?);
    if store.rename_prefix(&from, &to)? {
        return Ok(Value::Null);
    }
    let keys = store.list_prefix(&from)?;
    if keys.is_empty() && has_folders(&shelf) {
        return Err(missing(&shelf, &from_key));
    }
    for key in &keys {
        let value = store.get(key, SIZE_MAX)?.unwrap_or_default();
        store.set(&to.key(from.strip(key).unwrap_or_default())?, &value)?;
        store.erase(key)?;
    }
    Ok(Value::Null)
}

fn remove_folder(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let folder = folder(step)?;
    if folder.is_root() {
        return empty(&shelf);
    }
    shelf.store.erase_prefix(&folder)?;
    Ok(Value::Null)
}

fn clear(session: &mut Session, step: &Value) -> Outcome {
    empty(&shelf(session, step)?)
}

/// Erases all keys; in Python the directory of a store goes with them.
fn empty(shelf: &Shelf) -> Outcome {
    let is_directory = ["DirectoryStore", "NestedDirectoryStore", "TempStore"].contains(&shelf.class);
    match shelf.place.as_ref().filter(|_| is_directory) {
        Some(path) if path.exists() => {
            DirectoryStore::open(path)?.clear()?;
            std::fs::remove_dir(path)?;
        }
        Some(_) => {}
        None => shelf.store.erase_prefix(&StorePrefix::root())?,
    }
    Ok(Value::Null)
}

fn flush(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    match &shelf.closable {
        Some(closable) => closable.flush_now()?,
        None => shelf.store.flush()?,
    }
    Ok(Value::Null)
}

fn close(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    match &shelf.closable {
        Some(closable) => closable.close()?,
        None => shelf.store.flush()?,
    }
    Ok(Value::Null)
}

/// Stores of one class are equal by their place, or by what they hold where they have none.
fn equal(session: &mut Session, step: &Value) -> Outcome {
    let (a, b) = (session.shelf(text(step, "a")?)?, session.shelf(text(step, "b")?)?);
    let is_directory = |shelf: &Shelf| ["DirectoryStore", "TempStore"].contains(&shelf.class);
    // Others than these compare what they hold, whatever the other store is.
    let is_plain = |shelf: &Shelf| ["SQLiteStore", "LMDBStore", "LRUStoreCache"].contains(&shelf.class);
    let is_comparable =
        a.class == b.class || (is_directory(&a) && is_directory(&b)) || (is_plain(&a) && is_plain(&b));
    if !is_comparable {
        return Ok(false.into());
    }
    if a.place.is_some() {
        return Ok((a.place == b.place).into());
    }
    let contents = |shelf: &Shelf| all(shelf, &|_, bytes| to_hex(bytes).into());
    Ok((contents(&a)? == contents(&b)?).into())
}

fn cache(session: &Session, step: &Value) -> Outcome<Arc<CachedStore>> {
    let shelf = shelf(session, step)?;
    shelf
        .cache
        .ok_or_else(|| Fault::unsupported(format!("{} as a cache", shelf.class)))
}

fn cache_state(session: &mut Session, step: &Value) -> Outcome {
    let state = cache(session, step)?.state();
    let keys: Vec<&str> = state.keys.iter().map(StoreKey::as_str).collect();
    Ok(json!({
        "hits": state.hits,
        "misses": state.misses,
        "cached_keys": keys,
        "current_size": state.size,
    }))
}

fn cache_invalidate(session: &mut Session, step: &Value) -> Outcome {
    let cache = cache(session, step)?;
    match step["what"].as_str() {
        None | Some("all") => cache.invalidate(),
        Some("values") => cache.invalidate_values(),
        Some("keys") => cache.invalidate_keys(),
        Some(what) => return Err(Fault::unsupported(format!("invalidating {what}"))),
    }
    Ok(Value::Null)
}

/// What can be told of a temporary directory whose name is another in every run.
fn temporary_info(session: &mut Session, step: &Value) -> Outcome {
    let shelf = shelf(session, step)?;
    let Some(path) = shelf.place.filter(|_| shelf.class == "TempStore") else {
        return Err(Fault::unsupported(format!(
            "{} as a temporary store",
            shelf.class
        )));
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(json!({
        "exists": path.is_dir(),
        "prefix": name.starts_with("zarr"),
        "name_length": name.chars().count(),
    }))
}

fn docs(session: &mut Session, step: &Value) -> Outcome {
    let shelf = session.shelf(text(step, "store")?)?;
    let with_chunks = step["chunks"].as_bool().unwrap_or(true);
    all(&shelf, &|key, bytes| {
        let shown = value_json(key, bytes);
        if with_chunks || shown.get("text").is_some() {
            shown
        } else {
            json!({"nbytes": bytes.len()})
        }
    })
}

pub(super) fn all(shelf: &Shelf, show: &dyn Fn(&StoreKey, &[u8]) -> Value) -> Outcome {
    let mut shown = Map::new();
    for key in shelf.store.list_prefix(&StorePrefix::root())? {
        let bytes = shelf.store.get(&key, SIZE_MAX)?.unwrap_or_default();
        shown.insert(key.to_string(), show(&key, &bytes));
    }
    Ok(shown.into())
}
