//! Store calls.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zarr_convenience::core::store::{
    DirectoryStore, Store, StoreError, StoreExt, StoreKey, StorePrefix, ZipStore,
};

use super::{
    Operation,
    outcome::{Failure, Fault, Outcome, quoted},
    scalar::{Scalar, to_hex},
    session::{Session, Shelf, Thing, flag, text},
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
    ("store_clear", clear),
    ("store_close", close),
    ("store_equal", equal),
    ("store_docs", docs),
];

/// The largest value that is read.
const SIZE_MAX: u64 = 1 << 30;

fn new_store(session: &mut Session, step: &Value) -> Outcome {
    let kind = text(step, "kind")?;
    let mut shelf = match kind {
        "memory" => Shelf::memory(),
        "kv" => Shelf {
            class: "KVStore",
            ..Shelf::memory()
        },
        "mapping" => Shelf {
            class: "",
            ..Shelf::memory()
        },
        "directory" => {
            let path = session.path(step)?;
            Shelf {
                directory: Some(path.components().collect()),
                ..Shelf::new(Arc::new(DirectoryStore::create(path)?), "DirectoryStore")
            }
        }
        "zip" => {
            if flag(step, "deflate") {
                return Err(Fault::unsupported("compressed members of a new archive"));
            }
            let path = session.path(step)?;
            Shelf::archive(match step["mode"].as_str().unwrap_or("a") {
                "r" => ZipStore::open(path)?,
                "a" => ZipStore::update(path)?,
                "w" => ZipStore::create_or_replace(path)?,
                "x" => ZipStore::create(path)?,
                mode => return Err(Failure::class("ValueError", format!("no mode {mode}")).into()),
            })
        }
        "consolidated" => super::consolidated::documents(session, step)?,
        other => return Err(Fault::unsupported(format!("new_store {other}"))),
    };
    shelf.separator = step["dimension_separator"]
        .as_str()
        .and_then(|text| text.chars().next());
    for (key, value) in step["items"].as_object().into_iter().flatten() {
        shelf.store.set(&StoreKey::new(key.as_str())?, &bytes(value)?)?;
    }
    let shown = if shelf.class.is_empty() {
        all(&shelf, &|_, bytes| json!({"hex": to_hex(bytes)}))?
    } else {
        json!({"store_class": shelf.class})
    };
    let named = step.get("as").is_some();
    session.name(step, Thing::Store(shelf));
    Ok(if named { shown } else { Value::Null })
}

fn bytes(value: &Value) -> Outcome<Vec<u8>> {
    match Scalar::from_json(value, None)? {
        Scalar::Bytes(bytes) => Ok(bytes),
        Scalar::Text(text) => Ok(text.into_bytes()),
        other => Err(Fault::unsupported(format!("{other:?} as bytes"))),
    }
}

fn store(session: &Session, step: &Value) -> Outcome<Arc<dyn Store>> {
    Ok(session.shelf(text(step, "store")?)?.store)
}

fn key(step: &Value) -> Outcome<StoreKey> {
    Ok(StoreKey::new(text(step, "key")?)?)
}

fn set(session: &mut Session, step: &Value) -> Outcome {
    store(session, step)?.set(&key(step)?, &bytes(&step["value"])?)?;
    Ok(Value::Null)
}

fn get(session: &mut Session, step: &Value) -> Outcome {
    let key = key(step)?;
    let shelf = session.shelf(text(step, "store")?)?;
    let found = match shelf.store.get(&key, SIZE_MAX) {
        // Python's stores have no key where a folder is.
        Err(StoreError::Conflict { .. }) => None,
        found => found?,
    };
    let bytes = found.ok_or_else(|| missing(&key))?;
    if shelf.class == super::consolidated::CLASS {
        // The values of that store are no bytes in Python.
        return Ok(super::nodes::shown(&document(&key, &bytes)?));
    }
    Ok(value_json(&key, &bytes))
}

fn document(key: &StoreKey, bytes: &[u8]) -> Outcome {
    zarr_convenience::core::metadata::json::parse(bytes)
        .map_err(|error| Fault::unsupported(format!("{key}: {error}")))
}

fn missing(key: &StoreKey) -> Fault {
    Failure::new("KeyError", quoted(key.as_str())).into()
}

/// Documents are shown as text.
fn value_json(key: &StoreKey, bytes: &[u8]) -> Value {
    let is_document = [".zarray", ".zgroup", ".zattrs", ".zmetadata"].contains(&key.name());
    match std::str::from_utf8(bytes) {
        Ok(text) if is_document => json!({"text": text}),
        _ => json!({"hex": to_hex(bytes)}),
    }
}

/// Python's stores take a folder for a key here.
fn delete(session: &mut Session, step: &Value) -> Outcome {
    let store = store(session, step)?;
    let key = key(step)?;
    if is_there(store.as_ref(), &key)? {
        store.erase(&key)?;
        return Ok(Value::Null);
    }
    let folder = StorePrefix::new(key.as_str())?;
    if store.list_prefix(&folder)?.is_empty() {
        return Err(missing(&key));
    }
    store.erase_prefix(&folder)?;
    Ok(Value::Null)
}

fn is_there(store: &dyn Store, key: &StoreKey) -> Outcome<bool> {
    match store.exists(key) {
        Err(StoreError::Conflict { .. }) => Ok(false),
        found => Ok(found?),
    }
}

fn contains(session: &mut Session, step: &Value) -> Outcome {
    let store = store(session, step)?;
    let keys = step["keys"].as_array().into_iter().flatten();
    let found = keys.map(|key| is_there(store.as_ref(), &StoreKey::new(key.as_str().unwrap_or_default())?));
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
    let listing = store(session, step)?.list_dir(&folder(step)?)?;
    let keys = listing.keys.iter().map(StoreKey::name);
    let mut names: Vec<_> = keys
        .chain(listing.prefixes.iter().map(StorePrefix::name))
        .collect();
    names.sort_unstable();
    names.dedup();
    Ok(names.into())
}

/// The size of a value, or of those directly in a folder.
fn getsize(session: &mut Session, step: &Value) -> Outcome {
    let store = store(session, step)?;
    let folder = folder(step)?;
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

fn clear(session: &mut Session, step: &Value) -> Outcome {
    store(session, step)?.erase_prefix(&StorePrefix::root())?;
    Ok(Value::Null)
}

fn close(session: &mut Session, step: &Value) -> Outcome {
    let shelf = session.shelf(text(step, "store")?)?;
    match &shelf.archive {
        Some(archive) => archive.close()?,
        None => shelf.store.flush()?,
    }
    Ok(Value::Null)
}

fn equal(session: &mut Session, step: &Value) -> Outcome {
    let (a, b) = (session.shelf(text(step, "a")?)?, session.shelf(text(step, "b")?)?);
    Ok((a.directory.is_some() && a.directory == b.directory).into())
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

fn all(shelf: &Shelf, show: &dyn Fn(&StoreKey, &[u8]) -> Value) -> Outcome {
    let mut shown = Map::new();
    for key in shelf.store.list_prefix(&StorePrefix::root())? {
        let bytes = shelf.store.get(&key, SIZE_MAX)?.unwrap_or_default();
        shown.insert(key.to_string(), show(&key, &bytes));
    }
    Ok(shown.into())
}
