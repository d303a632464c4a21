//! The convenience functions: `open`, `save`, `load`, `copy` and their like.

use std::{fmt::Write, sync::Arc};

use serde_json::{Value, json};
use zarr_convenience::{
    Copied, CopyOptions, CopyStoreOptions, IfExists, LazyLoader, Loaded, Location, PatternFlags, Report,
    SaveOptions, Sink, StoreKind, TreeOptions, copy, copy_all, copy_store,
    core::{
        ArrayData, Node, NodePath, Options,
        codecs::ByteOrder,
        store::{DirectoryStore, ZipStore},
    },
    load, open_store, pattern, save, save_array, save_group, tree,
};

use super::{
    Operation,
    options::{Asked, python},
    outcome::{Doing, Failure, Fault, Outcome, phrase, quoted},
    session::{Session, Shelf, Thing, flag, node_text, text},
    values,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("save", save_any),
    ("save_array", save_one),
    ("save_group", save_many),
    ("load", load_any),
    ("loader_get", loader_get),
    ("loader_info", loader_info),
    ("loader_items", loader_items),
    ("loader_contains", loader_contains),
    ("loader_same_object", loader_same_object),
    ("copy", copy_node),
    ("copy_all", copy_members),
    ("copy_store", copy_keys),
    ("tree", tree_text),
    ("tree_ascii", tree_ascii),
];

/// The store of a step, opened for a mode of Python's.
pub(super) fn store(session: &mut Session, step: &Value, mode: &str) -> Outcome<Shelf> {
    let given = &step["store"];
    if given.is_null() {
        return Ok(Shelf::memory());
    }
    if let Some(name) = given["var"].as_str() {
        return session.shelf(name);
    }
    if let Some(value) = given.get("value") {
        let message = format!(
            "Starting with Zarr 2.11.0, stores must be subclasses of BaseStore, if your store exposes the MutableMapping interface wrap it in Zarr.storage.KVStore. Got {}",
            python(value)
        );
        return Err(Failure::new("ValueError", message).into());
    }
    if let Some(url) = given["url"].as_str() {
        return session.url(url);
    }
    let path = given["path"].as_str().or_else(|| given["pathlike"].as_str());
    let path = path.ok_or_else(|| Fault::unsupported(format!("store {given}")))?;
    if step["storage_options"]
        .as_object()
        .is_some_and(|options| !options.is_empty())
    {
        return Err(Failure::new("ValueError", "storage_options passed with non-fsspec path").into());
    }
    let full = session.dir.join(path);
    let location = Location::with_path(&full.to_string_lossy(), "")?;
    match (location.kind(), mode) {
        (StoreKind::Zip, "w") => Ok(Shelf::archive(ZipStore::create_or_replace(&full)?)),
        (StoreKind::Zip, "r") => Ok(Shelf::archive(ZipStore::open(&full)?)),
        (StoreKind::Zip, "w-" | "x") => Ok(Shelf::archive(ZipStore::create(&full)?)),
        (StoreKind::Zip, _) => Ok(Shelf::archive(ZipStore::update(&full)?)),
        (StoreKind::Directory, _) if path.strip_suffix(".n5").is_some() => {
            Ok(Shelf::new(open_store(&location, true)?, "N5Store"))
        }
        // In Python a directory store may be made for what is not there.
        (StoreKind::Directory, _) => Ok(Shelf::new(
            Arc::new(DirectoryStore::create(&full)?),
            "DirectoryStore",
        )),
        (StoreKind::OtherFile | StoreKind::References, _) if full.is_file() => Err(Failure::class(
            "zarr.errors.FSPathExistNotDir",
            format!("path exists but is not a directory: {}", full.display()),
        )
        .into()),
        (StoreKind::OtherFile | StoreKind::References | StoreKind::Remote, _) => {
            Ok(Shelf::new(open_store(&location, mode != "r")?, "DirectoryStore"))
        }
    }
}

/// The path of a step.
pub(super) fn node_path(step: &Value) -> Outcome<NodePath> {
    Ok(NodePath::new(step["path"].as_str().unwrap_or_default())?)
}

