//! `zarr ls`.

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};
use zarr_convenience::{SourceNode, shape_text};

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
        return output::json(&members.iter().map(document).collect());
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

/// A node as JSON, without its members: what `zarr tree --json` has of it.
pub(super) fn document(node: &SourceNode) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| members.insert(name.to_owned(), value);
    add("path", node.path().to_string().into());
    match node {
        SourceNode::Group(_) => drop(add("kind", "group".into())),
        SourceNode::Other { what, .. } => {
            add("kind", "other".into());
            add("what", what.as_str().into());
        }
        SourceNode::Array(array) => {
            add("kind", "array".into());
            add("shape", array.shape().to_vec().into());
            add("dtype", array.data_type_text().into());
            add("chunks", array.chunk_shape().map(<[u64]>::to_vec).into());
        }
    }
    members.into()
}
