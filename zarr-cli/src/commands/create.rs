//! `zarr create`.

use anyhow::Result;
use serde_json::Value;
use zarr_convenience::{
    OpenMode, ZarrSource,
    core::{Array, Group, Node},
    data_type_text, node_json, open, open_store, shape_text,
};

use crate::{
    args::{Common, CreateArgs},
    locations::{Output, locate, options},
    output,
};

pub(crate) fn run(args: &CreateArgs, common: &Common) -> Result<()> {
    let location = locate(&args.node.location, args.node.path.as_deref())?;
    let mode = OpenMode::parse(&args.mode)?;
    let creation = args.creation.parse()?;
    let dtype = dtype(&args.dtype)?;
    let array = args.shape.as_deref().map(|shape| (shape, &dtype));
    let options = options(common);
    let what = (&creation, &options);
    let node = if mode == OpenMode::Read {
        open(&open_store(&location, false)?, &location.path, mode, array, what)?
    } else {
        let output = Output::open_in_place(&location, common)?;
        let node = open(&output.store(), &location.path, mode, array, what)?;
        output.finish()?;
        node
    };
    show(&node, common)
}

/// Prints a node as zarr-python does.
pub(super) fn show(node: &Node, common: &Common) -> Result<()> {
    let text = match node {
        Node::Array(array) => array_repr(array),
        Node::Group(group) => group_repr(group),
    };
    if common.json {
        let mut members = node_json(&ZarrSource::new(node.clone()).root());
        members.insert("text".to_owned(), text.into());
        output::json(&members.into())
    } else {
        output::line(&crate::status::printable(&text))
    }
}

/// A type in NumPy's notation, a V3 name that NumPy lacks, or as JSON a list of fields or the V3 form.
fn dtype(text: &str) -> Result<Value> {
    if text.trim_start().starts_with(['[', '{']) {
        let parsed = zarr_convenience::core::metadata::json::parse(text.as_bytes());
        return parsed.map_err(|error| crate::status::usage(format!("--dtype: {error}")).into());
    }
    Ok(text.into())
}

/// zarr-python's text of an array.
fn array_repr(array: &Array) -> String {
    let data_type = data_type_text(array.data_type(), array.metadata().codecs.byte_order());
    let name = if array.path().is_root() {
        String::new()
    } else {
        format!(" '{}'", array.path())
    };
    let state = if array.options().read_only {
        " read-only"
    } else {
        ""
    };
    format!(
        "<zarr.core.Array{name} {} {data_type}{state}>",
        shape_text(array.shape())
    )
}

/// zarr-python's text of a group.
fn group_repr(group: &Group) -> String {
    let state = if group.options().read_only {
        " read-only"
    } else {
        ""
    };
    format!("<zarr.hierarchy.Group '{}'{state}>", group.path())
}