/// An argument that is an array: its elements, and the chunk shape of one that is stored.
fn argument(session: &Session, value: &Value, asked: &Asked) -> Outcome<(ArrayData, Option<Vec<u64>>)> {
    if let Some(name) = value["var"].as_str() {
        let (Node::Array(array), _) = session.node(name)? else {
            return Err(Fault::unsupported("saving a group"));
        };
        let data = array.read_data(&zarr_convenience::core::Selection::all())?;
        return Ok((data, Some(array.chunk_shape().to_vec())));
    }
    Ok((asked.data(value, None)?.0, None))
}

/// What is to be saved: positional and named arrays, and how.
struct Saving {
    shelf: Shelf,
    path: NodePath,
    unnamed: Vec<ArrayData>,
    named: Vec<(String, ArrayData)>,
    options: SaveOptions,
}

fn saving(session: &mut Session, step: &Value) -> Outcome<Saving> {
    let path = node_path(step)?;
    let shelf = store(session, step, "a")?;
    let mut asked = Asked::of(step, shelf.separator)?;
    let mut unnamed = Vec::new();
    let single = step.get("arr").into_iter();
    for value in single.chain(step["args"].as_array().into_iter().flatten()) {
        let (data, chunks) = argument(session, value, &asked)?;
        unnamed.push(data);
        if let Some(chunks) = chunks {
            let chunks = chunks.into_iter().map(Some).collect();
            asked
                .creation
                .chunks
                .get_or_insert(zarr_convenience::Chunks::Shape(chunks));
        }
    }
    let mut named = Vec::new();
    for (name, value) in step["arrays"].as_object().into_iter().flatten() {
        named.push((name.clone(), argument(session, value, &asked)?.0));
    }
    let options = SaveOptions {
        options: asked.options(&Options::default()),
        creation: asked.creation,
        force: false,
    };
    Ok(Saving {
        shelf,
        path,
        unnamed,
        named,
        options,
    })
}

/// Stores that were given by their names are closed.
fn finish(step: &Value, shelf: &Shelf) -> Outcome {
    if let (Some(archive), None) = (&shelf.closable, step["store"].get("var")) {
        archive.close()?;
    }
    Ok(Value::Null)
}

fn save_any(session: &mut Session, step: &Value) -> Outcome {
    let saving = saving(session, step)?;
    let Saving {
        shelf, path, options, ..
    } = &saving;
    save(&shelf.store, path, &saving.unnamed, &saving.named, options)?;
    finish(step, shelf)
}

fn save_one(session: &mut Session, step: &Value) -> Outcome {
    let saving = saving(session, step)?;
    let [array] = &saving.unnamed[..] else {
        return Err(Fault::unsupported("save_array of other than one array"));
    };
    save_array(&saving.shelf.store, &saving.path, array, &saving.options)?;
    finish(step, &saving.shelf)
}

fn save_many(session: &mut Session, step: &Value) -> Outcome {
    let saving = saving(session, step)?;
    let Saving {
        shelf, path, options, ..
    } = &saving;
    save_group(&shelf.store, path, &saving.unnamed, &saving.named, options)?;
    finish(step, shelf)
}

fn load_any(session: &mut Session, step: &Value) -> Outcome {
    let path = node_path(step)?;
    let shelf = store(session, step, "r")?;
    match load(&shelf.store, &path, &Options::default())? {
        None => Ok(Value::Null),
        Some(Loaded::Array(data)) => values::array_json(&data, ByteOrder::NATIVE),
        Some(Loaded::Group(loader)) => {
            let shown = json!({"repr": loader.to_string()});
            session.name(step, Thing::Loader(loader));
            Ok(shown)
        }
    }
}

fn loader<'a>(session: &'a Session, step: &Value) -> Outcome<&'a LazyLoader> {
    session.loader(text(step, "loader")?)
}

fn loader_get(session: &mut Session, step: &Value) -> Outcome {
    member(loader(session, step)?, text(step, "key")?)
}

fn loader_items(session: &mut Session, step: &Value) -> Outcome {
    let loader = loader(session, step)?;
    let names = loader.names()?.into_iter();
    let items = names.map(|name| Ok((name.clone(), member(loader, &name)?)));
    Ok(Value::Object(items.collect::<Outcome<_>>()?))
}

