//! Methods of groups.

use serde_json::{Value, json};
use zarr_convenience::{
    ArrayInfo, GroupInfo, check_required,
    core::{Array, Error as CoreError, Group, Node, Selection},
};

use super::{
    Operation, consolidated,
    open::planned,
    options::Asked,
    outcome::{Doing, Failure, Fault, Outcome, phrase, quoted},
    session::{Session, Shelf, Thing, flag, node_text, text},
    values,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("repr", repr),
    ("info", info),
    ("get_store", get_store),
    ("g_create_group", g_create_group),
    ("g_require_group", g_require_group),
    ("g_create_dataset", g_create_dataset),
    ("g_require_dataset", g_require_dataset),
    ("g_get", g_get),
    ("g_contains", g_contains),
    ("g_members", g_members),
    ("g_del", g_del),
    ("g_set", g_set),
    ("g_move", g_move),
    ("g_visit", g_visit),
    ("g_visititems", g_visititems),
    ("g_props", g_props),
];

fn repr(session: &mut Session, step: &Value) -> Outcome {
    let target = text(step, "target")?;
    if let Ok(Thing::Loader(loader)) = session.thing(target) {
        return Ok(loader.to_string().into());
    }
    Ok(node_text(&session.node(target)?.0).into())
}

/// The text that `info` prints; it names the store as Python does.
fn info(session: &mut Session, step: &Value) -> Outcome {
    let (node, shelf) = session.target(step)?;
    let store_type = if shelf.class.is_empty() {
        "KVStore"
    } else {
        shelf.class
    }
    .to_owned();
    let chunk_store_type = shelf.chunk_class.map(str::to_owned);
    Ok(match node {
        Node::Array(array) => {
            let mut info = ArrayInfo {
                store_type,
                chunk_store_type,
                ..ArrayInfo::of(&array)?
            };
            if shelf.class == consolidated::CLASS {
                // Python does not know the sizes in that store, and leaves the lines out.
                info.size_stored = 0;
            }
            info.to_string()
        }
        Node::Group(group) => {
            let info = GroupInfo {
                store_type,
                chunk_store_type,
                ..GroupInfo::of(&group)?
            };
            info.to_string()
        }
    }
    .into())
}

fn get_store(session: &mut Session, step: &Value) -> Outcome {
    let (_, mut shelf) = session.target(step)?;
    if shelf.class.is_empty() {
        shelf.class = "KVStore";
    } else if shelf.class == consolidated::CLASS {
        shelf = consolidated::only_documents(&shelf)?;
    }
    let shown = json!({"store_class": shelf.class});
    session.name(step, Thing::Store(shelf));
    Ok(shown)
}

fn g_create_group(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let made = group.create_group_with(text(step, "name")?, flag(step, "overwrite"))?;
    Ok(session.name_node(step, Node::Group(made), &shelf))
}

fn g_require_group(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let found = group.require_group_with(text(step, "name")?, flag(step, "overwrite"))?;
    Ok(session.name_node(step, Node::Group(found), &shelf))
}

/// Makes an array below a group from the options of a step.
fn create(group: &Group, shelf: &Shelf, step: &Value, overwrite: bool) -> Outcome<Array> {
    check_writable(group)?;
    let (builder, data, options) = planned(shelf, step, group.options())?;
    let group = group.clone().with_options(|old| *old = options);
    let array = group.create_array(text(step, "name")?, builder, overwrite)?;
    if let Some(data) = data {
        array.write_data(&Selection::all(), &data)?;
    }
    Ok(array)
}

/// Python asks this before anything else.
fn check_writable(group: &Group) -> Outcome<()> {
    if group.options().read_only {
        return Err(CoreError::ReadOnly {
            path: group.path().to_string(),
        }
        .into());
    }
    Ok(())
}

fn g_create_dataset(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let array = create(&group, &shelf, step, flag(step, "overwrite"))?;
    Ok(session.name_node(step, Node::Array(array), &shelf))
}

