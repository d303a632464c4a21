//! `zarr ls`.

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use zarr_convenience::{SourceNode, node_json, shape_text};

use crate::{
    args::{Common, NodeArgs},
    locations::open_source,
    output,
    status::printable,
};

pub(crate) const HELP: &str = "\
Example: zarr ls out.zarr
         zarr ls data.h5/ocean --long";

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// Show the shapes and types of arrays
    #[arg(short, long)]
    long: bool,
}

pub(crate) fn run(args: &LsArgs, common: &Common) -> Result<()> {
    let (source, node) = open_source(&args.node.location, args.node.path.as_deref(), common)?;
    // As `ls` does, what has no members is shown itself.
    let members = match &node {
        SourceNode::Group(path) => source.members(path)?,
        _ => vec![node],
    };
    if common.json {
        return output::json(&members.iter().map(node_json).map(Value::from).collect());
    }
    let lines: Vec<_> = members.iter().map(|member| line(member, args.long)).collect();
    if lines.is_empty() {
        return Ok(());
    }
    output::line(&lines.join("\n"))
}

/// The name of a node, that of a group with a slash behind it.
fn line(node: &SourceNode, is_long: bool) -> String {
    let name = match node.path().name() {
        "" => "/",
        name => name,
    };
    printable(&match node {
        SourceNode::Group(_) => format!("{}/", name.trim_end_matches('/')),
        SourceNode::Array(array) if is_long => {
            format!("{name} {} {}", shape_text(array.shape()), array.data_type_text())
        }
        SourceNode::Other { what, .. } if is_long => format!("{name} ({what})"),
        _ => name.to_owned(),
    })
}
