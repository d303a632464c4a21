//! A hierarchy as one JSON document, written as it is walked.

use std::io::Write;

use serde_json::{Map, Value};
use zarr_core::Array;

use super::{
    text::failed,
    walk::{More, TreeOptions, TreeWalk},
};
use crate::{Result, Source, SourceNode};

/// Writes a node and all below it as a JSON document: an object with `path` and `kind` (`group`, `array`, `other`); of
/// an array also `shape`, `dtype`, `chunks` (null if it is in one piece) and `shards` if it has some, of what is no node `what`, and of a group
/// `members`, unless they are beyond the last level.
///
/// The root of a tree that ended at its limit has `after`, the path behind which the next page begins. A page that does
/// not begin at the root has all groups above its first node.
///
/// # Errors
/// Those of [`write_tree`](crate::write_tree).
pub fn write_tree_json(
    source: &dyn Source,
    node: &SourceNode,
    options: &TreeOptions,
    output: &mut dyn Write,
) -> Result<Option<More>> {
    let mut walk = TreeWalk::new(source, node, options)?;
    let mut writer = Writer {
        output,
        open: Vec::new(),
    };
    let above = walk.above().to_vec();
    if options.after.is_some() && above.is_empty() {
        // Nothing is left, and the document is that of the root alone.
        writer.node(node, 0, true)?;
    }
    for (depth, node) in above.iter().enumerate() {
        writer.node(node, depth, true)?;
    }
    while let Some(node) = walk.next()? {
        writer.node(&node.node, node.depth(), node.n_members.is_some())?;
    }
    let more = walk.more();
    writer.close(1)?;
    writer.end(more.as_ref())?;
    Ok(more)
}

struct Writer<'a> {
    output: &'a mut dyn Write,
    /// Of each object that is not closed yet, whether it has a list of members, and whether a member is in it.
    open: Vec<(bool, bool)>,
}

impl Writer<'_> {
    fn node(&mut self, node: &SourceNode, depth: usize, has_members: bool) -> Result<()> {
        self.close(depth)?;
        if let Some((_, is_filled)) = self.open.last_mut() {
            if *is_filled {
                self.output.write_all(b", ").map_err(failed)?;
            }
            *is_filled = true;
        }
        let text = Value::from(node_json(node)).to_string();
        let text = text.trim_end_matches('}');
        let members = if has_members { ", \"members\": [" } else { "" };
        write!(self.output, "{text}{members}").map_err(failed)?;
        self.open.push((has_members, false));
        Ok(())
    }

    /// Closes objects until only so many are open.
    fn close(&mut self, depth: usize) -> Result<()> {
        while self.open.len() > depth {
            let end = if self.open.pop().is_some_and(|(has_members, _)| has_members) {
                "]}"
            } else {
                "}"
            };
            self.output.write_all(end.as_bytes()).map_err(failed)?;
        }
        Ok(())
    }

    /// Closes the root.
    fn end(&mut self, more: Option<&More>) -> Result<()> {
        if self.open.pop().is_some_and(|(has_members, _)| has_members) {
            self.output.write_all(b"]").map_err(failed)?;
        }
        if let Some(more) = more {
            let after = Value::from(more.after.to_string());
            write!(self.output, ", \"after\": {after}").map_err(failed)?;
        }
        writeln!(self.output, "}}").map_err(failed)
    }
}

/// A node as JSON without what is in it: the members that [`write_tree_json`] gives it.
pub fn node_json(node: &SourceNode) -> Map<String, Value> {
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
            let inner = array.as_zarr().and_then(Array::inner_chunk_shape);
            let stored = array.chunk_grid().map(|grid| grid.lengths_json());
            if inner.is_some() {
                add("chunks", inner.into());
                add("shards", stored.into());
            } else {
                add("chunks", stored.into());
            }
        }
    }
    members
}
