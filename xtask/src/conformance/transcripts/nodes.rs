//! Methods of groups, and attributes.

use serde_json::{Map, Value, json};
use zarr_convenience::{
    core::{Node, walk},
    create_group,
};

use super::{
    Operation,
    open::make_array,
    options::Asked,
    outcome::{Doing, Failure, Fault, Outcome, phrase, quoted},
    session::{Session, Shelf, Thing, flag, node_text, text},
    values,
    verbs::missing,
};

pub(super) const OPERATIONS: &[(&str, Operation)] = &[
    ("repr", repr),
    ("get_store", get_store),
    ("g_create_group", g_create_group),
    ("g_require_group", g_require_group),
    ("g_create_dataset", g_create_dataset),
    ("g_require_dataset", g_require_dataset),
    ("g_get", g_get),
    ("g_contains", g_contains),
    ("g_members", g_members),
    ("g_del", g_del),
    ("g_props", g_props),
    ("attrs", attrs),
    ("attrs_get", attrs_get),
    ("attrs_set", attrs_set),
    ("attrs_del", attrs_del),
    ("attrs_update", attrs_update),
    ("attrs_put", attrs_put),
    ("attrs_asdict_mutate", attrs_asdict_mutate),
];

fn repr(session: &mut Session, step: &Value) -> Outcome {
    let target = text(step, "target")?;
    if let Ok(Thing::Loader(loader)) = session.thing(target) {
        return Ok(loader.to_string().into());
    }
    Ok(node_text(&session.node(target)?.0).into())
}

fn get_store(session: &mut Session, step: &Value) -> Outcome {
    let (_, shelf) = session.target(step)?;
    let shown = json!({"store_class": shelf.class});
    session.name(step, Thing::Store(shelf));
    Ok(shown)
}

fn g_create_group(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let name = text(step, "name")?;
    let made = if flag(step, "overwrite") {
        let creation = Asked::of(&Value::Null, None)?.creation;
        let path = group.path().join(name)?;
        create_group(group.store(), &path, true, (&creation, group.options()))?
    } else {
        group.create_group(name)?
    };
    Ok(session.name_node(step, Node::Group(made), &shelf))
}

fn g_require_group(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let found = group.require_group(text(step, "name")?)?;
    Ok(session.name_node(step, Node::Group(found), &shelf))
}

fn g_create_dataset(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let path = group.path().join(text(step, "name")?)?;
    let array = make_array(&shelf, &path, step, group.options(), flag(step, "overwrite"))?;
    Ok(session.name_node(step, Node::Array(array), &shelf))
}

/// An array that is there must have the shape, and a type that the one asked for fits into.
fn g_require_dataset(session: &mut Session, step: &Value) -> Outcome {
    let (group, shelf) = session.group(step)?;
    let name = text(step, "name")?;
    let array = match group.find(name)? {
        None => make_array(&shelf, &group.path().join(name)?, step, group.options(), false)?,
        Some(Node::Array(array)) => array,
        Some(Node::Group(found)) => {
            let message = format!("path {} contains a group", quoted(found.path().as_str()));
            return Err(Failure::new("zarr.errors.ContainsGroupError", message).into());
        }
    };
    let shape = values::lengths(&step["shape"])?;
    if array.shape() != shape {
        let message = format!(
            "shape do not match existing array; expected {}, got {}",
            zarr_convenience::shape_text(array.shape()),
            zarr_convenience::shape_text(&shape)
        );
        return Err(Failure::new("TypeError", message).into());
    }
    let (asked, _) = Asked::of(step, None)?.data_type(step.get("dtype"))?;
    let there = array.data_type();
    if flag(step, "exact") && asked != *there {
        let message = format!("dtypes do not match exactly; expected {there}, got {asked}");
        return Err(Failure::new("TypeError", message).into());
    }
    if !fits(&asked.to_string(), &there.to_string()) {
        let message = format!("dtypes ({asked}, {there}) cannot be safely cast");
        return Err(Failure::new("TypeError", message).into());
    }
    Ok(session.name_node(step, Node::Array(array), &shelf))
}

/// `NumPy`'s rule for numbers: whether every value of one type is one of the other.
fn fits(from: &str, to: &str) -> bool {
    let split = |name: &str| {
        let digits = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
        let bits: u32 = name[digits..].parse().unwrap_or(0);
        (name[..digits].to_owned(), bits)
    };
    let ((from_kind, from_bits), (to_kind, to_bits)) = (split(from), split(to));
    match (from_kind.as_str(), to_kind.as_str()) {
        (a, b) if a == b => from_bits <= to_bits,
        ("bool", _) => true,
        ("uint", "int") => from_bits < to_bits,
        ("int" | "uint", "float") => from_bits < to_bits || to_bits == 64,
        ("int" | "uint", "complex") => from_bits < to_bits / 2 || to_bits == 128,
        ("float", "complex") => from_bits <= to_bits / 2,
        _ => false,
    }
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
    let found = names.map(|name| Ok(group.find(name.as_str().unwrap_or_default())?.is_some()));
    Ok(found.collect::<Outcome<Vec<bool>>>()?.into())
}

