//! The workloads of hierarchies with many nodes.

use std::{path::Path, sync::Arc};

use anyhow::{Result, bail};
use serde_json::json;
use zarr_convenience::{
    OpenConsolidated, OpenMode, TreeOptions, ZarrSource, consolidate_metadata, open_consolidated, tree,
};
use zarr_core::{
    Array, ArrayBuilder, Error, Group, Node, NodePath,
    store::{DirectoryStore, MemoryStore, Store},
    walk,
};

use crate::{
    Outcome, Timer,
    arrays::{create as create_array, document},
    options, out_group, out_path, pinned,
};

/// Runs an operation on a hierarchy of a format.
pub(crate) fn run(dir: &Path, format: &str, operation: &str) -> Result<Option<Outcome>> {
    let open = |name: String| pinned(&dir.join("hier").join(name));
    let plain = || open(format.to_owned());
    let consolidated = || open(format!("{format}c"));
    let outcome = match operation {
        "create" => create(dir, format, true)?,
        "createeach" => create(dir, format, false)?,
        "walk" => {
            let timer = Timer::start();
            visit(&timer, Node::open(plain()?, &NodePath::root(), &options())?)?
        }
        "tree" => draw(plain)?,
        "consolidate" => consolidate(dir)?,
        "openconsol" => {
            let timer = Timer::start();
            let root = through_document(&consolidated()?)?;
            let Node::Array(array) = group(root)?.get("g00/a00")? else {
                bail!("g00/a00 is no array")
            };
            Outcome {
                check: array.shape()[0],
                ..outcome(&timer, 0, 1)
            }
        }
        "openconsolwalk" => {
            let timer = Timer::start();
            visit(&timer, through_document(&consolidated()?)?)?
        }
        _ => return Ok(None),
    };
    Ok(Some(outcome))
}

fn outcome(timer: &Timer, bytes: u64, operations: u64) -> Outcome {
    Outcome {
        time: timer.elapsed(),
        bytes,
        operations,
        check: 0,
    }
}

pub(crate) fn group(node: Node) -> Result<Group> {
    match node {
        Node::Group(group) => Ok(group),
        Node::Array(_) => bail!("an array is where a group belongs"),
    }
}

pub(crate) fn through_document(store: &Arc<dyn Store>) -> Result<Node> {
    let how = OpenConsolidated {
        mode: OpenMode::Read,
        options: options(),
        ..OpenConsolidated::default()
    };
    Ok(open_consolidated(store, &NodePath::root(), &how)?)
}

/// Makes 50 groups of 99 arrays with two attributes each: all in one step, or each node in one.
fn create(dir: &Path, format: &str, is_whole: bool) -> Result<Outcome> {
    let document = document(dir, "hier", format)?;
    let model: Array = create_array(Arc::new(MemoryStore::new()), &document, format, &options())?;
    let format = model.metadata().format;
    let fill = |root: &Group| -> Result<()> {
        for i in 0..50 {
            let group = root.create_group(&format!("g{i:02}"))?;
            for j in 0..99 {
                let attributes = [("units".to_owned(), json!("m")), ("idx".to_owned(), json!(j))];
                let builder = ArrayBuilder::like(&model).attributes(attributes.into_iter().collect());
                group.create_array(&format!("a{j:02}"), builder, false)?;
            }
        }
        Ok(())
    };
    let timer = Timer::start();
    if is_whole {
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(out_path(dir))?);
        Group::create_filled(store, &NodePath::root(), format, &options(), fill)?;
    } else {
        fill(&out_group(dir, format)?)?;
    }
    Ok(outcome(&timer, 0, 1 + 50 * 100))
}

/// Visits every node and adds up the lengths of arrays.
pub(crate) fn visit(timer: &Timer, root: Node) -> Result<Outcome> {
    let (mut nodes, mut length) = (1, 0);
    walk(&group(root)?, &mut |node| {
        nodes += 1;
        if let Node::Array(array) = node {
            length += array.shape().first().copied().unwrap_or(0);
        }
        Ok::<_, Error>(())
    })?;
    Ok(Outcome {
        check: length,
        ..outcome(timer, 0, nodes)
    })
}

fn draw(open: impl Fn() -> Result<Arc<dyn Store>>) -> Result<Outcome> {
    let timer = Timer::start();
    let source = ZarrSource::new(Node::open(open()?, &NodePath::root(), &options())?);
    let text = tree(&source, &source.root(), &TreeOptions::default())?;
    let lines = text.lines().count() as u64;
    Ok(outcome(&timer, text.len() as u64, lines.saturating_sub(1)))
}

/// Collects the documents of the copy of the hierarchy that the benchmark makes before.
fn consolidate(dir: &Path) -> Result<Outcome> {
    let timer = Timer::start();
    let store: Arc<dyn Store> = Arc::new(DirectoryStore::create(dir.join("out").join("hier"))?);
    let how = OpenConsolidated {
        options: options(),
        ..OpenConsolidated::default()
    };
    consolidate_metadata(&store, &NodePath::root(), &how)?;
    Ok(outcome(&timer, 0, 1))
}