fn member(loader: &LazyLoader, name: &str) -> Outcome {
    let found = loader.get(name);
    match found.map_err(|error| phrase(&error, Doing::Member))? {
        Loaded::Array(data) => values::array_json(&data, ByteOrder::NATIVE),
        Loaded::Group(loader) => Ok(json!({"repr": loader.to_string()})),
    }
}

fn loader_info(session: &mut Session, step: &Value) -> Outcome {
    let loader = loader(session, step)?;
    let names = loader.names()?;
    Ok(json!({"repr": loader.to_string(), "len": names.len(), "names": names}))
}

fn loader_contains(session: &mut Session, step: &Value) -> Outcome {
    let loader = loader(session, step)?;
    let keys = step["keys"].as_array().into_iter().flatten();
    let found = keys.map(|key| Ok(loader.contains(key.as_str().unwrap_or_default())?));
    Ok(found.collect::<Outcome<Vec<bool>>>()?.into())
}

fn loader_same_object(session: &mut Session, step: &Value) -> Outcome {
    let loader = loader(session, step)?;
    let name = text(step, "key")?;
    match (loader.get(name)?, loader.get(name)?) {
        (Loaded::Array(a), Loaded::Array(b)) => Ok(Arc::ptr_eq(&a, &b).into()),
        _ => Ok(false.into()),
    }
}

/// Runs a verb that logs, and keeps its lines in the form that the step asks for.
fn with_log(
    session: &mut Session,
    step: &Value,
    verb: impl FnOnce(&mut Session, &mut dyn FnMut(&str)) -> Outcome<Copied>,
) -> Outcome {
    if let Some(bad) = step["log"].get("bad") {
        let message = format!("log must be a callable function, file path or file-like object, found {bad}");
        return Err(Failure::new("TypeError", message).into());
    }
    let mut lines: Vec<String> = Vec::new();
    let outcome = verb(session, &mut |line: &str| lines.push(line.to_owned()));
    let mut joined = String::new();
    for line in &lines {
        let _ = writeln!(joined, "{line}");
    }
    match &step["log"] {
        Value::Null => {}
        Value::String(text) if text == "capture" => session.log = Some(lines.into()),
        Value::String(text) if text == "stream" => session.log = Some(joined.into()),
        Value::Object(log) if log.contains_key("path") => {
            std::fs::write(
                session.dir.join(log["path"].as_str().unwrap_or_default()),
                &joined,
            )?;
            session.log = Some(joined.into());
        }
        other => return Err(Fault::unsupported(format!("log {other}"))),
    }
    let copied = outcome?;
    Ok(json!([copied.n_copied, copied.n_skipped, copied.n_bytes_copied]))
}

fn if_exists(step: &Value) -> Outcome<IfExists> {
    Ok(IfExists::parse(step["if_exists"].as_str().unwrap_or("raise"))?)
}

fn copy_options<'a>(
    session: &Session,
    step: &Value,
    log: &'a mut dyn FnMut(&str),
) -> Outcome<CopyOptions<'a>> {
    let mut kws = step["create_kws"].clone();
    let to_hdf5 = step["dest"]
        .as_str()
        .and_then(|dest| session.thing(dest.split(':').next()?).ok())
        .is_some_and(|thing| matches!(thing, Thing::Hdf5(_)));
    // A copied compressor comes before the spelling of h5py, but not in HDF5.
    if let Some(kws) = kws.as_object_mut().filter(|_| !to_hdf5) {
        kws.remove("compression");
        kws.remove("compression_opts");
    }
    let asked = Asked::of(&kws, None)?;
    if step["create_kws"].get("dtype").is_some() {
        return Err(Failure::class("TypeError", "the data type of a copy is that of its source").into());
    }
    Ok(CopyOptions {
        name: step["name"].as_str().map(str::to_owned),
        shallow: flag(step, "shallow"),
        without_attrs: flag(step, "without_attrs"),
        if_exists: if_exists(step)?,
        dry_run: flag(step, "dry_run"),
        creation: asked.creation,
        log: Some(log),
        ..CopyOptions::default()
    })
}