fn g_require_dataset(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    check_writable(&group)?;
    let array = match group.find(text(step, "name")?)? {
        None => create(&group, &shelf, step, false)?,
        Some(Node::Array(array)) => {
            let (data_type, byte_order) =
                Asked::of(step, None)?.data_type(step.get("dtype").filter(|dtype| !dtype.is_null()))?;
            let shape = values::lengths(&step["shape"])?;
            check_required(&array, &shape, (&data_type, byte_order), flag(step, "exact"))?;
            array
        }
        Some(Node::Group(found)) => {
            let message = format!("path {} contains a group", quoted(found.path().as_str()));
            return Err(Failure::new("zarr.errors.ContainsGroupError", message).into());
        }
    };
    Ok(session.name_node(step, Node::Array(array), &shelf))
}

fn g_get(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let found = group.get(text(step, "name")?);
    let node = found.map_err(|error| phrase(&error.into(), Doing::Member))?;
    Ok(session.name_node(step, node, &shelf))
}

fn g_contains(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let names = step["names"].as_array().into_iter().flatten();
    let found = names.map(|name| Ok(group.contains(name.as_str().unwrap_or_default())?));
    Ok(found.collect::<Outcome<Vec<bool>>>()?.into())
}

fn g_members(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let bare = |arrays: &[Array]| -> Vec<_> {
        arrays
            .iter()
            .map(|array| array.path().name().to_owned())
            .collect()
    };
    let names = group.names()?;
    let groups: Vec<_> = group
        .groups()?
        .iter()
        .map(|group| group.path().name().to_owned())
        .collect();
    Ok(json!({
        "len": names.len(),
        "names": names,
        "groups": groups,
        "arrays": bare(&group.arrays()?),
        "arrays_recursive": bare(&group.arrays_recursive()?),
    }))
}

fn g_del(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let erased = group.erase(text(step, "name")?);
    erased.map_err(|error| phrase(&error.into(), Doing::Member))?;
    Ok(Value::Null)
}

/// `group[name] = value`.
fn g_set(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let value = step.get("value").or_else(|| step.get("data"));
    let value = value.ok_or_else(|| Fault::unsupported("g_set without a value"))?;
    create(
        &group,
        &shelf,
        &json!({"name": step["name"], "data": value}),
        true,
    )?;
    Ok(Value::Null)
}

fn g_move(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let dest = text(step, "dest")?;
    let target = group.path().join(dest)?;
    match group.rename(text(step, "source")?, dest) {
        Err(CoreError::NotFound { path, .. }) => {
            let message = format!("The source, \"{path}\", does not exist.");
            Err(Failure::new("ValueError", message).into())
        }
        Err(CoreError::Exists { path, .. }) if path == target.as_str() => {
            let message = format!("The dest, \"{path}\", already exists.");
            Err(Failure::new("ValueError", message).into())
        }
        moved => Ok(moved.map(|()| Value::Null)?),
    }
}

/// The names that a visit comes by.
fn g_visit(session: &mut Session, step: &Value) -> Outcome {
    let mut names = Vec::new();
    visit(session, step, &mut |name, _| names.push(Value::from(name)))?;
    Ok(names.into())
}

/// The names and nodes that a visit comes by.
fn g_visititems(session: &mut Session, step: &Value) -> Outcome {
    let mut items = Vec::new();
    visit(session, step, &mut |name, node| {
        items.push(json!([name, {"repr": node_text(node)}]));
    })?;
    Ok(items.into())
}

fn visit(session: &Session, step: &Value, see: &mut dyn FnMut(&str, &Node)) -> Outcome<()> {
    let (group, _) = session.group(step)?;
    let stop = ["stop", "stop_at", "until"]
        .iter()
        .find_map(|name| step[*name].as_str());
    group.visit(|name, node| {
        see(name, node);
        Ok::<_, Fault>((stop == Some(name)).then_some(()))
    })?;
    Ok(())
}

fn g_props(session: &mut Session, step: &Value) -> Outcome {
    let node = session.target(step)?.0;
    let (path, options) = match &node {
        Node::Group(group) => (group.path(), group.options()),
        Node::Array(array) => (array.path(), array.options()),
    };
    Ok(json!({
        "name": path.to_string(),
        "path": path.as_str(),
        "basename": path.name(),
        "read_only": options.read_only,
    }))
}
