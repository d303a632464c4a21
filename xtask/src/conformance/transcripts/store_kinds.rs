//! The stores that a scenario makes.

use std::{fmt::Display, path::PathBuf, sync::Arc};

use serde_json::{Value, json};
use zarr_convenience::core::store::{
    CachedStore, DbmStore, DirectoryStore, LmdbStore, ReadOnlyStore, SqliteStore, StoreKey, TempStore,
    ZipStore,
};

use super::{
    outcome::{Failure, Fault, Outcome},
    scalar::to_hex,
    session::{Dialect, Session, Shelf, Thing, flag, text},
    stores::{all, bytes},
};

pub(super) fn new_store(session: &mut Session, step: &Value) -> Outcome {
    let mut shelf = make(session, step, text(step, "kind")?)?;
    let separator = step["dimension_separator"]
        .as_str()
        .or(step["key_separator"].as_str());
    if let Some(separator) = separator {
        shelf.separator = separator.chars().next();
    }
    if shelf.class == "FSStore" && shelf.separator == Some('/') {
        shelf.dialect = Dialect::DotsAreSlashes;
    }
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

fn make(session: &mut Session, step: &Value, kind: &str) -> Outcome<Shelf> {
    Ok(match kind {
        "memory" => Shelf::memory(),
        "kv" => Shelf {
            class: "KVStore",
            dialect: Dialect::Flat,
            ..Shelf::memory()
        },
        "mapping" => Shelf {
            class: "",
            dialect: Dialect::Flat,
            ..Shelf::memory()
        },
        "directory" => directory(session.path(step)?, "DirectoryStore")?,
        "nested" => nested(session, step)?,
        "temp" => temporary(session, step)?,
        "zip" => zip(session, step)?,
        "sqlite" if step["path"] == ":memory:" => Shelf::closable(SqliteStore::in_memory()?, "SQLiteStore"),
        "sqlite" => Shelf::closable(SqliteStore::create(session.path(step)?)?, "SQLiteStore"),
        "lmdb" => Shelf {
            dialect: Dialect::Ascii,
            ..Shelf::closable(LmdbStore::create(session.path(step)?)?, "LMDBStore")
        },
        "dbm" => dbm(session, step)?,
        "lru" => cached(session, step)?,
        "fs" => file_system(session, step)?,
        "consolidated" => super::consolidated::documents(session, step)?,
        other => return Err(Fault::unsupported(format!("new_store {other}"))),
    })
}

fn directory(path: PathBuf, class: &'static str) -> Outcome<Shelf> {
    Ok(Shelf {
        place: Some(path.components().collect()),
        dialect: Dialect::Folders,
        ..Shelf::new(Arc::new(DirectoryStore::create(path)?), class)
    })
}

fn nested(session: &Session, step: &Value) -> Outcome<Shelf> {
    if step["dimension_separator"]
        .as_str()
        .is_some_and(|separator| separator != "/")
    {
        let message = "NestedDirectoryStore only supports '/' as dimension_separator";
        return Err(Failure::new("ValueError", message).into());
    }
    Ok(Shelf {
        separator: Some('/'),
        ..directory(session.path(step)?, "NestedDirectoryStore")?
    })
}

fn temporary(session: &Session, step: &Value) -> Outcome<Shelf> {
    let part = |name: &str, usual: &'static str| step[name].as_str().unwrap_or(usual).to_owned();
    let above = match step["dir"].as_str() {
        Some(dir) => session.dir.join(dir),
        None => std::env::temp_dir(),
    };
    let store = TempStore::named(&part("prefix", "zarr"), &part("suffix", ""), &above)?;
    Ok(Shelf {
        place: Some(store.path().to_owned()),
        dialect: Dialect::Folders,
        ..Shelf::new(Arc::new(store), "TempStore")
    })
}

fn zip(session: &Session, step: &Value) -> Outcome<Shelf> {
    let path = session.path(step)?;
    let place = Some(path.components().collect());
    let store = match step["mode"].as_str().unwrap_or("a") {
        "r" => ZipStore::open(path)?,
        "a" => ZipStore::update(path)?,
        "w" => ZipStore::create_or_replace(path)?,
        "x" => ZipStore::create(path)?,
        mode => return Err(Failure::class("ValueError", format!("no mode {mode}")).into()),
    };
    Ok(Shelf {
        place,
        ..Shelf::archive(store.with_deflate(flag(step, "deflate")))
    })
}

fn dbm(session: &Session, step: &Value) -> Outcome<Shelf> {
    let path = session.path(step)?;
    let place = Some(path.components().collect());
    let opened = match step["flag"].as_str().unwrap_or("c") {
        "r" => DbmStore::open(&path),
        "n" => {
            for ending in ["dat", "dir", "bak"] {
                let mut name = path.clone().into_os_string();
                name.push(format!(".{ending}"));
                // What is not there need not be removed.
                let _ = std::fs::remove_file(name);
            }
            DbmStore::create(&path)
        }
        _ => DbmStore::create(&path),
    };
    Ok(Shelf {
        dialect: Dialect::Ascii,
        place,
        ..Shelf::closable(opened.map_err(|error| foreign("dbm.error", error))?, "DBMStore")
    })
}

fn foreign(class: &str, error: impl Display) -> Fault {
    Failure::class(class, error.to_string()).into()
}

fn cached(session: &Session, step: &Value) -> Outcome<Shelf> {
    let base = session.shelf(text(step, "base")?)?;
    let size_max = match &step["max_size"] {
        Value::Null => None,
        size => Some(
            size.as_u64()
                .ok_or_else(|| Fault::unsupported(format!("max_size {size}")))?,
        ),
    };
    let cache = Arc::new(CachedStore::new(base.store, size_max));
    let store = Arc::<CachedStore>::clone(&cache);
    Ok(Shelf {
        cache: Some(cache),
        dialect: base.dialect,
        ..Shelf::new(store, "LRUStoreCache")
    })
}

fn file_system(session: &mut Session, step: &Value) -> Outcome<Shelf> {
    let url = step["path"].as_str().map_or_else(|| text(step, "url"), Ok)?;
    let mut shelf = if url.starts_with("memory://") {
        Shelf {
            place: Some(url.into()),
            ..session.url(url)?
        }
    } else {
        let path = url.strip_prefix("file://").unwrap_or(url);
        directory(session.dir.join(path), "FSStore")?
    };
    if step["mode"] == "r" {
        shelf.store = Arc::new(ReadOnlyStore::new(shelf.store));
    }
    Ok(shelf)
}
