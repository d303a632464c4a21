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
    numpy_text::array_text,
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
            let data = array.read(&selection, workers(common))?;
            match &args.output {
                Some(path) => npy::write(path, &data)?,
                None if common.json => {
                    let shape = array.shape();
                    let dtype = array.data_type_text();
                    let path = array.path().to_string();
                    output::json(
                        &json!({"path": path, "shape": shape, "dtype": dtype, "text": array_text(&data)}),
                    )?;
                }
                None => output::line(&array_text(&data))?,
            }
        }
        SourceNode::Group(path) => {
            if args.select.is_some() {
                bail!(crate::status::usage(
                    "--select is for arrays, and this is a group".to_owned()
                ));
            }
            let arrays = arrays(source.as_ref(), path)?;
            if let Some(file) = &args.output {
                return npy::write_npz(file, &read_all(&arrays, path, common)?);
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