/// The group that a copy goes to.
fn destination(session: &Session, step: &Value) -> Outcome<Box<dyn Sink>> {
    let name = text(step, "dest")?;
    let (file, member) = name.split_once(':').unwrap_or((name, ""));
    if let Ok(Thing::Hdf5(path)) = session.thing(file) {
        return super::h5::sink(path, member, flag(step, "dry_run"));
    }
    if let Ok(Thing::Store(_)) = session.thing(name) {
        return Err(Failure::class("ValueError", "the destination must be a group, not a store").into());
    }
    match session.node(name)? {
        (Node::Group(group), _) => Ok(Box::new(group)),
        (node, _) => {
            let message = format!("dest must be a group, got {}", node_text(&node));
            Err(Failure::new("ValueError", message).into())
        }
    }
}

/// What was copied; an array that the destination has no form for is an error to Python.
fn whole(report: &Report) -> Outcome<Copied> {
    let array = report.lost.iter().find(|lost| !lost.what.contains('@'));
    array.map_or(Ok(report.copied), |lost| {
        let message = format!("{}: {}", lost.what, lost.reason);
        Err(Failure::class("TypeError", message).into())
    })
}

fn copy_node(session: &mut Session, step: &Value) -> Outcome {
    with_log(session, step, |session, log| {
        let dest = destination(session, step)?;
        let (source, node) = session.source(text(step, "source")?)?;
        whole(&copy(
            source.as_ref(),
            &node,
            dest.as_ref(),
            copy_options(session, step, log)?,
        )?)
    })
}

fn copy_members(session: &mut Session, step: &Value) -> Outcome {
    let copied = with_log(session, step, |session, log| {
        let dest = destination(session, step)?;
        let (source, node) = session.source(text(step, "source")?)?;
        if let zarr_convenience::SourceNode::Array(_) = node {
            return Err(Failure::class("TypeError", "the source is an array").into());
        }
        whole(&copy_all(
            source.as_ref(),
            node.path(),
            dest.as_ref(),
            copy_options(session, step, log)?,
        )?)
    });
    session.refresh_attributes(text(step, "dest")?);
    copied
}

fn copy_keys(session: &mut Session, step: &Value) -> Outcome {
    with_log(session, step, |session, log| {
        let from = session.shelf(text(step, "source")?)?.store;
        let to = session.shelf(text(step, "dest")?)?.store;
        let path = |name: &str| NodePath::new(step[name].as_str().unwrap_or_default());
        let options = CopyStoreOptions {
            source_path: path("source_path")?,
            dest_path: path("dest_path")?,
            excludes: patterns(step, "excludes")?,
            includes: patterns(step, "includes")?,
            if_exists: IfExists::parse_for_keys(step["if_exists"].as_str().unwrap_or("raise"))?,
            dry_run: flag(step, "dry_run"),
            log: Some(log),
            ..CopyStoreOptions::default()
        };
        Ok(copy_store(&from, &to, options)?)
    })
}

/// One pattern or several; the flags are the integers of Python's `re`.
fn patterns(step: &Value, name: &str) -> Outcome<Vec<regex::Regex>> {
    let bits = step["flags"].as_u64().unwrap_or(0);
    let flags = PatternFlags::from_bits(u32::try_from(bits).unwrap_or(u32::MAX))?;
    let texts: Vec<&str> = match &step[name] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let build = |text: &str| {
        pattern(text, flags).map_err(|error| Failure::class("re.error", error.to_string()).into())
    };
    texts.into_iter().map(build).collect()
}

fn tree_text(session: &mut Session, step: &Value) -> Outcome {
    draw(session, step, false)
}

fn tree_ascii(session: &mut Session, step: &Value) -> Outcome {
    draw(session, step, true)
}

fn draw(session: &Session, step: &Value, ascii: bool) -> Outcome {
    let (source, node) = session.source(text(step, "target")?)?;
    let level = step["level"].as_i64().map(|level| level.max(0) as usize);
    Ok(tree(
        source.as_ref(),
        &node,
        &TreeOptions {
            level,
            ascii,
            ..TreeOptions::default()
        },
    )?
    .into())
}

/// A member that is not there, as Python's mappings say it.
pub(super) fn missing(name: &str) -> Fault {
    Failure::new("KeyError", quoted(name)).into()
}