fn g_members(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let members = group.members()?;
    let names = |wanted: &dyn Fn(&Node) -> bool| -> Vec<String> {
        let found = members.iter().filter(|node| wanted(node));
        found.map(|node| node.path().name().to_owned()).collect()
    };
    let mut recursive = Vec::new();
    walk::<Fault>(&group, &mut |node| {
        if let Node::Array(array) = node {
            recursive.push(array.path().name().to_owned());
        }
        Ok(())
    })?;
    Ok(json!({
        "names": names(&|_| true),
        "len": members.len(),
        "groups": names(&|node| matches!(node, Node::Group(_))),
        "arrays": names(&|node| matches!(node, Node::Array(_))),
        "arrays_recursive": recursive,
    }))
}

fn g_del(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let erased = group.erase(text(step, "name")?);
    erased.map_err(|error| phrase(&error.into(), Doing::Member))?;
    Ok(Value::Null)
}

fn g_props(session: &mut Session, step: &Value) -> Outcome {
    let (group, _) = session.group(step)?;
    let path = group.path();
    Ok(json!({
        "name": path.to_string(),
        "path": path.as_str(),
        "basename": path.name(),
        "read_only": group.options().read_only,
    }))
}

/// The attributes as transcripts show them: numbers that JSON lacks are texts.
pub(super) fn shown(value: &Value) -> Value {
    match value {
        Value::Number(number) if ["NaN", "Infinity", "-Infinity"].contains(&number.to_string().as_str()) => {
            number.to_string().into()
        }
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (name.clone(), shown(value)));
            members.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// A value of a transcript as an attribute.
fn attribute(value: &Value) -> Outcome {
    let Some(text) = value.get("float").and_then(Value::as_str) else {
        return Ok(value.clone());
    };
    // Documents may have these words; only the parser of documents makes numbers of them.
    zarr_convenience::core::metadata::json::parse(text.as_bytes())
        .map_err(|error| Fault::unsupported(format!("attribute {text}: {error}")))
}

fn attributes(session: &Session, step: &Value) -> Outcome<(Node, Shelf, Map<String, Value>)> {
    let (node, shelf) = session.target(step)?;
    let attributes = node.attributes()?;
    Ok((node, shelf, attributes))
}

fn put(node: Node, attributes: Map<String, Value>) -> Outcome {
    let put = match node {
        Node::Array(array) => array.set_attributes(attributes),
        Node::Group(group) => group.set_attributes(attributes),
    };
    put.map_err(|error| phrase(&error.into(), Doing::Attributes))?;
    Ok(Value::Null)
}

fn attrs(session: &mut Session, step: &Value) -> Outcome {
    Ok(shown(&attributes(session, step)?.2.into()))
}

fn attrs_get(session: &mut Session, step: &Value) -> Outcome {
    let name = text(step, "key")?;
    let (_, _, attributes) = attributes(session, step)?;
    attributes.get(name).map(shown).ok_or_else(|| missing(name))
}

fn attrs_set(session: &mut Session, step: &Value) -> Outcome {
    let (node, _, mut attributes) = attributes(session, step)?;
    attributes.insert(text(step, "key")?.to_owned(), attribute(&step["value"])?);
    put(node, attributes)
}

fn attrs_del(session: &mut Session, step: &Value) -> Outcome {
    let name = text(step, "key")?;
    let (node, _, mut attributes) = attributes(session, step)?;
    attributes.remove(name).ok_or_else(|| missing(name))?;
    put(node, attributes)
}

fn attrs_update(session: &mut Session, step: &Value) -> Outcome {
    let (node, _, mut attributes) = attributes(session, step)?;
    for (name, value) in step["values"].as_object().into_iter().flatten() {
        attributes.insert(name.clone(), attribute(value)?);
    }
    put(node, attributes)
}

fn attrs_put(session: &mut Session, step: &Value) -> Outcome {
    let (node, _) = session.target(step)?;
    put(node, step["values"].as_object().cloned().unwrap_or_default())
}

/// What is handed out is a copy: changing it changes nothing.
fn attrs_asdict_mutate(session: &mut Session, step: &Value) -> Outcome {
    let (_, _, mut attributes) = attributes(session, step)?;
    attributes.insert(text(step, "key")?.to_owned(), step["value"].clone());
    Ok(Value::Null)
}
