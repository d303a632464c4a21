//! `open`, `open_array`, `open_group`, `group`, `create`, `array`.

use std::sync::Arc;

use serde_json::Value;
use zarr_convenience::{
    OpenMode, check_codecs,
    core::{Array, ArrayBuilder, ArrayData, Error as CoreError, Group, Node, NodePath, Options, Selection},
    create_group, open,
};

use super::{
    Operation,
    options::Asked,
    outcome::{Doing, Failure, Outcome, phrase},
    session::{Session, Shelf, flag},
    values,
    verbs::{node_path, store},
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("open", open_any),
    ("open_array", open_array),
    ("open_group", open_group),
    ("group", group),
    ("create", create),
    ("array", array),
];

fn mode(step: &Value) -> &str {
    step["mode"].as_str().unwrap_or("a")
}

/// The builder of the array that a step asks for, its data and how it is to be opened.
pub(super) fn planned(
    shelf: &Shelf,
    step: &Value,
    options: &Options,
) -> Outcome<(ArrayBuilder, Option<ArrayData>, Options)> {
    let asked = Asked::of(step, shelf.separator)?;
    let (data, byte_order): (Option<ArrayData>, _) = match step.get("data") {
        Some(data) => asked
            .data(data, step.get("dtype"))
            .map(|(data, order)| (Some(data), order))?,
        None => (None, asked.data_type(step.get("dtype"))?.1),
    };
    let (shape, data_type) = match &data {
        Some(data) => (data.shape.clone(), data.data_type.clone()),
        None if step["shape"].is_null() => return Err(Failure::new("TypeError", "shape is None").into()),
        None => (
            values::lengths(&step["shape"])?,
            asked.data_type(step.get("dtype"))?.0,
        ),
    };
    let builder = asked.builder(&shape, &data_type, byte_order)?;
    Ok((builder, data, asked.options(options)))
}

/// Makes an array from the options of a step, in the place of what is there if `overwrite` says so.
pub(super) fn make_array(
    shelf: &Shelf,
    path: &NodePath,
    step: &Value,
    options: &Options,
    overwrite: bool,
) -> Outcome<Array> {
    let (builder, data, options) = planned(shelf, step, options)?;
    let array = zarr_convenience::build_array(&shelf.store, path, builder, overwrite, &options)?;
    if let Some(data) = data {
        array.write_data(&Selection::all(), &data)?;
    }
    Ok(array)
}

/// A group is opened or made without the options of arrays.
fn refuse_array_options(step: &Value, shelf: &Shelf, path: &NodePath, mode: OpenMode) -> Outcome<()> {
    const OF_ARRAYS: [&str; 6] = ["dtype", "chunks", "compressor", "fill_value", "order", "filters"];
    if step.get("shape").is_some() {
        return Ok(());
    }
    let is_made = matches!(mode, OpenMode::Write | OpenMode::Exclusive);
    let found = Node::find(&shelf.store, path, &Options::default(), None);
    if !is_made && matches!(found, Ok(Some(Node::Array(_))) | Err(_)) {
        return Ok(());
    }
    let strange = OF_ARRAYS.iter().find(|name| step.get(name).is_some());
    strange.map_or(Ok(()), |name| {
        let message = format!("open_group() got an unexpected keyword argument '{name}'");
        Err(Failure::new("TypeError", message).into())
    })
}

fn open_any(session: &mut Session, step: &Value) -> Outcome {
    let path = node_path(step)?;
    let shelf = store(session, step, mode(step))?;
    let mode = OpenMode::parse(mode(step))?;
    let asked = Asked::of(step, shelf.separator)?;
    let options = asked.options(&Options::default());
    refuse_array_options(step, &shelf, &path, mode)?;
    let shape = step.get("shape").map(values::lengths).transpose()?;
    let float64 = Value::from("<f8");
    let dtype = step.get("dtype").unwrap_or(&float64);
    let array = shape.as_deref().map(|shape| (shape, dtype));
    let node = open(&shelf.store, &path, mode, array, (&asked.creation, &options))
        .map_err(|error| phrase(&error, Doing::OpenAny))?;
    Ok(session.name_node(step, node, &shelf))
}

fn open_array(session: &mut Session, step: &Value) -> Outcome {
    let path = node_path(step)?;
    let shelf = store(session, step, mode(step))?;
    let options = Options {
        read_only: mode(step) == "r",
        ..Options::default()
    };
    let found = Array::open(Arc::clone(&shelf.store), &path, &options);
    let array = match (OpenMode::parse(mode(step))?, found) {
        (OpenMode::Append, Err(CoreError::NotFound { .. })) => {
            make_array(&shelf, &path, step, &options, false)?
        }
        (OpenMode::Write, _) => make_array(&shelf, &path, step, &options, true)?,
        (OpenMode::Exclusive, _) => make_array(&shelf, &path, step, &options, false)?,
        (_, found) => {
            let array = found.map_err(|error| phrase(&error.into(), Doing::OpenArray))?;
            check_codecs(&array)?;
            array
        }
    };
    Ok(session.name_node(step, Node::Array(array), &shelf))
}

fn open_group(session: &mut Session, step: &Value) -> Outcome {
    let path = node_path(step)?;
    let shelf = store(session, step, mode(step))?;
    let options = Options {
        read_only: mode(step) == "r",
        ..Options::default()
    };
    let found = Group::open(Arc::clone(&shelf.store), &path, &options);
    let asked = Asked::of(step, shelf.separator)?;
    let new = |overwrite| create_group(&shelf.store, &path, overwrite, (&asked.creation, &options));
    let group = match (OpenMode::parse(mode(step))?, found) {
        (OpenMode::Append, Err(CoreError::NotFound { .. })) | (OpenMode::Exclusive, _) => new(false)?,
        (OpenMode::Write, _) => new(true)?,
        (_, found) => found.map_err(|error| phrase(&error.into(), Doing::OpenGroup))?,
    };
    Ok(session.name_node(step, Node::Group(group), &shelf))
}

fn group(session: &mut Session, step: &Value) -> Outcome {
    let path = node_path(step)?;
    let overwrite = flag(step, "overwrite");
    let shelf = store(session, step, "a")?;
    let options = Options::default();
    let found = Group::open(Arc::clone(&shelf.store), &path, &options);
    let asked = Asked::of(step, shelf.separator)?;
    let new = || create_group(&shelf.store, &path, overwrite, (&asked.creation, &options));
    let group = match found {
        Err(CoreError::NotFound { .. }) => new()?,
        _ if overwrite => new()?,
        found => found.map_err(|error| phrase(&error.into(), Doing::OpenGroup))?,
    };
    Ok(session.name_node(step, Node::Group(group), &shelf))
}

fn create(session: &mut Session, step: &Value) -> Outcome {
    let path = node_path(step)?;
    let mut shelf = store(session, step, "a")?;
    if step["store"].is_null() {
        shelf.class = "KVStore";
    }
    let array = make_array(&shelf, &path, step, &Options::default(), flag(step, "overwrite"))?;
    Ok(session.name_node(step, Node::Array(array), &shelf))
}

fn array(session: &mut Session, step: &Value) -> Outcome {
    create(session, step)
}
