//! `zarr load`.

use std::sync::Arc;

use anyhow::{Result, bail};
use serde_json::json;
use zarr_convenience::{
    Source, SourceArray, SourceNode,
    core::{ArrayData, NodePath, Selection},
};

use crate::{
    args::{Common, LoadArgs},
    locations::{open_source, workers},
    npy,
    numpy_text::{array_text, edges, edges_text},
    output,
};

pub(crate) fn run(args: &LoadArgs, common: &Common) -> Result<()> {
    let (source, node) = open_source(&args.node.location, args.node.path.as_deref(), common)?;
    match &node {
        SourceNode::Array(array) => {
            let selection = args
                .select
                .as_deref()
                .map_or_else(|| Ok(Selection::all()), Selection::parse)?;
            show(array.as_ref(), &selection, args, common)?;
        }
        SourceNode::Group(path) => {
            if args.select.is_some() {
                bail!(crate::status::usage(
                    "--select is for arrays, and this is a group".to_owned()
                ));
            }
            let arrays = arrays(source.as_ref(), path)?;
            if let Some(file) = &args.output {
                if file.extension().is_some_and(|ending| ending == "npy") {
                    let reason =
                        "an .npy file has one array, and this is a group: its arrays go into an .npz file";
                    bail!(crate::status::usage(reason.to_owned()));
                }
                let arrays = read_all(&arrays, path, common)?;
                npy::write_npz(file, &arrays)?;
                let names: Vec<_> = arrays.into_iter().map(|(name, _)| name).collect();
                let output = file.display().to_string();
                let document = json!({"path": path.to_string(), "arrays": names, "output": output});
                return if common.json {
                    output::json(&document)
                } else {
                    Ok(())
                };
            }
            // As zarr-python shows it: the arrays directly below.
            let direct = arrays
                .iter()
                .filter(|array| array.path().parent().as_ref() == Some(path));
            let names: Vec<_> = direct.map(|array| array.path().name().to_owned()).collect();
            if common.json {
                return output::json(&json!({"path": path.to_string(), "arrays": names}));
            }
            let text = format!("<LazyLoader: {}>", names.join(", "));
            output::line(&crate::status::printable(&text))?;
        }
        SourceNode::Other { path, what } => bail!("{path} is not loaded: {what}"),
    }
    Ok(())
}

/// Shows elements of an array, or writes them to a file.
fn show(array: &dyn SourceArray, selection: &Selection, args: &LoadArgs, common: &Common) -> Result<()> {
    let read = |selection: &Selection| array.read(selection, workers(common));
    let dtype = array.data_type_text();
    let described = |shape: &[u64], member: &str, value: &str| json!({"path": array.path().to_string(), "shape": shape, "dtype": dtype, member: value});
    if let Some(path) = &args.output {
        let data = read(selection)?;
        npy::write(path, &data)?;
        return if common.json {
            output::json(&described(&data.shape, "output", &path.display().to_string()))
        } else {
            Ok(())
        };
    }
    // Of a large array no more is read than what is shown of it.
    let edges = edges(array.shape()).filter(|_| *selection == Selection::all());
    let (shape, text) = if let Some(edges) = edges {
        (array.shape().to_vec(), edges_text(&read(&edges)?, array.shape()))
    } else {
        let data = read(selection)?;
        let text = array_text(&data);
        (data.shape, text)
    };
    if common.json {
        output::json(&described(&shape, "text", &text))
    } else {
        output::line(&text)
    }
}

/// All arrays below a group, in order.
fn arrays(source: &dyn Source, group: &NodePath) -> Result<Vec<Arc<dyn SourceArray>>> {
    let mut arrays = Vec::new();
    for node in source.members(group)? {
        match node {
            SourceNode::Array(array) => arrays.push(array),
            SourceNode::Group(path) => arrays.extend(self::arrays(source, &path)?),
            SourceNode::Other { .. } => {}
        }
    }
    Ok(arrays)
}

fn read_all(
    arrays: &[Arc<dyn SourceArray>],
    group: &NodePath,
    common: &Common,
) -> Result<Vec<(String, ArrayData)>> {
    let read = |array: &Arc<dyn SourceArray>| {
        let path = array.path().as_str();
        let name = path
            .strip_prefix(group.as_str())
            .unwrap_or(path)
            .trim_start_matches('/');
        Ok((name.to_owned(), array.read(&Selection::all(), workers(common))?))
    };
    arrays.iter().map(read).collect()
}
