//! `zarr load`.

use std::sync::Arc;

use anyhow::{Result, bail};
use serde_json::{Value, json};
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
            if let Some(path) = &args.output {
                npy::write(path, &data)?;
            }
            match (&args.output, common.json) {
                (_, true) => output::json(&document(array.as_ref(), &data, args))?,
                (None, false) => output::line(&array_text(&data))?,
                (Some(_), false) => {}
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

/// What was loaded of an array: its values as text, or the file they were written to.
fn document(array: &dyn SourceArray, data: &ArrayData, args: &LoadArgs) -> Value {
    let (path, dtype) = (array.path().to_string(), array.data_type_text());
    match &args.output {
        Some(file) => {
            let output = file.display().to_string();
            json!({"path": path, "shape": data.shape, "dtype": dtype, "output": output})
        }
        None => json!({"path": path, "shape": data.shape, "dtype": dtype, "text": array_text(data)}),
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
