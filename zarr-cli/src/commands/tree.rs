//! `zarr tree`.

use anyhow::Result;
use serde_json::{Value, json};
use zarr_convenience::{Source, SourceNode, TreeOptions, tree};

use crate::{
    args::{Common, TreeArgs},
    locations::open_source,
    output,
};

pub(crate) fn run(args: &TreeArgs, common: &Common) -> Result<()> {
    let (source, node) = open_source(&args.node.location, args.node.path.as_deref(), common)?;
    // As in zarr-python, a level of 0 or below shows the root alone.
    let level = args.level.map(|level| usize::try_from(level).unwrap_or(0));
    if common.json {
        let levels = level.unwrap_or(usize::MAX);
        return output::json(&json_tree(source.as_ref(), &node, levels)?);
    }
    let ascii = args.ascii;
    output::line(&tree(source.as_ref(), &node, TreeOptions { level, ascii })?)
}

fn json_tree(source: &dyn Source, node: &SourceNode, levels: usize) -> Result<Value> {
    let path = node.path().to_string();
    Ok(match node {
        SourceNode::Array(array) => json!({
            "path": path, "kind": "array", "shape": array.shape(), "dtype": array.data_type_text(),
        }),
        SourceNode::Other { what, .. } => json!({"path": path, "kind": "other", "what": what}),
        SourceNode::Group(group) => {
            let Some(below) = levels.checked_sub(1) else {
                return Ok(json!({"path": path, "kind": "group"}));
            };
            let members = source.members(group)?;
            let members: Vec<_> = members
                .iter()
                .map(|member| json_tree(source, member, below))
                .collect::<Result<_>>()?;
            json!({"path": path, "kind": "group", "members": members})
        }
    })
}
